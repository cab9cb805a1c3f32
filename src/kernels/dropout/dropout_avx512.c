/* dropout_avx512.c -- dropout by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      16
#define NAME(x) x##_f32__avx512
#include "kernels/dropout/dropout_fast.inc"
