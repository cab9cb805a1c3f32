/* study_guidelines.c -- ShuffleNetV2's guidelines: MACs are not time. Memory-access costs are counted, times are
 * measured, with one thread, and only the extremes are compared.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "ShuffleNetV2's guidelines"

enum { SIDE = 56, BLOCKS = 10, RUNS = 41, FEW_RUNS = 15 };

/* Ten blocks of one kind. */
typedef struct form {
    enum { WIDTHS, GROUPS, SERIES, PARALLEL, UNITS } kind;
    int c1, c2, groups, fragments;
    bool relu, shortcut;
} form;

static fv_val one(fv_graph *g, fv_val x, const char *name, int out, int groups)
{
    return fv_conv2d(g, x, name, (fv_conv){ .out = out, .groups = groups });
}

static fv_val unit(fv_graph *g, fv_val x, const form *f)
{
    const fv_val in = x;
    x = one(g, x, "1", f->c1, 1);
    if (f->relu) x = fv_relu(g, x);
    x = fv_conv2d(g, x, "2", (fv_conv){ .out = f->c1, .k = 3, .pad = 1 });
    if (f->relu) x = fv_relu(g, x);
    x = one(g, x, "3", f->c1, 1);
    if (f->shortcut) x = fv_add(g, x, in);
    return f->relu ? fv_relu(g, x) : x;
}

static fv_val block(fv_graph *g, fv_val x, const form *f)
{
    static const char *const names[] = { "1", "2", "3", "4" };
    const fv_val in = x;
    if (f->kind == WIDTHS) return one(g, one(g, x, "1", f->c2, 1), "2", f->c1, 1);
    if (f->kind == GROUPS) return one(g, x, "1", f->c1, f->groups);
    if (f->kind == UNITS) return unit(g, x, f);
    for (int i = 0; i < f->fragments; i++) {
        if (f->kind == SERIES) x = one(g, x, names[i], f->c1, 1);
        else x = i ? fv_add(g, x, one(g, in, names[i], f->c1, 1)) : one(g, in, names[i], f->c1, 1);
    }
    return x;
}

static fv_val blocks(fv_graph *g, fv_val x, const void *arg)
{
    for (int i = 0; i < BLOCKS; i++) {
        fv_scope(g, "%d", i);
        x = block(g, x, arg);
        fv_scope(g, NULL);
    }
    return x;
}

/* Floats that the first convolution reads and writes once: input, output, weights. */
static double access_cost(const fv_graph *g)
{
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_CONV2D) continue;
        const fv_shape x = g->node[n->in[0]].shape, y = n->shape;
        return (double)x.h * x.w * x.c + (double)y.h * y.w * y.c + (double)g->param[n->param[0]].floats;
    }
    return 0;
}

static fv_status forms(fv_lab *l, const form *f, int n, bool exact, fv_plan **plans, fv_net **nets, fv_err *err)
{
    for (int i = 0; i < n; i++) {
        const size_t count = (size_t)SIDE * SIDE * f[i].c1;
        float *x;
        FV_TRY(fv_lab_net(l, &nets[i], (fv_shape){ 1, SIDE, SIDE, f[i].c1 }, blocks, &f[i], err));
        FV_TRY(fv_lab_plan(l, &plans[i], nets[i], 1, (fv_plan_request){ .threads = 1, .exact = exact }, err));
        FV_TRY(fv_lab_noise(l, &x, count, 1, err));
        fv_lab_forward(plans[i], 1, x, count);
    }
    return FV_OK;
}

static fv_status race(fv_lab *l, double *ms, fv_plan *const *plans, int n, fv_err *err)
{
    FV_TRY(fv_lab_race(l, ms, plans, n, fv_lab_small(l) ? FEW_RUNS : RUNS, err));
    for (int i = 0; i < n; i++) ms[i] *= 1e3;
    return FV_OK;
}

/* ---- counts ---- */

