/* conv2d_group4_avx2.c -- convolution in groups of 4 channels by vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         8
#define GROUP      4
#define NAME(x)    x##_f32__avx2
#define DW(x)      fv_conv2d_group4##x##_f32__avx2
#define PACKING(x) "group4-" x "-8"
#include "kernels/conv2d/conv2d_dw.inc"
