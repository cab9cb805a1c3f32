/* conv2d_wgrad_avx2.c -- weight and bias gradients by vectors of 8 floats, tiles of 6 x 16.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      8
#define MR      6
#define NV      2
#define NAME(x) x##_f32__avx2
#include "kernels/conv2d/conv2d_wgrad.inc"
