/* study_scaling.c -- EfficientNet and EfficientNetV2: what scaling costs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/inverted.h"
#include "models/models.h"
#include "study/lab.h"
#include <math.h>

#define TOPIC "EfficientNet: scaling"

/* ---- published pairs of width, depth and resolution ---- */

static fv_status compound(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name;
        double w, d;
        int r;
    } rows[] = { { "efficientnet_b0", 1, 1, 224 },     { "efficientnet_b1", 1, 1.1, 240 },
                 { "efficientnet_b2", 1.1, 1.2, 260 }, { "efficientnet_b3", 1.2, 1.4, 300 },
                 { "efficientnet_b4", 1.4, 1.8, 380 }, { "efficientnet_b5", 1.6, 2.2, 456 },
                 { "efficientnet_b6", 1.8, 2.6, 528 }, { "efficientnet_b7", 2, 3.1, 600 } };
    double macs[8], foretold[8];
    fv_lab_is(l, "alpha beta^2 gamma^2", 1.2 * 1.1 * 1.1 * 1.15 * 1.15, 1.9203, 0.00005);
    for (int i = 0; i < 8; i++) {
        fv_graph *g;
        FV_TRY(fv_lab_zoo(l, &g, rows[i].name, rows[i].r, err));
        macs[i] = (double)fv_graph_macs(g);
        foretold[i] = rows[i].d * rows[i].w * rows[i].w * pow(rows[i].r / 224.0, 2);
        if (i == 7) fv_lab_is(l, "GPipe's 556 M parameters / B7's", 556e6 / (double)fv_graph_params(g), 8.4, 0.05);
    }
    fv_lab_is(l, "B4: d w^2 (r / 224)^2", foretold[4], 10.15, 0.005);
    fv_lab_is(l, "B4: MACs / B0's", macs[4] / macs[0], 11.39, 0.005);
    fv_lab_is(l, "B7: d w^2 (r / 224)^2", foretold[7], 88.97, 0.005);
    fv_lab_is(l, "B7: MACs / B0's", macs[7] / macs[0], 97.83, 0.005);
    fv_lab_plot(l, (fv_study_plot){ "MACs of B0 to B7", "d w^2 (r / 224)^2", "MACs / B0's", true, true });
    fv_lab_curve(l, "counted", false);
    for (int i = 0; i < 8; i++) fv_lab_point(l, foretold[i], macs[i] / macs[0]);
    fv_lab_curve(l, "as foretold", false);
    for (int i = 0; i < 8; i++) fv_lab_point(l, foretold[i], foretold[i]);
    fv_lab_curve(l, "printed in the paper", true);
    static const double printed[] = { 0.39, 0.70, 1.0, 1.8, 4.2, 9.9, 19, 37 };
    for (int i = 0; i < 8; i++) fv_lab_point(l, foretold[i], printed[i] / printed[0]);
    return FV_OK;
}

/* ---- B0 with other widths, depths, and fused stages ---- */

// clang-format off
static const struct stage { int expansion, k, out, repeat, stride; } stages[] = { /* table 1 */
    { 1, 3, 16, 1, 1 }, { 6, 3, 24, 2, 2 }, { 6, 5, 40, 2, 2 }, { 6, 3, 80, 3, 2 }, { 6, 5, 112, 3, 1 }, { 6, 5, 192, 4, 2 },
    { 6, 3, 320, 1, 1 },
};
// clang-format on
enum { STAGES = sizeof stages / sizeof *stages };
typedef struct scale {
    double width, depth;
    int fused; /* stages in front whose expansion and filter are one convolution, without squeeze */
} scale;

