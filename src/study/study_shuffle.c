/* study_shuffle.c -- ShuffleNet: the permutation, who sees whom, what a unit costs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>
#include <string.h>

#define TOPIC "ShuffleNet"

typedef struct twice {
    int first, second;
} twice;

static fv_val shuffles(fv_graph *g, fv_val x, const void *arg)
{
    const twice *t = arg;
    x = fv_shuffle(g, x, t->first);
    return t->second ? fv_shuffle(g, x, t->second) : x;
}

static fv_status permuted(fv_lab *l, const float **y, int c, twice t, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, c }, shuffles, &t, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_floats(l, &x, (size_t)c, err));
    for (int i = 0; i < c; i++) x[i] = (float)i;
    *y = fv_lab_forward(plan, 1, x, (size_t)c);
    return FV_OK;
}

static fv_status algebra(fv_lab *l, fv_err *err)
{
    static const int want[] = { 0, 3, 1, 4, 2, 5 };
    const float *y;
    int wrong = 0, moved = 0, off = 0;
    FV_TRY(permuted(l, &y, 6, (twice){ 2, 0 }, err));
    for (int i = 0; i < 6; i++)
        fv_lab_is(l, fv_lab_text(l, "6 channels, 2 groups: output %d", i), (double)y[i], want[i], 0);
    for (int c = 12; c <= 240; c += 12)
        for (int g = 2; g <= 4; g++) {
            FV_TRY(permuted(l, &y, c, (twice){ g, 0 }, err));
            for (int k = 0; k < c; k++) off += (int)y[k] != k % g * (c / g) + k / g;
            FV_TRY(permuted(l, &y, c, (twice){ g, c / g }, err));
            for (int k = 0; k < c; k++) wrong += (int)y[k] != k;
            FV_TRY(permuted(l, &y, c, (twice){ g, g }, err));
            for (int k = 0; k < c; k++) moved += (int)y[k] != k;
        }
    fv_lab_is(l, "channels off out[j g + i] = in[i c/g + j]", off, 0, 0);
    fv_lab_is(l, "channels off after shuffles by g and by c/g", wrong, 0, 0);
    fv_lab_above(l, "channels off after two shuffles by g", moved, 0);
    return FV_OK;
}

/* ---- who sees whom ---- */

enum { C = 12, GROUPS = 3 };

static fv_val two_layers(fv_graph *g, fv_val x, const void *arg)
{
    x = fv_conv2d(g, x, "a", (fv_conv){ .out = C, .groups = GROUPS });
    if (*(const bool *)arg) x = fv_shuffle(g, x, GROUPS);
    return fv_conv2d(g, x, "b", (fv_conv){ .out = C, .groups = GROUPS });
}

/* Pairs (output, group of inputs) that are connected. */
static fv_status connected(fv_lab *l, int *pairs, double *across, bool shuffled, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x, *dy;
    *pairs = 0;
    *across = 0;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, C }, two_layers, &shuffled, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .backward = true, .input_grad = true }, err));
    FV_TRY(fv_lab_noise(l, &x, C, 1, err));
    FV_TRY(fv_lab_floats(l, &dy, C, err));
    for (int o = 0; o < C; o++) {
        memset(dy, 0, C * sizeof *dy);
        dy[o] = 1;
        const float *dx = fv_lab_backward(plan, 1, x, C, dy, C);
        for (int g = 0; g < GROUPS; g++) {
            double sum = 0;
            for (int i = 0; i < C / GROUPS; i++) sum += fabs((double)dx[g * (C / GROUPS) + i]);
            *pairs += sum > 0;
            if (g != o / (C / GROUPS)) *across += sum;
        }
    }
    return FV_OK;
}

