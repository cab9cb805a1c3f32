/* school.c -- data for the studies that train, a short training loop, and the stop-watch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/rng.h"
#include "data/source.h"
#include "eval/evaluate.h"
#include "study/bench.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char fashion[] = "/usr/share/datasets/fashion-mnist";

/* ---- pictures in memory ---- */

typedef struct part {
    float *x;
    int *y, n, classes;
} part;

static void free_block(fv_lab *l, void *p)
{
    fv_release(l->env.heap, p);
}

/* Mean and deviation of Fashion-MNIST, close enough for any grey pictures. */
static fv_status read_one(const fv_data *d, int64_t sample, int side, float *x, int *y, fv_err *err)
{
    const fv_prep prep = { .h = side,
                           .w = side,
                           .channels = 1,
                           .resize = side,
                           .filter = FV_BILINEAR,
                           .mean = { 0.286f },
                           .std = { 0.353f },
                           .order = FV_RGB };
    fv_image im = { .heap = d->env.heap }, out = { .heap = d->env.heap };
    fv_status s = d->source->get(d, sample, 1, FV_EXIF_APPLY, &im, y, err);
    if (s == FV_OK) s = fv_image_prepare(&out, &im, &prep, d->env.heap, err);
    if (s == FV_OK) fv_image_normalise(x, &out, &prep);
    fv_image_free(&im);
    fv_image_free(&out);
    return s;
}

/* n samples of a split, evenly spread over it, in an order that mixes the classes. */
static fv_status fill(fv_lab *l, part *p, const fv_data *d, int side, int n, fv_err *err)
{
    int64_t *order = NULL;
    p->n = d->count < n ? (int)d->count : n;
    p->classes = d->classes;
    FV_TRY(fv_lab_floats(l, &p->x, (size_t)p->n * side * side, err));
    FV_TRY(fv_alloc_zero(l->env.heap, (void **)&p->y, (size_t)p->n * sizeof *p->y, err));
    FV_TRY(fv_lab_own(l, p->y, free_block, err));
    FV_TRY(fv_alloc_or(l->env.heap, (void **)&order, (size_t)d->count * sizeof *order, err));
    fv_rng_permutation(order, d->count, 1, 0);
    fv_status s = FV_OK;
    for (int i = 0; i < p->n && s == FV_OK; i++)
        s = read_one(d, order[i], side, p->x + (size_t)i * side * side, &p->y[i], err);
    fv_release(l->env.heap, order);
    return s;
}

static fv_status read_split(fv_lab *l, part *p, const char *split, int side, int n, fv_err *err)
{
    fv_data *d;
    const char *path = l->opts.data ? l->opts.data : fashion;
    FV_TRY(fv_data_open(&d, path, &(fv_data_opts){ .split = split }, &l->env, err));
    const fv_status s = fill(l, p, d, side, n, err);
    fv_data_free(d);
    return s;
}

fv_status fv_lab_data(fv_lab *l, fv_lab_set *set, int side, int n, int ntest, fv_err *err)
{
    part train = { 0 }, test = { 0 };
    fv_err why = { 0 };
    fv_status s = read_split(l, &train, "train", side, n, &why);
    if (s == FV_OK) {
        s = read_split(l, &test, "test", side, ntest, &why);
        if (s == FV_NOINPUT || s == FV_ARG) {
            why = (fv_err){ 0 };
            s = read_split(l, &test, "val", side, ntest, &why);
        }
    }
    if (s == FV_NOINPUT && !l->opts.data)
        return fv_fail(err, s,
                       "there is no Fashion-MNIST at %s: install Debian's package dataset-fashion-mnist, or name "
                       "labelled pictures by --data",
                       fashion);
    if (s != FV_OK) return fv_fail(err, s == FV_OK ? FV_NOINPUT : s, "%s", why.msg);
    *set = (fv_lab_set){ .side = side,
                         .classes = train.classes,
                         .n = train.n,
                         .ntest = test.n,
                         .x = train.x,
                         .y = train.y,
                         .xtest = test.x,
                         .ytest = test.y };
    return FV_OK;
}

/* ---- a training loop: epochs over pictures in memory ---- */

typedef struct lesson {
    const fv_lab_set *set;
    const fv_lab_recipe *r;
    fv_net *net;
    fv_plan *learn, *judge;
    float *x, *logits;
    int *y;
    int64_t *order, step;
} lesson;

/* Moved by up to `shift` pixels, and mirrored every other time. */
static void move(float *to, const float *from, int side, int shift, fv_rng *rng)
{
    const int dy = (int)fv_rng_below(rng, 2 * (uint32_t)shift + 1) - shift;
    const int dx = (int)fv_rng_below(rng, 2 * (uint32_t)shift + 1) - shift;
    const bool mirror = fv_rng_below(rng, 2);
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            const int v = i + dy, w = (mirror ? side - 1 - j : j) + dx;
            const bool inside = v >= 0 && v < side && w >= 0 && w < side;
            to[i * side + j] = inside ? from[v * side + w] : from[0];
        }
}

static void gather(lesson *k, int first, int n, int epoch)
{
    const int side = k->set->side;
    const size_t pixels = (size_t)side * side;
    for (int i = 0; i < n; i++) {
        const int64_t sample = k->order[first + i];
        const float *from = k->set->x + (size_t)sample * pixels;
        k->y[i] = k->set->y[sample];
        fv_rng rng = fv_rng_of(k->r->seed, (uint64_t)epoch, (uint64_t)sample, FV_RNG_STUDY);
        if (k->r->shift) move(k->x + (size_t)i * pixels, from, side, k->r->shift, &rng);
        else memcpy(k->x + (size_t)i * pixels, from, pixels * sizeof *from);
    }
}