static fv_val scaled(fv_graph *g, fv_val x, const void *arg)
{
    const scale *s = arg;
    x = fv_conv_bn(g, x, "stem", "bn", (fv_conv){ .out = fv_scaled_channels(32, s->width), .k = 3, .stride = 2 },
                   (fv_bn){ 0 }, FV_ACT_SILU);
    for (int t = 0; t < STAGES; t++)
        for (int i = 0; i < (int)ceil(stages[t].repeat * s->depth); i++) {
            const int in = fv_channels(g, x);
            const fv_inverted b = { .wide = in * stages[t].expansion,
                                    .out = fv_scaled_channels(stages[t].out, s->width),
                                    .k = stages[t].k,
                                    .stride = i == 0 ? stages[t].stride : 1,
                                    .squeezed = t < s->fused ? 0 : in / 4,
                                    .act = FV_ACT_SILU,
                                    .squeeze = FV_ACT_SILU,
                                    .gate = FV_ACT_SIGMOID,
                                    .fused = t < s->fused };
            fv_scope(g, "%d.%d", t, i);
            x = fv_inverted_residual(g, x, &b);
            fv_scope(g, NULL);
        }
    x = fv_conv_bn(g, x, "head", "bn", (fv_conv){ .out = 4 * fv_scaled_channels(320, s->width), .k = 1 }, (fv_bn){ 0 },
                   FV_ACT_SILU);
    return fv_linear(g, fv_global_avgpool(g, x), "fc", 1000);
}

static fv_status one_dimension(fv_lab *l, fv_err *err)
{
    static const char *const bars[] = { "d = 4", "w = 2", "r = 2", "d 1.4, w 1.2, r 1.3", NULL };
    static const struct {
        const char *name;
        scale s;
        int size;
        double published; /* table 7: top-1 */
    } rows[] = { { "d = 4", { 1, 4, 0 }, 224, 79.0 },
                 { "w = 2", { 2, 1, 0 }, 224, 78.9 },
                 { "r = 2", { 1, 1, 0 }, 448, 79.1 },
                 { "d 1.4, w 1.2, r 1.3", { 1.2, 1.4, 0 }, 291, 81.1 } };
    fv_lab_cost base, cost;
    fv_graph *zoo;
    const scale plain = { 1, 1, 0 };
    FV_TRY(fv_lab_count(l, &base, (fv_shape){ 1, 224, 224, 3 }, scaled, &plain, err));
    FV_TRY(fv_lab_zoo(l, &zoo, "efficientnet_b0", 0, err));
    fv_lab_is(l, "B0 built here / the zoo's, MACs", (double)base.macs / (double)fv_graph_macs(zoo), 1, 0);
    fv_lab_is(l, "parameters", (double)base.params, (double)fv_graph_params(zoo), 0);
    fv_lab_bars(l, "B0 at four times the MACs", "top-1 on ImageNet (%), published", bars);
    fv_lab_curve(l, "Tan, Le 2019, table 7", true);
    for (int i = 0; i < 4; i++) {
        const fv_shape in = { 1, rows[i].size, rows[i].size, 3 };
        FV_TRY(fv_lab_count(l, &cost, in, scaled, &rows[i].s, err));
        /* "about four times": repeats and channels are rounded up */
        fv_lab_is(l, fv_lab_text(l, "MACs / B0's, %s", rows[i].name), (double)cost.macs / (double)base.macs, 4, 0.7);
        fv_lab_point(l, i + 1, rows[i].published);
    }
    return FV_OK;
}

static fv_status fused_stages(fv_lab *l, fv_err *err)
{
    static const struct {
        int fused;
        double params, gmacs; /* counted by others from the same definition, kernel sizes kept */
        double accuracy;      /* published */
    } rows[] = { { 0, 19.3, 4.39, 82.8 }, { 3, 20.9, 9.65, 83.1 }, { 5, 43.5, 23.0, 83.1 }, { 7, 132.1, 36.0, 81.7 } };
    fv_lab_plot(l, (fv_study_plot){ "B4 with its first stages fused", "stages fused", "parameters (M)", false, true });
    fv_lab_curve(l, "counted", false);
    for (int i = 0; i < 4; i++) {
        const scale s = { 1.4, 1.8, rows[i].fused };
        fv_lab_cost cost;
        FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, 380, 380, 3 }, scaled, &s, err));
        fv_lab_is(l, fv_lab_text(l, "parameters, %d stages fused (M)", rows[i].fused), 1e-6 * (double)cost.params,
                  rows[i].params, 0.051);
        fv_lab_is(l, fv_lab_text(l, "MACs, %d stages fused (G)", rows[i].fused), 1e-9 * (double)cost.macs,
                  rows[i].gmacs, 0.051);
        fv_lab_point(l, rows[i].fused, 1e-6 * (double)cost.params);
    }
    fv_lab_curve(l, "Tan, Le 2021, table 3", true);
    static const double printed[] = { 19.3, 20.0, 43.4, 132.0 };
    for (int i = 0; i < 4; i++) fv_lab_point(l, rows[i].fused, printed[i]);
    return FV_OK;
}

