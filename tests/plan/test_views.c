/* test_views.c -- concatenations, slices and shuffles that cost no steps: random networks of them give the bits of the
 * plan that makes each value on its own, or, where a convolution picks channels and sums them in their order in memory,
 * the same up to rounding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "level.h"
#include "plan/parts.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIZE = 6, BATCH = 3, NETS = 300, LAYERS = 14, CLASSES = 3, MAP = 5 };

static fv_val some_conv(fv_graph *g, fv_rng *r, fv_val x, int i)
{
    char name[16];
    const int c = fv_channels(g, x), k = fv_rng_below(r, 2) ? 1 : 3;
    const bool depthwise = fv_rng_below(r, 3) == 0, halves = c % 2 == 0 && fv_rng_below(r, 3) == 0;
    snprintf(name, sizeof name, "conv%d", i);
    return fv_conv2d(g, x, name,
                     (fv_conv){ .out = depthwise ? c : 2 * (1 + (int)fv_rng_below(r, 20)),
                                .k = k,
                                .pad = k / 2,
                                .groups = depthwise ? c
                                          : halves  ? 2
                                                    : 1,
                                .bias = true });
}

/* A value made of earlier ones. All have the same pixels and an even number of channels. */
static fv_val some_value(fv_graph *g, fv_rng *r, const fv_val *had, int n, int i)
{
    const fv_val x = had[fv_rng_below(r, (uint32_t)n)], y = had[fv_rng_below(r, (uint32_t)n)];
    const int c = fv_channels(g, x);
    switch (fv_rng_below(r, 8)) {
    case 0:
        return fv_concat(g, (fv_val[]){ x, y }, 2);
    case 1:
        return fv_concat(g, (fv_val[]){ y, had[n - 1], x }, 3);
    case 2:
        return fv_slice(g, x, c / 2 / 2 * 2, c);
    case 3:
        return fv_shuffle(g, x, fv_rng_below(r, 2) ? c / 2 : 2); /* the permutation, or its inverse */
    case 4:
        return fv_maxpool(g, x, (fv_pool){ .k = 3, .pad = 1 });
    case 5:
        return fv_channels(g, y) == c ? fv_add(g, x, y) : fv_relu(g, x);
    default:
        return some_conv(g, r, x, i);
    }
}

/* The unit of ShuffleNetV2: half passes through, half goes through convolutions. */
static fv_val shuffle_unit(fv_graph *g, fv_val x, int i)
{
    char a[16], b[16], d[16];
    const int half = fv_channels(g, x) / 2;
    snprintf(a, sizeof a, "a%d", i), snprintf(b, sizeof b, "b%d", i), snprintf(d, sizeof d, "d%d", i);
    fv_val y = fv_relu(g, fv_conv2d(g, fv_slice(g, x, half, 2 * half), a, (fv_conv){ .out = half }));
    y = fv_conv2d(g, y, d, (fv_conv){ .out = half, .k = 3, .pad = 1, .groups = half });
    y = fv_relu(g, fv_conv2d(g, y, b, (fv_conv){ .out = half, .bias = true }));
    return fv_shuffle(g, fv_concat(g, (fv_val[]){ fv_slice(g, x, 0, half), y }, 2), 2);
}

/* The unit as ShuffleNetV2's authors released it: the shuffle in front, by the inverse permutation. */
static fv_val authors_unit(fv_graph *g, fv_val x, int i)
{
    char a[16], b[16], d[16];
    const int c = fv_channels(g, x), half = c / 2;
    snprintf(a, sizeof a, "a%d", i), snprintf(b, sizeof b, "b%d", i), snprintf(d, sizeof d, "d%d", i);
    x = fv_shuffle(g, x, half);
    fv_val y = fv_relu(g, fv_conv2d(g, fv_slice(g, x, half, c), a, (fv_conv){ .out = half }));
    y = fv_conv2d(g, y, d, (fv_conv){ .out = half, .k = 3, .pad = 1, .groups = half });
    y = fv_relu(g, fv_conv2d(g, y, b, (fv_conv){ .out = half, .bias = true }));
    return fv_concat(g, (fv_val[]){ fv_slice(g, x, 0, half), y }, 2);
}

