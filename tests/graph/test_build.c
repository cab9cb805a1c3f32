/* test_build.c -- the builder keeps its first failure, names parameters as state dicts do, and draws first values from
 * the stated distributions.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static fv_graph *graph(void)
{
    fv_graph *g = NULL;
    assert_int_equal(fv_graph_new(&g, NULL, NULL), FV_OK);
    return g;
}

static void test_the_first_failure_is_kept_and_named(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_err err = { 0 };
    fv_val x = fv_input(g, "image", 8, 8, 64);
    fv_scope(g, "layer2.%d", 0);
    x = fv_conv2d(g, x, "conv2", (fv_conv){ .out = 65, .k = 3, .pad = 1, .groups = 32 });
    x = fv_conv2d(g, x, "conv3", (fv_conv){ .out = -1 });
    fv_scope(g, NULL);
    fv_output(g, fv_linear(g, fv_add(g, x, x), "fc", 10));
    assert_int_equal(fv_graph_check(g, &err), FV_SHAPE);
    assert_string_equal(err.msg, "layer2.0.conv2: 64 in / 65 out channels do not divide into 32 groups");
    fv_graph_free(g);
}

static void test_a_graph_without_output_is_refused(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_input(g, "image", 8, 8, 3);
    assert_int_equal(fv_graph_check(g, NULL), FV_ARG);
    fv_graph_free(g);
}

static void test_a_value_takes_the_name_it_is_given(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_val x = fv_input(g, "image", 2, 2, 3);
    fv_scope(g, "head");
    x = fv_relu(g, x);
    assert_string_equal(g->node[x.id].name, "head.activation_1");
    fv_name(g, x, "features");
    assert_string_equal(g->node[x.id].name, "head.features");
    fv_graph_free(g);
}

/* TensorFlow's rule: ceil(in / stride) outputs whatever the kernel. */
static void test_same_padding_follows_the_input(void **state)
{
    (void)state;
    for (int size = 1; size < 16; size++)
        for (int k = 1; k <= 7; k++)
            for (int stride = 1; stride <= 3; stride++) {
                fv_graph *g = graph();
                const fv_val x = fv_input(g, "image", size, size + 1, 3);
                const fv_val y = fv_conv2d(g, x, "conv", (fv_conv){ .out = 4, .k = k, .stride = stride, .same = true });
                assert_int_equal(fv_shape_of(g, y).h, (size + stride - 1) / stride);
                assert_int_equal(fv_shape_of(g, y).w, (size + stride) / stride);
                fv_graph_free(g);
            }
    fv_graph *g = graph();
    const fv_val x = fv_input(g, "image", 4, 4, 3);
    fv_conv2d(g, x, "conv", (fv_conv){ .out = 1, .k = 1 << 20, .dilation = 1 << 20, .same = true });
    assert_int_equal(fv_graph_check(g, NULL), FV_SHAPE);
    fv_graph_free(g);
}

static void test_scopes_prefix_names_and_end(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_val x = fv_input(g, "image", 8, 8, 3);
    fv_scope(g, "a");
    fv_scope(g, "b%d", 1);
    x = fv_batchnorm(g, x, "bn", (fv_bn){ 0 });
    fv_scope(g, NULL);
    x = fv_conv2d(g, x, "conv", (fv_conv){ .out = 4, .bias = true });
    fv_scope(g, NULL);
    fv_output(g, fv_linear(g, x, "fc", 2));
    const char *want[] = { "a.b1.bn.weight",
                           "a.b1.bn.bias",
                           "a.b1.bn.running_mean",
                           "a.b1.bn.running_var",
                           "a.b1.bn.num_batches_tracked",
                           "a.conv.weight",
                           "a.conv.bias",
                           "fc.weight",
                           "fc.bias" };
    assert_int_equal(g->nparam, sizeof want / sizeof *want);
    for (size_t i = 0; i < g->nparam; i++) assert_string_equal(g->param[i].name, want[i]);
    assert_int_equal(fv_graph_params(g), 6 + 3 * 4 + 4 + 2 * 4 * 64 + 2);
    assert_int_equal(fv_graph_macs(g), 64 * 3 * 4 + 2 * 4 * 64);
    fv_graph_free(g);
}

static void test_too_deep_and_too_long_scopes_are_refused(void **state)
{
    (void)state;
    fv_graph *g = graph();
    for (int i = 0; i < 17; i++) fv_scope(g, "s");
    assert_int_equal(fv_graph_check(g, NULL), FV_SHAPE);
    fv_graph_free(g);
    g = graph();
    fv_scope(g, "%0300d", 1);
    assert_int_equal(fv_graph_check(g, NULL), FV_SHAPE);
    fv_graph_free(g);
}

typedef struct moments {
    double mean, sd, low, high;
} moments;