static fv_status costs(fv_lab *l, const form *f, const double *want, int n, fv_err *err)
{
    for (int i = 0; i < n; i++) {
        fv_net *net;
        FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, f[i].c1 }, blocks, &f[i], err));
        const double cost = access_cost(net->graph), b = (double)SIDE * SIDE * f[i].c1 * f[i].c2, hw = SIDE * SIDE;
        const double bound = 2 * sqrt(hw * b) + b / hw;
        fv_lab_is(l, fv_lab_text(l, "memory access, %d to %d channels", f[i].c1, f[i].c2), cost, want[i], 0);
        if (f[i].c1 == f[i].c2) fv_lab_is(l, "its lower bound is reached", cost / bound, 1, 1e-12);
        else fv_lab_above(l, "over its lower bound", cost / bound, 1);
    }
    return FV_OK;
}

static fv_status access_g1(fv_lab *l, fv_err *err)
{
    static const form wide[] = { { WIDTHS, 128, 128, 1, 1, 0, 0 },
                                 { WIDTHS, 90, 180, 1, 1, 0, 0 },
                                 { WIDTHS, 52, 312, 1, 1, 0, 0 },
                                 { WIDTHS, 36, 432, 1, 1, 0, 0 } };
    static const form narrow[] = { { WIDTHS, 32, 32, 1, 1, 0, 0 },
                                   { WIDTHS, 22, 44, 1, 1, 0, 0 },
                                   { WIDTHS, 13, 78, 1, 1, 0, 0 },
                                   { WIDTHS, 9, 108, 1, 1, 0, 0 } };
    static const double a[] = { 819200, 862920, 1157728, 1483200 }, b[] = { 201728, 207944, 286390, 367884 };
    FV_TRY(costs(l, wide, a, 4, err));
    FV_TRY(costs(l, narrow, b, 4, err));
    fv_lab_plot(l, (fv_study_plot){ "Memory access at equal MACs", "c2 / c1", "floats read and written, of the least",
                                    true, false });
    fv_lab_curve(l, "c1 = 128 at 1:1", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, (double)wide[i].c2 / wide[i].c1, a[i] / a[0]);
    fv_lab_curve(l, "c1 = 32 at 1:1", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, (double)narrow[i].c2 / narrow[i].c1, b[i] / b[0]);
    return FV_OK;
}

/* 180 channels do not divide into 8 groups: 184 do. */
static const form g2_forms[] = { { GROUPS, 64, 64, 1, 1, 0, 0 },
                                 { GROUPS, 90, 90, 2, 1, 0, 0 },
                                 { GROUPS, 128, 128, 4, 1, 0, 0 },
                                 { GROUPS, 184, 184, 8, 1, 0, 0 } };

static fv_status access_g2(fv_lab *l, fv_err *err)
{
    static const double want[] = { 405504, 568530, 806912, 1158280 };
    for (int i = 0; i < 4; i++) {
        fv_net *net;
        const form *f = &g2_forms[i];
        FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, f->c1 }, blocks, f, err));
        const double hw = SIDE * SIDE, b = hw * f->c1 * f->c1 / f->groups;
        fv_lab_is(l, fv_lab_text(l, "memory access, %d channels in %d groups", f->c1, f->groups),
                  access_cost(net->graph), want[i], 0);
        fv_lab_is(l, fv_lab_text(l, "hw c + B g / c + B / hw, %d groups", f->groups),
                  hw * f->c1 + b * f->groups / f->c1 + b / hw, want[i], 1e-6);
    }
    return FV_OK;
}

/* ---- times ---- */

static fv_status g1(fv_lab *l, fv_err *err)
{
    static const form f[] = { { WIDTHS, 32, 32, 1, 1, 0, 0 },
                              { WIDTHS, 22, 44, 1, 1, 0, 0 },
                              { WIDTHS, 13, 78, 1, 1, 0, 0 },
                              { WIDTHS, 9, 108, 1, 1, 0, 0 } };
    static const double published[] = { 76.2, 72.9, 69.1, 57.6 }; /* pictures/s on an ARM core */
    fv_plan *plans[4];
    fv_net *nets[4];
    double ms[4];
    FV_TRY(forms(l, f, 4, false, plans, nets, err));
    FV_TRY(race(l, ms, plans, 4, err));
    fv_lab_plot(l, (fv_study_plot){ "G1: time by the ratio of channels, equal MACs", "c2 / c1", "time / that of 1:1",
                                    true, false });
    fv_lab_curve(l, "here", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, (double)f[i].c2 / f[i].c1, ms[i] / ms[0]);
    fv_lab_curve(l, "Snapdragon 810, published", true);
    for (int i = 0; i < 4; i++) fv_lab_point(l, (double)f[i].c2 / f[i].c1, published[0] / published[i]);
    fv_lab_tell(l, "1:1, 32 and 32 channels (ms)", ms[0]);
    fv_lab_tell(l, "1:2 (ms)", ms[1]);
    fv_lab_tell(l, "1:6 (ms)", ms[2]);
    fv_lab_above(l, "1:12, 9 and 108 channels (ms), against 1:1", ms[3], ms[0]);
    return FV_OK;
}

