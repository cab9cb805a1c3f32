/* alexnet.c -- the network that won in 2012, and its one-tower successor.
 * Krizhevsky, Sutskever, Hinton: "ImageNet Classification with Deep Convolutional Neural Networks" (2012), section 3.5;
 * Krizhevsky: "One weird trick for parallelizing convolutional neural networks" (2014), with PyTorch's names of tensors.
 * Deviations: the two towers of 2012 are groups of one network; its input is 227 pixels, which the sizes stated there
 * need, not 224. The network of 2014 drops out in front of its linear layers, as PyTorch's weights have it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

static fv_val conv_relu(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    p.bias = true;
    return fv_relu(g, fv_conv2d(g, x, name, p));
}

/* Overlapping windows, section 3.4. */
static fv_val pool(fv_graph *g, fv_val x)
{
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2 });
}

/* Section 3.3. */
static fv_val normalise(fv_graph *g, fv_val x)
{
    return fv_lrn2d(g, x, (fv_lrn){ .n = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 2 });
}

static void refuse_small(fv_graph *g, const fv_build *b)
{
    if (b->stem == FV_STEM_CIFAR) fv_fail_graph(g, "AlexNet has no CIFAR stem");
}

/* Section 5: biases of 1 let the layers that feed rectifiers learn from the start. */
static fv_val alexnet_2012(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const fv_init zero = { FV_INIT_NORMAL, 0.01f, 0 }, one = { FV_INIT_NORMAL, 0.01f, 1 };

    (void)cfg;
    refuse_small(g, b);
    x = conv_relu(g, x, "conv1", (fv_conv){ .out = 96, .k = 11, .stride = 4, .init = zero });
    x = pool(g, normalise(g, x));
    x = conv_relu(g, x, "conv2", (fv_conv){ .out = 256, .k = 5, .pad = 2, .groups = 2, .init = one });
    x = pool(g, normalise(g, x));
    x = conv_relu(g, x, "conv3", (fv_conv){ .out = 384, .k = 3, .pad = 1, .init = zero });
    x = conv_relu(g, x, "conv4", (fv_conv){ .out = 384, .k = 3, .pad = 1, .groups = 2, .init = one });
    x = conv_relu(g, x, "conv5", (fv_conv){ .out = 256, .k = 3, .pad = 1, .groups = 2, .init = one });
    x = pool(g, x);
    fv_name(g, x, "pool5");
    fv_default_init(g, one, one);
    x = fv_dropout(g, fv_relu(g, fv_linear(g, x, "fc6", 4096)), 0.5f);
    x = fv_dropout(g, fv_relu(g, fv_linear(g, x, "fc7", 4096)), 0.5f);
    fv_default_init(g, zero, zero);
    return fv_linear(g, x, "fc8", b->classes);
}

static fv_val alexnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    (void)cfg;
    refuse_small(g, b);
    fv_scope(g, "features");
    x = pool(g, conv_relu(g, x, "0", (fv_conv){ .out = 64, .k = 11, .stride = 4, .pad = 2 }));
    x = pool(g, conv_relu(g, x, "3", (fv_conv){ .out = 192, .k = 5, .pad = 2 }));
    x = conv_relu(g, x, "6", (fv_conv){ .out = 384, .k = 3, .pad = 1 });
    x = conv_relu(g, x, "8", (fv_conv){ .out = 256, .k = 3, .pad = 1 });
    x = conv_relu(g, x, "10", (fv_conv){ .out = 256, .k = 3, .pad = 1 });
    x = pool(g, x);
    fv_name(g, x, "12");
    fv_scope(g, NULL);
    fv_scope(g, "classifier");
    x = fv_relu(g, fv_linear(g, fv_dropout(g, x, 0.5f), "1", 4096));
    x = fv_relu(g, fv_linear(g, fv_dropout(g, x, 0.5f), "4", 4096));
    x = fv_linear(g, x, "6", b->classes);
    fv_scope(g, NULL);
    return x;
}

// clang-format off
const fv_model fv_models_alexnet[] = {
    /* name            family     build         config  input                     params    MACs       top1    source */
    { "alexnet_2012", "alexnet", alexnet_2012, NULL, 227, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000, 60965224, 724406816, 57.1,   "Caffe's bvlc_alexnet, centre crop" },
    { "alexnet",      "alexnet", alexnet,      NULL, 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000, 61100840, 714188480, 56.522, "torchvision, IMAGENET1K_V1 weights" },
    { 0 }
};
// clang-format on
