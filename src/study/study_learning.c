/* study_learning.c -- claims about learning, on 10,000 pictures: activations, depth, batch norm, augmentation, size.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "Learning, measured on pictures"

enum { SIDE = 28, MANY = 10000, TEST = 2000, FEW = 2000, FEW_TEST = 500, MOST_EPOCHS = 40 };

static fv_status pictures(fv_lab *l, fv_lab_set *set, int side, fv_err *err)
{
    return fv_lab_small(l) ? fv_lab_data(l, set, side, FEW, FEW_TEST, err) : fv_lab_data(l, set, side, MANY, TEST, err);
}

/* ---- a small network: three convolutions with stride 2 and a classifier ---- */

typedef struct small_net {
    fv_act act;
    bool norm, pooled; /* pooled: the classifier sees the mean of each channel: for pictures of any size */
    int classes, width, depth;
} small_net;

static fv_val layer(fv_graph *g, fv_val x, const small_net *s, const char *name, fv_conv p)
{
    fv_scope(g, "%s", name);
    p.bias = !s->norm;
    p.pad = p.k / 2;
    x = fv_conv2d(g, x, "conv", p);
    if (s->norm) x = fv_batchnorm(g, x, "bn", (fv_bn){ 0 });
    x = fv_activate(g, x, s->act);
    fv_scope(g, NULL);
    return x;
}

static fv_val three_layers(fv_graph *g, fv_val x, const void *arg)
{
    const small_net *s = arg;
    x = layer(g, x, s, "1", (fv_conv){ .out = s->width, .k = 5, .stride = 2 });
    x = layer(g, x, s, "2", (fv_conv){ .out = 2 * s->width, .k = 3, .stride = 2 });
    static const char *const more[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    for (int i = 1; i < s->depth && i < 9; i++)
        x = layer(g, x, s, more[i - 1], (fv_conv){ .out = 2 * s->width, .k = 3 });
    x = layer(g, x, s, "3", (fv_conv){ .out = 2 * s->width, .k = 3, .stride = 2 });
    return fv_linear(g, s->pooled ? fv_global_avgpool(g, x) : x, "fc", s->classes);
}

/* Trains one such network and draws its curve. */
static fv_status learn(fv_lab *l, fv_lab_epoch *epochs, const fv_lab_set *set, fv_lab_build *build, const void *arg,
                       const fv_lab_recipe *r, const char *name, fv_err *err)
{
    fv_net *net;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, set->side, set->side, 1 }, build, arg, err));
    FV_TRY(fv_lab_train(l, net, set, r, epochs, err));
    if (!name) return FV_OK;
    fv_lab_curve(l, name, false);
    for (int i = 0; i < r->epochs; i++) fv_lab_point(l, i + 1, 100 * epochs[i].train_error);
    return FV_OK;
}

