/* test_optimisers.c -- each optimiser through fovea.h: it learns, goes on from saved states bit for bit, does not depend
 * on threads; gathered gradients make the update of all their images; averages of weights; weighted losses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "level.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 6, CLASSES = 4, BATCH = 8, PIXELS = SIDE * SIDE * 3 };
static const double rates[FV_OPT_COUNT] = { 0.1, 0.01, 0.01, 0.05 };

/* Without a norm, images do not see each other. */
static fv_net *new_net(bool norm)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    const fv_env env = { .cpu = test_level() };
    assert_int_equal(fv_graph_new(&g, &env, NULL), FV_OK);
    fv_val x = fv_input(g, "image", SIDE, SIDE, 3);
    x = fv_conv2d(g, x, "conv", (fv_conv){ .out = 8, .k = 3, .pad = 1, .bias = true });
    if (norm) x = fv_batchnorm(g, x, "bn", (fv_bn){ 0 });
    fv_output(g, fv_linear(g, fv_global_avgpool(g, fv_relu(g, x)), "fc", CLASSES));
    const fv_prep prep = { .h = SIDE, .w = SIDE, .channels = 3 };
    assert_int_equal(fv_net_of_graph(&net, g, "own", &prep, 11, &env, NULL), FV_OK);
    return net;
}

static fv_plan *new_plan(fv_net *net, fv_plan_opts o)
{
    fv_plan *p = NULL;
    fv_err err = { 0 };
    o.mode = FV_TRAIN;
    o.batch = BATCH;
    o.threads = o.threads ? o.threads : 1;
    if (fv_plan_new(&p, net, &o, &err) != FV_OK) fail_msg("%s", err.msg);
    return p;
}

static const float *pictures(void)
{
    static float x[2 * BATCH * PIXELS];
    uint32_t s = 1;
    for (int i = 0; i < 2 * BATCH * PIXELS; i++) {
        s = s * 1664525u + 1013904223u;
        x[i] = (float)(s >> 8) / 8388608.0f - 1.0f + 0.3f * (float)(i / PIXELS % CLASSES == i % 3);
    }
    return x;
}

static fv_update usual(fv_optimiser opt, uint64_t step)
{
    static const int labels[2 * BATCH] = { 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3 };
    return (fv_update){ .n = BATCH,
                        .images = pictures(),
                        .labels = labels,
                        .lr = rates[opt],
                        .momentum = 0.9,
                        .nesterov = true,
                        .step = step };
}

static double run(fv_plan *p, fv_optimiser opt, uint64_t from, uint64_t to)
{
    double loss = 0;
    for (uint64_t step = from; step < to; step++) {
        const fv_update u = usual(opt, step);
        loss = fv_run_train(p, &u);
    }
    return loss;
}

/* The greatest difference of two nets' weights. */
static double difference(fv_net *a, fv_net *b)
{
    double most = 0;
    fv_key key;
    for (int i = 0; fv_net_key(a, i, &key); i++) {
        int64_t n = 0;
        const float *x = fv_net_weights(a, key.name, &n), *y = fv_net_weights(b, key.name, NULL);
        for (int64_t k = 0; x && k < n; k++) most = fmax(most, fabs((double)x[k] - (double)y[k]));
    }
    return most;
}

static void copy(fv_net *from, fv_plan *p, fv_net *to, fv_plan *q)
{
    fv_key key;
    for (int i = 0; fv_net_key(from, i, &key); i++) {
        int64_t n = 0;
        const float *w = fv_net_weights(from, key.name, &n);
        if (w) memcpy(fv_net_weights(to, key.name, NULL), w, (size_t)n * sizeof *w);
        for (int k = 0; k < FV_STATES; k++) {
            const float *v = fv_plan_state(p, k, key.name, &n);
            if (v) memcpy(fv_plan_state(q, k, key.name, NULL), v, (size_t)n * sizeof *v);
        }
    }
}

static void test_each_optimiser_learns_and_goes_on_from_its_states(void **state)
{
    (void)state;
    for (fv_optimiser opt = 0; opt < FV_OPT_COUNT; opt++) {
        const fv_plan_opts o = { .opt = opt, .wd = 1e-3, .ema = 0.9, .clip = opt == FV_OPT_LAMB ? 1 : 0 };
        fv_net *a = new_net(true), *b = new_net(true);
        fv_plan *p = new_plan(a, o), *q = new_plan(b, o);
        const double first = run(p, opt, 0, 1), last = run(p, opt, 1, 40);
        if (!(first > 1 && last < 0.5 * first)) fail_msg("optimiser %d: %g, then %g", (int)opt, first, last);
        copy(a, p, b, q);
        assert_true(run(p, opt, 40, 43) == run(q, opt, 40, 43));
        assert_true(difference(a, b) == 0);
        copy(a, p, b, q);
        fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
    }
}