static fv_val one_block(fv_graph *g, fv_val x, const void *arg)
{
    return fv_inverted_residual(g, x, arg);
}

static fv_status fused_block(fv_lab *l, fv_err *err)
{
    static const struct {
        int c, e;
        double apart, fused, times;
    } rows[] = { { 24, 4, 5472, 23040, 4.21 }, { 128, 6, 203520, 983040, 4.83 } };
    for (int i = 0; i < 2; i++) {
        fv_lab_cost cost[2];
        for (int f = 0; f < 2; f++) {
            const fv_inverted b = {
                .wide = rows[i].c * rows[i].e, .out = rows[i].c, .k = 3, .stride = 1, .act = FV_ACT_SILU, .fused = f
            };
            FV_TRY(fv_lab_count(l, &cost[f], (fv_shape){ 1, 14, 14, rows[i].c }, one_block, &b, err));
        }
        fv_lab_is(l, fv_lab_text(l, "MBConv, c = %d, e = %d", rows[i].c, rows[i].e), (double)cost[0].weights,
                  rows[i].apart, 0);
        fv_lab_is(l, fv_lab_text(l, "fused, c = %d", rows[i].c), (double)cost[1].weights, rows[i].fused, 0);
        fv_lab_is(l, fv_lab_text(l, "times, c = %d", rows[i].c), (double)cost[1].weights / (double)cost[0].weights,
                  rows[i].times, 0.005);
    }
    return FV_OK;
}

/* ---- EfficientNetV2 ---- */

/* Channels of the last block, and whether its stage has a stride. */
static fv_status last_stage(fv_lab *l, const char *name, int stages_want, int channels, fv_err *err)
{
    fv_graph *g;
    FV_TRY(fv_lab_zoo(l, &g, name, 0, err));
    int stage = 0, out = 0;
    for (int s = 1; s < 10; s++) {
        /* a stage has a first block; the head behind the stages has none */
        const int i = fv_lab_find(g, fv_lab_text(l, "features.%d", s));
        const bool blocks = fv_lab_find(g, fv_lab_text(l, "features.%d.0.block.0.0", s)) >= 0;
        if (i >= 0 && blocks) stage = s, out = g->node[i].shape.c;
    }
    fv_lab_is(l, fv_lab_text(l, "stages of blocks, %s", name), stage, stages_want, 0);
    fv_lab_is(l, fv_lab_text(l, "channels of the last, %s", name), out, channels, 0);
    return FV_OK;
}

static fv_status v2_stages(fv_lab *l, fv_err *err)
{
    FV_TRY(last_stage(l, "efficientnet_v2_s", 6, 256, err));
    FV_TRY(last_stage(l, "efficientnet_v2_m", 7, 512, err));
    return last_stage(l, "efficientnet_v2_l", 7, 640, err);
}

