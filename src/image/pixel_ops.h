/* pixel_ops.h -- changes of pictures for training, one row per kind, in 8 bits and byte for byte as Pillow computes them
 * (ImageOps, ImageEnhance, Image.transform, Image.rotate, mode HSV).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PIXEL_OPS_H
#define FV_PIXEL_OPS_H
#include "image/image.h"

typedef enum fv_pixel_kind {
    FV_PIXEL_IDENTITY,
    FV_PIXEL_SHEAR_X,       /* v pixels to the left per row down, about the top left corner */
    FV_PIXEL_SHEAR_Y,       /* likewise */
    FV_PIXEL_TRANSLATE_X,   /* v pixels to the left */
    FV_PIXEL_TRANSLATE_Y,   /* v pixels up */
    FV_PIXEL_ROTATE,        /* v degrees against the clock, about the centre */
    FV_PIXEL_BRIGHTNESS,    /* v: 0 black, 1 as it is */
    FV_PIXEL_COLOR,         /* v: 0 grey, 1 as it is */
    FV_PIXEL_CONTRAST,      /* v: 0 the mean grey, 1 as it is */
    FV_PIXEL_SHARPNESS,     /* v: 0 smoothed, 1 as it is */
    FV_PIXEL_HUE,           /* v: share of the circle of hues, -0.5 .. 0.5 */
    FV_PIXEL_POSTERIZE,     /* v: bits that stay, 0 .. 8 */
    FV_PIXEL_SOLARIZE,      /* inverts what is v or more */
    FV_PIXEL_SOLARIZE_ADD,  /* adds v to what is below 128 */
    FV_PIXEL_AUTO_CONTRAST, /* v means nothing to these */
    FV_PIXEL_EQUALIZE,
    FV_PIXEL_INVERT,
    FV_PIXEL_CUTOUT, /* a square of v pixels becomes the fill colour; its centre is `at` */
    FV_PIXEL_COUNT
} fv_pixel_kind;

typedef struct fv_pixel_how {
    uint8_t fill[3]; /* colour of what comes in from outside */
    bool bilinear;   /* else the nearest pixel */
    int at[2];       /* row and column, for the cutout */
} fv_pixel_how;

/* Replaces the picture. On failure *im can still be freed. */
fv_status fv_pixel_run(fv_image *im, fv_pixel_kind kind, double v, const fv_pixel_how *how, fv_err *err);
const char *fv_pixel_name(fv_pixel_kind kind); /* "ShearX" */

/* The rows' own parts: each in place, or by a new picture in the place of the old. */
void fv_pixel_brightness(fv_image *im, double v);
void fv_pixel_color(fv_image *im, double v);
void fv_pixel_contrast(fv_image *im, double v);
fv_status fv_pixel_sharpness(fv_image *im, double v, fv_err *err);
void fv_pixel_hue(fv_image *im, double v);
/* Output pixel (x, y) is taken at (m0 x + m1 y + m2, m3 x + m4 y + m5), both at pixels' centres. */
fv_status fv_pixel_affine(fv_image *im, const double m[6], const fv_pixel_how *how, fv_err *err);

#endif
