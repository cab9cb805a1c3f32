/* stream_ref.c -- reading vectors of 4 floats.
 * SPDX-License-Identifier: Apache-2.0 */
#define VL   4
#define NAME fv_stream__ref
#include "kernels/stream.inc"
