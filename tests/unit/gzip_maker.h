/* gzip_maker.h -- gzip streams for tests; without zlib nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_GZIP_MAKER_H
#define FV_TEST_GZIP_MAKER_H
#include "unit/scratch.h"
#ifdef FOVEA_HAVE_ZLIB
#include <zlib.h>

/* Returns how many bytes `out` holds then. */
static inline size_t gzip(uint8_t *out, size_t cap, const void *in, size_t n)
{
    z_stream z = { 0 };
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)in, z.avail_in = (uInt)n, z.next_out = out, z.avail_out = (uInt)cap;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    const size_t len = z.total_out;
    deflateEnd(&z);
    return len;
}

#endif
#endif
