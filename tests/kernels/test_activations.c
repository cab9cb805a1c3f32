/* test_activations.c -- every row of the activations over the whole range of floats against the reference in double.
 *
 * Relative error of a value: e^x is off by 1.6e-7 (polynomial) and two roundings, 1 + e^x by one more, its reciprocal by
 * two, the product by x by one: below 10 eps / 2. Beyond |x| = 87 the functions stop moving, 1.7e-38 from their limit,
 * silu 87 times that. A slope is a sum of two products of such values below 1.1: 16 eps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/activation/activation.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { STEP = 4093, CORNERS = 16 }; /* a prime: bit patterns of every exponent */

static const float corners[CORNERS] = { 0.0f, -0.0f, FLT_MIN, -FLT_MIN, 1e-45f, -1e-45f,  FLT_MAX, -FLT_MAX,
                                        3.0f, -3.0f, 6.0f,    87.0f,    -87.0f, INFINITY, NAN,     0.625f };

typedef struct sweep {
    size_t n;
    float *x, *one, *y;
    double *wide, *wide_one, *want;
} sweep;

static int setup(void **state)
{
    sweep *s = calloc(1, sizeof *s);
    const size_t most = (size_t)(UINT32_MAX / STEP) + 1 + CORNERS;
    assert_non_null(s);
    s->x = malloc(most * sizeof(float)), s->one = malloc(most * sizeof(float)), s->y = malloc(most * sizeof(float));
    s->wide = malloc(most * sizeof(double)), s->wide_one = malloc(most * sizeof(double));
    s->want = malloc(most * sizeof(double));
    assert_true(s->x && s->one && s->y && s->wide && s->wide_one && s->want);
    memcpy(s->x, corners, sizeof corners);
    s->n = CORNERS;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STEP) {
        const uint32_t b = (uint32_t)bits;
        memcpy(&s->x[s->n++], &b, sizeof b);
    }
    for (size_t i = 0; i < s->n; i++) s->wide[i] = (double)s->x[i], s->one[i] = 1, s->wide_one[i] = 1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    sweep *s = *state;
    free(s->x), free(s->one), free(s->y), free(s->wide), free(s->wide_one), free(s->want), free(s);
    return 0;
}

static void check(const sweep *s, const fv_slot *slot, fv_act act, void *const *arg, void *const *wide, double relative,
                  double absolute)
{
    const fv_act_problem p = { .count = s->n, .act = act, .c = 1 };
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    fv_work w = { .problem = &p, .n = 1, .arg = wide, .end = slot->rows[0].units(&p, 1) };
    slot->ref64(&w);
    w.arg = arg;
    for (int r = 0; r < slot->nrows; r++) {
        const fv_kernel *row = &slot->rows[r];
        if (row->cpu & ~cpu) continue;
        row->fn(&w);
        for (size_t i = 0; i < s->n; i++) {
            const double got = (double)s->y[i], want = s->want[i];
            if (isnan(s->x[i]) ? isnan(want) == isnan(got) : isnan(want) || got == want) continue;
            if (!(fabs(got - want) <= relative * fabs(want) + absolute))
                fail_msg("%s: act %d of %.9g: %.9g, in double %.17g", row->name, (int)act, (double)s->x[i], got, want);
        }
    }
}

/* x = -inf is left out where the definition gives -inf * 0. */
static void test_values_over_all_floats(void **state)
{
    sweep *s = *state;
    void *arg[] = { s->y, s->x }, *wide[] = { s->want, s->wide };
    for (int a = 0; a < FV_ACT_COUNT; a++)
        check(s, &fv_slot_act, (fv_act)a, arg, wide, 2.5 * (double)FLT_EPSILON, a == FV_ACT_SILU ? 2e-36 : 2e-38);
}

static void test_slopes_over_all_floats(void **state)
{
    sweep *s = *state;
    void *arg[] = { s->y, s->one, s->x, NULL }, *wide[] = { s->want, s->wide_one, s->wide, NULL };
    for (int a = 0; a < FV_ACT_COUNT; a++)
        check(s, &fv_slot_act_back, (fv_act)a, arg, wide, 0, 16 * (double)FLT_EPSILON);
}

static void test_rows_of_other_processors_are_named(void **state)
{
    (void)state;
    for (int r = 0; r < fv_slot_act.nrows; r++)
        if (fv_slot_act.rows[r].cpu & ~fv_cpu_features(FV_CPU_BEST))
            print_message("SKIPPED %s: not on this CPU\n", fv_slot_act.rows[r].name);
    assert_int_equal(fv_slot_act.rows[fv_slot_act.nrows - 1].cpu, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_values_over_all_floats),
                                        cmocka_unit_test(test_slopes_over_all_floats),
                                        cmocka_unit_test(test_rows_of_other_processors_are_named) };
    return cmocka_run_group_tests(tests, setup, teardown);
}
