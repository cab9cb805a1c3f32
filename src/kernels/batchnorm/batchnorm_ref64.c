/* batchnorm_ref64.c -- the reference of batch normalisation in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/batchnorm/batchnorm_ref.inc"
