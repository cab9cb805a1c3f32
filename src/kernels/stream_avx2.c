/* stream_avx2.c -- reading vectors of 8 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   8
#define NAME fv_stream__avx2
#include "kernels/stream.inc"
