/* test_figures.c -- receptive fields, multiply-adds, parameters and memory-access costs as papers and others tabulate them,
 * computed from the networks as they are built here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static fv_net *opened(const char *model, int size)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    if (fv_net_open(&net, model, &(fv_net_opts){ .no_weights = true, .size = size }, NULL, &err) != FV_OK)
        fail_msg("%s: %s", model, err.msg);
    return net;
}

static fv_net *listed(const char *layers)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    if (fv_net_of_layers(&net, layers, 0, 0, NULL, &err) != FV_OK) fail_msg("%s: %s", layers, err.msg);
    return net;
}

/* The layer of that name; NULL: the last convolution. */
static fv_layer layer_of(const fv_net *net, const char *name)
{
    fv_layer l, found = { 0 };
    for (int i = 0; fv_net_layer(net, i, &l); i++)
        if (name ? strcmp(l.name, name) == 0 : strcmp(l.op, "conv2d") == 0) found = l;
    if (!found.op) fail_msg("there is no layer '%s'", name);
    return found;
}

/* ---- receptive fields ---- */

static void test_receptive_fields_are_those_known(void **state)
{
    (void)state;
    /* By r += (k - 1) j, j *= s (Araujo, Norris, Sim 2019), with the published kernels and strides; the ResNets with the
     * stride in the 3x3, except the last two (483: Araujo et al., table 1). */
    static const struct {
        const char *model, *layer;
        int field, stride;
    } rows[] = {
        { "alexnet_2012", "conv1", 11, 4 },   { "alexnet_2012", "maxpool_4", 19, 8 },
        { "alexnet_2012", "conv2", 51, 8 },   { "alexnet_2012", "maxpool_8", 67, 16 },
        { "alexnet_2012", "conv3", 99, 16 },  { "alexnet_2012", "conv4", 131, 16 },
        { "alexnet_2012", "conv5", 163, 16 }, { "alexnet_2012", "pool5", 195, 32 },
        { "alexnet_2012", "fc6", 355, 32 },   { "vgg16", "features.4", 6, 2 },
        { "vgg16", "features.9", 16, 4 },     { "vgg16", "features.16", 44, 8 },
        { "vgg16", "features.23", 100, 16 },  { "vgg16", "features.28", 196, 16 },
        { "vgg16", "features.30", 212, 32 },  { "resnet18", NULL, 435, 32 },
        { "resnet34", NULL, 899, 32 },        { "resnet50", NULL, 427, 32 },
        { "resnet101", NULL, 971, 32 },       { "resnet152", NULL, 1451, 32 },
        { "resnet50_v1", NULL, 483, 32 },     { "resnet101_v1", NULL, 1027, 32 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = opened(rows[i].model, 0);
        const fv_layer l = layer_of(net, rows[i].layer);
        if (l.receptive_field != rows[i].field || l.stride != rows[i].stride || l.receptive_field_w != rows[i].field)
            fail_msg("%s %s sees %d x %d px at steps of %d, not %d at %d", rows[i].model, l.name, l.receptive_field,
                     l.receptive_field_w, l.stride, rows[i].field, rows[i].stride);
        fv_net_free(net);
    }
}

static void test_small_kernels_add_up_to_large_ones(void **state)
{
    (void)state;
    /* Simonyan, Zisserman 2014, section 2.3: two 3x3 see 5x5, three 7x7, with 18 of 25 and 27 of 49 weights. */
    static const struct {
        const char *layers, *instead;
        int field, weights, of;
    } rows[] = { { "32x32x64 conv3p1*2", "32x32x64 conv5p2", 5, 18, 25 },
                 { "32x32x64 conv3p1*3", "32x32x64 conv7p3", 7, 27, 49 } };
    for (size_t i = 0; i < 2; i++) {
        fv_cost small, large;
        fv_net *a = listed(rows[i].layers), *b = listed(rows[i].instead);
        fv_net_cost(a, &small);
        fv_net_cost(b, &large);
        assert_int_equal(layer_of(a, NULL).receptive_field, rows[i].field);
        assert_int_equal(layer_of(b, NULL).receptive_field, rows[i].field);
        assert_int_equal(small.macs * rows[i].of, large.macs * rows[i].weights);
        fv_net_free(a);
        fv_net_free(b);
    }
}

/* The two sides of a kernel count for themselves; holes widen it; what pools globally or flattens sees everything. */
static void test_receptive_fields_of_all_shapes(void **state)
{
    (void)state;
    static const struct {
        const char *layers;
        int h, w, step_h, step_w;
    } rows[] = {
        { "17x17x8 conv1x7/2x1p3", 1, 7, 2, 1 },
        { "17x17x8 conv7x1p3 conv1x7p3", 7, 7, 1, 1 },
        { "64x64 conv3d4p4 conv3/2p1", 11, 11, 2, 2 },
        { "64x48 conv3/2p1 gap", 3 + 31 * 2, 3 + 23 * 2, 2, 2 },
        { "8x8 pool2 fc:10", 8, 8, 2, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = listed(rows[i].layers);
        fv_layer l, last = { 0 };
        for (int k = 0; fv_net_layer(net, k, &l); k++) last = l;
        assert_int_equal(last.receptive_field, rows[i].h);
        assert_int_equal(last.receptive_field_w, rows[i].w);
        assert_int_equal(last.stride, rows[i].step_h);
        assert_int_equal(last.stride_w, rows[i].step_w);
        fv_net_free(net);
    }
}

/* ---- sizes ---- */

static void test_output_sizes_round_as_they_should(void **state)
{
    (void)state;
    /* Krizhevsky et al. 2012 with 227 pixels, and with the 224 that the text has; GoogLeNet's pooling in ceil mode; TensorFlow's
     * SAME; a window that would begin in the padding behind does not count. */
    static const struct {
        const char *layers;
        int side;
    } rows[] = {
        { "227x227 conv11/4", 55 },
        { "227x227 conv11/4 pool3/2", 27 },
        { "227x227 conv11/4 pool3/2 conv5p2:8 pool3/2", 13 },
        { "227x227 conv11/4 pool3/2*2 pool3/2", 6 },
        { "224x224 conv11/4", 54 },
        { "224x224 conv11/4p2", 55 },
        { "112x112 pool3/2ceil", 56 },
        { "112x112 pool3/2", 55 },
        { "224x224 conv3/2same", 112 },
        { "225x225 conv3/2same", 113 },
        { "7x7 avg3/2same", 4 },
        { "5x5 pool2/2p1ceil", 3 },
        { "28x28 conv3d2", 24 },
        { "28x28 conv3d2same", 28 },
        { "6x6 pool3", 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = listed(rows[i].layers);
        fv_layer l, last = { 0 };
        for (int k = 0; fv_net_layer(net, k, &l); k++) last = l;
        if (last.out.h != rows[i].side || last.out.w != rows[i].side)
            fail_msg("%s: %d x %d, not %d", rows[i].layers, last.out.h, last.out.w, rows[i].side);
        fv_net_free(net);
    }
}

static void test_wrong_lists_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *layers, *told;
        fv_status status;
    } rows[] = {
        { "", "without layers", FV_ARG },
        { "  , ", "without layers", FV_ARG },
        { "32x32x3", "without layers", FV_ARG },
        { "conv3 pol3/2", "layer 2, 'pol3/2': no such kind", FV_ARG },
        { "conv", "no size", FV_ARG },
        { "conv3q", "'q'", FV_ARG },
        { "conv3/0", "'/0'", FV_ARG },
        { "conv3x0", "no such size", FV_ARG },
        { "fc", "no outputs", FV_ARG },
        { "gap3", "no such size", FV_ARG },
        { "pool3g2", "'g2'", FV_ARG },
        { "conv3ceil", "'ceil'", FV_ARG },
        { "conv3p1same", "beside 'same'", FV_ARG },
        { "conv3:99999999999", "':99999999999'", FV_ARG },
        { "relu*5000", "more than 4096", FV_ARG },
        { "5x5 conv7", "7x7 window on a 5x5 input", FV_SHAPE },
        { "4x4x6 conv1g4", "4 groups", FV_SHAPE },
        { NULL, "no layers", FV_ARG },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = NULL;
        fv_err err = { 0 };
        const fv_status s = fv_net_of_layers(&net, rows[i].layers, 0, 0, NULL, &err);
        if (s != rows[i].status || net || !strstr(err.msg, rows[i].told))
            fail_msg("'%s': %d, %s", rows[i].layers ? rows[i].layers : "NULL", s, err.msg);
    }
}

/* ---- multiply-adds and parameters ---- */

typedef struct size_row {
    const char *model;
    int size;
    int64_t params, macs;
} size_row;
static const size_row size_rows[] = {
#include "figures.inc"
};

static void test_networks_cost_what_is_known_at_every_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof size_rows / sizeof *size_rows; i++) {
        const size_row *r = &size_rows[i];
        const fv_model *m = fv_model_find(r->model);
        fv_graph *g = NULL;
        fv_err err = { 0 };
        if (!m) fail_msg("there is no network '%s'", r->model);
        assert_int_equal(fv_graph_new(&g, NULL, &err), FV_OK);
        fv_output(g,
                  m->build(g, fv_input(g, "image", r->size, r->size, 3), m->cfg, &(fv_build){ .classes = m->classes }));
        if (fv_graph_check(g, &err) != FV_OK) fail_msg("%s: %s", r->model, err.msg);
        if (fv_graph_params(g) != r->params || fv_graph_macs(g) != r->macs)
            fail_msg("%s at %d: %lld parameters, %lld MACs", r->model, r->size, (long long)fv_graph_params(g),
                     (long long)fv_graph_macs(g));
        fv_graph_free(g);
    }
}

