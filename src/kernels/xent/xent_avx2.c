/* xent_avx2.c -- cross-entropies by vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      8
#define NAME(x) x##_f32__avx2
#include "kernels/xent/xent_fast.inc"
