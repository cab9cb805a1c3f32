/* test_schedule.c -- learning rates at the steps where one knows them by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

/* A few roundings of double: rates are at most 1 here, and each is less than ten operations away. */
static void same(double a, double b)
{
    if (!(fabs(a - b) <= 10 * 2.3e-16)) fail_msg("%.17g is not %.17g", a, b);
}

static const fv_schedule base = { .lr = 0.5, .epoch_steps = 10, .steps = 100 };

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

static void test_rows_have_names(void **state)
{
    (void)state;
    assert_string_equal(fv_schedule_name(FV_SCHED_COSINE), "cosine");
    assert_string_equal(fv_schedule_name(FV_SCHED_STEP), "step");
    assert_null(fv_schedule_name((fv_sched)2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cosine_starts_at_the_rate_and_ends_near_zero),
        cmocka_unit_test(test_warmup_rises_linearly_from_a_hundredth),
        cmocka_unit_test(test_warmup_of_part_of_an_epoch),
        cmocka_unit_test(test_warmup_longer_than_the_run_stays_finite),
        cmocka_unit_test(test_steps_fall_at_their_epochs),
        cmocka_unit_test(test_rows_have_names),
    };
    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
