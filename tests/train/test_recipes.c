/* test_recipes.c -- what a run is made of, without running it: recipes, stages of progressive learning, layers, stochastic
 * depth.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "train/recipe.h"
#include "train/session.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static fv_train_opts defaults(void)
{
    fv_train_opts o;
    fv_train_defaults(&o);
    o.data = "data", o.model = "resnet18", o.output = "out";
    return o;
}

static void test_every_recipe_is_whole(void **state)
{
    (void)state;
    for (int i = 0; fv_recipe_at(i); i++) {
        const fv_recipe *r = fv_recipe_at(i);
        fv_train_opts o = defaults();
        fv_err err = { 0 };
        if (fv_train_recipe(&o, r->name, NULL, &err) || fv_recipe_check(&o, &err)) fail_msg("%s: %s", r->name, err.msg);
        assert_string_equal(o.recipe, r->name);
        assert_true(o.lr == 0 && o.lr_base > 0 && o.lr_base_size > 0 && *r->source);
    }
    assert_true(fv_recipe_at(20) != NULL);
    assert_null(fv_recipe_at(-1));
}

static void test_recipe_sets_what_its_row_says(void **state)
{
    (void)state;
    fv_train_opts o = defaults();
    assert_int_equal(fv_train_recipe(&o, "efficientnet_v2_m", NULL, NULL), FV_OK);
    assert_true(o.epochs == 350 && o.batch == 4096 && o.opt == FV_OPT_RMSPROP && o.opt_eps == 1e-3 && o.model_ema);
    assert_true(o.stages == 4 && o.progressive[0] == 192 && o.progressive[1] == 384 && o.sched == FV_SCHED_STEP);
    assert_string_equal(o.aa, "rand-m15-n2");
    assert_int_equal(fv_train_recipe(&o, "none such", NULL, NULL), FV_ARG);
    assert_false(fv_recipe_set(&o, "lr", 2, "fast"));
    assert_false(fv_recipe_set(&o, "opt", 3, "adam"));
    assert_false(fv_recipe_set(&o, "speed", 5, "1"));
    assert_true(fv_recipe_set(&o, "opt", 3, "adamw") && o.opt == FV_OPT_ADAMW);
    assert_true(fv_recipe_set(&o, "betas", 5, "0.8:0.95") && o.betas[0] == 0.8 && o.betas[1] == 0.95);
}

/* Wightman et al. 2021, table 2. */
static void test_resnet_strikes_back(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int epochs, train_size;
        double lr, wd, smoothing, drop_path, mixup;
        const char *aa;
    } rows[] = { { "a1", 600, 224, 5e-3, 0.01, 0.1, 0.05, 0.2, "rand-m7-mstd0.5-inc1" },
                 { "a2", 300, 224, 5e-3, 0.02, 0, 0.05, 0.1, "rand-m7-mstd0.5-inc1" },
                 { "a3", 100, 160, 8e-3, 0.02, 0, -1, 0.1, "rand-m6-mstd0.5-inc1" } };
    for (int i = 0; i < 3; i++) {
        fv_train_opts o = defaults();
        assert_int_equal(fv_train_recipe(&o, rows[i].name, NULL, NULL), FV_OK);
        assert_true(o.loss == FV_LOSS_BCE && o.bce_target_thresh == 0.2 && o.opt == FV_OPT_LAMB && o.clip == 1);
        assert_true(o.batch == 2048 && o.lr_base_size == 2048 && o.lr_base == rows[i].lr && o.wd == rows[i].wd);
        assert_true(o.epochs == rows[i].epochs && o.smoothing == rows[i].smoothing && o.mixup == rows[i].mixup);
        assert_true(o.cutmix == 1 && o.drop_path == rows[i].drop_path && o.sched == FV_SCHED_COSINE);
        assert_true(o.warmup_epochs == 5 && o.reprob == 0 && !o.model_ema && o.drop == -1);
        assert_string_equal(o.aa, rows[i].aa);
        for (int s = 0; s < fv_session_stages(&o); s++)
            assert_int_equal(fv_session_stage_at(&o, 224, s).size, rows[i].train_size);
        assert_true(o.size == (i == 2 ? 224 : 0) && fv_session_stages(&o) == 1);
    }
}

