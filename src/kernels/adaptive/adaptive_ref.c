/* adaptive_ref.c -- the reference of the adaptive updates in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/adaptive/adaptive_ref.inc"
