/* densenet.c -- each layer sees all before it.
 * Huang, Liu, van der Maaten, Weinberger: "Densely Connected Convolutional Networks" (2016), table 1, DenseNet-BC, with
 * PyTorch's names of tensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include <math.h>

typedef struct densenet_cfg {
    int growth, stem, layers[4];
} densenet_cfg;

enum { BOTTLENECK = 4 }; /* section 3: 1x1 convolutions make 4 k channels */

static fv_val bn_relu(fv_graph *g, fv_val x, const char *name)
{
    return fv_relu(g, fv_batchnorm(g, x, name, (fv_bn){ 0 }));
}

/* Section 3, H: its k new channels stand behind those that came in. */
static fv_val dense_layer(fv_graph *g, fv_val x, int growth)
{
    fv_val y = fv_conv2d(g, bn_relu(g, x, "norm1"), "conv1", (fv_conv){ .out = BOTTLENECK * growth });
    y = fv_conv2d(g, bn_relu(g, y, "norm2"), "conv2", (fv_conv){ .out = growth, .k = 3, .pad = 1 });
    return fv_concat(g, (fv_val[]){ x, y }, 2);
}

/* Half the channels (compression 0.5), half the resolution. */
static fv_val transition(fv_graph *g, fv_val x, int number)
{
    fv_scope(g, "transition%d", number);
    x = fv_conv2d(g, bn_relu(g, x, "norm"), "conv", (fv_conv){ .out = fv_channels(g, x) / 2 });
    fv_scope(g, NULL);
    return fv_avgpool(g, x, (fv_pool){ .k = 2, .stride = 2 });
}

/* The small stem keeps the resolution of small pictures: 3x3 without stride, no pooling. */
static fv_val stem(fv_graph *g, fv_val x, const densenet_cfg *c, fv_stem form)
{
    const bool small = form == FV_STEM_CIFAR;
    const fv_conv p = { .out = c->stem, .k = small ? 3 : 7, .stride = small ? 1 : 2, .pad = small ? 1 : 3 };

    x = bn_relu(g, fv_conv2d(g, x, "conv0", p), "norm0");
    return small ? x : fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
}

static fv_val densenet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const blocks[] = { "denseblock1", "denseblock2", "denseblock3", "denseblock4" };
    const densenet_cfg *c = cfg;
    const fv_init he = { FV_INIT_HE_FAN_IN, 0, 0 };

    fv_default_init(g, he, he);
    fv_scope(g, "features");
    x = stem(g, x, c, b->stem);
    for (int block = 0; block < 4; block++) {
        for (int i = 0; i < c->layers[block]; i++) {
            fv_scope(g, "denseblock%d.denselayer%d", block + 1, i + 1);
            x = dense_layer(g, x, c->growth);
            fv_scope(g, NULL);
        }
        fv_name(g, x, blocks[block]);
        if (block < 3) x = transition(g, x, block + 1);
    }
    x = bn_relu(g, x, "norm5");
    fv_scope(g, NULL);
    fv_default_init(g, he, (fv_init){ FV_INIT_UNIFORM, (float)(1 / sqrt(fv_channels(g, x))), 0 });
    return fv_linear(g, fv_global_avgpool(g, x), "classifier", b->classes);
}

// clang-format off
#define K(growth, stem, ...) &(const densenet_cfg){ growth, stem, { __VA_ARGS__ } }
#define R256 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define TV   "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_densenet[] = {
    /* name           family      build     config                     input params    MACs        top1    source */
    { "densenet121", "densenet", densenet, K(32, 64, 6, 12, 24, 16),  R256,  7978856, 2834161664, 74.434, TV },
    { "densenet161", "densenet", densenet, K(48, 96, 6, 12, 36, 24),  R256, 28681000, 7727907072, 77.138, TV },
    { "densenet169", "densenet", densenet, K(32, 64, 6, 12, 32, 32),  R256, 14149480, 3359843328, 75.600, TV },
    { "densenet201", "densenet", densenet, K(32, 64, 6, 12, 48, 32),  R256, 20013928, 4291365888, 76.896, TV },
    { 0 }
};
// clang-format on
