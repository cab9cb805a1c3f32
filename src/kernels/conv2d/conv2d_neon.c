/* conv2d_neon.c -- convolution by vectors of 4 floats, tiles of 6 x 8.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         4
#define MR         6
#define NV         2
#define NAME(x)    x##_f32__neon
#define PACKING(x) "conv2d-" x "-4x2"
#include "kernels/conv2d/conv2d_gemm.inc"
