/* image.h -- pictures: 8-bit pixels, decoders as rows, geometry with Pillow's and torchvision's exact arithmetic.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_IMAGE_H
#define FV_IMAGE_H
#include "base/alloc.h"
#include "base/bytes.h"

enum { FV_IMAGE_MAX_SIDE = 16384, FV_IMAGE_MAX_PIXELS = 64 << 20, FV_IMAGE_MAX_BYTES = 64 << 20 };

/* h x w x c bytes, c is 1 (grey) or 3 (RGB), rows dense. fv_image_free releases px. */
typedef struct fv_image {
    int h, w, c;
    uint8_t *px;
    bool clipped; /* some of its 16-bit greys were larger than 255, and became that */
    const fv_allocator *heap;
} fv_image;
void fv_image_free(fv_image *im);

/* A picture format. decode gives channels = 1 or 3 as asked (grey <-> RGB by Pillow's rules: L = (19595 R + 38470 G +
 * 7471 B + 32768) >> 16), EXIF applied or not; the header's sizes are checked against the limits before memory is taken.
 * It is NULL where this build is without the format's library: such a file is refused by name. */
typedef struct fv_image_format {
    const char *name;       /* "JPEG" */
    const char *extensions; /* " .jpg .jpeg " */
    bool (*probe)(fv_bytes file);
    fv_status (*decode)(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap, fv_err *err);
} fv_image_format;
extern const fv_image_format *const fv_image_formats[]; /* ends with NULL */

/* By content, never by name. FV_FORMAT: corrupt, truncated or no picture; FV_UNSUP: a form that is not read. */
fv_status fv_image_decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap,
                          fv_err *err);
fv_status fv_image_load(fv_image *im, const char *path, int channels, fv_exif exif, const fv_allocator *heap,
                        fv_err *err);
bool fv_image_known_extension(const char *path);
fv_status fv_image_encode_png(fv_writer *w, const fv_image *im, fv_err *err);    /* appends */
fv_status fv_image_write_png(const fv_image *im, const char *path, fv_err *err); /* whole or not at all */

/* Pillow's Image.resize(box): separable, antialiased, 8 bits between the passes (FIELD: Resample.c). box is in source
 * pixels: x0, y0, x1, y1. */
fv_status fv_image_resize(fv_image *out, const fv_image *in, int h, int w, const float box[4], fv_filter filter,
                          const fv_allocator *heap, fv_err *err);
fv_status fv_image_crop(fv_image *out, const fv_image *in, int top, int left, int h, int w, const fv_allocator *heap,
                        fv_err *err); /* zeros outside */
void fv_image_flip(fv_image *im);     /* left-right, in place */
void fv_image_vflip(fv_image *im);    /* top-bottom, in place */
/* torchvision's Resize(shorter side), then CenterCrop(prep->h, prep->w). */
fv_status fv_image_prepare(fv_image *out, const fv_image *in, const fv_prep *prep, const fv_allocator *heap,
                           fv_err *err);
/* The fv_views(prep->tta) inputs of a picture, prepared and normalised. */
fv_status fv_image_views(float *out, const fv_image *in, const fv_prep *prep, const fv_allocator *heap, fv_err *err);
/* ToTensor and Normalize: (x / 255 - mean) / std in float, in that order; the colours turned before where prep wants
 * blue first. out: h*w*c floats. */
void fv_image_normalise(float *out, const fv_image *im, const fv_prep *prep);
/* Back again: exact for what came from 8 bits. im has its size and memory. */
void fv_image_restore(fv_image *im, const float *x, const fv_prep *prep);

#endif
