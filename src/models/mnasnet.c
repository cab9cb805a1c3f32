/* mnasnet.c -- inverted residuals found by a search that measured a phone.
 * Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le: "MnasNet: Platform-Aware Neural Architecture Search for Mobile" (2018).
 * mnasnet is B1, without squeeze and excitation, with PyTorch's names of tensors; semnasnet is A1, figure 7, with timm's.
 * Deviations, as in the published weights: the last convolution is not scaled; A1's squeeze is a quarter of the block's
 * input channels; padding is the same on all sides.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "models/inverted.h"
#include "models/models.h"
#include <math.h>
#include <stdio.h>

typedef struct stage {
    int expansion, k, out, repeat, stride;
    bool se;
} stage;

// clang-format off
static const stage b1[] = {
    { 1, 3,  16, 1, 1, false },
    { 3, 3,  24, 3, 2, false },
    { 3, 5,  40, 3, 2, false },
    { 6, 5,  80, 3, 2, false },
    { 6, 3,  96, 2, 1, false },
    { 6, 5, 192, 4, 2, false },
    { 6, 3, 320, 1, 1, false },
};
static const stage a1[] = { /* figure 7 */
    { 1, 3,  16, 1, 1, false },
    { 6, 3,  24, 2, 2, false },
    { 3, 5,  40, 3, 2, true },
    { 6, 3,  80, 4, 2, false },
    { 6, 3, 112, 2, 1, true },
    { 6, 5, 160, 3, 2, true },
    { 6, 3, 320, 1, 1, false },
};
// clang-format on
enum { STAGES = sizeof b1 / sizeof *b1, STEM = 32, LAST = 1280 };

typedef struct mnasnet_cfg {
    double width;
} mnasnet_cfg;

static const fv_bn bn = { 1e-5f, 3e-4f }; /* 1 - 0.9997, which is TensorFlow's way to say it */

/* PyTorch counts all layers of the network and of a block, activations too; the first stage is written out. */
static fv_val mnasnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const double width = ((const mnasnet_cfg *)cfg)->width;
    const fv_init linear = { FV_INIT_UNIFORM, (float)sqrt(3.0 / b->classes), 0 };
    const int stem = fv_scaled_channels(STEM, width), stride = b->stem == FV_STEM_CIFAR ? 1 : 2;
    char name[24];

    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, linear);
    x = fv_conv_bn(g, x, "layers.0", "layers.1", (fv_conv){ .out = stem, .k = 3, .stride = stride }, bn, FV_ACT_RELU);
    x = fv_conv_bn(g, x, "layers.3", "layers.4", (fv_conv){ .out = stem, .k = 3, .groups = stem }, bn, FV_ACT_RELU);
    x = fv_conv_bn(g, x, "layers.6", "layers.7", (fv_conv){ .out = fv_scaled_channels(b1->out, width), .k = 1 }, bn,
                   FV_ACT_NONE);
    for (int s = 1; s < STAGES; s++) {
        snprintf(name, sizeof name, "layers.%d", 7 + s);
        for (int i = 0; i < b1[s].repeat; i++) {
            const fv_inverted block = { .wide = fv_channels(g, x) * b1[s].expansion,
                                        .out = fv_scaled_channels(b1[s].out, width),
                                        .k = b1[s].k,
                                        .stride = i == 0 ? b1[s].stride : 1,
                                        .act = FV_ACT_RELU,
                                        .bn = bn,
                                        .spelling = FV_SPELL_MNASNET };
            fv_scope(g, "%s.%d", name, i);
            x = fv_inverted_residual(g, x, &block);
            fv_scope(g, NULL);
        }
        fv_name(g, x, name);
    }
    x = fv_conv_bn(g, x, "layers.14", "layers.15", (fv_conv){ .out = LAST, .k = 1 }, bn, FV_ACT_RELU);
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.2f);
    return fv_linear(g, x, "classifier.1", b->classes);
}

static fv_val semnasnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const double width = ((const mnasnet_cfg *)cfg)->width;
    const fv_init linear = { FV_INIT_UNIFORM, (float)(1 / sqrt(b->classes)), 0 };
    const fv_conv stem = { .out = fv_scaled_channels(STEM, width), .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2 };
    const fv_bn usual = { 0 };
    char name[24];

    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, linear);
    x = fv_conv_bn(g, x, "conv_stem", "bn1", stem, usual, FV_ACT_RELU);
    for (int s = 0; s < STAGES; s++) {
        snprintf(name, sizeof name, "blocks.%d", s);
        for (int i = 0; i < a1[s].repeat; i++) {
            const int in = fv_channels(g, x);
            const fv_inverted block = { .wide = in * a1[s].expansion,
                                        .out = fv_scaled_channels(a1[s].out, width),
                                        .k = a1[s].k,
                                        .stride = i == 0 ? a1[s].stride : 1,
                                        .squeezed = a1[s].se ? in / 4 : 0,
                                        .act = FV_ACT_RELU,
                                        .squeeze = FV_ACT_RELU,
                                        .gate = FV_ACT_SIGMOID,
                                        .spelling = FV_SPELL_TIMM };
            fv_scope(g, "%s.%d", name, i);
            x = fv_inverted_residual(g, x, &block);
            fv_scope(g, NULL);
        }
        fv_name(g, x, name);
    }
    x = fv_conv_bn(g, x, "conv_head", "bn2", (fv_conv){ .out = LAST, .k = 1 }, usual, FV_ACT_RELU);
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.2f);
    return fv_linear(g, x, "classifier", b->classes);
}

// clang-format off
#define W(width) &(const mnasnet_cfg){ width }
#define IMAGENET 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define NEWER    224, 232, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define TIMM     224, 256, FV_BICUBIC, FV_NORM_IMAGENET, 1000
#define TV       "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_mnasnet[] = {
    /* name           family     build      config   input     params   MACs       top1    source */
    { "mnasnet0_5",    "mnasnet", mnasnet,   W(0.5),  IMAGENET, 2218512, 104455968, 67.734, TV },
    { "mnasnet0_75",   "mnasnet", mnasnet,   W(0.75), NEWER,    3170208, 215493104, 71.180, TV },
    { "mnasnet1_0",    "mnasnet", mnasnet,   W(1.0),  IMAGENET, 4383312, 314415872, 73.456, TV },
    { "mnasnet1_3",    "mnasnet", mnasnet,   W(1.3),  NEWER,    6282256, 526362432, 76.506, TV },
    { "semnasnet_100", "mnasnet", semnasnet, W(1.0),  TIMM,     3887038, 311579072, 75.45,  "timm, semnasnet_100.rmsp_in1k" },
    { 0 }
};
// clang-format on
