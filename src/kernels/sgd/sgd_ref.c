/* sgd_ref.c -- the reference of the update in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/sgd/sgd_ref.inc"
