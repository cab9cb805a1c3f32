/* rng.h -- random numbers that are a function of what they are for: no state, so no order of threads can change them.
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_RNG_H
#define FV_RNG_H
#include <stdint.h>

/* What a stream is for; never renumber: runs would no longer reproduce. */
typedef enum fv_purpose {
    FV_RNG_INIT = 1,    /* epoch 0, sample = parameter */
    FV_RNG_SHUFFLE = 2, /* sample 0 */
    FV_RNG_SPLIT = 3,
    FV_RNG_CROP = 4,
    FV_RNG_FLIP = 5,
    FV_RNG_DROPOUT = 6, /* epoch = step, sample = position in the batch, plus the node */
    FV_RNG_DROP_PATH = 7,
    FV_RNG_POLICY = 20,
    FV_RNG_JITTER = 21,
    FV_RNG_PCA = 22,
    FV_RNG_ERASE = 23,
    FV_RNG_MIX = 24, /* sample = batch of the epoch */
    FV_RNG_VFLIP = 25,
    FV_RNG_STUDY = 90, /* of src/study: sample = what for */
    FV_RNG_TEST = 100
} fv_purpose;

/* A stream f(seed, epoch, sample, purpose, index); plain data. */
typedef struct fv_rng {
    uint32_t key[2], ctr[4]; /* ctr[0] counts blocks */
    uint32_t out[4];
    int left;
} fv_rng;
fv_rng fv_rng_of(uint64_t seed, uint64_t epoch, uint64_t sample, uint32_t purpose);
uint32_t fv_rng_u32(fv_rng *r);
double fv_rng_unit(fv_rng *r);                /* [0, 1), 2^-32 steps */
uint32_t fv_rng_below(fv_rng *r, uint32_t n); /* [0, n), unbiased; n >= 1 */
double fv_rng_normal(fv_rng *r);              /* N(0, 1), Box-Muller */
/* Word `index` of the stream, at random access: for dropout masks. */
uint32_t fv_rng_at(uint64_t seed, uint64_t epoch, uint64_t sample, uint32_t purpose, uint32_t index);
/* A permutation of 0 .. n-1 for this seed and epoch (Fisher-Yates). */
void fv_rng_permutation(int64_t *perm, int64_t n, uint64_t seed, uint64_t epoch);

#endif
