/* loader.c -- batches read ahead by worker threads.
 * Work is handed out in runs of samples, in order; a run goes into its place in the ring slot of its batch, so the
 * batches do not depend on who decoded what. One lock guards all counters; pixels are written outside it, by the one
 * worker that took the run. The consumer holds one slot, so workers may be ahead - 1 batches in front of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/loader.h"
#include "base/rng.h"
#include "base/threads.h"
#include "data/augment.h"

#include <inttypes.h>
#include <string.h>

enum { RUN = 8, DEFAULT_AHEAD = 4, MAX_WORKERS = 1024, MAX_BATCH = 1 << 20 };

typedef struct slot {
    float *images;
    int *labels;
    int64_t *samples, *bad_samples;
    fv_status *status; /* of each sample */
    fv_err *reasons, fatal;
    int done;
} slot;

struct fv_loader {
    const fv_data *d;
    fv_loader_opts o;
    fv_augment augment;
    int64_t batches, *order;
    size_t pixels; /* floats of a sample: of all its views */
    slot *slots;
    pthread_t *threads;
    int started;
    pthread_mutex_t lock;
    pthread_cond_t work, ready, idle; /* for workers; for the consumer; for fv_loader_start */
    bool locks;                       /* the four above exist */
    /* under the lock */
    bool quit, live;
    uint64_t epoch;
    int64_t next;  /* first sample position not handed out */
    int64_t batch; /* batch that the consumer asks for next */
    int busy;      /* runs under way */
};

static int batch_size(const fv_loader *l, int64_t b)
{
    const int64_t left = l->d->count - b * l->o.batch;
    return left < l->o.batch ? (int)left : l->o.batch;
}

static fv_status load_sample(const fv_loader *l, slot *s, int k, int64_t sample, uint64_t epoch, fv_err *err)
{
    const fv_prep *p = &l->o.prep;
    fv_image im = { .heap = l->d->env.heap };
    FV_TRY(l->d->source->get(l->d, sample, p->channels, p->exif, &im, &s->labels[k], err));
    float *x = s->images + (size_t)k * l->pixels;
    fv_status st;
    if (l->o.augment) {
        st = fv_augment_run(&im, l->o.augment, p, epoch, sample, err);
        if (st == FV_OK) fv_image_normalise(x, &im, p);
        if (st == FV_OK) fv_augment_finish(x, l->o.augment, p, epoch, sample);
    } else {
        st = fv_image_views(x, &im, p, im.heap, err);
    }
    fv_image_free(&im);
    return st == FV_OK ? st : fv_context(err, st, "%s", l->d->source->file(l->d, sample));
}

/* Samples at positions [first, first + n) of the epoch, all of one batch. */
static void load_run(const fv_loader *l, int64_t first, int n, uint64_t epoch)
{
    slot *s = &l->slots[first / l->o.batch % l->o.ahead];
    const int at = (int)(first % l->o.batch);
    for (int k = at; k < at + n; k++) {
        fv_err err = { 0 };
        s->samples[k] = l->order[first + k - at];
        s->status[k] = load_sample(l, s, k, s->samples[k], epoch, &err);
        if (s->status[k] != FV_OK) s->reasons[k] = err;
    }
}

static bool has_work(const fv_loader *l)
{
    return l->live && l->next < l->d->count && l->next / l->o.batch < l->batch - 1 + l->o.ahead;
}

/* Takes a run; the lock is held. */
static int take(fv_loader *l, int64_t *first)
{
    *first = l->next;
    const int64_t b = l->next / l->o.batch;
    const int64_t left = b * l->o.batch + batch_size(l, b) - l->next;
    const int n = left < RUN ? (int)left : RUN;
    l->next += n;
    l->busy++;
    return n;
}

