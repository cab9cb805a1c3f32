/* study_blocks.c -- what single parts of mobile networks are worth: each learned with and without it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "Parts with and without, measured on pictures"

enum { SIDE = 14, MANY = 10000, TEST = 2000, FEW = 2000, FEW_TEST = 500, MOST_EPOCHS = 10 };

typedef struct parts {
    int classes, blocks, width;
    bool shuffle;          /* ShuffleNet's unit, 8 groups */
    bool inverted;         /* MobileNetV2's block: */
    bool shortcut, linear; /* linear: no ReLU6 on the narrow end */
} parts;

static fv_val conv_bn(fv_graph *g, fv_val x, const char *name, fv_conv p, fv_act act)
{
    fv_scope(g, "%s", name);
    x = fv_batchnorm(g, fv_conv2d(g, x, "conv", p), "bn", (fv_bn){ 0 });
    if (act) x = fv_activate(g, x, act);
    fv_scope(g, NULL);
    return x;
}

static fv_val shuffle_unit(fv_graph *g, fv_val x, const parts *p)
{
    enum { GROUPS = 8 };
    fv_val y = conv_bn(g, x, "1", (fv_conv){ .out = p->width, .groups = GROUPS }, FV_ACT_RELU);
    if (p->shuffle) y = fv_shuffle(g, y, GROUPS);
    y = conv_bn(g, y, "2", (fv_conv){ .out = p->width, .k = 3, .pad = 1, .groups = p->width }, FV_ACT_NONE);
    y = conv_bn(g, y, "3", (fv_conv){ .out = p->width, .groups = GROUPS }, FV_ACT_NONE);
    return fv_relu(g, fv_add(g, x, y));
}

static fv_val inverted(fv_graph *g, fv_val x, const parts *p)
{
    const int wide = 6 * p->width;
    fv_val y = conv_bn(g, x, "1", (fv_conv){ .out = wide }, FV_ACT_RELU6);
    y = conv_bn(g, y, "2", (fv_conv){ .out = wide, .k = 3, .pad = 1, .groups = wide }, FV_ACT_RELU6);
    y = conv_bn(g, y, "3", (fv_conv){ .out = p->width }, p->linear ? FV_ACT_NONE : FV_ACT_RELU6);
    return p->shortcut ? fv_add(g, x, y) : y;
}

static fv_val network(fv_graph *g, fv_val x, const void *arg)
{
    const parts *p = arg;
    /* the stem's groups share nothing but the picture */
    x = conv_bn(g, x, "stem", (fv_conv){ .out = p->width, .k = 3, .pad = 1, .stride = 2 },
                p->inverted ? FV_ACT_NONE : FV_ACT_RELU);
    for (int i = 0; i < p->blocks; i++) {
        fv_scope(g, "block%d", i);
        x = p->inverted ? inverted(g, x, p) : shuffle_unit(g, x, p);
        fv_scope(g, NULL);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", p->classes);
}

typedef struct variant {
    const char *name;
    parts p;
} variant;

/* Trains each on the same pictures for so many epochs; errors of the last epoch, in percent, with several seeds. */
static fv_status compare(fv_lab *l, const variant *v, int n, double lr, double *train, double *test, fv_err *err)
{
    const bool small = fv_lab_small(l);
    const int epochs = small ? 2 : 5, seeds = small ? 1 : 3;
    fv_lab_epoch e[MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(fv_lab_data(l, &set, SIDE, small ? FEW : MANY, small ? FEW_TEST : TEST, err));
    fv_lab_plot(l, (fv_study_plot){ "Training error, mean of three orders of the pictures", "epoch",
                                    "training error (%)", false, false });
    for (int i = 0; i < n; i++) {
        double curve[MOST_EPOCHS] = { 0 };
        train[i] = test[i] = 0;
        for (int k = 0; k < seeds; k++) {
            const double from = (i + (double)k / seeds) / n;
            const fv_lab_recipe r = { .epochs = epochs,
                                      .batch = 100,
                                      .lr = lr,
                                      .cosine = true,
                                      .from = from,
                                      .to = from + 1.0 / n / seeds,
                                      .seed = (uint64_t)k };
            parts p = v[i].p;
            fv_net *net;
            p.classes = set.classes;
            FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, 1 }, network, &p, err));
            FV_TRY(fv_lab_train(l, net, &set, &r, e, err));
            for (int t = 0; t < epochs; t++) curve[t] += 100 * e[t].train_error / seeds;
            train[i] += 100 * e[epochs - 1].train_error / seeds;
            test[i] += 100 * e[epochs - 1].test_error / seeds;
        }
        fv_lab_curve(l, v[i].name, false);
        for (int t = 0; t < epochs; t++) fv_lab_point(l, t + 1, curve[t]);
        fv_lab_tell(l, fv_lab_text(l, "%s, test error (%%)", v[i].name), test[i]);
    }
    return FV_OK;
}