static double rate(const lesson *k)
{
    const double steps = (double)k->r->epochs * (k->set->n / k->r->batch);
    return k->r->cosine ? 0.5 * k->r->lr * (1 + cos(acos(-1.0) * (double)k->step / steps)) : k->r->lr;
}

/* How many answers have another class first; one that is no number is wrong. */
static int wrong(const float *logits, const int *labels, int n, int classes)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        const float *z = logits + (size_t)i * classes;
        count += !isfinite(z[labels[i]]) || fv_rank_of(z, classes, labels[i]) != 0;
    }
    return count;
}

static fv_status learn_epoch(fv_lab *l, lesson *k, int epoch, fv_lab_epoch *e, fv_err *err)
{
    const int batch = k->r->batch, batches = k->set->n / batch;
    fv_rng_permutation(k->order, k->set->n, k->r->seed, (uint64_t)epoch);
    for (int b = 0; b < batches; b++, k->step++) {
        gather(k, b * batch, batch, epoch);
        const double loss = fv_run_train(k->learn, &(fv_update){ .n = batch,
                                                                 .images = k->x,
                                                                 .labels = k->y,
                                                                 .lr = rate(k),
                                                                 .momentum = 0.9,
                                                                 .seed = k->r->seed,
                                                                 .step = (uint64_t)k->step,
                                                                 .logits = k->logits });
        e->loss += loss / batches;
        e->train_error += (double)wrong(k->logits, k->y, batch, k->set->classes) / batch / batches;
        const double done = (epoch + (double)b / batches) / k->r->epochs;
        if (b % 8 == 0) FV_TRY(fv_lab_progress(l, k->r->from + done * (k->r->to - k->r->from), err));
    }
    return FV_OK;
}

static void test(lesson *k, fv_lab_epoch *e)
{
    const size_t pixels = (size_t)k->set->side * k->set->side;
    int bad = 0;
    fv_plan_repack(k->judge);
    for (int first = 0; first < k->set->ntest; first += k->r->batch) {
        const int left = k->set->ntest - first, n = left < k->r->batch ? left : k->r->batch;
        fv_run(k->judge, n, k->set->xtest + (size_t)first * pixels, k->logits);
        bad += wrong(k->logits, k->set->ytest + first, n, k->set->classes);
    }
    e->test_error = (double)bad / k->set->ntest;
}

/* One thread: layers this small are over before a second one has woken up. */
fv_status fv_lab_train(fv_lab *l, fv_net *net, const fv_lab_set *set, const fv_lab_recipe *r, fv_lab_epoch *epochs,
                       fv_err *err)
{
    lesson k = { .set = set, .r = r, .net = net };
    const size_t batch = (size_t)r->batch;
    FV_TRY(fv_lab_plan(l, &k.learn, net, r->batch,
                       (fv_plan_request){ .train = true,
                                          .backward = true,
                                          .update = true,
                                          .loss = true,
                                          .wd = r->wd,
                                          .h = set->side,
                                          .w = set->side,
                                          .threads = 1 },
                       err));
    FV_TRY(fv_lab_plan(l, &k.judge, net, r->batch, (fv_plan_request){ .h = set->side, .w = set->side, .threads = 1 },
                       err));
    FV_TRY(fv_lab_floats(l, &k.x, batch * (size_t)set->side * set->side, err));
    FV_TRY(fv_lab_floats(l, &k.logits, batch * (size_t)set->classes, err));
    FV_TRY(fv_alloc_zero(l->env.heap, (void **)&k.y, batch * sizeof *k.y, err));
    FV_TRY(fv_lab_own(l, k.y, free_block, err));
    FV_TRY(fv_alloc_zero(l->env.heap, (void **)&k.order, (size_t)set->n * sizeof *k.order, err));
    FV_TRY(fv_lab_own(l, k.order, free_block, err));
    for (int i = 0; i < r->epochs; i++) {
        epochs[i] = (fv_lab_epoch){ 0 };
        FV_TRY(learn_epoch(l, &k, i, &epochs[i], err));
        test(&k, &epochs[i]);
    }
    return FV_OK;
}

/* ---- the stop-watch ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

fv_status fv_lab_race(fv_lab *l, double *seconds, fv_plan *const *plans, int n, int runs, fv_err *err)
{
    enum { WARM_UP = 2 };
    double *times = NULL;
    FV_TRY(fv_alloc_zero(l->env.heap, (void **)&times, (size_t)n * (size_t)runs * sizeof *times, err));
    fv_status s = FV_OK;
    for (int r = -WARM_UP; r < runs && s == FV_OK; r++) {
        for (int k = 0; k < n; k++) {
            const double start = fv_clock();
            fv_plan_run(plans[k], 1);
            if (r >= 0) times[k * runs + r] = fv_clock() - start;
        }
        s = fv_lab_progress(l, (r + WARM_UP + 1.0) / (runs + WARM_UP), err);
    }
    for (int k = 0; k < n; k++) {
        qsort(times + k * runs, (size_t)runs, sizeof *times, ascending);
        seconds[k] = times[k * runs + runs / 2];
    }
    fv_release(l->env.heap, times);
    return s;
}
