/* conv2d_winograd11x11_avx512.c -- 9x9 to 12x12 convolution of stride 4 by tiles of 4 x 4 outputs, on vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          16
#define MR          14
#define NV          2
#define TILE        4
#define TAPS        3
#define STEP        4
#define NAME(x)     x##_f32__avx512
#define WINOGRAD(x) fv_winograd11x11_##x##_f32__avx512
#define PACKING(x)  "winograd11x11-" x "-16x2"
#include "kernels/conv2d/conv2d_winograd.inc"
