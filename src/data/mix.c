/* mix.c -- mixup and cutmix by batch, as timm's batch mode does it: image i with image n - 1 - i, which the shuffled order
 * makes a random partner.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/mix.h"

#include <math.h>
#include <string.h>

/* log of Gamma(alpha + 1). Marsaglia, Tsang: "A simple method for generating gamma variables" (2000). */
static double log_gamma_above_one(fv_rng *r, double alpha)
{
    const double d = alpha + 1 - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = fv_rng_normal(r), t = 1 + c * x, u = (fv_rng_u32(r) + 1.0) * 0x1p-32;
        if (t <= 0) continue;
        const double v = t * t * t;
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return log(d * v);
    }
}

/* Gamma(alpha) = Gamma(alpha + 1) u^(1/alpha), kept as a logarithm: for a small alpha it is smaller than any double. */
static double log_gamma(fv_rng *r, double alpha)
{
    const double g = log_gamma_above_one(r, alpha);
    return g + log((fv_rng_u32(r) + 1.0) * 0x1p-32) / alpha;
}

double fv_mix_beta(fv_rng *r, double alpha)
{
    const double x = log_gamma(r, alpha), y = log_gamma(r, alpha);
    return 1 / (1 + exp(y - x));
}

/* Both of each pair at once, so that each sees the other as it was. */
static void blend(const fv_mix_batch *b, float lambda)
{
    const size_t size = (size_t)b->h * (size_t)b->w * (size_t)b->c;
    for (int i = 0; i < b->n / 2; i++) {
        float *x = b->images + (size_t)i * size, *y = b->images + (size_t)(b->n - 1 - i) * size;
        for (size_t k = 0; k < size; k++) {
            const float p = x[k], q = y[k];
            x[k] = lambda * p + (1 - lambda) * q;
            y[k] = lambda * q + (1 - lambda) * p;
        }
    }
}

static int held(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

/* Exchanges a box of share 1 - lambda between the two of a pair; gives lambda by what the border left of the box. */
static double exchange(const fv_mix_batch *b, double lambda, fv_rng *r)
{
    const int bh = (int)(b->h * sqrt(1 - lambda)), bw = (int)(b->w * sqrt(1 - lambda));
    const int cy = (int)fv_rng_below(r, (uint32_t)b->h), cx = (int)fv_rng_below(r, (uint32_t)b->w);
    const int y0 = held(cy - bh / 2, b->h), y1 = held(cy + bh / 2, b->h);
    const int x0 = held(cx - bw / 2, b->w), x1 = held(cx + bw / 2, b->w);
    const size_t row = (size_t)b->w * (size_t)b->c, size = (size_t)b->h * row;
    for (int i = 0; i < b->n / 2; i++)
        for (int y = y0; y < y1; y++) {
            float *p = b->images + (size_t)i * size + (size_t)y * row, *q = p + (size_t)(b->n - 1 - 2 * i) * size;
            for (size_t k = (size_t)x0 * (size_t)b->c; k < (size_t)x1 * (size_t)b->c; k++) {
                const float t = p[k];
                p[k] = q[k];
                q[k] = t;
            }
        }
    return 1 - (double)(y1 - y0) * (x1 - x0) / ((double)b->h * b->w);
}

bool fv_mix_run(const fv_mix *m, const fv_mix_batch *b, uint64_t epoch, uint64_t batch)
{
    fv_rng r = fv_rng_of(m->seed, epoch, batch, FV_RNG_MIX);
    if ((m->mixup <= 0 && m->cutmix <= 0) || fv_rng_unit(&r) >= m->chance) return false;
    const bool draw = fv_rng_unit(&r)<m->cut, cut = m->cutmix> 0 && (m->mixup <= 0 || draw);
    double lambda = fv_mix_beta(&r, cut ? m->cutmix : m->mixup);
    if (cut) lambda = exchange(b, lambda, &r);
    else blend(b, (float)lambda);
    memset(b->targets, 0, (size_t)b->n * (size_t)b->classes * sizeof *b->targets);
    for (int i = 0; i < b->n; i++) {
        float *t = b->targets + (size_t)i * (size_t)b->classes;
        t[b->labels[i]] += (float)lambda;
        t[b->labels[b->n - 1 - i]] += (float)(1 - lambda);
    }
    return true;
}
