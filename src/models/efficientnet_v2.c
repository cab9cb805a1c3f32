/* efficientnet_v2.c -- fused blocks first, found for the speed of training.
 * Tan, Le: "EfficientNetV2: Smaller Models and Faster Training" (2021), table 4, with PyTorch's names of tensors in S, M
 * and L and timm's in the others. Deviations, as released: no squeeze and excitation in the fused blocks (figure 2 draws
 * it); S has no seventh stage. B0 to B3 are the base network scaled, their channels rounded without the rule that a layer
 * keeps 90 % of them. The tf_ rows pad and normalise as TensorFlow does.
 * efficientnetv2_rw_s is timm's, made before the authors' S was released: its first blocks are two convolutions, its last
 * layers wider, its norms' constants PyTorch's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "models/models.h"
#include <math.h>
#include <stdio.h>

typedef struct stage {
    int expansion, stride, out, repeat;
    bool fused;
} stage;

typedef struct efficientnet_v2_cfg {
    const stage *stages; /* ends with 0 channels */
    int stem, head;
    double width, depth; /* of the base network's stages; 0: as listed */
    float dropout;
    bool timm, same, rw;
} efficientnet_v2_cfg;

// clang-format off
static const stage s_stages[] = {
    { 1, 1, 24, 2, true }, { 4, 2, 48, 4, true }, { 4, 2, 64, 4, true },
    { 4, 2, 128, 6, false }, { 6, 1, 160, 9, false }, { 6, 2, 256, 15, false }, { 0 }
};
static const stage m_stages[] = {
    { 1, 1, 24, 3, true }, { 4, 2, 48, 5, true }, { 4, 2, 80, 5, true },
    { 4, 2, 160, 7, false }, { 6, 1, 176, 14, false }, { 6, 2, 304, 18, false }, { 6, 1, 512, 5, false }, { 0 }
};
static const stage l_stages[] = {
    { 1, 1, 32, 4, true }, { 4, 2, 64, 7, true }, { 4, 2, 96, 7, true },
    { 4, 2, 192, 10, false }, { 6, 1, 224, 19, false }, { 6, 2, 384, 25, false }, { 6, 1, 640, 7, false }, { 0 }
};
static const stage xl_stages[] = {
    { 1, 1, 32, 4, true }, { 4, 2, 64, 8, true }, { 4, 2, 96, 8, true },
    { 4, 2, 192, 16, false }, { 6, 1, 256, 24, false }, { 6, 2, 512, 32, false }, { 6, 1, 640, 8, false }, { 0 }
};
static const stage rw_stages[] = {
    { 1, 1, 24, 2, true }, { 4, 2, 48, 4, true }, { 4, 2, 64, 4, true },
    { 4, 2, 128, 6, false }, { 6, 1, 160, 9, false }, { 6, 2, 272, 15, false }, { 0 }
};
static const stage base_stages[] = {
    { 1, 1, 16, 1, true }, { 4, 2, 32, 2, true }, { 4, 2, 48, 2, true },
    { 4, 2, 96, 3, false }, { 6, 1, 112, 5, false }, { 6, 2, 192, 8, false }, { 0 }
};
// clang-format on
/* Stochastic depth of the block after the last. */
static double drop_at_end(const fv_build *b)
{
    return b->drop_path > 0 ? b->drop_path : b->drop_path < 0 ? 0 : 0.2;
}

static fv_bn norm_of(const efficientnet_v2_cfg *c)
{
    return c->rw ? (fv_bn){ 0 } : (fv_bn){ 1e-3f, 0.1f };
}

static int channels(const efficientnet_v2_cfg *c, int out)
{
    const int rounded = (int)(out * c->width + 4) / 8 * 8;
    return c->width == 0 ? out : rounded < 8 ? 8 : rounded;
}

static int repeats(const efficientnet_v2_cfg *c, const stage *s)
{
    return c->depth == 0 ? s->repeat : (int)ceil(s->repeat * c->depth);
}

