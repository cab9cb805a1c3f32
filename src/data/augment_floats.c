/* augment_floats.c -- what changes a training picture after it is normalised: PCA colour (Krizhevsky et al. 2012, section
 * 4.1) and random erasing (Zhong et al. 2017, with timm's ranges: 1/50 to 1/3 of the area, sides up to 10 to 3).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "data/augment.h"

#include <math.h>

enum { ERASE_TRIES = 10 };

/* Principal axes of ImageNet's colours, x / 255: fb.resnet.torch's figures, a column per axis, and their variances' roots
 * as that code scales them. */
static const double axes[3][3] = { { -0.5675, 0.7192, 0.4009 },
                                   { -0.5808, -0.0045, -0.8140 },
                                   { -0.5836, -0.6948, 0.4203 } };
static const double lengths[3] = { 0.2175, 0.0188, 0.0045 };

static void pca(float *x, const fv_augment *a, const fv_prep *p, fv_rng *r)
{
    double along[3], shift[3] = { 0 };
    float add[3];
    for (int k = 0; k < 3; k++) along[k] = a->pca * fv_rng_normal(r) * lengths[k];
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < 3; k++) shift[c] += axes[c][k] * along[k];
    for (int c = 0; c < 3; c++) {
        const double std = p->std[c] != 0 ? (double)p->std[c] : 1;
        add[c] = (float)(shift[p->order == FV_BGR ? 2 - c : c] / std);
    }
    const size_t pixels = (size_t)p->h * (size_t)p->w;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) x[3 * i + (size_t)c] += add[c];
}

static void fill(float *x, const fv_prep *p, fv_cut cut, fv_erase with, fv_rng *r)
{
    float colour[3] = { 0 };
    for (int c = 0; c < 3 && with == FV_ERASE_COLOUR; c++) colour[c] = (float)fv_rng_normal(r);
    for (int y = cut.top; y < cut.top + cut.h; y++)
        for (int i = cut.left * p->channels; i < (cut.left + cut.w) * p->channels; i++) {
            float *to = x + (size_t)y * (size_t)p->w * (size_t)p->channels + i;
            *to = with == FV_ERASE_PIXELS ? (float)fv_rng_normal(r) : colour[i % p->channels];
        }
}

static void erase(float *x, const fv_augment *a, const fv_prep *p, fv_rng *r)
{
    const int count = a->erase_count > 0 ? a->erase_count : 1;
    const double steepest = log(1 / 0.3);
    if (fv_rng_unit(r) >= a->erase) return;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < ERASE_TRIES; k++) {
            const double area = (0.02 + (1.0 / 3 - 0.02) * fv_rng_unit(r)) * p->h * p->w / count;
            const double ratio = exp(steepest * (2 * fv_rng_unit(r) - 1));
            fv_cut cut = { .h = (int)rint(sqrt(area * ratio)), .w = (int)rint(sqrt(area / ratio)) };
            if (cut.h >= p->h || cut.w >= p->w) continue;
            cut.top = (int)fv_rng_below(r, (uint32_t)(p->h - cut.h + 1));
            cut.left = (int)fv_rng_below(r, (uint32_t)(p->w - cut.w + 1));
            fill(x, p, cut, a->erase_with, r);
            break;
        }
}

void fv_augment_finish(float *x, const fv_augment *a, const fv_prep *prep, uint64_t epoch, int64_t sample)
{
    if (a->pca > 0 && prep->channels == 3) {
        fv_rng r = fv_rng_of(a->seed, epoch, (uint64_t)sample, FV_RNG_PCA);
        pca(x, a, prep, &r);
    }
    if (a->erase > 0) {
        fv_rng r = fv_rng_of(a->seed, epoch, (uint64_t)sample, FV_RNG_ERASE);
        erase(x, a, prep, &r);
    }
}
