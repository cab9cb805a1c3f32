/* efficientnet.c -- one network, scaled in width, depth and resolution together.
 * Tan, Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks" (2019), table 1 and section 4,
 * with PyTorch's or, in the tf_ and Lite rows, timm's names of tensors. Squeeze and excitation: Hu, Shen, Sun (2017);
 * stochastic depth: Huang et al. (2016). Lite (TensorFlow's TPU repository, 2020): ReLU6, no squeeze and excitation, the
 * stem, the last layer and the first and last stage's repeats not scaled.
 * Deviations: convolutions with stride pad the same on all sides, but in the tf_ rows; B2's input is the one that
 * torchvision's weights are measured at.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "models/models.h"
#include <math.h>
#include <stdio.h>

typedef struct efficientnet_cfg {
    double width, depth; /* section 3.3, table 2 */
    float dropout;
    fv_bn bn; /* B5 to B7 and TensorFlow's were trained with other constants */
    bool timm, same, lite;
} efficientnet_cfg;

// clang-format off
static const struct stage {
    int expansion, k, out, repeat, stride;
} stages[] = { /* table 1, stages 2 to 8 */
    { 1, 3,  16, 1, 1 },
    { 6, 3,  24, 2, 2 },
    { 6, 5,  40, 2, 2 },
    { 6, 3,  80, 3, 2 },
    { 6, 5, 112, 3, 1 },
    { 6, 5, 192, 4, 2 },
    { 6, 3, 320, 1, 1 },
};
// clang-format on
enum { STAGES = sizeof stages / sizeof *stages };
/* Stochastic depth of the block after the last. */
static double drop_at_end(const fv_build *b)
{
    return b->drop_path > 0 ? b->drop_path : b->drop_path < 0 ? 0 : 0.2;
}

/* Section 3 of the Lite description: what is not scaled. */
static int repeats(const efficientnet_cfg *c, int stage)
{
    const bool fixed = c->lite && (stage == 0 || stage == STAGES - 1);
    return fixed ? stages[stage].repeat : (int)ceil(stages[stage].repeat * c->depth);
}

static fv_act activation(const efficientnet_cfg *c)
{
    return c->lite ? FV_ACT_RELU6 : FV_ACT_SILU;
}

/* MBConv; the squeeze is a quarter of the block's input. */
static fv_val mbconv(fv_graph *g, fv_val x, const efficientnet_cfg *c, int stage, int stride, float drop)
{
    const struct stage *s = &stages[stage];
    const int in = fv_channels(g, x);
    const fv_inverted b = { .wide = in * s->expansion,
                            .out = fv_scaled_channels(s->out, c->width),
                            .k = s->k,
                            .stride = stride,
                            .squeezed = c->lite      ? 0
                                        : in / 4 > 1 ? in / 4
                                                     : 1,
                            .act = activation(c),
                            .squeeze = FV_ACT_SILU,
                            .gate = FV_ACT_SIGMOID,
                            .bn = c->bn,
                            .same = c->same,
                            .drops = true,
                            .drop = drop,
                            .spelling = c->timm ? FV_SPELL_TIMM : FV_SPELL_TORCHVISION };
    return fv_inverted_residual(g, x, &b);
}

/* Stages 2 to 8. Block i of N is left out with a chance of i/N of the end's: Huang et al., section 3, linear decay. */
static fv_val body(fv_graph *g, fv_val x, const efficientnet_cfg *c, const fv_build *b)
{
    int blocks = 0, block = 0;
    char name[24];

    for (int s = 0; s < STAGES; s++) blocks += repeats(c, s);
    for (int s = 0; s < STAGES; s++) {
        snprintf(name, sizeof name, c->timm ? "blocks.%d" : "features.%d", c->timm ? s : s + 1);
        for (int i = 0; i < repeats(c, s); i++, block++) {
            fv_scope(g, "%s.%d", name, i);
            x = mbconv(g, x, c, s, i == 0 ? stages[s].stride : 1, (float)(drop_at_end(b) * block / blocks));
            fv_scope(g, NULL);
        }
        fv_name(g, x, name);
    }
    return x;
}