static fv_val block(fv_graph *g, fv_val x, const efficientnet_v2_cfg *c, const stage *s, bool first, float drop)
{
    const int in = fv_channels(g, x);
    const fv_inverted b = { .wide = in * s->expansion,
                            .out = channels(c, s->out),
                            .k = 3,
                            .stride = first ? s->stride : 1,
                            .squeezed = s->fused ? 0 : in / 4,
                            .act = FV_ACT_SILU,
                            .squeeze = FV_ACT_SILU,
                            .gate = FV_ACT_SIGMOID,
                            .fused = s->fused,
                            .two = c->rw,
                            .bn = norm_of(c),
                            .same = c->same,
                            .drops = true,
                            .drop = drop,
                            .spelling = c->timm ? FV_SPELL_TIMM : FV_SPELL_TORCHVISION };
    return fv_inverted_residual(g, x, &b);
}

static fv_val body(fv_graph *g, fv_val x, const efficientnet_v2_cfg *c, const fv_build *b)
{
    int blocks = 0, done = 0;
    char name[24];

    for (const stage *s = c->stages; s->out; s++) blocks += repeats(c, s);
    for (const stage *s = c->stages; s->out; s++) {
        const int number = (int)(s - c->stages);
        snprintf(name, sizeof name, c->timm ? "blocks.%d" : "features.%d", c->timm ? number : number + 1);
        for (int i = 0; i < repeats(c, s); i++, done++) {
            fv_scope(g, "%s.%d", name, i);
            x = block(g, x, c, s, i == 0, (float)(drop_at_end(b) * done / blocks));
            fv_scope(g, NULL);
        }
        fv_name(g, x, name);
    }
    return x;
}

static fv_val efficientnet_v2(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    const efficientnet_v2_cfg *c = cfg;
    const fv_init linear = { FV_INIT_UNIFORM, (float)(1 / sqrt(b->classes)), 0 };
    const fv_conv stem = {
        .out = channels(c, c->stem), .k = 3, .stride = b->stem == FV_STEM_CIFAR ? 1 : 2, .same = c->same
    };
    const fv_bn bn = norm_of(c);
    int last = 0;
    char conv[24], norm[24];

    fv_default_init(g, (fv_init){ FV_INIT_HE_FAN_OUT, 0, 0 }, linear);
    x = fv_conv_bn(g, x, c->timm ? "conv_stem" : "features.0.0", c->timm ? "bn1" : "features.0.1", stem, bn,
                   FV_ACT_SILU);
    x = body(g, x, c, b);
    while (c->stages[last].out) last++;
    snprintf(conv, sizeof conv, c->timm ? "conv_head" : "features.%d.0", last + 1);
    snprintf(norm, sizeof norm, c->timm ? "bn2" : "features.%d.1", last + 1);
    x = fv_conv_bn(g, x, conv, norm, (fv_conv){ .out = channels(c, c->head), .k = 1 }, bn, FV_ACT_SILU);
    x = fv_dropout(g, fv_global_avgpool(g, x), c->dropout);
    return fv_linear(g, x, c->timm ? "classifier" : "classifier.1", b->classes);
}

