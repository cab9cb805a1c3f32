/* resnet.c -- residual networks.
 * He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition" (2015), table 1 and section 4.2.
 * Deviation: stride 2 sits on the 3x3 of a bottleneck ("v1.5"), as in the published PyTorch weights, whose tensor
 * names are kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

static fv_val conv_bn(fv_graph *g, fv_val x, const char *conv, const char *bn, int out, int k, int stride)
{
    x = fv_conv2d(g, x, conv, (fv_conv){ .out = out, .k = k, .stride = stride, .pad = k / 2 });
    return fv_batchnorm(g, x, bn, (fv_bn){ 0 });
}

/* ---- ImageNet: table 1, projections where the shape changes (option B) ---- */

typedef struct resnet_cfg {
    int depth[4];
    bool bottleneck;
} resnet_cfg;

/* y = relu(F(x) + shortcut(x)), section 3.2, eq. (1)-(2). */
static fv_val block(fv_graph *g, fv_val x, int width, int stride, bool bottleneck)
{
    const int out = bottleneck ? 4 * width : width;
    fv_val y = x, shortcut = x;

    if (bottleneck) {
        y = fv_relu(g, conv_bn(g, y, "conv1", "bn1", width, 1, 1));
        y = fv_relu(g, conv_bn(g, y, "conv2", "bn2", width, 3, stride));
        y = conv_bn(g, y, "conv3", "bn3", out, 1, 1);
    } else {
        y = fv_relu(g, conv_bn(g, y, "conv1", "bn1", width, 3, stride));
        y = conv_bn(g, y, "conv2", "bn2", width, 3, 1);
    }
    if (stride != 1 || fv_channels(g, x) != out)
        shortcut = conv_bn(g, x, "downsample.0", "downsample.1", out, 1, stride);
    return fv_relu(g, fv_add(g, y, shortcut));
}

/* The small stem keeps the resolution of small pictures: 3x3 without stride, no pooling. */
static fv_val stem(fv_graph *g, fv_val x, fv_stem form)
{
    if (form == FV_STEM_CIFAR) return fv_relu(g, conv_bn(g, x, "conv1", "bn1", 64, 3, 1));
    x = fv_relu(g, conv_bn(g, x, "conv1", "bn1", 64, 7, 2));
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
}

static const char *const stages[] = { "layer1", "layer2", "layer3", "layer4" };

static fv_val resnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const resnet_cfg *c = cfg;

    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_TORCH, 0, 0 });
    x = stem(g, x, b->stem);
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < c->depth[stage]; i++) {
            fv_scope(g, "layer%d.%d", stage + 1, i);
            x = block(g, x, 64 << stage, stage > 0 && i == 0 ? 2 : 1, c->bottleneck);
            fv_scope(g, NULL);
        }
        fv_name(g, x, stages[stage]);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", b->classes);
}

/* ---- CIFAR: section 4.2, 6n + 2 layers, shortcuts without weights (option A) ---- */

typedef struct cifar_cfg {
    int n; /* blocks of a stage */
} cifar_cfg;

/* Every other pixel, and zeros for the channels that the input lacks, as many in front as behind. */
static fv_val option_a(fv_graph *g, fv_val x, int out, int stride)
{
    const int more = out - fv_channels(g, x);
    x = fv_maxpool(g, x, (fv_pool){ .k = 1, .stride = stride });
    return fv_pad(g, x, (fv_padding){ .c_front = more / 2, .c_back = more - more / 2 });
}

static fv_val cifar_block(fv_graph *g, fv_val x, int width, int stride)
{
    fv_val y = fv_relu(g, conv_bn(g, x, "conv1", "bn1", width, 3, stride));
    y = conv_bn(g, y, "conv2", "bn2", width, 3, 1);
    return fv_relu(g, fv_add(g, y, stride != 1 ? option_a(g, x, width, stride) : x));
}

static fv_val cifar_resnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const cifar_cfg *c = cfg;

    if (b->stem == FV_STEM_IMAGENET) fv_fail_graph(g, "a CIFAR network has no ImageNet stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_IN, 0, 0 }, (fv_init){ FV_INIT_HE_FAN_IN, 0, 0 });
    x = fv_relu(g, conv_bn(g, x, "conv1", "bn1", 16, 3, 1));
    for (int stage = 0; stage < 3; stage++) {
        for (int i = 0; i < c->n; i++) {
            fv_scope(g, "layer%d.%d", stage + 1, i);
            x = cifar_block(g, x, 16 << stage, stage > 0 && i == 0 ? 2 : 1);
            fv_scope(g, NULL);
        }
        fv_name(g, x, stages[stage]);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "linear", b->classes);
}

// clang-format off
#define BASIC(...)  &(const resnet_cfg){ { __VA_ARGS__ }, false }
#define BOTTLE(...) &(const resnet_cfg){ { __VA_ARGS__ }, true }
#define N(n)        &(const cifar_cfg){ n }
#define IMAGENET    224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define CIFAR       32, 32, FV_BILINEAR, FV_NORM_IMAGENET, 10
#define TV          "torchvision, IMAGENET1K_V1 weights"
#define PAPER       "He et al. 2015, table 6"
const fv_model fv_models_resnet[] = {
    /* name          family    build         config                 input     params       MACs          top1    source */
    { "resnet18",   "resnet", resnet,       BASIC(2, 2,  2, 2),    IMAGENET, 11689512,  1814073344, 69.758, TV },
    { "resnet34",   "resnet", resnet,       BASIC(3, 4,  6, 3),    IMAGENET, 21797672,  3663761408, 73.314, TV },
    { "resnet50",   "resnet", resnet,       BOTTLE(3, 4,  6, 3),   IMAGENET, 25557032,  4089184256, 76.130, TV },
    { "resnet101",  "resnet", resnet,       BOTTLE(3, 4, 23, 3),   IMAGENET, 44549160,  7801405440, 77.374, TV },
    { "resnet152",  "resnet", resnet,       BOTTLE(3, 8, 36, 3),   IMAGENET, 60192808, 11513626624, 78.312, TV },
    { "resnet20",   "resnet", cifar_resnet, N(3),                  CIFAR,      269722,    40551040, 91.25,  PAPER },
    { "resnet32",   "resnet", cifar_resnet, N(5),                  CIFAR,      464154,    68862592, 92.49,  PAPER },
    { "resnet44",   "resnet", cifar_resnet, N(7),                  CIFAR,      658586,    97174144, 92.83,  PAPER },
    { "resnet56",   "resnet", cifar_resnet, N(9),                  CIFAR,      853018,   125485696, 93.03,  PAPER },
    { "resnet110",  "resnet", cifar_resnet, N(18),                 CIFAR,     1727962,   252887680, 93.57,  PAPER },
    { "resnet1202", "resnet", cifar_resnet, N(200),                CIFAR,    19421274,  2829238912, 92.07,  PAPER },
    { 0 }
};
// clang-format on
