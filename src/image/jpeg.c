/* jpeg.c -- JPEG by libjpeg-turbo, with Pillow's pixels: slow integer DCT, fancy upsampling, CMYK always inverted.
 * Unlike libjpeg, which pads what is missing with grey, damaged data is refused. libjpeg reports by longjmp: all of it
 * lands in guarded(), and everything that must survive the jump stands in the job.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum {
    MAX_SCANS = 500,      /* a file of 38 kB with thousands of scans takes minutes (libjpeg-turbo issue 252) */
    PIXELS_PER_BYTE = 512 /* a block of 64 pixels takes at least one bit of its DC scan */
};

typedef struct job {
    struct jpeg_decompress_struct cinfo;
    struct jpeg_error_mgr mgr;
    struct jpeg_progress_mgr progress;
    jmp_buf escape;
    fv_status status;
    fv_err *err;
    const fv_allocator *heap;
    fv_bytes file;
    int channels;
    fv_image *im;
    uint8_t *row, *rgb; /* scanline as decoded; the same as RGB, for CMYK */
} job;

static job *job_of(j_common_ptr c)
{
    return c->client_data;
}

_Noreturn static void escape(job *j, fv_status s)
{
    j->status = s;
    longjmp(j->escape, 1);
}

static fv_status refuse_process(job *j, int sof)
{
    const char *const what = sof == 0xc3 || sof == 0xcb ? "lossless" : "hierarchical";
    return fv_fail(j->err, FV_UNSUP, "%s JPEG is not read", what);
}

_Noreturn static void on_error(j_common_ptr c)
{
    job *j = job_of(c);
    char text[JMSG_LENGTH_MAX];
    switch (c->err->msg_code) {
    case JERR_BAD_PRECISION:
        escape(j, fv_fail(j->err, FV_UNSUP, "%d-bit JPEG is not read", c->err->msg_parm.i[0]));
    case JERR_SOF_UNSUPPORTED:
        escape(j, refuse_process(j, c->err->msg_parm.i[0]));
    case JERR_ARITH_NOTIMPL:
        escape(j, fv_fail(j->err, FV_UNSUP, "JPEG with arithmetic coding is not read"));
    case JERR_OUT_OF_MEMORY:
        escape(j, fv_fail(j->err, FV_NOMEM, "out of memory while reading a JPEG"));
    default:
        c->err->format_message(c, text);
        escape(j, fv_fail(j->err, FV_FORMAT, "corrupt JPEG: %s", text));
    }
}

/* Level -1 is a warning: refuse those that mean lost pixels; stray bytes between segments and odd headers do no harm. */
static void on_message(j_common_ptr c, int level)
{
    job *j = job_of(c);
    if (level >= 0) return;
    switch (c->err->msg_code) {
    case JWRN_JPEG_EOF:
        escape(j, fv_fail(j->err, FV_FORMAT, "premature end of file"));
    case JWRN_HIT_MARKER:
        escape(j, fv_fail(j->err, FV_FORMAT, "corrupt JPEG: premature end of a data segment"));
    case JWRN_HUFF_BAD_CODE:
        escape(j, fv_fail(j->err, FV_FORMAT, "corrupt JPEG: bad Huffman code"));
    case JWRN_MUST_RESYNC:
        escape(j, fv_fail(j->err, FV_FORMAT, "corrupt JPEG: a restart marker is missing"));
    default:
        break;
    }
}

static void on_output(j_common_ptr c)
{
    (void)c; /* the library never prints */
}

static void on_progress(j_common_ptr c)
{
    job *j = job_of(c);
    if (j->cinfo.input_scan_number > MAX_SCANS)
        escape(j, fv_fail(j->err, FV_FORMAT, "JPEG with more than %d scans", MAX_SCANS));
}

/* Pillow's Convert.c, cmyk2rgb; Adobe stores the inks inverted, and Pillow takes every CMYK JPEG for one of Adobe's. */
static void cmyk_to_rgb(uint8_t *restrict rgb, const uint8_t *restrict cmyk, int n)
{
    for (int i = 0; i < n; i++) {
        const int key = cmyk[4 * i + 3]; /* 255 - K */
        for (int k = 0; k < 3; k++) {
            const int t = (255 - cmyk[4 * i + k]) * key + 128;
            rgb[3 * i + k] = (uint8_t)(key - (((t >> 8) + t) >> 8));
        }
    }
}

