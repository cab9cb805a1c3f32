/* image.c -- picture files: the table of formats, recognised by content.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <string.h>
#include <strings.h>

const fv_image_format *const fv_image_formats[] = {
    &fv_image_jpeg, &fv_image_png, &fv_image_webp, &fv_image_bmp, &fv_image_pnm, NULL,
};

fv_status fv_image_decode(fv_image *im, fv_bytes file, int channels, fv_exif exif, const fv_allocator *heap,
                          fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    if (channels != 1 && channels != 3) return fv_fail(err, FV_ARG, "pictures have 1 or 3 channels, not %d", channels);
    if (file.len == 0) return fv_fail(err, FV_FORMAT, "the file is empty");
    for (const fv_image_format *const *f = fv_image_formats; *f; f++) {
        if (!(*f)->probe(file)) continue;
        if ((*f)->decode) return (*f)->decode(im, file, channels, exif, heap, err);
        return fv_fail(err, FV_UNSUP, "%s is not read: this build is without its library", (*f)->name);
    }
    return fv_fail(err, FV_FORMAT, "not a picture that is read here (JPEG, PNG, WebP, BMP, PPM, PGM, PBM)");
}

fv_status fv_image_load(fv_image *im, const char *path, int channels, fv_exif exif, const fv_allocator *heap,
                        fv_err *err)
{
    *im = (fv_image){ .heap = heap };
    fv_bytes file = { 0 };
    FV_TRY(fv_file_read(&file, path, FV_IMAGE_MAX_BYTES, heap, err));
    fv_status s = fv_image_decode(im, file, channels, exif, heap, err);
    fv_release(heap, (void *)file.p);
    if (s != FV_OK) s = fv_context(err, s, "%s", path);
    return s;
}

/* Each format lists its extensions as " .jpg .jpeg ". */
static bool lists(const char *extensions, const char *ext)
{
    const size_t n = strlen(ext);
    for (const char *p = extensions; (p = strchr(p, '.')) != NULL; p++)
        if (strncasecmp(p, ext, n) == 0 && p[n] == ' ') return true;
    return false;
}

bool fv_image_known_extension(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash ? slash + 1 : path, '.');
    if (!dot || dot[1] == 0 || strchr(dot, ' ')) return false;
    for (const fv_image_format *const *f = fv_image_formats; *f; f++)
        if (lists((*f)->extensions, dot)) return true;
    return false;
}
