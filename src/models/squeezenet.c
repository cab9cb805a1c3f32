/* squeezenet.c -- AlexNet's accuracy from fifty times fewer parameters.
 * Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: "SqueezeNet" (2016), table 1; 1.1 as the authors released it, with
 * PyTorch's names of tensors. Deviation: weights begin normal, of the variance of PyTorch's uniform ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include <stdio.h>

enum { MODULES = 13 };

typedef struct squeezenet_cfg {
    int stem, k;
    int squeeze[MODULES]; /* by number of the module in `features`; 0: a pooling. The first three are the stem's */
} squeezenet_cfg;

static fv_val conv_relu(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    p.bias = true;
    return fv_relu(g, fv_conv2d(g, x, name, p));
}

/* Section 3.2: few channels in front of the 3x3 windows, four times as many behind each kind of window. */
static fv_val fire(fv_graph *g, fv_val x, int squeeze)
{
    const int expand = 4 * squeeze;
    fv_val y[2];

    x = conv_relu(g, x, "squeeze", (fv_conv){ .out = squeeze });
    y[0] = conv_relu(g, x, "expand1x1", (fv_conv){ .out = expand });
    y[1] = conv_relu(g, x, "expand3x3", (fv_conv){ .out = expand, .k = 3, .pad = 1 });
    return fv_concat(g, y, 2);
}

static fv_val pool(fv_graph *g, fv_val x)
{
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .ceil_mode = true });
}

static fv_val squeezenet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const squeezenet_cfg *c = cfg;
    char name[24];

    if (b->stem == FV_STEM_CIFAR) fv_fail_graph(g, "SqueezeNet has no CIFAR stem");
    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_IN, 0, 0 }, (fv_init){ 0 });
    x = pool(g, conv_relu(g, x, "features.0", (fv_conv){ .out = c->stem, .k = c->k, .stride = 2 }));
    for (int i = 3; i < MODULES; i++) {
        snprintf(name, sizeof name, "features.%d", i);
        fv_scope(g, "%s", name);
        x = c->squeeze[i] ? fire(g, x, c->squeeze[i]) : pool(g, x);
        fv_scope(g, NULL);
        fv_name(g, x, name);
    }
    x = fv_dropout(g, x, 0.5f);
    x = conv_relu(g, x, "classifier.1", (fv_conv){ .out = b->classes, .init = { FV_INIT_NORMAL, 0.01f, 0 } });
    return fv_global_avgpool(g, x);
}

// clang-format off
#define V10 &(const squeezenet_cfg){ 96, 7, { 0, 0, 0, 16, 16, 32, 0, 32, 48, 48, 64, 0, 64 } }
#define V11 &(const squeezenet_cfg){ 64, 3, { 0, 0, 0, 16, 16, 0, 32, 32, 0, 48, 48, 64, 64 } }
#define TV  "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_squeezenet[] = {
    /* name             family        build       config input                    params   MACs       top1    source */
    { "squeezenet1_0", "squeezenet", squeezenet, V10, 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000, 1248424, 818924576, 58.092, TV },
    { "squeezenet1_1", "squeezenet", squeezenet, V11, 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000, 1235496, 349151936, 58.178, TV },
    { 0 }
};
// clang-format on
