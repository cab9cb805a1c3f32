/* load.c -- fv_load_image, fv_decode_image: from a picture file to the floats a network takes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "image/image.h"

static fv_status check_prep(const fv_prep *p, fv_err *err)
{
    if (p->h < 1 || p->w < 1 || p->h > FV_IMAGE_MAX_SIDE || p->w > FV_IMAGE_MAX_SIDE)
        return fv_fail(err, FV_ARG, "an input of %d x %d pixels", p->w, p->h);
    if (p->channels != 1 && p->channels != 3) return fv_fail(err, FV_ARG, "an input of %d channels", p->channels);
    if (p->resize < 0) return fv_fail(err, FV_ARG, "a shorter side of %d pixels", p->resize);
    if (p->filter < FV_FILTER_DEFAULT || p->filter > FV_BICUBIC)
        return fv_fail(err, FV_ARG, "no filter has the number %d", (int)p->filter);
    if ((unsigned)p->tta > FV_TTA_TEN) return fv_fail(err, FV_ARG, "no views have the number %d", (int)p->tta);
    if (p->order < FV_ORDER_DEFAULT || p->order > FV_BGR)
        return fv_fail(err, FV_ARG, "no order of colours has the number %d", (int)p->order);
    return FV_OK;
}

fv_status fv_decode_image(const void *bytes, size_t len, const char *name, const fv_prep *prep, float *input,
                          const fv_env *env, fv_err *err)
{
    FV_TRY(check_prep(prep, err));
    const fv_allocator *heap = env ? env->heap : NULL;
    const fv_bytes file = { bytes, len };
    fv_image im = { .heap = heap };
    fv_status s = FV_OK;
    if (len > FV_IMAGE_MAX_BYTES)
        s = fv_fail(err, FV_FORMAT, "%zu bytes, at most %d are read", len, FV_IMAGE_MAX_BYTES);
    if (s == FV_OK) s = fv_image_decode(&im, file, prep->channels, prep->exif, heap, err);
    if (s == FV_OK && im.clipped && env)
        fv_log(env, FV_LOG_WARN, "%s: grey of 16 bits is clipped at 255, as Pillow does", name);
    if (s == FV_OK) s = fv_image_views(input, &im, prep, heap, err);
    fv_image_free(&im);
    return s == FV_OK ? s : fv_context(err, s, "%s", name);
}

fv_status fv_load_image(const char *path, const fv_prep *prep, float *input, const fv_env *env, fv_err *err)
{
    FV_TRY(check_prep(prep, err));
    const fv_allocator *heap = env ? env->heap : NULL;
    fv_bytes file = { 0 };
    FV_TRY(fv_file_read(&file, path, FV_IMAGE_MAX_BYTES, heap, err));
    const fv_status s = fv_decode_image(file.p, file.len, path, prep, input, env, err);
    fv_release(heap, (void *)file.p);
    return s;
}