static fv_status mixing(fv_lab *l, fv_err *err)
{
    int without, with;
    double zero, some;
    FV_TRY(connected(l, &without, &zero, false, err));
    FV_TRY(connected(l, &with, &some, true, err));
    fv_lab_is(l, "Jacobian across groups, no shuffle", zero, 0, 0);
    fv_lab_is(l, "groups that the outputs see, no shuffle", without, C, 0);
    fv_lab_is(l, "groups that they see with it", with, C * GROUPS, 0);
    fv_lab_above(l, "Jacobian across groups with it", some, 0);
    return FV_OK;
}

/* ---- what a unit costs ---- */

typedef struct unit {
    int c, m, g;
    enum { RESNET, RESNEXT, SHUFFLENET } kind;
} unit;

static fv_val bottleneck(fv_graph *g, fv_val x, const void *arg)
{
    const unit *u = arg;
    const int ends = u->kind == SHUFFLENET ? u->g : 1;
    const int middle = u->kind == RESNET ? 1 : u->kind == RESNEXT ? u->g : u->m;
    x = fv_conv2d(g, x, "1", (fv_conv){ .out = u->m, .groups = ends });
    x = fv_conv2d(g, x, "2", (fv_conv){ .out = u->m, .k = 3, .pad = 1, .groups = middle });
    return fv_conv2d(g, x, "3", (fv_conv){ .out = u->c, .groups = ends });
}

static fv_status unit_macs(fv_lab *l, fv_err *err)
{
    static const double want[] = { 47980800, 31046400, 7949760 };
    static const char *const names[] = { "ResNet", "ResNeXt", "ShuffleNet" };
    for (int i = 0; i < 3; i++) {
        const unit u = { 240, 60, 3, i };
        fv_lab_cost cost;
        FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, 28, 28, 240 }, bottleneck, &u, err));
        fv_lab_is(l, fv_lab_text(l, "MACs of %s's unit", names[i]), (double)cost.macs, want[i], 0);
    }
    fv_lab_cost all;
    const unit next = { 256, 128, 32, RESNEXT };
    FV_TRY(fv_lab_count(l, &all, (fv_shape){ 1, 1, 1, 256 }, bottleneck, &next, err));
    fv_lab_is(l, "ResNeXt's unit, C = 32, per pixel", (double)all.macs, 70144, 0);
    fv_lab_is(l, "share of its 1x1 layers (%)", 100 * (double)(all.macs - 128 * 128 / 32 * 9) / (double)all.macs, 93.43,
              0.005);
    return FV_OK;
}

static fv_status dense_layers(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    int dense = 0, grouped = 0, first = -1;
    FV_TRY(fv_lab_zoo(l, &g, "shufflenet_v1_g3", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_CONV2D) continue;
        if (n->attr.conv.groups > 1) grouped++;
        else dense++;
        if (n->attr.conv.groups == 1 && n->attr.conv.kh == 1 && first < 0) first = n->shape.c;
    }
    fv_lab_is(l, "dense convolutions of ShuffleNetV1 g = 3", dense, 2, 0);
    fv_lab_is(l, "grouped and depthwise ones", grouped, 47, 0);
    fv_lab_is(l, "the dense 1x1 is stage 2's first: channels", first, 60, 0);
    return FV_OK;
}

/* ---- ShuffleNetV2: features that pass through ---- */

enum { WIDE = 64 };

/* Units whose branch has zeros for weights: what is not 0 behind them came by the direct way. */
static fv_val units(fv_graph *g, fv_val x, const void *arg)
{
    for (int i = 0; i < *(const int *)arg; i++) {
        fv_scope(g, "unit%d", i);
        const fv_val through = fv_slice(g, x, 0, WIDE / 2);
        const fv_val branch = fv_conv2d(g, fv_slice(g, x, WIDE / 2, WIDE), "conv", (fv_conv){ .out = WIDE / 2 });
        x = fv_shuffle(g, fv_concat(g, (fv_val[]){ through, branch }, 2), 2);
        fv_scope(g, NULL);
    }
    return x;
}

