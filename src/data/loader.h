/* loader.h -- batches from a data set, read ahead by worker threads; the same batches for any number of workers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_LOADER_H
#define FV_LOADER_H
#include "data/policy.h"
#include "data/source.h"

/* The steps of the pipeline between decoding and the batch (augment.h). Random numbers are a function of (seed, epoch,
 * sample); zero leaves a step out. */
typedef struct fv_augment {
    int pad_crop; /* pad by so many pixels, crop at random back to prep.h x prep.w; 0: no */
    bool random_resized_crop;
    float scale[2], ratio[2]; /* of that; zero: 0.08 .. 1, 3/4 .. 4/3 */
    double flip, vflip;       /* chances */
    fv_policy policy;
    double jitter[4];    /* of brightness, contrast, saturation: factors 1 - j .. 1 + j; of hue: turns -j .. j */
    double pca;          /* deviation of the colours' shift along their principal axes */
    double erase;        /* chance */
    int erase_count;     /* rectangles; 0: 1 */
    fv_erase erase_with; /* zero: pixels of noise */
    uint64_t seed;
} fv_augment;

typedef struct fv_loader_opts {
    fv_prep prep;              /* all set */
    const fv_augment *augment; /* NULL: evaluation: resize and centre crop as prep says */
    int batch;
    bool shuffle; /* by (seed, epoch) */
    uint64_t seed;
    int workers; /* >= 1 */
    int ahead;   /* batches decoded before they are asked for; 0: 4 */
} fv_loader_opts;

/* A batch as handed out; valid until the next call. Samples that could not be read are left out, so n may be less than
 * the batch size, even 0; they are listed in bad. */
typedef struct fv_batch {
    int n;         /* samples */
    float *images; /* n x views x h x w x c; the consumer may change them */
    const int *labels;
    const int64_t *samples; /* their numbers in the data set */
    int nbad;
    const int64_t *bad_samples;
    const fv_err *bad_reasons;
    const fv_err *fatal; /* not NULL: memory ran out at one of the samples, which says nothing of the picture */
} fv_batch;

typedef struct fv_loader fv_loader;
fv_status fv_loader_new(fv_loader **l, const fv_data *d, const fv_loader_opts *opts, fv_err *err);
/* Starts an epoch at batch `first` (for resuming); what was under way is dropped. */
fv_status fv_loader_start(fv_loader *l, uint64_t epoch, int64_t first, fv_err *err);
int64_t fv_loader_batches(const fv_loader *l);  /* of an epoch; the last may be smaller */
bool fv_loader_next(fv_loader *l, fv_batch *b); /* waits; false after the last batch */
void fv_loader_free(fv_loader *l);

#endif
