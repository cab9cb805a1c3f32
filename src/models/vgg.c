/* vgg.c -- depth from small windows.
 * Simonyan, Zisserman: "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2014), table 1, with
 * PyTorch's names of tensors. Deviations, as in the published weights: the forms with batch norm, whose convolutions keep
 * their biases; He's initialisation in place of training the deep forms from the shallow.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include <stdio.h>

typedef struct vgg_cfg {
    int convs[5];  /* of each block */
    bool last_1x1; /* configuration C: the third of a block looks at one pixel */
    bool bn, lrn;  /* batch norm; configuration A-LRN: LRN behind the first convolution */
} vgg_cfg;

static const int channels[5] = { 64, 128, 256, 512, 512 };

/* Modules are numbered through as PyTorch lists them: convolution, batch norm, ReLU; a pooling ends each block. LRN, which
 * holds no tensors, has no number, so that A-LRN's keys are A's. */
static fv_val conv_relu(fv_graph *g, fv_val x, int *module, const vgg_cfg *c, fv_conv p)
{
    char name[12];

    snprintf(name, sizeof name, "%d", (*module)++);
    p.bias = true;
    x = fv_conv2d(g, x, name, p);
    if (c->bn) {
        snprintf(name, sizeof name, "%d", (*module)++);
        x = fv_batchnorm(g, x, name, (fv_bn){ 0 });
    }
    (*module)++;
    return fv_relu(g, x);
}

static fv_val features(fv_graph *g, fv_val x, const vgg_cfg *c)
{
    int module = 0;
    char name[12];

    fv_scope(g, "features");
    for (int block = 0; block < 5; block++) {
        for (int i = 0; i < c->convs[block]; i++) {
            const int k = c->last_1x1 && i == 2 ? 1 : 3;
            x = conv_relu(g, x, &module, c, (fv_conv){ .out = channels[block], .k = k, .pad = k / 2 });
            if (c->lrn && block == 0) x = fv_lrn2d(g, x, (fv_lrn){ .n = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 2 });
        }
        x = fv_maxpool(g, x, (fv_pool){ .k = 2, .stride = 2 });
        snprintf(name, sizeof name, "%d", module++);
        fv_name(g, x, name);
    }
    fv_scope(g, NULL);
    return x;
}

static fv_val vgg(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    if (b->stem == FV_STEM_CIFAR) fv_fail_graph(g, "VGG has no CIFAR stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = features(g, x, cfg);
    fv_scope(g, "classifier");
    x = fv_dropout(g, fv_relu(g, fv_linear(g, x, "0", 4096)), 0.5f);
    x = fv_dropout(g, fv_relu(g, fv_linear(g, x, "3", 4096)), 0.5f);
    x = fv_linear(g, x, "6", b->classes);
    fv_scope(g, NULL);
    return x;
}

// clang-format off
#define A 1, 1, 2, 2, 2
#define B 2, 2, 2, 2, 2
#define D 2, 2, 3, 3, 3
#define E 2, 2, 4, 4, 4
#define PLAIN(...) &(const vgg_cfg){ .convs = { __VA_ARGS__ } }
#define BN(...)    &(const vgg_cfg){ .convs = { __VA_ARGS__ }, .bn = true }
#define R256 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define TV    "torchvision, IMAGENET1K_V1 weights"
#define PAPER "Simonyan, Zisserman 2014, table 3, one scale"
const fv_model fv_models_vgg[] = {
    /* name        family build config                                input params     MACs         top1    source */
    { "vgg11",     "vgg", vgg, PLAIN(A),              R256, 132863336,  7609090048, 69.020, TV },
    { "vgg11_lrn", "vgg", vgg, &(const vgg_cfg){ .convs = { A }, .lrn = true }, R256, 132863336,  7609090048, 70.3,   PAPER },
    { "vgg13",     "vgg", vgg, PLAIN(B),                                    R256, 133047848, 11308466176, 69.928, TV },
    { "vgg16_c",   "vgg", vgg, &(const vgg_cfg){ .convs = { D }, .last_1x1 = true }, R256, 133638952, 11770888192, 72.7, PAPER },
    { "vgg16",     "vgg", vgg, PLAIN(D),                                    R256, 138357544, 15470264320, 71.592, TV },
    { "vgg19",     "vgg", vgg, PLAIN(E),                                    R256, 143667240, 19632062464, 72.376, TV },
    { "vgg11_bn",  "vgg", vgg, BN(A),                                       R256, 132868840,  7609090048, 70.370, TV },
    { "vgg13_bn",  "vgg", vgg, BN(B),                                       R256, 133053736, 11308466176, 71.586, TV },
    { "vgg16_bn",  "vgg", vgg, BN(D),                                       R256, 138365992, 15470264320, 73.360, TV },
    { "vgg19_bn",  "vgg", vgg, BN(E),                                       R256, 143678248, 19632062464, 74.218, TV },
    { 0 }
};
// clang-format on
