/* elementwise_ref.c -- the reference of sums and products in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/elementwise/elementwise_ref.inc"
