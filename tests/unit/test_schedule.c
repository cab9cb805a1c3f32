/* test_schedule.c -- learning rates at the steps where one knows them by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

/* A few roundings of double: rates are at most 1 here, and each is less than ten operations away. */
static void same(double a, double b)
{
    if (!(fabs(a - b) <= 10 * 2.3e-16)) fail_msg("%.17g is not %.17g", a, b);
}

static const fv_schedule base = { .lr = 0.5, .epoch_steps = 10, .steps = 100, .warmup_lr = 0.005, .power = 1 };

static void test_cosine_starts_at_the_rate_and_ends_near_zero(void **state)
{
    (void)state;
    same(fv_schedule_lr(&base, 0), 0.5);
    same(fv_schedule_lr(&base, 25), 0.25 * (1 + sqrt(0.5)));
    same(fv_schedule_lr(&base, 50), 0.25);
    same(fv_schedule_lr(&base, 75), 0.25 * (1 - sqrt(0.5)));
    same(fv_schedule_lr(&base, 99), 0.25 * (1 - cos(acos(-1.0) / 100)));
}

static void test_warmup_rises_linearly_from_a_hundredth(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.warmup_epochs = 2;
    same(fv_schedule_lr(&s, 0), 0.005);
    same(fv_schedule_lr(&s, 10), 0.5 * (0.01 + 0.99 / 2));
    same(fv_schedule_lr(&s, 20), 0.5);
    same(fv_schedule_lr(&s, 60), 0.25);
    for (int64_t t = 1; t <= 20; t++) assert_true(fv_schedule_lr(&s, t) > fv_schedule_lr(&s, t - 1));
    for (int64_t t = 21; t < 100; t++) assert_true(fv_schedule_lr(&s, t) < fv_schedule_lr(&s, t - 1));
}

static void test_warmup_of_part_of_an_epoch(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.warmup_epochs = 0.5;
    same(fv_schedule_lr(&s, 0), 0.005);
    same(fv_schedule_lr(&s, 5), 0.5);
}

static void test_warmup_longer_than_the_run_stays_finite(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.warmup_epochs = 20;
    for (int64_t t = 0; t < 100; t++) assert_true(fv_schedule_lr(&s, t) > 0 && fv_schedule_lr(&s, t) < 0.5);
}

static void test_steps_fall_at_their_epochs(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.kind = FV_SCHED_STEP;
    s.decay_epochs = 3;
    s.decay_rate = 0.1;
    same(fv_schedule_lr(&s, 0), 0.5);
    same(fv_schedule_lr(&s, 29), 0.5);
    same(fv_schedule_lr(&s, 30), 0.05);
    same(fv_schedule_lr(&s, 59), 0.05);
    same(fv_schedule_lr(&s, 60), 0.005);
}

static void test_milestones_are_epochs_of_falls(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.kind = FV_SCHED_MULTISTEP;
    s.decay_rate = 0.2;
    assert_int_equal(fv_schedule_milestones(&s, "2,5.5,9", NULL), FV_OK);
    const double want[] = { 0.5, 0.5, 0.1, 0.1, 0.02, 0.02, 0.004 };
    const int64_t at[] = { 0, 19, 20, 54, 55, 89, 90 };
    for (int i = 0; i < 7; i++) same(fv_schedule_lr(&s, at[i]), want[i]);
    const char *const bad[] = { "5,2", "x", "1,,2", "0", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "3 4", "nan" };
    for (int i = 0; i < 7; i++)
        if (fv_schedule_milestones(&s, bad[i], NULL) != FV_ARG) fail_msg("%s", bad[i]);
    assert_int_equal(fv_schedule_milestones(&s, NULL, NULL), FV_OK);
    assert_int_equal(s.milestones, 0);
}

static void test_exponential_goes_through_the_steps(void **state)
{
    (void)state;
    fv_schedule s = base, t = base;
    s.kind = FV_SCHED_EXP, t.kind = FV_SCHED_STEP;
    s.decay_epochs = t.decay_epochs = 2.5, s.decay_rate = t.decay_rate = 0.25;
    for (int64_t step = 0; step < 100; step += 25) same(fv_schedule_lr(&s, step), fv_schedule_lr(&t, step));
    same(fv_schedule_lr(&s, 5), 0.5 * pow(0.25, 0.2));
    same(fv_schedule_lr(&s, 37), 0.5 * pow(0.25, 1.48));
}

