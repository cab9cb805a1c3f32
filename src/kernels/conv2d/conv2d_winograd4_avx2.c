/* conv2d_winograd4_avx2.c -- 3x3 convolution, its data and its weight gradient by tiles of 4 x 4 outputs, on vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          8
#define MR          6
#define NV          2
#define TILE        4
#define TAPS        3
#define NAME(x)     x##_f32__avx2
#define WINOGRAD(x) fv_winograd4_##x##_f32__avx2
#define PACKING(x)  "winograd4-" x "-8x2"
#include "kernels/conv2d/conv2d_winograd.inc"
#include "kernels/conv2d/conv2d_winograd_wgrad.inc"
