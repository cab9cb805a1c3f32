/* rng.c -- Philox4x32-10 and what is drawn from it.
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (2011), section 3.3 and table 2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include <math.h>
#include <string.h>

static void philox(const uint32_t key[2], const uint32_t ctr[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1], c[4] = { ctr[0], ctr[1], ctr[2], ctr[3] };
    for (int round = 0; round < 10; round++) {
        const uint64_t a = 0xd2511f53ull * c[0], b = 0xcd9e8d57ull * c[2];
        const uint32_t x0 = (uint32_t)(b >> 32) ^ c[1] ^ k0, x2 = (uint32_t)(a >> 32) ^ c[3] ^ k1;
        c[1] = (uint32_t)b;
        c[3] = (uint32_t)a;
        c[0] = x0;
        c[2] = x2;
        k0 += 0x9e3779b9u; /* Weyl sequences: golden ratio, sqrt(3) - 1 */
        k1 += 0xbb67ae85u;
    }
    memcpy(out, c, sizeof c);
}

fv_rng fv_rng_of(uint64_t seed, uint64_t epoch, uint64_t sample, uint32_t purpose)
{
    /* Epochs below 2^32, samples below 2^48 and purposes below 2^16 have places of their own in the counter, so their
     * streams never meet. What lies above them (no run gets there) is stirred into the key. */
    const uint64_t above =
        (epoch >> 32) * 0x9e3779b97f4a7c15ull ^ (sample >> 48 << 16 | purpose >> 16) * 0xd1342543de82ef95ull;
    const uint64_t key = seed ^ above;
    return (
        fv_rng){ .key = { (uint32_t)key, (uint32_t)(key >> 32) },
                 .ctr = { 0, (uint32_t)epoch, (uint32_t)sample, (uint32_t)(sample >> 32 & 0xffff) | purpose << 16 } };
}

uint32_t fv_rng_u32(fv_rng *r)
{
    if (r->left == 0) {
        philox(r->key, r->ctr, r->out);
        r->ctr[0]++;
        r->left = 4;
    }
    return r->out[4 - r->left--];
}

double fv_rng_unit(fv_rng *r)
{
    return fv_rng_u32(r) * 0x1p-32;
}

/* Lemire 2019, "Fast random integer generation in an interval", algorithm 5. */
uint32_t fv_rng_below(fv_rng *r, uint32_t n)
{
    uint64_t m = (uint64_t)fv_rng_u32(r) * n;
    if ((uint32_t)m < n) {
        const uint32_t floor = (0u - n) % n;
        while ((uint32_t)m < floor) m = (uint64_t)fv_rng_u32(r) * n;
    }
    return (uint32_t)(m >> 32);
}

double fv_rng_normal(fv_rng *r)
{
    const double u = (fv_rng_u32(r) + 1.0) * 0x1p-32; /* (0, 1]: its logarithm is finite */
    const double v = fv_rng_unit(r);
    return sqrt(-2 * log(u)) * cos(6.283185307179586476925 * v);
}

uint32_t fv_rng_at(uint64_t seed, uint64_t epoch, uint64_t sample, uint32_t purpose, uint32_t index)
{
    fv_rng r = fv_rng_of(seed, epoch, sample, purpose);
    r.ctr[0] = index / 4;
    philox(r.key, r.ctr, r.out);
    return r.out[index % 4];
}

/* [0, n) for any n: draws as many bits as n has until they fall below it. */
static uint64_t below_wide(fv_rng *r, uint64_t n)
{
    if (n <= UINT32_MAX) return fv_rng_below(r, (uint32_t)n);
    const uint64_t mask = UINT64_MAX >> __builtin_clzll(n - 1);
    uint64_t x;
    do {
        x = (uint64_t)fv_rng_u32(r) << 32;
        x = (x | fv_rng_u32(r)) & mask;
    } while (x >= n);
    return x;
}

void fv_rng_permutation(int64_t *perm, int64_t n, uint64_t seed, uint64_t epoch)
{
    fv_rng r = fv_rng_of(seed, epoch, 0, FV_RNG_SHUFFLE);
    for (int64_t i = 0; i < n; i++) perm[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t)below_wide(&r, (uint64_t)i + 1), t = perm[i];
        perm[i] = perm[j];
        perm[j] = t;
    }
}
