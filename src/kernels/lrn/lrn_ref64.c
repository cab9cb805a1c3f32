/* lrn_ref64.c -- the reference of local response normalisation in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/lrn/lrn_ref.inc"
