/* dropout_neon.c -- dropout by vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL      4
#define NAME(x) x##_f32__neon
#include "kernels/dropout/dropout_fast.inc"
