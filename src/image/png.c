/* png.c -- PNG by libpng, with Pillow's pixels: alpha and tRNS dropped, no gamma, 16-bit colour cut to its high byte,
 * 16-bit grey clipped at 255 (Pillow's mode I). libpng reports by longjmp: all of it lands in guarded() or
 * guarded_write(), and everything that must survive the jump stands in the job.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <setjmp.h>
#include <string.h>

#include <png.h>

enum {
    MAX_CHUNK = 1 << 20, /* of what libpng keeps in memory: palettes and the like are far smaller */
    MAX_DEFLATE = 1032   /* deflate cannot shrink by more */
};

typedef struct job {
    png_structp png;
    png_infop info;
    fv_status status;
    fv_err *err;
    const fv_allocator *heap;
    fv_reader r;
    int channels;
    fv_image *im;
    uint8_t *rows;
    fv_writer w; /* of the encoder */
    const fv_image *from;
    bool no_memory; /* an allocation failed: what libpng then says of the file is not the file's fault */
} job;

_Noreturn static void escape(job *j, fv_status s)
{
    j->status = s;
    png_longjmp(j->png, 1);
}

_Noreturn static void on_error(png_structp png, png_const_charp text)
{
    job *j = png_get_error_ptr(png);
    if (j->no_memory) escape(j, fv_fail(j->err, FV_NOMEM, "out of memory in a PNG"));
    escape(j, fv_fail(j->err, FV_FORMAT, "corrupt PNG: %s", text));
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png; /* the library never prints */
    (void)text;
}

static png_voidp on_alloc(png_structp png, png_alloc_size_t bytes)
{
    job *j = png_get_mem_ptr(png);
    void *p = fv_alloc(j->heap, bytes);
    j->no_memory |= !p;
    return p;
}

static void on_free(png_structp png, png_voidp p)
{
    const job *j = png_get_mem_ptr(png);
    fv_release(j->heap, p);
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    job *j = png_get_io_ptr(png);
    const fv_bytes got = fv_read_bytes(&j->r, n);
    if (got.len != n) escape(j, fv_fail(j->err, FV_FORMAT, "premature end of file"));
    memcpy(out, got.p, n);
}

static void read_header(job *j)
{
    static const png_byte unread[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT\0hIST\0eXIf";
    png_set_read_fn(j->png, j, on_read);
    png_set_user_limits(j->png, FV_IMAGE_MAX_SIDE, FV_IMAGE_MAX_SIDE);
    png_set_chunk_malloc_max(j->png, MAX_CHUNK);
    png_set_keep_unknown_chunks(j->png, PNG_HANDLE_CHUNK_NEVER, unread, (int)(sizeof unread / 5));
    png_read_info(j->png, j->info);
    const fv_status s =
        fv_image_check(png_get_image_height(j->png, j->info), png_get_image_width(j->png, j->info), j->err);
    if (s != FV_OK) escape(j, s);
    const uint64_t bytes = (uint64_t)png_get_rowbytes(j->png, j->info) * png_get_image_height(j->png, j->info);
    if (bytes / MAX_DEFLATE > j->r.bytes.len)
        escape(j, fv_fail(j->err, FV_FORMAT, "premature end of file: %u x %u pixels in %zu bytes",
                          png_get_image_width(j->png, j->info), png_get_image_height(j->png, j->info), j->r.bytes.len));
}

/* Asks libpng for 8-bit grey or RGB; true: grey of 16 bits stays and is clipped here. */
static bool set_form(job *j)
{
    const int depth = png_get_bit_depth(j->png, j->info), type = png_get_color_type(j->png, j->info);
    const bool deep_grey = type == PNG_COLOR_TYPE_GRAY && depth == 16;
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(j->png);
    if (type == PNG_COLOR_TYPE_GRAY && depth < 8) png_set_expand_gray_1_2_4_to_8(j->png);
    if (depth == 16 && !deep_grey) png_set_strip_16(j->png);
    png_set_strip_alpha(j->png);
    return deep_grey;
}

/* True where anything was cut. */
static bool clip_row(uint8_t *row, int w)
{
    bool cut = false;
    for (int x = 0; x < w; x++) {
        cut |= row[2 * x] != 0;
        row[x] = row[2 * x] ? 255 : row[2 * x + 1];
    }
    return cut;
}

static void read_pixels(job *j)
{
    const bool deep_grey = set_form(j);
    const int passes = png_set_interlace_handling(j->png);
    png_read_update_info(j->png, j->info);
    const int h = (int)png_get_image_height(j->png, j->info), w = (int)png_get_image_width(j->png, j->info);
    const int c = png_get_channels(j->png, j->info);
    const size_t row = png_get_rowbytes(j->png, j->info);
    if ((c != 1 && c != 3) || row != (size_t)w * (size_t)c * (deep_grey ? 2 : 1))
        escape(j, fv_fail(j->err, FV_UNSUP, "PNG with %d channels is not read", c));
    fv_status s = fv_image_new(j->im, h, w, j->channels, j->heap, j->err);
    if (s == FV_OK) s = fv_alloc_zero(j->heap, (void **)&j->rows, row * (passes > 1 ? (size_t)h : 1), j->err);
    if (s != FV_OK) escape(j, s);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < h; y++) {
            uint8_t *to = j->rows + (passes > 1 ? (size_t)y * row : 0);
            png_read_row(j->png, to, NULL);
            if (pass + 1 < passes) continue;
            if (deep_grey) j->im->clipped |= clip_row(to, w);
            fv_image_put_row(j->im, y, to, c);
        }
    png_read_end(j->png, NULL);
}

