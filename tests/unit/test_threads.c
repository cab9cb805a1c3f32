/* test_threads.c -- the pool runs each unit once, on the part the split says, awake or asleep.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/threads.h"
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { UNITS = 100 };

typedef struct job {
    int hits[UNITS], thread[UNITS];
} job;

static void mark(void *user, int thread, int begin, int end)
{
    job *j = user;
    for (int i = begin; i < end; i++) {
        j->hits[i]++;
        j->thread[i] = thread;
    }
}

static void test_every_unit_runs_once_on_its_part(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads++) {
        fv_threads *pool = NULL;
        assert_int_equal(fv_threads_new(&pool, threads, NULL, NULL), FV_OK);
        assert_int_equal(fv_threads_count(pool), threads);
        for (int units = 0; units <= UNITS; units++) {
            job j = { 0 }, balanced = { 0 };
            fv_threads_run(pool, units, mark, &j);
            fv_threads_balance(pool, units, mark, &balanced);
            for (int i = 0; i < UNITS; i++) assert_true(j.hits[i] == (i < units) && balanced.hits[i] == (i < units));
            for (int t = 0; t < threads; t++) { /* balanced, the end of a long part may be anybody's */
                const int begin = (int)((int64_t)units * t / threads), end = (int)((int64_t)units * (t + 1) / threads);
                const int own = end - begin < 16 ? end : end - (end - begin) / 4;
                for (int i = begin; i < end; i++) assert_int_equal(j.thread[i], t);
                for (int i = begin; i < own; i++) assert_int_equal(balanced.thread[i], t);
            }
            job shared = { 0 };
            fv_threads_share(pool, units, mark, &shared);
            for (int i = 0; i < UNITS; i++) assert_int_equal(shared.hits[i], i < units);
        }
        fv_threads_free(pool);
    }
}

/* The last worker holds its part until somebody else has done the end of it. */
typedef struct slow_job {
    atomic_int end_by; /* 1 + who did the last unit */
    bool gave_up;
} slow_job;

static void hold(void *user, int thread, int begin, int end)
{
    slow_job *j = user;
    if (end == UNITS) atomic_store(&j->end_by, 1 + thread);
    const time_t until = time(NULL) + 20;
    while (thread == 1 && begin == UNITS / 2 && !atomic_load(&j->end_by) && !j->gave_up)
        j->gave_up = time(NULL) > until;
}

static void test_the_end_of_a_slow_workers_part_is_done_by_another(void **state)
{
    (void)state;
    fv_threads *pool = NULL;
    slow_job j = { 0 };
    assert_int_equal(fv_threads_new(&pool, 2, NULL, NULL), FV_OK);
    fv_threads_balance(pool, UNITS, hold, &j);
    assert_false(j.gave_up);
    assert_int_equal(j.end_by, 1);
    fv_threads_free(pool);
}

static void test_no_pool_means_the_caller_does_all(void **state)
{
    (void)state;
    job j = { 0 };
    fv_threads_run(NULL, UNITS, mark, &j);
    assert_true(j.hits[0] == 1 && j.hits[UNITS - 1] == 1 && j.thread[UNITS - 1] == 0);
    assert_int_equal(fv_threads_count(NULL), 1);
}

/* Pauses around the 50 us for which workers spin: each round may meet them spinning, falling asleep, or asleep. A wake
 * that is lost hangs the test. */
static void test_no_wake_is_lost_around_the_moment_of_falling_asleep(void **state)
{
    (void)state;
    fv_threads *pool = NULL;
    job j = { 0 };
    assert_int_equal(fv_threads_new(&pool, 3, NULL, NULL), FV_OK);
    for (int i = 0; i < 2000; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = i % 100 * 1000 }, NULL);
        fv_threads_run(pool, UNITS, mark, &j);
    }
    for (int i = 0; i < UNITS; i++) assert_int_equal(j.hits[i], 2000);
    fv_threads_free(pool);
}

static double processor_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Three workers that spun would take most of 3 x 0.3 s; asleep they take nothing, however busy the machine is. */
static void test_idle_workers_sleep(void **state)
{
    (void)state;
    fv_threads *pool = NULL;
    job j = { 0 };
    assert_int_equal(fv_threads_new(&pool, 4, NULL, NULL), FV_OK);
    fv_threads_run(pool, UNITS, mark, &j);
    nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    const double before = processor_seconds();
    nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
    assert_true(processor_seconds() - before < 0.01);
    fv_threads_free(pool);
}

static void ask_signals(void *user, int thread, int begin, int end)
{
    (void)begin;
    (void)end;
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    ((int *)user)[thread] = sigismember(&set, SIGINT) && sigismember(&set, SIGTERM);
}

static void test_signals_stay_with_the_caller(void **state)
{
    (void)state;
    fv_threads *pool = NULL;
    int blocked[3] = { 0 };
    assert_int_equal(fv_threads_new(&pool, 3, NULL, NULL), FV_OK);
    fv_threads_run(pool, 3, ask_signals, blocked);
    assert_true(!blocked[0] && blocked[1] && blocked[2]);
    fv_threads_free(pool);
}

static void test_a_pool_of_no_threads_is_refused(void **state)
{
    (void)state;
    fv_threads *pool = NULL;
    assert_int_equal(fv_threads_new(&pool, 0, NULL, NULL), FV_ARG);
    assert_null(pool);
    fv_threads_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_unit_runs_once_on_its_part),
        cmocka_unit_test(test_the_end_of_a_slow_workers_part_is_done_by_another),
        cmocka_unit_test(test_no_pool_means_the_caller_does_all),
        cmocka_unit_test(test_no_wake_is_lost_around_the_moment_of_falling_asleep),
        cmocka_unit_test(test_idle_workers_sleep),
        cmocka_unit_test(test_signals_stay_with_the_caller),
        cmocka_unit_test(test_a_pool_of_no_threads_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
