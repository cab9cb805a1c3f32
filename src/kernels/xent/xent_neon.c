/* xent_neon.c -- cross-entropies by vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      4
#define NAME(x) x##_f32__neon
#include "kernels/xent/xent_fast.inc"
