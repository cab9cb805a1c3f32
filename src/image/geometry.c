/* geometry.c -- crop, flip, torchvision's Resize + CenterCrop, ToTensor + Normalize.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <math.h>
#include <string.h>

fv_status fv_image_crop(fv_image *out, const fv_image *in, int top, int left, int h, int w, const fv_allocator *heap,
                        fv_err *err)
{
    FV_TRY(fv_image_new(out, h, w, in->c, heap, err));
    const size_t c = (size_t)in->c, row = (size_t)w * c;
    const int x0 = left < 0 ? -left : 0; /* output columns [x0, x1) lie inside */
    const int x1 = left > in->w - w ? in->w - left : w;
    for (int y = 0; y < h; y++) {
        uint8_t *to = out->px + (size_t)y * row;
        const int sy = top + y;
        if (sy < 0 || sy >= in->h || x0 >= x1) {
            memset(to, 0, row);
            continue;
        }
        memset(to, 0, (size_t)x0 * c);
        memcpy(to + (size_t)x0 * c, in->px + ((size_t)sy * (size_t)in->w + (size_t)(left + x0)) * c,
               (size_t)(x1 - x0) * c);
        memset(to + (size_t)x1 * c, 0, (size_t)(w - x1) * c);
    }
    return FV_OK;
}

void fv_image_flip(fv_image *im)
{
    const int c = im->c;
    for (int y = 0; y < im->h; y++) {
        uint8_t *l = im->px + (size_t)y * (size_t)im->w * (size_t)c, *r = l + (size_t)(im->w - 1) * (size_t)c;
        for (; l < r; l += c, r -= c)
            for (int k = 0; k < c; k++) {
                const uint8_t t = l[k];
                l[k] = r[k];
                r[k] = t;
            }
    }
}

void fv_image_vflip(fv_image *im)
{
    const size_t row = (size_t)im->w * (size_t)im->c;
    for (int y = 0; y < im->h / 2; y++) {
        uint8_t *a = im->px + (size_t)y * row, *b = im->px + (size_t)(im->h - 1 - y) * row;
        for (size_t i = 0; i < row; i++) {
            const uint8_t t = a[i];
            a[i] = b[i];
            b[i] = t;
        }
    }
}

/* CenterCrop: what is too small is padded with (crop - size) // 2 in front; what is too large is cut at
 * round((size - crop) / 2), half to even as in Python. */
static int centre(int size, int crop)
{
    if (crop >= size) return -((crop - size) / 2);
    const int d = size - crop, half = d / 2;
    return d % 2 && half % 2 ? half + 1 : half;
}

/* Resize(int): the longer side is int(resize * long / short). */
static fv_status shorter_side(fv_image *out, const fv_image *in, const fv_prep *p, const fv_allocator *heap,
                              fv_err *err)
{
    const int longer = in->h > in->w ? in->h : in->w, shorter = in->h > in->w ? in->w : in->h;
    const int64_t to = (int64_t)((double)p->resize * longer / shorter);
    if (to > FV_IMAGE_MAX_SIDE || to * p->resize > FV_IMAGE_MAX_PIXELS)
        return fv_fail(err, FV_FORMAT, "%d x %d pixels are too narrow to resize the shorter side to %d", in->w, in->h,
                       p->resize);
    const bool tall = in->h > in->w;
    return fv_image_resize(out, in, tall ? (int)to : p->resize, tall ? p->resize : (int)to, NULL, p->filter, heap, err);
}

/* *from is the picture whose shorter side is as wanted: `in`, or `resized`, which is to be freed. */
static fv_status resize(const fv_image **from, fv_image *resized, const fv_image *in, const fv_prep *prep,
                        const fv_allocator *heap, fv_err *err)
{
    const int shorter = in->h > in->w ? in->w : in->h;
    *resized = (fv_image){ .heap = heap };
    *from = in;
    if (prep->resize <= 0 || prep->resize == shorter) return FV_OK;
    *from = resized;
    return shorter_side(resized, in, prep, heap, err);
}

