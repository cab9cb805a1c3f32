/* conv2d_dw_avx512.c -- depthwise convolution, also as a pair with the one before it, by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         16
#define MR         14
#define NV         2
#define NAME(x)    x##_f32__avx512
#define PACKING(x) "conv2d-" x "-16"
#include "kernels/conv2d/conv2d_dw.inc"
#include "kernels/conv2d/conv2d_pair.inc"
#include "kernels/conv2d/conv2d_dw_wgrad.inc"
