/* adaptive_avx512.c -- the adaptive updates by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      16
#define NAME(x) x##_f32__avx512
#include "kernels/adaptive/adaptive_fast.inc"
