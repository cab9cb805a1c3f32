/* without.c -- the picture formats whose library this build is without: still recognised, so that they are refused by
 * name. Their own files are then left out of the build.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <string.h>

#ifndef FOVEA_HAVE_JPEG
static bool is_jpeg(fv_bytes file)
{
    return file.len >= 3 && memcmp(file.p, "\xff\xd8\xff", 3) == 0;
}
const fv_image_format fv_image_jpeg = { "JPEG", " .jpg .jpeg ", is_jpeg, NULL };
#endif

#ifndef FOVEA_HAVE_PNG
static bool is_png(fv_bytes file)
{
    return file.len >= 8 && memcmp(file.p, "\x89PNG\r\n\x1a\n", 8) == 0;
}
const fv_image_format fv_image_png = { "PNG", " .png ", is_png, NULL };

fv_status fv_image_encode_png(fv_writer *w, const fv_image *im, fv_err *err)
{
    (void)w, (void)im;
    return fv_fail(err, FV_UNSUP, "PNG is not written: this build is without its library");
}

fv_status fv_image_write_png(const fv_image *im, const char *path, fv_err *err)
{
    (void)im;
    return fv_fail(err, FV_UNSUP, "%s: PNG is not written: this build is without its library", path);
}
#endif

#ifndef FOVEA_HAVE_WEBP
static bool is_webp(fv_bytes file)
{
    return file.len >= 12 && memcmp(file.p, "RIFF", 4) == 0 && memcmp(file.p + 8, "WEBP", 4) == 0;
}
const fv_image_format fv_image_webp = { "WebP", " .webp ", is_webp, NULL };
#endif