/* That of ShuffleNetV1: a shuffle, or its inverse, between two convolutions in groups. */
static fv_val grouped_unit(fv_graph *g, fv_val x, int i, bool inverse)
{
    char a[16], b[16], d[16];
    const int c = fv_channels(g, x);
    snprintf(a, sizeof a, "a%d", i), snprintf(b, sizeof b, "b%d", i), snprintf(d, sizeof d, "d%d", i);
    fv_val y = fv_relu(g, fv_conv2d(g, x, a, (fv_conv){ .out = 12, .groups = 2 }));
    if (!inverse) y = fv_shuffle(g, y, 2);
    y = fv_conv2d(g, y, d, (fv_conv){ .out = 12, .k = 3, .pad = 1, .groups = 12 });
    if (inverse) y = fv_shuffle(g, y, 6);
    return fv_relu(g, fv_add(g, fv_conv2d(g, y, b, (fv_conv){ .out = c, .groups = 2 }), x));
}

static fv_val some_unit(fv_graph *g, fv_val x, int i, uint32_t kind)
{
    if (kind == 0) return shuffle_unit(g, x, i);
    return kind == 1 ? authors_unit(g, x, i) : grouped_unit(g, x, i, kind == 2);
}

static fv_net *network(uint32_t seed)
{
    fv_rng r = fv_rng_of(seed, 0, 0, FV_RNG_TEST);
    const fv_env env = { .cpu = test_level() };
    fv_err err = { 0 };
    fv_graph *g = NULL;
    fv_net *net = NULL;
    fv_val had[LAYERS + 2];
    int n = 0;
    assert_int_equal(fv_graph_new(&g, &env, &err), FV_OK);
    had[n++] = fv_input(g, "image", SIZE, SIZE, 4);
    had[n++] = some_conv(g, &r, had[0], 0);
    while (n < LAYERS + 1) {
        const int c = fv_channels(g, had[n - 1]);
        had[n] = seed % 2 && c % 4 == 0 ? some_unit(g, had[n - 1], n, seed / 2 % 4) : some_value(g, &r, had, n, n);
        if (fv_channels(g, had[n]) > 200) had[n] = fv_slice(g, had[n], 0, 40);
        n++;
    }
    fv_val out = fv_concat(g, had + n - 3, 3);
    if (seed % 3) out = fv_linear(g, fv_global_avgpool(g, out), "fc", CLASSES);
    fv_output(g, out);
    if (fv_net_of_graph(&net, g, "random", &(fv_prep){ .h = SIZE, .w = SIZE, .channels = 4 }, seed, &env, &err) !=
        FV_OK)
        fail_msg("network %u: %s", (unsigned)seed, err.msg);
    return net;
}

static fv_plan *plan_of(fv_net *net, bool exact)
{
    fv_err err = { 0 };
    fv_plan *p = NULL;
    const fv_plan_request rq = {
        .batch = BATCH, .h = SIZE, .w = SIZE, .threads = 2, .exact = exact, .cpu = fv_cpu_features(test_level())
    };
    if (fv_plan_make(&p, net, &rq, &err) != FV_OK) fail_msg("%s", err.msg);
    return p;
}

static void run(fv_plan *p, uint32_t seed)
{
    fv_rng r = fv_rng_of(seed, 1, 0, FV_RNG_TEST);
    float *x = fv_plan_input(p, NULL);
    for (int i = 0; i < BATCH * SIZE * SIZE * 4; i++) x[i] = (float)fv_rng_normal(&r);
    fv_plan_run(p, BATCH);
}

static size_t output_bytes(const fv_plan *p)
{
    const fv_shape s = p->node[p->output].shape;
    return sizeof(float) * BATCH * (size_t)s.h * (size_t)s.w * (size_t)s.c;
}

static bool picks_channels(const fv_plan *p)
{
    bool any = false;
    for (size_t i = 0; i < p->nstep; i++)
        any |= p->step[i].slot == &fv_slot_conv2d && p->step[i].nargs > MAP && p->step[i].arg[MAP];
    return any;
}

/* One wrong channel of a sum of a few hundred makes a difference of some 1e-3 of it; other orders of sums made 5e-7. */
static bool are_close(const float *a, const float *b, size_t n)
{
    float most = 0, off = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(b[i])), off = fmaxf(off, fabsf(a[i] - b[i]));
    return off <= 1e-5f * most;
}

