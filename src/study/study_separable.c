/* study_separable.c -- depthwise separable convolutions and MobileNetV1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>
#include <stdio.h>

#define TOPIC "MobileNetV1: separable convolutions"

typedef struct pair {
    int in, out;
    bool separable;
} pair;

static fv_val layer(fv_graph *g, fv_val x, const void *arg)
{
    const pair *p = arg;
    if (!p->separable) return fv_conv2d(g, x, "conv", (fv_conv){ .out = p->out, .k = 3, .pad = 1 });
    x = fv_conv2d(g, x, "dw", (fv_conv){ .out = p->in, .k = 3, .pad = 1, .groups = p->in });
    return fv_conv2d(g, x, "pw", (fv_conv){ .out = p->out });
}

static fv_status count(fv_lab *l, fv_lab_cost *cost, int side, int in, int out, bool separable, fv_err *err)
{
    return fv_lab_count(l, cost, (fv_shape){ 1, side, side, in }, layer, &(pair){ in, out, separable }, err);
}

static fv_status ratio(fv_lab *l, fv_err *err)
{
    static const struct {
        int n;
        double saving;
    } rows[] = { { 64, 7.89 }, { 128, 8.41 }, { 256, 8.69 }, { 512, 8.84 }, { 1024, 8.92 } };
    fv_lab_plot(l, (fv_study_plot){ "What a separable convolution saves, 3x3", "output channels N",
                                    "MACs, convolution / separable", true, false });
    fv_lab_curve(l, "built here", false);
    for (int i = 0; i < 5; i++) {
        fv_lab_cost dense, split;
        const int n = rows[i].n;
        FV_TRY(count(l, &dense, 14, 32, n, false, err));
        FV_TRY(count(l, &split, 14, 32, n, true, err));
        fv_lab_is(l, fv_lab_text(l, "share of the MACs, N = %d", n), (double)split.macs / (double)dense.macs,
                  1.0 / n + 1.0 / 9, 1e-12);
        fv_lab_is(l, fv_lab_text(l, "saving, N = %d", n), (double)dense.macs / (double)split.macs, rows[i].saving,
                  0.00501);
        fv_lab_point(l, n, (double)dense.macs / (double)split.macs);
    }
    return FV_OK;
}

static fv_status layer_table(fv_lab *l, fv_err *err)
{
    fv_lab_cost dense, split, thin, small;
    FV_TRY(count(l, &dense, 14, 512, 512, false, err));
    FV_TRY(count(l, &split, 14, 512, 512, true, err));
    FV_TRY(count(l, &thin, 14, 384, 384, true, err));
    FV_TRY(count(l, &small, 10, 384, 384, true, err));
    fv_lab_is(l, "convolution, MACs", (double)dense.macs, 462422016, 0);
    fv_lab_is(l, "separable", (double)split.macs, 52283392, 0);
    fv_lab_is(l, "and alpha .75", (double)thin.macs, 29578752, 0);
    fv_lab_is(l, "and rho .714", (double)small.macs, 15091200, 0);
    fv_lab_is(l, "convolution, weights (M)", 1e-6 * (double)dense.weights, 2.36, 0.005);
    fv_lab_is(l, "separable, weights (M)", 1e-6 * (double)split.weights, 0.27, 0.005);
    fv_lab_is(l, "and alpha .75, weights (M)", 1e-6 * (double)thin.weights, 0.15, 0.005);
    return FV_OK;
}

/* The network of the zoo with a full convolution in the place of each pair. */
static fv_val unsplit(fv_graph *g, fv_val x, const void *arg)
{
    const fv_graph *of = arg;
    fv_conv next = { .k = 1, .stride = 1 };
    int number = 0;
    for (size_t i = 0; i < of->nnode; i++) {
        const fv_node *n = &of->node[i];
        if (n->op != FV_OP_CONV2D) continue;
        if (n->attr.conv.groups > 1) {
            next = (fv_conv){ .k = n->attr.conv.kh, .stride = n->attr.conv.sh };
            continue;
        }
        if (n->attr.conv.kh > 1) next = (fv_conv){ .k = n->attr.conv.kh, .stride = n->attr.conv.sh };
        next.out = n->shape.c;
        next.pad = next.k / 2;
        fv_scope(g, "%d", number++);
        x = fv_relu(g, fv_batchnorm(g, fv_conv2d(g, x, "conv", next), "bn", (fv_bn){ 0 }));
        fv_scope(g, NULL);
    }
    return fv_linear(g, fv_global_avgpool(g, x), "fc", 1000);
}

