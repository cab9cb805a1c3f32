/* efficientnet.c -- one network, scaled in width, depth and resolution together.
 * Tan, Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), table 1 and section 4,
 * with PyTorch's names of tensors. Squeeze and excitation: Hu, Shen, Sun (2017); stochastic depth: Huang et al. (2016).
 * Deviation, as in torchvision's weights: convolutions with stride pad the same on all sides; B2's input is the one
 * that its weights are measured at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include <math.h>
#include <stdio.h>

typedef struct efficientnet_cfg {
    double width, depth; /* section 3.3, table 2 */
    float dropout;
    fv_bn bn; /* B5 to B7 were trained elsewhere, with other constants */
} efficientnet_cfg;

// clang-format off
static const struct stage {
    int expansion, k, out, repeat, stride;
} stages[] = { /* table 1, stages 2 to 8 */
    { 1, 3,  16, 1, 1 },
    { 6, 3,  24, 2, 2 },
    { 6, 5,  40, 2, 2 },
    { 6, 3,  80, 3, 2 },
    { 6, 5, 112, 3, 1 },
    { 6, 5, 192, 4, 2 },
    { 6, 3, 320, 1, 1 },
};
// clang-format on
enum { STAGES = sizeof stages / sizeof *stages };
static const double drop_at_end = 0.2; /* stochastic depth of the block after the last */

/* Convolution and batch norm under a scope of their own: NAME.0 and NAME.1. */
static fv_val conv_bn(fv_graph *g, fv_val x, const char *name, fv_bn bn, fv_conv p)
{
    p.pad = p.k / 2;
    fv_scope(g, "%s", name);
    x = fv_batchnorm(g, fv_conv2d(g, x, "0", p), "1", bn);
    fv_scope(g, NULL);
    return x;
}

static fv_val conv_bn_silu(fv_graph *g, fv_val x, const char *name, fv_bn bn, fv_conv p)
{
    return fv_activate(g, conv_bn(g, x, name, bn, p), FV_ACT_SILU);
}

/* A factor for each channel, from the means of all channels: Hu et al., eq. (2)-(4). */
static fv_val squeeze_excite(fv_graph *g, fv_val x, const char *name, int squeezed)
{
    fv_val s = fv_global_avgpool(g, x);

    fv_scope(g, "%s", name);
    s = fv_activate(g, fv_conv2d(g, s, "fc1", (fv_conv){ .out = squeezed, .bias = true }), FV_ACT_SILU);
    s = fv_conv2d(g, s, "fc2", (fv_conv){ .out = fv_channels(g, x), .bias = true });
    s = fv_activate(g, s, FV_ACT_SIGMOID);
    fv_scope(g, NULL);
    return fv_mul(g, x, s);
}

/* MBConv: expand, filter each channel, weigh the channels, project. A block that does not expand has no first
 * convolution, and its modules count from there. The squeeze is a quarter of the block's input. */
static fv_val mbconv(fv_graph *g, fv_val x, const struct stage *s, int out, int stride, fv_bn bn, float drop)
{
    static const char *const number[] = { "0", "1", "2", "3" };
    const int in = fv_channels(g, x), wide = in * s->expansion;
    int module = 0;
    fv_val y = x;

    fv_scope(g, "block");
    if (s->expansion != 1) y = conv_bn_silu(g, y, number[module++], bn, (fv_conv){ .out = wide, .k = 1 });
    y = conv_bn_silu(g, y, number[module++], bn, (fv_conv){ .out = wide, .k = s->k, .stride = stride, .groups = wide });
    y = squeeze_excite(g, y, number[module++], in / 4 > 1 ? in / 4 : 1);
    y = conv_bn(g, y, number[module], bn, (fv_conv){ .out = out, .k = 1 });
    fv_scope(g, NULL);
    return stride == 1 && in == out ? fv_add(g, fv_drop_path(g, y, drop), x) : y;
}

