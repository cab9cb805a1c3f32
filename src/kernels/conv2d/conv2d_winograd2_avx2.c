/* conv2d_winograd2_avx2.c -- 3x3 convolution by tiles of 2 x 2 outputs, on vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          8
#define MR          6
#define NV          2
#define TILE        2
#define TAPS        3
#define NAME(x)     x##_f32__avx2
#define WINOGRAD(x) fv_winograd2_##x##_f32__avx2
#define PACKING(x)  "winograd2-" x "-8x2"
#include "kernels/conv2d/conv2d_winograd.inc"
