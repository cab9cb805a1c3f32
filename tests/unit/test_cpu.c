/* test_cpu.c -- levels cap features; the cgroup's quota counts, in both versions.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/cpu.h"
#include <sched.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Cores by a file tree made of a /proc/self/cgroup and up to two files with text. */
static int cores(const char *cgroup, const char *a, const char *a_text, const char *b, const char *b_text)
{
    char root[] = "/tmp/fovea-cgroup-XXXXXX", command[500];
    assert_non_null(mkdtemp(root));
    const char *const path[] = { "/proc/self/cgroup", a, b }, *const text[] = { cgroup, a_text, b_text };
    for (int i = 0; i < 3 && path[i]; i++) {
        snprintf(command, sizeof command, "mkdir -p \"$(dirname %s%s)\"", root, path[i]);
        assert_int_equal(system(command), 0);
        snprintf(command, sizeof command, "%s%s", root, path[i]);
        FILE *f = fopen(command, "w");
        fputs(text[i], f);
        fclose(f);
    }
    const int n = fv_cgroup_cores(root);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    return n;
}

static void test_v2_quota_is_rounded_up(void **state)
{
    (void)state;
    const char *own = "/sys/fs/cgroup/a/b/cpu.max";
    assert_int_equal(cores("0::/a/b\n", own, "250000 100000\n", NULL, NULL), 3);
    assert_int_equal(cores("0::/a/b\n", own, "200000 100000\n", NULL, NULL), 2);
    assert_int_equal(cores("0::/a/b\n", own, "1000 100000\n", NULL, NULL), 1);
    assert_int_equal(cores("0::/a/b\n", own, "max 100000\n", NULL, NULL), 0);
}

static void test_a_parents_quota_counts(void **state)
{
    (void)state;
    assert_int_equal(cores("0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n", "/sys/fs/cgroup/a/cpu.max",
                           "200000 100000\n"),
                     2);
    assert_int_equal(cores("0::/\n", "/sys/fs/cgroup/cpu.max", "300000 100000\n", NULL, NULL), 3);
}

static void test_v1_quota_counts(void **state)
{
    (void)state;
    const char *quota = "/sys/fs/cgroup/cpu/d/cpu.cfs_quota_us", *period = "/sys/fs/cgroup/cpu/d/cpu.cfs_period_us";
    assert_int_equal(cores("9:memory:/d\n4:cpu,cpuacct:/d\n", quota, "150000\n", period, "100000\n"), 2);
    assert_int_equal(cores("4:cpuacct,cpu:/d\n", quota, "150000\n", period, "50000\n"), 3);
    assert_int_equal(cores("4:cpu:/d\n", quota, "-1\n", period, "100000\n"), 0);
    assert_int_equal(cores("4:cpuset:/d\n", quota, "150000\n", period, "100000\n"), 0);
}

static void test_nonsense_is_no_quota(void **state)
{
    (void)state;
    assert_int_equal(cores("", NULL, NULL, NULL, NULL), 0);
    assert_int_equal(cores("x\n:\n0::/a\n", "/sys/fs/cgroup/a/cpu.max", "5 0\n", NULL, NULL), 0);
    assert_int_equal(fv_cgroup_cores("/nonexistent"), 0);
}

static void test_there_is_a_core(void **state)
{
    (void)state;
    assert_true(fv_cores() >= 1);
}

static void test_affinity_counts(void **state)
{
    (void)state;
    cpu_set_t all, one;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    int first = 0;
    while (!CPU_ISSET(first, &all)) first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(fv_cores(), 1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_true(fv_cores() <= CPU_COUNT(&all));
}

static void test_a_level_caps_the_features(void **state)
{
    (void)state;
    unsigned before = 0;
    assert_int_equal(fv_cpu_features(FV_CPU_REF), 0);
    for (int level = FV_CPU_REF; level <= FV_CPU_AMX; level++) {
        const unsigned f = fv_cpu_features((fv_cpu)level);
        assert_int_equal(f & before, before); /* a higher level takes nothing away */
        before = f;
    }
    const unsigned neon = fv_cpu_features(FV_CPU_NEON);
    assert_true(before == 0 || neon == 0); /* no CPU is of both families */
    before |= neon;
    assert_int_equal(fv_cpu_features(FV_CPU_BEST), before);
    assert_int_equal(fv_cpu_features(fv_cpu_level()), before);
}

static void test_levels_have_names(void **state)
{
    (void)state;
    assert_string_equal(fv_cpu_name(FV_CPU_REF), "ref");
    assert_string_equal(fv_cpu_name(FV_CPU_AMX), "amx");
    assert_string_equal(fv_cpu_name(FV_CPU_NEON), "neon");
    assert_string_equal(fv_cpu_name((fv_cpu)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2_quota_is_rounded_up), cmocka_unit_test(test_a_parents_quota_counts),
        cmocka_unit_test(test_v1_quota_counts),        cmocka_unit_test(test_nonsense_is_no_quota),
        cmocka_unit_test(test_there_is_a_core),        cmocka_unit_test(test_a_level_caps_the_features),
        cmocka_unit_test(test_affinity_counts),        cmocka_unit_test(test_levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
