/* statistics.c -- mean and deviation of pixels as ToTensor scales them (x / 255).
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/statistics.h"
#include <math.h>

enum { MOST_PICTURES = 10000 };

typedef struct sums {
    uint64_t n, x[3], xx[3]; /* 255^2 * 16384^2 pixels * 10,000 pictures fit */
} sums;

static void add_picture(sums *s, const fv_image *im)
{
    const size_t pixels = (size_t)im->h * (size_t)im->w;
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < im->c; c++) {
            const uint64_t x = im->px[i * (size_t)im->c + (size_t)c];
            s->x[c] += x;
            s->xx[c] += x * x;
        }
    s->n += pixels;
}

void fv_picture_statistics(const fv_data *d, fv_prep *prep)
{
    const int64_t n = d->count < MOST_PICTURES ? d->count : MOST_PICTURES;
    sums s = { 0 };
    for (int64_t i = 0; i < n; i++) {
        fv_image im = { .heap = d->env.heap };
        int label;
        if (d->source->get(d, i * d->count / n, prep->channels, prep->exif, &im, &label, NULL) != FV_OK) continue;
        add_picture(&s, &im);
        fv_image_free(&im);
    }
    for (int c = 0; s.n > 0 && c < prep->channels; c++) {
        const int k = prep->order == FV_BGR && prep->channels == 3 ? 2 - c : c;
        const double mean = (double)s.x[k] / (double)s.n;
        const double var = (double)s.xx[k] / (double)s.n - mean * mean;
        if (!(var > 0)) continue;
        prep->mean[c] = (float)(mean / 255);
        prep->std[c] = (float)(sqrt(var) / 255);
    }
}
