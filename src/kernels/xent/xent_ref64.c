/* xent_ref64.c -- the references of cross-entropies in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/xent/xent_ref.inc"