static fv_status saturation(fv_lab *l, fv_err *err)
{
    static const fv_act acts[] = { FV_ACT_RELU, FV_ACT_TANH, FV_ACT_SIGMOID };
    static const char *const names[] = { "ReLU", "tanh", "sigmoid" };
    const int epochs = fv_lab_small(l) ? 5 : 6;
    fv_lab_epoch e[3][MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(pictures(l, &set, SIDE, err));
    fv_lab_plot(l,
                (fv_study_plot){ "Three convolutions and a classifier", "epoch", "training error (%)", false, false });
    for (int i = 0; i < 3; i++) {
        const small_net s = { .act = acts[i], .classes = set.classes, .width = 16 };
        const fv_lab_recipe r = { .epochs = epochs, .batch = 100, .lr = 0.01, .from = i / 3.0, .to = (i + 1) / 3.0 };
        FV_TRY(learn(l, e[i], &set, three_layers, &s, &r, names[i], err));
    }
    static const double torch[3][6] = { { .450, .232, .198, .175, .157, .154 },
                                        { .385, .222, .188, .172, .160, .149 },
                                        { .896, .902, .893, .881, .805, .462 } };
    for (int i = 0; i < 3; i++) {
        fv_lab_curve(l, fv_lab_text(l, "%s, PyTorch 1.13", names[i]), true);
        for (int k = 0; k < 6; k++) fv_lab_point(l, k + 1, 100 * torch[i][k]);
    }
    const int at = fv_lab_small(l) ? epochs - 1 : 2;
    fv_lab_above(l, fv_lab_text(l, "sigmoid, training error after %d epochs (%%)", at + 1), 100 * e[2][at].train_error,
                 100 * e[0][at].train_error + 20);
    fv_lab_tell(l, fv_lab_text(l, "ReLU, after %d", at + 1), 100 * e[0][at].train_error);
    if (!fv_lab_small(l)) fv_lab_below(l, "ReLU, last epoch (%)", 100 * e[0][epochs - 1].train_error, 25);
    fv_lab_tell(l, "tanh, last epoch (%)", 100 * e[1][epochs - 1].train_error);
    fv_lab_tell(l, "sigmoid, last epoch (%)", 100 * e[2][epochs - 1].train_error);
    return FV_OK;
}

/* ---- depth ---- */

typedef struct tower {
    int blocks, classes;
    bool shortcut;
} tower;

static fv_val deep(fv_graph *g, fv_val x, const void *arg)
{
    enum { WIDTH = 48 };
    const tower *t = arg;
    x = fv_relu(g, fv_linear(g, x, "in", WIDTH));
    for (int i = 0; i < t->blocks; i++) {
        fv_scope(g, "block%d", i);
        fv_val y = fv_relu(g, fv_batchnorm(g, fv_linear_no_bias(g, x, "fc1", WIDTH), "bn1", (fv_bn){ 0 }));
        y = fv_batchnorm(g, fv_linear_no_bias(g, y, "fc2", WIDTH), "bn2", (fv_bn){ 0 });
        x = fv_relu(g, t->shortcut ? fv_add(g, x, y) : y);
        fv_scope(g, NULL);
    }
    return fv_linear(g, x, "out", t->classes);
}

static fv_status degradation(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name;
        int blocks;
        bool shortcut;
    } rows[] = { { "plain, 10 layers", 4, false },
                 { "residual, 10 layers", 4, true },
                 { "plain, 56 layers", 27, false },
                 { "residual, 56 layers", 27, true } };
    const int epochs = fv_lab_small(l) ? 3 : 5;
    fv_lab_epoch e[4][MOST_EPOCHS];
    double train[4], test[4];
    fv_lab_set set;
    FV_TRY(pictures(l, &set, 14, err));
    fv_lab_plot(l, (fv_study_plot){ "Depth with and without shortcuts", "epoch", "training error (%)", false, false });
    for (int i = 0; i < 4; i++) {
        const tower t = { rows[i].blocks, set.classes, rows[i].shortcut };
        const fv_lab_recipe r = { .epochs = epochs, .batch = 100, .lr = 0.05, .from = i / 4.0, .to = (i + 1) / 4.0 };
        FV_TRY(learn(l, e[i], &set, deep, &t, &r, rows[i].name, err));
        train[i] = 100 * e[i][epochs - 1].train_error;
        test[i] = 100 * e[i][epochs - 1].test_error;
        if (i < 2) fv_lab_tell(l, fv_lab_text(l, "%s, training error (%%)", rows[i].name), train[i]);
    }
    fv_lab_above(l, "plain, 56 layers, training error (%)", train[2], train[0] + 10);
    fv_lab_below(l, "residual, 56 layers, training error (%)", train[3], train[2] - 10);
    fv_lab_tell(l, "plain, 56 layers, test error (%)", test[2]);
    fv_lab_below(l, "residual, 56 layers, test error (%)", test[3], test[2]);
    return FV_OK;
}