static fv_val efficientnet(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const efficientnet_cfg *c = cfg;
    const double width = c->lite ? 1 : c->width;
    const fv_init linear = { FV_INIT_UNIFORM, (float)(1 / sqrt(b->classes)), 0 };
    const fv_conv stem = {
        .out = fv_scaled_channels(32, width), .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2, .same = c->same
    };
    const fv_conv head = { .out = c->lite ? 1280 : 4 * fv_scaled_channels(320, width), .k = 1 };

    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, linear);
    x = fv_conv_bn(g, x, c->timm ? "conv_stem" : "features.0.0", c->timm ? "bn1" : "features.0.1", stem, c->bn,
                   activation(c));
    fv_name(g, x, "features.0");
    x = body(g, x, c, b);
    x = fv_conv_bn(g, x, c->timm ? "conv_head" : "features.8.0", c->timm ? "bn2" : "features.8.1", head, c->bn,
                   activation(c));
    fv_name(g, x, "features.8");
    x = fv_dropout(g, fv_global_avgpool(g, x), c->dropout);
    return fv_linear(g, x, c->timm ? "classifier" : "classifier.1", b->classes);
}

// clang-format off
#define SCALE(width, depth, dropout) &(const efficientnet_cfg){ width, depth, dropout, { 1e-5f, 0.1f }, false, false, false }
#define OTHER(width, depth, dropout) &(const efficientnet_cfg){ width, depth, dropout, { 1e-3f, 0.01f }, false, false, false }
#define TF(width, depth, dropout)    &(const efficientnet_cfg){ width, depth, dropout, { 1e-3f, 0.01f }, true, true, false }
#define LITE(width, depth, dropout)  &(const efficientnet_cfg){ width, depth, dropout, { 1e-5f, 0.1f }, true, false, true }
#define TFLITE(width, depth, dropout) &(const efficientnet_cfg){ width, depth, dropout, { 1e-3f, 0.01f }, true, true, true }
#define UNIT(size, resize) size, resize, FV_BICUBIC, FV_NORM_UNIT, 1000
#define AUTO "TensorFlow's TPU repository, AutoAugment checkpoints"
#define TPU  "TensorFlow's TPU repository"
#define RA   "timm, efficientnet_lite0.ra_in1k"
#define AT(size, resize) size, resize, FV_BICUBIC, FV_NORM_IMAGENET, 1000
#define TV               "torchvision, IMAGENET1K_V1 weights"
const fv_model fv_models_efficientnet[] = {
    /* name              family          build         config                 input         params    MACs         top1    source */
    { "efficientnet_b0", "efficientnet", efficientnet, SCALE(1.0, 1.0, 0.2f), AT(224, 256),  5288548,   385814752, 77.692, TV },
    { "efficientnet_b1", "efficientnet", efficientnet, SCALE(1.0, 1.1, 0.2f), AT(240, 256),  7794184,   686802832, 78.642, TV },
    { "efficientnet_b2", "efficientnet", efficientnet, SCALE(1.1, 1.2, 0.3f), AT(288, 288),  9109994,  1087529456, 80.608, TV },
    { "efficientnet_b3", "efficientnet", efficientnet, SCALE(1.2, 1.4, 0.3f), AT(300, 320), 12233232,  1827141392, 82.008, TV },
    { "efficientnet_b4", "efficientnet", efficientnet, SCALE(1.4, 1.8, 0.4f), AT(380, 384), 19341616,  4393771024, 83.384, TV },
    { "efficientnet_b5", "efficientnet", efficientnet, OTHER(1.6, 2.2, 0.4f), AT(456, 456), 30389784, 10266384752, 83.444, TV },
    { "efficientnet_b6", "efficientnet", efficientnet, OTHER(1.8, 2.6, 0.5f), AT(528, 528), 43040704, 19067593536, 84.008, TV },
    { "efficientnet_b7", "efficientnet", efficientnet, OTHER(2.0, 3.1, 0.5f), AT(600, 600), 66347960, 37745884192, 84.122, TV },
    { "tf_efficientnet_b0", "efficientnet", efficientnet, TF(1.0, 1.0, 0.2f), AT(224, 256),  5288548,   385814752, 77.1, AUTO },
    { "tf_efficientnet_b1", "efficientnet", efficientnet, TF(1.0, 1.1, 0.2f), AT(240, 272),  7794184,   686802832, 79.1, AUTO },
    { "tf_efficientnet_b2", "efficientnet", efficientnet, TF(1.1, 1.2, 0.3f), AT(260, 292),  9109994,   993561872, 80.1, AUTO },
    { "tf_efficientnet_b3", "efficientnet", efficientnet, TF(1.2, 1.4, 0.3f), AT(300, 332), 12233232,  1827141392, 81.6, AUTO },
    { "tf_efficientnet_b4", "efficientnet", efficientnet, TF(1.4, 1.8, 0.4f), AT(380, 412), 19341616,  4393771024, 82.9, AUTO },
    { "tf_efficientnet_b5", "efficientnet", efficientnet, TF(1.6, 2.2, 0.4f), AT(456, 488), 30389784, 10266384752, 83.6, AUTO },
    { "tf_efficientnet_b6", "efficientnet", efficientnet, TF(1.8, 2.6, 0.5f), AT(528, 560), 43040704, 19067593536, 84.0, AUTO },
    { "tf_efficientnet_b7", "efficientnet", efficientnet, TF(2.0, 3.1, 0.5f), AT(600, 632), 66347960, 37745884192, 84.3, AUTO },
    { "tf_efficientnet_b8", "efficientnet", efficientnet, TF(2.2, 3.6, 0.5f), AT(672, 704),   87413142, 62597461568, 85.368, "timm, tf_efficientnet_b8.ra_in1k" },
    { "efficientnet_lite0", "efficientnet_lite", efficientnet, LITE(1.0, 1.0, 0.2f), AT(224, 256), 4652008, 385187552, 75.49, RA },
    { "efficientnet_lite1", "efficientnet_lite", efficientnet, LITE(1.0, 1.1, 0.2f), AT(240, 272), 5416680, 600185232, 0, NULL },
    { "efficientnet_lite2", "efficientnet_lite", efficientnet, LITE(1.1, 1.2, 0.3f), AT(260, 292), 6092072, 859736272, 0, NULL },
    { "efficientnet_lite3", "efficientnet_lite", efficientnet, LITE(1.2, 1.4, 0.3f), AT(280, 312), 8197096, 1383321872, 0, NULL },
    { "efficientnet_lite4", "efficientnet_lite", efficientnet, LITE(1.4, 1.8, 0.3f), AT(300, 332), 13006568, 2553034336, 0, NULL },
    { "tf_efficientnet_lite0", "efficientnet_lite", efficientnet, TFLITE(1.0, 1.0, 0.2f), UNIT(224, 256), 4652008, 385187552, 75.1, TPU },
    { "tf_efficientnet_lite1", "efficientnet_lite", efficientnet, TFLITE(1.0, 1.1, 0.2f), UNIT(240, 272), 5416680, 600185232, 76.7, TPU },
    { "tf_efficientnet_lite2", "efficientnet_lite", efficientnet, TFLITE(1.1, 1.2, 0.3f), UNIT(260, 292), 6092072, 859736272, 77.6, TPU },
    { "tf_efficientnet_lite3", "efficientnet_lite", efficientnet, TFLITE(1.2, 1.4, 0.3f), UNIT(280, 312), 8197096, 1383321872, 79.8, TPU },
    { "tf_efficientnet_lite4", "efficientnet_lite", efficientnet, TFLITE(1.4, 1.8, 0.3f), UNIT(300, 332), 13006568, 2553034336, 81.5, TPU },
    { 0 }
};
// clang-format on
