/* pool_neon.c -- pooling by vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      4
#define NAME(x) x##_f32__neon
#include "kernels/pool/pool_fast.inc"
