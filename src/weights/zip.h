/* zip.h -- the entries of a zip archive in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ZIP_H
#define FV_ZIP_H
#include "base/alloc.h"
#include "base/bytes.h"

/* One entry; name and data borrow from the archive. data is as it lies there: `size` bytes once unpacked. */
typedef struct fv_zip_entry {
    fv_bytes name;
    fv_bytes data;
    uint64_t size;
    uint32_t crc; /* of the unpacked bytes */
    bool packed;  /* deflated; else data is the content */
} fv_zip_entry;

/* Sorted by name, names unique. */
typedef struct fv_zip {
    fv_zip_entry *entry;
    size_t count;
} fv_zip;

bool fv_zip_probe(fv_bytes file);
/* Checks the whole structure: what the two headers of each entry say agrees, no entry overlaps another or leaves the
 * archive, names are relative paths and unique. The CRC of stored entries is checked here, of packed ones where they are
 * unpacked. Memory: 48 bytes an entry. FV_FORMAT, FV_UNSUP (encrypted, other methods), FV_NOMEM. */
fv_status fv_zip_read(fv_zip *z, fv_bytes file, fv_arena *a, fv_err *err);
const fv_zip_entry *fv_zip_find(const fv_zip *z, const char *name); /* NULL: none */

#endif
