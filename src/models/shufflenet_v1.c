/* shufflenet_v1.c -- grouped 1x1 convolutions, with a channel shuffle in between.
 * Zhang, Zhou, Lin, Sun: "ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices" (2017),
 * table 1 and figure 2, with the authors' names of tensors. The megvii_ rows are the network of the weights that the
 * authors released: it shuffles behind the depthwise convolution, by the inverse of the paper's permutation (the two are
 * one only where c = g^2), and sees bytes, blue first.
 * Deviations: the classifier has no bias, as in the released weights. Stems of the other widths are the authors', 12
 * (16 for 8 groups) at 0.5x, 24 at 1.5x, 48 at 2x, which give the paper's counts of operations; at 0.25x, of which no weights
 * are released, 12 and 8 come closest to its 13 million. The paper does not say how 2 and 4 groups divide at fractional widths:
 * here a bottleneck has a quarter of the unit's channels, rounded up to a multiple of the groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/models.h"
#include "models/shufflenet.h"
#include <stdio.h>

typedef struct shufflenet_v1_cfg {
    int groups, stem, out; /* channels of the stem, of stage 2 */
    bool authors;
} shufflenet_v1_cfg;

static fv_val shuffled(fv_graph *g, fv_val x, const shufflenet_v1_cfg *c, bool authors)
{
    if (c->groups == 1 || authors != c->authors) return x;
    return fv_shuffle(g, x, authors ? fv_channels(g, x) / c->groups : c->groups);
}

/* Figure 2 (b), (c) up to the sum or the concatenation. The very first 1x1 sees too few channels for groups. */
static fv_val branch(fv_graph *g, fv_val x, int out, int mid, int stride, bool first, const shufflenet_v1_cfg *c)
{
    const fv_conv squeeze = { .out = mid, .groups = first ? 1 : c->groups };
    const fv_conv filter = { .out = mid, .k = 3, .stride = stride, .pad = 1, .groups = mid };

    fv_scope(g, "branch_main_1");
    x = fv_relu(g, fv_shuffle_conv_bn(g, x, 0, squeeze));
    x = fv_shuffle_conv_bn(g, shuffled(g, x, c, false), 3, filter);
    fv_scope(g, NULL);
    fv_scope(g, "branch_main_2");
    x = fv_shuffle_conv_bn(g, shuffled(g, x, c, true), 0, (fv_conv){ .out = out, .groups = c->groups });
    fv_scope(g, NULL);
    return x;
}

static fv_val unit(fv_graph *g, fv_val x, int out, int stride, bool first, const shufflenet_v1_cfg *c)
{
    const int whole = c->groups * 4, mid = (out + whole - 1) / whole * c->groups;

    if (stride == 1) return fv_relu(g, fv_add(g, branch(g, x, out, mid, 1, first, c), x));
    const fv_val y = branch(g, x, out - fv_channels(g, x), mid, stride, first, c);
    const fv_val skip = fv_avgpool(g, x, (fv_pool){ .k = 3, .stride = stride, .pad = 1 });
    return fv_concat(g, (fv_val[]){ skip, fv_relu(g, y) }, 2);
}

static fv_val shufflenet_v1(fv_graph *g, fv_val x, const void *cfg, const fv_build *b)
{
    static const char *const names[] = { "stage2", "stage3", "stage4" };
    static const int units[] = { 4, 8, 4 };
    const shufflenet_v1_cfg *c = cfg;
    int number = 0;

    x = fv_shuffle_stem(g, x, c->stem, FV_ACT_RELU, true, b->stem);
    for (int s = 0; s < 3; s++) {
        for (int i = 0; i < units[s]; i++, number++) {
            fv_scope(g, "features.%d", number);
            x = unit(g, x, c->out << s, i == 0 ? 2 : 1, number == 0, c);
            fv_scope(g, NULL);
        }
        fv_name(g, x, names[s]);
    }
    return fv_shuffle_classifier(g, fv_global_avgpool(g, x), 0, b->classes);
}

