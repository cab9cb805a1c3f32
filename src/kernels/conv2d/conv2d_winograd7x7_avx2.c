/* conv2d_winograd7x7_avx2.c -- 7x7 convolution of stride 2 by tiles of 3 x 3 outputs, on vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          8
#define MR          6
#define NV          2
#define TILE        3
#define TAPS        4
#define STEP        2
#define NAME(x)     x##_f32__avx2
#define WINOGRAD(x) fv_winograd7x7_##x##_f32__avx2
#define PACKING(x)  "winograd7x7-" x "-8x2"
#include "kernels/conv2d/conv2d_winograd.inc"
