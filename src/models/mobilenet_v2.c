/* mobilenet_v2.c -- inverted residuals and linear bottlenecks.
 * Sandler, Howard, Zhu, Zhmoginov, Chen: "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2,
 * with PyTorch's names of tensors; the tf_ rows have timm's, and pad and normalise as TensorFlow does. Deviation, as in the
 * published weights: the last convolution of a network narrower than 1 keeps its 1280 channels. The d rows are timm's:
 * deeper, but for the first and last stage, with a stem and a last convolution that are not scaled.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "graph/branch.h"
#include "models/models.h"
#include <math.h>
#include <stdio.h>

typedef struct mobilenet_v2_cfg {
    double width;
    double depth; /* timm's d rows: the repeats' factor, while stem and last convolution keep their width; else 0 */
} mobilenet_v2_cfg;

// clang-format off
static const struct stage {
    int expansion, out, repeat, stride;
} stages[] = { /* table 2 */
    { 1,  16, 1, 1 },
    { 6,  24, 2, 2 },
    { 6,  32, 3, 2 },
    { 6,  64, 4, 2 },
    { 6,  96, 3, 1 },
    { 6, 160, 3, 2 },
    { 6, 320, 1, 1 },
};
// clang-format on
enum { STAGES = sizeof stages / sizeof *stages };

/* Convolution, batch norm, ReLU6, under a scope of their own: NAME.0 and NAME.1. */
static fv_val conv_bn_relu6(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    fv_scope(g, "%s", name);
    x = fv_batchnorm(g, fv_conv2d(g, x, "0", p), "1", (fv_bn){ 0 });
    fv_scope(g, NULL);
    return fv_activate(g, x, FV_ACT_RELU6);
}

/* Table 1: expand, filter each channel, project without an activation; section 3.3: the bottlenecks are what the
 * shortcut joins. A block that does not expand has no first convolution, and its modules count from there. */
static fv_val bottleneck(fv_graph *g, fv_val x, int expansion, int out, int stride)
{
    const int in = fv_channels(g, x), wide = in * expansion;
    fv_val y = x;

    fv_scope(g, "conv");
    if (expansion != 1) y = conv_bn_relu6(g, y, "0", (fv_conv){ .out = wide });
    y = conv_bn_relu6(g, y, expansion != 1 ? "1" : "0",
                      (fv_conv){ .out = wide, .k = 3, .stride = stride, .pad = 1, .groups = wide });
    y = fv_conv2d(g, y, expansion != 1 ? "2" : "1", (fv_conv){ .out = out });
    y = fv_batchnorm(g, y, expansion != 1 ? "3" : "2", (fv_bn){ 0 });
    fv_scope(g, NULL);
    return stride == 1 && in == out ? fv_add(g, x, fv_branch(g, y)) : y;
}

static fv_val mobilenet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const double width = ((const mobilenet_v2_cfg *)cfg)->width;
    const int stem = fv_scaled_channels(32, width), last = fv_scaled_channels(1280, width > 1 ? width : 1);
    int block = 0;
    char name[24];

    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = conv_bn_relu6(g, x, "features.0",
                      (fv_conv){ .out = stem, .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2, .pad = 1 });
    fv_name(g, x, "features.0");
    for (const struct stage *s = stages; s < stages + STAGES; s++)
        for (int i = 0; i < s->repeat; i++) {
            snprintf(name, sizeof name, "features.%d", ++block);
            fv_scope(g, "%s", name);
            x = bottleneck(g, x, s->expansion, fv_scaled_channels(s->out, width), i == 0 ? s->stride : 1);
            fv_scope(g, NULL);
            fv_name(g, x, name);
        }
    x = conv_bn_relu6(g, x, "features.18", (fv_conv){ .out = last });
    fv_name(g, x, "features.18");
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.2f);
    return fv_linear(g, x, "classifier.1", b->classes);
}

static const fv_bn tf_bn = { 1e-3f, 0.003f }, usual_bn = { 0 };

static int repeats(const mobilenet_v2_cfg *c, int stage)
{
    const bool fixed = c->depth == 0 || stage == 0 || stage == STAGES - 1;
    return fixed ? stages[stage].repeat : (int)ceil(stages[stage].repeat * c->depth);
}

/* timm's: each stage a list of blocks. */
static fv_val timm_stages(fv_graph *g, fv_val x, const mobilenet_v2_cfg *c, bool tf)
{
    char name[24];

    for (int s = 0; s < STAGES; s++) {
        for (int i = 0; i < repeats(c, s); i++) {
            const fv_inverted b = { .wide = fv_channels(g, x) * stages[s].expansion,
                                    .out = fv_scaled_channels(stages[s].out, c->width),
                                    .k = 3,
                                    .stride = i == 0 ? stages[s].stride : 1,
                                    .act = FV_ACT_RELU6,
                                    .bn = tf ? tf_bn : usual_bn,
                                    .same = tf,
                                    .spelling = FV_SPELL_TIMM };
            fv_scope(g, "blocks.%d.%d", s, i);
            x = fv_inverted_residual(g, x, &b);
            fv_scope(g, NULL);
        }
        snprintf(name, sizeof name, "blocks.%d", s);
        fv_name(g, x, name);
    }
    return x;
}

