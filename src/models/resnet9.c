/* resnet9.c -- a residual network of nine layers for CIFAR-10, made for short training.
 * Page: "How to Train Your ResNet" (2018), part 4: a 3x3 stem, three layers that double channels and halve pixels by
 * pooling, the first and the last of them followed by a residual pair. The names of tensors are the source's.
 * Deviations: the last pooling takes the mean of the largest of 2 x 2 places where the source takes the largest of 4 x 4, so
 * that other sizes run, too; logits are not multiplied by 0.125, and the classifier has a bias.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "models/models.h"

static fv_val conv(fv_graph *g, fv_val x, const char *scope, int out)
{
    fv_scope(g, "%s", scope);
    x = fv_conv2d(g, x, "conv", (fv_conv){ .out = out, .k = 3, .pad = 1 });
    x = fv_relu(g, fv_batchnorm(g, x, "bn", (fv_bn){ 0 }));
    fv_scope(g, NULL);
    return x;
}

static fv_val pooled(fv_graph *g, fv_val x, const char *scope, int out)
{
    return fv_maxpool(g, conv(g, x, scope, out), (fv_pool){ .k = 2, .stride = 2 });
}

static fv_val residual(fv_graph *g, fv_val x, const char *first, const char *second)
{
    const fv_val y = conv(g, conv(g, x, first, fv_channels(g, x)), second, fv_channels(g, x));
    return fv_add(g, fv_branch(g, y), x);
}

static fv_val resnet9(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const int width = *(const int *)cfg;

    if (b->stem == FV_STEM_IMAGENET) fv_fail_graph(g, "a CIFAR network has no ImageNet stem");
    fv_stochastic_depth(g, b);
    x = conv(g, x, "prep", width);
    x = pooled(g, x, "layer1", 2 * width);
    x = residual(g, x, "layer1.residual.res1", "layer1.residual.res2");
    fv_name(g, x, "layer1");
    x = pooled(g, x, "layer2", 4 * width);
    fv_name(g, x, "layer2");
    x = pooled(g, x, "layer3", 8 * width);
    x = residual(g, x, "layer3.residual.res1", "layer3.residual.res2");
    fv_name(g, x, "layer3");
    x = fv_maxpool(g, x, (fv_pool){ .k = 2, .stride = 2 });
    return fv_linear(g, fv_global_avgpool(g, x), "linear", b->classes);
}

// clang-format off
#define WIDTH(n) &(const int){ n }
#define CIFAR    32, 32, FV_BILINEAR, FV_NORM_IMAGENET, 10
const fv_model fv_models_resnet9[] = {
    /* name           family     build    config     input  params    MACs        top1   source */
    { "resnet9",      "resnet",  resnet9, WIDTH(64), CIFAR, 6573130,  379261952,  94.0,  "Page 2018, part 4 (24 epochs)" },
    { "resnet9_x0_5", "resnet",  resnet9, WIDTH(32), CIFAR, 1646122,   95259136,  0,     NULL },
    { 0 }
};
// clang-format on
