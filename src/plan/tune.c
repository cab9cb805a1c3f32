/* tune.c -- autotuning. A plan runs as a whole with one variant of all its convolutions after the other, each step timed by
 * the plan's own clock: so every step is timed on its shapes, with its threads, and with the caches as its neighbours leave
 * them. Equal problems are timed as one. The least time of some rounds counts, and a variant must be clearly better than the
 * rows' own sizes. Variants differ in sizes of blocks alone, which change no bit (conv2d.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/tune.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "kernels/conv2d/conv2d.h"
#include <float.h>
#include <stdio.h>
#include <string.h>

enum { MOST_VARIANTS = 9, LEAST_ROUNDS = 3, MOST_ROUNDS = 12, LINE = 64 };
#define SECONDS 2.0  /* of timing, but for the least rounds */
#define CLEARLY 0.97 /* of the time */

#define K *1024
// clang-format off
/* The first is what the row itself thinks best. */
static const fv_conv_blocks winograd_variants[] = {
    { 0 }, { .inputs = 96 K }, { .inputs = 384 K }, { .inputs = 768 K }, { .inputs = 2048 K }, { .results = 192 K },
    { .results = 768 K }, { .inputs = 384 K, .results = 192 K }, { .inputs = 512 K, .results = 768 K },
};
static const fv_conv_blocks walk_variants[] = {
    { 0 }, { .inputs = 96 K }, { .inputs = 192 K }, { .inputs = 768 K }, { .weights = 96 K }, { .weights = 384 K },
    { .weights = 1536 K }, { .units = 8 }, { .units = 96 },
};
static const fv_conv_blocks depthwise_variants[] = {
    { 0 }, { .inputs = 16 K }, { .inputs = 48 K }, { .inputs = 96 K }, { .inputs = 4096 K }, { .units = 4 }, { .units = 14 },
    { .units = 28 }, { .units = 28, .inputs = 96 K },
};
// clang-format on
#undef K
_Static_assert(sizeof winograd_variants == MOST_VARIANTS * sizeof(fv_conv_blocks) &&
                   sizeof walk_variants == sizeof winograd_variants &&
                   sizeof depthwise_variants == sizeof winograd_variants,
               "all ways have as many variants");

static bool tunable(const plan_step *s)
{
    return s->slot == &fv_slot_conv2d && s->kernel->packing; /* the reference has no blocks */
}

static const fv_conv_blocks *variants_of(const plan_step *s)
{
    const fv_conv_problem *c = s->problem;
    if (s->kernel->tile) return winograd_variants;
    return c->groups == c->c && c->c == c->oc ? depthwise_variants : walk_variants;
}

static fv_conv_problem *problem_of(const fv_plan *p, int step)
{
    return p->step[step].problem;
}

bool fv_plan_tunes(const fv_plan_request *rq, const fv_env *env)
{
    return env->autotune && !rq->train && !rq->backward && !rq->f64 && !rq->exact;
}

/* ---- keys ---- */

static void key_of(const fv_plan *p, int step, bool by_image, char *key, size_t cap)
{
    const plan_step *s = &p->step[step];
    const fv_conv_problem *c = s->problem;
    char cpu[64];
    fv_cpu_model(cpu, sizeof cpu);
    snprintf(key, cap, "%s|%s|%dx%dx%d>%dx%dx%d k%dx%d s%dx%d p%d,%d d%dx%d g%d a%d|r%d m%d|n%d%s t%d", cpu,
             s->kernel->name, c->h, c->w, c->c, c->oh, c->ow, c->oc, c->kh, c->kw, c->sh, c->sw, c->top, c->left, c->dh,
             c->dw, c->groups, (int)c->act, s->nargs > 4 && s->arg[4], s->nargs > 5 && s->arg[5], p->rq.batch,
             by_image ? " by image" : "", fv_threads_count(p->pool));
}

static void order_key(const fv_plan *p, char *key, size_t cap)
{
    char cpu[64];
    fv_cpu_model(cpu, sizeof cpu);
    snprintf(key, cap, "%s|order|%.60s %dx%d|%d steps %u|n%d t%d", cpu, p->net->name, p->rq.h, p->rq.w, (int)p->nstep,
             p->rq.cpu, p->rq.batch, fv_threads_count(p->pool));
}

/* ---- the file ---- */

