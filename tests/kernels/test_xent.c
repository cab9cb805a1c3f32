/* test_xent.c -- binary cross-entropy: every row and both references against the formula, written here once more in long
 * double, over numbers of classes that reach each tail, beside guard pages, with the same bits for any split of the images;
 * logits of any size; what is not finite is told.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "guard.h"
#include "kernels/xent/xent.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { IMAGES = 7, MOST = 1001, SIZES = 12 };
static const int sizes[SIZES] = { 1, 2, 3, 5, 8, 10, 15, 16, 17, 33, 100, MOST };

/* Wightman et al. 2021: a class that has more than the threshold of the picture is in it, then labels are smoothed. */
static long double want_of(const fv_xent_problem *p, float t)
{
    const long double s = (long double)p->smoothing, hard = t > p->threshold;
    return (1 - s) * (p->threshold > 0 ? hard : (long double)t) + s / p->k;
}

static long double log_sigmoid(long double z)
{
    return z < 0 ? z - log1pl(expl(z)) : -log1pl(expl(-z));
}

typedef struct batch {
    guarded z, t, dloss, loss, dz;
    double wide_z[IMAGES * MOST], wide_t[IMAGES * MOST], wide_dloss[IMAGES], wide_loss[IMAGES], wide_dz[IMAGES * MOST];
    float before[IMAGES * MOST];
} batch;

/* Logits of up to `reach`; targets: one class, two that share a picture, and, last, any shares. */
static void make(batch *b, int k, float reach, bool at_end)
{
    fv_rng r = fv_rng_of(9, (uint64_t)k, at_end, FV_RNG_TEST);
    const size_t all = (size_t)(IMAGES * k) * sizeof(float), each = IMAGES * sizeof(float);
    b->z = guard_new(all, at_end), b->t = guard_new(all, at_end), b->dz = guard_new(all, at_end);
    b->loss = guard_new(each, at_end), b->dloss = guard_new(each, at_end);
    float *z = b->z.p, *t = b->t.p, *dloss = b->dloss.p;
    memset(t, 0, all);
    for (int i = 0; i < IMAGES; i++) {
        const float share = i % 2 ? (float)fv_rng_unit(&r) : 1;
        t[i * k + (int)fv_rng_below(&r, (uint32_t)k)] += share;
        t[i * k + (int)fv_rng_below(&r, (uint32_t)k)] += 1 - share;
        dloss[i] = (float)(2 * fv_rng_unit(&r) - 1);
        b->wide_dloss[i] = (double)dloss[i];
    }
    for (int i = 0; i < IMAGES * k; i++) {
        z[i] = reach * (float)(2 * fv_rng_unit(&r) - 1);
        b->before[i] = (float)fv_rng_unit(&r);
        if (i / k == IMAGES - 1) t[i] = (float)fv_rng_unit(&r);
        b->wide_z[i] = (double)z[i], b->wide_t[i] = (double)t[i];
    }
}

static void clear(batch *b)
{
    guard_free(&b->z), guard_free(&b->t), guard_free(&b->dz), guard_free(&b->loss), guard_free(&b->dloss);
}

/* The bounds are those of xent.h, the sums of it made here. */
static void compare_losses(const batch *b, const fv_xent_problem *p, const char *row, const double *loss, double eps)
{
    const float *z = b->z.p, *t = b->t.p;
    for (int i = 0; i < IMAGES; i++) {
        long double sum = 0, bound = 0;
        for (int c = 0; c < p->k; c++) {
            const long double x = (long double)z[i * p->k + c], w = want_of(p, t[i * p->k + c]);
            sum -= w * log_sigmoid(x) + (1 - w) * log_sigmoid(-x);
            bound += 1 + fabsl(x) * (1 + w);
        }
        if (!(fabsl((long double)loss[i] - sum / p->k) <= 8 * (long double)eps * bound))
            fail_msg("%s, %d classes: a loss of %.9g, not %.9g", row, p->k, loss[i], (double)(sum / p->k));
    }
}

