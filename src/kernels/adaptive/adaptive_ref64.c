/* adaptive_ref64.c -- the reference of the adaptive updates in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/adaptive/adaptive_ref.inc"