static fv_status reuse(fv_lab *l, fv_err *err)
{
    fv_lab_plot(l, (fv_study_plot){ "Channels that reach a later unit untouched", "units further on", "channels of 64",
                                    false, true });
    fv_lab_curve(l, "counted", false);
    for (int depth = 1; depth <= 5; depth++) {
        fv_net *net;
        fv_plan *plan;
        fv_key key;
        float *x;
        int alive = 0;
        FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, WIDE }, units, &depth, err));
        for (int i = 0; fv_net_key(net, i, &key); i++) fv_lab_fill(net, key.name, 0);
        FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
        FV_TRY(fv_lab_floats(l, &x, WIDE, err));
        for (int i = 0; i < WIDE; i++) x[i] = (float)(i + 1);
        const float *y = fv_lab_forward(plan, 1, x, WIDE);
        for (int i = 0; i < WIDE; i++) alive += y[i] != 0;
        fv_lab_is(l, fv_lab_text(l, "of 64 channels, %d units on", depth), alive, WIDE >> depth, 0);
        fv_lab_point(l, depth, alive);
    }
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_shuffle[] = {
    { { "shuffle-algebra", TOPIC,
        "The channel shuffle is a transposition, out[j g + i] = in[i c/g + j]; its inverse is the shuffle with c/g groups.",
        NULL, "Zhang et al. 2017, section 3.1", "the op on 60 pairs of channels and groups",
        "0 3 1 4 2 5 for six channels in two groups; the identity after both",
        "The inverse is not the same permutation unless c = g^2. The authors' own released code shuffles by the inverse, which only shows if one loads its weights.",
        FV_STUDY_EXACT, false, 0.2 }, algebra },
    { { "shuffle-mixing", TOPIC,
        "Two grouped convolutions without a shuffle between them leave the groups strangers; with it every output sees every group.",
        NULL, "Zhang et al. 2017, figure 1", "the Jacobian of two layers of 12 channels in 3 groups",
        "exactly 0 across groups; 12 pairs without, 36 with",
        "Grouped layers alone would be three small networks side by side. The shuffle is free of arithmetic and joins them.",
        FV_STUDY_EXACT, false, 0.1 }, mixing },
    { { "unit-macs", TOPIC,
        "For 240 channels at 28x28 with 60 in the bottleneck and 3 groups, ResNet's unit takes 47.98 M MACs, ResNeXt's 31.05 M, ShuffleNet's 7.95 M; 1x1 layers are 93.43 % of a ResNeXt unit.",
        "The 93.4 % is often given to the depthwise unit; it is ResNeXt's with cardinality 32: 65,536 of 70,144.",
        "Zhang et al. 2017, section 3.2", "builds the units",
        "47,980,800; 31,046,400; 7,949,760; 93.43 %",
        "Where 93 % of the work is in 1x1 layers, grouping the 3x3 has nothing left to give: one must group the 1x1.",
        FV_STUDY_EXACT, false, 0.1 }, unit_macs },
    { { "shufflenet-dense", TOPIC,
        "ShuffleNetV1 has two dense convolutions: the first 3x3 and the first 1x1 of stage 2, which sees only 24 channels.",
        "\"All convolutions are grouped.\"", "Zhang et al. 2017, section 3.3", "counts in the graph of g = 3",
        "2 dense, 47 others", "Groups of 24 channels would be too narrow to learn from. The exception costs 1 % of the network and is forgotten in many copies.",
        FV_STUDY_EXACT, false, 0.1 }, dense_layers },
    { { "feature-reuse", TOPIC,
        "In ShuffleNetV2 half of the channels pass a unit untouched: of c channels c / 2^j are still there j units on.",
        NULL, "Ma et al. 2018, section 3, the analysis of figure 4",
        "units whose branch gives zeros: what is left came directly", "32 16 8 4 2 of 64",
        "This is DenseNet's reuse of features with a decay that costs nothing: near units share much, far ones little.",
        FV_STUDY_EXACT, false, 0.1 }, reuse },
    { { 0 }, NULL },
};
// clang-format on