static fv_status guarded(job *j)
{
    if (setjmp(png_jmpbuf(j->png))) return j->status;
    read_header(j);
    read_pixels(j);
    return FV_OK;
}

/* eXIf may stand anywhere before IEND; the chunks are walked here because libpng would have to keep it. */
static int orientation_of(fv_bytes file)
{
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 8);
    while (!r.failed) {
        const uint32_t len = fv_read_u32be(&r);
        const fv_bytes type = fv_read_bytes(&r, 4), body = fv_read_bytes(&r, len);
        fv_read_skip(&r, 4);
        if (type.len != 4 || memcmp(type.p, "IEND", 4) == 0) return 1;
        if (memcmp(type.p, "eXIf", 4) == 0) return fv_exif_orientation(body);
    }
    return 1;
}

static fv_status decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    job j = { .err = err, .heap = heap, .r = fv_reader_of(file), .channels = channels, .im = im };
    j.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, on_alloc, on_free);
    if (j.png) j.info = png_create_info_struct(j.png);
    fv_status s = j.info ? guarded(&j) : fv_fail(err, FV_NOMEM, "out of memory while reading a PNG");
    png_destroy_read_struct(&j.png, &j.info, NULL);
    fv_release(heap, j.rows);
    if (s == FV_OK && exif != FV_EXIF_IGNORE) s = fv_image_orient(im, orientation_of(file), err);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static bool probe(fv_bytes file)
{
    return file.len >= 8 && memcmp(file.p, "\x89PNG\r\n\x1a\n", 8) == 0;
}

const fv_image_format fv_image_png = { "PNG", " .png ", probe, decode };

static void on_write(png_structp png, png_bytep p, size_t n)
{
    job *j = png_get_io_ptr(png);
    fv_write_bytes(&j->w, p, n);
    if (j->w.failed) escape(j, fv_fail(j->err, FV_NOMEM, "out of memory while writing a PNG of %zu bytes", j->w.len));
}

static void on_flush(png_structp png)
{
    (void)png;
}

static fv_status guarded_write(job *j)
{
    if (setjmp(png_jmpbuf(j->png))) return j->status;
    const fv_image *im = j->from;
    png_set_write_fn(j->png, j, on_write, on_flush);
    png_set_IHDR(j->png, j->info, (png_uint_32)im->w, (png_uint_32)im->h, 8,
                 im->c == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(j->png, j->info);
    for (int y = 0; y < im->h; y++) png_write_row(j->png, im->px + (size_t)y * (size_t)im->w * (size_t)im->c);
    png_write_end(j->png, NULL);
    return FV_OK;
}

fv_status fv_image_encode_png(fv_writer *w, const fv_image *im, fv_err *err)
{
    job j = { .err = err, .heap = im->heap, .from = im, .w = *w };
    j.png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &j, on_error, on_warning, &j, on_alloc, on_free);
    if (j.png) j.info = png_create_info_struct(j.png);
    const fv_status s = j.info ? guarded_write(&j) : fv_fail(err, FV_NOMEM, "out of memory while writing a PNG");
    png_destroy_write_struct(&j.png, &j.info);
    *w = j.w;
    return s;
}

fv_status fv_image_write_png(const fv_image *im, const char *path, fv_err *err)
{
    fv_writer w = { .heap = im->heap };
    fv_status s = fv_image_encode_png(&w, im, err);
    if (s == FV_OK) s = fv_file_write(path, &(fv_span){ w.p, w.len }, 1, err);
    fv_writer_free(&w);
    return s;
}