static void test_threads_change_no_bit(void **state)
{
    (void)state;
    for (fv_optimiser opt = 0; opt < FV_OPT_COUNT; opt++) {
        fv_net *a = new_net(true), *b = new_net(true);
        fv_plan *p = new_plan(a, (fv_plan_opts){ .opt = opt, .wd = 1e-3 });
        fv_plan *q = new_plan(b, (fv_plan_opts){ .opt = opt, .wd = 1e-3, .threads = 3 });
        assert_true(run(p, opt, 0, 5) == run(q, opt, 0, 5));
        assert_true(difference(a, b) == 0);
        fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b);
    }
}

static void test_an_optimiser_has_the_states_of_its_paper(void **state)
{
    (void)state;
    for (fv_optimiser opt = 0; opt < FV_OPT_COUNT; opt++) {
        fv_net *net = new_net(true);
        fv_plan *p = new_plan(net, (fv_plan_opts){ .opt = opt });
        int64_t n = 0;
        const float *first = fv_plan_state(p, 0, "fc.bias", &n);
        assert_true(first && n == CLASSES && first[0] == (opt == FV_OPT_RMSPROP ? 1 : 0));
        assert_true((fv_plan_state(p, 1, "fc.bias", NULL) != NULL) == (opt != FV_OPT_SGD));
        assert_null(fv_plan_state(p, FV_STATE_EMA, "fc.bias", NULL));
        assert_null(fv_plan_state(p, FV_STATES, "fc.bias", NULL));
        fv_plan_free(p), fv_net_free(net);
    }
}

/* 3 + 8 + 5 images in three calls, or 8 + 8 in two: the update is that of the mean over all 16. Sums in another order,
 * and a division by 16 in another place: a few roundings of weights and gradients below 4. */
static void test_gathered_gradients_are_those_of_all_images(void **state)
{
    (void)state;
    const int split[2][3] = { { 3, 8, 5 }, { 8, 8, 0 } };
    fv_net *net[2];
    for (int k = 0; k < 2; k++) {
        net[k] = new_net(false);
        fv_plan *p = new_plan(net[k], (fv_plan_opts){ .gather = true, .wd = 1e-3, .clip = 0.4 });
        for (uint64_t step = 0; step < 3; step++) {
            int done = 0;
            for (int i = 0; done < 2 * BATCH; i++) {
                fv_update u = usual(FV_OPT_SGD, step);
                u.images += done * PIXELS, u.labels += done, u.n = split[k][i];
                done += u.n;
                u.more = done < 2 * BATCH;
                assert_true(isfinite(fv_run_train(p, &u)));
            }
        }
        fv_plan_free(p);
    }
    const double off = difference(net[0], net[1]);
    if (!(off < 3 * 64 * (double)FLT_EPSILON)) fail_msg("off by %g", off);
    fv_net_free(net[0]), fv_net_free(net[1]);
}

static void test_one_gathered_batch_is_a_plain_update(void **state)
{
    (void)state;
    fv_net *a = new_net(true), *b = new_net(true), *fresh = new_net(true);
    fv_plan *p = new_plan(a, (fv_plan_opts){ .gather = true }), *q = new_plan(b, (fv_plan_opts){ 0 });
    run(p, FV_OPT_SGD, 0, 3), run(q, FV_OPT_SGD, 0, 3);
    assert_true(difference(a, b) < 3 * 64 * (double)FLT_EPSILON);
    assert_true(difference(a, fresh) > 0.01); /* it did move */
    fv_update more = usual(FV_OPT_SGD, 3);
    more.more = true;
    assert_true(isnan(fv_run_train(q, &more)));
    fv_plan_free(p), fv_plan_free(q), fv_net_free(a), fv_net_free(b), fv_net_free(fresh);
}