static fv_status g2(fv_lab *l, fv_err *err)
{
    static const double published[] = { 40.0, 35.0, 32.9, 27.8 };
    fv_plan *plans[4];
    fv_net *nets[4];
    double ms[4];
    FV_TRY(forms(l, g2_forms, 4, false, plans, nets, err));
    FV_TRY(race(l, ms, plans, 4, err));
    fv_lab_plot(l,
                (fv_study_plot){ "G2: time by groups, equal MACs", "groups", "time / that of 1 group", true, false });
    fv_lab_curve(l, "here", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, g2_forms[i].groups, ms[i] / ms[0]);
    fv_lab_curve(l, "Snapdragon 810, published", true);
    for (int i = 0; i < 4; i++) fv_lab_point(l, g2_forms[i].groups, published[0] / published[i]);
    fv_lab_tell(l, "1 group, 64 channels (ms)", ms[0]);
    fv_lab_tell(l, "2 groups, 90 channels (ms)", ms[1]);
    fv_lab_tell(l, "4 groups, 128 channels (ms)", ms[2]);
    fv_lab_above(l, "8 groups, 184 channels (ms), against 1", ms[3], ms[0]);
    return FV_OK;
}

static fv_status g3(fv_lab *l, fv_err *err)
{
    /* 128 channels in one fragment: c / sqrt(n) each in n, so that MACs stay */
    static const form f[] = { { SERIES, 128, 128, 1, 1, 0, 0 },
                              { SERIES, 91, 91, 1, 2, 0, 0 },
                              { SERIES, 64, 64, 1, 4, 0, 0 },
                              { PARALLEL, 91, 91, 1, 2, 0, 0 },
                              { PARALLEL, 64, 64, 1, 4, 0, 0 } };
    static const char *const bars[] = { "1 fragment",    "2 in series",   "4 in series",
                                        "2 in parallel", "4 in parallel", NULL };
    static const double published[] = { 10.1, 10.1, 10.1, 9.1, 8.4 };
    fv_plan *plans[10];
    fv_net *nets[10];
    double ms[10];
    FV_TRY(forms(l, f, 5, true, plans, nets, err));
    FV_TRY(forms(l, f, 5, false, plans + 5, nets + 5, err));
    FV_TRY(race(l, ms, plans, 10, err));
    fv_lab_bars(l, "G3: time by fragments, equal MACs", "time / that of 1 fragment", bars);
    fv_lab_curve(l, "here, each op on its own", false);
    for (int i = 0; i < 5; i++) fv_lab_point(l, i + 1, ms[i] / ms[0]);
    fv_lab_curve(l, "here, fused", false);
    for (int i = 0; i < 5; i++) fv_lab_point(l, i + 1, ms[5 + i] / ms[5]);
    fv_lab_curve(l, "Snapdragon 810, published", true);
    for (int i = 0; i < 5; i++) fv_lab_point(l, i + 1, published[0] / published[i]);
    for (int i = 0; i < 4; i++) fv_lab_tell(l, fv_lab_text(l, "%s, each op on its own (ms)", bars[i]), ms[i]);
    fv_lab_above(l, "4 in parallel, each op on its own (ms), against 1 fragment", ms[4], ms[0]);
    fv_lab_tell(l, "1 fragment, fused (ms)", ms[5]);
    fv_lab_tell(l, "4 in parallel, fused (ms)", ms[9]);
    return FV_OK;
}

