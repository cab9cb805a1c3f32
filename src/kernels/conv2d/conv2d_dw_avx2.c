/* conv2d_dw_avx2.c -- depthwise convolution, also as a pair with the one before it, by vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         8
#define MR         6
#define NV         2
#define NAME(x)    x##_f32__avx2
#define PACKING(x) "conv2d-" x "-8"
#include "kernels/conv2d/conv2d_dw.inc"
#include "kernels/conv2d/conv2d_pair.inc"
#include "kernels/conv2d/conv2d_dw_wgrad.inc"
