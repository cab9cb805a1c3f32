/* bytes.c -- the bounded reader and the growing writer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include "base/alloc.h"
#include <stdio.h>
#include <string.h>

fv_bytes fv_read_bytes(fv_reader *r, uint64_t n)
{
    if (r->failed || n > fv_reader_left(r)) {
        r->failed = true;
        return (fv_bytes){ 0 };
    }
    const fv_bytes b = { .p = r->bytes.p + r->at, .len = (size_t)n };
    r->at += (size_t)n;
    return b;
}

void fv_read_skip(fv_reader *r, uint64_t n)
{
    fv_read_bytes(r, n);
}

static uint64_t little(fv_reader *r, unsigned n)
{
    const fv_bytes b = fv_read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < b.len; i++) v |= (uint64_t)b.p[i] << (8 * i);
    return v;
}

static uint64_t big(fv_reader *r, unsigned n)
{
    const fv_bytes b = fv_read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < b.len; i++) v = v << 8 | b.p[i];
    return v;
}

uint8_t fv_read_u8(fv_reader *r)
{
    return (uint8_t)little(r, 1);
}

uint16_t fv_read_u16le(fv_reader *r)
{
    return (uint16_t)little(r, 2);
}

uint16_t fv_read_u16be(fv_reader *r)
{
    return (uint16_t)big(r, 2);
}

uint32_t fv_read_u32le(fv_reader *r)
{
    return (uint32_t)little(r, 4);
}

uint32_t fv_read_u32be(fv_reader *r)
{
    return (uint32_t)big(r, 4);
}

uint64_t fv_read_u64le(fv_reader *r)
{
    return little(r, 8);
}

double fv_read_f64le(fv_reader *r)
{
    const uint64_t bits = little(r, 8);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Room for n more bytes. */
static bool reserve(fv_writer *w, size_t n)
{
    size_t need;
    void *p = w->p;
    if (w->failed) return false;
    if (!fv_add_size(w->len, n, &need) || fv_grow(w->heap, &p, &w->cap, need, 1, NULL) != FV_OK) {
        w->failed = true;
        return false;
    }
    w->p = p;
    return true;
}

void fv_write_bytes(fv_writer *w, const void *p, size_t n)
{
    if (!n || !reserve(w, n)) return;
    memcpy(w->p + w->len, p, n);
    w->len += n;
}

void fv_write_text(fv_writer *w, const char *s)
{
    fv_write_bytes(w, s, strlen(s));
}

static void put_little(fv_writer *w, uint64_t v, unsigned n)
{
    uint8_t b[8];
    for (unsigned i = 0; i < n; i++) b[i] = (uint8_t)(v >> (8 * i));
    fv_write_bytes(w, b, n);
}

void fv_write_u8(fv_writer *w, uint8_t v)
{
    put_little(w, v, 1);
}

void fv_write_u16le(fv_writer *w, uint16_t v)
{
    put_little(w, v, 2);
}

void fv_write_u32le(fv_writer *w, uint32_t v)
{
    put_little(w, v, 4);
}

void fv_write_u64le(fv_writer *w, uint64_t v)
{
    put_little(w, v, 8);
}

void fv_write_f64le(fv_writer *w, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_little(w, bits, 8);
}

void fv_write_printf(fv_writer *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) w->failed = true;
    if (n <= 0 || !reserve(w, (size_t)n + 1)) return; /* one more for the final 0, which is not counted */
    va_start(ap, fmt);
    vsnprintf((char *)w->p + w->len, (size_t)n + 1, fmt, ap);
    va_end(ap);
    w->len += (size_t)n;
}

void fv_writer_free(fv_writer *w)
{
    fv_release(w->heap, w->p);
    *w = (fv_writer){ .heap = w->heap };
}