static fv_status shuffling(fv_lab *l, fv_err *err)
{
    static const variant v[] = { { "without shuffle", { .blocks = 4, .width = 32 } },
                                 { "with shuffle", { .blocks = 4, .width = 32, .shuffle = true } } };
    double train[2], test[2];
    FV_TRY(compare(l, v, 2, 0.1, train, test, err));
    fv_lab_tell(l, "without, training error (%)", train[0]);
    fv_lab_below(l, "with, training error (%)", train[1], train[0]);
    return FV_OK;
}

static fv_status shortcuts(fv_lab *l, fv_err *err)
{
    static const variant v[] = { { "no shortcuts", { .blocks = 12, .width = 8, .inverted = true, .linear = true } },
                                 { "shortcuts",
                                   { .blocks = 12, .width = 8, .inverted = true, .linear = true, .shortcut = true } } };
    double train[2], test[2];
    FV_TRY(compare(l, v, 2, 0.05, train, test, err));
    fv_lab_tell(l, "without, training error (%)", train[0]);
    fv_lab_below(l, "with, training error (%)", train[1], train[0]);
    return FV_OK;
}

static fv_status bottlenecks(fv_lab *l, fv_err *err)
{
    static const variant v[] = {
        { "ReLU6 on the bottleneck", { .blocks = 6, .width = 6, .inverted = true, .shortcut = true } },
        { "linear bottleneck", { .blocks = 6, .width = 6, .inverted = true, .linear = true, .shortcut = true } }
    };
    double train[2], test[2];
    FV_TRY(compare(l, v, 2, 0.05, train, test, err));
    fv_lab_tell(l, "ReLU6, training error (%)", train[0]);
    fv_lab_below(l, "linear, training error (%)", train[1], train[0]);
    return FV_OK;
}

/* ---- depthwise kernels ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static fv_val separable(fv_graph *g, fv_val x, const void *arg)
{
    const int classes = *(const int *)arg;
    x = conv_bn(g, x, "stem", (fv_conv){ .out = 16, .k = 3, .pad = 1, .stride = 2 }, FV_ACT_RELU);
    for (int i = 0; i < 3; i++) {
        const int in = fv_channels(g, x);
        fv_scope(g, "block%d", i);
        x = conv_bn(g, x, "dw", (fv_conv){ .out = in, .k = 3, .pad = 1, .stride = i ? 2 : 1, .groups = in },
                    FV_ACT_RELU);
        x = conv_bn(g, x, "pw", (fv_conv){ .out = 2 * in < 64 ? 2 * in : 64 }, FV_ACT_RELU);
        fv_scope(g, NULL);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", classes);
}

typedef struct kernels {
    double median, dead; /* of max |w|; share below 1e-2 */
} kernels;

static kernels depthwise(fv_net *net)
{
    enum { MOST = 256 };
    double most[MOST];
    int n = 0, dead = 0;
    fv_key key;
    for (int i = 0; fv_net_key(net, i, &key); i++) {
        if (!strstr(key.name, "dw.conv.weight")) continue;
        const float *w = fv_net_weights(net, key.name, NULL);
        for (int c = 0; c < key.dim[0] && n < MOST; c++) {
            most[n] = 0;
            for (int k = 0; k < 9; k++) most[n] = fmax(most[n], fabs((double)w[9 * c + k]));
            dead += most[n++] < 1e-2;
        }
    }
    if (n == 0) return (kernels){ 0 };
    qsort(most, (size_t)n, sizeof *most, ascending);
    return (kernels){ most[n / 2], (double)dead / n };
}

