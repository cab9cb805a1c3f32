/* test_aux_output.c -- classifiers beside the main one: what they add to the loss and to the gradients, that inference
 * does without them, and that a file may lack their weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "level.h"
#include "plan/plan.h"
#include "weights/bind.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 4, CLASSES = 3, BATCH = 2, PIXELS = SIDE * SIDE * 3 };
static const float weight = 0.3f;

static void count_fresh(void *user, fv_log_level level, const char *text)
{
    (void)level;
    if (strstr(text, "auxiliary classifiers start afresh")) ++*(int *)user;
}

/* One convolution under two equal classifiers: the auxiliary one alone, or both. */
static fv_net *new_net(bool aux, int *fresh)
{
    fv_graph *g = NULL;
    fv_net *net = NULL;
    const fv_env env = { .cpu = test_level(), .log = count_fresh, .log_user = fresh };
    assert_int_equal(fv_graph_new(&g, &env, NULL), FV_OK);
    fv_val x = fv_input(g, "image", SIDE, SIDE, 3);
    x = fv_global_avgpool(g, fv_conv2d(g, x, "conv", (fv_conv){ .out = 4, .k = 3 }));
    if (aux) fv_aux_output(g, fv_linear(g, x, "aux1", CLASSES), weight);
    fv_output(g, fv_linear(g, x, "fc", CLASSES));
    const fv_prep prep = { .h = SIDE, .w = SIDE, .channels = 3 };
    assert_int_equal(fv_net_of_graph(&net, g, "own", &prep, 11, &env, NULL), FV_OK);
    return net;
}

static void copy_weights(fv_net *to, const char *key, fv_net *from, const char *source)
{
    int64_t n = 0, m = 0;
    float *a = fv_net_weights(to, key, &n);
    const float *b = fv_net_weights(from, source, &m);
    assert_true(a && b && n == m);
    memcpy(a, b, (size_t)n * sizeof *a);
}

/* The gradients are the momenta that one step of no length leaves. */
static double step(fv_net *net, fv_plan **plan, float *losses)
{
    float x[BATCH * PIXELS];
    for (int i = 0; i < BATCH * PIXELS; i++) x[i] = (float)(i * 37 % 19) / 10 - 1;
    const fv_update u = { .n = BATCH, .images = x, .labels = (const int[]){ 2, 0 }, .momentum = 0.9, .losses = losses };
    assert_int_equal(fv_plan_new(plan, net, &(fv_plan_opts){ .mode = FV_TRAIN, .batch = BATCH, .threads = 1 }, NULL),
                     FV_OK);
    return fv_run_train(*plan, &u);
}

/* Both classifiers hold the same weights: every loss and gradient is that of the main one alone, with a factor. The
 * sums have fewer than 64 terms, each rounded once and of at most the largest's size. */
static void test_the_loss_and_its_gradients_add_up(void **state)
{
    (void)state;
    fv_net *both = new_net(true, NULL), *one = new_net(false, NULL);
    fv_plan *p, *q;
    float losses[BATCH], alone[BATCH];
    for (int i = 0; i < 2; i++) {
        const char *const tail[] = { "weight", "bias" };
        char main[20], aux[20], conv[20];
        snprintf(main, sizeof main, "fc.%s", tail[i]);
        snprintf(aux, sizeof aux, "aux1.%s", tail[i]);
        snprintf(conv, sizeof conv, "conv.%s", tail[i]);
        copy_weights(both, aux, both, main);
        copy_weights(one, main, both, main);
        if (i == 0) copy_weights(one, conv, both, conv);
    }
    const double loss = step(both, &p, losses), main_loss = step(one, &q, alone);
    assert_true(fabs(loss - 1.3 * main_loss) < 8 * FLT_EPSILON * loss);
    for (int i = 0; i < BATCH; i++) assert_true(fabsf(losses[i] - 1.3f * alone[i]) < 8 * FLT_EPSILON * losses[i]);
    const struct {
        const char *key, *of;
        double factor;
    } rows[] = { { "conv.weight", "conv.weight", 1.3 },
                 { "fc.weight", "fc.weight", 1 },
                 { "aux1.weight", "fc.weight", 0.3 } };
    for (int r = 0; r < 3; r++) {
        int64_t n = 0;
        const float *a = fv_plan_state(p, 0, rows[r].key, &n), *b = fv_plan_state(q, 0, rows[r].of, NULL);
        double most = 0;
        for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)b[i]));
        assert_true(n > 0 && most > 0);
        for (int64_t i = 0; i < n; i++)
            assert_true(fabs((double)a[i] - rows[r].factor * (double)b[i]) < 64 * FLT_EPSILON * most);
    }
    fv_plan_free(p), fv_plan_free(q);
    fv_net_free(both), fv_net_free(one);
}