static void test_auto_finds_a_recipe_for_every_network(void **state)
{
    (void)state;
    for (int i = 0; fv_model_at(i); i++) {
        fv_train_opts o = defaults();
        const fv_model *m = fv_model_at(i);
        if (fv_train_recipe(&o, "auto", m->name, NULL) != FV_OK) fail_msg("%s (%s) has none", m->name, m->family);
        if (strcmp(m->name, "resnet20") == 0) assert_string_equal(o.recipe, "resnet_cifar");
        if (strcmp(m->name, "resnet50") == 0) assert_string_equal(o.recipe, "resnet");
    }
    fv_train_opts o = defaults();
    assert_int_equal(fv_train_recipe(&o, "auto", "no such network", NULL), FV_ARG);
}

static void test_senseless_values_are_refused(void **state)
{
    (void)state;
    fv_train_opts o[18];
    for (int i = 0; i < 18; i++) o[i] = defaults();
    o[0].opt = FV_OPT_COUNT, o[1].accum = 0, o[2].betas[1] = 1, o[3].alpha = -1, o[4].layer_decay = 0;
    o[5].sched = FV_SCHED_MULTISTEP, o[6].stages = 3, o[7].progressive[1] = 64, o[8].drop = 1, o[9].model_ema_decay = 1;
    o[10].new_head = true, o[11].lr_base = 1, o[12].stages = 40, o[12].progressive[1] = 64, o[13].decay_power = NAN;
    o[14].loss = (fv_loss)-1, o[15].bce_target_thresh = 0.2, o[16].loss = FV_LOSS_BCE, o[16].bce_target_thresh = -0.1;
    o[17].stages = 2, o[17].progressive[0] = o[17].progressive[1] = 64;
    for (int i = 0; i < 18; i++)
        if (fv_recipe_check(&o[i], NULL) != FV_ARG) fail_msg("options %d pass", i);
}

/* The paper's table 6 and the released code's sizes (int(128 + (train - 128) (i + 1) / 4)). */
static void test_stages_are_those_of_the_paper_and_of_the_code(void **state)
{
    (void)state;
    const struct {
        const char *recipe;
        int size[4];
        double magnitude[4], drop[4], mixup[4];
    } rows[] = {
        { "efficientnet_v2_paper",
          { 128, 185, 243, 300 },
          { 5, 25.0 / 3, 35.0 / 3, 15 },
          { .1, .5 / 3, .7 / 3, .3 },
          { 0 } },
        { "efficientnet_v2_s", { 171, 214, 257, 300 }, { 5, 20.0 / 3, 25.0 / 3, 10 }, { .2, .2, .2, .2 }, { 0 } },
        { "efficientnet_v2_m",
          { 192, 256, 320, 384 },
          { 5, 25.0 / 3, 35.0 / 3, 15 },
          { .3, .3, .3, .3 },
          { 0, .2 / 3, .4 / 3, .2 } },
        { "efficientnet_v2_l",
          { 192, 256, 320, 384 },
          { 5, 10, 15, 20 },
          { .4, .4, .4, .4 },
          { 0, .5 / 3, 1. / 3, .5 } },
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        fv_train_opts o = defaults();
        assert_int_equal(fv_train_recipe(&o, rows[r].recipe, NULL, NULL), FV_OK);
        for (int i = 0; i < 4; i++) {
            const fv_stage g = fv_session_stage_at(&o, 384, i);
            assert_int_equal(g.size, rows[r].size[i]);
            assert_true(fabs(g.magnitude - rows[r].magnitude[i]) < 1e-12);
            assert_true(fabs(g.drop - rows[r].drop[i]) < 1e-12 && fabs(g.mixup - rows[r].mixup[i]) < 1e-12);
        }
    }
}

static void test_stages_share_the_epochs_evenly(void **state)
{
    (void)state;
    fv_train_opts o = defaults();
    o.epochs = 10, o.stages = 4;
    const int want[] = { 0, 0, 0, 1, 1, 2, 2, 2, 3, 3 };
    for (int e = 0; e < 10; e++) assert_int_equal(fv_session_stage_of(&o, e), want[e]);
    o.stages = 0;
    assert_int_equal(fv_session_stage_of(&o, 9), 0);
    const fv_stage only = fv_session_stage_at(&o, 224, 0);
    assert_true(only.size == 224 && only.drop == -1 && only.magnitude == -1);
}