// clang-format off
#define PAPER(groups, stem, out)   &(const shufflenet_v1_cfg){ groups, stem, out, false }
#define AUTHORS(groups, stem, out) &(const shufflenet_v1_cfg){ groups, stem, out, true }
#define R256   224, 256, FV_BILINEAR, FV_NORM_IMAGENET, 1000
#define BYTES  224, 256, FV_BILINEAR, FV_NORM_BYTES, 1000
#define TABLE2 "Zhang et al. 2017, table 2"
#define TABLE5 "Zhang et al. 2017, table 5"
#define MEGVII "megvii's ShuffleNet-Series"
const fv_model fv_models_shufflenet_v1[] = {
    /* The authors' rows come first: weights that fit both forms by name and shape are theirs.
     * name                            family           build          config               input  params   MACs       top1  source */
    { "megvii_shufflenet_v1_g3_x0_5", "shufflenet_v1", shufflenet_v1, AUTHORS(3, 12, 120), BYTES,  717324,  37589856, 57.3, MEGVII },
    { "megvii_shufflenet_v1_g3",      "shufflenet_v1", shufflenet_v1, AUTHORS(3, 24, 240), BYTES, 1864728, 137460672, 67.8, MEGVII },
    { "megvii_shufflenet_v1_g3_x1_5", "shufflenet_v1", shufflenet_v1, AUTHORS(3, 24, 360), BYTES, 3441168, 292443552, 71.6, MEGVII },
    { "megvii_shufflenet_v1_g3_x2_0", "shufflenet_v1", shufflenet_v1, AUTHORS(3, 48, 480), BYTES, 5449776, 524045184, 74.1, MEGVII },
    { "megvii_shufflenet_v1_g8_x0_5", "shufflenet_v1", shufflenet_v1, AUTHORS(8, 16, 192), BYTES, 1010448,  40469760, 58.8, MEGVII },
    { "megvii_shufflenet_v1_g8",      "shufflenet_v1", shufflenet_v1, AUTHORS(8, 24, 384), BYTES, 2433768, 138365952, 68.0, MEGVII },
    { "megvii_shufflenet_v1_g8_x1_5", "shufflenet_v1", shufflenet_v1, AUTHORS(8, 24, 576), BYTES, 4268952, 290188800, 71.0, MEGVII },
    { "megvii_shufflenet_v1_g8_x2_0", "shufflenet_v1", shufflenet_v1, AUTHORS(8, 48, 768), BYTES, 6521232, 521942016, 72.9, MEGVII },
    { "shufflenet_v1_g1",             "shufflenet_v1", shufflenet_v1, PAPER(1, 24, 144),   R256,  1530936, 143078976, 66.4, TABLE2 },
    { "shufflenet_v1_g2",             "shufflenet_v1", shufflenet_v1, PAPER(2, 24, 200),   R256,  1732848, 140836512, 67.3, TABLE2 },
    { "shufflenet_v1_g3",             "shufflenet_v1", shufflenet_v1, PAPER(3, 24, 240),   R256,  1864728, 137460672, 67.4, TABLE2 },
    { "shufflenet_v1_g4",             "shufflenet_v1", shufflenet_v1, PAPER(4, 24, 272),   R256,  1967344, 134339776, 67.2, TABLE2 },
    { "shufflenet_v1_g8",             "shufflenet_v1", shufflenet_v1, PAPER(8, 24, 384),   R256,  2433768, 138365952, 67.6, TABLE2 },
    { "shufflenet_v1_g1_x0_25",       "shufflenet_v1", shufflenet_v1, PAPER(1, 12,  36),   R256,   208908,  13162320, 42.9, TABLE2 },
    { "shufflenet_v1_g2_x0_25",       "shufflenet_v1", shufflenet_v1, PAPER(2, 12,  50),   R256,   266690,  13782996, 43.2, TABLE2 },
    { "shufflenet_v1_g3_x0_25",       "shufflenet_v1", shufflenet_v1, PAPER(3, 12,  60),   R256,   305124,  13300656, 45.0, TABLE2 },
    { "shufflenet_v1_g4_x0_25",       "shufflenet_v1", shufflenet_v1, PAPER(4, 12,  68),   R256,   338420,  13984552, 45.8, TABLE2 },
    { "shufflenet_v1_g8_x0_25",       "shufflenet_v1", shufflenet_v1, PAPER(8,  8,  96),   R256,   453504,  12426240, 47.3, TABLE2 },
    { "shufflenet_v1_g1_x0_5",        "shufflenet_v1", shufflenet_v1, PAPER(1, 12,  72),   R256,   533484,  38517408, 54.9, TABLE2 },
    { "shufflenet_v1_g2_x0_5",        "shufflenet_v1", shufflenet_v1, PAPER(2, 12, 100),   R256,   642932,  38570608, 55.6, TABLE2 },
    { "shufflenet_v1_g3_x0_5",        "shufflenet_v1", shufflenet_v1, PAPER(3, 12, 120),   R256,   717324,  37589856, 56.8, TABLE2 },
    { "shufflenet_v1_g4_x0_5",        "shufflenet_v1", shufflenet_v1, PAPER(4, 12, 136),   R256,   777040,  37468832, 58.4, TABLE2 },
    { "shufflenet_v1_g8_x0_5",        "shufflenet_v1", shufflenet_v1, PAPER(8, 16, 192),   R256,  1010448,  40469760, 57.7, TABLE2 },
    { "shufflenet_v1_g1_x1_5",        "shufflenet_v1", shufflenet_v1, PAPER(1, 24, 216),   R256,  2992032, 308096352,    0, NULL },
    { "shufflenet_v1_g2_x1_5",        "shufflenet_v1", shufflenet_v1, PAPER(2, 24, 300),   R256,  3271312, 302187792,    0, NULL },
    { "shufflenet_v1_g3_x1_5",        "shufflenet_v1", shufflenet_v1, PAPER(3, 24, 360),   R256,  3441168, 292443552, 71.5, TABLE5 },
    { "shufflenet_v1_g4_x1_5",        "shufflenet_v1", shufflenet_v1, PAPER(4, 24, 408),   R256,  3573032, 285767712,    0, NULL },
    { "shufflenet_v1_g8_x1_5",        "shufflenet_v1", shufflenet_v1, PAPER(8, 24, 576),   R256,  4268952, 290188800,    0, NULL },
    { "shufflenet_v1_g1_x2_0",        "shufflenet_v1", shufflenet_v1, PAPER(1, 48, 288),   R256,  4917744, 550334592,    0, NULL },
    { "shufflenet_v1_g2_x2_0",        "shufflenet_v1", shufflenet_v1, PAPER(2, 48, 400),   R256,  5256896, 539138624,    0, NULL },
    { "shufflenet_v1_g3_x2_0",        "shufflenet_v1", shufflenet_v1, PAPER(3, 48, 480),   R256,  5449776, 524045184, 73.7, TABLE5 },
    { "shufflenet_v1_g4_x2_0",        "shufflenet_v1", shufflenet_v1, PAPER(4, 48, 544),   R256,  5592528, 510289536,    0, NULL },
    { "shufflenet_v1_g8_x2_0",        "shufflenet_v1", shufflenet_v1, PAPER(8, 48, 768),   R256,  6521232, 521942016,    0, NULL },
    { 0 }
};
// clang-format on
