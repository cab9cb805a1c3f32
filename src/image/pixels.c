/* pixels.c -- checked pictures, grey <-> RGB, turning by EXIF orientation.
 * Grey is Pillow's: ITU-R 601-2 luma in 16-bit fixed point, rounded (its Convert.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <inttypes.h>
#include <string.h>

fv_status fv_image_check(int64_t h, int64_t w, fv_err *err)
{
    if (h < 1 || w < 1) return fv_fail(err, FV_FORMAT, "the header says %" PRId64 " x %" PRId64 " pixels", w, h);
    if (h > FV_IMAGE_MAX_SIDE || w > FV_IMAGE_MAX_SIDE)
        return fv_fail(err, FV_FORMAT, "%" PRId64 " x %" PRId64 " pixels, at most %d per side are read", w, h,
                       FV_IMAGE_MAX_SIDE);
    if (h * w > FV_IMAGE_MAX_PIXELS)
        return fv_fail(err, FV_FORMAT, "%" PRId64 " x %" PRId64 " pixels, at most %d in all are read", w, h,
                       FV_IMAGE_MAX_PIXELS);
    return FV_OK;
}

fv_status fv_image_new(fv_image *im, int64_t h, int64_t w, int c, const fv_allocator *heap, fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    FV_TRY(fv_image_check(h, w, err));
    void *px = NULL;
    FV_TRY(fv_alloc_or(heap, &px, (size_t)h * (size_t)w * (size_t)c, err));
    *im = (fv_image){ .h = (int)h, .w = (int)w, .c = c, .px = px, .heap = heap };
    return FV_OK;
}

void fv_image_free(fv_image *im)
{
    fv_release(im->heap, im->px);
    *im = (fv_image){ .heap = im->heap };
}

static void grey_to_rgb(uint8_t *restrict out, const uint8_t *restrict in, int n)
{
    for (int i = 0; i < n; i++) {
        out[3 * i] = in[i];
        out[3 * i + 1] = in[i];
        out[3 * i + 2] = in[i];
    }
}

static void rgb_to_grey(uint8_t *restrict out, const uint8_t *restrict in, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((19595u * in[3 * i] + 38470u * in[3 * i + 1] + 7471u * in[3 * i + 2] + 32768u) >> 16);
}

void fv_image_put_row(fv_image *im, int y, const uint8_t *row, int c)
{
    uint8_t *out = im->px + (size_t)y * (size_t)im->w * (size_t)im->c;
    if (c == im->c) memcpy(out, row, (size_t)im->w * (size_t)c);
    else if (c == 1) grey_to_rgb(out, row, im->w);
    else rgb_to_grey(out, row, im->w);
}

/* Row o of the table: how output pixel (y, x) is found in the input. swap: its row comes from x and its column from y;
 * then rows and columns of the input may run backwards. TIFF 6.0, tag 274. */
static const struct turn {
    bool swap, up, left;
} turns[9] = {
    [2] = { false, false, true }, [3] = { false, true, true }, [4] = { false, true, false },
    [5] = { true, false, false }, [6] = { true, true, false }, [7] = { true, true, true },
    [8] = { true, false, true },
};

fv_status fv_image_orient(fv_image *im, int orientation, fv_err *err)
{
    if (orientation < 2 || orientation > 8) return FV_OK;
    const struct turn t = turns[orientation];
    fv_image out;
    FV_TRY(fv_image_new(&out, t.swap ? im->w : im->h, t.swap ? im->h : im->w, im->c, im->heap, err));
    const int c = im->c;
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            const int row = t.swap ? x : y, col = t.swap ? y : x;
            const int sy = t.up ? im->h - 1 - row : row, sx = t.left ? im->w - 1 - col : col;
            const uint8_t *from = im->px + ((size_t)sy * (size_t)im->w + (size_t)sx) * (size_t)c;
            uint8_t *to = out.px + ((size_t)y * (size_t)out.w + (size_t)x) * (size_t)c;
            for (int k = 0; k < c; k++) to[k] = from[k];
        }
    fv_image_free(im);
    *im = out;
    return FV_OK;
}