static fv_val timm_mobilenet_v2(fv_graph *g, fv_val x, const mobilenet_v2_cfg *c, bool tf, const fv_build *b)
{
    const double width = c->depth != 0 ? 1 : c->width;
    const int stem = fv_scaled_channels(32, width), last = fv_scaled_channels(1280, width > 1 ? width : 1);
    const int stride = b->stem == FV_STEM_CIFAR ? 1 : 2;
    const fv_bn bn = tf ? tf_bn : usual_bn;

    fv_stochastic_depth(g, b);
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = fv_conv_bn(g, x, "conv_stem", "bn1", (fv_conv){ .out = stem, .k = 3, .stride = stride, .same = tf }, bn,
                   FV_ACT_RELU6);
    x = timm_stages(g, x, c, tf);
    x = fv_conv_bn(g, x, "conv_head", "bn2", (fv_conv){ .out = last, .k = 1 }, bn, FV_ACT_RELU6);
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.2f);
    return fv_linear(g, x, "classifier", b->classes);
}

static fv_val tf_mobilenet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    return timm_mobilenet_v2(g, x, cfg, true, b);
}

static fv_val deep_mobilenet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    return timm_mobilenet_v2(g, x, cfg, false, b);
}

// clang-format off
#define W(width) &(const mobilenet_v2_cfg){ width, 0 }
#define D(width, depth) &(const mobilenet_v2_cfg){ width, depth }
#define IMAGENET 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define UNIT     224, 256, FV_BILINEAR, FV_NORM_UNIT, 1000
#define TIMM     224, 256, FV_BICUBIC, FV_NORM_IMAGENET, 1000
#define TV       "torchvision, IMAGENET1K_V1 weights"
#define SLIM     "TensorFlow Slim, mobilenet_v2 checkpoints"
const fv_model fv_models_mobilenet_v2[] = {
    /* name                family          build         config   input     params  MACs       top1    source */
    { "mobilenet_v2",     "mobilenet_v2", mobilenet_v2, W(1.0),  IMAGENET, 3504872, 300774272, 71.878, TV },
    { "mobilenet_v2_035", "mobilenet_v2", mobilenet_v2, W(0.35), IMAGENET, 1677128,  59285808, 60.3,   SLIM },
    { "mobilenet_v2_050", "mobilenet_v2", mobilenet_v2, W(0.5),  IMAGENET, 1968680,  97131840, 65.4,   SLIM },
    { "mobilenet_v2_075", "mobilenet_v2", mobilenet_v2, W(0.75), IMAGENET, 2636424, 209069792, 69.8,   SLIM },
    { "mobilenet_v2_130", "mobilenet_v2", mobilenet_v2, W(1.3),  IMAGENET, 5386792, 509374560, 74.4,   SLIM },
    { "mobilenet_v2_140", "mobilenet_v2", mobilenet_v2, W(1.4),  IMAGENET, 6108776, 582195824, 75.0,   SLIM },
    { "tf_mobilenetv2_100", "mobilenet_v2", tf_mobilenet_v2, W(1.0),  UNIT, 3504872, 300774272, 71.8, SLIM },
    { "tf_mobilenetv2_035", "mobilenet_v2", tf_mobilenet_v2, W(0.35), UNIT, 1677128,  59285808, 60.3, SLIM },
    { "tf_mobilenetv2_050", "mobilenet_v2", tf_mobilenet_v2, W(0.5),  UNIT, 1968680,  97131840, 65.4, SLIM },
    { "tf_mobilenetv2_075", "mobilenet_v2", tf_mobilenet_v2, W(0.75), UNIT, 2636424, 209069792, 69.8, SLIM },
    { "tf_mobilenetv2_130", "mobilenet_v2", tf_mobilenet_v2, W(1.3),  UNIT, 5386792, 509374560, 74.4, SLIM },
    { "tf_mobilenetv2_140", "mobilenet_v2", tf_mobilenet_v2, W(1.4),  UNIT, 6108776, 582195824, 75.0, SLIM },
    { "mobilenetv2_110d",   "mobilenet_v2", deep_mobilenet_v2, D(1.1, 1.2), TIMM, 4516520, 430516080, 75.056, "timm, mobilenetv2_110d.ra_in1k" },
    { "mobilenetv2_120d",   "mobilenet_v2", deep_mobilenet_v2, D(1.2, 1.4), TIMM, 5831144, 668857568, 77.302, "timm, mobilenetv2_120d.ra_in1k" },
    { 0 }
};
// clang-format on
