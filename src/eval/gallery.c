/* gallery.c -- which pictures a report shows. Right answers have cells where classes are few enough for all; otherwise
 * there are more cells than places, and the ones met least give way: Metwally, Agrawal, El Abbadi: "Efficient Computation
 * of Frequent and Top-k Elements in Data Streams" (2005), Space-Saving.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/gallery.h"
#include "image/pixels.h"
#include <math.h>
#include <string.h>

static fv_status shrink(fv_image *im, fv_err *err)
{
    const int most = im->h > im->w ? im->h : im->w;
    if (most <= FV_SHOT_SIDE) return FV_OK;
    const int h = im->h * FV_SHOT_SIDE / most, w = im->w * FV_SHOT_SIDE / most;
    const float box[4] = { 0, 0, (float)im->w, (float)im->h };
    fv_image small = { .heap = im->heap };
    FV_TRY(fv_image_resize(&small, im, h > 0 ? h : 1, w > 0 ? w : 1, box, FV_BILINEAR, im->heap, err));
    fv_image_free(im);
    *im = small;
    return FV_OK;
}

static fv_status take(fv_image *im, const fv_gallery *g, const float *pixels, fv_err *err)
{
    FV_TRY(fv_image_new(im, g->prep.h, g->prep.w, g->prep.channels, g->heap, err));
    fv_image_restore(im, pixels, &g->prep);
    const fv_status s = shrink(im, err);
    if (s != FV_OK) fv_image_free(im);
    return s;
}

static double sureness(const fv_answer *a)
{
    return a->predicted == a->label ? -a->p : a->p;
}

static double shot_sureness(const fv_shot *s)
{
    return s->predicted == s->label ? -s->p : s->p;
}

/* Puts the picture in its place among shot[0 .. *n), of which there are at most `most`; the last one falls off. Of
 * equal ones the first stays in front. */
static fv_status place(fv_shot *shot, int *n, int most, const fv_gallery *g, const fv_answer *a, int64_t sample,
                       const float *pixels, fv_err *err)
{
    int at = *n;
    while (at > 0 && shot_sureness(&shot[at - 1]) < sureness(a)) at--;
    if (at == most) return FV_OK;
    fv_shot s = { .sample = sample, .label = a->label, .predicted = a->predicted, .p = a->p, .p_label = a->p_label };
    FV_TRY(take(&s.im, g, pixels, err));
    if (*n == most) fv_image_free(&shot[--*n].im);
    memmove(&shot[at + 1], &shot[at], (size_t)(*n - at) * sizeof *shot);
    shot[at] = s;
    ++*n;
    return FV_OK;
}

static void empty(fv_shots *c)
{
    for (int i = 0; i < c->n; i++) fv_image_free(&c->shot[i].im);
    c->n = 0;
}

static fv_shots *cell_of(fv_gallery *g, int label, int predicted)
{
    fv_shots *least = &g->cell[0];
    for (int i = 0; i < g->ncells; i++) {
        fv_shots *c = &g->cell[i];
        if (c->label == label && c->predicted == predicted) return c;
        if (c->seen < least->seen) least = c;
    }
    if (g->ncells < FV_CELLS) {
        least = &g->cell[g->ncells++];
        *least = (fv_shots){ 0 };
    }
    empty(least);
    least->label = label;
    least->predicted = predicted;
    return least;
}

fv_status fv_gallery_add(fv_gallery *g, const fv_answer *a, int64_t sample, const float *pixels, fv_err *err)
{
    const bool right = a->label == a->predicted;
    if (right && g->classes * g->classes > FV_CELLS) return FV_OK;
    if (!right) FV_TRY(place(g->worst, &g->nworst, FV_WORST, g, a, sample, pixels, err));
    fv_shots *c = cell_of(g, a->label, a->predicted);
    c->seen++;
    return place(c->shot, &c->n, FV_CELL_SHOTS, g, a, sample, pixels, err);
}

const fv_shots *fv_gallery_cell(const fv_gallery *g, int label, int predicted)
{
    for (int i = 0; i < g->ncells; i++)
        if (g->cell[i].label == label && g->cell[i].predicted == predicted) return &g->cell[i];
    return NULL;
}

void fv_gallery_clear(fv_gallery *g)
{
    for (int i = 0; i < g->nworst; i++) fv_image_free(&g->worst[i].im);
    for (int i = 0; i < g->ncells; i++) empty(&g->cell[i]);
    g->nworst = g->ncells = 0;
}
