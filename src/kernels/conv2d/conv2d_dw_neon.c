/* conv2d_dw_neon.c -- depthwise convolution, also as a pair with the one before it, by vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         4
#define MR         6
#define NV         2
#define NAME(x)    x##_f32__neon
#define PACKING(x) "conv2d-" x "-4"
#include "kernels/conv2d/conv2d_dw.inc"
#include "kernels/conv2d/conv2d_pair.inc"
#include "kernels/conv2d/conv2d_dw_wgrad.inc"
