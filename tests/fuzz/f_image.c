/* f_image.c -- any bytes through every decoder, EXIF and the preparation of an input.
 * Property: what is accepted has the pixels it claims, inside the limits; what is refused holds no memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { LARGEST = 1 << 20 }; /* pixels to go on with: larger ones only cost time */
    fv_image im, out;
    fv_err err = { 0 };
    const int channels = size % 2 ? 1 : 3;
    if (fv_image_decode(&im, (fv_bytes){ data, size }, channels, FV_EXIF_APPLY, NULL, &err) != FV_OK) {
        if (im.px || err.msg[0] == 0) abort();
        return 0;
    }
    const int64_t pixels = (int64_t)im.h * im.w;
    if (im.c != channels || im.h < 1 || im.w < 1 || im.h > FV_IMAGE_MAX_SIDE || im.w > FV_IMAGE_MAX_SIDE) abort();
    if (pixels > FV_IMAGE_MAX_PIXELS) abort();
    volatile uint8_t sum = 0;
    for (int64_t i = 0; i < pixels * im.c; i++) sum = (uint8_t)(sum + im.px[i]);
    const fv_prep prep = { .h = 24, .w = 20, .channels = channels, .resize = 28, .filter = FV_BICUBIC };
    if (pixels < LARGEST && fv_image_prepare(&out, &im, &prep, NULL, NULL) == FV_OK) {
        if (out.h != prep.h || out.w != prep.w || out.c != channels) abort();
        fv_image_free(&out);
    }
    fv_image_free(&im);
    return 0;
}