static void test_views_keep_every_value(void **state)
{
    (void)state;
    size_t saved = 0, picked = 0;
    for (uint32_t seed = 0; seed < NETS; seed++) {
        fv_net *net = network(seed);
        fv_plan *views = plan_of(net, false), *plain = plan_of(net, true);
        run(views, seed);
        run(plain, seed);
        const size_t bytes = output_bytes(plain);
        const float *a = fv_plan_output(views), *b = fv_plan_output(plain);
        const bool picks = picks_channels(views);
        picked += picks;
        if (picks ? !are_close(a, b, bytes / sizeof *a) : memcmp(a, b, bytes) != 0)
            fail_msg("network %u differs", (unsigned)seed);
        if (views->nstep < plain->nstep) saved += plain->nstep - views->nstep;
        fv_plan_free(views);
        fv_plan_free(plain);
        fv_net_free(net);
    }
    assert_true(saved > NETS);
    assert_in_range(picked, NETS / 4, NETS * 3 / 4);
}

static fv_graph *new_graph(void)
{
    const fv_env env = { .cpu = test_level() };
    fv_graph *g = NULL;
    assert_int_equal(fv_graph_new(&g, &env, NULL), FV_OK);
    return g;
}

static fv_net *net_of(fv_graph *g)
{
    const fv_env env = { .cpu = test_level() };
    const fv_prep prep = { .h = SIZE, .w = SIZE, .channels = 4 };
    fv_net *net = NULL;
    assert_int_equal(fv_net_of_graph(&net, g, "units", &prep, 1, &env, NULL), FV_OK);
    return net;
}

/* Of a chain of ShuffleNetV2's units only convolutions remain, and one copy of what passes through. */
static void test_shuffle_units_cost_one_copy(void **state)
{
    (void)state;
    fv_graph *g = new_graph();
    fv_val x = fv_conv2d(g, fv_input(g, "image", SIZE, SIZE, 4), "stem", (fv_conv){ .out = 24 });
    for (int i = 0; i < 4; i++) x = shuffle_unit(g, x, i);
    fv_output(g, fv_conv2d(g, x, "last", (fv_conv){ .out = 8 }));
    fv_net *net = net_of(g);
    fv_plan *p = plan_of(net, false);
    assert_int_equal(p->nstep, 1 + 4 * 4 + 1);
    fv_plan_free(p);
    fv_net_free(net);
}

static void fill_whole(fv_rng *r, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)fv_rng_below(r, 5) - 2;
}

/* Whole numbers below 2^24 all the way, with norms that divide by 1: every order of sums gives the same bits. */
static void set_whole(fv_net *net)
{
    fv_rng r = fv_rng_of(5, 0, 0, FV_RNG_TEST);
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_param *q = &net->graph->param[i];
        fill_whole(&r, net->weights + q->at, q->floats);
        for (size_t k = 0; strstr(q->name, "running_var") && k < q->floats; k++) net->weights[q->at + k] = 0.25f;
    }
}

/* ShuffleNetV1's shuffle passes through the depthwise layer, whose folded norm goes into the same order. */
static void test_a_shuffle_before_a_depthwise_layer_costs_no_step(void **state)
{
    (void)state;
    fv_graph *g = new_graph();
    fv_val x = fv_conv2d(g, fv_input(g, "image", SIZE, SIZE, 4), "stem", (fv_conv){ .out = 24 });
    x = fv_shuffle(g, fv_conv2d(g, x, "a", (fv_conv){ .out = 36, .groups = 3 }), 3);
    x = fv_conv2d(g, x, "d", (fv_conv){ .out = 36, .k = 3, .pad = 1, .groups = 36 });
    x = fv_relu(g, fv_batchnorm(g, x, "bn", (fv_bn){ .eps = 0.75f }));
    fv_output(g, fv_conv2d(g, x, "b", (fv_conv){ .out = 24, .groups = 3 }));
    fv_net *net = net_of(g);
    set_whole(net);
    fv_plan *plan[] = { plan_of(net, false), plan_of(net, true) };
    assert_int_equal(plan[0]->nstep, 4);
    for (int i = 0; i < 2; i++) {
        fv_rng r = fv_rng_of(6, 0, 0, FV_RNG_TEST);
        fill_whole(&r, fv_plan_input(plan[i], NULL), BATCH * SIZE * SIZE * 4);
        fv_plan_run(plan[i], BATCH);
    }
    assert_memory_equal(fv_plan_output(plan[0]), fv_plan_output(plan[1]), output_bytes(plan[1]));
    for (int i = 0; i < 2; i++) fv_plan_free(plan[i]);
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_views_keep_every_value),
                                        cmocka_unit_test(test_shuffle_units_cost_one_copy),
                                        cmocka_unit_test(test_a_shuffle_before_a_depthwise_layer_costs_no_step) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
