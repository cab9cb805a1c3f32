/* elementwise_avx512.c -- sums and products by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      16
#define NAME(x) x##_f32__avx512
#include "kernels/elementwise/elementwise_fast.inc"