static void open_wisdom(fv_wisdom *w, const fv_net *net)
{
    fv_err err = { 0 };
    *w = (fv_wisdom){ .arena = { .heap = net->env.heap } };
    if (net->env.wisdom && fv_wisdom_read(w, net->env.wisdom, FV_VARIANTS, &err) != FV_OK)
        fv_log(&net->env, FV_LOG_WARN, "the wisdom in %s is not used: %s", net->env.wisdom, err.msg);
}

static void close_wisdom(fv_wisdom *w, const fv_net *net, bool learnt)
{
    fv_err err = { 0 };
    if (learnt && net->env.wisdom && fv_wisdom_write(w, net->env.wisdom, FV_VARIANTS, &err) != FV_OK)
        fv_log(&net->env, FV_LOG_WARN, "the plan's timings are not kept: %s", err.msg);
    fv_wisdom_free(w);
}

/* ---- timing ---- */

/* A problem that stands in one step or in several. */
typedef struct subject {
    char key[FV_WISDOM_KEY];
    bool known;
    int best;
    double least[MOST_VARIANTS], now;
} subject;

typedef struct tuning {
    fv_plan *p;
    subject *subject;
    int n, *of; /* of each step: its subject, -1: none */
    double *seconds;
} tuning;

static bool by_image(const fv_plan *p, int step)
{
    for (size_t i = 0; i < p->nsegment; i++)
        if (step >= p->segment[i].first && step < p->segment[i].end) return p->segment[i].by_image;
    return false;
}

static bool in_chain(const fv_plan *p, int step)
{
    for (size_t i = 0; i < p->nchain; i++)
        if (step >= p->chain[i].first && step < p->chain[i].end) return true;
    return false;
}

/* Finds the subjects; returns how many are not known yet. */
static int find_subjects(tuning *t, const fv_wisdom *w)
{
    int unknown = 0;
    for (int i = 0; i < (int)t->p->nstep; i++) {
        t->of[i] = -1;
        if (!tunable(&t->p->step[i]) || in_chain(t->p, i)) continue;
        subject *s = &t->subject[t->n];
        key_of(t->p, i, by_image(t->p, i), s->key, sizeof s->key);
        int k = 0;
        while (strcmp(t->subject[k].key, s->key)) k++;
        t->of[i] = k;
        if (k < t->n) continue;
        const int number = fv_wisdom_find(w, s->key);
        s->known = number >= 0 && number < MOST_VARIANTS;
        s->best = s->known ? number : 0;
        for (int v = 0; v < MOST_VARIANTS; v++) s->least[v] = DBL_MAX;
        unknown += !s->known;
        t->n++;
    }
    return unknown;
}

/* All steps take the variant v, or each its best: -1. */
static void set_variants(const tuning *t, int v)
{
    for (int i = 0; i < (int)t->p->nstep; i++) {
        const subject *s = t->of[i] < 0 ? NULL : &t->subject[t->of[i]];
        if (s) problem_of(t->p, i)->blocks = variants_of(&t->p->step[i])[v < 0 || s->known ? s->best : v];
    }
}

static size_t scratch_need(const fv_plan *p)
{
    size_t most = fv_plan_band_scratch(p);
    for (size_t i = 0; i < p->nstep; i++) {
        const fv_kernel *k = p->step[i].kernel;
        const size_t need = k->scratch ? k->scratch(p->step[i].problem) : 0;
        if (need > most) most = need;
    }
    return (most + LINE - 1) / LINE * LINE;
}

static void time_variant(tuning *t, int v)
{
    const size_t places = t->p->nstep + FV_OVERHEADS;
    set_variants(t, v);
    memset(t->seconds, 0, places * sizeof *t->seconds);
    fv_plan_profile(t->p, t->seconds);
    fv_plan_run(t->p, t->p->rq.batch);
    fv_plan_profile(t->p, NULL);
    for (int k = 0; k < t->n; k++) t->subject[k].now = 0;
    for (int i = 0; i < (int)t->p->nstep; i++)
        if (t->of[i] >= 0) t->subject[t->of[i]].now += t->seconds[i];
    for (int k = 0; k < t->n; k++) {
        subject *s = &t->subject[k];
        if (s->now < s->least[v]) s->least[v] = s->now;
    }
}

