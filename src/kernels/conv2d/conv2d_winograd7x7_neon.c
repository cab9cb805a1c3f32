/* conv2d_winograd7x7_neon.c -- 7x7 convolution of stride 2 by tiles of 3 x 3 outputs, on vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          4
#define MR          6
#define NV          2
#define TILE        3
#define TAPS        4
#define STEP        2
#define NAME(x)     x##_f32__neon
#define WINOGRAD(x) fv_winograd7x7_##x##_f32__neon
#define PACKING(x)  "winograd7x7-" x "-4x2"
#include "kernels/conv2d/conv2d_winograd.inc"
