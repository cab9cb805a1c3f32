/* bytes.h -- spans, a bounded reader and a growing writer; both sticky: they keep the first failure and carry on
 * harmlessly, and are checked once at the end. Whole files; CRCs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BYTES_H
#define FV_BYTES_H
#include "base/status.h"

typedef struct fv_bytes {
    const uint8_t *p;
    size_t len;
} fv_bytes;

/* Reads never pass the end: past it they give zeros (or an empty span) and `failed` stays set, `at` stays put. */
typedef struct fv_reader {
    fv_bytes bytes;
    size_t at;
    bool failed;
} fv_reader;
static inline fv_reader fv_reader_of(fv_bytes b)
{
    return (fv_reader){ .bytes = b };
}
static inline size_t fv_reader_left(const fv_reader *r)
{
    return r->bytes.len - r->at;
}
uint8_t fv_read_u8(fv_reader *r);
uint16_t fv_read_u16le(fv_reader *r);
uint16_t fv_read_u16be(fv_reader *r);
uint32_t fv_read_u32le(fv_reader *r);
uint32_t fv_read_u32be(fv_reader *r);
uint64_t fv_read_u64le(fv_reader *r);
double fv_read_f64le(fv_reader *r);
fv_bytes fv_read_bytes(fv_reader *r, uint64_t n); /* borrows from the span */
void fv_read_skip(fv_reader *r, uint64_t n);

/* Grows on the heap; on FV_NOMEM `failed` is set and later writes do nothing. */
typedef struct fv_writer {
    const fv_allocator *heap;
    uint8_t *p;
    size_t len, cap;
    bool failed;
} fv_writer;
void fv_write_u8(fv_writer *w, uint8_t v);
void fv_write_u16le(fv_writer *w, uint16_t v);
void fv_write_u32le(fv_writer *w, uint32_t v);
void fv_write_u64le(fv_writer *w, uint64_t v);
void fv_write_f64le(fv_writer *w, double v);
void fv_write_bytes(fv_writer *w, const void *p, size_t n);
void fv_write_text(fv_writer *w, const char *s); /* without its final 0 */
void fv_write_printf(fv_writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fv_writer_free(fv_writer *w);

uint32_t fv_crc32c(uint32_t crc, const void *p, size_t n); /* start with 0 */
uint32_t fv_crc32(uint32_t crc, const void *p, size_t n);  /* zip's; likewise */

/* The whole file on the heap, FV_NOINPUT where it cannot be opened, FV_FORMAT where it is longer than max or not a
 * regular file (a FIFO would hang). The caller releases b->p. */
fv_status fv_file_read(fv_bytes *b, const char *path, size_t max, const fv_allocator *heap, fv_err *err);
/* The same as a map of the file, which another process may change under it: to be copied from and unmapped soon. */
fv_status fv_file_map(fv_bytes *b, const char *path, size_t max, fv_err *err);
void fv_file_unmap(fv_bytes b);

/* A regular file held open, to be read piece by piece: one that was cut or written meanwhile is told, and kills nobody. */
typedef struct fv_file {
    int fd;
    uint64_t size;
    int64_t seconds, nanoseconds; /* when it was last written */
} fv_file;
fv_status fv_file_open(fv_file *f, const char *path, size_t max, fv_err *err);
fv_status fv_file_view(fv_bytes *b, const fv_file *f, const char *path, fv_err *err); /* its map, as of fv_file_map */
/* Exactly n bytes from `at`; FV_FORMAT where the file is no longer what was opened. Any thread may call it. */
fv_status fv_file_at(const fv_file *f, uint64_t at, void *p, size_t n, const char *path, fv_err *err);
fv_status fv_file_again(fv_file *copy, const fv_file *f, const char *path, fv_err *err); /* to be closed by itself */
void fv_file_close(fv_file *f);
/* Replaces path in one step or not at all: writes path.tmp.PID beside it, fsync, rename, fsync of the folder; the
 * temporary file is removed on failure. FV_CREATE, FV_IO. */
typedef struct fv_span {
    const void *p;
    size_t len;
} fv_span;
fv_status fv_file_write(const char *path, const fv_span *parts, int n, fv_err *err);
/* Adds to the end of a file, which is made where there is none. Where that fails the file keeps its length, so that what
 * is added later still follows on what was whole. Not synced. */
fv_status fv_file_append(const char *path, fv_span part, fv_err *err);

#endif