/* The variants take turns, so that a machine that slows down slows all. */
static fv_status time_all(tuning *t, fv_err *err)
{
    size_t most = t->p->scratch_bytes;
    for (int v = 0; v < MOST_VARIANTS; v++) {
        set_variants(t, v);
        const size_t need = scratch_need(t->p);
        if (need > most) most = need;
    }
    FV_TRY(fv_plan_scratch(t->p, most, err));
    set_variants(t, 0);
    fv_plan_run(t->p, t->p->rq.batch);
    const double start = fv_clock();
    for (int r = 0; r < MOST_ROUNDS && (r < LEAST_ROUNDS || fv_clock() - start < SECONDS); r++)
        for (int v = 0; v < MOST_VARIANTS; v++) time_variant(t, v);
    for (int k = 0; k < t->n; k++) {
        subject *s = &t->subject[k];
        for (int v = 1; v < MOST_VARIANTS && !s->known; v++)
            if (s->least[v] < s->least[s->best] && s->least[v] < CLEARLY * s->least[0]) s->best = v;
    }
    return FV_OK;
}

static fv_status tune_blocks(fv_plan *p, fv_wisdom *w, fv_err *err)
{
    fv_arena a = { .heap = p->net->env.heap };
    tuning t = { .p = p,
                 .subject = fv_arena_alloc(&a, (p->nstep + 1) * sizeof(subject)),
                 .of = fv_arena_alloc(&a, (p->nstep + 1) * sizeof(int)),
                 .seconds = fv_arena_alloc(&a, (p->nstep + FV_OVERHEADS) * sizeof(double)) };
    fv_status s = a.failed ? fv_fail(err, FV_NOMEM, "no memory to time %zu steps", p->nstep) : FV_OK;
    const int unknown = s == FV_OK ? find_subjects(&t, w) : 0;
    if (unknown) s = time_all(&t, err);
    if (s == FV_OK) {
        set_variants(&t, -1);
        const size_t need = scratch_need(p);
        if (need != p->scratch_bytes) s = fv_plan_scratch(p, need, err);
    }
    for (int k = 0; k < t.n && s == FV_OK; k++)
        if (!t.subject[k].known) s = fv_wisdom_put(w, t.subject[k].key, t.subject[k].best, err);
    if (s == FV_OK) p->timed += unknown;
    fv_arena_free(&a);
    return s;
}

/* ---- the order of images ---- */

static double time_run(fv_plan *p)
{
    double least = DBL_MAX;
    for (int i = 0; i < 1 + LEAST_ROUNDS; i++) {
        const double start = fv_clock();
        fv_plan_run(p, p->rq.batch);
        const double took = fv_clock() - start;
        if (i && took < least) least = took;
    }
    return least;
}

static fv_status make_in_order(fv_plan **p, fv_net *net, const fv_plan_request *rq, int order, fv_err *err)
{
    fv_plan_request one = *rq;
    one.order = order;
    fv_plan_free(*p); /* one at a time: they are as large as their weights */
    return fv_plan_make_once(p, net, &one, err);
}

/* *p: the plan in the order that the model thinks best; it is made anew where another one is faster. */
static fv_status tune_order(fv_plan **p, fv_net *net, const fv_plan_request *rq, fv_wisdom *w, bool *learnt,
                            fv_err *err)
{
    char key[FV_WISDOM_KEY];
    order_key(*p, key, sizeof key);
    const int number = fv_wisdom_find(w, key);
    int best = number >= 0 && number < FV_ORDERS ? number : 0, now = 0;
    double least = 0;
    for (int order = 0; order < FV_ORDERS && number < 0; order++) {
        if (order != now) FV_TRY(make_in_order(p, net, rq, order, err));
        now = order;
        const double took = time_run(*p);
        if (order == 0 || took < CLEARLY * least) least = took, best = order;
    }
    if (best != now) FV_TRY(make_in_order(p, net, rq, best, err));
    *learnt = number < 0;
    return number < 0 ? fv_wisdom_put(w, key, best, err) : FV_OK;
}

fv_status fv_plan_make_tuned(fv_plan **p, fv_net *net, const fv_plan_request *rq, fv_err *err)
{
    const double start = fv_clock();
    fv_wisdom w;
    bool learnt = false;
    open_wisdom(&w, net);
    fv_status s = fv_plan_make_once(p, net, rq, err);
    if (s == FV_OK && rq->batch > 1) s = tune_order(p, net, rq, &w, &learnt, err);
    if (s == FV_OK) s = tune_blocks(*p, &w, err);
    if (s == FV_OK) {
        (*p)->timed += learnt;
        (*p)->plan_ms = 1e3 * (fv_clock() - start);
        learnt = (*p)->timed > 0;
    }
    close_wisdom(&w, net, s == FV_OK && learnt);
    if (s == FV_OK) return s;
    fv_plan_free(*p);
    *p = NULL;
    return s;
}
