/* test_adaptive.c -- the adaptive updates: the references against the papers' formulas, written here once more in long
 * double; every row against the reference in double, over sizes that reach each tail, beside guard pages, with the same
 * bits for any split of units.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "guard.h"
#include "kernels/adaptive/adaptive.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 9001, OPERANDS = 5, SIZES = 12 };
static const size_t sizes[SIZES] = { 1, 3, 4, 7, 8, 15, 16, 17, 4095, 4096, 4097, MOST };

/* A slot: which operands are as long as the parameter, how many it writes, which are squares, where the run stands. */
typedef struct shape {
    const fv_slot *slot;
    int operands, nout;
    unsigned positive, single; /* bits */
    double terms;              /* that a result is the sum of, their greatest magnitude times how many */
} shape;

/* Operands are within -1 .. 1, squares within 0.1 .. 1.1; lr 0.1, factors that undo the beginning are below 5. */
static const shape shapes[] = {
    { &fv_slot_rmsprop, 4, 3, 2, 0, 4 },      { &fv_slot_adamw, 4, 3, 4, 0, 4 },   { &fv_slot_lamb, 5, 3, 4, 0, 24 },
    { &fv_slot_lamb_apply, 4, 1, 12, 12, 2 }, { &fv_slot_collect, 2, 1, 0, 0, 2 }, { &fv_slot_average, 2, 1, 0, 0, 2 },
};

static const fv_adaptive_problem usual = { .rate = 0.5, .wd = 0.05, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-3 };

static fv_run_info run_at(int i)
{
    return (fv_run_info){ .lr = 0.1, .momentum = 0.9, .grad_scale = 0.75, .t = 3 + i, .ema = 0.9, .fresh = i % 2 };
}

typedef struct operands {
    guarded page[OPERANDS];
    float before[OPERANDS][MOST];
    double wide[OPERANDS][MOST];
    void *narrow[OPERANDS + 1], *doubles[OPERANDS + 1];
    fv_run_info run;
} operands;

static size_t count_of(const shape *s, const fv_adaptive_problem *p, int i)
{
    return s->single >> i & 1 ? 1 : p->count;
}

static void fill(operands *o, const shape *s, const fv_adaptive_problem *p, int round)
{
    fv_rng r = fv_rng_of(5, (uint64_t)round, p->count, FV_RNG_TEST);
    o->run = run_at(round);
    for (int i = 0; i < s->operands; i++) {
        const size_t n = count_of(s, p, i);
        o->page[i] = guard_new(n * sizeof(float), round % 2);
        for (size_t k = 0; k < n; k++) {
            const double u = fv_rng_unit(&r);
            o->before[i][k] = (float)(s->positive >> i & 1 ? 0.1 + u : 2 * u - 1);
            o->wide[i][k] = (double)o->before[i][k];
        }
        o->narrow[i] = o->page[i].p, o->doubles[i] = o->wide[i];
    }
    o->narrow[s->operands] = o->doubles[s->operands] = &o->run;
}

static void run_row(operands *o, const shape *s, const fv_adaptive_problem *p, const fv_kernel *row, int parts)
{
    const int units = row->units(p, 1);
    for (int i = 0; i < s->operands; i++) memcpy(o->narrow[i], o->before[i], count_of(s, p, i) * sizeof(float));
    for (int t = parts - 1; t >= 0; t--)
        row->fn(&(fv_work){
            .problem = p, .n = 1, .arg = o->narrow, .begin = units * t / parts, .end = units * (t + 1) / parts });
}

static void check_row(operands *o, const shape *s, const fv_adaptive_problem *p, const fv_kernel *row)
{
    static float whole[OPERANDS][MOST];
    run_row(o, s, p, row, 1);
    for (int i = 0; i < s->nout; i++) {
        const float *got = o->narrow[i];
        for (size_t k = 0; k < p->count; k++)
            if (!(fabs((double)got[k] - o->wide[i][k]) <= row->tol * s->terms * (double)FLT_EPSILON))
                fail_msg("%s: operand %d[%zu]: %.9g, in double %.17g", row->name, i, k, (double)got[k], o->wide[i][k]);
        memcpy(whole[i], got, p->count * sizeof *got);
    }
    run_row(o, s, p, row, 3);
    for (int i = 0; i < s->nout; i++)
        if (memcmp(whole[i], o->narrow[i], p->count * sizeof(float))) fail_msg("%s: other bits in parts", row->name);
}

static void test_rows_agree_with_double(void **state)
{
    const shape *s = *state;
    static operands o;
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    const fv_kernel *ref = &s->slot->rows[s->slot->nrows - 1];
    for (int round = 0; round < 2 * SIZES; round++) {
        fv_adaptive_problem p = usual;
        p.count = sizes[round / 2];
        fill(&o, s, &p, round);
        s->slot->ref64(&(fv_work){ .problem = &p, .n = 1, .arg = o.doubles, .end = ref->units(&p, 1) });
        for (int i = 0; i < s->slot->nrows; i++)
            if (!(s->slot->rows[i].cpu & ~cpu)) check_row(&o, s, &p, &s->slot->rows[i]);
        for (int i = 0; i < s->operands; i++) guard_free(&o.page[i]);
    }
    for (int i = 0; i < s->slot->nrows; i++)
        if (s->slot->rows[i].cpu & ~cpu) print_message("SKIPPED %s: not on this CPU\n", s->slot->rows[i].name);
}

/* ---- the formulas ---- */

enum { N = 7, STEPS = 5 };

static double gradient_at(int step, int i)
{
    fv_rng r = fv_rng_of(9, (uint64_t)step, (uint64_t)i, FV_RNG_TEST);
    return 2 * fv_rng_unit(&r) - 1;
}

