/* augment.c -- random resized crop, pad and crop, flips, colour jitter: torchvision's transforms with random numbers of our
 * own; policies. Random resized crop: Szegedy et al. 2014, "Going deeper with convolutions", section 6. Pad and crop,
 * flip: Krizhevsky et al. 2012, section 4.1, in the CIFAR form of He et al. 2015, section 4.2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/augment.h"
#include "base/rng.h"

#include <math.h>

enum { CUT_TRIES = 10 };

typedef struct place {
    const fv_augment *a;
    const fv_prep *prep;
    uint64_t epoch, sample;
} place;

static void replace(fv_image *im, fv_image with)
{
    fv_image_free(im);
    *im = with;
}

static fv_cut central_cut(int h, int w, double low, double high)
{
    const double is = (double)w / h;
    fv_cut c = { .h = h, .w = w };
    if (is < low) c.h = (int)rint(w / low);
    else if (is > high) c.w = (int)rint(h * high);
    if (c.h < 1) c.h = 1;
    if (c.w < 1) c.w = 1;
    c.top = (h - c.h) / 2;
    c.left = (w - c.w) / 2;
    return c;
}

fv_cut fv_augment_cut(const fv_augment *a, int h, int w, uint64_t epoch, int64_t sample)
{
    const bool scaled = a->scale[1] > 0, shaped = a->ratio[1] > 0;
    const double s0 = scaled ? (double)a->scale[0] : 0.08, s1 = scaled ? (double)a->scale[1] : 1;
    const double r0 = shaped ? (double)a->ratio[0] : 3.0 / 4, r1 = shaped ? (double)a->ratio[1] : 4.0 / 3;
    fv_rng r = fv_rng_of(a->seed, epoch, (uint64_t)sample, FV_RNG_CROP);
    for (int i = 0; i < CUT_TRIES; i++) {
        const double area = (double)h * w * (s0 + (s1 - s0) * fv_rng_unit(&r));
        const double ratio = exp(log(r0) + (log(r1) - log(r0)) * fv_rng_unit(&r));
        const double cw = rint(sqrt(area * ratio)), ch = rint(sqrt(area / ratio));
        if (!(cw >= 1 && cw <= w && ch >= 1 && ch <= h)) continue;
        fv_cut c = { .h = (int)ch, .w = (int)cw };
        c.top = (int)fv_rng_below(&r, (uint32_t)(h - c.h + 1));
        c.left = (int)fv_rng_below(&r, (uint32_t)(w - c.w + 1));
        return c;
    }
    return central_cut(h, w, r0, r1);
}

static bool wants_cut(const fv_augment *a)
{
    return a && a->random_resized_crop;
}

/* Crop first, then resize: the filter does not see beyond the crop. */
static fv_status cut(fv_image *im, const place *p, fv_err *err)
{
    const fv_cut c = fv_augment_cut(p->a, im->h, im->w, p->epoch, (int64_t)p->sample);
    fv_image part, out;
    FV_TRY(fv_image_crop(&part, im, c.top, c.left, c.h, c.w, im->heap, err));
    const fv_status s = fv_image_resize(&out, &part, p->prep->h, p->prep->w, NULL, p->prep->filter, im->heap, err);
    fv_image_free(&part);
    if (s == FV_OK) replace(im, out);
    else fv_image_free(&out);
    return s;
}

static bool wants_centre(const fv_augment *a)
{
    return !wants_cut(a);
}

static fv_status centre(fv_image *im, const place *p, fv_err *err)
{
    if (p->prep->resize == 0 && im->h == p->prep->h && im->w == p->prep->w) return FV_OK;
    fv_image out;
    FV_TRY(fv_image_prepare(&out, im, p->prep, im->heap, err));
    replace(im, out);
    return FV_OK;
}

static bool wants_pad_crop(const fv_augment *a)
{
    return a && a->pad_crop > 0;
}

static fv_status pad_crop(fv_image *im, const place *p, fv_err *err)
{
    const int pad = p->a->pad_crop;
    /* Its own key: a cut before it has used the start of this stream. */
    fv_rng r = fv_rng_of(p->a->seed ^ (p->a->random_resized_crop ? 1 : 0), p->epoch, p->sample, FV_RNG_CROP);
    const int top = (int)fv_rng_below(&r, 2 * (uint32_t)pad + 1) - pad;
    const int left = (int)fv_rng_below(&r, 2 * (uint32_t)pad + 1) - pad;
    if (top == 0 && left == 0) return FV_OK;
    fv_image out;
    FV_TRY(fv_image_crop(&out, im, top, left, im->h, im->w, im->heap, err));
    replace(im, out);
    return FV_OK;
}

