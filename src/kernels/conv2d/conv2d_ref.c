/* conv2d_ref.c -- the reference of convolution in float.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d_rows.h"

#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/conv2d/conv2d_ref.inc"
