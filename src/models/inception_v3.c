/* inception_v3.c -- Inception modules of factorised convolutions.
 * Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: "Rethinking the Inception Architecture for Computer Vision" (2016), figures 5
 * to 7 and 10, as released and with PyTorch's names of tensors (the paper's table 1 has another stem).
 * Deviations: pictures whose maps are too small for the auxiliary classifier's windows, below 299 pixels or so, go
 * without it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"

static fv_val conv(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    fv_scope(g, "%s", name);
    x = fv_batchnorm(g, fv_conv2d(g, x, "conv", p), "bn", (fv_bn){ .eps = 1e-3f });
    x = fv_relu(g, x);
    fv_scope(g, NULL);
    return x;
}

static fv_val pointwise(fv_graph *g, fv_val x, const char *name, int out)
{
    return conv(g, x, name, (fv_conv){ .out = out });
}

/* A window of k x k that keeps the size. */
static fv_val square(fv_graph *g, fv_val x, const char *name, int out, int k)
{
    return conv(g, x, name, (fv_conv){ .out = out, .k = k, .pad = k / 2 });
}

/* A row of n pixels, or a column, that keeps the size. */
static fv_val row(fv_graph *g, fv_val x, const char *name, int out, int n)
{
    return conv(g, x, name, (fv_conv){ .out = out, .k = 1, .kw = n, .pads = { 0, n / 2, 0, n / 2 } });
}

static fv_val column(fv_graph *g, fv_val x, const char *name, int out, int n)
{
    return conv(g, x, name, (fv_conv){ .out = out, .k = n, .kw = 1, .pads = { n / 2, 0, n / 2, 0 } });
}

static fv_val halve(fv_graph *g, fv_val x, const char *name, int out)
{
    return conv(g, x, name, (fv_conv){ .out = out, .k = 3, .stride = 2 });
}

static fv_val halving_pool(fv_graph *g, fv_val x)
{
    return fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2 });
}

static fv_val branch_pool(fv_graph *g, fv_val x, int out)
{
    return pointwise(g, fv_avgpool(g, x, (fv_pool){ .k = 3, .pad = 1 }), "branch_pool", out);
}

/* Figure 5, with one 5x5 left. */
static fv_val module_a(fv_graph *g, fv_val x, int pool)
{
    fv_val y[4];
    y[0] = pointwise(g, x, "branch1x1", 64);
    y[1] = square(g, pointwise(g, x, "branch5x5_1", 48), "branch5x5_2", 64, 5);
    y[2] = square(g, pointwise(g, x, "branch3x3dbl_1", 64), "branch3x3dbl_2", 96, 3);
    y[2] = square(g, y[2], "branch3x3dbl_3", 96, 3);
    y[3] = branch_pool(g, x, pool);
    return fv_concat(g, y, 4);
}

/* Figure 10: pooling and convolutions of stride 2 side by side. */
static fv_val module_b(fv_graph *g, fv_val x, int unused)
{
    fv_val y[3];
    (void)unused;
    y[0] = halve(g, x, "branch3x3", 384);
    y[1] = square(g, pointwise(g, x, "branch3x3dbl_1", 64), "branch3x3dbl_2", 96, 3);
    y[1] = halve(g, y[1], "branch3x3dbl_3", 96);
    y[2] = halving_pool(g, x);
    return fv_concat(g, y, 3);
}

/* Figure 6, n = 7. */
static fv_val module_c(fv_graph *g, fv_val x, int narrow)
{
    fv_val y[4];
    y[0] = pointwise(g, x, "branch1x1", 192);
    y[1] = row(g, pointwise(g, x, "branch7x7_1", narrow), "branch7x7_2", narrow, 7);
    y[1] = column(g, y[1], "branch7x7_3", 192, 7);
    y[2] = column(g, pointwise(g, x, "branch7x7dbl_1", narrow), "branch7x7dbl_2", narrow, 7);
    y[2] = row(g, y[2], "branch7x7dbl_3", narrow, 7);
    y[2] = column(g, y[2], "branch7x7dbl_4", narrow, 7);
    y[2] = row(g, y[2], "branch7x7dbl_5", 192, 7);
    y[3] = branch_pool(g, x, 192);
    return fv_concat(g, y, 4);
}

static fv_val module_d(fv_graph *g, fv_val x, int unused)
{
    fv_val y[3];
    (void)unused;
    y[0] = halve(g, pointwise(g, x, "branch3x3_1", 192), "branch3x3_2", 320);
    y[1] = row(g, pointwise(g, x, "branch7x7x3_1", 192), "branch7x7x3_2", 192, 7);
    y[1] = halve(g, column(g, y[1], "branch7x7x3_3", 192, 7), "branch7x7x3_4", 192);
    y[2] = halving_pool(g, x);
    return fv_concat(g, y, 3);
}

