/* sgd_ref64.c -- the reference of the update in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/sgd/sgd_ref.inc"
