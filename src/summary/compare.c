/* compare.c -- networks side by side: counted, then measured as long as they may still be within the budget.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "graph/net.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 1, MOST_RUNS = 400, LEAST_RUNS = 3, IMAGENET = 1000, BATCH = 8 };
#define SECONDS 0.5
/* Minimal filtering computes at most so many multiply-adds per multiplication that the machine does. */
#define MOST_SAVED 4.0

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median seconds of a run of `batch` images of noise. */
static fv_status time_runs(double *median, fv_net *net, int batch, double seconds, size_t *bytes, fv_err *err)
{
    const fv_allocator *heap = net->env.heap;
    fv_plan *plan = NULL;
    fv_plan_info info;
    void *images = NULL, *logits = NULL;
    double times[MOST_RUNS];
    int n = 0;
    const size_t pixels = (size_t)batch * (size_t)net->prep.h * (size_t)net->prep.w * (size_t)net->prep.channels;
    fv_status s = fv_plan_new(&plan, net, &(fv_plan_opts){ .mode = FV_INFER, .batch = batch }, err);
    if (s == FV_OK) s = fv_alloc_or(heap, &images, pixels * sizeof(float), err);
    if (s == FV_OK) s = fv_alloc_zero(heap, &logits, (size_t)batch * (size_t)net->classes * sizeof(float), err);
    if (s == FV_OK) {
        for (size_t i = 0; i < pixels; i++) ((float *)images)[i] = (float)(i * 2654435761u % 1024) / 512 - 1;
        for (int i = 0; i < WARM_UP; i++) fv_run(plan, batch, images, logits);
        for (double start = now(), at = start;
             n < MOST_RUNS && (n < 1 || at - start < (n < LEAST_RUNS ? 4 : 1) * seconds); n++) {
            fv_run(plan, batch, images, logits);
            times[n] = now() - at;
            at += times[n];
        }
        qsort(times, (size_t)n, sizeof *times, ascending);
        *median = n % 2 ? times[n / 2] : (times[n / 2 - 1] + times[n / 2]) / 2;
        fv_plan_describe(plan, &info);
        if (bytes) *bytes = info.total_bytes;
    }
    fv_release(heap, images);
    fv_release(heap, logits);
    fv_plan_free(plan);
    return s;
}

/* The bounds that can be checked before anything is measured. */
static fv_budget counted_bounds(const fv_budget *b)
{
    fv_budget only = { 0 };
    for (int i = 0; i < b->n; i++) {
        const fv_measure of = b->bound[i].of;
        if (of != FV_MEASURE_LATENCY && of != FV_MEASURE_THROUGHPUT && of != FV_MEASURE_MEMORY)
            only.bound[only.n++] = b->bound[i];
    }
    return only;
}

/* Too much work for a bound on latency, even at the machine's peak. */
static bool too_slow(const fv_budget *b, const fv_compared *r, double peak)
{
    const double least_ms = 1e3 * 2.0 * (double)r->cost.macs / MOST_SAVED / (1e9 * peak);
    for (int i = 0; i < b->n; i++)
        if (b->bound[i].of == FV_MEASURE_LATENCY && !b->bound[i].least && least_ms > b->bound[i].value) return true;
    return false;
}

typedef struct work {
    const fv_compare_opts *o;
    const fv_env *env;
    fv_budget budget, counted;
    double peak, seconds;
    int batch;
} work;

static fv_status measure_one(const work *k, fv_compared *r, fv_err *err)
{
    fv_net *net = NULL;
    double one, many;
    FV_TRY(fv_net_open(&net, r->name, &(fv_net_opts){ .no_weights = true, .size = k->o->size }, k->env, err));
    const fv_model *m = fv_model_find(r->name);
    r->model = m ? m : fv_model_find(net->name);
    r->size = net->prep.h;
    r->top1 = m && m->classes == IMAGENET && r->size == m->size ? m->top1 : 0;
    r->latency_ms = r->images_per_s = NAN;
    fv_net_cost(net, &r->cost);
    fv_status s = FV_OK;
    if (fv_budget_holds(&k->counted, r) && !too_slow(&k->budget, r, k->peak)) {
        s = time_runs(&one, net, 1, k->seconds / 2, &r->bytes, err);
        if (s == FV_OK) s = time_runs(&many, net, k->batch, k->seconds / 2, NULL, err);
        if (s == FV_OK) r->latency_ms = 1e3 * one, r->images_per_s = k->batch / many;
        r->within = s == FV_OK && fv_budget_holds(&k->budget, r);
    }
    fv_net_free(net);
    return s;
}

