/* test_loader.c -- batches: the same for any number of workers and after a restart; bad samples left out; clean ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "data/augment.h"
#include "data/loader.h"

#include <pthread.h>

enum { COUNT = 103, BATCH = 8, SIDE = 6, FLOATS = SIDE * SIDE * 3 };

static const char *const class_names[] = { "a" };

/* A data set made of arithmetic: sample i is a picture whose size and pixels depend on i; every 17th is bad. */
static fv_status made_get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label,
                          fv_err *err)
{
    (void)exif;
    if (i % 17 == 5) return fv_fail(err, FV_FORMAT, "sample is broken");
    void *px = NULL;
    const int side = 6 + (int)(i % 5);
    FV_TRY(fv_alloc_or(d->env.heap, &px, (size_t)(side * side * channels), err));
    *im = (fv_image){ .h = side, .w = side, .c = channels, .px = px, .heap = d->env.heap };
    for (int k = 0; k < side * side * channels; k++) im->px[k] = (uint8_t)(i * 31 + k * 7);
    *label = (int)(i % 3);
    return FV_OK;
}

static const char *made_file(const fv_data *d, int64_t i)
{
    (void)d, (void)i;
    return "made";
}

static const fv_source made = { "made", NULL, NULL, made_get, made_file, NULL, NULL };
static const fv_data set = { .source = &made, .count = COUNT, .classes = 3, .channels = 3, .class_names = class_names };
static const fv_augment augment = { .pad_crop = 2, .flip = 0.5, .seed = 9 };

static fv_loader *loader(const fv_data *d, int workers)
{
    const fv_loader_opts o = { .prep = { .h = SIDE, .w = SIDE, .channels = 3, .resize = SIDE, .std = { 1, 1, 1 } },
                               .augment = &augment,
                               .batch = BATCH,
                               .shuffle = true,
                               .seed = 3,
                               .workers = workers };
    fv_loader *l;
    assert_int_equal(fv_loader_new(&l, d, &o, NULL), FV_OK);
    return l;
}

typedef struct all {
    int n, nbad, batches;
    float images[COUNT][FLOATS];
    int labels[COUNT];
    int64_t samples[COUNT], bad[COUNT];
} all;

static void run(all *a, fv_loader *l, uint64_t epoch, int64_t first)
{
    memset(a, 0, sizeof *a);
    assert_int_equal(fv_loader_start(l, epoch, first, NULL), FV_OK);
    for (fv_batch b; fv_loader_next(l, &b); a->batches++) {
        memcpy(a->images[a->n], b.images, (size_t)b.n * sizeof a->images[0]);
        memcpy(a->labels + a->n, b.labels, (size_t)b.n * sizeof *b.labels);
        memcpy(a->samples + a->n, b.samples, (size_t)b.n * sizeof *b.samples);
        memcpy(a->bad + a->nbad, b.bad_samples, (size_t)b.nbad * sizeof *b.bad_samples);
        for (int i = 0; i < b.nbad; i++) assert_non_null(strstr(b.bad_reasons[i].msg, "sample is broken"));
        a->n += b.n;
        a->nbad += b.nbad;
    }
}

static all one, other;

static void test_loader_gives_the_same_batches_for_any_number_of_workers(void **state)
{
    (void)state;
    fv_loader *l = loader(&set, 1), *m = loader(&set, 4);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        run(&one, l, epoch, 0);
        run(&other, m, epoch, 0);
        assert_int_equal(one.batches, 13);
        assert_memory_equal(&one, &other, sizeof one);
    }
    fv_loader_free(l);
    fv_loader_free(m);
}

static void test_loader_shows_every_sample_once_and_lists_the_bad(void **state)
{
    (void)state;
    fv_loader *l = loader(&set, 2);
    run(&one, l, 1, 0);
    bool seen[COUNT] = { false };
    for (int i = 0; i < one.n; i++) {
        assert_false(seen[one.samples[i]]);
        seen[one.samples[i]] = true;
        assert_int_equal(one.labels[i], one.samples[i] % 3);
        assert_int_not_equal(one.samples[i] % 17, 5);
    }
    for (int i = 0; i < one.nbad; i++) assert_int_equal(one.bad[i] % 17, 5);
    assert_int_equal(one.nbad, 6);
    assert_int_equal(one.n + one.nbad, COUNT);
    run(&other, l, 2, 0);
    assert_memory_not_equal(one.samples, other.samples, sizeof one.samples);
    fv_loader_free(l);
}