static void test_inference_leaves_them_out(void **state)
{
    (void)state;
    fv_net *net = new_net(true, NULL);
    fv_plan *plan = NULL;
    fv_net_info info;
    fv_plan_info made;
    fv_step_info s;
    fv_net_describe(net, &info);
    assert_int_equal(info.params, 4 * 27 + 4 * CLASSES + CLASSES);
    assert_int_equal(info.aux_params, 4 * CLASSES + CLASSES);
    assert_int_equal(info.macs, 4 * 27 * 4 + 4 * CLASSES);
    assert_int_equal(fv_plan_new(&plan, net, NULL, NULL), FV_OK);
    fv_plan_describe(plan, &made);
    assert_int_equal(made.macs, info.macs);
    for (int i = 0; fv_plan_step_at(plan, i, &s); i++) assert_false(s.name && strstr(s.name, "aux"));
    fv_plan_free(plan);
    fv_net_free(net);
}

/* A file of the network without them. */
static void test_a_file_may_lack_them(void **state)
{
    (void)state;
    int fresh = 0;
    fv_net *net = new_net(true, &fresh), *plain = new_net(false, NULL);
    const int64_t w4[] = { 4, 3, 3, 3 }, w2[] = { CLASSES, 4 };
    fv_stored t[3] = { { .name = "conv.weight", .rank = 4 },
                       { .name = "fc.bias", .rank = 1 },
                       { .name = "fc.weight", .rank = 2 } };
    memcpy(t[0].dim, w4, sizeof w4);
    t[1].dim[0] = CLASSES;
    memcpy(t[2].dim, w2, sizeof w2);
    for (int i = 0; i < 3; i++) {
        int64_t n = 0;
        const float *w = fv_net_weights(plain, t[i].name, &n);
        t[i].dtype = FV_DTYPE_F32;
        t[i].data = (fv_bytes){ (const uint8_t *)w, (size_t)n * sizeof *w };
    }
    fv_err err = { 0 };
    fv_plan *plan = NULL;
    const fv_stored_list list = { .tensor = t, .count = 3 };
    if (fv_bind(net, &list, false, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_int_equal(fv_plan_new(&plan, net, NULL, NULL), FV_OK);
    fv_plan_free(plan);
    assert_int_equal(fresh, 0);
    assert_int_equal(fv_plan_new(&plan, net, &(fv_plan_opts){ .mode = FV_TRAIN }, NULL), FV_OK);
    fv_plan_free(plan);
    assert_int_equal(fresh, 1);
    fv_net_free(net), fv_net_free(plain);
}

static void test_bad_ones_are_refused(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        fv_graph *g = NULL;
        fv_err err = { 0 };
        assert_int_equal(fv_graph_new(&g, NULL, NULL), FV_OK);
        const fv_val x = fv_input(g, "image", SIDE, SIDE, 3), y = fv_linear(g, x, "fc", CLASSES);
        if (i == 0) fv_aux_output(g, x, weight);
        if (i == 1) fv_aux_output(g, y, NAN);
        if (i == 2) fv_aux_output(g, fv_linear(g, x, "aux", CLASSES + 1), weight);
        for (int k = 0; i == 3 && k < 5; k++) fv_aux_output(g, y, weight);
        fv_output(g, y);
        assert_int_equal(fv_graph_check(g, &err), i % 2 ? FV_ARG : FV_SHAPE);
        assert_non_null(strstr(err.msg, "auxiliary output"));
        fv_graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loss_and_its_gradients_add_up),
        cmocka_unit_test(test_inference_leaves_them_out),
        cmocka_unit_test(test_a_file_may_lack_them),
        cmocka_unit_test(test_bad_ones_are_refused),
    };
    return cmocka_run_group_tests_name("auxiliary outputs", tests, NULL, NULL);
}