static fv_status whole(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    fv_lab_cost dense;
    FV_TRY(fv_lab_zoo(l, &g, "mobilenet_v1", 0, err));
    FV_TRY(fv_lab_count(l, &dense, (fv_shape){ 1, 224, 224, 3 }, unsplit, g, err));
    const double macs = (double)fv_graph_macs(g), params = (double)fv_graph_params(g);
    fv_lab_is(l, "MACs with full convolutions", (double)dense.macs, 4867293184.0, 0);
    fv_lab_is(l, "times those of MobileNetV1", (double)dense.macs / macs, 8.56, 0.005);
    fv_lab_is(l, "parameters with full convolutions", (double)dense.params, 29294088, 0);
    fv_lab_is(l, "times its parameters", (double)dense.params / params, 6.92, 0.005);
    return FV_OK;
}

static fv_status against_vgg(fv_lab *l, fv_err *err)
{
    fv_graph *mobile, *vgg;
    FV_TRY(fv_lab_zoo(l, &mobile, "mobilenet_v1", 0, err));
    FV_TRY(fv_lab_zoo(l, &vgg, "vgg16", 0, err));
    fv_lab_is(l, "parameters, VGG-16 / MobileNetV1", (double)fv_graph_params(vgg) / (double)fv_graph_params(mobile),
              32.7, 0.05);
    fv_lab_is(l, "MACs, VGG-16 / MobileNetV1", (double)fv_graph_macs(vgg) / (double)fv_graph_macs(mobile), 27.2, 0.05);
    return FV_OK;
}

static fv_status shares(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    double macs[4] = { 0 }, params[4] = { 0 }; /* 1x1, depthwise, full, linear */
    int count_of[4] = { 0 };
    FV_TRY(fv_lab_zoo(l, &g, "mobilenet_v1", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_CONV2D && n->op != FV_OP_LINEAR) continue;
        const int kind = n->op == FV_OP_LINEAR ? 3 : n->attr.conv.groups > 1 ? 1 : n->attr.conv.kh == 1 ? 0 : 2;
        count_of[kind]++;
        macs[kind] += (double)fv_lab_node_macs(g, n);
        for (int p = 0; p < n->nparam; p++) params[kind] += (double)g->param[n->param[p]].floats;
    }
    const double all = (double)fv_graph_macs(g), weights = params[0] + params[1] + params[2] + params[3];
    fv_lab_is(l, "depthwise layers", count_of[1], 13, 0);
    fv_lab_is(l, "1x1 layers", count_of[0], 13, 0);
    fv_lab_is(l, "MACs in 1x1 layers (%)", 100 * macs[0] / all, 94.86, 0.01);
    fv_lab_is(l, "in depthwise layers (%)", 100 * macs[1] / all, 3.06, 0.01);
    fv_lab_is(l, "in the first layer (%)", 100 * macs[2] / all, 1.91, 0.01);
    fv_lab_is(l, "parameters in 1x1 layers (%)", 100 * params[0] / weights, 74.59, 0.2);
    fv_lab_is(l, "in the linear layer (%)", 100 * params[3] / weights, 24.33, 0.2);
    return FV_OK;
}

static fv_status alpha(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name;
        double alpha, macs;
    } rows[] = { { "mobilenet_v1_025", 0.25, 41030272 },
                 { "mobilenet_v1_050", 0.5, 149497088 },
                 { "mobilenet_v1_075", 0.75, 325400448 },
                 { "mobilenet_v1", 1, 568740352 } };
    double macs[4];
    fv_lab_plot(l, (fv_study_plot){ "MobileNetV1 by width", "width multiplier alpha", "MACs (M)", true, true });
    fv_lab_curve(l, "MACs", false);
    for (int i = 0; i < 4; i++) {
        fv_graph *g;
        FV_TRY(fv_lab_zoo(l, &g, rows[i].name, 0, err));
        macs[i] = (double)fv_graph_macs(g);
        fv_lab_is(l, fv_lab_text(l, "MACs, alpha %g", rows[i].alpha), macs[i], rows[i].macs, 0);
        fv_lab_point(l, rows[i].alpha, 1e-6 * macs[i]);
    }
    fv_lab_curve(l, "alpha^2", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, rows[i].alpha, 1e-6 * macs[3] * rows[i].alpha * rows[i].alpha);
    fv_lab_curve(l, "printed in the paper", true);
    static const double printed[] = { 41, 149, 325, 569 };
    for (int i = 0; i < 4; i++) fv_lab_point(l, rows[i].alpha, printed[i]);
    fv_lab_is(l, "MACs(.5) / MACs(1)", macs[1] / macs[3], 0.2629, 0.00005);
    fv_lab_above(l, "more than alpha^2 = .25", macs[1] / macs[3], 0.25);
    return FV_OK;
}

