/* conv2d_ref64.c -- the reference of convolution in double.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d_rows.h"

#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/conv2d/conv2d_ref.inc"