/* Steps of a slot whose operands are w, two states, gradient, run. */
static void steps_of(const fv_slot *slot, const fv_adaptive_problem *p, double *w, double *a, double *b)
{
    for (int t = 1; t <= STEPS; t++) {
        double g[N];
        fv_run_info run = run_at(0);
        run.t = t;
        for (int i = 0; i < N; i++) g[i] = gradient_at(t, i);
        slot->ref64(&(fv_work){ .problem = p, .n = 1, .arg = (void *[]){ w, a, b, g, &run }, .end = 1 });
    }
}

static void same(const double *got, const long double *want)
{
    for (int i = 0; i < N; i++)
        if (!(fabsl((long double)got[i] - want[i]) <= 1000 * (long double)DBL_EPSILON))
            fail_msg("[%d] %.17g is not %.17Lg", i, got[i], want[i]);
}

/* tf.train.RMSPropOptimizer: the root is of ms + eps, ms begins at 1, the rate is within the momentum. */
static void test_rmsprop_is_tensorflows(void **state)
{
    (void)state;
    fv_adaptive_problem p = usual;
    p.count = N;
    double w[N], ms[N], mom[N] = { 0 };
    long double want[N], square[N], speed[N] = { 0 };
    for (int i = 0; i < N; i++) want[i] = w[i] = 0.3 * i - 1, square[i] = ms[i] = 1;
    steps_of(&fv_slot_rmsprop, &p, w, ms, mom);
    for (int t = 1; t <= STEPS; t++)
        for (int i = 0; i < N; i++) {
            const long double g = 0.75L * gradient_at(t, i) + 0.05L * want[i];
            square[i] += (g * g - square[i]) * (1 - 0.99L);
            speed[i] = 0.9L * speed[i] + 0.05L * g / sqrtl(square[i] + 1e-3L);
            want[i] -= speed[i];
        }
    same(w, want);
}

static void test_adamw_decays_apart_from_the_gradient(void **state)
{
    (void)state;
    fv_adaptive_problem p = usual;
    p.count = N;
    double w[N], m[N] = { 0 }, v[N] = { 0 };
    long double want[N], mean[N] = { 0 }, square[N] = { 0 };
    for (int i = 0; i < N; i++) want[i] = w[i] = 0.3 * i - 1;
    steps_of(&fv_slot_adamw, &p, w, m, v);
    for (int t = 1; t <= STEPS; t++)
        for (int i = 0; i < N; i++) {
            const long double g = 0.75L * gradient_at(t, i);
            mean[i] += (g - mean[i]) * 0.1L;
            square[i] += (g * g - square[i]) * (1 - 0.99L);
            const long double m1 = mean[i] / (1 - powl(0.9L, t)), v1 = square[i] / (1 - powl(0.99L, t));
            want[i] = want[i] * (1 - 0.05L * 0.05L) - 0.05L * m1 / (sqrtl(v1) + 1e-3L);
        }
    same(w, want);
}

/* A step as long as lr times the weight's norm, in the direction of m / sqrt(v) + wd w. */
static void test_lamb_steps_by_the_weights_norm(void **state)
{
    (void)state;
    fv_adaptive_problem p = usual;
    p.count = N;
    double u[N], m[N] = { 0 }, v[N] = { 0 }, w[N], g[N], ww = 0, uu = 0, moved = 0;
    long double want[N];
    fv_run_info run = run_at(0);
    run.t = 1;
    for (int i = 0; i < N; i++) w[i] = 0.3 * i - 1, g[i] = gradient_at(1, i), ww += w[i] * w[i];
    fv_slot_lamb.ref64(&(fv_work){ .problem = &p, .n = 1, .arg = (void *[]){ u, m, v, w, g, &run }, .end = 1 });
    for (int i = 0; i < N; i++) { /* at t = 1 the averages are the gradient and its square */
        const long double now = 0.75L * g[i];
        want[i] = now / (fabsl(now) + 1e-3L) + 0.05L * w[i];
        uu += u[i] * u[i];
    }
    same(u, want);
    double after[N];
    memcpy(after, w, sizeof w);
    fv_slot_lamb_apply.ref64(
        &(fv_work){ .problem = &p, .n = 1, .arg = (void *[]){ after, u, &ww, &uu, &run }, .end = 1 });
    for (int i = 0; i < N; i++) moved += (after[i] - w[i]) * (after[i] - w[i]);
    assert_true(fabs(sqrt(moved) - 0.05 * sqrt(ww)) < 1e-14);
    p.wd = 0; /* weights that do not decay, biases and norms, take the step as it is */
    memcpy(after, w, sizeof w);
    fv_slot_lamb_apply.ref64(
        &(fv_work){ .problem = &p, .n = 1, .arg = (void *[]){ after, u, &ww, &uu, &run }, .end = 1 });
    for (int i = 0; i < N; i++) assert_true(fabs(after[i] - (w[i] - 0.05 * u[i])) < 1e-15);
}

int main(void)
{
    enum { SLOTS = sizeof shapes / sizeof *shapes };
    struct CMUnitTest tests[SLOTS + 3] = { cmocka_unit_test(test_rmsprop_is_tensorflows),
                                           cmocka_unit_test(test_adamw_decays_apart_from_the_gradient),
                                           cmocka_unit_test(test_lamb_steps_by_the_weights_norm) };
    for (int i = 0; i < SLOTS; i++)
        tests[i + 3] = (struct CMUnitTest){ .name = shapes[i].slot->name,
                                            .test_func = test_rows_agree_with_double,
                                            .initial_state = (void *)(uintptr_t)&shapes[i] };
    return cmocka_run_group_tests_name("update rows", tests, NULL, NULL);
}
