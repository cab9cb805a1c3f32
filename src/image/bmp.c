/* bmp.c -- Windows and OS/2 bitmaps: 1, 4, 8, 16, 24, 32 bits, with or without bit fields; run lengths of 4 and 8 bits.
 * Colours of fewer than 8 bits are stretched as Pillow does: v * 255 / max, cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <inttypes.h>
#include <string.h>

enum { BI_RGB = 0, BI_RLE8 = 1, BI_RLE4 = 2, BI_BITFIELDS = 3, BI_ALPHABITFIELDS = 6 };
enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40, MAX_HEADER = 124 };

typedef struct head {
    uint32_t data_at, size, compression, colours;
    int64_t w, h;
    bool top_down;
    unsigned bits;
    uint32_t mask[3];
    uint8_t palette[256][3];
} head;

static void read_palette(head *d, fv_reader *r)
{
    const size_t entry = d->size == CORE_HEADER ? 3 : 4;
    size_t n = d->colours ? d->colours : (size_t)1 << d->bits;
    if (n > 256) n = 256;
    const size_t room = d->data_at > r->at ? (d->data_at - r->at) / entry : 0;
    if (n > room) n = room; /* some writers count more colours than they store */
    for (size_t i = 0; i < n; i++) {
        const fv_bytes e = fv_read_bytes(r, entry);
        for (int k = 0; k < 3 && e.len == entry; k++) d->palette[i][k] = e.p[2 - k];
    }
}

static void read_masks(head *d, fv_reader *r)
{
    static const uint32_t of16[3] = { 0x7c00, 0x3e0, 0x1f }, of32[3] = { 0xff0000, 0xff00, 0xff };
    const bool fields = d->compression == BI_BITFIELDS || d->compression == BI_ALPHABITFIELDS;
    for (int k = 0; k < 3; k++) d->mask[k] = fields ? fv_read_u32le(r) : d->bits == 16 ? of16[k] : of32[k];
}

static fv_status read_dimensions(head *d, fv_reader *r, fv_err *err)
{
    unsigned planes;
    if (d->size == CORE_HEADER) {
        d->w = fv_read_u16le(r);
        d->h = fv_read_u16le(r);
        planes = fv_read_u16le(r);
        d->bits = fv_read_u16le(r);
    } else {
        d->w = (int32_t)fv_read_u32le(r);
        d->h = (int32_t)fv_read_u32le(r);
        planes = fv_read_u16le(r);
        d->bits = fv_read_u16le(r);
        d->compression = fv_read_u32le(r);
        fv_read_skip(r, 12);
        d->colours = fv_read_u32le(r);
        fv_read_skip(r, 4);
    }
    d->top_down = d->h < 0;
    if (d->top_down) d->h = -d->h;
    if (r->failed) return fv_fail(err, FV_FORMAT, "premature end of file");
    if (planes != 1) return fv_fail(err, FV_FORMAT, "BMP with %u planes", planes);
    return fv_image_check(d->h, d->w, err);
}

static fv_status check_form(const head *d, fv_err *err)
{
    switch (d->compression) {
    case BI_RGB:
        break;
    case BI_RLE8:
    case BI_RLE4:
        if (d->bits == (d->compression == BI_RLE8 ? 8 : 4) && !d->top_down) return FV_OK;
        return fv_fail(err, FV_FORMAT, "BMP with run lengths, %u bits, %s", d->bits,
                       d->top_down ? "top down" : "bottom up");
    case BI_BITFIELDS:
    case BI_ALPHABITFIELDS:
        if (d->bits == 16 || d->bits == 32) break;
        return fv_fail(err, FV_FORMAT, "BMP with bit fields and %u bits", d->bits);
    default:
        return fv_fail(err, FV_UNSUP, "BMP with compression %" PRIu32 " is not read", d->compression);
    }
    switch (d->bits) {
    case 1:
    case 4:
    case 8:
    case 16:
    case 24:
    case 32:
        return FV_OK;
    default:
        return fv_fail(err, FV_UNSUP, "BMP with %u bits is not read", d->bits);
    }
}

