/* test_conv2d.c -- every row of the convolution slots against the reference in double, over shapes that reach each
 * tail, beside guard pages; the same bits for any split of the units, for any batch and by any block sizes.
 *
 * The bound is the header's: tol * eps * (terms + 3) * S, S being the reference on absolute values, or for rows of tiles
 * that of conv2d_winograd.inc. A curved activation
 * stretches it by at most 1.5 (hard_swish) and adds its own rounding, below 4 eps (1 + S).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "guard.h"
#include "kernels/conv2d/conv2d.h"
#include "winograd_terms.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { SHAPES = 700, OPERANDS = 5, MOST_ROWS = 32 };

/* Which operand of a slot is what; written first. */
typedef enum kind { IN, OUT, WEIGHTS, BIAS, NOTHING } kind;
typedef struct subject {
    const fv_slot *slot;
    kind operand[OPERANDS];
} subject;
static const subject subjects[] = {
    { &fv_slot_conv2d, { OUT, IN, WEIGHTS, BIAS, OUT } },
    { &fv_slot_conv2d_dgrad, { IN, OUT, WEIGHTS, NOTHING, NOTHING } },
    { &fv_slot_conv2d_wgrad, { WEIGHTS, OUT, IN, NOTHING, NOTHING } },
    { &fv_slot_conv2d_bgrad, { BIAS, OUT, NOTHING, NOTHING, NOTHING } },
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

typedef struct variant {
    fv_conv_problem p;
    int n;
    bool bias, residual, alias, add, factor, map;
    int spread; /* floats between pixels of the strided operands */
} variant;

static uint32_t next(uint32_t *s)
{
    *s = *s * 1664525u + 1013904223u;
    return *s >> 8;
}

static int pick(uint32_t *s, const int *from, int count)
{
    return from[next(s) % (uint32_t)count];
}
#define PICK(s, ...) pick(s, (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static int out_size(int size, int pad, int k, int dilation, int stride)
{
    const int room = size + pad - (k - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
}

/* First layers: kernels of 7 and 8 by stride 2, of 9 to 12 by stride 4. */
static variant stepped(variant v, uint32_t *s)
{
    const int step = PICK(s, 2, 4), k = step == 2 ? PICK(s, 7, 7, 8) : PICK(s, 9, 11, 11, 12);
    v.p.kh = v.p.kw = k, v.p.sh = v.p.sw = step, v.p.dh = v.p.dw = 1;
    v.p.c = PICK(s, 1, 2, 3, 3, 5), v.p.oc = PICK(s, 16, 19, 33, 70);
    v.p.oh = PICK(s, 7, 8, 9, 10, 13), v.p.ow = PICK(s, 10, 12, 13, 14);
    v.p.top = PICK(s, 0, 1, 3, 5), v.p.left = PICK(s, 0, 2, 3);
    v.p.h = (v.p.oh - 1) * step + k - v.p.top - PICK(s, 0, 1, 3),
    v.p.w = (v.p.ow - 1) * step + k - v.p.left - PICK(s, 0, 1, 3);
    v.n = PICK(s, 1, 2);
    return v;
}

/* 3x3 or 5x5, stride 1, enough channels and pixels for tiles, whole and cut off. */
static variant tiled(variant v, uint32_t *s)
{
    if (PICK(s, 0, 0, 1)) return stepped(v, s);
    const int k = PICK(s, 3, 3, 5);
    v.p.kh = v.p.kw = k, v.p.sh = v.p.sw = v.p.dh = v.p.dw = 1;
    v.p.c = PICK(s, 16, 17, 24, 33), v.p.oc = PICK(s, 16, 19, 33, 70);
    v.p.h = PICK(s, 5, 6, 7, 8, 9, 13), v.p.w = PICK(s, 5, 6, 7, 8, 10, 18);
    v.p.top = PICK(s, 0, 1, 1, 2), v.p.left = PICK(s, 0, 1, 1, 2);
    v.p.oh = out_size(v.p.h, v.p.top + PICK(s, 0, 1, 2), k, 1, 1);
    v.p.ow = out_size(v.p.w, v.p.left + PICK(s, 0, 1, 2), k, 1, 1);
    return v;
}

/* The i-th shape; every one is valid. Some have sums so long, of weights so many, that they are made in pieces. */
enum { LONG_SUMS = 40, TILES = 10 };
static variant shape(uint32_t i)
{
    for (uint32_t s = i * 2654435761u + 12345;;) {
        variant v = { .n = PICK(&s, 1, 1, 2, 3, 9, 17) };
        fv_conv_problem *p = &v.p;
        p->c = PICK(&s, 1, 2, 3, 7, 8, 15, 16, 17, 33, 64);
        p->oc = PICK(&s, 1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 70);
        p->h = PICK(&s, 1, 2, 3, 4, 5, 6, 7, 8, 9), p->w = PICK(&s, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 21, 34);
        p->kh = PICK(&s, 1, 1, 2, 3, 3, 3, 5, 7), p->kw = PICK(&s, 0, 0, 0, 1, 2, 3, 5);
        if (p->kw == 0) p->kw = p->kh;
        p->sh = PICK(&s, 1, 1, 2, 3), p->sw = PICK(&s, 0, 0, 1, 2);
        if (p->sw == 0) p->sw = p->sh;
        p->dh = p->dw = PICK(&s, 1, 1, 1, 2);
        p->top = PICK(&s, 0, 1, p->kh / 2, p->kh - 1), p->left = PICK(&s, 0, 1, p->kw / 2, p->kw - 1);
        p->oh = out_size(p->h, p->top + PICK(&s, 0, 1, 2), p->kh, p->dh, p->sh);
        p->ow = out_size(p->w, p->left + PICK(&s, 0, 1, 2), p->kw, p->dw, p->sw);
        p->groups = 1;
        const bool tiles = i % TILES == 3;
        if (tiles) v = tiled(v, &s);
        const bool long_sums = i % LONG_SUMS == 1 && p->h * p->w <= 9 && p->kh * p->kw <= 9;
        if (i % LONG_SUMS == 1 && !long_sums) continue;
        if (i % LONG_SUMS == 2) /* linear, of many outputs */
            *p = (fv_conv_problem){ .h = 1,
                                    .w = 1,
                                    .c = PICK(&s, 5, 33, 1030),
                                    .oh = 1,
                                    .ow = 1,
                                    .oc = PICK(&s, 130, 300, 560),
                                    .kh = 1,
                                    .kw = 1,
                                    .sh = 1,
                                    .sw = 1,
                                    .dh = 1,
                                    .dw = 1,
                                    .groups = 1 };
        if (long_sums) p->c = PICK(&s, 1030, 1100, 1024, 2048), p->oc = PICK(&s, 200, 230), v.n = PICK(&s, 1, 2);
        switch (long_sums || tiles || p->oc > 100 ? 5 : next(&s) % 6) {
        case 0: /* depthwise */
            p->oc = p->groups = p->c;
            break;
        case 1: /* depthwise with more outputs than inputs */
            p->groups = p->c, p->oc = 2 * p->c;
            break;
        case 2:
            p->groups = PICK(&s, 2, 3), p->c *= p->groups, p->oc *= p->groups;
            break;
        case 3: /* groups that are a part of a vector */
            p->groups = PICK(&s, 4, 8, 12), p->c = p->oc = p->groups * PICK(&s, 4, 8);
            break;
        }
        p->act = (fv_act)(next(&s) % FV_ACT_COUNT);
        v.bias = next(&s) % 2, v.residual = next(&s) % 2, v.alias = next(&s) % 2, v.add = next(&s) % 2;
        v.factor = next(&s) % 2;
        v.spread = PICK(&s, 0, 0, 1, 6), v.map = next(&s) % 3 == 0 && fv_conv_takes_map(p);
        if (p->oh > 0 && p->ow > 0) return v;
    }
}

static size_t floats_of(kind k, const fv_conv_problem *p)
{
    switch (k) {
    case IN:
        return (size_t)p->h * p->w * p->c;
    case OUT:
        return (size_t)p->oh * p->ow * p->oc;
    case WEIGHTS:
        return (size_t)p->oc * (p->c / p->groups) * p->kh * p->kw;
    case BIAS:
        return (size_t)p->oc;
    default:
        return 0;
    }
}

static bool per_image(kind k)
{
    return k == IN || k == OUT;
}

static double terms_of(const subject *s, const variant *v)
{
    const fv_conv_problem *p = &v->p;
    if (s->operand[0] == OUT) return (double)(p->c / p->groups) * p->kh * p->kw;
    if (s->operand[0] == IN) return (double)(p->oc / p->groups) * p->kh * p->kw;
    return (double)v->n * p->oh * p->ow;
}

/* One case: operands as floats, and what the reference in double makes of them. */
typedef struct trial {
    const subject *s;
    variant v;
    size_t count[OPERANDS];
    float *value[OPERANDS]; /* [0]: what stands in the output before */
    float *raw, *factor;    /* weights before the factor */
    int32_t *map;           /* or NULL */
    double *want, *bound;
} trial;

static void *take(size_t bytes)
{
    void *p = malloc(bytes ? bytes : 1);
    assert_non_null(p);
    return p;
}

static void run_reference(const trial *t, bool absolute, double *out)
{
    double *copy[OPERANDS] = { 0 };
    void *arg[FV_MAX_ARGS] = { 0 };
    fv_conv_problem p = t->v.p;
    if (absolute) p.act = FV_ACT_NONE;
    for (int i = 0; i < OPERANDS; i++) {
        if (!t->value[i]) continue;
        copy[i] = take(t->count[i] * sizeof(double));
        for (size_t j = 0; j < t->count[i]; j++) copy[i][j] = absolute ? fabsf(t->value[i][j]) : t->value[i][j];
        arg[i] = copy[i];
    }
    arg[5] = t->map;
    const fv_kernel *ref = &t->s->slot->rows[t->s->slot->nrows - 1];
    const fv_work all = { &p, t->v.n, arg, t->v.add, NULL, 0, ref->units(&p, t->v.n), NULL };
    t->s->slot->ref64(&all);
    memcpy(out, arg[0], t->count[0] * sizeof(double));
    for (int i = 0; i < OPERANDS; i++) free(copy[i]);
}

static trial new_trial(const subject *s, const variant *v, uint32_t seed)
{
    trial t = { .s = s, .v = *v };
    t.v.add = v->add && s->operand[0] != OUT;
    for (int i = 0; i < OPERANDS; i++) {
        const kind k = s->operand[i];
        if (k == NOTHING || (k == BIAS && i > 0 && !v->bias) || (i == 4 && !v->residual)) continue;
        t.count[i] = floats_of(k, &v->p) * (per_image(k) ? v->n : 1);
        t.value[i] = take(t.count[i] * sizeof(float));
        for (size_t j = 0; j < t.count[i]; j++) t.value[i][j] = (float)next(&seed) / (1 << 22) - 2.0f;
    }
    if (s->slot->weights_arg > 0) {
        const int a = s->slot->weights_arg;
        const size_t per = t.count[a] / v->p.oc;
        t.raw = take(t.count[a] * sizeof(float));
        t.factor = take(v->p.oc * sizeof(float));
        memcpy(t.raw, t.value[a], t.count[a] * sizeof(float));
        for (int o = 0; o < v->p.oc; o++) t.factor[o] = v->factor ? 0.5f + (float)next(&seed) / (1 << 24) : 1.0f;
        for (size_t j = 0; j < t.count[a]; j++) t.value[a][j] *= t.factor[j / per];
    }
    if (v->map && s->operand[0] == OUT) {
        t.map = take(v->p.c * sizeof *t.map);
        for (int i = 0; i < v->p.c; i++) t.map[i] = (int32_t)(next(&seed) % (uint32_t)v->p.c);
    }
    t.want = take(t.count[0] * sizeof(double));
    t.bound = take(t.count[0] * sizeof(double));
    run_reference(&t, false, t.want);
    run_reference(&t, true, t.bound);
    return t;
}

static void free_trial(trial *t)
{
    for (int i = 0; i < OPERANDS; i++) free(t->value[i]);
    free(t->raw);
    free(t->factor);
    free(t->map);
    free(t->want);
    free(t->bound);
}

static void split(const fv_work *w, fv_kernel_fn *fn, int units, int parts)
{
    for (int i = 0; i < parts; i++) {
        fv_work part = *w;
        part.begin = (int)((int64_t)units * i / parts), part.end = (int)((int64_t)units * (i + 1) / parts);
        if (part.begin < part.end) fn(&part);
    }
}

static guarded guard_copy(const float *from, size_t count, bool at_end)
{
    guarded g = guard_new(count * sizeof(float), at_end);
    memcpy(g.p, from, count * sizeof(float));
    return g;
}

enum { BETWEEN = 0x7fc0beef }; /* bits that stand between the pixels of a strided operand */

/* Channels of a strided operand's pixel; 0: it is dense. */
static int strided_channels(const trial *t, int operand)
{
    const kind k = t->s->operand[operand];
    if (!t->v.spread || !(t->s->slot->strided & 1u << operand)) return 0;
    return k == IN ? t->v.p.c : t->v.p.oc;
}

/* The operand beside a guard page, its pixels `spread` apart; the last one ends the block. */
static guarded guard_operand(const trial *t, int operand, size_t count, bool at_end)
{
    const size_t c = (size_t)strided_channels(t, operand), ld = c + (size_t)t->v.spread;
    if (!c) return guard_copy(t->value[operand], count, at_end);
    guarded g = guard_new((count / c * ld - (size_t)t->v.spread) * sizeof(float), at_end);
    for (size_t i = 0; i < count / c * ld - (size_t)t->v.spread; i++) ((uint32_t *)g.p)[i] = BETWEEN;
    for (size_t i = 0; i < count; i++) ((float *)g.p)[i / c * ld + i % c] = t->value[operand][i];
    return g;
}

/* Takes the output out of its block; what stands between its pixels must be untouched. */
static bool collect(const trial *t, const float *from, size_t count, float *out)
{
    const size_t c = (size_t)strided_channels(t, 0), ld = c + (size_t)t->v.spread;
    if (!c) memcpy(out, from, count * sizeof(float));
    if (!c) return true;
    for (size_t i = 0; i < count; i++) out[i] = from[i / c * ld + i % c];
    for (size_t i = 0; i < count / c * ld - (size_t)t->v.spread; i++)
        if (i % ld >= c && ((const uint32_t *)from)[i] != BETWEEN) return false;
    return true;
}

enum { MOMENTS = 6, COUNTS };

/* Do the moments that a row left beside its output tell that output's? Sums of runs of 64, then a tree: each within 128
 * eps of its absolute terms. */
static bool moments_agree(const fv_conv_problem *p, int n, const float *y, const float *part, const float *count)
{
    const int64_t pixels = (int64_t)n * p->oh * p->ow;
    for (int c = 0; c < p->oc; c++) {
        double all = 0, mean = 0, m2 = 0, want = 0, want2 = 0, most = 0;
        for (int i = 0; count[i] > 0; i++) { /* Chan, Golub, LeVeque 1979 */
            const double k = (double)count[i], d = (double)part[(size_t)i * 2 * p->oc + c] - mean;
            m2 += (double)part[((size_t)i * 2 + 1) * p->oc + c] + d * d * all * k / (all + k);
            mean += d * k / (all + k), all += k;
        }
        for (int64_t i = 0; i < pixels; i++) want += (double)y[i * p->oc + c] / (double)pixels;
        for (int64_t i = 0; i < pixels; i++) {
            const double v = (double)y[i * p->oc + c];
            want2 += (v - want) * (v - want), most = fabs(v) > most ? fabs(v) : most;
        }
        const double eps = 128 * (double)FLT_EPSILON;
        if (all != (double)pixels || !(fabs(mean - want) <= eps * most + FLT_MIN)) return false;
        if (!(fabs(m2 - want2) <= 4 * eps * (double)pixels * most * most + FLT_MIN)) return false;
    }
    return true;
}

/* Runs a row on the first n images, cut into parts, everything beside guard pages; the output is copied to `out`. */
static const char *run_row(const trial *t, const fv_kernel *k, int n, int parts, bool at_end, float *out)
{
    guarded g[OPERANDS + 4] = { 0 };
    void *arg[FV_MAX_ARGS] = { 0 };
    int ld[FV_MAX_ARGS] = { 0 };
    size_t written = 0;
    for (int i = 0; i < OPERANDS; i++) {
        if (!t->value[i]) continue;
        const size_t count = per_image(t->s->operand[i]) ? t->count[i] / t->v.n * n : t->count[i];
        if (i == 0) written = count;
        g[i] = guard_operand(t, i, count, at_end);
        if (strided_channels(t, i)) ld[i] = strided_channels(t, i) + t->v.spread;
        const bool clear = i == 0 && !t->v.add && !strided_channels(t, i);
        if (clear) memset(g[i].p, 0xff, count * sizeof(float)); /* NaN: must be overwritten */
        arg[i] = g[i].p;
    }
    if (arg[4] && t->v.alias) {
        memcpy(arg[0], arg[4], g[4].used);
        arg[4] = arg[0];
    }
    arg[5] = t->map;
    const int weights = t->s->slot->weights_arg;
    if (k->packing && weights > 0) {
        void *pack_arg[FV_MAX_ARGS] = { 0 };
        g[OPERANDS] = guard_new(k->packing->floats(&t->v.p) * sizeof(float), at_end);
        memset(g[OPERANDS].p, 0xff, k->packing->floats(&t->v.p) * sizeof(float));
        memcpy(arg[weights], t->raw, t->count[weights] * sizeof(float));
        pack_arg[0] = g[OPERANDS].p, pack_arg[1] = arg[weights], pack_arg[2] = t->v.factor ? t->factor : NULL;
        const fv_work w = { &t->v.p, 1, pack_arg, 0, NULL, 0, 0, NULL };
        split(&w, k->packing->fn, k->packing->units(&t->v.p, 1), parts);
        arg[weights] = g[OPERANDS].p;
    }
    const size_t scratch = k->scratch ? (k->scratch(&t->v.p) + 63) / 64 * 64 : 0;
    g[OPERANDS + 1] = guard_new(scratch, at_end);
    memset(g[OPERANDS + 1].p, 0xff, scratch);
    if (k->parts) {
        const size_t rows = (size_t)k->parts(&t->v.p, n), floats = 2 * rows * (size_t)t->v.p.oc;
        g[OPERANDS + 2] = guard_new(floats * sizeof(float), at_end);
        g[OPERANDS + 3] = guard_new(rows * sizeof(float), at_end);
        arg[MOMENTS] = g[OPERANDS + 2].p, arg[COUNTS] = g[OPERANDS + 3].p;
    }
    const fv_work w = { &t->v.p, n, arg, t->v.add, g[OPERANDS + 1].p, 0, 0, ld };
    split(&w, k->fn, k->units(&t->v.p, n), parts);
    const char *fault = collect(t, arg[0], written, out) ? NULL : "wrote between pixels";
    if (k->parts && !moments_agree(&t->v.p, n, out, arg[MOMENTS], arg[COUNTS])) fault = "wrong moments";
    for (int i = 0; i < OPERANDS + 4; i++) guard_free(&g[i]);
    return fault;
}

static void tell(const trial *t, const fv_kernel *k, const char *what)
{
    const fv_conv_problem *p = &t->v.p;
    print_error("%s: %s; n %d, %dx%dx%d -> %dx%dx%d, kernel %dx%d, stride %d %d, before %d %d, dilation %d, groups %d, "
                "act %d, bias %d, residual %d, alias %d, add %d, spread %d, map %d\n",
                k->name, what, t->v.n, p->h, p->w, p->c, p->oh, p->ow, p->oc, p->kh, p->kw, p->sh, p->sw, p->top,
                p->left, p->dh, p->groups, p->act, t->v.bias, t->v.residual, t->v.alias, t->v.add, t->v.spread,
                t->map != NULL);
    fail();
}

/* The same of a weight gradient made by tiles. */
static void allow_weights(const trial *t, const fv_kernel *k, double *bound)
{
    const fv_conv_problem *p = &t->v.p;
    const double tiles = (double)((p->oh + k->tile - 1) / k->tile) * ((p->ow + k->tile - 1) / k->tile) * t->v.n;
    for (size_t j = 0; j < t->count[0]; j++) bound[j] = t->v.add ? fabs((double)t->value[0][j]) : 0;
    for (int n = 0; n < t->v.n; n++)
        wg_weight_terms(k->tile, p, t->value[1] + (size_t)n * p->oh * p->ow * p->oc,
                        t->value[2] + (size_t)n * p->h * p->w * p->c, bound);
    for (size_t j = 0; j < t->count[0]; j++) bound[j] *= k->tol * FLT_EPSILON * (tiles + 40);
}

/* The terms of a strided convolution, which rows of tiles make as one of stride 1: of an image whose pixels are `step` x
 * `step` pixels of the other, and of filters with zeros to fill them up. */
static void stepped_terms(const trial *t, const fv_kernel *k, const float *in, double *out)
{
    const fv_conv_problem *p = &t->v.p;
    const int step = p->sh, taps = (p->kh + step - 1) / step, all = taps * taps, c = p->c * step * step;
    const int h = p->oh + taps - 1, w = p->ow + taps - 1;
    float *coarse = take((size_t)h * w * c * sizeof *coarse), *filter = take((size_t)p->oc * c * all * sizeof *filter);
    for (size_t j = 0; j < (size_t)h * w * c; j++) {
        const int i = (int)(j % p->c), at = (int)(j % c) / p->c, y = (int)(j / c) / w * step + at / step - p->top;
        const int x = (int)(j / c) % w * step + at % step - p->left;
        const bool inside = y >= 0 && y < p->h && x >= 0 && x < p->w;
        coarse[j] = inside ? in[((size_t)y * p->w + x) * p->c + i] : 0;
    }
    for (size_t j = 0; j < (size_t)p->oc * c * all; j++) {
        const int tap = (int)(j % all), from = (int)(j / all) % c, i = from % p->c, at = from / p->c;
        const int y = tap / taps * step + at / step, x = tap % taps * step + at % step;
        const size_t filters = (j / all / c * p->c + i) * p->kh * p->kw;
        filter[j] = y < p->kh && x < p->kw ? t->value[2][filters + (size_t)y * p->kw + x] : 0;
    }
    wg_terms(k->tile, taps, coarse, h, w, c, filter, false, 0, 0, p->oh, p->ow, p->oc, out);
    free(coarse);
    free(filter);
}

/* How far a row may be from the reference at each output: a curved activation's share aside. */
static double *allowed(const trial *t, const fv_kernel *k)
{
    const fv_conv_problem *p = &t->v.p;
    const bool forward = t->s->operand[0] == OUT;
    double *bound = take(t->count[0] * sizeof *bound);
    for (size_t j = 0; j < t->count[0]; j++)
        bound[j] = k->tol * FLT_EPSILON * (terms_of(t->s, &t->v) + 3) * t->bound[j];
    if (!k->tile) return bound;
    if (t->s->operand[0] == WEIGHTS) {
        allow_weights(t, k, bound);
        return bound;
    }
    const int ih = forward ? p->h : p->oh, iw = forward ? p->w : p->ow, ic = forward ? p->c : p->oc;
    const int oh = forward ? p->oh : p->h, ow = forward ? p->ow : p->w, oc = forward ? p->oc : p->c;
    float *in = take((size_t)ih * iw * ic * sizeof *in);
    for (size_t j = 0; j < t->count[0]; j++) bound[j] = 0;
    for (int n = 0; n < t->v.n; n++) {
        const float *image = t->value[1] + (size_t)n * ih * iw * ic;
        for (size_t j = 0; j < (size_t)ih * iw * ic; j++)
            in[j] = t->map ? image[j / ic * ic + (size_t)t->map[j % ic]] : image[j];
        double *terms = bound + (size_t)n * oh * ow * oc;
        if (p->sh > 1) stepped_terms(t, k, in, terms);
        else
            wg_terms(k->tile, p->kh, in, ih, iw, ic, t->value[2], !forward, forward ? p->top : p->kh - 1 - p->top,
                     forward ? p->left : p->kh - 1 - p->left, oh, ow, oc, terms);
    }
    for (size_t j = 0; j < t->count[0]; j++) {
        const double beside = (t->value[3] ? fabs((double)t->value[3][j % oc]) : 0) +
                              (t->value[4] ? fabs((double)t->value[4][j]) : 0) +
                              (t->v.add ? fabs((double)t->value[0][j]) : 0);
        bound[j] = k->tol * FLT_EPSILON * (ic * p->sh * p->sw + 20) * (bound[j] + beside);
    }
    free(in);
    return bound;
}

static void check_row(const trial *t, const fv_kernel *k)
{
    const bool curved = t->s->operand[0] == OUT && t->v.p.act > FV_ACT_RELU6;
    float *got = take(t->count[0] * sizeof(float)), *again = take(t->count[0] * sizeof(float));
    const char *fault = run_row(t, k, t->v.n, 1, true, got);
    if (fault) tell(t, k, fault);
    double *most = allowed(t, k);
    for (size_t j = 0; j < t->count[0]; j++) {
        double bound = most[j];
        if (curved) bound = 1.5 * bound + 4 * FLT_EPSILON * (1 + t->bound[j]);
        if (!(fabs(got[j] - t->want[j]) <= bound + FLT_MIN)) {
            print_error("at %zu: %.9g for %.9g, allowed %.3g\n", j, got[j], t->want[j], bound);
            tell(t, k, "too far from the reference in double");
        }
    }
    fault = run_row(t, k, t->v.n, 7, false, again);
    if (fault) tell(t, k, fault);
    if (memcmp(got, again, t->count[0] * sizeof(float))) tell(t, k, "bits depend on the split");
    if (per_image(t->s->operand[0]) && t->v.n > 1) {
        (void)run_row(t, k, 1, 3, false, again);
        if (memcmp(got, again, t->count[0] / t->v.n * sizeof(float))) tell(t, k, "bits depend on the batch");
    }
    static const fv_conv_blocks blocks[] = { { 1 << 10, 1 << 12, 1 << 10, 1000 }, { 1 << 22, 1 << 22, 1 << 22, 1 } };
    trial cut = *t;
    cut.v.p.blocks = blocks[(t->v.p.h + t->v.p.oc) % 2];
    fault = run_row(&cut, k, t->v.n, 2, true, again);
    if (fault) tell(t, k, fault);
    if (memcmp(got, again, t->count[0] * sizeof(float))) tell(t, k, "bits depend on the blocks");
    free(most);
    free(got);
    free(again);
}

/* Checks all rows that take the shape; counts them. */
static void check_rows(const subject *s, const variant *v, uint32_t seed, unsigned cpu, int *ran)
{
    trial t = new_trial(s, v, seed);
    for (int r = 0; r < s->slot->nrows; r++) {
        const fv_kernel *k = &s->slot->rows[r];
        if ((k->cpu & ~cpu) || (k->applies && !k->applies(&v->p))) continue;
        check_row(&t, k);
        ran[r]++;
    }
    free_trial(&t);
}

static void test_conv2d_rows_agree_with_the_reference(void **state)
{
    (void)state;
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    for (int s = 0; s < SUBJECTS; s++) {
        const fv_slot *slot = subjects[s].slot;
        int ran[MOST_ROWS] = { 0 };
        assert_in_range(slot->nrows, 1, MOST_ROWS);
        for (uint32_t i = 0; i < SHAPES; i++) {
            const variant v = shape(i);
            check_rows(&subjects[s], &v, i, cpu, ran);
        }
        for (int r = 0; r < slot->nrows; r++) {
            if (slot->rows[r].cpu & ~cpu) printf("SKIPPED %s: this CPU lacks it\n", slot->rows[r].name);
            else assert_true(ran[r] > 0);
        }
    }
}

/* Batches whose leaves make several whole trees, and a part of one. */
static void test_weight_gradients_of_many_leaves(void **state)
{
    (void)state;
    int ran[MOST_ROWS] = { 0 };
    variant v = { .n = 2 * 64 * FV_LEAF + 3 * FV_LEAF + 1, .add = true };
    v.p = (fv_conv_problem){ .h = 4, .w = 4, .c = 17, .oh = 4, .ow = 4, .oc = 16, .kh = 3, .kw = 3 };
    v.p.sh = v.p.sw = v.p.top = v.p.left = v.p.dh = v.p.dw = v.p.groups = 1;
    check_rows(&subjects[2], &v, 7, fv_cpu_features(FV_CPU_BEST), ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_conv2d_rows_agree_with_the_reference),
                                        cmocka_unit_test(test_weight_gradients_of_many_leaves) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
