/* gallery.h -- the pictures that a report shows, gathered while a set is evaluated: the surest mistakes, and some of each
 * cell of the confusion matrix. As the network saw them, made small; the memory is bounded, whatever the set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_GALLERY_H
#define FV_GALLERY_H
#include "eval/evaluate.h"

enum { FV_WORST = 24, FV_CELLS = 128, FV_CELL_SHOTS = 6, FV_SHOT_SIDE = 64 };

typedef struct fv_shot {
    int64_t sample;
    int label, predicted;
    double p, p_label;
    fv_image im;
} fv_shot;

/* Surest first; of right answers the least sure first. */
typedef struct fv_shots {
    int label, predicted;
    int64_t seen; /* at least: a cell that took another's place inherits its number */
    int n;
    fv_shot shot[FV_CELL_SHOTS];
} fv_shots;

typedef struct fv_gallery {
    fv_prep prep; /* set before the first picture comes */
    int classes;
    const fv_allocator *heap;
    int nworst, ncells;
    fv_shot worst[FV_WORST];
    fv_shots cell[FV_CELLS];
} fv_gallery;

/* A picture of prep.h x prep.w x prep.channels floats, and the answer to it. */
fv_status fv_gallery_add(fv_gallery *g, const fv_answer *a, int64_t sample, const float *pixels, fv_err *err);
const fv_shots *fv_gallery_cell(const fv_gallery *g, int label, int predicted); /* NULL: no pictures of it */
void fv_gallery_clear(fv_gallery *g);

#endif
