/* conv2d_winograd2_neon.c -- 3x3 convolution by tiles of 2 x 2 outputs, on vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL          4
#define MR          6
#define NV          2
#define TILE        2
#define TAPS        3
#define NAME(x)     x##_f32__neon
#define WINOGRAD(x) fv_winograd2_##x##_f32__neon
#define PACKING(x)  "winograd2-" x "-4x2"
#include "kernels/conv2d/conv2d_winograd.inc"