// clang-format off
#define TORCH(stages, stem, dropout)        &(const efficientnet_v2_cfg){ stages, stem, 1280, 0, 0, dropout, false, false, false }
#define TIMM(stages, stem, dropout)         &(const efficientnet_v2_cfg){ stages, stem, 1280, 0, 0, dropout, true, false, false }
#define TF(stages, stem, dropout)           &(const efficientnet_v2_cfg){ stages, stem, 1280, 0, 0, dropout, true, true, false }
#define BASE(width, depth, dropout)         &(const efficientnet_v2_cfg){ base_stages, 32, 1280, width, depth, dropout, true, false, false }
#define TFBASE(width, depth, dropout)       &(const efficientnet_v2_cfg){ base_stages, 32, 1280, width, depth, dropout, true, true, false }
#define RW                                  &(const efficientnet_v2_cfg){ rw_stages, 24, 1792, 0, 0, 0.2f, true, false, true }
#define AT(size, resize, filter)            size, resize, filter, FV_NORM_IMAGENET, 1000
#define UNIT(size, resize, filter)          size, resize, filter, FV_NORM_UNIT, 1000
#define TV   "torchvision, IMAGENET1K_V1 weights"
#define REPO "TensorFlow's automl repository"
#define ROW(name, cfg, input, params, macs, top1, source) { name, "efficientnet_v2", efficientnet_v2, cfg, input, params, macs, top1, source }
const fv_model fv_models_efficientnet_v2[] = {
    /*  name                    config                       input                           params     MACs         top1    source */
    ROW("efficientnet_v2_s",     TORCH(s_stages, 24, 0.2f),   AT(384, 384, FV_BILINEAR),      21458488,  8365617152, 84.228, TV),
    ROW("efficientnet_v2_m",     TORCH(m_stages, 24, 0.3f),   AT(480, 480, FV_BILINEAR),      54139356, 24582460384, 85.112, TV),
    ROW("efficientnet_v2_l",     TORCH(l_stages, 32, 0.4f),   UNIT(480, 480, FV_BICUBIC),    118515272, 56079699008, 85.808, TV),
    ROW("efficientnet_v2_xl",    TIMM(xl_stages, 32, 0.4f),   UNIT(512, 512, FV_BICUBIC),    208119808, 93353451520, 0,      NULL),
    ROW("efficientnet_v2_b0",    BASE(1.0, 1.0, 0.2f),        AT(224, 256, FV_BICUBIC),        7139704,   718086176, 0,      NULL),
    ROW("efficientnet_v2_b1",    BASE(1.0, 1.1, 0.2f),        AT(240, 272, FV_BICUBIC),        8141052,  1196819360, 0,      NULL),
    ROW("efficientnet_v2_b2",    BASE(1.1, 1.2, 0.3f),        AT(260, 292, FV_BICUBIC),       10096086,  1697542832, 0,      NULL),
    ROW("efficientnet_v2_b3",    BASE(1.2, 1.4, 0.3f),        AT(300, 332, FV_BICUBIC),       14358406,  3011458816, 0,      NULL),
    ROW("tf_efficientnetv2_s",   TF(s_stages, 24, 0.2f),      UNIT(384, 384, FV_BICUBIC),     21458488,  8365617152, 83.9,   REPO),
    ROW("tf_efficientnetv2_m",   TF(m_stages, 24, 0.3f),      UNIT(480, 480, FV_BICUBIC),     54139356, 24582460384, 85.2,   REPO),
    ROW("tf_efficientnetv2_l",   TF(l_stages, 32, 0.4f),      UNIT(480, 480, FV_BICUBIC),    118515272, 56079699008, 85.7,   REPO),
    ROW("tf_efficientnetv2_xl",  TF(xl_stages, 32, 0.4f),     UNIT(512, 512, FV_BICUBIC),    208119808, 93353451520, 87.2,   REPO ", trained on ImageNet-21k first"),
    ROW("tf_efficientnetv2_b0",  TFBASE(1.0, 1.0, 0.2f),      AT(224, 256, FV_BICUBIC),        7139704,   718086176, 78.7,   REPO),
    ROW("tf_efficientnetv2_b1",  TFBASE(1.0, 1.1, 0.2f),      AT(240, 272, FV_BICUBIC),        8141052,  1196819360, 79.8,   REPO),
    ROW("tf_efficientnetv2_b2",  TFBASE(1.1, 1.2, 0.3f),      AT(260, 292, FV_BICUBIC),       10096086,  1697542832, 80.5,   REPO),
    ROW("tf_efficientnetv2_b3",  TFBASE(1.2, 1.4, 0.3f),      AT(300, 332, FV_BICUBIC),       14358406,  3011458816, 82.1,   REPO),
    ROW("efficientnetv2_rw_s",   RW,                          AT(384, 384, FV_BICUBIC),       23941296,  8640282112, 83.808, "timm, efficientnetv2_rw_s.ra2_in1k"),
    { 0 }
};
// clang-format on
