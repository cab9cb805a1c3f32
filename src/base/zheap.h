/* zheap.h -- zlib with the library's heap; empty in builds without zlib.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ZHEAP_H
#define FV_ZHEAP_H
#ifdef FOVEA_HAVE_ZLIB
#include "base/alloc.h"
#include <zlib.h>

static inline voidpf fv_z_alloc(voidpf heap, uInt items, uInt size)
{
    size_t bytes;
    return fv_mul_size(items, size, &bytes) ? fv_alloc(heap, bytes) : NULL;
}

static inline void fv_z_release(voidpf heap, voidpf p)
{
    fv_release(heap, p);
}

/* To be given to inflateInit2 or deflateInit2. */
static inline z_stream fv_z_stream(const fv_allocator *heap)
{
    return (z_stream){ .zalloc = fv_z_alloc, .zfree = fv_z_release, .opaque = (voidpf)heap };
}

#endif
#endif
