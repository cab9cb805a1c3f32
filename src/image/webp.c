/* webp.c -- WebP by libwebp; alpha is dropped as Pillow's convert("RGB") does. Of an animation the first frame is read, on
 * a black canvas.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <string.h>

#include <webp/decode.h>

/* RIFF chunks after "RIFF", size, "WEBP"; each padded to an even length. */
static int orientation_of(fv_bytes file)
{
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 12);
    while (!r.failed && fv_reader_left(&r) >= 8) {
        const fv_bytes type = fv_read_bytes(&r, 4);
        const uint32_t len = fv_read_u32le(&r);
        fv_bytes body = fv_read_bytes(&r, len);
        if (len % 2) fv_read_skip(&r, 1);
        if (memcmp(type.p, "EXIF", 4) != 0) continue;
        if (body.len > 6 && memcmp(body.p, "Exif\0", 6) == 0) body = (fv_bytes){ body.p + 6, body.len - 6 };
        return fv_exif_orientation(body);
    }
    return 1;
}

static fv_status fail_of(VP8StatusCode code, fv_err *err)
{
    switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return fv_fail(err, FV_FORMAT, "premature end of file");
    case VP8_STATUS_OUT_OF_MEMORY:
        return fv_fail(err, FV_NOMEM, "out of memory while reading a WebP");
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return fv_fail(err, FV_UNSUP, "WebP with an unknown feature is not read");
    default:
        return fv_fail(err, FV_FORMAT, "corrupt WebP");
    }
}

/* A picture without its container, h x w pixels that begin at `px` of a picture `wide` pixels wide. */
static fv_status decode_at(uint8_t *px, int wide, int h, int w, fv_bytes file, fv_err *err)
{
    WebPDecoderConfig cfg;
    if (!WebPInitDecoderConfig(&cfg)) return fv_fail(err, FV_UNSUP, "the libwebp that is linked has another version");
    const VP8StatusCode head = WebPGetFeatures(file.p, file.len, &cfg.input);
    if (head != VP8_STATUS_OK) return fail_of(head, err);
    if (cfg.input.width != w || cfg.input.height != h || cfg.input.has_animation)
        return fv_fail(err, FV_FORMAT, "corrupt WebP: a frame of another size than told");
    cfg.output.colorspace = MODE_RGB;
    cfg.output.is_external_memory = 1;
    cfg.output.u.RGBA = (WebPRGBABuffer){ px, wide * 3, ((size_t)(h - 1) * (size_t)wide + (size_t)w) * 3 };
    const VP8StatusCode body = WebPDecode(file.p, file.len, &cfg);
    WebPFreeDecBuffer(&cfg.output);
    return body == VP8_STATUS_OK ? FV_OK : fail_of(body, err);
}

static int u24(const uint8_t *p)
{
    return p[0] | p[1] << 8 | p[2] << 16;
}

/* The first ANMF chunk: place (in pairs of pixels), size less one, duration, flags; then the frame's own chunks. */
static fv_status first_frame(fv_image *rgb, fv_bytes file, fv_err *err)
{
    enum { FRAME_HEAD = 16 };
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 12);
    while (!r.failed && fv_reader_left(&r) >= 8) {
        const fv_bytes type = fv_read_bytes(&r, 4);
        const uint32_t len = fv_read_u32le(&r);
        const fv_bytes body = fv_read_bytes(&r, len);
        if (len % 2) fv_read_skip(&r, 1);
        if (memcmp(type.p, "ANMF", 4) != 0) continue;
        if (body.len < FRAME_HEAD) break;
        const int x = 2 * u24(body.p), y = 2 * u24(body.p + 3), w = u24(body.p + 6) + 1, h = u24(body.p + 9) + 1;
        if (x > rgb->w - w || y > rgb->h - h)
            return fv_fail(err, FV_FORMAT, "corrupt WebP: a frame outside the canvas");
        return decode_at(rgb->px + 3 * ((size_t)y * (size_t)rgb->w + (size_t)x), rgb->w, h, w,
                         (fv_bytes){ body.p + FRAME_HEAD, body.len - FRAME_HEAD }, err);
    }
    return fv_fail(err, FV_FORMAT, "premature end of file: an animated WebP without a frame");
}

static fv_status decode_rgb(fv_image *rgb, fv_bytes file, const fv_allocator *heap, fv_err *err)
{
    WebPBitstreamFeatures info;
    const VP8StatusCode head = WebPGetFeatures(file.p, file.len, &info);
    if (head != VP8_STATUS_OK) return fail_of(head, err);
    FV_TRY(fv_image_new(rgb, info.height, info.width, 3, heap, err));
    if (!info.has_animation) return decode_at(rgb->px, rgb->w, rgb->h, rgb->w, file, err);
    memset(rgb->px, 0, (size_t)rgb->h * (size_t)rgb->w * 3);
    return first_frame(rgb, file, err);
}

static fv_status decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    fv_image rgb = { .heap = heap };
    fv_status s = decode_rgb(&rgb, file, heap, err);
    if (s == FV_OK && channels == 1) {
        s = fv_image_new(im, rgb.h, rgb.w, 1, heap, err);
        for (int y = 0; s == FV_OK && y < rgb.h; y++)
            fv_image_put_row(im, y, rgb.px + (size_t)y * (size_t)rgb.w * 3, 3);
        fv_image_free(&rgb);
    } else if (s == FV_OK) {
        *im = rgb;
        rgb = (fv_image){ .heap = heap };
    }
    if (s == FV_OK && exif != FV_EXIF_IGNORE) s = fv_image_orient(im, orientation_of(file), err);
    fv_image_free(&rgb);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static bool probe(fv_bytes file)
{
    return file.len >= 12 && memcmp(file.p, "RIFF", 4) == 0 && memcmp(file.p + 8, "WEBP", 4) == 0;
}

const fv_image_format fv_image_webp = { "WebP", " .webp ", probe, decode };
