/* peak_avx512.c -- chains of vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   16
#define NAME fv_peak__avx512
#include "kernels/peak.inc"
