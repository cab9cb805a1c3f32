/* shufflenet_v2_megvii.c -- ShuffleNetV2 as its authors released it, and their ShuffleNetV2+.
 * Ma, Zhang, Zheng, Sun: "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design" (2018), table 5, with
 * the authors' names of tensors. These are other networks than PyTorch's: a unit that downsamples projects all of its
 * input beside a branch that gives the rest, a unit shuffles what comes in, not what goes out, the classifier has no
 * bias, and the input is bytes, blue first. V2+ has other stages, kernels of three sizes or three convolutions in a row,
 * hard swish, and squeeze and excitation. `shufflenet_v2_x2_0_se` is the paper's table 8, last row but one; the paper does not
 * say how far it squeezes: here not at all, as the authors' larger network (shufflenet_v2_large.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include "models/shufflenet.h"

typedef enum attention { NO_ATTENTION, SIGMOID, HARD_SIGMOID } attention;
typedef struct stage {
    const char *units; /* a digit: one convolution, of that size; x: three of 3x3 */
    int out;
    fv_act act;
    attention attention;
} stage;
typedef struct shufflenet_v2_cfg {
    int stem, last;
    fv_act act; /* of the first and the last convolution */
    bool pool;  /* behind the first */
    bool wide;  /* V2+'s classifier: attention, and a layer more */
    float dropout;
    stage stage[5]; /* ends with NULL units */
} shufflenet_v2_cfg;

static fv_val pointwise(fv_graph *g, fv_val x, int i, int out, fv_act act)
{
    return fv_activate(g, fv_shuffle_conv_bn(g, x, i, (fv_conv){ .out = out }), act);
}

static fv_val depthwise(fv_graph *g, fv_val x, int i, int k, int stride)
{
    const int c = fv_channels(g, x);
    return fv_shuffle_conv_bn(g, x, i, (fv_conv){ .out = c, .k = k, .stride = stride, .pad = k / 2, .groups = c });
}

/* V2+'s factor for each channel: a batch norm in the place of biases. */
static fv_val hard_attention(fv_graph *g, fv_val x)
{
    const fv_init small = { FV_INIT_NORMAL, 0.01f, 0 };
    const int c = fv_channels(g, x);
    fv_val s = fv_shuffle_conv_bn(g, fv_global_avgpool(g, x), 1, (fv_conv){ .out = c / 4, .init = small });

    s = fv_conv2d(g, fv_relu(g, s), "4", (fv_conv){ .out = c, .init = small });
    return fv_mul(g, x, fv_activate(g, s, FV_ACT_HARD_SIGMOID));
}

/* The branch that computes; its modules are counted, activations too. */
static fv_val branch_main(fv_graph *g, fv_val x, char form, int out, int mid, int stride, const stage *s)
{
    const int k = form == 'x' ? 3 : form - '0';
    int i = 0;

    fv_scope(g, "branch_main");
    if (form == 'x') {
        x = pointwise(g, depthwise(g, x, 0, k, stride), 2, mid, s->act);
        x = pointwise(g, depthwise(g, x, 5, k, 1), 7, mid, s->act);
        x = pointwise(g, depthwise(g, x, 10, k, 1), i = 12, out, s->act);
    } else {
        x = pointwise(g, x, 0, mid, s->act);
        x = pointwise(g, depthwise(g, x, 3, k, stride), i = 5, out, s->act);
    }
    if (s->attention == HARD_SIGMOID) {
        fv_scope(g, "%d.SE_opr", i + 3);
        x = hard_attention(g, x);
        fv_scope(g, NULL);
    }
    fv_scope(g, NULL);
    return s->attention == SIGMOID ? fv_shuffle_attention(g, x) : x;
}

static fv_val branch_proj(fv_graph *g, fv_val x, int k, fv_act act)
{
    fv_scope(g, "branch_proj");
    x = pointwise(g, depthwise(g, x, 0, k, 2), 2, fv_channels(g, x), act);
    fv_scope(g, NULL);
    return x;
}

/* Figure 3 (c), (d), with the shuffle in front. */
static fv_val unit(fv_graph *g, fv_val x, char form, bool down, const stage *s)
{
    fv_val half[2] = { x, x };

    if (!down) fv_shuffle_halves(g, x, half);
    const int in = fv_channels(g, half[1]);
    half[1] = branch_main(g, half[1], form, s->out - in, s->out / 2, down ? 2 : 1, s);
    if (down) half[0] = branch_proj(g, x, form == 'x' ? 3 : form - '0', s->act);
    return fv_concat(g, half, 2);
}

