/* study_groups.c -- grouped convolutions and ResNeXt.
 * SPDX-License-Identifier: Apache-2.0 */
#include "models/resnet.h"
#include "study/lab.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

#define TOPIC "Grouped convolutions and ResNeXt"

enum { C = 16, GROUPS = 4, SIDE = 10, K = 9, COUNT = SIDE * SIDE * C };

static fv_val conv(fv_graph *g, fv_val x, const void *arg)
{
    return fv_conv2d(g, x, "conv", (fv_conv){ .out = C, .k = 3, .pad = 1, .groups = *(const int *)arg });
}

static fv_status block_diagonal(fv_lab *l, fv_err *err)
{
    const fv_shape in = { 1, SIDE, SIDE, C };
    fv_net *grouped, *dense;
    fv_plan *a, *b;
    fv_lab_cost ca, cb;
    float *x;
    FV_TRY(fv_lab_net(l, &grouped, in, conv, &(int){ GROUPS }, err));
    FV_TRY(fv_lab_net(l, &dense, in, conv, &(int){ 1 }, err));
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    const int each = C / GROUPS;
    const float *w = fv_net_weights(grouped, "conv.weight", NULL);
    float *v = fv_net_weights(dense, "conv.weight", NULL);
    FV_TRY(fv_lab_plan(l, &a, grouped, 1, (fv_plan_request){ 0 }, err));
    const float *y = fv_lab_forward(a, 1, x, COUNT);
    FV_TRY(fv_lab_plan(l, &b, dense, 1, (fv_plan_request){ 0 }, err));
    fv_lab_above(l, "dense, fresh weights, from grouped", fv_lab_gap(fv_lab_forward(b, 1, x, COUNT), y, COUNT), 0.1);
    for (int o = 0; o < C; o++)
        for (int i = 0; i < C; i++) {
            float *to = v + (o * C + i) * K;
            if (o / each == i / each) memcpy(to, w + (o * each + i % each) * K, K * sizeof *to);
            else memset(to, 0, K * sizeof *to);
        }
    fv_plan_repack(b);
    fv_lab_is(l, "dense, zeros off the diagonal blocks", fv_lab_gap(fv_lab_forward(b, 1, x, COUNT), y, COUNT), 0, 1e-5);
    FV_TRY(fv_lab_count(l, &ca, in, conv, &(int){ GROUPS }, err));
    FV_TRY(fv_lab_count(l, &cb, in, conv, &(int){ 1 }, err));
    fv_lab_is(l, "weights, dense / grouped", (double)cb.weights / (double)ca.weights, GROUPS, 0);
    fv_lab_is(l, "MACs, dense / grouped", (double)cb.macs / (double)ca.macs, GROUPS, 0);
    return FV_OK;
}

/* ---- ResNeXt: figure 3 ---- */

enum { PATHS = 32, WIDTH = 4, IN = 256, ROOM = 14 };

static fv_val block(fv_graph *g, fv_val x, const void *arg)
{
    return fv_resnet_block(g, x, arg, 64, 1);
}

/* Path i has the rows [i d, (i + 1) d) of form (c)'s first two layers, and these columns of its third. */
static void to_paths(fv_net *from, fv_net *to)
{
    fv_key key;
    for (int t = 0; fv_net_key(to, t, &key); t++) {
        int64_t n = 0;
        int path = 0, tail = 0;
        float *w = fv_net_weights(to, key.name, &n);
        if (!w) continue;
        const bool one = sscanf(key.name, "paths.%d.%n", &path, &tail) == 1;
        const char *layer = key.name + tail;
        const float *v = fv_net_weights(from, layer, NULL);
        if (!v) continue;
        if (!one) memcpy(w, v, (size_t)n * sizeof *w);
        else if (strncmp(layer, "conv3.", 6) != 0) memcpy(w, v + path * n, (size_t)n * sizeof *w);
        else
            for (int64_t i = 0; i < n; i++) w[i] = v[i / WIDTH * WIDTH * PATHS + path * WIDTH + i % WIDTH];
    }
}

