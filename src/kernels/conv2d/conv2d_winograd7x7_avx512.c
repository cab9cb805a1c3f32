/* conv2d_winograd7x7_avx512.c -- 7x7 convolution of stride 2 by tiles of 3 x 3 outputs, on vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          16
#define MR          14
#define NV          2
#define TILE        3
#define TAPS        4
#define STEP        2
#define NAME(x)     x##_f32__avx512
#define WINOGRAD(x) fv_winograd7x7_##x##_f32__avx512
#define PACKING(x)  "winograd7x7-" x "-16x2"
#include "kernels/conv2d/conv2d_winograd.inc"