static fv_status g4(fv_lab *l, fv_err *err)
{
    static const form f[] = { { UNITS, 32, 32, 1, 1, true, true },
                              { UNITS, 32, 32, 1, 1, true, false },
                              { UNITS, 32, 32, 1, 1, false, true },
                              { UNITS, 32, 32, 1, 1, false, false } };
    static const char *const bars[] = { "ReLU and shortcut", "ReLU", "shortcut", "neither", NULL };
    static const double published[] = { 56.7, 61.9, 57.3, 66.3 };
    fv_plan *plans[8];
    fv_net *nets[8];
    double ms[8];
    FV_TRY(forms(l, f, 4, true, plans, nets, err));
    FV_TRY(forms(l, f, 4, false, plans + 4, nets + 4, err));
    FV_TRY(race(l, ms, plans, 8, err));
    fv_lab_bars(l, "G4: element-wise operations", "time / that of neither", bars);
    fv_lab_curve(l, "here, each op on its own", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, i + 1, ms[i] / ms[3]);
    fv_lab_curve(l, "here, fused", false);
    for (int i = 0; i < 4; i++) fv_lab_point(l, i + 1, ms[4 + i] / ms[7]);
    fv_lab_curve(l, "Snapdragon 810, published", true);
    for (int i = 0; i < 4; i++) fv_lab_point(l, i + 1, published[3] / published[i]);
    for (int i = 1; i < 4; i++) fv_lab_tell(l, fv_lab_text(l, "%s, each op on its own (ms)", bars[i]), ms[i]);
    fv_lab_above(l, "ReLU and shortcut, each op on its own (ms), against neither", ms[0], ms[3]);
    fv_lab_below(l, "ReLU and shortcut, fused (ms), against unfused", ms[4], ms[0]);
    fv_lab_tell(l, "neither, fused plan (ms)", ms[7]);
    return FV_OK;
}

/* ---- a whole network ---- */

static fv_val of_zoo(fv_graph *g, fv_val x, const void *arg)
{
    const fv_model *m = arg;
    return m->build(g, x, m->cfg, &(fv_build){ .classes = 1000 });
}

/* Share of the time of steps that are no convolutions, and of shuffles and concatenations. */
static fv_status share(fv_lab *l, double *other, double *steps, const char *network, bool exact, fv_err *err)
{
    enum { MOST = 2000 };
    const int runs = fv_lab_small(l) ? 5 : 31;
    double seconds[MOST] = { 0 }, all = 0, rest = 0;
    fv_net *net;
    fv_plan *plan;
    fv_step_info step;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 224, 224, 3 }, of_zoo, fv_model_find(network), err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .threads = 1, .exact = exact }, err));
    fv_plan_info info;
    fv_plan_describe(plan, &info);
    if (info.steps > MOST) return fv_fail(err, FV_BUG, "%s has %d steps", network, info.steps);
    for (int i = 0; i < 2; i++) fv_plan_run(plan, 1);
    fv_plan_profile(plan, seconds);
    for (int i = 0; i < runs; i++) fv_plan_run(plan, 1);
    fv_plan_profile(plan, NULL);
    for (int i = 0; fv_plan_step_at(plan, i, &step); i++) {
        all += seconds[i];
        if (step.macs == 0) rest += seconds[i];
    }
    *other = 100 * rest / all;
    *steps = info.steps;
    return FV_OK;
}

static fv_status elementwise(fv_lab *l, fv_err *err)
{
    static const char *const nets[] = { "shufflenet_v1_g3", "shufflenet_v2_x1_0" };
    for (int i = 0; i < 2; i++) {
        double plain, fused, steps, fewer;
        FV_TRY(share(l, &plain, &steps, nets[i], true, err));
        FV_TRY(share(l, &fused, &fewer, nets[i], false, err));
        fv_lab_above(l, fv_lab_text(l, "%s: time outside convolutions, each op on its own (%%)", nets[i]), plain, 10);
        fv_lab_below(l, fv_lab_text(l, "%s: the same, fused (%%)", nets[i]), fused, plain);
        fv_lab_tell(l, fv_lab_text(l, "%s: steps", nets[i]), steps);
        fv_lab_below(l, fv_lab_text(l, "%s: steps, fused", nets[i]), fewer, steps);
    }
    return FV_OK;
}

