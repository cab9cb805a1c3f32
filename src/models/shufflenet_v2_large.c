/* shufflenet_v2_large.c -- the deepest ShuffleNetV2.
 * Ma, Zhang, Zheng, Sun: "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design" (2018), section 5:
 * "SE-ShuffleNet v2-164", with shortcuts inside the halves, as its authors released it and with their names of tensors.
 * Deviations: their evaluation subtracts a mean picture, here the mean colour of ImageNet; the linear layers of squeeze and
 * excitation stand twice in their state dict (se_fc1 and se_block.0 are one tensor), here once.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include "models/shufflenet.h"

enum { STAGES = 4, LAST = 1280, FILTER_GROUPS = 8 };

typedef struct stage {
    int units, half; /* channels of a half */
    bool down;
    const char *classifier; /* beside the main one, and how much its loss counts */
    float weight;
} stage;
// clang-format off
static const stage stages[STAGES] = {
    { 10,  128, false, "predict_56", 0.3f },
    { 10,  256, true,  "predict_28", 0.5f },
    { 23,  512, true,  "predict_14", 0.7f },
    { 10, 1024, true,  NULL,         0 },
};
// clang-format on

static fv_val conv_bn(fv_graph *g, fv_val x, const char *name, fv_conv p)
{
    const int groups = p.groups ? p.groups : 1;
    fv_scope(g, "%s", name);
    p.pad = p.k / 2;
    if (p.init.kind == FV_INIT_DEFAULT)
        p.init = (fv_init){ FV_INIT_NORMAL, (float)groups / (float)fv_channels(g, x), 0 };
    x = fv_batchnorm(g, fv_conv2d(g, x, "conv", p), "bn", (fv_bn){ .eps = 1e-9f });
    fv_scope(g, NULL);
    return x;
}

static fv_val stem(fv_graph *g, fv_val x, fv_stem form)
{
    const fv_init small = { FV_INIT_NORMAL, 0.01f, 0 };
    const int stride = form == FV_STEM_CIFAR ? 1 : 2;

    x = fv_relu(g, conv_bn(g, x, "first_conv.0", (fv_conv){ .out = 64, .k = 3, .stride = stride, .init = small }));
    x = fv_relu(g, conv_bn(g, x, "first_conv.1", (fv_conv){ .out = 64, .k = 3, .init = small }));
    x = fv_relu(g, conv_bn(g, x, "first_conv.2", (fv_conv){ .out = 128, .k = 3, .init = small }));
    fv_name(g, x, "first_conv");
    if (form == FV_STEM_CIFAR) return x;
    x = fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
    fv_name(g, x, "maxpool");
    return x;
}

static fv_val branch_main(fv_graph *g, fv_val x, int out, int stride)
{
    x = fv_relu(g, conv_bn(g, x, "branch_main.0", (fv_conv){ .out = out }));
    x = fv_relu(
        g, conv_bn(g, x, "branch_main.1", (fv_conv){ .out = out, .k = 3, .stride = stride, .groups = FILTER_GROUPS }));
    x = conv_bn(g, x, "branch_main.2", (fv_conv){ .out = out });
    return fv_shuffle_attention(g, x);
}

/* The first unit of a stage projects the half that others leave as it is; the sum then has no shortcut. */
static fv_val unit(fv_graph *g, fv_val x, int out, bool first, bool down)
{
    const int stride = down ? 2 : 1;
    fv_val half[2];

    fv_shuffle_halves(g, x, half);
    if (first) half[0] = conv_bn(g, half[0], "proj", (fv_conv){ .out = out, .k = 3, .stride = stride });
    const fv_val y = branch_main(g, half[1], out, stride);
    half[1] = first ? y : fv_add(g, y, half[1]);
    x = fv_relu(g, fv_concat(g, half, 2));
    return down ? fv_relu(g, conv_bn(g, x, "down", (fv_conv){ .out = 2 * out })) : x;
}

static void auxiliary(fv_graph *g, fv_val x, const stage *s, int classes)
{
    const int c = fv_channels(g, x);

    fv_scope(g, "%s", s->classifier);
    x = fv_maxpool(g, x, (fv_pool){ .k = 3, .stride = 2, .pad = 1 });
    x = fv_relu(g, conv_bn(g, x, "conv.0", (fv_conv){ .out = c }));
    x = fv_relu(g, conv_bn(g, x, "conv.1", (fv_conv){ .out = c, .k = 3 }));
    fv_aux_output(g, fv_linear(g, fv_global_avgpool(g, x), "fc", classes), s->weight);
    fv_scope(g, NULL);
}

static fv_val shufflenet_v2_large(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[STAGES] = { "stage2", "stage3", "stage4", "stage5" };
    fv_val after[STAGES];

    (void)cfg;
    fv_default_init(g, (fv_init){ 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    x = stem(g, x, b->stem);
    for (int s = 0; s < STAGES; s++) {
        for (int i = 0; i < stages[s].units; i++) {
            fv_scope(g, "features.%d.%d%c", s, s + 2, 'a' + i);
            x = unit(g, x, stages[s].half, i == 0, stages[s].down && i == 0);
            fv_scope(g, NULL);
        }
        after[s] = x;
        fv_name(g, x, names[s]);
    }
    for (int s = 0; s < STAGES; s++)
        if (stages[s].classifier) auxiliary(g, after[s], &stages[s], b->classes);
    x = fv_relu(g, conv_bn(g, x, "conv_last", (fv_conv){ .out = LAST, .k = 3 }));
    fv_name(g, x, "conv_last");
    x = fv_dropout(g, fv_global_avgpool(g, x), 0.2f);
    return fv_linear(g, x, "fc", b->classes);
}

// clang-format off
const fv_model fv_models_shufflenet_v2_large[] = {
    /* name                         family           build                config input                                          params     MACs         top1   source */
    { "megvii_shufflenet_v2_large", "shufflenet_v2", shufflenet_v2_large, NULL, 224, 256, FV_BILINEAR, FV_NORM_CAFFE, 1000, 125120936, 12780652544, 81.44, "megvii's ShuffleNet-Series" },
    { 0 }
};
// clang-format on