/* V2+ weighs the means of the last channels, and mixes them once more. */
static fv_val widened(fv_graph *g, fv_val x, int wide)
{
    fv_scope(g, "LastSE.SE_opr");
    x = hard_attention(g, x);
    fv_scope(g, NULL);
    fv_default_init(g, (fv_init){ 0 }, (fv_init){ FV_INIT_NORMAL, 0.01f, 0 });
    return fv_activate(g, fv_linear_no_bias(g, x, "fc.0", wide), FV_ACT_HARD_SWISH);
}

static fv_val shufflenet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[] = { "stage1", "stage2", "stage3", "stage4", "stage5" };
    const shufflenet_v2_cfg *c = cfg;
    int number = 0;

    x = fv_shuffle_stem(g, x, c->stem, c->act, c->pool, b->stem);
    for (const stage *s = c->stage; s->units; s++) {
        for (const char *u = s->units; *u; u++) {
            fv_scope(g, "features.%d", number++);
            x = unit(g, x, *u, u == s->units, s);
            fv_scope(g, NULL);
        }
        fv_name(g, x, names[s - c->stage + c->pool]); /* the paper counts the pooling as stage 1's */
    }
    fv_scope(g, "conv_last");
    x = pointwise(g, x, 0, c->last, c->act);
    fv_scope(g, NULL);
    fv_name(g, x, "conv_last");
    x = fv_global_avgpool(g, x);
    if (c->wide) x = widened(g, x, c->last);
    return fv_shuffle_classifier(g, x, c->dropout, b->classes);
}

// clang-format off
#define STAGES(a, b, c, attention) { { "3333",     a, FV_ACT_RELU, attention }, \
                                     { "33333333", b, FV_ACT_RELU, attention }, \
                                     { "3333",     c, FV_ACT_RELU, attention } }
#define V2(a, b, c, last, dropout) \
    &(const shufflenet_v2_cfg){ 24, last, FV_ACT_RELU, true, false, dropout, STAGES(a, b, c, NO_ATTENTION) }
#define SE(a, b, c, last, dropout) \
    &(const shufflenet_v2_cfg){ 24, last, FV_ACT_RELU, true, false, dropout, STAGES(a, b, c, SIGMOID) }
#define PLUS(a, b, c, d) \
    &(const shufflenet_v2_cfg){ 16, 1280, FV_ACT_HARD_SWISH, false, true, 0.2f, { \
        { "33x5",     a, FV_ACT_RELU,       NO_ATTENTION }, { "5533", b, FV_ACT_HARD_SWISH, NO_ATTENTION }, \
        { "73755373", c, FV_ACT_HARD_SWISH, HARD_SIGMOID }, { "75x7", d, FV_ACT_HARD_SWISH, HARD_SIGMOID } } }
#define BYTES  224, 256, FV_BILINEAR, FV_NORM_BYTES, 1000
#define R256   224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define MEGVII "megvii's ShuffleNet-Series"
const fv_model fv_models_shufflenet_v2_megvii[] = {
    /* name                           family           build          config                           input  params   MACs       top1  source */
    { "megvii_shufflenet_v2_x0_5",    "shufflenet_v2", shufflenet_v2, V2( 48,  96, 192, 1024, 0),      BYTES, 1365792,  40476448, 61.1, MEGVII },
    { "megvii_shufflenet_v2_x1_0",    "shufflenet_v2", shufflenet_v2, V2(116, 232, 464, 1024, 0),      BYTES, 2278760, 145814296, 69.4, MEGVII },
    { "megvii_shufflenet_v2_x1_5",    "shufflenet_v2", shufflenet_v2, V2(176, 352, 704, 1024, 0),      BYTES, 3506720, 298970656, 72.6, MEGVII },
    { "megvii_shufflenet_v2_x2_0",    "shufflenet_v2", shufflenet_v2, V2(244, 488, 976, 2048, 0.2f),   BYTES, 7402600, 590783000, 75.0, MEGVII },
    { "shufflenet_v2_x2_0_se",        "shufflenet_v2", shufflenet_v2, SE(244, 488, 976, 2048, 0.2f),   R256, 10455412, 593826832, 75.4, "Ma et al. 2018, table 8" },
    { "megvii_shufflenet_v2plus_small",  "shufflenet_v2", shufflenet_v2, PLUS(36, 104, 208, 416),      BYTES, 5137116, 155845008, 74.1, MEGVII },
    { "megvii_shufflenet_v2plus_medium", "shufflenet_v2", shufflenet_v2, PLUS(48, 128, 256, 512),      BYTES, 5679840, 222249984, 75.7, MEGVII },
    { "megvii_shufflenet_v2plus_large",  "shufflenet_v2", shufflenet_v2, PLUS(68, 168, 336, 672),      BYTES, 6768220, 360050704, 77.1, MEGVII },
    { 0 }
};
// clang-format on
