/* conv2d_winograd5x5_avx512.c -- 5x5 convolution by tiles of 2 x 2 outputs, on vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          16
#define MR          14
#define NV          2
#define TILE        2
#define TAPS        5
#define NAME(x)     x##_f32__avx512
#define WINOGRAD(x) fv_winograd5x5_##x##_f32__avx512
#define PACKING(x)  "winograd5x5-" x "-16x2"
#include "kernels/conv2d/conv2d_winograd.inc"
