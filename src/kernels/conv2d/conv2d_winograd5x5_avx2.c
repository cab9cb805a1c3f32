/* conv2d_winograd5x5_avx2.c -- 5x5 convolution by tiles of 2 x 2 outputs, on vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          8
#define MR          6
#define NV          2
#define TILE        2
#define TAPS        5
#define NAME(x)     x##_f32__avx2
#define WINOGRAD(x) fv_winograd5x5_##x##_f32__avx2
#define PACKING(x)  "winograd5x5-" x "-8x2"
#include "kernels/conv2d/conv2d_winograd.inc"