fv_status fv_image_prepare(fv_image *out, const fv_image *in, const fv_prep *prep, const fv_allocator *heap,
                           fv_err *err)
{
    fv_image resized;
    const fv_image *from;
    *out = (fv_image){ .heap = heap };
    FV_TRY(resize(&from, &resized, in, prep, heap, err));
    if (from == &resized && resized.h == prep->h && resized.w == prep->w) {
        *out = resized;
        return FV_OK;
    }
    const fv_status s =
        fv_image_crop(out, from, centre(from->h, prep->h), centre(from->w, prep->w), prep->h, prep->w, heap, err);
    fv_image_free(&resized);
    return s;
}

/* ---- views ---- */

enum { CENTRE = 4 };

int fv_views(fv_tta tta)
{
    static const int views[] = { [FV_TTA_NONE] = 1, [FV_TTA_FLIP] = 2, [FV_TTA_FIVE] = 5, [FV_TTA_TEN] = 10 };
    return (unsigned)tta <= FV_TTA_TEN ? views[tta] : 1;
}

/* Where a crop starts: at the near end, the far one or the centre. What is too small is padded on both sides. */
static int start(int size, int crop, bool far, bool middle)
{
    if (middle || crop >= size) return centre(size, crop);
    return far ? size - crop : 0;
}

/* The crop of corner 0 .. 3, row by row, or of the centre. */
static fv_status cut(fv_image *out, const fv_image *in, int corner, const fv_prep *p, const fv_allocator *heap,
                     fv_err *err)
{
    const int top = start(in->h, p->h, corner >= 2, corner == CENTRE);
    const int left = start(in->w, p->w, corner & 1, corner == CENTRE);
    return fv_image_crop(out, in, top, left, p->h, p->w, heap, err);
}

fv_status fv_image_views(float *out, const fv_image *in, const fv_prep *prep, const fv_allocator *heap, fv_err *err)
{
    const int views = fv_views(prep->tta), places = prep->tta >= FV_TTA_FIVE ? 5 : 1;
    const size_t pixels = (size_t)prep->h * (size_t)prep->w * (size_t)prep->channels;
    fv_image resized;
    const fv_image *from;
    FV_TRY(resize(&from, &resized, in, prep, heap, err));
    fv_status s = FV_OK;
    for (int v = 0; v < views && s == FV_OK; v++) {
        fv_image view;
        s = cut(&view, from, places == 1 ? CENTRE : v % places, prep, heap, err);
        if (s != FV_OK) break;
        if (v >= places) fv_image_flip(&view);
        fv_image_normalise(out + (size_t)v * pixels, &view, prep);
        fv_image_free(&view);
    }
    fv_image_free(&resized);
    return s;
}

/* mean and std are laid out for a whole number of pixels and of vectors, so that the loop has no channel in it. */
enum { BLOCK = 48 };

static const uint8_t *blue_first(uint8_t out[BLOCK], const uint8_t *rgb, int n)
{
    for (int k = 0; k + 3 <= n; k += 3) {
        out[k] = rgb[k + 2];
        out[k + 1] = rgb[k + 1];
        out[k + 2] = rgb[k];
    }
    return out;
}

void fv_image_normalise(float *restrict out, const fv_image *im, const fv_prep *prep)
{
    float mean[BLOCK], std[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        mean[i] = prep->mean[i % im->c];
        std[i] = prep->std[i % im->c] != 0 ? prep->std[i % im->c] : 1;
    }
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    const bool turn = prep->order == FV_BGR && im->c == 3;
    uint8_t turned[BLOCK];
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        const uint8_t *px = turn ? blue_first(turned, im->px + i, BLOCK) : im->px + i;
        for (int k = 0; k < BLOCK; k++) out[i + k] = ((float)px[k] / 255.0f - mean[k]) / std[k];
    }
    const int rest = (int)(n - i);
    const uint8_t *px = turn ? blue_first(turned, im->px + i, rest) : im->px + i;
    for (int k = 0; k < rest; k++) out[i + k] = ((float)px[k] / 255.0f - mean[k]) / std[k];
}

void fv_image_restore(fv_image *im, const float *x, const fv_prep *prep)
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    const bool turn = prep->order == FV_BGR && im->c == 3;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < im->c; c++) {
            const float std = prep->std[c] != 0 ? prep->std[c] : 1;
            const float v = rintf(255 * (x[i * (size_t)im->c + (size_t)c] * std + prep->mean[c]));
            im->px[i * (size_t)im->c + (size_t)(turn ? 2 - c : c)] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
        }
}