static bool wants_flip(const fv_augment *a)
{
    return a && a->flip > 0;
}

static fv_status flip(fv_image *im, const place *p, fv_err *err)
{
    (void)err; /* flips in place */
    fv_rng r = fv_rng_of(p->a->seed, p->epoch, p->sample, FV_RNG_FLIP);
    if (fv_rng_unit(&r) < p->a->flip) fv_image_flip(im);
    return FV_OK;
}

static bool wants_vflip(const fv_augment *a)
{
    return a && a->vflip > 0;
}

static fv_status vflip(fv_image *im, const place *p, fv_err *err)
{
    (void)err;
    fv_rng r = fv_rng_of(p->a->seed, p->epoch, p->sample, FV_RNG_VFLIP);
    if (fv_rng_unit(&r) < p->a->vflip) fv_image_vflip(im);
    return FV_OK;
}

static bool wants_policy(const fv_augment *a)
{
    return a && a->policy.kind;
}

/* What comes in from outside has the mean colour, which the network sees as 0. */
static fv_status policy(fv_image *im, const place *p, fv_err *err)
{
    uint8_t fill[3];
    for (int c = 0; c < 3; c++) {
        const float mean = rintf(255 * p->prep->mean[p->prep->order == FV_BGR && im->c == 3 ? 2 - c : c]);
        fill[c] = (uint8_t)(mean < 0 ? 0 : mean > 255 ? 255 : mean);
    }
    fv_rng r = fv_rng_of(p->a->seed, p->epoch, p->sample, FV_RNG_POLICY);
    return fv_policy_run(im, &p->a->policy, fill, &r, err);
}

static bool wants_jitter(const fv_augment *a)
{
    return a && (a->jitter[0] > 0 || a->jitter[1] > 0 || a->jitter[2] > 0 || a->jitter[3] > 0);
}

/* All four factors are drawn, whether wanted or not, and so is their order: one option does not shift another's draw. */
static fv_status jitter(fv_image *im, const place *p, fv_err *err)
{
    static const fv_pixel_kind kinds[4] = { FV_PIXEL_BRIGHTNESS, FV_PIXEL_CONTRAST, FV_PIXEL_COLOR, FV_PIXEL_HUE };
    fv_rng r = fv_rng_of(p->a->seed, p->epoch, p->sample, FV_RNG_JITTER);
    int order[4] = { 0, 1, 2, 3 };
    double v[4];
    for (int i = 3; i > 0; i--) {
        const int k = (int)fv_rng_below(&r, (uint32_t)i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (int i = 0; i < 4; i++) {
        const double j = p->a->jitter[i], low = i == 3 ? -j : j > 1 ? 0 : 1 - j, high = i == 3 ? j : 1 + j;
        v[i] = low + (high - low) * fv_rng_unit(&r);
    }
    for (int i = 0; i < 4; i++)
        if (p->a->jitter[order[i]] > 0)
            FV_TRY(fv_pixel_run(im, kinds[order[i]], v[order[i]], &(fv_pixel_how){ 0 }, err));
    return FV_OK;
}

/* In this order; after the first two the picture has the size of prep. */
static const struct row {
    const char *name;
    bool (*wanted)(const fv_augment *a);
    fv_status (*run)(fv_image *im, const place *p, fv_err *err);
} rows[] = {
    { "random-resized-crop", wants_cut, cut }, { "resize-centre-crop", wants_centre, centre },
    { "pad-crop", wants_pad_crop, pad_crop },  { "flip", wants_flip, flip },
    { "vflip", wants_vflip, vflip },           { "policy", wants_policy, policy },
    { "color-jitter", wants_jitter, jitter },
};

fv_status fv_augment_run(fv_image *im, const fv_augment *a, const fv_prep *prep, uint64_t epoch, int64_t sample,
                         fv_err *err)
{
    const place p = { a, prep, epoch, (uint64_t)sample };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].wanted(a)) continue;
        const fv_status s = rows[i].run(im, &p, err);
        if (s != FV_OK) return fv_context(err, s, "%s", rows[i].name);
    }
    return FV_OK;
}
