/* conv2d_wgrad_avx512.c -- weight and bias gradients by vectors of 16 floats, tiles of 14 x 32.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      16
#define MR      14
#define NV      2
#define NAME(x) x##_f32__avx512
#include "kernels/conv2d/conv2d_wgrad.inc"
