/* adaptive_avx2.c -- the adaptive updates by vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      8
#define NAME(x) x##_f32__avx2
#include "kernels/adaptive/adaptive_fast.inc"
