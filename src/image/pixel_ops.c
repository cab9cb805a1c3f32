/* pixel_ops.c -- the table of changes. What a table of 256 can do is made here; the others in recolour.c and affine.c.
 * Cubuk et al.: "AutoAugment" (2018), table 6, names them; DeVries, Taylor: "Improved regularization ... with cutout" (2017).
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixel_ops.h"

#include <math.h>
#include <string.h>

/* ---- tables per channel ---- */

typedef uint8_t table[3][256];

static void apply(fv_image *im, table t)
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < im->c; c++)
            im->px[i * (size_t)im->c + (size_t)c] = t[c][im->px[i * (size_t)im->c + (size_t)c]];
}

static void count(const fv_image *im, int64_t histogram[3][256])
{
    const size_t n = (size_t)im->h * (size_t)im->w;
    memset(histogram, 0, 3 * sizeof *histogram);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < im->c; c++) histogram[c][im->px[i * (size_t)im->c + (size_t)c]]++;
}

static uint8_t clipped(int64_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static fv_status invert(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)v, (void)how, (void)err;
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    for (size_t i = 0; i < n; i++) im->px[i] = (uint8_t)(255 - im->px[i]);
    return FV_OK;
}

static fv_status solarize(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    for (size_t i = 0; i < n; i++)
        if (im->px[i] >= v) im->px[i] = (uint8_t)(255 - im->px[i]);
    return FV_OK;
}

static fv_status solarize_add(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    for (size_t i = 0; i < n; i++)
        if (im->px[i] < 128) im->px[i] = clipped(im->px[i] + (int64_t)v);
    return FV_OK;
}

static fv_status posterize(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    const size_t n = (size_t)im->h * (size_t)im->w * (size_t)im->c;
    const int bits = v < 0 ? 0 : v > 8 ? 8 : (int)v;
    for (size_t i = 0; i < n; i++) im->px[i] &= (uint8_t)(0xff << (8 - bits));
    return FV_OK;
}

/* Each channel stretched to the whole range. */
static fv_status auto_contrast(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)v, (void)how, (void)err;
    int64_t histogram[3][256];
    table t;
    count(im, histogram);
    for (int c = 0; c < im->c; c++) {
        int low = 0, high = 255;
        while (low < 255 && histogram[c][low] == 0) low++;
        while (high > 0 && histogram[c][high] == 0) high--;
        const bool flat = high <= low;
        const double scale = flat ? 1 : 255.0 / (high - low), offset = flat ? 0 : -low * scale;
        for (int i = 0; i < 256; i++) t[c][i] = clipped((int64_t)(i * scale + offset));
    }
    apply(im, t);
    return FV_OK;
}

/* Each channel's histogram made even: steps of as many pixels as lie below its brightest value, divided by 255. */
static fv_status equalize(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)v, (void)how, (void)err;
    int64_t histogram[3][256];
    table t;
    count(im, histogram);
    for (int c = 0; c < im->c; c++) {
        int high = 255;
        while (high > 0 && histogram[c][high] == 0) high--;
        const int64_t step = ((int64_t)im->h * im->w - histogram[c][high]) / 255;
        int64_t n = step / 2;
        for (int i = 0; i < 256; i++) {
            t[c][i] = step == 0 ? (uint8_t)i : clipped(n / step);
            n += histogram[c][i];
        }
    }
    apply(im, t);
    return FV_OK;
}

/* ---- places ---- */

static fv_status identity(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)im, (void)v, (void)how, (void)err;
    return FV_OK;
}

static fv_status shear_x(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    return fv_pixel_affine(im, (double[6]){ 1, v, 0, 0, 1, 0 }, how, err);
}

static fv_status shear_y(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    return fv_pixel_affine(im, (double[6]){ 1, 0, 0, v, 1, 0 }, how, err);
}

static fv_status translate_x(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    return fv_pixel_affine(im, (double[6]){ 1, 0, v, 0, 1, 0 }, how, err);
}

static fv_status translate_y(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    return fv_pixel_affine(im, (double[6]){ 1, 0, 0, 0, 1, v }, how, err);
}