static fv_status progressive_macs(fv_lab *l, fv_err *err)
{
    static const int sizes[] = { 128, 185, 243, 300, 384 };
    double macs[5];
    fv_lab_plot(l,
                (fv_study_plot){ "EfficientNetV2-S by size of the picture", "pixels a side", "MACs (G)", true, true });
    fv_lab_curve(l, "counted", false);
    for (int i = 0; i < 5; i++) {
        fv_graph *g;
        FV_TRY(fv_lab_zoo(l, &g, "efficientnet_v2_s", sizes[i], err));
        macs[i] = (double)fv_graph_macs(g);
        fv_lab_point(l, sizes[i], 1e-9 * macs[i]);
    }
    fv_lab_curve(l, "size^2", false);
    for (int i = 0; i < 5; i++) fv_lab_point(l, sizes[i], 1e-9 * macs[4] * pow(sizes[i] / 384.0, 2));
    fv_lab_is(l, "MACs at 300", macs[3], 5307561248.0, 0);
    fv_lab_is(l, "MACs at 384", macs[4], 8365617152.0, 0);
    fv_lab_is(l, "ratio", macs[4] / macs[3], 1.576, 0.0005);
    fv_lab_is(l, "(384 / 300)^2", pow(384.0 / 300, 2), 1.638, 0.0005);
    const double mean = (macs[0] + macs[1] + macs[2] + macs[3]) / 4;
    fv_lab_below(l, "mean of the four stages' sizes / at 300", mean / macs[3], 0.62);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_scaling[] = {
    { { "compound-scaling", TOPIC,
        "Depth 1.2^phi, width 1.1^phi and resolution 1.15^phi multiply the MACs by about 2^phi, as alpha beta^2 gamma^2 = 1.92; B7 has 97.8 times B0's.",
        NULL, "Tan, Le 2019, section 3.3 and table 2",
        "counts B0 to B7 at their sizes", "1.9203; B4 10.15 foretold, 11.39 counted; B7 88.97 and 97.83",
        "Channels are rounded to 8 and repeats up, so the networks come out some ten per cent larger than the rule says. A budget should be checked with the counter.",
        FV_STUDY_EXACT, false, 0.1 }, compound },
    { { "one-dimension", TOPIC,
        "B0 four times as deep, twice as wide, with twice the resolution, or scaled in all three takes about four times the MACs; the last is the most accurate.",
        NULL, "Tan, Le 2019, table 7 (accuracies are the paper's)", "builds the four, after checking B0 and its counter against the zoo",
        "4 times, give or take .7: repeats and channels are rounded up", "A single dimension saturates: a deep, narrow network runs out of width, a wide, shallow one of depth. The comparison is fair only because the four cost the same.",
        FV_STUDY_EXACT, false, 0.1 }, one_dimension },
    { { "fused-mbconv", TOPIC,
        "One dense 3x3 in the place of 1x1 and depthwise 3x3 takes 4.2 to 4.8 times the weights.",
        NULL, "Tan, Le 2021, section 3.2 and figure 2", "builds both blocks",
        "5,472 and 23,040 (4.21 x); 203,520 and 983,040 (4.83 x)",
        "And yet it is faster in early stages, where few channels make the depthwise form wait for memory. More arithmetic, less time.",
        FV_STUDY_EXACT, false, 0.1 }, fused_block },
    { { "fused-stages", TOPIC,
        "Fusing B4's stages 1 to 7 takes its parameters from 19 to 132 M: it pays in the first three only.",
        "The table's 20.0 M and 7.5 G for three stages are with 3x3 throughout; with the 5x5 of stage 3 kept they are 20.9 M and 9.65 G.",
        "Tan, Le 2021, table 3: 82.8, 83.1, 83.1, 81.7 % and 262, 362, 327, 254 pictures/s on a TPU core",
        "builds the four at 380 pixels, with their own kernel sizes and without squeeze in fused stages",
        "19.3 20.9 43.5 132.1 M; 4.39 9.65 23.0 36.0 GMAC",
        "What is right for 24 channels is wrong for 272: the dense kernel grows with the square of them.",
        FV_STUDY_EXACT, false, 0.1 }, fused_stages },
    { { "v2-last-stage", TOPIC,
        "EfficientNetV2-S has six stages of blocks and ends with 256 channels; M and L have a seventh of 512 and 640 without stride.",
        "\"V2 removes the last stage without stride\": S and the B networks do.",
        "Tan, Le 2021, table 4, and the released configurations", "reads the three graphs", "6 and 256; 7 and 512; 7 and 640",
        "M and L cannot be had by scaling S: they were written down one by one.",
        FV_STUDY_EXACT, false, 0.1 }, v2_stages },
    { { "progressive-macs", TOPIC,
        "EfficientNetV2-S takes 5.31 GMAC at 300 pixels and 8.37 at 384: 1.576 times, (384 / 300)^2 being 1.638; four stages of growing pictures cost less than .62 of training at the last.",
        NULL, "Tan, Le 2021, section 4 and table 6", "counts at the sizes of progressive learning",
        "5,307,561,248 and 8,365,617,152; 1.576", "Sizes that are not multiples of 32 are rounded up at every stride. Growing pictures save nearly half of the time of training, before any accuracy is looked at.",
        FV_STUDY_EXACT, false, 0.1 }, progressive_macs },
    { { 0 }, NULL },
};
// clang-format on
