/* copy_ref.c -- the reference of copies in float.
 * SPDX-License-Identifier: Apache-2.0 */
#define REAL    float
#define NAME(x) x##_f32__ref
#include "kernels/copy/copy_ref.inc"
