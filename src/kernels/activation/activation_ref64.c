/* activation_ref64.c -- the reference of activations in double.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    double
#define NAME(x) x##_f64__ref
#include "kernels/activation/activation_ref.inc"
