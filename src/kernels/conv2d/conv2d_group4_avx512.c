/* conv2d_group4_avx512.c -- convolution in groups of 4 channels by vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL         16
#define GROUP      4
#define NAME(x)    x##_f32__avx512
#define DW(x)      fv_conv2d_group4##x##_f32__avx512
#define PACKING(x) "group4-" x "-16"
#include "kernels/conv2d/conv2d_dw.inc"