static fv_status rho(fv_lab *l, fv_err *err)
{
    static const int sizes[] = { 128, 160, 192, 224 };
    double macs[4];
    fv_lab_plot(l, (fv_study_plot){ "MobileNetV1 by resolution", "input (pixels a side)", "MACs (M)", true, true });
    fv_lab_curve(l, "MACs", false);
    for (int i = 0; i < 4; i++) {
        fv_graph *g;
        FV_TRY(fv_lab_zoo(l, &g, "mobilenet_v1", sizes[i], err));
        macs[i] = (double)fv_graph_macs(g);
        fv_lab_point(l, sizes[i], 1e-6 * macs[i]);
    }
    fv_lab_curve(l, "printed in the paper", true);
    static const double printed[] = { 186, 290, 418, 569 };
    for (int i = 0; i < 4; i++) fv_lab_point(l, sizes[i], printed[i]);
    fv_lab_is(l, "MACs at 128 pixels", macs[0], 186400768, 0);
    fv_lab_is(l, "share of those at 224", macs[0] / macs[3], 0.3277, 0.00005);
    fv_lab_is(l, "rho^2", pow(128.0 / 224, 2), 0.3265, 0.00005);
    fv_lab_above(l, "share less rho^2: the linear layer does not shrink", macs[0] / macs[3] - pow(128.0 / 224, 2), 0);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_separable[] = {
    { { "separable-ratio", TOPIC,
        "A depthwise separable convolution takes 1/N + 1/k^2 of a convolution's MACs: 8 to 9 times fewer for 3x3.",
        "The formula is often printed with D_K and D_F, kernel and map, swapped; the product is symmetric, so the result is right all the same.",
        "Howard et al. 2017, section 3.1, equation 5",
        "builds both for N = 64 to 1,024", "7.89 8.41 8.69 8.84 8.92",
        "Space and channels are handled one after the other, so their costs add where they used to multiply. The limit is 9: the 1x1 half stays.",
        FV_STUDY_EXACT, false, 0.1 }, ratio },
    { { "mobilenet-layer-table", TOPIC,
        "One layer, 14x14x512 to 512: 462 M MACs; separable 52.3 M; with alpha .75 29.6 M; with rho .714 15.1 M.",
        NULL, "Howard et al. 2017, table 3", "builds the four",
        "462,422,016; 52,283,392; 29,578,752; 15,091,200",
        "The table a reader can check by hand: each of the three ideas of the paper at the same layer.",
        FV_STUDY_EXACT, false, 0.1 }, layer_table },
    { { "mobilenet-full-convolutions", TOPIC,
        "With full convolutions MobileNetV1 would take 8.56 times the MACs and 6.92 times the parameters, for 1.1 % more accuracy (71.7 against 70.6).",
        NULL, "Howard et al. 2017, table 4: 4,866 M and 29.3 M",
        "reads the layers off the network's graph and joins each pair into one convolution",
        "4,867,293,184 MACs, 8.56 x; 29,294,088 parameters, 6.92 x",
        "The whole network saves less than a single layer promises, since the first layer and the classifier are as they were.",
        FV_STUDY_EXACT, false, 0.1 }, whole },
    { { "mobilenet-vgg", TOPIC,
        "MobileNetV1 has 1/32 of VGG-16's parameters and 1/27 of its MACs.",
        NULL, "Howard et al. 2017, table 8", "counts both", "32.7; 27.2",
        "For nearly the accuracy of VGG-16 (70.6 against 71.5 in the paper). Most of the difference in parameters is VGG's first linear layer.",
        FV_STUDY_EXACT, false, 0.1 }, against_vgg },
    { { "mobilenet-shares", TOPIC,
        "95 % of MobileNetV1's MACs and three quarters of its parameters are in 1x1 convolutions; the depthwise ones take 3 %.",
        "\"Conv dw is the depthwise separable convolution\": in the paper's table 1 it is the depthwise half, the 1x1 row below is the other.",
        "Howard et al. 2017, table 2",
        "counts by kind in the network's graph", "13 and 13 layers; 94.86 %, 3.06 %; 74.59 %",
        "Whoever wants to speed it up has to speed up 1x1 convolutions, which are matrix products; and whoever wants to shrink it further has to group them, which is ShuffleNet.",
        FV_STUDY_EXACT, false, 0.1 }, shares },
    { { "width-multiplier", TOPIC,
        "MACs fall about as alpha^2: 41, 149, 325 and 569 M for .25 to 1; at .5 it is .2629, not .25.",
        NULL, "Howard et al. 2017, section 3.3 and table 6", "counts the four networks of the zoo",
        "41,030,272 149,497,088 325,400,448 568,740,352; .2629",
        "The depthwise and the first layer shrink with alpha only. The rule is good for planning, the counter for promising.",
        FV_STUDY_EXACT, false, 0.1 }, alpha },
    { { "resolution-multiplier", TOPIC,
        "MACs fall as rho^2: at 128 of 224 pixels .3277 of them remain, rho^2 = .3265.",
        "The resolution multiplier is called beta in articles; the paper calls it rho.",
        "Howard et al. 2017, section 3.4 and table 7", "builds the network at four sizes",
        "186,400,768; .3277",
        "Resolution is the one knob that needs no other weights: the same file runs at all four sizes, and the parameters stay.",
        FV_STUDY_EXACT, false, 0.1 }, rho },
    { { 0 }, NULL },
};
// clang-format on