static void read_header(job *j)
{
    struct jpeg_decompress_struct *c = &j->cinfo;
    jpeg_mem_src(c, (unsigned char *)j->file.p, (unsigned long)j->file.len);
    jpeg_read_header(c, TRUE);
    const fv_status s = fv_image_check(c->image_height, c->image_width, j->err);
    if (s != FV_OK) escape(j, s);
    if (c->arith_code) escape(j, fv_fail(j->err, FV_UNSUP, "JPEG with arithmetic coding is not read"));
    const uint64_t pixels = (uint64_t)c->image_height * c->image_width;
    if (pixels / PIXELS_PER_BYTE > j->file.len)
        escape(j, fv_fail(j->err, FV_FORMAT, "premature end of file: %u x %u pixels in %zu bytes", c->image_width,
                          c->image_height, j->file.len));
    switch (c->num_components) {
    case 1:
        c->out_color_space = JCS_GRAYSCALE;
        break;
    case 3:
        c->out_color_space = JCS_RGB;
        break;
    case 4:
        c->out_color_space = JCS_CMYK;
        break;
    default:
        escape(j, fv_fail(j->err, FV_UNSUP, "JPEG with %d components is not read", c->num_components));
    }
}

static void read_pixels(job *j)
{
    struct jpeg_decompress_struct *c = &j->cinfo;
    jpeg_start_decompress(c);
    const int n = c->output_components, w = (int)c->output_width;
    fv_status s = fv_image_new(j->im, c->output_height, c->output_width, j->channels, j->heap, j->err);
    if (s == FV_OK) s = fv_alloc_or(j->heap, (void **)&j->row, (size_t)w * (size_t)n, j->err);
    if (s == FV_OK && n == 4) s = fv_alloc_or(j->heap, (void **)&j->rgb, (size_t)w * 3, j->err);
    if (s != FV_OK) escape(j, s);
    while (c->output_scanline < c->output_height) {
        const int y = (int)c->output_scanline;
        JSAMPROW line = n == j->channels ? j->im->px + (size_t)y * (size_t)w * (size_t)n : j->row;
        jpeg_read_scanlines(c, &line, 1);
        if (n == 4) cmyk_to_rgb(j->rgb, j->row, w);
        if (line == j->row) fv_image_put_row(j->im, y, n == 4 ? j->rgb : j->row, n == 4 ? 3 : n);
    }
    jpeg_finish_decompress(c);
}

static fv_status guarded(job *j)
{
    if (setjmp(j->escape)) return j->status;
    jpeg_create_decompress(&j->cinfo);
    j->progress.progress_monitor = on_progress;
    j->cinfo.progress = &j->progress;
    read_header(j);
    read_pixels(j);
    return FV_OK;
}

/* The orientation in the first EXIF block before the pixels. */
static int orientation_of(fv_bytes file)
{
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 2);
    while (!r.failed) {
        const unsigned mark = fv_read_u8(&r), code = fv_read_u8(&r);
        if (mark != 0xff) return 1;
        if (code == 0xff) { /* fill byte */
            r.at--;
            continue;
        }
        if (code == 0xda || code == 0xd9) return 1;
        const unsigned len = fv_read_u16be(&r);
        if (len < 2) return 1;
        const fv_bytes body = fv_read_bytes(&r, len - 2);
        if (code == 0xe1 && body.len > 6 && memcmp(body.p, "Exif\0", 6) == 0)
            return fv_exif_orientation((fv_bytes){ body.p + 6, body.len - 6 });
    }
    return 1;
}

static fv_status decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    job j = { .err = err, .heap = heap, .file = file, .channels = channels, .im = im };
    j.cinfo.err = jpeg_std_error(&j.mgr);
    j.cinfo.client_data = &j;
    j.mgr.error_exit = on_error;
    j.mgr.emit_message = on_message;
    j.mgr.output_message = on_output;
    fv_status s = guarded(&j);
    jpeg_destroy_decompress(&j.cinfo);
    fv_release(heap, j.row);
    fv_release(heap, j.rgb);
    if (s == FV_OK && exif != FV_EXIF_IGNORE) s = fv_image_orient(im, orientation_of(file), err);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static bool probe(fv_bytes file)
{
    return file.len >= 3 && memcmp(file.p, "\xff\xd8\xff", 3) == 0;
}

const fv_image_format fv_image_jpeg = { "JPEG", " .jpg .jpeg ", probe, decode };
