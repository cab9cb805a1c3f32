/* pnm.c -- the portable any-maps P1 .. P6 of Netpbm, plain and raw, up to 16 bits.
 * Levels other than 255 are stretched by Pillow's rules (PpmImagePlugin): round(v / maxval * 255), half to even; grey
 * above 255 levels goes through its mode I, that is stretched to 65535 and then clipped at 255.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct head {
    int kind; /* 1 .. 6 */
    uint32_t w, h, max;
} head;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Skips white space and comments; a comment runs to the end of its line. */
static void skip_space(fv_reader *r)
{
    bool comment = false;
    for (; fv_reader_left(r); r->at++) {
        const uint8_t c = r->bytes.p[r->at];
        if (comment) comment = c != '\n' && c != '\r';
        else if (c == '#') comment = true;
        else if (!is_space(c)) return;
    }
}

/* A decimal number up to `max`; anything else fails the reader. */
static uint32_t number(fv_reader *r, uint32_t max)
{
    skip_space(r);
    uint32_t v = 0;
    const size_t start = r->at;
    for (; fv_reader_left(r); r->at++) {
        const unsigned digit = r->bytes.p[r->at] - (unsigned)'0';
        if (digit > 9) break;
        v = v * 10 + digit;
        if (v > max) {
            r->failed = true;
            return 0;
        }
    }
    if (r->at == start) r->failed = true;
    return v;
}

static fv_status read_header(head *d, fv_reader *r, fv_err *err)
{
    d->kind = fv_read_bytes(r, 2).p[1] - '0';
    d->w = number(r, 100000000);
    d->h = number(r, 100000000);
    d->max = d->kind == 1 || d->kind == 4 ? 1 : number(r, 65535);
    if (r->failed) return fv_fail(err, FV_FORMAT, "corrupt PNM header at byte %zu", r->at);
    if (d->max == 0) return fv_fail(err, FV_FORMAT, "PNM with 0 levels");
    if (d->kind >= 4) {
        if (!is_space(fv_read_u8(r)) || r->failed)
            return fv_fail(err, FV_FORMAT, "corrupt PNM header at byte %zu", r->at);
    }
    return fv_image_check(d->h, d->w, err);
}

static uint8_t level(const head *d, uint32_t v)
{
    if (d->max == 255) return (uint8_t)v;
    const bool deep_grey = d->max > 255 && (d->kind == 2 || d->kind == 5);
    const double top = deep_grey ? 65535 : 255;
    const double x = rint((double)v / d->max * top); /* half to even, as Python's round */
    return x > 255 ? 255 : (uint8_t)x;
}

static fv_status fail_sample(const head *d, fv_reader *r, uint32_t v, fv_err *err)
{
    if (v > d->max) return fv_fail(err, FV_FORMAT, "PNM sample %" PRIu32 " above the maximum %" PRIu32, v, d->max);
    return fv_reader_left(r) ? fv_fail(err, FV_FORMAT, "corrupt PNM at byte %zu", r->at)
                             : fv_fail(err, FV_FORMAT, "premature end of file");
}

/* Plain bitmaps need no space between their digits. */
static uint32_t plain_bit(fv_reader *r)
{
    skip_space(r);
    const uint32_t bit = (uint32_t)fv_read_u8(r) - '0';
    if (bit > 1) r->failed = true;
    return bit;
}

static fv_status plain_row(const head *d, fv_reader *r, uint8_t *row, size_t n, fv_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t v = d->kind == 1 ? plain_bit(r) : number(r, 65535);
        if (r->failed || v > d->max) return fail_sample(d, r, v, err);
        row[i] = d->kind == 1 ? (v ? 0 : 255) : level(d, v);
    }
    return FV_OK;
}

static fv_status raw_row(const head *d, fv_reader *r, uint8_t *row, size_t n, fv_err *err)
{
    const bool wide = d->max > 255;
    const fv_bytes in = fv_read_bytes(r, d->kind == 4 ? (n + 7) / 8 : wide ? 2 * n : n);
    if (r->failed) return fv_fail(err, FV_FORMAT, "premature end of file");
    for (size_t i = 0; i < n; i++) {
        if (d->kind == 4) {
            row[i] = in.p[i / 8] >> (7 - i % 8) & 1 ? 0 : 255;
            continue;
        }
        const uint32_t v = wide ? (uint32_t)in.p[2 * i] << 8 | in.p[2 * i + 1] : in.p[i];
        if (v > d->max) return fail_sample(d, r, v, err);
        row[i] = level(d, v);
    }
    return FV_OK;
}

static fv_status read_pixels(fv_image *im, const head *d, fv_reader *r, fv_err *err)
{
    const int c = d->kind == 3 || d->kind == 6 ? 3 : 1, channels = im->c;
    const size_t n = (size_t)d->w * (size_t)c;
    const size_t least = (d->kind == 4 ? (n + 7) / 8 : n) * d->h; /* bytes; a plain sample takes at least one */
    if (least > fv_reader_left(r))
        return fv_fail(err, FV_FORMAT, "premature end of file: %" PRIu32 " x %" PRIu32 " pixels in %zu bytes", d->w,
                       d->h, r->bytes.len);
    uint8_t *row = NULL;
    FV_TRY(fv_image_new(im, d->h, d->w, channels, im->heap, err));
    FV_TRY(fv_alloc_or(im->heap, (void **)&row, n, err));
    fv_status s = FV_OK;
    for (uint32_t y = 0; y < d->h && s == FV_OK; y++) {
        s = d->kind < 4 ? plain_row(d, r, row, n, err) : raw_row(d, r, row, n, err);
        if (s == FV_OK) fv_image_put_row(im, (int)y, row, c);
    }
    fv_release(im->heap, row);
    return s;
}

static fv_status decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err)
{
    (void)exif; /* PNM has none */
    *im = (fv_image){ .c = channels, .heap = heap };
    head d = { 0 };
    fv_reader r = fv_reader_of(file);
    fv_status s = read_header(&d, &r, err);
    if (s == FV_OK) s = read_pixels(im, &d, &r, err);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static bool probe(fv_bytes file)
{
    return file.len >= 3 && file.p[0] == 'P' && file.p[1] >= '1' && file.p[1] <= '6' &&
           (is_space(file.p[2]) || file.p[2] == '#');
}

const fv_image_format fv_image_pnm = { "PNM", " .ppm .pgm .pbm .pnm ", probe, decode };
