/* affine.c -- Pillow's Image.transform(AFFINE): nearest pixels in 16.16 fixed point (plain scaling and shifting in
 * double), bilinear in double; what lies outside keeps the fill colour.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixel_ops.h"
#include "image/pixels.h"

#include <math.h>
#include <string.h>

typedef struct job {
    const fv_image *in;
    fv_image *out;
    const double *m;
} job;

static const uint8_t *pixel(const fv_image *im, int64_t y, int64_t x)
{
    return im->px + ((size_t)y * (size_t)im->w + (size_t)x) * (size_t)im->c;
}

static bool inside(const fv_image *im, int64_t y, int64_t x)
{
    return y >= 0 && y < im->h && x >= 0 && x < im->w;
}

static void take(const job *j, int y, int x, int64_t sy, int64_t sx)
{
    if (inside(j->in, sy, sx)) memcpy((uint8_t *)pixel(j->out, y, x), pixel(j->in, sy, sx), (size_t)j->in->c);
}

/* Where the axes stay axes: the source is summed up step by step, as Pillow does it. */
static void scaled(const job *j)
{
    const double *m = j->m;
    double sy = m[5] + m[4] * 0.5;
    for (int y = 0; y < j->out->h; y++, sy += m[4]) {
        double sx = m[2] + m[0] * 0.5;
        for (int x = 0; x < j->out->w; x++, sx += m[0])
            take(j, y, x, sy < 0 ? -1 : (int64_t)sy, sx < 0 ? -1 : (int64_t)sx);
    }
}

static int64_t fixed(double v)
{
    return (int64_t)floor(v * 65536 + 0.5);
}

static void nearest(const job *j)
{
    const double *m = j->m;
    const int64_t dx = fixed(m[0]), dy = fixed(m[3]);
    int64_t x0 = fixed(m[2] + m[0] * 0.5 + m[1] * 0.5), y0 = fixed(m[5] + m[3] * 0.5 + m[4] * 0.5);
    for (int y = 0; y < j->out->h; y++, x0 += fixed(m[1]), y0 += fixed(m[4])) {
        int64_t sx = x0, sy = y0;
        for (int x = 0; x < j->out->w; x++, sx += dx, sy += dy) take(j, y, x, sy >> 16, sx >> 16);
    }
}

static int held(int v, int n)
{
    return v < 0 ? 0 : v < n ? v : n - 1;
}

/* The four pixels around (sx, sy), those beyond the border being the border's; the fraction is cut off. */
static void between(const job *j, int y, int x, double sy, double sx)
{
    const fv_image *in = j->in;
    const int w = in->w, h = in->h, c = in->c;
    if (!(sx >= 0 && sx < w && sy >= 0 && sy < h)) return;
    const double left = floor(sx - 0.5), top = floor(sy - 0.5), dx = sx - 0.5 - left, dy = sy - 0.5 - top;
    const int x0 = held((int)left, w), x1 = held((int)left + 1, w), y0 = held((int)top, h), y1 = (int)top + 1;
    const uint8_t *a = pixel(in, y0, 0), *b = pixel(in, held(y1, h), 0);
    uint8_t *to = (uint8_t *)pixel(j->out, y, x);
    for (int k = 0; k < c; k++) {
        const double p = a[x0 * c + k], q = a[x1 * c + k], r = b[x0 * c + k], s = b[x1 * c + k];
        const double upper = p + (q - p) * dx, lower = y1 < h ? r + (s - r) * dx : upper;
        to[k] = (uint8_t)(upper + (lower - upper) * dy);
    }
}

static void bilinear(const job *j)
{
    const double *m = j->m;
    for (int y = 0; y < j->out->h; y++)
        for (int x = 0; x < j->out->w; x++) {
            const double cx = x + 0.5, cy = y + 0.5;
            between(j, y, x, m[3] * cx + m[4] * cy + m[5], m[0] * cx + m[1] * cy + m[2]);
        }
}

fv_status fv_pixel_affine(fv_image *im, const double m[6], const fv_pixel_how *how, fv_err *err)
{
    fv_image out;
    FV_TRY(fv_image_new(&out, im->h, im->w, im->c, im->heap, err));
    const size_t pixels = (size_t)im->h * (size_t)im->w;
    for (size_t i = 0; i < pixels; i++) memcpy(out.px + i * (size_t)im->c, how->fill, (size_t)im->c);
    const job j = { im, &out, m };
    if (how->bilinear) bilinear(&j);
    else if (m[1] == 0 && m[3] == 0) scaled(&j);
    else nearest(&j);
    fv_image_free(im);
    *im = out;
    return FV_OK;
}
