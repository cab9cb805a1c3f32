/* batchnorm_ref.c -- the reference of batch normalisation in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/batchnorm/batchnorm_ref.inc"