/* ---- batch norm ---- */

static fv_status batchnorm(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name;
        fv_act act;
        bool norm;
        double lr;
    } rows[] = { { "sigmoid", FV_ACT_SIGMOID, false, 0.01 },
                 { "sigmoid, batch norm", FV_ACT_SIGMOID, true, 0.01 },
                 { "ReLU, rate x 30", FV_ACT_RELU, false, 0.3 },
                 { "ReLU, batch norm, rate x 30", FV_ACT_RELU, true, 0.3 } };
    const int epochs = fv_lab_small(l) ? 3 : 4;
    double last[4];
    fv_lab_epoch e[MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(pictures(l, &set, SIDE, err));
    fv_lab_plot(l, (fv_study_plot){ "With and without batch norm", "epoch", "training error (%)", false, false });
    for (int i = 0; i < 4; i++) {
        const small_net s = { .act = rows[i].act, .norm = rows[i].norm, .classes = set.classes, .width = 16 };
        const fv_lab_recipe r = {
            .epochs = epochs, .batch = 100, .lr = rows[i].lr, .from = i / 4.0, .to = (i + 1) / 4.0
        };
        FV_TRY(learn(l, e, &set, three_layers, &s, &r, rows[i].name, err));
        last[i] = 100 * e[epochs - 1].train_error;
    }
    fv_lab_tell(l, "sigmoid without, training error (%)", last[0]);
    fv_lab_below(l, "sigmoid with", last[1], last[0] - 20);
    fv_lab_tell(l, "ReLU without, rate x 30", last[2]);
    fv_lab_below(l, "ReLU with, rate x 30", last[3], last[2] - 5);
    return FV_OK;
}

/* ---- augmentation ---- */

