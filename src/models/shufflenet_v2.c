/* shufflenet_v2.c -- channel split and shuffle.
 * Ma, Zhang, Zheng, Sun: "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design" (2018), table 5
 * and figure 3 (c), (d), with PyTorch's names of tensors; `shufflenet_v2_50` is the appendix's network beside ResNet-50, named
 * alike. Deviation, as in torchvision's weights: both branches of a unit that downsamples give half of its output; the
 * authors' projection keeps the input's channels (shufflenet_v2_megvii.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

typedef struct shufflenet_v2_cfg {
    int stem, last;
    int stride; /* of stage 2 */
    struct {
        int units, out;
    } stage[4]; /* 2 to 5; without units: none */
} shufflenet_v2_cfg;

/* Convolution and batch norm number i and i + 1 of the present scope. */
static fv_val conv_bn(fv_graph *g, fv_val x, int i, fv_conv p)
{
    static const char *const number[] = { "0", "1", "2", "3", "4", "5", "6" };
    return fv_batchnorm(g, fv_conv2d(g, x, number[i], p), number[i + 1], (fv_bn){ 0 });
}

static fv_val pointwise(fv_graph *g, fv_val x, int i, int out)
{
    return fv_relu(g, conv_bn(g, x, i, (fv_conv){ .out = out }));
}

static fv_val depthwise(fv_graph *g, fv_val x, int i, int stride)
{
    const int c = fv_channels(g, x);
    return conv_bn(g, x, i, (fv_conv){ .out = c, .k = 3, .stride = stride, .pad = 1, .groups = c });
}

static fv_val branch1(fv_graph *g, fv_val x, int out, int stride)
{
    fv_scope(g, "branch1");
    x = pointwise(g, depthwise(g, x, 0, stride), 2, out);
    fv_scope(g, NULL);
    return x;
}

static fv_val branch2(fv_graph *g, fv_val x, int out, int stride)
{
    fv_scope(g, "branch2");
    x = pointwise(g, depthwise(g, pointwise(g, x, 0, out), 3, stride), 5, out);
    fv_scope(g, NULL);
    return x;
}

/* Figure 3 (c): one half passes as it is; (d), a stage's first: both branches see all channels. */
static fv_val unit(fv_graph *g, fv_val x, int out, bool first, int stride)
{
    const int half = out / 2;
    fv_val y[2];

    if (!first) {
        y[0] = fv_slice(g, x, 0, half);
        y[1] = branch2(g, fv_slice(g, x, half, out), half, 1);
    } else {
        y[0] = branch1(g, x, half, stride);
        y[1] = branch2(g, x, half, stride);
    }
    return fv_shuffle(g, fv_concat(g, y, 2), 2);
}

static fv_val stage(fv_graph *g, fv_val x, int number, int units, int out, int stride)
{
    for (int i = 0; i < units; i++) {
        fv_scope(g, "stage%d.%d", number, i);
        x = unit(g, x, out, i == 0, i == 0 ? stride : 1);
        fv_scope(g, NULL);
    }
    return x;
}

/* The small stem keeps the resolution of small pictures: no stride, no pooling. */
static fv_val stem(fv_graph *g, fv_val x, int out, fv_stem form)
{
    const int stride = form == FV_STEM_CIFAR ? 1 : 2;

    fv_scope(g, "conv1");
    x = fv_relu(g, conv_bn(g, x, 0, (fv_conv){ .out = out, .k = 3, .stride = stride, .pad = 1 }));
    fv_scope(g, NULL);
    fv_name(g, x, "conv1");
    if (form == FV_STEM_CIFAR) return x;
    x = fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
    fv_name(g, x, "maxpool");
    return x;
}

static fv_val shufflenet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[] = { "stage2", "stage3", "stage4", "stage5" };
    const shufflenet_v2_cfg *c = cfg;
    const char *last = c->stage[3].units ? "conv6" : "conv5";

    x = stem(g, x, c->stem, b->stem);
    for (int s = 0; s < 4 && c->stage[s].units; s++) {
        x = stage(g, x, s + 2, c->stage[s].units, c->stage[s].out, s == 0 ? c->stride : 2);
        fv_name(g, x, names[s]);
    }
    fv_scope(g, "%s", last);
    x = pointwise(g, x, 0, c->last);
    fv_scope(g, NULL);
    fv_name(g, x, last);
    return fv_linear(g, fv_global_avgpool(g, x), "fc", b->classes);
}

// clang-format off
#define OUT(a, b, c, last) &(const shufflenet_v2_cfg){ 24, last, 2, { { 4, a }, { 8, b }, { 4, c } } }
#define V50 &(const shufflenet_v2_cfg){ 64, 2048, 1, { { 3, 244 }, { 4, 488 }, { 6, 976 }, { 3, 1952 } } }
#define R256 224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define R232 224, 232, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define TV   "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_shufflenet_v2[] = {
    /* name                  family           build          config                    input params   MACs       top1   source */
    { "shufflenet_v2_x0_5", "shufflenet_v2", shufflenet_v2, OUT( 48,  96, 192, 1024), R256, 1366792,  40476448, 60.552, TV },
    { "shufflenet_v2_x1_0", "shufflenet_v2", shufflenet_v2, OUT(116, 232, 464, 1024), R256, 2278604, 144907992, 69.362, TV },
    { "shufflenet_v2_x1_5", "shufflenet_v2", shufflenet_v2, OUT(176, 352, 704, 1024), R232, 3503624, 295759392, 72.996, TV },
    { "shufflenet_v2_x2_0", "shufflenet_v2", shufflenet_v2, OUT(244, 488, 976, 2048), R232, 7393996, 583253464, 76.230, TV },
    { "shufflenet_v2_50",   "shufflenet_v2", shufflenet_v2, V50,                      R256, 16573534, 2304152672, 77.2, "Ma et al. 2018, table 8" },
    { 0 }
};
// clang-format on