static int scaled_depth(int repeat, double depth)
{
    return (int)ceil(repeat * depth);
}

/* Stages 2 to 8. Block i of N is left out with a chance of i/N of the end's: Huang et al., section 3, linear decay. */
static fv_val body(fv_graph *g, fv_val x, const efficientnet_cfg *c)
{
    int blocks = 0, block = 0;
    char name[24];

    for (int s = 0; s < STAGES; s++) blocks += scaled_depth(stages[s].repeat, c->depth);
    for (int s = 0; s < STAGES; s++) {
        const int out = fv_scaled_channels(stages[s].out, c->width);
        for (int i = 0; i < scaled_depth(stages[s].repeat, c->depth); i++, block++) {
            fv_scope(g, "features.%d.%d", s + 1, i);
            x = mbconv(g, x, &stages[s], out, i == 0 ? stages[s].stride : 1, c->bn,
                       (float)(drop_at_end * block / blocks));
            fv_scope(g, NULL);
        }
        snprintf(name, sizeof name, "features.%d", s + 1);
        fv_name(g, x, name);
    }
    return x;
}

static fv_val efficientnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const efficientnet_cfg *c = cfg;
    const int stem = fv_scaled_channels(32, c->width), last = 4 * fv_scaled_channels(320, c->width);
    const fv_init linear = { FV_INIT_UNIFORM, (float)(1 / sqrt(b->classes)), 0 };

    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, linear);
    x = conv_bn_silu(g, x, "features.0", c->bn,
                     (fv_conv){ .out = stem, .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2 });
    fv_name(g, x, "features.0");
    x = conv_bn_silu(g, body(g, x, c), "features.8", c->bn, (fv_conv){ .out = last, .k = 1 });
    fv_name(g, x, "features.8");
    x = fv_dropout(g, fv_global_avgpool(g, x), c->dropout);
    return fv_linear(g, x, "classifier.1", b->classes);
}

// clang-format off
#define SCALE(width, depth, dropout) &(const efficientnet_cfg){ width, depth, dropout, { 1e-5f, 0.1f } }
#define OTHER(width, depth, dropout) &(const efficientnet_cfg){ width, depth, dropout, { 1e-3f, 0.01f } }
#define AT(size, resize) size, resize, FV_BICUBIC, 1000
#define TV               "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_efficientnet[] = {
    /* name              family          build         config                 input         params    MACs         top1    source */
    { "efficientnet_b0", "efficientnet", efficientnet, SCALE(1.0, 1.0, 0.2f), AT(224, 256),  5288548,   385814752, 77.692, TV },
    { "efficientnet_b1", "efficientnet", efficientnet, SCALE(1.0, 1.1, 0.2f), AT(240, 256),  7794184,   686802832, 78.642, TV },
    { "efficientnet_b2", "efficientnet", efficientnet, SCALE(1.1, 1.2, 0.3f), AT(288, 288),  9109994,  1087529456, 80.608, TV },
    { "efficientnet_b3", "efficientnet", efficientnet, SCALE(1.2, 1.4, 0.3f), AT(300, 320), 12233232,  1827141392, 82.008, TV },
    { "efficientnet_b4", "efficientnet", efficientnet, SCALE(1.4, 1.8, 0.4f), AT(380, 384), 19341616,  4393771024, 83.384, TV },
    { "efficientnet_b5", "efficientnet", efficientnet, OTHER(1.6, 2.2, 0.4f), AT(456, 456), 30389784, 10266384752, 83.444, TV },
    { "efficientnet_b6", "efficientnet", efficientnet, OTHER(1.8, 2.6, 0.5f), AT(528, 528), 43040704, 19067593536, 84.008, TV },
    { "efficientnet_b7", "efficientnet", efficientnet, OTHER(2.0, 3.1, 0.5f), AT(600, 600), 66347960, 37745884192, 84.122, TV },
    { 0 }
};
// clang-format on
