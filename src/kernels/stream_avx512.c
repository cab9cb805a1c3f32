/* stream_avx512.c -- reading vectors of 16 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   16
#define NAME fv_stream__avx512
#include "kernels/stream.inc"
