/* lrn_ref.c -- the reference of local response normalisation in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/lrn/lrn_ref.inc"