/* Figure 7: rows and columns side by side. */
static fv_val module_e(fv_graph *g, fv_val x, int unused)
{
    fv_val y[6];
    (void)unused;
    y[0] = pointwise(g, x, "branch1x1", 320);
    const fv_val three = pointwise(g, x, "branch3x3_1", 384);
    y[1] = row(g, three, "branch3x3_2a", 384, 3);
    y[2] = column(g, three, "branch3x3_2b", 384, 3);
    const fv_val twice = square(g, pointwise(g, x, "branch3x3dbl_1", 448), "branch3x3dbl_2", 384, 3);
    y[3] = row(g, twice, "branch3x3dbl_3a", 384, 3);
    y[4] = column(g, twice, "branch3x3dbl_3b", 384, 3);
    y[5] = branch_pool(g, x, 192);
    return fv_concat(g, y, 6);
}

static fv_val stem(fv_graph *g, fv_val x)
{
    x = halve(g, x, "Conv2d_1a_3x3", 32);
    x = conv(g, x, "Conv2d_2a_3x3", (fv_conv){ .out = 32, .k = 3 });
    x = halving_pool(g, square(g, x, "Conv2d_2b_3x3", 64, 3));
    x = pointwise(g, x, "Conv2d_3b_1x1", 80);
    return halving_pool(g, conv(g, x, "Conv2d_4a_3x3", (fv_conv){ .out = 192, .k = 3 }));
}

/* Section 4, with batch norm; its loss counts 0.4 times, as PyTorch trains it. */
static void auxiliary(fv_graph *g, fv_val x, fv_init usual, int classes)
{
    const fv_shape s = fv_shape_of(g, x);
    const fv_init small = { FV_INIT_NORMAL, 0.01f, 0 }, smaller = { FV_INIT_NORMAL, 0.001f, 0 };

    if (s.h < 17 || s.w < 17) return;
    x = fv_avgpool(g, x, (fv_pool){ .k = 5, .stride = 3 });
    fv_scope(g, "AuxLogits");
    x = pointwise(g, x, "conv0", 128);
    x = conv(g, x, "conv1", (fv_conv){ .out = 768, .k = 5, .init = small });
    fv_default_init(g, usual, smaller);
    fv_aux_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", classes), 0.4f);
    fv_default_init(g, usual, usual);
    fv_scope(g, NULL);
}

typedef struct stage {
    const char *name;
    fv_val (*module)(fv_graph *, fv_val, int);
    int width;
} stage;
static const stage stages[] = {
    { "Mixed_5b", module_a, 32 },  { "Mixed_5c", module_a, 64 },  { "Mixed_5d", module_a, 64 },
    { "Mixed_6a", module_b, 0 },   { "Mixed_6b", module_c, 128 }, { "Mixed_6c", module_c, 160 },
    { "Mixed_6d", module_c, 160 }, { "Mixed_6e", module_c, 192 }, { "Mixed_7a", module_d, 0 },
    { "Mixed_7b", module_e, 0 },   { "Mixed_7c", module_e, 0 },
};
enum { STAGES = sizeof stages / sizeof *stages, AUX_AT = 7 };

static fv_val inception_v3(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const fv_init usual = { FV_INIT_TRUNC_NORMAL, 0.1f, 0 };

    (void)cfg;
    if (b->stem == FV_STEM_CIFAR) fv_fail_graph(g, "Inception V3 has no CIFAR stem");
    fv_default_init(g, usual, usual);
    x = stem(g, x);
    for (int i = 0; i < STAGES; i++) {
        fv_scope(g, "%s", stages[i].name);
        x = stages[i].module(g, x, stages[i].width);
        fv_scope(g, NULL);
        fv_name(g, x, stages[i].name);
        if (i == AUX_AT) auxiliary(g, x, usual, b->classes);
    }
    return fv_linear(g, fv_dropout(g, fv_global_avgpool(g, x), 0.5f), "fc", b->classes);
}

// clang-format off
const fv_model fv_models_inception_v3[] = {
    /* name            family          build               input                                        params    MACs        top1    source */
    { "inception_v3", "inception_v3", inception_v3, NULL, 299, 342, FV_BILINEAR, FV_NORM_UNIT, 1000, 23834568, 5713216096, 77.294, "torchvision, IMAGENET1K_V1 weights" },
    { 0 }
};
// clang-format on
