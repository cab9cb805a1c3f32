/* recolour.c -- brightness, colour, contrast, sharpness and hue as Pillow's ImageEnhance and its mode HSV compute them.
 * An enhancement blends a degenerate picture (black, grey, flat, smoothed) with the picture itself; factors above 1 go
 * beyond it. Pillow blends in float and cuts the fraction off.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixel_ops.h"
#include "image/pixels.h"

#include <math.h>
#include <string.h>

static uint8_t blend(int from, int to, float share)
{
    if (share == 1) return (uint8_t)to; /* Pillow copies then */
    const float v = (float)from + share * (float)(to - from);
    return v <= 0 ? 0 : v >= 255 ? 255 : (uint8_t)v;
}

/* Pillow's luma, as in pixels.c. */
static int luma(const uint8_t *px, int c)
{
    return c == 1 ? px[0] : (19595 * px[0] + 38470 * px[1] + 7471 * px[2] + 32768) >> 16;
}

static size_t samples(const fv_image *im)
{
    return (size_t)im->h * (size_t)im->w * (size_t)im->c;
}

/* Towards one grey: a table of 256 does it. */
static void towards(fv_image *im, int grey, double v)
{
    uint8_t table[256];
    const size_t n = samples(im);
    for (int i = 0; i < 256; i++) table[i] = blend(grey, i, (float)v);
    for (size_t i = 0; i < n; i++) im->px[i] = table[im->px[i]];
}

void fv_pixel_brightness(fv_image *im, double v)
{
    towards(im, 0, v);
}

void fv_pixel_contrast(fv_image *im, double v)
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += (uint64_t)luma(im->px + i * (size_t)im->c, im->c);
    towards(im, (int)((double)sum / (double)n + 0.5), v);
}

void fv_pixel_color(fv_image *im, double v)
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    for (size_t i = 0; i < n && im->c == 3; i++) {
        uint8_t *px = im->px + 3 * i;
        const int grey = luma(px, 3);
        for (int c = 0; c < 3; c++) px[c] = blend(grey, px[c], (float)v);
    }
}

/* The mean of nine pixels, the middle one counted five times, rounded; pixels at the border stay. */
static int smooth(const fv_image *im, int y, int x, int c)
{
    const int row = im->w * im->c;
    const uint8_t *p = im->px + (size_t)y * (size_t)row + (size_t)(x * im->c + c);
    if (y == 0 || x == 0 || y == im->h - 1 || x == im->w - 1) return *p;
    int sum = 4 * p[0];
    for (int dy = -row; dy <= row; dy += row) sum += p[dy - im->c] + p[dy] + p[dy + im->c];
    return (2 * sum + 13) / 26; /* never halfway: 13 is odd */
}

fv_status fv_pixel_sharpness(fv_image *im, double v, fv_err *err)
{
    fv_image out;
    FV_TRY(fv_image_new(&out, im->h, im->w, im->c, im->heap, err));
    size_t i = 0;
    for (int y = 0; y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            for (int c = 0; c < im->c; c++, i++) out.px[i] = blend(smooth(im, y, x, c), im->px[i], (float)v);
    fv_image_free(im);
    *im = out;
    return FV_OK;
}

/* ---- hue ---- */

static int largest(const uint8_t *px)
{
    const int m = px[0] > px[1] ? px[0] : px[1];
    return m > px[2] ? m : px[2];
}

static int smallest(const uint8_t *px)
{
    const int m = px[0] < px[1] ? px[0] : px[1];
    return m < px[2] ? m : px[2];
}

/* Hue and saturation of 0 .. 255, of a pixel that is not grey; the value is its largest channel. Pillow computes the
 * terms in float, the turn into the circle in double. */
static void hue_of(const uint8_t *px, int *hue, int *saturation)
{
    const int top = largest(px);
    const float range = (float)(top - smallest(px));
    const float r = (float)(top - px[0]) / range, g = (float)(top - px[1]) / range, b = (float)(top - px[2]) / range;
    float h = b - g;
    if (px[0] != top) h = px[1] == top ? (float)(2.0 + (double)r - (double)b) : (float)(4.0 + (double)g - (double)r);
    h = (float)fmod((double)h / 6.0 + 1.0, 1.0);
    *hue = (int)((double)h * 255.0);
    *saturation = (int)((double)(range / (float)top) * 255.0);
}

static uint8_t rounded(double v)
{
    return (uint8_t)(v <= 0 ? 0 : v >= 255 ? 255 : round(v));
}

static void colour_of(uint8_t *px, int hue, int saturation, int top)
{
    const double sixths = hue * 6.0 / 255.0;
    const int sector = (int)sixths;
    const float f = (float)(sixths - sector), s = (float)(saturation / 255.0);
    const uint8_t v = (uint8_t)top, p = rounded((double)top * (1.0 - (double)s)),
                  q = rounded((double)top * (1.0 - (double)(s * f))),
                  t = rounded((double)top * (1.0 - (double)s * (1.0 - (double)f)));
    const uint8_t sectors[6][3] = { { v, t, p }, { q, v, p }, { p, v, t }, { p, q, v }, { t, p, v }, { v, p, q } };
    memcpy(px, sectors[sector % 6], 3);
}

void fv_pixel_hue(fv_image *im, double v)
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    const int turn = (int)(v * 255);
    for (size_t i = 0; i < n && im->c == 3; i++) {
        uint8_t *px = im->px + 3 * i;
        const int top = largest(px);
        int hue, saturation;
        if (top == smallest(px)) continue; /* a grey has no hue */
        hue_of(px, &hue, &saturation);
        if (saturation == 0) memset(px, top, 3);
        else colour_of(px, (hue + turn) & 255, saturation, top);
    }
}