static fv_status forms(fv_lab *l, fv_err *err)
{
    static const fv_resnet_form form[] = { FV_FORM_C, FV_FORM_B, FV_FORM_A };
    static const char *const name[] = { "(c)", "(b)", "(a)" };
    const size_t count = (size_t)ROOM * ROOM * IN;
    fv_net *net[3];
    const float *y[3];
    float *x;
    FV_TRY(fv_lab_noise(l, &x, count, 1, err));
    for (int i = 0; i < 3; i++) {
        const fv_resnet c = { .bottleneck = true, .paths = PATHS, .width = WIDTH, .form = form[i] };
        fv_lab_cost cost;
        fv_plan *plan;
        FV_TRY(fv_lab_net(l, &net[i], (fv_shape){ 1, ROOM, ROOM, IN }, block, &c, err));
        if (i > 0) to_paths(net[0], net[i]);
        FV_TRY(fv_lab_plan(l, &plan, net[i], 1, (fv_plan_request){ 0 }, err));
        y[i] = fv_lab_forward(plan, 1, x, count);
        FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, ROOM, ROOM, IN }, block, &c, err));
        fv_lab_is(l, fv_lab_text(l, "weights of form %s", name[i]), (double)cost.weights, 70144, 0);
    }
    for (int i = 1; i < 3; i++)
        fv_lab_is(l, fv_lab_text(l, "form %s from (c)", name[i]), fv_lab_gap(y[i], y[0], count), 0, 1e-5);
    const fv_resnet plain = { .bottleneck = true, .paths = 1, .width = 64 };
    fv_lab_cost cost;
    FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, ROOM, ROOM, IN }, block, &plain, err));
    fv_lab_is(l, "weights of ResNet's bottleneck", (double)cost.weights, 69632, 0);
    return FV_OK;
}

static fv_status template(fv_lab *l, fv_err *err)
{
    static const struct {
        int paths, width;
        int64_t weights;
        double error50, error101; /* table 3 of the paper */
    } rows[] = { { 1, 64, 69632, 23.9, 22.0 },
                 { 2, 40, 69760, 23.0, 21.7 },
                 { 4, 24, 69888, 22.6, 21.4 },
                 { 8, 14, 71456, 22.3, 21.3 },
                 { 32, 4, 70144, 22.2, 21.2 } };
    fv_lab_plot(l,
                (fv_study_plot){ "Weights of a block, C paths of width d", "cardinality C", "weights", true, false });
    fv_lab_curve(l, "built here", false);
    for (int i = 0; i < 5; i++) {
        const fv_resnet c = { .bottleneck = true, .paths = rows[i].paths, .width = rows[i].width };
        const int d = rows[i].width;
        fv_lab_cost cost;
        FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, ROOM, ROOM, IN }, block, &c, err));
        fv_lab_is(l, fv_lab_text(l, "C = %d, d = %d", rows[i].paths, d), (double)cost.weights, (double)rows[i].weights,
                  0);
        fv_lab_is(l, fv_lab_text(l, "C (256 d + 9 d^2 + 256 d) for C = %d", rows[i].paths),
                  (double)rows[i].paths * (256 * d + 9 * d * d + 256 * d), (double)cost.weights, 0);
        fv_lab_point(l, rows[i].paths, (double)cost.weights);
    }
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_groups[] = {
    { { "grouped-block-diagonal", TOPIC,
        "A convolution with g groups is a dense one with zeros off the diagonal blocks, and costs 1/g of it.",
        NULL, "Krizhevsky et al. 2012; Xie et al. 2016, section 3.3",
        "the same weights in a grouped and in a dense convolution", "equal but for rounding; weights and MACs by 4",
        "Groups are a restriction, not a new operation: a dense layer could learn the same. The saving is bought with paths that no longer see each other, which is what the channel shuffle repairs.",
        FV_STUDY_EXACT, false, 0.1 }, block_diagonal },
    { { "resnext-forms", TOPIC,
        "32 paths that are added (a), 32 paths that are concatenated (b) and one grouped convolution (c) are one function, with 70,144 weights each.",
        NULL, "Xie et al. 2016, figure 3",
        "builds the three, with the weights of (c) in the places that belong to them",
        "equal to 1e-5; 70,144 weights; ResNet's bottleneck 69,632",
        "The paths explain the idea, the grouped convolution runs it: one large operation for 96 small ones.",
        FV_STUDY_EXACT, false, 0.3 }, forms },
    { { "resnext-cardinality", TOPIC,
        "More paths at the same cost: C (256 d + 9 d^2 + 256 d) stays near 70,000 weights from C = 1, d = 64 to C = 32, d = 4.",
        NULL, "Xie et al. 2016, tables 2 and 3 (ImageNet errors of ResNeXt-50 there: 23.9 23.0 22.6 22.3 22.2 %)",
        "builds the five blocks", "69,632 69,760 69,888 71,456 70,144",
        "Since the cost is held still, the falling error is due to the number of paths alone. That is what makes cardinality a dimension of its own beside depth and width.",
        FV_STUDY_EXACT, false, 0.1 }, template },
    { { 0 }, NULL },
};
// clang-format on