static void compare_gradients(const batch *b, const fv_xent_problem *p, const char *row, const double *dz, bool add,
                              double eps)
{
    const float *z = b->z.p, *t = b->t.p;
    for (int i = 0; i < IMAGES * p->k; i++) {
        const long double w = want_of(p, t[i]), s = expl(log_sigmoid((long double)z[i]));
        const long double share = (long double)b->wide_dloss[i / p->k] / p->k;
        const long double want = share * (s - w) + (add ? (long double)b->before[i] : 0);
        const long double bound = fabsl(share) * (1 + w) + (add ? 1 : 0);
        if (!(fabsl((long double)dz[i] - want) <= 8 * (long double)eps * bound))
            fail_msg("%s, %d classes: gradient %d is %.9g, not %.9g", row, p->k, i, dz[i], (double)want);
    }
}

static void widen(double *to, const float *from, int n)
{
    for (int i = 0; i < n; i++) to[i] = (double)from[i];
}

/* Runs the images in so many calls, the last ones first. */
static void run(const batch *b, const fv_xent_problem *p, int row, bool back, bool add, int parts)
{
    const fv_slot *slot = back ? &fv_slot_bce_back : &fv_slot_bce;
    void *forward[] = { b->loss.p, b->z.p, b->t.p }, *backward[] = { b->dz.p, b->dloss.p, b->z.p, b->t.p };
    memcpy(b->dz.p, b->before, (size_t)(IMAGES * p->k) * sizeof(float));
    for (int i = parts - 1; i >= 0; i--)
        slot->rows[row].fn(&(fv_work){ .problem = p,
                                       .n = IMAGES,
                                       .arg = back ? backward : forward,
                                       .add = add,
                                       .begin = IMAGES * i / parts,
                                       .end = IMAGES * (i + 1) / parts });
}

static void check_row(batch *b, const fv_xent_problem *p, int row)
{
    const char *name = fv_slot_bce.rows[row].name;
    float losses[IMAGES];
    static float gradients[IMAGES * MOST];
    run(b, p, row, false, false, 1);
    memcpy(losses, b->loss.p, sizeof losses);
    widen(b->wide_loss, losses, IMAGES);
    compare_losses(b, p, name, b->wide_loss, (double)FLT_EPSILON);
    for (int add = 0; add < 2; add++) {
        run(b, p, row, true, add, 1);
        memcpy(gradients, b->dz.p, (size_t)(IMAGES * p->k) * sizeof(float));
        widen(b->wide_dz, gradients, IMAGES * p->k);
        compare_gradients(b, p, name, b->wide_dz, add, (double)FLT_EPSILON);
        run(b, p, row, true, add, IMAGES); /* each image in a batch of its own */
        assert_memory_equal(b->dz.p, gradients, (size_t)(IMAGES * p->k) * sizeof(float));
    }
    run(b, p, row, false, false, IMAGES);
    assert_memory_equal(b->loss.p, losses, sizeof losses);
}

static void check_double(batch *b, const fv_xent_problem *p)
{
    void *forward[] = { b->wide_loss, b->wide_z, b->wide_t };
    void *backward[] = { b->wide_dz, b->wide_dloss, b->wide_z, b->wide_t };
    fv_work w = { .problem = p, .n = IMAGES, .arg = forward, .end = IMAGES };
    fv_slot_bce.ref64(&w);
    compare_losses(b, p, "in double", b->wide_loss, DBL_EPSILON);
    w.arg = backward;
    fv_slot_bce_back.ref64(&w);
    compare_gradients(b, p, "in double", b->wide_dz, false, DBL_EPSILON);
}

static bool runs_here(int row)
{
    return !(fv_slot_bce.rows[row].cpu & ~fv_cpu_features(FV_CPU_BEST));
}

