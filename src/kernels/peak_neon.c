/* peak_neon.c -- chains of vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   4
#define NAME fv_peak__neon
#include "kernels/peak.inc"
