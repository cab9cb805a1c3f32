/* googlenet.c -- Inception modules.
 * Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich: "Going Deeper with Convolutions" (2014),
 * table 1 and figure 3, with PyTorch's names. `googlenet_paper` is that network; `googlenet` is PyTorch's, with batch
 * norm, a fourth pooling of 2x2, and 3x3 windows where the paper has 5x5.
 * Deviations: both forms pool in front of the auxiliary classifiers as the paper does (PyTorch: four windows of 4 pixels
 * a side), and leave them out where a picture is too small for their 4x4 maps. Weights of PyTorch's form start normal,
 * those of the paper's as Caffe starts them, since the paper does not say.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

typedef struct googlenet_cfg {
    bool paper;
} googlenet_cfg;

/* A row of table 1: channels of the four branches. */
typedef struct module {
    const char *name;
    int one, reduce3, three, reduce5, five, pool;
} module;
// clang-format off
static const module modules[] = {
    { "inception3a",  64,  96, 128, 16,  32,  32 },
    { "inception3b", 128, 128, 192, 32,  96,  64 },
    { "inception4a", 192,  96, 208, 16,  48,  64 },
    { "inception4b", 160, 112, 224, 24,  64,  64 },
    { "inception4c", 128, 128, 256, 24,  64,  64 },
    { "inception4d", 112, 144, 288, 32,  64,  64 },
    { "inception4e", 256, 160, 320, 32, 128, 128 },
    { "inception5a", 256, 160, 320, 32, 128, 128 },
    { "inception5b", 384, 192, 384, 48, 128, 128 },
};
// clang-format on
enum { M3B = 1, M4A = 2, M4D = 5, M4E = 6, MODULES = sizeof modules / sizeof *modules };

static fv_val conv(fv_graph *g, fv_val x, const char *name, const googlenet_cfg *c, fv_conv p)
{
    p.bias = c->paper;
    fv_scope(g, "%s", name);
    x = fv_conv2d(g, x, "conv", p);
    if (!c->paper) x = fv_batchnorm(g, x, "bn", (fv_bn){ .eps = 1e-3f });
    x = fv_relu(g, x);
    fv_scope(g, NULL);
    return x;
}

static fv_val pool(fv_graph *g, fv_val x, int k)
{
    return fv_maxpool(g, x, (fv_pool){ .k = k, .stride = 2, .ceil_mode = true });
}

/* Figure 2 (b). */
static fv_val inception(fv_graph *g, fv_val x, const module *m, const googlenet_cfg *c)
{
    const int five = c->paper ? 5 : 3;
    fv_val y[4];

    fv_scope(g, "%s", m->name);
    y[0] = conv(g, x, "branch1", c, (fv_conv){ .out = m->one });
    y[1] = conv(g, x, "branch2.0", c, (fv_conv){ .out = m->reduce3 });
    y[1] = conv(g, y[1], "branch2.1", c, (fv_conv){ .out = m->three, .k = 3, .pad = 1 });
    y[2] = conv(g, x, "branch3.0", c, (fv_conv){ .out = m->reduce5 });
    y[2] = conv(g, y[2], "branch3.1", c, (fv_conv){ .out = m->five, .k = five, .pad = five / 2 });
    y[3] = fv_maxpool(g, x, (fv_pool){ .k = 3, .pad = 1 });
    y[3] = conv(g, y[3], "branch4.1", c, (fv_conv){ .out = m->pool });
    fv_scope(g, NULL);
    x = fv_concat(g, y, 4);
    fv_name(g, x, m->name);
    return x;
}

/* Section 5: a 5x5 average at stride 3 takes 14x14 to 4x4; the loss counts 0.3 times. */
static void auxiliary(fv_graph *g, fv_val x, const char *name, const googlenet_cfg *c, int classes)
{
    const fv_shape s = fv_shape_of(g, x);

    if (s.h < 4 || s.w < 4) return;
    const int stride = s.h / 4, stride_w = s.w / 4;
    x = fv_avgpool(
        g, x, (fv_pool){ .k = s.h - 3 * stride, .kw = s.w - 3 * stride_w, .stride = stride, .stride_w = stride_w });
    fv_scope(g, "%s", name);
    x = conv(g, x, "conv", c, (fv_conv){ .out = 128 });
    x = fv_dropout(g, fv_relu(g, fv_linear(g, x, "fc1", 1024)), 0.7f);
    fv_aux_output(g, fv_linear(g, x, "fc2", classes), 0.3f);
    fv_scope(g, NULL);
}

static fv_val stem(fv_graph *g, fv_val x, const googlenet_cfg *c)
{
    x = pool(g, conv(g, x, "conv1", c, (fv_conv){ .out = 64, .k = 7, .stride = 2, .pad = 3 }), 3);
    if (c->paper) x = fv_lrn2d(g, x, (fv_lrn){ 0 });
    x = conv(g, x, "conv2", c, (fv_conv){ .out = 64 });
    x = conv(g, x, "conv3", c, (fv_conv){ .out = 192, .k = 3, .pad = 1 });
    if (c->paper) x = fv_lrn2d(g, x, (fv_lrn){ 0 });
    return pool(g, x, 3);
}

static fv_val googlenet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const googlenet_cfg *c = cfg;
    const fv_init normal = { FV_INIT_NORMAL, 0.01f, 0 }, caffe = { FV_INIT_XAVIER_UNIFORM, 0, 0.2f };
    fv_val after[MODULES];

    if (b->stem == FV_STEM_CIFAR) fv_fail_graph(g, "GoogLeNet has no CIFAR stem");
    fv_default_init(g, c->paper ? caffe : normal, c->paper ? caffe : normal);
    x = stem(g, x, c);
    for (int i = 0; i < MODULES; i++) {
        x = after[i] = inception(g, x, &modules[i], c);
        if (i == M3B) x = pool(g, x, 3);
        if (i == M4E) x = pool(g, x, c->paper ? 3 : 2);
    }
    auxiliary(g, after[M4A], "aux1", c, b->classes);
    auxiliary(g, after[M4D], "aux2", c, b->classes);
    x = fv_dropout(g, fv_global_avgpool(g, x), c->paper ? 0.4f : 0.2f);
    return fv_linear(g, x, "fc", b->classes);
}

// clang-format off
#define FORM(paper) &(const googlenet_cfg){ paper }
const fv_model fv_models_googlenet[] = {
    /* name               family       build      config       input                                             params   MACs        top1    source */
    { "googlenet",       "googlenet", googlenet, FORM(false), 224, 256, FV_BILINEAR, FV_NORM_UNIT,     1000, 6624904, 1498376192, 69.778, "torchvision, IMAGENET1K_V1 weights" },
    { "googlenet_paper", "googlenet", googlenet, FORM(true),  224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000, 6998552, 1582671872, 68.7,   "Caffe's bvlc_googlenet, centre crop" },
    { 0 }
};
// clang-format on