static void *work(void *user)
{
    fv_loader *l = user;
    pthread_mutex_lock(&l->lock);
    for (;;) {
        while (!l->quit && !has_work(l)) pthread_cond_wait(&l->work, &l->lock);
        if (l->quit) break;
        int64_t first;
        const int n = take(l, &first);
        const uint64_t epoch = l->epoch;
        pthread_mutex_unlock(&l->lock);
        load_run(l, first, n, epoch);
        pthread_mutex_lock(&l->lock);
        l->busy--;
        slot *s = &l->slots[first / l->o.batch % l->o.ahead];
        const int64_t b = first / l->o.batch;
        s->done += n;
        if (s->done == batch_size(l, b)) pthread_cond_signal(&l->ready);
        if (l->busy == 0) pthread_cond_signal(&l->idle);
    }
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

static fv_status check(const fv_data *d, const fv_loader_opts *o, fv_err *err)
{
    const fv_prep *p = &o->prep;
    if (o->batch < 1 || o->batch > MAX_BATCH) return fv_fail(err, FV_ARG, "a batch of %d", o->batch);
    if (o->workers < 1 || o->workers > MAX_WORKERS) return fv_fail(err, FV_ARG, "%d workers", o->workers);
    if (o->ahead < 0 || o->ahead > MAX_BATCH) return fv_fail(err, FV_ARG, "%d batches ahead", o->ahead);
    if (p->h < 1 || p->w < 1 || p->h > FV_IMAGE_MAX_SIDE || p->w > FV_IMAGE_MAX_SIDE)
        return fv_fail(err, FV_ARG, "an input of %d x %d pixels", p->w, p->h);
    if (p->channels != 1 && p->channels != 3) return fv_fail(err, FV_ARG, "an input of %d channels", p->channels);
    if (o->augment && p->tta) return fv_fail(err, FV_ARG, "views are for evaluation, augmentation is for training");
    if (o->augment && (o->augment->pad_crop < 0 || o->augment->pad_crop > FV_IMAGE_MAX_SIDE))
        return fv_fail(err, FV_ARG, "padding by %d pixels", o->augment->pad_crop);
    return d->count > 0 ? FV_OK : fv_fail(err, FV_ARG, "a data set without pictures");
}

static fv_status make_slot(slot *s, const fv_loader *l, fv_err *err)
{
    const fv_allocator *heap = l->d->env.heap;
    const size_t n = (size_t)l->o.batch;
    size_t bytes;
    if (!fv_mul_size(n, l->pixels * sizeof(float), &bytes))
        return fv_fail(err, FV_ARG, "a batch of %zu is too large", n);
    FV_TRY(fv_alloc_or(heap, (void **)&s->images, bytes, err));
    FV_TRY(fv_alloc_or(heap, (void **)&s->labels, n * sizeof *s->labels, err));
    FV_TRY(fv_alloc_or(heap, (void **)&s->samples, n * sizeof *s->samples, err));
    FV_TRY(fv_alloc_or(heap, (void **)&s->bad_samples, n * sizeof *s->bad_samples, err));
    FV_TRY(fv_alloc_or(heap, (void **)&s->status, n * sizeof *s->status, err));
    return fv_alloc_or(heap, (void **)&s->reasons, n * sizeof *s->reasons, err);
}

static fv_status make_locks(fv_loader *l, fv_err *err)
{
    if (pthread_mutex_init(&l->lock, NULL) != 0) return fv_fail(err, FV_NOMEM, "no memory for a lock");
    const bool work = pthread_cond_init(&l->work, NULL) == 0, ready = pthread_cond_init(&l->ready, NULL) == 0;
    const bool idle = pthread_cond_init(&l->idle, NULL) == 0;
    l->locks = work && ready && idle;
    if (l->locks) return FV_OK;
    if (work) pthread_cond_destroy(&l->work);
    if (ready) pthread_cond_destroy(&l->ready);
    if (idle) pthread_cond_destroy(&l->idle);
    pthread_mutex_destroy(&l->lock);
    return fv_fail(err, FV_NOMEM, "no memory for a lock");
}

static fv_status fill(fv_loader *l, fv_err *err)
{
    const fv_allocator *heap = l->d->env.heap;
    FV_TRY(fv_alloc_or(heap, (void **)&l->order, (size_t)l->d->count * sizeof *l->order, err));
    FV_TRY(fv_alloc_zero(heap, (void **)&l->slots, (size_t)l->o.ahead * sizeof *l->slots, err));
    for (int i = 0; i < l->o.ahead; i++) FV_TRY(make_slot(&l->slots[i], l, err));
    FV_TRY(fv_alloc_or(heap, (void **)&l->threads, (size_t)l->o.workers * sizeof *l->threads, err));
    FV_TRY(make_locks(l, err));
    for (; l->started < l->o.workers; l->started++) FV_TRY(fv_thread_start(&l->threads[l->started], work, l, err));
    return FV_OK;
}

fv_status fv_loader_new(fv_loader **out, const fv_data *d, const fv_loader_opts *opts, fv_err *err)
{
    *out = NULL;
    FV_TRY(check(d, opts, err));
    fv_loader *l = NULL;
    FV_TRY(fv_alloc_zero(d->env.heap, (void **)&l, sizeof *l, err));
    l->d = d;
    l->o = *opts;
    if (opts->augment) {
        l->augment = *opts->augment;
        l->o.augment = &l->augment;
    }
    const int64_t batches = (d->count - 1) / opts->batch + 1;
    l->batches = batches;
    if (l->o.ahead == 0) l->o.ahead = DEFAULT_AHEAD;
    if (l->o.ahead < 2) l->o.ahead = 2; /* one is with the consumer */
    if (l->o.ahead > batches + 1) l->o.ahead = (int)batches + 1;
    l->pixels = (size_t)opts->prep.h * (size_t)opts->prep.w * (size_t)opts->prep.channels;
    l->pixels *= (size_t)fv_views(opts->prep.tta);
    const fv_status s = fill(l, err);
    if (s != FV_OK) {
        fv_loader_free(l);
        return s;
    }
    *out = l;
    return FV_OK;
}

fv_status fv_loader_start(fv_loader *l, uint64_t epoch, int64_t first, fv_err *err)
{
    if (first < 0 || first > l->batches)
        return fv_fail(err, FV_ARG, "no batch %" PRId64 " in an epoch of %" PRId64, first, l->batches);
    pthread_mutex_lock(&l->lock);
    l->live = false;
    while (l->busy > 0) pthread_cond_wait(&l->idle, &l->lock);
    if (l->o.shuffle) fv_rng_permutation(l->order, l->d->count, l->o.seed, epoch);
    for (int64_t i = 0; i < l->d->count && !l->o.shuffle; i++) l->order[i] = i;
    for (int i = 0; i < l->o.ahead; i++) l->slots[i].done = 0;
    l->epoch = epoch;
    l->batch = first;
    l->next = first * l->o.batch;
    l->live = true;
    pthread_cond_broadcast(&l->work);
    pthread_mutex_unlock(&l->lock);
    return FV_OK;
}

int64_t fv_loader_batches(const fv_loader *l)
{
    return l->batches;
}

/* Moves the samples that could be read together, in order. */
static void compact(const fv_loader *l, slot *s, int n, fv_batch *b)
{
    *b = (fv_batch){ .images = s->images,
                     .labels = s->labels,
                     .samples = s->samples,
                     .bad_samples = s->bad_samples,
                     .bad_reasons = s->reasons };
    for (int k = 0; k < n; k++) {
        if (s->status[k] == FV_NOMEM && !b->fatal) {
            s->fatal = s->reasons[k];
            b->fatal = &s->fatal;
        }
        if (s->status[k] != FV_OK) {
            s->bad_samples[b->nbad] = s->samples[k];
            s->reasons[b->nbad++] = s->reasons[k];
            continue;
        }
        if (b->n != k) {
            memcpy(s->images + (size_t)b->n * l->pixels, s->images + (size_t)k * l->pixels, l->pixels * sizeof(float));
            s->labels[b->n] = s->labels[k];
            s->samples[b->n] = s->samples[k];
        }
        b->n++;
    }
}

bool fv_loader_next(fv_loader *l, fv_batch *b)
{
    *b = (fv_batch){ 0 };
    pthread_mutex_lock(&l->lock);
    const bool more = l->live && l->batch < l->batches;
    if (more) {
        /* The slot handed out last is free now. */
        l->slots[(l->batch + l->o.ahead - 1) % l->o.ahead].done = 0;
        const int64_t at = l->batch++;
        pthread_cond_broadcast(&l->work);
        slot *s = &l->slots[at % l->o.ahead];
        const int n = batch_size(l, at);
        while (s->done < n) pthread_cond_wait(&l->ready, &l->lock);
        pthread_mutex_unlock(&l->lock);
        compact(l, s, n, b);
        return true;
    }
    pthread_mutex_unlock(&l->lock);
    return false;
}

static void free_slot(const fv_allocator *heap, slot *s)
{
    fv_release(heap, s->images);
    fv_release(heap, s->labels);
    fv_release(heap, s->samples);
    fv_release(heap, s->bad_samples);
    fv_release(heap, s->status);
    fv_release(heap, s->reasons);
}

void fv_loader_free(fv_loader *l)
{
    if (!l) return;
    const fv_allocator *heap = l->d->env.heap;
    if (l->locks) {
        pthread_mutex_lock(&l->lock);
        l->quit = true;
        pthread_cond_broadcast(&l->work);
        pthread_mutex_unlock(&l->lock);
        for (int i = 0; i < l->started; i++) pthread_join(l->threads[i], NULL);
        pthread_cond_destroy(&l->work);
        pthread_cond_destroy(&l->ready);
        pthread_cond_destroy(&l->idle);
        pthread_mutex_destroy(&l->lock);
    }
    for (int i = 0; l->slots && i < l->o.ahead; i++) free_slot(heap, &l->slots[i]);
    fv_release(heap, l->slots);
    fv_release(heap, l->order);
    fv_release(heap, l->threads);
    fv_release(heap, l);
}