static fv_status read_header(head *d, fv_bytes file, fv_err *err)
{
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 10);
    d->data_at = fv_read_u32le(&r);
    d->size = fv_read_u32le(&r);
    if (r.failed) return fv_fail(err, FV_FORMAT, "premature end of file");
    if (d->size != CORE_HEADER && (d->size < INFO_HEADER || d->size > MAX_HEADER))
        return fv_fail(err, FV_UNSUP, "BMP with a header of %" PRIu32 " bytes is not read", d->size);
    FV_TRY(read_dimensions(d, &r, err));
    FV_TRY(check_form(d, err));
    read_masks(d, &r); /* after 40 bytes of header, or inside a longer one: the same place */
    if (r.at < FILE_HEADER + d->size) fv_read_skip(&r, FILE_HEADER + d->size - r.at);
    if (d->bits <= 8) read_palette(d, &r);
    return r.failed ? fv_fail(err, FV_FORMAT, "premature end of file") : FV_OK;
}

static void indexed_row(const head *d, uint8_t *rgb, const uint8_t *in)
{
    const unsigned per = 8 / d->bits, mask = (1u << d->bits) - 1;
    for (unsigned x = 0; x < d->w; x++) {
        const unsigned i = (in[x / per] >> (8 - d->bits - d->bits * (x % per))) & mask;
        memcpy(rgb + 3 * x, d->palette[i], 3);
    }
}

static void masked_row(const head *d, uint8_t *rgb, const uint8_t *in)
{
    const unsigned bytes = d->bits / 8;
    for (int64_t x = 0; x < d->w; x++, in += bytes) {
        uint32_t v = 0;
        for (unsigned k = 0; k < bytes; k++) v |= (uint32_t)in[k] << (8 * k);
        for (int k = 0; k < 3; k++) {
            const uint32_t low = d->mask[k] & (~d->mask[k] + 1); /* its lowest bit */
            const uint64_t max = low ? d->mask[k] / low : 0;
            rgb[3 * x + k] = max ? (uint8_t)((v & d->mask[k]) / low * (uint64_t)255 / max) : 0;
        }
    }
}

static void bgr_row(const head *d, uint8_t *rgb, const uint8_t *in)
{
    for (int64_t x = 0; x < d->w; x++)
        for (int k = 0; k < 3; k++) rgb[3 * x + k] = in[3 * x + 2 - k];
}

static fv_status read_pixels(fv_image *im, const head *d, fv_bytes file, fv_err *err)
{
    const size_t row = ((size_t)d->w * d->bits + 31) / 32 * 4;
    if (d->data_at > file.len || row * (size_t)d->h > file.len - d->data_at)
        return fv_fail(err, FV_FORMAT, "premature end of file: %zu bytes of pixels are missing",
                       d->data_at + row * (size_t)d->h - file.len);
    uint8_t *rgb = NULL;
    const int channels = im->c;
    FV_TRY(fv_image_new(im, d->h, d->w, channels, im->heap, err));
    FV_TRY(fv_alloc_or(im->heap, (void **)&rgb, (size_t)d->w * 3, err));
    for (int64_t y = 0; y < d->h; y++) {
        const uint8_t *in = file.p + d->data_at + (size_t)y * row;
        if (d->bits <= 8) indexed_row(d, rgb, in);
        else if (d->bits == 24) bgr_row(d, rgb, in);
        else masked_row(d, rgb, in);
        fv_image_put_row(im, (int)(d->top_down ? y : d->h - 1 - y), rgb, 3);
    }
    fv_release(im->heap, rgb);
    return FV_OK;
}

/* Where the next pixel of a run-length coded picture goes: rows from the bottom. */
typedef struct pen {
    const head *d;
    uint8_t *index; /* w x h, zeros at first */
    int64_t x, y;
} pen;