static void test_rows_follow_the_formula(void **state)
{
    (void)state;
    static batch b;
    const struct {
        double smoothing;
        float threshold, reach;
    } how[] = { { 0, 0, 4 }, { 0.1, 0, 4 }, { 0, 0.2f, 4 }, { 0.1, 0.2f, 4 }, { 0, 0, 120 }, { 0.1, 0.2f, 3e4f } };
    for (int i = 0; i < SIZES * 6; i++) {
        const fv_xent_problem p = { .k = sizes[i / 6],
                                    .smoothing = how[i % 6].smoothing,
                                    .threshold = how[i % 6].threshold };
        make(&b, p.k, how[i % 6].reach, i % 2);
        check_double(&b, &p);
        for (int row = 0; row < fv_slot_bce.nrows; row++)
            if (runs_here(row)) check_row(&b, &p, row);
        clear(&b);
    }
    for (int row = 0; row < fv_slot_bce.nrows; row++)
        if (!runs_here(row)) print_message("SKIPPED %s: not on this CPU\n", fv_slot_bce.rows[row].name);
}

/* Where the answer is right, loss and gradient are about e^-|z|: to 8 roundings, not what is left of a subtraction. */
static void check_right(int row, float z, float t)
{
    const fv_xent_problem p = { .k = 1 };
    const long double loss = -log_sigmoid(fabsl((long double)z)), slope = expl(log_sigmoid(-fabsl((long double)z)));
    const double tol = 8 * (double)FLT_EPSILON, want[] = { (double)loss, (double)(t > 0 ? -slope : slope) };
    float dloss = 1, got[2];
    void *forward[] = { &got[0], &z, &t }, *backward[] = { &got[1], &dloss, &z, &t };
    fv_slot_bce.rows[row].fn(&(fv_work){ .problem = &p, .n = 1, .arg = forward, .end = 1 });
    fv_slot_bce_back.rows[row].fn(&(fv_work){ .problem = &p, .n = 1, .arg = backward, .end = 1 });
    for (int i = 0; i < 2; i++)
        if (!(fabs((double)got[i] - want[i]) <= tol * fabs(want[i])))
            fail_msg("%s at %g: %.9g, not %.9g", fv_slot_bce.rows[row].name, (double)z, (double)got[i], want[i]);
}

static void test_right_answers_are_exact(void **state)
{
    (void)state;
    for (int row = 0; row < fv_slot_bce.nrows; row++)
        for (int i = 0; i < 1600 && runs_here(row); i++) {
            check_right(row, (float)i * 0.05f, 1);
            check_right(row, (float)i * -0.05f, 0);
        }
}

static void test_a_share_of_the_threshold_is_not_above_it(void **state)
{
    (void)state;
    float z[2] = { 0 }, t[] = { 0.25f, nextafterf(0.25f, 1) }, dloss[] = { 1 }, dz[2];
    const fv_xent_problem p = { .k = 2, .threshold = 0.25f };
    void *arg[] = { dz, dloss, z, t };
    for (int row = 0; row < fv_slot_bce_back.nrows; row++) {
        if (!runs_here(row)) continue;
        fv_slot_bce_back.rows[row].fn(&(fv_work){ .problem = &p, .n = 1, .arg = arg, .end = 1 });
        assert_true(dz[0] == 0.25f && dz[1] == -0.25f);
    }
}

/* In every place of 40 classes. */
static void test_logits_that_are_no_numbers_make_losses_that_are_none(void **state)
{
    (void)state;
    float z[40] = { 0 }, t[40] = { 1 }, loss;
    const fv_xent_problem p = { .k = 40 };
    const float bad[] = { NAN, INFINITY, -INFINITY };
    void *arg[] = { &loss, z, t };
    for (int i = 0; i < 40 * 3 * fv_slot_bce.nrows; i++) {
        const int at = i % 40, row = i / 120;
        if (!runs_here(row)) continue;
        z[at] = bad[i / 40 % 3];
        fv_slot_bce.rows[row].fn(&(fv_work){ .problem = &p, .n = 1, .arg = arg, .end = 1 });
        if (isfinite(loss)) fail_msg("%s: %g at %d", fv_slot_bce.rows[row].name, (double)z[at], at);
        z[at] = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_follow_the_formula),
        cmocka_unit_test(test_right_answers_are_exact),
        cmocka_unit_test(test_a_share_of_the_threshold_is_not_above_it),
        cmocka_unit_test(test_logits_that_are_no_numbers_make_losses_that_are_none),
    };
    return cmocka_run_group_tests_name("xent", tests, NULL, NULL);
}
