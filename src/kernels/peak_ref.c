/* peak_ref.c -- chains of vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   4
#define NAME fv_peak__ref
#include "kernels/peak.inc"
