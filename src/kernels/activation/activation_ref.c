/* activation_ref.c -- the reference of activations in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/activation/activation_ref.inc"