// clang-format off
#define MA "Ma et al. 2018, section 2"
const fv_study_row fv_studies_guidelines[] = {
    { { "access-g1", TOPIC,
        "G1: at fixed MACs a 1x1 convolution touches least memory, hw (c1 + c2) + c1 c2, where c1 = c2.",
        "MAC read as multiply-accumulate: here it is the memory access cost.", MA ", guideline 1",
        "builds the eight settings of table 1 and counts inputs, outputs and weights",
        "819,200 862,920 1,157,728 1,483,200 and 201,728 207,944 286,390 367,884; the bound is reached only at 1:1",
        "A bottleneck of 1:4, as ResNet has it, moves half as much again as equal widths do. A processor that waits for memory does not care for the MACs saved.",
        FV_STUDY_EXACT, false, 0.1 }, access_g1 },
    { { "access-g2", TOPIC,
        "G2: at fixed MACs memory access grows with the groups: hw c1 + B g / c1 + B / hw for the input and weights, and more output channels.",
        "The table's 180 channels do not divide into 8 groups; 184 do.", MA ", guideline 2",
        "builds the settings of table 2", "405,504 568,530 806,912, and 1,158,280 for 184 channels",
        "Groups spare arithmetic, so one affords more channels, and these have to be read and written.",
        FV_STUDY_EXACT, false, 0.1 }, access_g2 },
    { { "g1-equal-widths", TOPIC, "G1: equal channel widths are fastest: 1:1 beats 1:12 at the same MACs.",
        NULL, MA ", table 1", "10 blocks of two 1x1 convolutions at 56x56, one thread, median of 41",
        "1:12 slower than 1:1 (1.32 times on the paper's ARM core)",
        "Two networks of the same MACs differ in speed, and this is the simplest case of it.",
        FV_STUDY_TIMED, false, 1 }, g1 },
    { { "g2-groups", TOPIC, "G2: many groups are slow: 8 groups lose against one at the same MACs.",
        NULL, MA ", table 2", "10 grouped 1x1 convolutions at 56x56, one thread, median of 41",
        "8 groups slower than 1 (1.44 times on the paper's ARM core)",
        "The number of groups should be chosen for the machine, not because it buys more channels on paper.",
        FV_STUDY_TIMED, false, 1 }, g2 },
    { { "g3-fragments", TOPIC, "G3: fragments are slow: four parallel branches lose against one convolution at the same MACs.",
        "\"4-fragment-parallel is slowest\": on the paper's GPU at every width; on its ARM core at 64 channels two in parallel are.",
        MA ", table 3", "10 blocks of one to four 1x1 convolutions at 56x56, unfused and fused, one thread, median of 41",
        "unfused, 4 in parallel slower than 1 (1.20 times on the paper's ARM core at 128 channels)",
        "Networks found by search like small branches. Each one has a beginning and an end that cost something, and their results have to be added. Where the sums are fused into the convolutions little of it is left on one core.",
        FV_STUDY_TIMED, false, 1 }, g3 },
    { { "g4-elementwise", TOPIC, "G4: element-wise operations count: ReLU and shortcuts cost time though they have no MACs.",
        NULL, MA ", table 4", "10 bottleneck units at 56x56 with and without, unfused and fused, one thread, median of 41",
        "unfused slower with both than with neither (1.17 times on the paper's ARM core); fusing wins",
        "They move as much memory as a convolution. Fusing them into the convolution that makes their input, as the plan does here, takes most of the cost away: the guideline is about software as much as about networks.",
        FV_STUDY_TIMED, false, 2 }, g4 },
    { { "elementwise-share", TOPIC,
        "In a whole ShuffleNet a good part of the time is spent outside convolutions, in normalisation, activation, shuffling and joining, unless it is fused away.",
        NULL, "Ma et al. 2018, figure 2", "profiles two networks step by step, unfused and fused, one thread",
        "over 10 % unfused; less fused",
        "MACs say nothing about these operations. The share is the reason why MACs alone foretell speed badly.",
        FV_STUDY_TIMED, false, 3 }, elementwise },
    { { 0 }, NULL },
};
// clang-format on