/* To 15 decimals, so that right angles have no small remainders. Where the product looks halfway, what it lost says
 * which way. */
static double tidy(double v)
{
    const double p = v * 1e15, lost = fma(v, 1e15, -p), below = floor(p);
    const bool halfway = p - below == 0.5;
    return (halfway && lost != 0 ? below + (lost > 0) : rint(p)) / 1e15;
}

static fv_status rotate(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    const double whole = fmod(v, 360), degrees = whole < 0 ? whole + 360 : whole;
    if (degrees == 0) return FV_OK;
    const double angle = -degrees * (3.14159265358979323846 / 180), c = tidy(cos(angle)), s = tidy(sin(angle));
    const double cx = im->w / 2.0, cy = im->h / 2.0;
    const double m[6] = { c, s, c * -cx + s * -cy + cx, tidy(-sin(angle)), c, tidy(-sin(angle)) * -cx + c * -cy + cy };
    return fv_pixel_affine(im, m, how, err);
}

static fv_status cutout(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)err;
    const int side = (int)v, top = how->at[0] - side / 2, left = how->at[1] - side / 2;
    for (int y = top < 0 ? 0 : top; y < top + side && y < im->h; y++)
        for (int x = left < 0 ? 0 : left; x < left + side && x < im->w; x++)
            memcpy(im->px + ((size_t)y * (size_t)im->w + (size_t)x) * (size_t)im->c, how->fill, (size_t)im->c);
    return FV_OK;
}

/* ---- enhancements: by their parts in recolour.c ---- */

static fv_status brightness(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    fv_pixel_brightness(im, v);
    return FV_OK;
}

static fv_status color(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    fv_pixel_color(im, v);
    return FV_OK;
}

static fv_status contrast(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    fv_pixel_contrast(im, v);
    return FV_OK;
}

static fv_status sharpness(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how;
    return fv_pixel_sharpness(im, v, err);
}

static fv_status hue(fv_image *im, double v, const fv_pixel_how *how, fv_err *err)
{
    (void)how, (void)err;
    fv_pixel_hue(im, v);
    return FV_OK;
}

static const struct row {
    const char *name;
    fv_status (*run)(fv_image *im, double v, const fv_pixel_how *how, fv_err *err);
} rows[FV_PIXEL_COUNT] = {
    [FV_PIXEL_IDENTITY] = { "Identity", identity },
    [FV_PIXEL_SHEAR_X] = { "ShearX", shear_x },
    [FV_PIXEL_SHEAR_Y] = { "ShearY", shear_y },
    [FV_PIXEL_TRANSLATE_X] = { "TranslateX", translate_x },
    [FV_PIXEL_TRANSLATE_Y] = { "TranslateY", translate_y },
    [FV_PIXEL_ROTATE] = { "Rotate", rotate },
    [FV_PIXEL_BRIGHTNESS] = { "Brightness", brightness },
    [FV_PIXEL_COLOR] = { "Color", color },
    [FV_PIXEL_CONTRAST] = { "Contrast", contrast },
    [FV_PIXEL_SHARPNESS] = { "Sharpness", sharpness },
    [FV_PIXEL_HUE] = { "Hue", hue },
    [FV_PIXEL_POSTERIZE] = { "Posterize", posterize },
    [FV_PIXEL_SOLARIZE] = { "Solarize", solarize },
    [FV_PIXEL_SOLARIZE_ADD] = { "SolarizeAdd", solarize_add },
    [FV_PIXEL_AUTO_CONTRAST] = { "AutoContrast", auto_contrast },
    [FV_PIXEL_EQUALIZE] = { "Equalize", equalize },
    [FV_PIXEL_INVERT] = { "Invert", invert },
    [FV_PIXEL_CUTOUT] = { "Cutout", cutout },
};

const char *fv_pixel_name(fv_pixel_kind kind)
{
    return rows[kind].name;
}

fv_status fv_pixel_run(fv_image *im, fv_pixel_kind kind, double v, const fv_pixel_how *how, fv_err *err)
{
    const fv_status s = rows[kind].run(im, v, how, err);
    return s == FV_OK ? s : fv_context(err, s, "%s", rows[kind].name);
}
