/* test_batches.c -- the logits of a picture have the same bits in whatever batch it travels, and for any number of
 * threads: whole networks, at the size they are published for (small where the scalar kernels run).
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST = 16 };

static float *pictures(int n, int size)
{
    const size_t count = (size_t)n * (size_t)size * (size_t)size * 3;
    float *x = malloc(count * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < count; i++) x[i] = (float)(i * 2654435761u >> 8 & 0xffff) / 32768 - 1;
    return x;
}

/* Runs images [first, first + n) by a plan for so many. */
static void logits(fv_net *net, int size, int n, int threads, const float *x, int first, float *out)
{
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    const fv_plan_opts o = { .batch = n, .h = size, .w = size, .threads = threads };
    if (fv_plan_new(&plan, net, &o, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_run(plan, n, x + (size_t)first * (size_t)size * (size_t)size * 3, out);
    fv_plan_free(plan);
}

/* Bands of rows change no bit; both go without Winograd. */
static void low_memory_is_exact(const char *name, int size, const float *x)
{
    fv_net *net[2];
    fv_net_info info;
    float *y[2];
    for (int i = 0; i < 2; i++) {
        const fv_env env = { .cpu = test_level(), .exact = i == 0, .low_memory = i == 1 };
        assert_int_equal(fv_net_open(&net[i], name, &(fv_net_opts){ .seed = 3 }, &env, NULL), FV_OK);
        fv_net_describe(net[i], &info);
        assert_non_null(y[i] = malloc(3 * (size_t)info.classes * sizeof(float)));
    }
    for (int n = 1; n <= 3; n += 2)
        for (int threads = 1; threads <= 3; threads++) {
            logits(net[0], size, n, 1, x, 0, y[0]);
            logits(net[1], size, n, threads, x, 0, y[1]);
            assert_memory_equal(y[0], y[1], (size_t)n * (size_t)info.classes * sizeof(float));
        }
    for (int i = 0; i < 2; i++) fv_net_free(net[i]), free(y[i]);
}

static void test_a_picture_has_the_same_logits_in_every_batch(void **state)
{
    const char *name = *state;
    const fv_env env = { .cpu = test_level() };
    fv_net *net = NULL;
    fv_net_info info;
    fv_err err = { 0 };
    if (fv_net_open(&net, name, &(fv_net_opts){ .seed = 3 }, &env, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_net_describe(net, &info);
    const int size = test_level() == FV_CPU_REF ? 32 : info.prep.h;
    const size_t c = (size_t)info.classes;
    float *x = pictures(MOST, size), *all = malloc(MOST * c * sizeof *all), *some = malloc(3 * c * sizeof *some);
    assert_true(all && some);
    logits(net, size, MOST, 2, x, 0, all);
    for (size_t i = 0; i < MOST * c; i++) assert_true(isfinite(all[i]));
    assert_memory_not_equal(all, all + c, c * sizeof *all); /* two pictures */
    for (int first = 0; first <= MOST - 3; first += 5) {
        logits(net, size, 3, 2, x, first, some); /* one more than the threads share */
        assert_memory_equal(some, all + (size_t)first * c, 3 * c * sizeof *all);
        logits(net, size, 1, 3, x, first, some);
        assert_memory_equal(some, all + (size_t)first * c, c * sizeof *all);
    }
    if (test_level() != FV_CPU_REF) low_memory_is_exact(name, size, x);
    free(x), free(all), free(some);
    fv_net_free(net);
}

int main(void)
{
#define ON(model) cmocka_unit_test_prestate(test_a_picture_has_the_same_logits_in_every_batch, (void *)(uintptr_t)model)
    const struct CMUnitTest tests[] = {
        ON("resnet20"), ON("resnet50"), ON("mobilenet_v2_035"), ON("shufflenet_v2_x1_0"), ON("efficientnet_b0"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