static fv_status dead_kernels(fv_lab *l, fv_err *err)
{
    static const double decay[] = { 5e-4, 5e-3 };
    const bool small = fv_lab_small(l);
    const int epochs = small ? 3 : 8;
    kernels k[2];
    fv_lab_epoch e[MOST_EPOCHS];
    fv_lab_set set;
    FV_TRY(fv_lab_data(l, &set, 28, small ? FEW : MANY, small ? FEW_TEST : TEST, err));
    for (int i = 0; i < 2; i++) {
        const fv_lab_recipe r = {
            .epochs = epochs, .batch = 100, .lr = 0.05, .wd = decay[i], .from = i / 2.0, .to = (i + 1) / 2.0
        };
        fv_net *net;
        FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 28, 28, 1 }, separable, &set.classes, err));
        FV_TRY(fv_lab_train(l, net, &set, &r, e, err));
        k[i] = depthwise(net);
        fv_lab_tell(l, fv_lab_text(l, "test error, weight decay %g (%%)", decay[i]), 100 * e[epochs - 1].test_error);
    }
    fv_lab_is(l, "share of dead depthwise kernels, decay 5e-4", k[0].dead, 0, 0.02);
    fv_lab_tell(l, "median of a kernel's largest weight", k[0].median);
    fv_lab_below(l, "median with a decay of 5e-3", k[1].median, k[0].median);
    fv_lab_tell(l, "share of dead ones there", k[1].dead);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_blocks[] = {
    { { "shuffle-learning", TOPIC,
        "The channel shuffle lets a network of grouped convolutions learn more.",
        NULL, "Zhang et al. 2017, table 3: 37.6 to 32.4 % error with 8 groups at 1x, 34.5 to 32.6 with 3",
        "four units of 32 channels in 8 groups, 5 epochs, three seeds",
        "a lower training error with the shuffle; the gap is small on these pictures, which every group sees whole",
        "Without it, eight thin networks are trained side by side and meet in the classifier only.",
        FV_STUDY_MEASURED, true, 30 }, shuffling },
    { { "shortcut-learning", TOPIC,
        "Shortcuts between bottlenecks help inverted residuals, too.",
        NULL, "Sandler et al. 2018, section 6.4; without them ResNet-50 errs 31.2 instead of 23.9 % (Xie et al. 2016, section 5.1)",
        "twelve blocks of 8 channels with and without, 5 epochs, three seeds", "a lower training error with shortcuts",
        "It is the argument of degradation again, in a network of another shape.",
        FV_STUDY_MEASURED, true, 60 }, shortcuts },
    { { "linear-bottleneck-learning", TOPIC,
        "A narrow layer should be linear: ReLU6 on the bottleneck costs accuracy.",
        NULL, "Sandler et al. 2018, section 6.4: about 1 % on ImageNet",
        "six blocks with bottlenecks of 6 channels, 5 epochs, three seeds", "a lower training error when linear",
        "The spiral's lesson in a network: what a rectifier cuts from six channels is gone.",
        FV_STUDY_MEASURED, true, 40 }, bottlenecks },
    { { "dead-kernels", TOPIC,
        "Depthwise kernels do not die with a usual weight decay; ten times as much shrinks them.",
        "\"Most depthwise kernels are zero\": an observation of practitioners, not of the paper, and not seen here.",
        "Howard et al. 2017, section 3.2 advises little or no decay on depthwise filters",
        "a separable network, 8 epochs, decay 5e-4 and 5e-3 on all weights",
        "no kernel below 1e-2 at 5e-4; smaller ones at 5e-3",
        "A depthwise kernel has nine weights and weak gradients; decay that suits a dense layer wins against them in time. Recipes therefore spare them.",
        FV_STUDY_MEASURED, true, 20 }, dead_kernels },
    { { 0 }, NULL },
};
// clang-format on
