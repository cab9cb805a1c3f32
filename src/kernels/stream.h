/* stream.h -- a block of floats read once and added up: what memory gives at most.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_STREAM_H
#define FV_STREAM_H
#include <stddef.h>

/* Reads n floats, a multiple of FV_STREAM_STEP, 64-byte aligned; `out` (one float) keeps the work from being dropped. */
enum { FV_STREAM_STEP = 128 };
typedef void fv_stream_fn(const float *from, size_t n, float *out);
fv_stream_fn fv_stream__ref, fv_stream__neon, fv_stream__avx2, fv_stream__avx512;

#endif
