/* study_residual.c -- shortcuts: identities, Jacobians, sums and concatenations.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet.h"
#include "study/lab.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOPIC "Residual networks"

enum { SIDE = 8, C = 64, COUNT = SIDE * SIDE * C };

static fv_val blocks(fv_graph *g, fv_val x, const void *arg)
{
    const fv_resnet c = { .paths = 1, .width = 64 };
    for (int i = 0; i < *(const int *)arg; i++) {
        fv_scope(g, "block%d", i);
        x = fv_resnet_block(g, x, &c, C, 1);
        fv_scope(g, NULL);
    }
    return x;
}

static fv_status identity(fv_lab *l, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x;
    fv_key key;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, C }, blocks, &(int){ 8 }, err));
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    for (int i = 0; i < COUNT; i++) x[i] = fabsf(x[i]); /* as behind a ReLU */
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
    fv_lab_above(l, "change by 8 blocks, fresh weights", fv_lab_gap(fv_lab_forward(plan, 1, x, COUNT), x, COUNT), 0.1);
    for (int i = 0; fv_net_key(net, i, &key); i++)
        if (key.rank == 4) fv_lab_fill(net, key.name, 0);
    fv_plan_repack(plan);
    fv_lab_is(l, "change by 8 blocks, all kernels 0", fv_lab_gap(fv_lab_forward(plan, 1, x, COUNT), x, COUNT), 0, 0);
    return FV_OK;
}

typedef struct branch {
    bool shortcut;
} branch;

static fv_val one_branch(fv_graph *g, fv_val x, const void *arg)
{
    const branch *b = arg;
    fv_val y = fv_conv2d(g, x, "conv1", (fv_conv){ .out = C, .k = 3, .pad = 1 });
    y = fv_conv2d(g, fv_activate(g, y, FV_ACT_TANH), "conv2", (fv_conv){ .out = C, .k = 3, .pad = 1 });
    return b->shortcut ? fv_add(g, y, x) : y;
}

static fv_status jacobian(fv_lab *l, fv_err *err)
{
    const float *dx[2];
    float *x, *dy, *sum;
    fv_net *net[2];
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    FV_TRY(fv_lab_noise(l, &dy, COUNT, 2, err));
    FV_TRY(fv_lab_floats(l, &sum, COUNT, err));
    for (int i = 0; i < 2; i++) {
        fv_plan *plan;
        FV_TRY(fv_lab_net(l, &net[i], (fv_shape){ 1, SIDE, SIDE, C }, one_branch, &(branch){ i }, err));
        FV_TRY(fv_lab_plan(l, &plan, net[i], 1, (fv_plan_request){ .backward = true, .input_grad = true }, err));
        dx[i] = fv_lab_backward(plan, 1, x, COUNT, dy, COUNT);
    }
    for (int i = 0; i < COUNT; i++) sum[i] = dy[i] + dx[0][i];
    fv_lab_is(l, "gradient through x + F(x), from dy + gradient through F", fv_lab_gap(dx[1], sum, COUNT), 0, 1e-5);
    fv_lab_above(l, "from dy alone", fv_lab_gap(dx[1], dy, COUNT), 0.01);
    return FV_OK;
}

typedef struct kind {
    bool bottleneck;
} kind;

static fv_val plain(fv_graph *g, fv_val x, const void *arg)
{
    const kind *k = arg;
    if (!k->bottleneck) {
        x = fv_conv2d(g, x, "1", (fv_conv){ .out = 256, .k = 3, .pad = 1 });
        return fv_conv2d(g, x, "2", (fv_conv){ .out = 256, .k = 3, .pad = 1 });
    }
    x = fv_conv2d(g, x, "1", (fv_conv){ .out = 64 });
    x = fv_conv2d(g, x, "2", (fv_conv){ .out = 64, .k = 3, .pad = 1 });
    return fv_conv2d(g, x, "3", (fv_conv){ .out = 256 });
}

static fv_status bottleneck(fv_lab *l, fv_err *err)
{
    fv_lab_cost narrow, wide;
    fv_graph *g;
    FV_TRY(fv_lab_count(l, &narrow, (fv_shape){ 1, 14, 14, 256 }, plain, &(kind){ true }, err));
    FV_TRY(fv_lab_count(l, &wide, (fv_shape){ 1, 14, 14, 256 }, plain, &(kind){ false }, err));
    fv_lab_is(l, "weights of 1x1 64, 3x3 64, 1x1 256", (double)narrow.weights, 69632, 0);
    fv_lab_is(l, "weights of two 3x3 of 256", (double)wide.weights, 1179648, 0);
    fv_lab_is(l, "pixels that they see", narrow.field, 3, 0);
    fv_lab_is(l, "and the other", wide.field, 5, 0);
    FV_TRY(fv_lab_zoo(l, &g, "resnet50", 0, err));
    int64_t weights = 0;
    for (size_t i = 0; i < g->nparam; i++)
        if (g->param[i].rank == 4 && strncmp(g->param[i].name, "layer1.1.", 9) == 0)
            weights += (int64_t)g->param[i].floats;
    fv_lab_is(l, "weights of the second block of ResNet-50", (double)weights, 69632, 0);
    return FV_OK;
}

