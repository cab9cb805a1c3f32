/* mobilenet_v3.c -- blocks found by search, squeeze and excitation, hard swish.
 * Howard et al.: "Searching for MobileNetV3" (2019), tables 1 and 2, with PyTorch's or timm's names of tensors.
 * Of the width 0.75 there are two forms: PyTorch's rule scales the expanded channels themselves and the last layer, the
 * weights trained with TensorFlow keep the ratio of expansion and the last layer. The minimal form (TensorFlow Slim) has
 * 3x3 windows, ReLU and no squeeze and excitation. The tf_ rows pad as TensorFlow does. The mobilenetv3_ rows and the
 * width 0.5 are timm's, whose norms have PyTorch's usual constants and whose stem is not scaled below 0.75.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "models/inverted.h"
#include "models/models.h"
#include <stdio.h>

typedef struct block {
    int stage, k, wide, out;
    bool se;
    fv_act act;
    int stride;
} block;

typedef struct mobilenet_v3_cfg {
    const block *blocks;
    int count, last; /* last: the layer in front of the classifier */
    double width;
    bool minimal, tf;
    fv_spelling spelling;
    fv_bn bn;
} mobilenet_v3_cfg;

// clang-format off
#define RE FV_ACT_RELU
#define HS FV_ACT_HARD_SWISH
static const block large[] = { /* table 1 */
    { 0, 3,  16,  16, false, RE, 1 },
    { 1, 3,  64,  24, false, RE, 2 }, { 1, 3,  72,  24, false, RE, 1 },
    { 2, 5,  72,  40, true,  RE, 2 }, { 2, 5, 120,  40, true,  RE, 1 }, { 2, 5, 120,  40, true,  RE, 1 },
    { 3, 3, 240,  80, false, HS, 2 }, { 3, 3, 200,  80, false, HS, 1 }, { 3, 3, 184,  80, false, HS, 1 }, { 3, 3, 184, 80, false, HS, 1 },
    { 4, 3, 480, 112, true,  HS, 1 }, { 4, 3, 672, 112, true,  HS, 1 },
    { 5, 5, 672, 160, true,  HS, 2 }, { 5, 5, 960, 160, true,  HS, 1 }, { 5, 5, 960, 160, true,  HS, 1 },
};
static const block small[] = { /* table 2 */
    { 0, 3,  16,  16, true,  RE, 2 },
    { 1, 3,  72,  24, false, RE, 2 }, { 1, 3,  88,  24, false, RE, 1 },
    { 2, 5,  96,  40, true,  HS, 2 }, { 2, 5, 240,  40, true,  HS, 1 }, { 2, 5, 240,  40, true,  HS, 1 },
    { 3, 5, 120,  48, true,  HS, 1 }, { 3, 5, 144,  48, true,  HS, 1 },
    { 4, 5, 288,  96, true,  HS, 2 }, { 4, 5, 576,  96, true,  HS, 1 }, { 4, 5, 576,  96, true,  HS, 1 },
};
// clang-format on

static bool timm(const mobilenet_v3_cfg *c)
{
    return c->spelling == FV_SPELL_TIMM;
}

static fv_act curve(const mobilenet_v3_cfg *c)
{
    return c->minimal ? FV_ACT_RELU : FV_ACT_HARD_SWISH;
}

static fv_val bneck(fv_graph *g, fv_val x, const mobilenet_v3_cfg *c, const block *p, int narrow)
{
    /* narrow: the block's input channels at width 1 */
    const int in = fv_channels(g, x);
    const int wide = timm(c) ? fv_scaled_channels(in, (double)p->wide / narrow) : fv_scaled_channels(p->wide, c->width);
    const fv_inverted b = { .wide = wide,
                            .out = fv_scaled_channels(p->out, c->width),
                            .k = c->minimal ? 3 : p->k,
                            .stride = p->stride,
                            .squeezed = p->se && !c->minimal ? fv_scaled_channels(wide / 4, 1) : 0,
                            .act = c->minimal ? FV_ACT_RELU : p->act,
                            .squeeze = FV_ACT_RELU,
                            .gate = FV_ACT_HARD_SIGMOID,
                            .bn = c->bn,
                            .same = c->tf,
                            .spelling = c->spelling };
    return fv_inverted_residual(g, x, &b);
}

static fv_val body(fv_graph *g, fv_val x, const mobilenet_v3_cfg *c)
{
    char name[24];
    int narrow = 16;

    for (int i = 0, in_stage = 0; i < c->count; i++) {
        in_stage = i && c->blocks[i].stage == c->blocks[i - 1].stage ? in_stage + 1 : 0;
        if (timm(c)) snprintf(name, sizeof name, "blocks.%d.%d", c->blocks[i].stage, in_stage);
        else snprintf(name, sizeof name, "features.%d", i + 1);
        fv_scope(g, "%s", name);
        x = bneck(g, x, c, &c->blocks[i], narrow);
        fv_scope(g, NULL);
        fv_name(g, x, name);
        narrow = c->blocks[i].out;
    }
    return x;
}

/* Section 5.1: the last layers work on one pixel. */
static fv_val tail(fv_graph *g, fv_val x, const mobilenet_v3_cfg *c, int classes)
{
    const fv_conv widen = { .out = 6 * fv_channels(g, x), .k = 1 };
    char name[24];

    if (timm(c)) {
        fv_scope(g, "blocks.%d.0", c->blocks[c->count - 1].stage + 1);
        x = fv_conv_bn(g, x, "conv", "bn1", widen, c->bn, curve(c));
        fv_scope(g, NULL);
        x = fv_conv2d(g, fv_global_avgpool(g, x), "conv_head", (fv_conv){ .out = c->last, .bias = true });
    } else {
        snprintf(name, sizeof name, "features.%d", c->count + 1);
        fv_scope(g, "%s", name);
        x = fv_conv_bn(g, x, "0", "1", widen, c->bn, curve(c));
        fv_scope(g, NULL);
        fv_name(g, x, name);
        x = fv_linear(g, fv_global_avgpool(g, x), "classifier.0", fv_scaled_channels(c->last, c->width));
    }
    x = fv_dropout(g, fv_activate(g, x, curve(c)), 0.2f);
    return fv_linear(g, x, timm(c) ? "classifier" : "classifier.3", classes);
}