static void test_loader_resumes_at_a_batch_as_if_it_had_run_through(void **state)
{
    (void)state;
    fv_loader *l = loader(&set, 3);
    run(&one, l, 4, 0);
    for (int64_t first = 1; first <= fv_loader_batches(l); first += 3) {
        fv_batch b;
        assert_int_equal(fv_loader_start(l, 5, 0, NULL), FV_OK); /* dropped under way */
        assert_true(fv_loader_next(l, &b));
        run(&other, l, 4, first);
        assert_memory_equal(other.images, one.images[one.n - other.n], (size_t)other.n * sizeof one.images[0]);
        assert_memory_equal(other.samples, one.samples + one.n - other.n, (size_t)other.n * sizeof one.samples[0]);
        assert_int_equal(other.batches, fv_loader_batches(l) - first);
    }
    assert_int_equal(fv_loader_start(l, 1, 14, NULL), FV_ARG);
    fv_loader_free(l);
}

static void test_loader_stops_cleanly_at_any_point(void **state)
{
    (void)state;
    for (int taken = 0; taken < 6; taken++) {
        fv_loader *l = loader(&set, 4);
        fv_batch b;
        if (taken > 0) assert_int_equal(fv_loader_start(l, 1, 0, NULL), FV_OK);
        for (int i = 1; i < taken; i++) assert_true(fv_loader_next(l, &b));
        fv_loader_free(l);
    }
    fv_loader_free(NULL);
}

/* A heap that fails once `left` blocks have been given, for ever. */
typedef struct failing {
    pthread_mutex_t lock;
    long left, live;
} failing;

static void *fail_alloc(void *user, size_t bytes)
{
    failing *f = user;
    pthread_mutex_lock(&f->lock);
    const bool give = f->left > 0;
    if (give) f->left--, f->live++;
    pthread_mutex_unlock(&f->lock);
    return give ? aligned_alloc(64, (bytes + 64) / 64 * 64) : NULL;
}

static void fail_release(void *user, void *p)
{
    failing *f = user;
    if (!p) return;
    pthread_mutex_lock(&f->lock);
    f->live--;
    pthread_mutex_unlock(&f->lock);
    free(p);
}

static void test_loader_ends_with_errors_when_memory_ends(void **state)
{
    (void)state;
    bool reached = false;
    for (long n = 0; n < 60; n++) {
        failing f = { PTHREAD_MUTEX_INITIALIZER, n, 0 };
        const fv_allocator heap = { fail_alloc, fail_release, &f };
        fv_data d = set;
        d.env.heap = &heap;
        const fv_loader_opts o = { .prep = { .h = SIDE, .w = SIDE, .channels = 3, .resize = SIDE },
                                   .batch = BATCH,
                                   .augment = &augment,
                                   .workers = 2 };
        fv_loader *l;
        const fv_status s = fv_loader_new(&l, &d, &o, NULL);
        if (s == FV_OK) {
            int got = 0;
            fv_batch b;
            reached = true;
            assert_int_equal(fv_loader_start(l, 1, 0, NULL), FV_OK);
            while (fv_loader_next(l, &b)) got += b.n + b.nbad;
            assert_int_equal(got, COUNT);
        } else {
            assert_int_equal(s, FV_NOMEM);
            assert_null(l);
        }
        fv_loader_free(l);
        assert_int_equal(f.live, 0);
    }
    assert_true(reached);
}

static void test_random_cuts_lie_inside_and_keep_to_their_bounds(void **state)
{
    (void)state;
    const fv_augment a = { .random_resized_crop = true, .seed = 5 };
    for (int i = 0; i < 2000; i++) {
        const fv_cut c = fv_augment_cut(&a, 300, 400, 1, i);
        assert_true(c.top >= 0 && c.left >= 0 && c.top + c.h <= 300 && c.left + c.w <= 400);
        /* Both sides are rounded to whole pixels: half a pixel each way. */
        assert_true((c.w - 0.5) / (c.h + 0.5) <= 4.0 / 3 && (c.w + 0.5) / (c.h - 0.5) >= 3.0 / 4);
        assert_true((c.w + 0.5) * (c.h + 0.5) >= 0.08 * 300 * 400);
    }
    const fv_cut c = fv_augment_cut(&a, 1, 1000, 1, 0); /* no cut fits: the central one, at the widest ratio */
    assert_int_equal(c.h, 1);
    assert_int_equal(c.w, 1);
    assert_int_equal(c.left, 499);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loader_gives_the_same_batches_for_any_number_of_workers),
        cmocka_unit_test(test_loader_shows_every_sample_once_and_lists_the_bad),
        cmocka_unit_test(test_loader_resumes_at_a_batch_as_if_it_had_run_through),
        cmocka_unit_test(test_loader_stops_cleanly_at_any_point),
        cmocka_unit_test(test_loader_ends_with_errors_when_memory_ends),
        cmocka_unit_test(test_random_cuts_lie_inside_and_keep_to_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