static int by_accuracy(const void *a, const void *b)
{
    const fv_compared *x = a, *y = b;
    if (x->top1 != y->top1) return (x->top1 < y->top1) - (x->top1 > y->top1);
    const double p = isnan(x->latency_ms) ? INFINITY : x->latency_ms,
                 q = isnan(y->latency_ms) ? INFINITY : y->latency_ms;
    return p != q ? (p > q) - (p < q) : strcmp(x->name, y->name);
}

/* Rows are sorted: one is of the front where it is faster than all before it that are within. */
static void find_front(fv_comparison *c)
{
    double fastest = INFINITY;
    for (int i = 0; i < c->n; i++) {
        fv_compared *r = &c->row[i];
        r->front = r->within && r->top1 > 0 && r->latency_ms < fastest;
        if (r->front) fastest = r->latency_ms;
    }
}

static bool in_zoo_comparison(const fv_model *m)
{
    return m->top1 > 0 && m->classes == IMAGENET;
}

static fv_status list_models(fv_comparison *c, const fv_compare_opts *o, const fv_env *env, fv_err *err)
{
    int n = o->nmodels;
    void *rows;
    for (int i = 0; !o->nmodels && fv_model_at(i); i++) n += in_zoo_comparison(fv_model_at(i));
    FV_TRY(fv_alloc_zero(env->heap, &rows, (size_t)(n ? n : 1) * sizeof *c->row, err));
    c->row = rows;
    for (int i = 0; i < o->nmodels; i++) c->row[c->n++].name = o->model[i];
    for (int i = 0; !o->nmodels && fv_model_at(i); i++)
        if (in_zoo_comparison(fv_model_at(i))) c->row[c->n++].name = fv_model_at(i)->name;
    return FV_OK;
}

fv_status fv_compare(fv_comparison *c, const fv_compare_opts *o, const fv_env *env, fv_err *err)
{
    const fv_env e = env ? *env : (fv_env){ 0 };
    work k = {
        .o = o, .env = &e, .seconds = o->seconds > 0 ? o->seconds : SECONDS, .batch = o->batch > 0 ? o->batch : BATCH
    };
    *c = (fv_comparison){ .threads = e.threads ? e.threads : fv_cores(), .batch = k.batch, .budget = o->budget };
    c->cpu = e.cpu == FV_CPU_BEST ? fv_cpu_level() : e.cpu;
    FV_TRY(fv_budget_parse(&k.budget, o->budget, err));
    k.counted = counted_bounds(&k.budget);
    FV_TRY(list_models(c, o, &e, err));
    fv_status s = FV_OK;
    k.peak = fv_peak_gflops(c->threads, e.cpu);
    for (int i = 0; i < c->n && s == FV_OK; i++) {
        if (o->progress && !o->progress(o->user, i, c->n, c->row[i].name))
            s = fv_fail(err, FV_INTERRUPTED, "interrupted");
        else s = measure_one(&k, &c->row[i], err);
        if (s != FV_OK && s != FV_INTERRUPTED) fv_context(err, s, "cannot measure '%s'", c->row[i].name);
    }
    if (o->progress) o->progress(o->user, c->n, c->n, NULL);
    if (s != FV_OK) {
        fv_comparison_free(c, env);
        return s;
    }
    qsort(c->row, (size_t)c->n, sizeof *c->row, by_accuracy);
    find_front(c);
    return FV_OK;
}

void fv_comparison_free(fv_comparison *c, const fv_env *env)
{
    fv_release(env ? env->heap : NULL, c->row);
    c->row = NULL;
    c->n = 0;
}