static void test_polynomial_of_power_one_is_a_line(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.kind = FV_SCHED_POLY;
    same(fv_schedule_lr(&s, 0), 0.5);
    same(fv_schedule_lr(&s, 99), 0.005);
    s.warmup_epochs = 2, s.min_lr = 0.1;
    same(fv_schedule_lr(&s, 10), 0.2525);
    same(fv_schedule_lr(&s, 60), 0.3);
    s.power = 0.5;
    same(fv_schedule_lr(&s, 60), 0.1 + 0.4 * sqrt(0.5));
}

/* PyTorch's OneCycleLR of max_lr 0.5 and 100 steps: 0.02, 0.5 at step 29, 0.5 / 25e4 at the last. */
static void test_one_cycle_rises_and_falls(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.kind = FV_SCHED_ONECYCLE;
    same(fv_schedule_lr(&s, 0), 0.02);
    same(fv_schedule_lr(&s, 29), 0.5);
    same(fv_schedule_lr(&s, 64), (0.5 + 2e-6) / 2);
    same(fv_schedule_lr(&s, 99), 2e-6);
    for (int64_t t = 1; t < 100; t++) assert_true((fv_schedule_lr(&s, t) > fv_schedule_lr(&s, t - 1)) == (t <= 29));
}

static void test_cosine_ends_at_the_least_rate_and_warmup_begins_where_told(void **state)
{
    (void)state;
    fv_schedule s = base;
    s.min_lr = 0.1, s.warmup_lr = 0, s.warmup_epochs = 1;
    same(fv_schedule_lr(&s, 0), 0);
    same(fv_schedule_lr(&s, 5), 0.25);
    same(fv_schedule_lr(&s, 55), 0.3);
    same(fv_schedule_lr(&s, 100), 0.1);
}

static void test_rows_have_names(void **state)
{
    (void)state;
    const char *const names[] = { "cosine", "step", "multistep", "exp", "poly", "onecycle" };
    for (int i = 0; i < 6; i++) assert_string_equal(fv_schedule_name(i), names[i]);
    assert_null(fv_schedule_name(6));
    assert_null(fv_schedule_name(-1));
}

/* Every schedule is finite and positive in every step of runs of any length, with and without warm-up. */
static void test_rates_of_short_runs_are_finite(void **state)
{
    (void)state;
    for (int kind = 0; fv_schedule_name(kind); kind++)
        for (int64_t steps = 1; steps < 12; steps++)
            for (int warm = 0; warm < 3; warm++) {
                fv_schedule s = { .kind = (fv_sched)kind, .lr = 1, .warmup_lr = 0.01, .power = 1, .epoch_steps = 3 };
                s.steps = steps, s.warmup_epochs = warm, s.decay_epochs = 2, s.decay_rate = 0.5;
                for (int64_t t = 0; t < steps; t++) {
                    const double lr = fv_schedule_lr(&s, t);
                    if (!(lr > 0 && lr <= 1))
                        fail_msg("%s, step %d of %d: %g", fv_schedule_name(kind), (int)t, (int)steps, lr);
                }
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine_starts_at_the_rate_and_ends_near_zero),
        cmocka_unit_test(test_warmup_rises_linearly_from_a_hundredth),
        cmocka_unit_test(test_warmup_of_part_of_an_epoch),
        cmocka_unit_test(test_warmup_longer_than_the_run_stays_finite),
        cmocka_unit_test(test_steps_fall_at_their_epochs),
        cmocka_unit_test(test_milestones_are_epochs_of_falls),
        cmocka_unit_test(test_exponential_goes_through_the_steps),
        cmocka_unit_test(test_polynomial_of_power_one_is_a_line),
        cmocka_unit_test(test_one_cycle_rises_and_falls),
        cmocka_unit_test(test_cosine_ends_at_the_least_rate_and_warmup_begins_where_told),
        cmocka_unit_test(test_rows_have_names),
        cmocka_unit_test(test_rates_of_short_runs_are_finite),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