static fv_net *open_net(const char *name, double drop_path)
{
    fv_net *net = NULL;
    fv_err err = { 0 };
    if (fv_net_open(&net, name, &(fv_net_opts){ .no_weights = true, .drop_path = drop_path }, NULL, &err))
        fail_msg("%s", err.msg);
    return net;
}

static void test_layers_are_blocks(void **state)
{
    (void)state;
    const struct {
        const char *network;
        int layers;
    } rows[] = { { "resnet18", 1 + 8 + 1 },
                 { "vgg11_bn", 8 + 3 },
                 { "mobilenet_v2", 19 + 1 },
                 { "densenet121", 1 + 58 + 3 + 1 },
                 { "efficientnet_b0", 1 + 16 + 1 + 1 },
                 { "inception_v3", 5 + 11 + 1 },
                 { "regnet_y_400mf", 1 + 16 + 1 },
                 { "shufflenet_v2_x1_0", 1 + 16 + 1 + 1 },
                 { "resnet20", 1 + 9 + 1 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_net *net = open_net(rows[i].network, 0);
        int *layer = malloc(net->graph->nparam * sizeof *layer);
        const int n = fv_session_layers(net->graph, layer);
        if (n != rows[i].layers) fail_msg("%s: %d layers, not %d", rows[i].network, n, rows[i].layers);
        assert_true(layer[0] == 0 && layer[net->graph->nparam - 1] == n - 1);
        free(layer);
        fv_net_free(net);
    }
}

/* The chances of a network's stochastic depth: how many, the greatest, their sum. */
static int chances(const char *name, double drop_path, double *most, double *sum)
{
    fv_net *net = open_net(name, drop_path);
    int n = 0;
    *most = *sum = 0;
    for (size_t i = 0; i < net->graph->nnode; i++) {
        const fv_node *node = &net->graph->node[i];
        if (node->op != FV_OP_DROP_PATH) continue;
        n++;
        *sum += (double)node->attr.p;
        *most = fmax(*most, (double)node->attr.p);
    }
    fv_net_free(net);
    return n;
}

/* Huang et al.: 54 blocks of ResNet-110, of which 40.25 are kept; EfficientNet: i / N of 0.2, i from 0. */
static void test_stochastic_depth_decays_linearly(void **state)
{
    (void)state;
    double most, sum;
    assert_int_equal(chances("resnet110", 0.5, &most, &sum), 54);
    assert_true(fabs(most - 0.5) < 1e-7 && fabs(54 - sum - 40.25) < 1e-5);
    assert_int_equal(chances("resnet110", 0, &most, &sum), 0);
    assert_int_equal(chances("efficientnet_b0", 0, &most, &sum), 9);
    assert_true(fabs(most - 0.175) < 1e-7 && fabs(16 - sum - (16 - 0.2 * 77 / 16)) < 1e-6);
    assert_int_equal(chances("efficientnet_b0", 0.4, &most, &sum), 9);
    assert_true(fabs(most - 0.35) < 1e-7);
    chances("efficientnet_b0", -1, &most, &sum);
    assert_true(most == 0);
    const char *const families[] = { "resnet50",     "resnext50_32x4d", "preact_resnet20",    "regnet_x_400mf",
                                     "mobilenet_v2", "mnasnet1_0",      "mobilenet_v3_small", "resnet20" };
    for (int i = 0; i < 8; i++)
        if (chances(families[i], 0.3, &most, &sum) < 6 || fabs(most - 0.3) > 1e-7)
            fail_msg("%s: %g", families[i], most);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_recipe_is_whole),
        cmocka_unit_test(test_recipe_sets_what_its_row_says),
        cmocka_unit_test(test_resnet_strikes_back),
        cmocka_unit_test(test_auto_finds_a_recipe_for_every_network),
        cmocka_unit_test(test_senseless_values_are_refused),
        cmocka_unit_test(test_stages_are_those_of_the_paper_and_of_the_code),
        cmocka_unit_test(test_stages_share_the_epochs_evenly),
        cmocka_unit_test(test_layers_are_blocks),
        cmocka_unit_test(test_stochastic_depth_decays_linearly),
    };
    return cmocka_run_group_tests_name("recipes", tests, NULL, NULL);
}
