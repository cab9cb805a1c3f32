/* xent_avx512.c -- cross-entropies by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      16
#define NAME(x) x##_f32__avx512
#include "kernels/xent/xent_fast.inc"
