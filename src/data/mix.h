/* mix.h -- mixup and cutmix: pictures of a batch mixed in pairs, their labels likewise.
 * Zhang et al.: "mixup" (2017); Yun et al.: "CutMix" (2019).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_MIX_H
#define FV_MIX_H
#include "base/rng.h"

#include <stdbool.h>

typedef struct fv_mix {
    double mixup, cutmix; /* alpha of lambda's Beta(alpha, alpha); 0: not this one */
    double chance;        /* that a batch is mixed at all */
    double cut;           /* where there are both: that it is cutmix */
    uint64_t seed;
} fv_mix;

typedef struct fv_mix_batch {
    float *images; /* n x h x w x c */
    int n, h, w, c, classes;
    const int *labels;
    float *targets; /* n x classes: a distribution for each image comes out */
} fv_mix_batch;

/* Mixes image i with image n - 1 - i by one lambda, a function of (seed, epoch, batch). False, with nothing written, where
 * the batch stays as it is. */
bool fv_mix_run(const fv_mix *m, const fv_mix_batch *b, uint64_t epoch, uint64_t batch);
/* Beta(alpha, alpha); alpha above 0. */
double fv_mix_beta(fv_rng *r, double alpha);

#endif
