/* elementwise_ref64.c -- the reference of sums and products in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/elementwise/elementwise_ref.inc"