static fv_status augmentation(fv_lab *l, fv_err *err)
{
    const int epochs = fv_lab_small(l) ? 10 : 30;
    fv_lab_epoch e[2][MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(fv_lab_data(l, &set, SIDE, 1000, fv_lab_small(l) ? FEW_TEST : TEST, err));
    fv_lab_plot(l, (fv_study_plot){ "1,000 pictures, with and without shifts and mirroring", "epoch", "error (%)",
                                    false, false });
    for (int i = 0; i < 2; i++) {
        const small_net s = { .act = FV_ACT_RELU, .norm = true, .classes = set.classes, .width = 16 };
        const fv_lab_recipe r = { .epochs = epochs,
                                  .batch = 50,
                                  .lr = 0.03,
                                  .cosine = true,
                                  .shift = i ? 2 : 0,
                                  .from = i / 2.0,
                                  .to = (i + 1) / 2.0 };
        FV_TRY(learn(l, e[i], &set, three_layers, &s, &r, i ? "training, augmented" : "training", err));
        fv_lab_curve(l, i ? "test, augmented" : "test", false);
        for (int k = 0; k < epochs; k++) fv_lab_point(l, k + 1, 100 * e[i][k].test_error);
    }
    const fv_lab_epoch *a = &e[0][epochs - 1], *b = &e[1][epochs - 1];
    fv_lab_tell(l, "gap of test and training error without (%)", 100 * (a->test_error - a->train_error));
    fv_lab_below(l, "with", 100 * (b->test_error - b->train_error), 100 * (a->test_error - a->train_error) - 3);
    fv_lab_tell(l, "test error without (%)", 100 * a->test_error);
    if (fv_lab_small(l)) return FV_OK;
    fv_lab_below(l, "test error with (%)", 100 * b->test_error, 100 * a->test_error);
    return FV_OK;
}

/* ---- width, depth, resolution ---- */

static fv_status one_size(fv_lab *l, double *error, int width, int depth, int side, double from, fv_err *err)
{
    fv_lab_epoch e[MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(pictures(l, &set, side, err));
    const small_net s = {
        .act = FV_ACT_RELU, .norm = true, .pooled = true, .classes = set.classes, .width = width, .depth = depth
    };
    const fv_lab_recipe r = {
        .epochs = 5, .batch = 100, .lr = 0.05, .cosine = true, .from = from, .to = from + 1.0 / 9
    };
    FV_TRY(learn(l, e, &set, three_layers, &s, &r, NULL, err));
    *error = 100 * e[r.epochs - 1].test_error;
    return FV_OK;
}

static fv_status saturating(fv_lab *l, fv_err *err)
{
    static const char *const names[] = { "width", "depth", "resolution" };
    double error[3][3];
    fv_lab_plot(l, (fv_study_plot){ "One dimension at a time", "times the base network's width 4, depth 1, 7 pixels",
                                    "test error (%)", true, false });
    for (int d = 0; d < 3; d++) {
        fv_lab_curve(l, names[d], false);
        for (int i = 0; i < 3; i++) {
            const int more = 1 << i;
            FV_TRY(one_size(l, &error[d][i], d == 0 ? 4 * more : 4, d == 1 ? 2 * more - 1 : 1, d == 2 ? 7 * more : 7,
                            (3 * d + i) / 9.0, err));
            fv_lab_point(l, more, error[d][i]);
        }
    }
    fv_lab_tell(l, "base network, test error (%)", error[0][0]);
    fv_lab_below(l, "4 times the width", error[0][2], error[0][0]);
    /* errors of 20 % in 2,000 pictures are known to .9 %: a gain below 1 point is none */
    for (int d = 0; d < 3; d++) {
        const double first = error[d][0] - error[d][1], second = error[d][1] - error[d][2];
        fv_lab_tell(l, fv_lab_text(l, "gain by the first doubling of %s", names[d]), first);
        fv_lab_below(l, fv_lab_text(l, "gain by the second, %s", names[d]), second, fmax(first, 1));
    }
    return FV_OK;
}

/* ---- progressive learning ---- */

static fv_status progressive(fv_lab *l, fv_err *err)
{
    static const int sizes[] = { 14, 20, 28 };
    const int each = fv_lab_small(l) ? 1 : 2;
    double constant = 0, grown = 0, macs[3];
    fv_lab_epoch e[MOST_EPOCHS];
    fv_lab_set set[3];
    fv_net *net;
    for (int i = 0; i < 3; i++) FV_TRY(pictures(l, &set[i], sizes[i], err));
    const small_net s = { .act = FV_ACT_RELU, .norm = true, .pooled = true, .classes = set[0].classes, .width = 16 };
    fv_lab_recipe r = { .epochs = 3 * each, .batch = 100, .lr = 0.05, .to = 0.5 };
    FV_TRY(learn(l, e, &set[2], three_layers, &s, &r, NULL, err));
    constant = 100 * e[r.epochs - 1].test_error;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, 1 }, three_layers, &s, err));
    for (int i = 0; i < 3; i++) {
        fv_plan *plan;
        fv_plan_info info;
        r = (fv_lab_recipe){ .epochs = each,
                             .batch = 100,
                             .lr = 0.05,
                             .from = 0.5 + i / 6.0,
                             .to = 0.5 + (i + 1) / 6.0,
                             .seed = (uint64_t)i };
        FV_TRY(fv_lab_train(l, net, &set[i], &r, e, err));
        grown = 100 * e[each - 1].test_error;
        FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .h = sizes[i], .w = sizes[i] }, err));
        fv_plan_describe(plan, &info);
        macs[i] = (double)info.macs;
    }
    /* (14^2 + 20^2 + 28^2) / (3 * 28^2) = .587; maps of odd sizes round up */
    fv_lab_is(l, "MACs, growing / constant size", (macs[0] + macs[1] + macs[2]) / (3 * macs[2]), 0.587, 0.03);
    fv_lab_tell(l, "test error, 28 pixels throughout (%)", constant);
    /* 2,000 pictures tell errors of 15 % apart to .8 % (one standard deviation): 2.5 of these */
    if (fv_lab_small(l)) fv_lab_tell(l, "test error, 14, 20, 28 pixels (%)", grown);
    else fv_lab_below(l, "test error, 14, 20, 28 pixels (%)", grown, constant + 2);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_learning[] = {
    { { "activation-learning", TOPIC,
        "A network of sigmoids is stuck for epochs where ReLU learns at once.",
        "\"ReLU is six times faster than tanh\" holds for the paper's network; in three layers the two cannot be told apart.",
        "Krizhevsky et al. 2012, figure 1", "three convolutions, SGD at .01 with momentum, 10,000 pictures, 6 epochs",
        "after three epochs sigmoid at chance (90 %), ReLU below 25 % at the end",
        "The sigmoid's slope of at most a quarter shrinks the first layer's gradient 64 times in three layers. Nothing is wrong with the network but that.",
        FV_STUDY_MEASURED, true, 10 }, saturation },
    { { "degradation", TOPIC,
        "A plain network of 56 layers has a higher training error than one of 10; with shortcuts it has not.",
        "\"More than 1,000 layers\" as a pure win: 1,202 layers were worse than 110 on CIFAR-10 (7.93 against 6.43 %).",
        "He et al. 2015, figures 1 and 4", "linear layers of 48 units with batch norm on 14x14 pixels, 5 epochs",
        "plain 56 far above plain 10 and residual 56, in training error",
        "Since it is the training error, the plain network does not overfit: it cannot be optimised, though a copy of the shallow one with identities on top would be better. This is what shortcuts are for.",
        FV_STUDY_MEASURED, true, 10 }, degradation },
    { { "batchnorm-learning", TOPIC,
        "With batch norm even sigmoids learn, and rates 30 times higher can be used.",
        NULL, "Ioffe, Szegedy 2015, section 4.2", "the same three convolutions with and without it, 4 epochs",
        "with it at least 20 points better for sigmoids, 5 for ReLU at the high rate",
        "It keeps every layer's input where slopes are not flat, and makes the layer blind to the scale of its weights, so that a large step does little harm.",
        FV_STUDY_MEASURED, true, 12 }, batchnorm },
    { { "augmentation-learning", TOPIC,
        "Shifted and mirrored copies of few pictures close most of the gap between training and test.",
        NULL, "Krizhevsky et al. 2012, section 4.1", "1,000 pictures, 30 epochs, with and without shifts of up to 2 pixels and mirroring",
        "a smaller gap, and a smaller test error",
        "It is the cheapest regulariser there is: it says what does not change the answer. It makes the training error worse, which is how it works.",
        FV_STUDY_MEASURED, true, 6 }, augmentation },
    { { "scaling-learning", TOPIC,
        "Width, depth or resolution alone saturates: the second doubling gains less than the first, or nothing.",
        NULL, "Tan, Le 2019, figure 3", "a tiny network with one dimension doubled twice, 5 epochs, 10,000 pictures",
        "four times the width is better than once; in each dimension the second gain is below the first, or below 1 point",
        "More pixels ask for more layers to see them all, more layers for more channels to carry what they find. Scaling one alone runs into the next limit, which is what compound scaling answers.",
        FV_STUDY_MEASURED, true, 10 }, saturating },
    { { "progressive-learning", TOPIC,
        "Pictures that grow while training, 14 to 20 to 28 pixels, give the same network for 59 % of the MACs.",
        NULL, "Tan, Le 2021, section 4", "three stages of two epochs, against six epochs at 28 pixels",
        ".587 of the MACs, a test error within 2 points",
        "Early epochs learn coarse things, for which coarse pictures will do. The weights fit any size, as the classifier sees means of channels.",
        FV_STUDY_MEASURED, true, 10 }, progressive },
    { { 0 }, NULL },
};
// clang-format on