static fv_val mobilenet_v3(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const mobilenet_v3_cfg *c = cfg;
    const double width = c->width < 0.75 ? 1 : c->width;
    const fv_conv stem = {
        .out = fv_scaled_channels(16, width), .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2, .same = c->tf
    };

    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = fv_conv_bn(g, x, timm(c) ? "conv_stem" : "features.0.0", timm(c) ? "bn1" : "features.0.1", stem, c->bn,
                   curve(c));
    return tail(g, body(g, x, c), c, b->classes);
}

// clang-format off
#define LARGE large, sizeof large / sizeof *large, 1280
#define SMALL small, sizeof small / sizeof *small, 1024
#define BN { 1e-3f, 0.01f }
#define CFG(size, width)    &(const mobilenet_v3_cfg){ size, width, false, false, FV_SPELL_TORCHVISION, BN }
#define MIN(size)           &(const mobilenet_v3_cfg){ size, 1.0, true, false, FV_SPELL_TIMM, BN }
#define TF(size, width)     &(const mobilenet_v3_cfg){ size, width, false, true, FV_SPELL_TIMM, BN }
#define TFMIN(size)         &(const mobilenet_v3_cfg){ size, 1.0, true, true, FV_SPELL_TIMM, BN }
#define PLAIN(size, width)  &(const mobilenet_v3_cfg){ size, width, false, false, FV_SPELL_TIMM, { 1e-5f, 0.1f } }
#define TIMM 224, 256, FV_BICUBIC, FV_NORM_IMAGENET, 1000
#define R256 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define UNIT 224, 256, FV_BILINEAR, FV_NORM_UNIT, 1000
#define TV   "torchvision, IMAGENET1K_V1 weights"
#define SLIM "TensorFlow Slim, mobilenet_v3 checkpoints"
const fv_model fv_models_mobilenet_v3[] = {
    /* name                              family          build         config            input params   MACs       top1    source */
    { "mobilenet_v3_large",              "mobilenet_v3", mobilenet_v3, CFG(LARGE, 1.0),  R256, 5483032, 216589760, 74.042, TV },
    { "mobilenet_v3_large_075",          "mobilenet_v3", mobilenet_v3, CFG(LARGE, 0.75), R256, 3377576, 140033816, 0,      NULL },
    { "mobilenet_v3_large_minimal",      "mobilenet_v3", mobilenet_v3, MIN(LARGE),       UNIT, 3924288, 209136704, 72.3,   SLIM },
    { "mobilenet_v3_small",              "mobilenet_v3", mobilenet_v3, CFG(SMALL, 1.0),  R256, 2542856,  56510400, 67.668, TV },
    { "mobilenet_v3_small_075",          "mobilenet_v3", mobilenet_v3, CFG(SMALL, 0.75), R256, 1653920,  39115576, 0,      NULL },
    { "mobilenet_v3_small_minimal",      "mobilenet_v3", mobilenet_v3, MIN(SMALL),       UNIT, 2044736,  52288448, 61.9,   SLIM },
    { "tf_mobilenetv3_large_100",        "mobilenet_v3", mobilenet_v3, TF(LARGE, 1.0),   UNIT, 5483032, 216589760, 75.2,   SLIM },
    { "tf_mobilenetv3_large_075",        "mobilenet_v3", mobilenet_v3, TF(LARGE, 0.75),  UNIT, 3993528, 154560624, 73.3,   SLIM },
    { "tf_mobilenetv3_large_minimal_100","mobilenet_v3", mobilenet_v3, TFMIN(LARGE),     UNIT, 3924288, 209136704, 72.3,   SLIM },
    { "tf_mobilenetv3_small_100",        "mobilenet_v3", mobilenet_v3, TF(SMALL, 1.0),   UNIT, 2542856,  56510400, 67.4,   "Howard et al. 2019, table 3" },
    { "tf_mobilenetv3_small_075",        "mobilenet_v3", mobilenet_v3, TF(SMALL, 0.75),  UNIT, 2041872,  43399344, 65.4,   SLIM },
    { "tf_mobilenetv3_small_minimal_100","mobilenet_v3", mobilenet_v3, TFMIN(SMALL),     UNIT, 2044736,  52288448, 61.9,   SLIM },
    { "mobilenetv3_large_100",           "mobilenet_v3", mobilenet_v3, PLAIN(LARGE, 1.0), TIMM, 5483032, 216589760, 75.766, "timm, mobilenetv3_large_100.ra_in1k" },
    { "mobilenetv3_small_100",           "mobilenet_v3", mobilenet_v3, PLAIN(SMALL, 1.0), TIMM, 2542856,  56510400, 67.656, "timm, mobilenetv3_small_100.lamb_in1k" },
    { "mobilenetv3_small_075",           "mobilenet_v3", mobilenet_v3, PLAIN(SMALL, 0.75), TIMM, 2041872, 43399344, 65.234, "timm, mobilenetv3_small_075.lamb_in1k" },
    { "mobilenet_v3_small_050",          "mobilenet_v3", mobilenet_v3, PLAIN(SMALL, 0.5), TIMM, 1593224,  24188688, 57.91,  "timm, mobilenetv3_small_050.lamb_in1k" },
    { 0 }
};
// clang-format on
