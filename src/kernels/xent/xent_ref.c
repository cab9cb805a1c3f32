/* xent_ref.c -- the references of cross-entropies in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/xent/xent_ref.inc"
