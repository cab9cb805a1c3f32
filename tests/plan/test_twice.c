/* test_twice.c -- with low_memory, a large value of squeeze and excitation is made twice: the same bits in less memory,
 * from the caller's images and from the plan's own room for them; so is the average of a large map in two steps, where
 * threads share its rows; and every allocation may fail.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "heap.h"
#include "level.h"
#include "plan/parts.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 97, PIXELS = SIDE * SIDE * 3, CLASSES = 5, BATCH = 3, AVERAGES = 3 };

static fv_val squeezed(fv_graph *g, fv_val x, int channels)
{
    fv_val s = fv_global_avgpool(g, x);
    s = fv_relu(g, fv_conv2d(g, s, "fc1", (fv_conv){ .out = 4, .k = 1, .bias = true }));
    s = fv_conv2d(g, s, "fc2", (fv_conv){ .out = channels, .k = 1, .bias = true });
    return fv_mul(g, x, fv_activate(g, s, FV_ACT_SIGMOID));
}

/* Two blocks whose wide values take more than 1 MiB, with a residual. `peeks`: somebody else reads such a value, too. */
static fv_net *net_of(const fv_env *env, bool peeks, fv_err *err)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    if (fv_graph_new(&g, env, err) != FV_OK) return NULL;
    fv_val x = fv_conv2d(g, fv_input(g, "image", SIDE, SIDE, 3), "stem", (fv_conv){ .out = 6, .k = 3, .pad = 1 });
    for (int i = 0; i < 2; i++) {
        fv_val y = fv_activate(g, fv_conv2d(g, x, "expand", (fv_conv){ .out = 35, .k = 1 }), FV_ACT_SILU);
        y = fv_conv2d(g, y, "depthwise", (fv_conv){ .out = 35, .k = 3, .pad = 1, .groups = 35 });
        y = fv_activate(g, y, FV_ACT_SILU);
        const fv_val wide = y;
        y = fv_conv2d(g, squeezed(g, y, 35), "project", (fv_conv){ .out = 6, .k = 1 });
        if (peeks) y = fv_add(g, y, fv_conv2d(g, wide, "peek", (fv_conv){ .out = 6, .k = 1 }));
        x = fv_add(g, y, x);
    }
    fv_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES));
    return fv_net_of_graph(&net, g, "wide", &(fv_prep){ .h = SIDE, .w = SIDE, .channels = 3 }, 7, env, err) == FV_OK
               ? net
               : NULL;
}

static float *images(void)
{
    float *x = malloc(sizeof *x * BATCH * PIXELS);
    fv_rng r = fv_rng_of(5, 0, 0, FV_RNG_TEST);
    assert_non_null(x);
    for (int i = 0; i < BATCH * PIXELS; i++) x[i] = (float)fv_rng_normal(&r);
    return x;
}

static fv_plan *plan_of(fv_net *net, int batch, int threads, fv_plan_info *info)
{
    fv_plan *p = NULL;
    fv_err err = { 0 };
    if (fv_plan_new(&p, net, &(fv_plan_opts){ .batch = batch, .threads = threads }, &err) != FV_OK)
        fail_msg("%s", err.msg);
    fv_plan_describe(p, info);
    return p;
}

static void check(bool peeks)
{
    const fv_env plain = { .cpu = test_level(), .exact = true }, low = { .cpu = test_level(), .low_memory = true };
    fv_net *net = net_of(&plain, peeks, NULL), *small = net_of(&low, peeks, NULL);
    float *x = images(), want[BATCH * CLASSES], got[BATCH * CLASSES];
    assert_true(net && small);
    for (int batch = 1; batch <= BATCH; batch++)
        for (int threads = 1; threads <= 3; threads++) {
            const size_t bytes = sizeof(float) * (size_t)batch * CLASSES;
            fv_plan_info all, less;
            fv_plan *p = plan_of(net, batch, threads, &all), *q = plan_of(small, batch, threads, &less);
            const size_t sums = threads > 1 ? AVERAGES : 0; /* steps that the plain plan has (sums.c) */
            assert_int_equal(less.steps + sums, all.steps + (peeks ? 0 : 6));
            if (!peeks && batch == 1) assert_true(3 * less.activation_bytes < 2 * all.activation_bytes);
            fv_run(p, batch, x, want);
            fv_run(q, batch, x, got);
            assert_memory_equal(want, got, bytes);
            memset(got, 0, sizeof got);
            memcpy(fv_plan_images(q), x, sizeof *x * (size_t)batch * PIXELS);
            fv_run(q, batch, fv_plan_images(q), got);
            assert_memory_equal(want, got, bytes);
            fv_plan_free(p), fv_plan_free(q);
        }
    fv_net_free(net), fv_net_free(small), free(x);
}

static void test_the_same_bits_in_less_memory(void **state)
{
    (void)state;
    check(false);
}

static void test_a_value_with_other_readers_is_made_once(void **state)
{
    (void)state;
    check(true);
}

static void fail_each_allocation(bool low)
{
    for (int n = 0;; n++) {
        test_heap h;
        const fv_env env = { .heap = test_heap_init(&h, n), .cpu = test_level(), .low_memory = low, .threads = 2 };
        fv_err err = { 0 };
        fv_net *net = net_of(&env, false, &err);
        fv_plan *p = NULL;
        const fv_status s = net ? fv_plan_new(&p, net, NULL, &err) : FV_NOMEM;
        fv_plan_free(p), fv_net_free(net);
        assert_int_equal(h.live, 0);
        if (s == FV_OK) return;
        assert_int_equal(s, FV_NOMEM);
    }
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    fail_each_allocation(true);
    fail_each_allocation(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_bits_in_less_memory),
        cmocka_unit_test(test_a_value_with_other_readers_is_made_once),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
