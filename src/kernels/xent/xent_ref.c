/* xent_ref.c -- the reference of softmax cross-entropy in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/xent/xent_ref.inc"
