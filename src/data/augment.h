/* augment.h -- random changes of training pictures, one row per kind: of the 8-bit picture, then of its floats.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_AUGMENT_H
#define FV_AUGMENT_H
#include "data/loader.h"

/* Turns the decoded picture *im into one of prep->h x prep->w, replacing it; random numbers are a function of
 * (a->seed, epoch, sample). a NULL: resize and centre crop only. On failure *im can still be freed. */
fv_status fv_augment_run(fv_image *im, const fv_augment *a, const fv_prep *prep, uint64_t epoch, int64_t sample,
                         fv_err *err);

/* What the same sample's floats go through after fv_image_normalise: PCA colour, random erasing. */
void fv_augment_finish(float *x, const fv_augment *a, const fv_prep *prep, uint64_t epoch, int64_t sample);

/* Where torchvision's RandomResizedCrop would cut a picture of h x w. */
typedef struct fv_cut {
    int top, left, h, w;
} fv_cut;
fv_cut fv_augment_cut(const fv_augment *a, int h, int w, uint64_t epoch, int64_t sample);

#endif
