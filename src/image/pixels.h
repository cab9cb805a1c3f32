/* pixels.h -- what the decoders share: checked sizes, rows into pictures, EXIF orientation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PIXELS_H
#define FV_PIXELS_H
#include "image/image.h"

extern const fv_image_format fv_image_jpeg, fv_image_png, fv_image_webp, fv_image_bmp, fv_image_pnm;

/* FV_FORMAT where a header asks for more than the limits of image.h, or for nothing. */
fv_status fv_image_check(int64_t h, int64_t w, fv_err *err);
/* Checks the size and takes memory, not cleared. */
fv_status fv_image_new(fv_image *im, int64_t h, int64_t w, int c, const fv_allocator *heap, fv_err *err);
/* Stores one row of im->w pixels of c (1 or 3) bytes as row y, grey <-> RGB as needed. */
void fv_image_put_row(fv_image *im, int y, const uint8_t *row, int c);

/* The orientation, 1 .. 8, told by a TIFF block ("II*\0" or "MM\0*" first); 1 where it tells none or is damaged. */
int fv_exif_orientation(fv_bytes tiff);
/* Turns and mirrors im so that orientation 1 .. 8 becomes 1. On failure im is unchanged. */
fv_status fv_image_orient(fv_image *im, int orientation, fv_err *err);

#endif