static moments draw(fv_init init, bool of_bias)
{
    fv_graph *g = graph();
    fv_net *net = NULL;
    moments m = { 0, 0, INFINITY, -INFINITY };
    fv_val x = fv_input(g, "image", 4, 4, 32);
    fv_output(g, fv_conv2d(g, x, "conv", (fv_conv){ .out = 512, .k = 3, .groups = 2, .bias = true, .init = init }));
    assert_int_equal(fv_net_new(&net, g, "one", NULL, NULL), FV_OK);
    fv_net_init(net, 11);
    const fv_param *p = &net->graph->param[of_bias];
    const float *w = net->weights + p->at;
    for (size_t i = 0; i < p->floats; i++) {
        m.mean += (double)w[i] / (double)p->floats;
        m.sd += (double)w[i] * (double)w[i] / (double)p->floats;
        m.low = fmin(m.low, (double)w[i]), m.high = fmax(m.high, (double)w[i]);
    }
    m.sd = sqrt(m.sd - m.mean * m.mean);
    fv_net_free(net);
    return m;
}

/* n = 512 * 16 * 9 = 73728 draws: the mean of n draws lies within 5 sd / sqrt(n) of its expectation but once in 10^6,
 * the standard deviation within 5 sd / sqrt(2n) for a normal, less for the others. fan_in = 144, fan_out = 4608. */
static void test_initialisers_follow_their_formulas(void **state)
{
    (void)state;
    const double cut = 0.87962566103; /* sd of a standard normal cut at 2 */
    const struct {
        fv_init init;
        double sd, bound;
    } rows[] = {
        { { FV_INIT_TORCH, 0, 0 }, 1 / 12.0 / sqrt(3), 1 / 12.0 },
        { { FV_INIT_HE_FAN_IN, 0, 0 }, sqrt(2 / 144.0), INFINITY },
        { { FV_INIT_HE_FAN_OUT, 0, 0 }, sqrt(2 / 4608.0), INFINITY },
        { { FV_INIT_XAVIER_UNIFORM, 0, 0 }, sqrt(2 / (144.0 + 4608)), sqrt(6 / (144.0 + 4608)) },
        { { FV_INIT_NORMAL, 0.3f, 0 }, 0.3, INFINITY },
        { { FV_INIT_TRUNC_NORMAL, 0.3f, 0 }, 0.3 * cut, 0.6 },
        { { FV_INIT_UNIFORM, 0.3f, 0 }, 0.3 / sqrt(3), 0.3 },
    };
    const double n = 73728;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const moments m = draw(rows[i].init, false);
        assert_true(fabs(m.mean) < 5 * rows[i].sd / sqrt(n));
        assert_true(fabs(m.sd - rows[i].sd) < 5 * rows[i].sd / sqrt(2 * n));
        assert_true(m.high <= rows[i].bound * (1 + 1e-7) && m.low >= -rows[i].bound * (1 + 1e-7));
    }
    assert_true(draw((fv_init){ FV_INIT_CONSTANT, 2.5f, 0 }, false).low == 2.5);
    assert_true(draw((fv_init){ FV_INIT_HE_FAN_IN, 0, 0 }, true).high == 0);
    const moments bias = draw((fv_init){ FV_INIT_TORCH, 0, 0 }, true);
    assert_true(bias.high > 0.06 && bias.high <= 1 / 12.0 && bias.low < -0.06);
}

static void test_norms_start_as_the_identity(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_net *net = NULL;
    fv_output(g, fv_batchnorm(g, fv_input(g, "image", 2, 2, 3), "bn", (fv_bn){ 0 }));
    assert_int_equal(fv_net_new(&net, g, "one", NULL, NULL), FV_OK);
    fv_net_init(net, 0);
    const char *key[] = { "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var" };
    const float want[] = { 1, 0, 0, 1 };
    for (int i = 0; i < 4; i++) {
        int64_t count = 0;
        assert_true(fv_net_weights(net, key[i], &count)[2] == want[i] && count == 3);
    }
    assert_null(fv_net_weights(net, "bn.num_batches_tracked", NULL));
    assert_null(fv_net_weights(net, "bn.nothing", NULL));
    fv_net_free(net);
}

static void test_receptive_fields_add_up(void **state)
{
    (void)state;
    fv_graph *g = graph();
    fv_net *net = NULL;
    fv_layer l;
    fv_val x = fv_input(g, "image", 64, 64, 3);
    x = fv_conv2d(g, x, "conv1", (fv_conv){ .out = 2, .k = 7, .stride = 2, .pad = 3 }); /* 7, step 2 */
    x = fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });                   /* 7 + 2 * 2 = 11, step 4 */
    fv_output(g, fv_conv2d(g, x, "conv2", (fv_conv){ .out = 2, .k = 3, .dilation = 2, .pad = 2 })); /* 11 + 4 * 4 */
    assert_int_equal(fv_net_new(&net, g, "one", NULL, NULL), FV_OK);
    assert_true(fv_net_layer(net, 3, &l));
    assert_int_equal(l.receptive_field, 27);
    assert_int_equal(l.stride, 4);
    assert_false(fv_net_layer(net, 4, &l));
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_failure_is_kept_and_named),
        cmocka_unit_test(test_a_graph_without_output_is_refused),
        cmocka_unit_test(test_a_value_takes_the_name_it_is_given),
        cmocka_unit_test(test_same_padding_follows_the_input),
        cmocka_unit_test(test_scopes_prefix_names_and_end),
        cmocka_unit_test(test_too_deep_and_too_long_scopes_are_refused),
        cmocka_unit_test(test_initialisers_follow_their_formulas),
        cmocka_unit_test(test_norms_start_as_the_identity),
        cmocka_unit_test(test_receptive_fields_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
