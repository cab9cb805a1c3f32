/* preact.c -- residual networks whose shortcuts are identities from end to end: norm and activation come first.
 * He, Zhang, Ren, Sun: "Identity Mappings in Deep Residual Networks" (2016), figure 4 (e), section 3.2 and the appendix.
 * All rows have timm's names of tensors, of which there are none published for the CIFAR forms; the counts of those
 * follow from the paper's description: 6n + 2 or, with bottlenecks, 9n + 2 layers, 1x1 projections without a norm where
 * the shape changes, stride 2 on a block's first 3x3.
 * Deviation: the first block's norm and activation are its own, as in timm; the stem has none.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "graph/order.h"
#include "models/models.h"

typedef struct preact_cfg {
    int depth[4]; /* blocks of each stage; 0: there is none */
    bool bottleneck;
    int width; /* of the stem, and within the blocks of the first stage */
    bool cifar;
} preact_cfg;

static fv_val norm_relu(fv_graph *g, fv_val x, const char *name)
{
    return fv_relu(g, fv_batchnorm(g, x, name, (fv_bn){ 0 }));
}

static fv_val conv(fv_graph *g, fv_val x, const char *name, int out, int k, int stride)
{
    return fv_conv2d(g, x, name, (fv_conv){ .out = out, .k = k, .stride = stride, .pad = k / 2 });
}

/* y = x + F(x); where the shape changes, the first norm and activation are the projection's, too. */
static fv_val block(fv_graph *g, fv_val x, const preact_cfg *c, int width, int stride)
{
    const int out = c->bottleneck ? 4 * width : width;
    const fv_val norm = fv_batchnorm(g, x, "norm1", (fv_bn){ 0 });
    fv_val y = fv_relu(g, norm), shortcut = x;

    if (stride != 1 || fv_channels(g, x) != out) {
        shortcut = conv(g, y, "downsample.conv", out, 1, stride);
        fv_params_before(g, shortcut, norm);
    }
    if (c->bottleneck) {
        y = conv(g, y, "conv1", width, 1, 1);
        y = conv(g, norm_relu(g, y, "norm2"), "conv2", width, 3, stride);
        y = conv(g, norm_relu(g, y, "norm3"), "conv3", out, 1, 1);
    } else {
        y = conv(g, y, "conv1", width, 3, stride);
        y = conv(g, norm_relu(g, y, "norm2"), "conv2", width, 3, 1);
    }
    return fv_add(g, fv_branch(g, y), shortcut);
}

static fv_val stem(fv_graph *g, fv_val x, const preact_cfg *c, fv_stem form)
{
    if (c->cifar || form == FV_STEM_CIFAR) return conv(g, x, "stem.conv", c->width, 3, 1);
    x = conv(g, x, "stem.conv", c->width, 7, 2);
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
}

static fv_val preact(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const stages[] = { "stages.0", "stages.1", "stages.2", "stages.3" };
    const preact_cfg *c = cfg;

    if (c->cifar && b->stem == FV_STEM_IMAGENET) fv_fail_graph(g, "a CIFAR network has no ImageNet stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ 0 });
    fv_stochastic_depth(g, b);
    x = stem(g, x, c, b->stem);
    for (int stage = 0; stage < 4 && c->depth[stage]; stage++) {
        for (int i = 0; i < c->depth[stage]; i++) {
            fv_scope(g, "stages.%d.blocks.%d", stage, i);
            x = block(g, x, c, c->width << stage, stage > 0 && i == 0 ? 2 : 1);
            fv_scope(g, NULL);
        }
        fv_name(g, x, stages[stage]);
    }
    x = fv_global_avgpool(g, norm_relu(g, x, "norm"));
    x = fv_conv2d(g, x, "head.fc", (fv_conv){ .out = b->classes, .bias = true, .init = { FV_INIT_NORMAL, 0.01f, 0 } });
    return x;
}

// clang-format off
#define BASIC(n)  &(const preact_cfg){ { n, n, n, 0 }, false, 16, true }
#define BOTTLE(n) &(const preact_cfg){ { n, n, n, 0 }, true, 16, true }
#define R50       &(const preact_cfg){ { 3, 4, 6, 3 }, true, 64, false }
#define CIFAR     32, 32, FV_BILINEAR, FV_NORM_IMAGENET, 10
#define TIMM      224, 235, FV_BICUBIC, FV_NORM_UNIT, 1000
#define PAPER     "He et al. 2016, table 3"
const fv_model fv_models_preact[] = {
    /* name                 family          build   config       input  params    MACs         top1   source */
    { "resnetv2_50",        "preact_resnet", preact, R50,         TIMM,  25549352, 4089184256, 80.41, "timm, resnetv2_50.a1h_in1k" },
    { "preact_resnet20",    "preact_resnet", preact, BASIC(3),    CIFAR,   272282,   40813184, 0,     NULL },
    { "preact_resnet32",    "preact_resnet", preact, BASIC(5),    CIFAR,   466714,   69124736, 0,     NULL },
    { "preact_resnet44",    "preact_resnet", preact, BASIC(7),    CIFAR,   661146,   97436288, 0,     NULL },
    { "preact_resnet56",    "preact_resnet", preact, BASIC(9),    CIFAR,   855578,  125747840, 0,     NULL },
    { "preact_resnet110",   "preact_resnet", preact, BASIC(18),   CIFAR,  1730522,  253149824, 93.63, PAPER },
    { "preact_resnet164",   "preact_resnet", preact, BOTTLE(18),  CIFAR,  1703258,  247646720, 94.54, PAPER },
    { "preact_resnet1001",  "preact_resnet", preact, BOTTLE(111), CIFAR, 10327706, 1490995712, 95.08, PAPER },
    { 0 }
};
// clang-format on