static void test_auxiliary_classifiers_and_other_classes_cost_what_is_known(void **state)
{
    (void)state;
    /* with auxiliary classifiers 13,378,280 and 13,004,888 parameters (GoogLeNet, as in the paper and with batch-norm) and
     * 27,161,264 (Inception V3); ResNet-20 for CIFAR-100 275,572 and 40,556,800 MACs */
    static const struct {
        const char *model;
        int classes;
        int64_t all, macs;
    } rows[] = { { "googlenet_paper", 1000, 13378280, 1582671872 },
                 { "googlenet", 1000, 13004888, 1498376192 },
                 { "inception_v3", 1000, 27161264, 5713216096 },
                 { "resnet20", 100, 275572, 40556800 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = NULL;
        fv_net_info info;
        const fv_net_opts opts = { .no_weights = true, .classes = rows[i].classes };
        assert_int_equal(fv_net_open(&net, rows[i].model, &opts, NULL, NULL), FV_OK);
        fv_net_describe(net, &info);
        assert_int_equal(info.params + info.aux_params, rows[i].all);
        assert_int_equal(info.macs, rows[i].macs);
        fv_net_free(net);
    }
}

/* Weights (no biases) and multiply-adds of the layers whose names begin so. */
static void cost_of(const fv_net *net, const char *scope, int64_t *weights, int64_t *macs)
{
    fv_layer l;
    *weights = *macs = 0;
    for (int i = 0; fv_net_layer(net, i, &l); i++) {
        if (strncmp(l.name, scope, strlen(scope)) != 0) continue;
        *macs += l.cost.macs;
        *weights += l.cost.macs ? l.cost.memory_access - l.cost.moved : 0;
    }
}

static void test_inception_modules_cost_what_the_paper_says(void **state)
{
    (void)state;
    /* Szegedy et al. 2014, table 1; and how many times the weights would be without the 1x1 reductions, pool projection
     * left out on both sides (computed from the table's widths). */
    static const struct {
        const char *scope;
        int64_t weights, macs;
        int in, n1, n3, n5, pool;
        double times;
    } rows[] = {
        { "inception3a.", 163328, 128049152, 192, 64, 128, 32, 32, 2.46 },
        { "inception3b.", 388096, 304267264, 256, 128, 192, 96, 64, 2.93 },
        { "inception4a.", 375552, 73608192, 480, 192, 208, 48, 64, 4.54 },
        { "inception4b.", 448512, 87908352, 512, 160, 224, 64, 64, 4.65 },
        { "inception4c.", 509440, 99850240, 512, 128, 256, 64, 64, 4.33 },
        { "inception4d.", 604672, 118515712, 512, 112, 288, 64, 64, 3.85 },
        { "inception4e.", 867328, 169996288, 528, 256, 320, 128, 128, 4.18 },
        { "inception5a.", 1042432, 51079168, 832, 256, 320, 128, 128, 5.63 },
        { "inception5b.", 1442816, 70697984, 832, 384, 384, 128, 128, 4.38 },
    };
    fv_net *net = opened("googlenet_paper", 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t weights, macs;
        cost_of(net, rows[i].scope, &weights, &macs);
        if (weights != rows[i].weights || macs != rows[i].macs)
            fail_msg("%s %lld weights, %lld MACs", rows[i].scope, (long long)weights, (long long)macs);
        const double without = rows[i].in * (rows[i].n1 + 9.0 * rows[i].n3 + 25.0 * rows[i].n5);
        const double times = without / (double)(weights - (int64_t)rows[i].in * rows[i].pool);
        assert_true(fabs(times - rows[i].times) < 0.0051);
    }
    fv_net_free(net);
}

static void test_parts_have_their_known_shares(void **state)
{
    (void)state;
    int64_t weights, macs;
    fv_layer l;
    fv_net *net = opened("vgg16", 0); /* its classifier: 89.4 % of the parameters, 0.8 % of the work */
    cost_of(net, "classifier.", &weights, &macs);
    assert_int_equal(macs, 123633664);
    assert_int_equal(weights, 123633664);
    fv_net_free(net);
    /* Howard et al. 2017, table 2, whose first convolution is a slip of digits: 1.91 %, not 1.19. */
    net = opened("mobilenet_v1", 0);
    double share[4] = { 0 }; /* 1x1, depthwise, first convolution, classifier */
    for (int i = 0; fv_net_layer(net, i, &l); i++) {
        const int part = strcmp(l.op, "linear") == 0        ? 3
                         : strstr(l.detail, "depthwise")    ? 1
                         : strncmp(l.detail, "1x1", 3) == 0 ? 0
                                                            : 2;
        share[part] += 100.0 * (double)l.cost.macs / 568740352.0;
    }
    static const double known[4] = { 94.86, 3.06, 1.91, 0.18 };
    for (int i = 0; i < 4; i++) assert_true(fabs(share[i] - known[i]) < 0.0051);
    fv_net_free(net);
}

/* ---- units, and the cost of memory access ---- */

static void test_lists_cost_what_papers_say(void **state)
{
    (void)state;
    /* One layer or unit at a time. Units with 240 channels, 60 inside, 3 groups at 28 x 28 (Zhang et al. 2017, section 3.2);
     * separable layers (Howard et al. 2017, section 3.4); the share of 1x1 in a ResNeXt unit is asserted below. */
    static const struct {
        const char *layers;
        int64_t macs, access; /* 0: not tabulated */
    } rows[] = {
        { "28x28x240 conv1:60 conv3p1:60 conv1:240", 47980800, 0 },
        { "28x28x240 conv1:60 conv3p1g3:60 conv1:240", 31046400, 0 },
        { "28x28x240 conv1g3:60 dw3p1 conv1g3:240", 7949760, 0 },
        { "14x14x512 conv3p1:512", 462422016, 0 },
        { "14x14x512 dw3p1 conv1:512", 52283392, 0 },
        { "14x14x384 dw3p1 conv1:384", 29578752, 0 },
        { "10x10x384 dw3p1 conv1:384", 15091200, 0 },
        /* ShuffleNetV2 (Ma et al. 2018), G1: hw (c1 + c2) + c1 c2 at 56 x 56, the channels of its table 1 */
        { "56x56x128 conv1:128", 51380224, 819200 },
        { "56x56x90 conv1:180", 50803200, 862920 },
        { "56x56x52 conv1:312", 50878464, 1157728 },
        { "56x56x36 conv1:432", 48771072, 1483200 },
        { "56x56x32 conv1:32", 3211264, 201728 },
        { "56x56x22 conv1:44", 3035648, 207944 },
        { "56x56x13 conv1:78", 3179904, 286390 },
        { "56x56x9 conv1:108", 3048192, 367884 },
        /* G2: hw (c1 + c2) + c1 c2 / g, table 2; 180 channels are no multiple of 8, so 176 and 184 */
        { "56x56x64 conv1:64", 12845056, 405504 },
        { "56x56x90 conv1g2:90", 12700800, 568530 },
        { "56x56x128 conv1g4:128", 12845056, 806912 },
        { "56x56x176 conv1g8:176", 12142592, 1107744 },
        { "56x56x184 conv1g8:184", 13271552, 1158280 },
        { "56x56x128 relu", 0, 2 * 56 * 56 * 128 },
        { "56x56x128 pool2", 0, (56 * 56 + 28 * 28) * 128 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_cost c;
        fv_net *net = listed(rows[i].layers);
        fv_net_cost(net, &c);
        if (c.macs != rows[i].macs || (rows[i].access && c.memory_access != rows[i].access))
            fail_msg("%s: %lld MACs, memory access %lld", rows[i].layers, (long long)c.macs,
                     (long long)c.memory_access);
        fv_net_free(net);
    }
}

static void test_pointwise_convolutions_are_most_of_a_resnext_unit(void **state)
{
    (void)state;
    int64_t pointwise = 0;
    fv_layer l;
    fv_net *net = listed("14x14x256 conv1:128 conv3p1g32:128 conv1:256"); /* Zhang et al. 2017, section 1: 93.4 % */
    fv_cost all;
    fv_net_cost(net, &all);
    for (int i = 0; fv_net_layer(net, i, &l); i++)
        if (strncmp(l.detail, "1x1", 3) == 0) pointwise += l.cost.macs;
    assert_int_equal(pointwise, 65536 * 196);
    assert_int_equal(all.macs, 70144 * 196);
    fv_net_free(net);
}

/* What is nothing at inference moves nothing; a slice reads what it takes; sums are those of the layers. */
static void test_costs_add_up(void **state)
{
    (void)state;
    fv_net *net = opened("shufflenet_v2_x0_5", 0);
    fv_cost all, sum = { 0 };
    fv_net_info info;
    fv_operator op;
    fv_layer l;
    fv_net_cost(net, &all);
    fv_net_describe(net, &info);
    int layers = 0, counted = 0;
    for (int i = 0; fv_net_layer(net, i, &l); i++) {
        const int64_t out = (int64_t)l.out.h * l.out.w * l.out.c;
        const bool nothing = strcmp(l.op, "input") == 0 || strcmp(l.op, "dropout") == 0;
        assert_int_equal(l.cost.out, out);
        if (nothing) assert_int_equal(l.cost.moved, 0);
        if (strcmp(l.op, "slice") == 0) assert_int_equal(l.cost.moved, 2 * out);
        if (strcmp(l.op, "concat") == 0) assert_int_equal(l.cost.moved, 2 * out);
        if (strcmp(l.op, "input") == 0) continue;
        sum.memory_access += l.cost.memory_access;
        sum.stored += l.cost.stored;
        sum.out += l.cost.out;
        layers++;
    }
    for (int i = 0; fv_net_operator(net, i, &op); i++) counted += op.layers;
    assert_int_equal(counted, layers);
    assert_int_equal(all.params, info.params);
    assert_int_equal(all.macs, info.macs);
    assert_int_equal(all.memory_access, sum.memory_access);
    assert_int_equal(all.stored, sum.stored);
    assert_int_equal(all.out, sum.out);
    assert_false(fv_net_operator(net, -1, &op));
    fv_net_free(net);
    net = opened("googlenet_paper", 0); /* its auxiliary classifiers are shown, and not counted */
    fv_net_cost(net, &all);
    fv_net_describe(net, &info);
    assert_true(info.aux_params > 0 && all.params == info.params && all.macs == info.macs);
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receptive_fields_are_those_known),
        cmocka_unit_test(test_small_kernels_add_up_to_large_ones),
        cmocka_unit_test(test_receptive_fields_of_all_shapes),
        cmocka_unit_test(test_output_sizes_round_as_they_should),
        cmocka_unit_test(test_wrong_lists_are_told),
        cmocka_unit_test(test_networks_cost_what_is_known_at_every_size),
        cmocka_unit_test(test_auxiliary_classifiers_and_other_classes_cost_what_is_known),
        cmocka_unit_test(test_inception_modules_cost_what_the_paper_says),
        cmocka_unit_test(test_parts_have_their_known_shares),
        cmocka_unit_test(test_lists_cost_what_papers_say),
        cmocka_unit_test(test_pointwise_convolutions_are_most_of_a_resnext_unit),
        cmocka_unit_test(test_costs_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
