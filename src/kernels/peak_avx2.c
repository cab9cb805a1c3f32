/* peak_avx2.c -- chains of vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   8
#define NAME fv_peak__avx2
#include "kernels/peak.inc"