/* ---- add and concatenate ---- */

static fv_val join(fv_graph *g, fv_val x, const void *arg)
{
    const bool cat = *(const bool *)arg;
    const fv_val half[] = { fv_slice(g, x, 0, 16), fv_slice(g, x, 16, 32) };
    const fv_val both = cat ? fv_concat(g, half, 2) : fv_add(g, half[0], half[1]);
    return fv_conv2d(g, both, "conv", (fv_conv){ .out = 16, .k = 3, .pad = 1 });
}

static fv_status add_concat(fv_lab *l, fv_err *err)
{
    enum { K = 9, IN = 16, OUTS = 32 * 32 * IN, INS = 32 * 32 * 2 * IN };
    fv_net *add, *cat;
    fv_plan *a, *c;
    fv_lab_cost ca, cc;
    float *x;
    const fv_shape in = { 1, 32, 32, 2 * IN };
    FV_TRY(fv_lab_net(l, &add, in, join, &(bool){ false }, err));
    FV_TRY(fv_lab_net(l, &cat, in, join, &(bool){ true }, err));
    FV_TRY(fv_lab_noise(l, &x, INS, 1, err));
    const float *w = fv_net_weights(add, "conv.weight", NULL);
    float *tied = fv_net_weights(cat, "conv.weight", NULL);
    for (int o = 0; o < IN; o++)
        for (int i = 0; i < 2 * IN; i++) memcpy(tied + (o * 2 * IN + i) * K, w + (o * IN + i % IN) * K, K * sizeof *w);
    FV_TRY(fv_lab_plan(l, &a, add, 1, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_plan(l, &c, cat, 1, (fv_plan_request){ 0 }, err));
    const float *y = fv_lab_forward(a, 1, x, INS), *z = fv_lab_forward(c, 1, x, INS);
    fv_lab_is(l, "W (x1 + x2) from [W W] (x1, x2)", fv_lab_gap(z, y, OUTS), 0, 2e-5);
    FV_TRY(fv_lab_count(l, &ca, in, join, &(bool){ false }, err));
    FV_TRY(fv_lab_count(l, &cc, in, join, &(bool){ true }, err));
    fv_lab_is(l, "weights of the next layer, concatenated / added", (double)cc.weights / (double)ca.weights, 2, 0);
    fv_lab_is(l, "its MACs", (double)cc.macs / (double)ca.macs, 2, 0);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_residual[] = {
    { { "residual-identity", TOPIC,
        "A stack of residual blocks whose kernels are 0 is exactly the identity on inputs that are not negative.",
        NULL, "He et al. 2015, section 3.1",
        "8 basic blocks with fresh weights, and with all kernels 0",
        "a change by fresh weights, none by zeros",
        "A plain network has to learn to pass its input on; a residual one starts there. So depth can only help, as far as the optimiser finds its way.",
        FV_STUDY_EXACT, false, 0.1 }, identity },
    { { "residual-jacobian", TOPIC,
        "The derivative of x + F(x) is I + dF/dx: the gradient always has the direct way.",
        NULL, "He et al. 2016, equation 5",
        "backpropagates the same gradient through F and through x + F",
        "equal but for rounding",
        "The 1 in every factor is what keeps the product of a hundred Jacobians from vanishing.",
        FV_STUDY_EXACT, false, 0.1 }, jacobian },
    { { "bottleneck-weights", TOPIC,
        "A bottleneck 256-64-64-256 has 69,632 weights, two 3x3 at 256 channels 1,179,648.",
        NULL, "He et al. 2015, figure 5", "counts both, and the block in ResNet-50's graph",
        "69,632; 1,179,648; the same in the network",
        "Seventeen times fewer weights made 50 layers as cheap as 34. The price is reach: the bottleneck sees 3 pixels, the pair 5.",
        FV_STUDY_EXACT, false, 0.1 }, bottleneck },
    { { "add-concat", TOPIC,
        "W (x1 + x2) = [W W] (x1, x2): adding is concatenating with tied weights; the layer behind a concatenation has twice the weights and MACs.",
        "\"Concatenation costs twice as much as addition\": the concatenation itself is free, the next layer pays.",
        "Huang et al. 2017, section 3; Chen et al. 2017",
        "a 3x3 behind a sum and behind a concatenation, with tied weights",
        "equal but for rounding; 2 and 2",
        "ResNet and DenseNet differ in this one point: the sum shares what it learns from both, the concatenation may treat each differently and pays for it.",
        FV_STUDY_EXACT, false, 0.1 }, add_concat },
    { { 0 }, NULL },
};
// clang-format on