/* average' = d average + (1 - d) w with d = min(0.5, (1 + t) / (10 + t)), from the first weights on. */
static void test_averages_follow_the_weights(void **state)
{
    (void)state;
    fv_net *net = new_net(true);
    fv_plan *p = new_plan(net, (fv_plan_opts){ .ema = 0.5 });
    const char *const keys[] = { "fc.weight", "bn.running_var" };
    for (int k = 0; k < 2; k++) {
        double want = (double)fv_net_weights(net, keys[k], NULL)[1];
        for (int t = 1; t < 12; t++) {
            const double d = fmin(0.5, (1.0 + t) / (10.0 + t));
            run(p, FV_OPT_SGD, (uint64_t)t - 1, (uint64_t)t);
            want = d * want + (1 - d) * (double)fv_net_weights(net, keys[k], NULL)[1];
            const double got = (double)fv_plan_state(p, FV_STATE_EMA, keys[k], NULL)[1];
            if (!(fabs(got - want) < 12 * 2 * (double)FLT_EPSILON))
                fail_msg("%s, %d: %g, not %g", keys[k], t, got, want);
            if (k == 0 && t == 11) assert_true(want != (double)fv_net_weights(net, keys[k], NULL)[1]);
        }
        fv_plan_free(p);
        p = new_plan(net, (fv_plan_opts){ .ema = 0.5 });
    }
    fv_plan_free(p), fv_net_free(net);
}

/* Weights of 0 leave images out, equal ones change nothing. */
static void test_weights_say_how_much_an_image_counts(void **state)
{
    (void)state;
    fv_net *a = new_net(false), *b = new_net(false), *c = new_net(false);
    fv_plan *p = new_plan(a, (fv_plan_opts){ 0 }), *q = new_plan(b, (fv_plan_opts){ 0 });
    fv_plan *r = new_plan(c, (fv_plan_opts){ 0 });
    const float half[BATCH] = { 2, 2, 2, 2 }, even[BATCH] = { 4, 4, 4, 4, 4, 4, 4, 4 };
    fv_update u = usual(FV_OPT_SGD, 0), v = u, w = u;
    float losses[BATCH];
    u.weights = half, u.losses = losses, v.n = BATCH / 2;
    const double mean = fv_run_train(p, &u);
    assert_true(fabs(mean - fv_run_train(q, &v)) < 1e-6);
    assert_true(losses[BATCH - 1] > 0);
    assert_true(difference(a, b) < 8 * (double)FLT_EPSILON);
    w.weights = even;
    fv_run_train(r, &w);
    assert_true(difference(a, c) > 1e-4); /* half of the images is something else */
    fv_net *d = new_net(false);
    fv_plan *s = new_plan(d, (fv_plan_opts){ 0 });
    run(s, FV_OPT_SGD, 0, 1);
    assert_true(difference(c, d) < 8 * (double)FLT_EPSILON);
    fv_plan_free(p), fv_plan_free(q), fv_plan_free(r), fv_plan_free(s);
    fv_net_free(a), fv_net_free(b), fv_net_free(c), fv_net_free(d);
}

static void test_senseless_options_are_refused(void **state)
{
    (void)state;
    fv_net *net = new_net(true);
    const fv_plan_opts bad[] = { { .mode = FV_TRAIN, .opt = FV_OPT_COUNT },
                                 { .mode = FV_TRAIN, .opt_eps = -1 },
                                 { .mode = FV_TRAIN, .betas = { 0.9, 1 } },
                                 { .mode = FV_TRAIN, .alpha = NAN },
                                 { .mode = FV_TRAIN, .ema = 1 },
                                 { .opt = FV_OPT_LAMB },
                                 { .gather = true } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        fv_plan *p = NULL;
        if (fv_plan_new(&p, net, &bad[i], NULL) != FV_ARG) fail_msg("%zu", i);
        assert_null(p);
    }
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_optimiser_learns_and_goes_on_from_its_states),
        cmocka_unit_test(test_threads_change_no_bit),
        cmocka_unit_test(test_an_optimiser_has_the_states_of_its_paper),
        cmocka_unit_test(test_gathered_gradients_are_those_of_all_images),
        cmocka_unit_test(test_one_gathered_batch_is_a_plain_update),
        cmocka_unit_test(test_averages_follow_the_weights),
        cmocka_unit_test(test_weights_say_how_much_an_image_counts),
        cmocka_unit_test(test_senseless_options_are_refused),
    };
    return cmocka_run_group_tests_name("optimisers", tests, NULL, NULL);
}