static void draw(pen *p, uint8_t colour)
{
    if (p->x < p->d->w && p->y < p->d->h) p->index[p->y * p->d->w + p->x] = colour;
    p->x++;
}

/* n pixels from `in`, which has as many (cycling: only the first byte, of alternating halves in 4 bits). */
static void draw_run(pen *p, const uint8_t *in, unsigned n, bool cycling)
{
    const bool halves = p->d->bits == 4;
    for (unsigned i = 0; i < n; i++) {
        const uint8_t byte = in[cycling ? 0 : halves ? i / 2 : i];
        draw(p, !halves ? byte : i % 2 ? byte & 15 : byte >> 4);
    }
}

/* 0, then: 0 end of the row, 1 end of the picture, 2 a jump to the right and up, else so many pixels as they are. Ends at
 * the picture's end or where all its rows are full. */
static fv_status unpack_runs(pen *p, fv_bytes file, fv_err *err)
{
    enum { ROW_END, PICTURE_END, JUMP };
    fv_reader r = { .bytes = file, .at = p->d->data_at < file.len ? p->d->data_at : file.len };
    while (p->y < p->d->h && !(p->y == p->d->h - 1 && p->x >= p->d->w)) {
        const uint8_t n = fv_read_u8(&r), what = fv_read_u8(&r);
        if (r.failed) return fv_fail(err, FV_FORMAT, "premature end of file in row %" PRId64, p->y);
        if (n) {
            draw_run(p, &what, n, true);
        } else if (what == ROW_END) {
            p->x = 0, p->y++;
        } else if (what == PICTURE_END) {
            break;
        } else if (what == JUMP) {
            p->x += fv_read_u8(&r), p->y += fv_read_u8(&r);
        } else {
            const unsigned bytes = p->d->bits == 4 ? (what + 1u) / 2 : what;
            const fv_bytes plain = fv_read_bytes(&r, bytes);
            if (plain.len == bytes) draw_run(p, plain.p, what, false);
            fv_read_skip(&r, bytes % 2);
        }
    }
    return r.failed ? fv_fail(err, FV_FORMAT, "premature end of file in row %" PRId64, p->y) : FV_OK;
}

static fv_status read_runs(fv_image *im, const head *d, fv_bytes file, fv_err *err)
{
    const size_t w = (size_t)d->w, h = (size_t)d->h;
    pen p = { .d = d };
    uint8_t *rgb = NULL;
    FV_TRY(fv_image_new(im, d->h, d->w, im->c, im->heap, err));
    FV_TRY(fv_alloc_zero(im->heap, (void **)&p.index, w * h, err));
    fv_status s = fv_alloc_or(im->heap, (void **)&rgb, w * 3, err);
    if (s == FV_OK) s = unpack_runs(&p, file, err);
    for (size_t y = 0; s == FV_OK && y < h; y++) {
        for (size_t x = 0; x < w; x++) memcpy(rgb + 3 * x, d->palette[p.index[y * w + x]], 3);
        fv_image_put_row(im, (int)(h - 1 - y), rgb, 3);
    }
    fv_release(im->heap, rgb);
    fv_release(im->heap, p.index);
    return s;
}

static fv_status decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err)
{
    (void)exif; /* BMP has none */
    *im = (fv_image){ .c = channels, .heap = heap };
    head d = { 0 };
    fv_status s = read_header(&d, file, err);
    const bool runs = d.compression == BI_RLE8 || d.compression == BI_RLE4;
    if (s == FV_OK) s = runs ? read_runs(im, &d, file, err) : read_pixels(im, &d, file, err);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static bool probe(fv_bytes file)
{
    return file.len >= 2 && memcmp(file.p, "BM", 2) == 0;
}

const fv_image_format fv_image_bmp = { "BMP", " .bmp ", probe, decode };
