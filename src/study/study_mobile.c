/* study_mobile.c -- MobileNetV2 and V3: inverted residuals, linear bottlenecks, squeeze and excitation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "models/inverted.h"
#include "study/lab.h"
#include <math.h>
#include <string.h>

#define TOPIC "MobileNetV2 and V3"

static fv_val inverted(fv_graph *g, fv_val x, const void *arg)
{
    return fv_inverted_residual(g, x, arg);
}

static fv_status block_macs(fv_lab *l, fv_err *err)
{
    static const struct {
        int side, c, t, k, out;
    } rows[] = { { 28, 32, 6, 3, 32 }, { 14, 64, 6, 3, 96 }, { 7, 160, 6, 5, 320 }, { 56, 24, 3, 5, 24 } };
    for (int i = 0; i < 4; i++) {
        const int c = rows[i].c, wide = c * rows[i].t;
        const fv_inverted b = { .wide = wide, .out = rows[i].out, .k = rows[i].k, .stride = 1, .act = FV_ACT_RELU6 };
        fv_lab_cost cost;
        FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, rows[i].side, rows[i].side, c }, inverted, &b, err));
        const double want = (double)rows[i].side * rows[i].side * wide * (c + rows[i].k * rows[i].k + rows[i].out);
        fv_lab_is(l, fv_lab_text(l, "MACs, %d to %d channels", c, rows[i].out), (double)cost.macs, want, 0);
    }
    fv_graph *g;
    int blocks = 0, sums = 0, wrong = 0, linear = 0;
    FV_TRY(fv_lab_zoo(l, &g, "mobilenet_v2", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        const bool depthwise = n->op == FV_OP_CONV2D && n->attr.conv.groups > 1;
        blocks += depthwise;
        if (n->op != FV_OP_ADD) continue;
        const fv_node *a = &g->node[n->in[0]], *b = &g->node[n->in[1]];
        sums++;
        wrong += a->shape.c != b->shape.c || a->shape.h != b->shape.h;
        linear += a->op != FV_OP_ACTIVATION && b->op != FV_OP_ACTIVATION;
    }
    fv_lab_is(l, "blocks of MobileNetV2", blocks, 17, 0);
    fv_lab_is(l, "of them with a shortcut", sums, 10, 0);
    fv_lab_is(l, "shortcuts between unlike shapes", wrong, 0, 0);
    fv_lab_is(l, "shortcuts between linear bottlenecks", linear, 10, 0);
    return FV_OK;
}

/* ---- the wide tensor in parts ---- */

enum { SIDE = 14, NARROW = 16, WIDE = 96, PARTS = 4, COUNT = SIDE * SIDE * NARROW };

/* parts 1: the block at once; else channels of the wide tensor in so many parts, whose projections are added. */
static fv_val split_block(fv_graph *g, fv_val x, const void *arg)
{
    const int parts = *(const int *)arg, wide = WIDE / parts;
    fv_val sum = x;
    for (int i = 0; i < parts; i++) {
        fv_scope(g, "part%d", i);
        fv_val y = fv_activate(g, fv_conv2d(g, x, "expand", (fv_conv){ .out = wide }), FV_ACT_RELU6);
        y = fv_conv2d(g, y, "filter", (fv_conv){ .out = wide, .k = 3, .pad = 1, .groups = wide });
        y = fv_conv2d(g, fv_activate(g, y, FV_ACT_RELU6), "project", (fv_conv){ .out = NARROW });
        sum = i ? fv_add(g, sum, y) : y;
        fv_scope(g, NULL);
    }
    return sum;
}

static fv_status split(fv_lab *l, fv_err *err)
{
    fv_net *whole, *parted;
    fv_plan *a, *b;
    float *x;
    const fv_shape in = { 1, SIDE, SIDE, NARROW };
    FV_TRY(fv_lab_net(l, &whole, in, split_block, &(int){ 1 }, err));
    FV_TRY(fv_lab_net(l, &parted, in, split_block, &(int){ PARTS }, err));
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    const float *expand = fv_net_weights(whole, "part0.expand.weight", NULL);
    const float *filter = fv_net_weights(whole, "part0.filter.weight", NULL);
    const float *project = fv_net_weights(whole, "part0.project.weight", NULL);
    const int each = WIDE / PARTS;
    for (int p = 0; p < PARTS; p++) {
        float *e = fv_net_weights(parted, fv_lab_text(l, "part%d.expand.weight", p), NULL);
        float *f = fv_net_weights(parted, fv_lab_text(l, "part%d.filter.weight", p), NULL);
        float *o = fv_net_weights(parted, fv_lab_text(l, "part%d.project.weight", p), NULL);
        memcpy(e, expand + p * each * NARROW, (size_t)each * NARROW * sizeof *e);
        memcpy(f, filter + p * each * 9, (size_t)each * 9 * sizeof *f);
        for (int c = 0; c < NARROW; c++) memcpy(o + c * each, project + c * WIDE + p * each, (size_t)each * sizeof *o);
    }
    FV_TRY(fv_lab_plan(l, &a, whole, 1, (fv_plan_request){ .exact = true }, err));
    FV_TRY(fv_lab_plan(l, &b, parted, 1, (fv_plan_request){ .exact = true }, err));
    const float *y = fv_lab_forward(a, 1, x, COUNT), *z = fv_lab_forward(b, 1, x, COUNT);
    fv_plan_info at_once, in_parts;
    fv_plan_describe(a, &at_once);
    fv_plan_describe(b, &in_parts);
    fv_lab_is(l, "in four parts from at once", fv_lab_gap(z, y, COUNT), 0, 1e-5);
    fv_lab_is(l, "MACs in parts / at once", (double)in_parts.macs / (double)at_once.macs, 1, 0);
    fv_lab_below(l, "activations (KiB)", (double)in_parts.activation_bytes / 1024,
                 (double)at_once.activation_bytes / 1024);
    return FV_OK;
}

/* ---- squeeze and excitation ---- */

typedef struct gate {
    fv_act act;
    int squeezed;
} gate;

static fv_val excite(fv_graph *g, fv_val x, const void *arg)
{
    const gate *p = arg;
    fv_val s = fv_conv2d(g, fv_global_avgpool(g, x), "fc1", (fv_conv){ .out = p->squeezed, .bias = true });
    s = fv_conv2d(g, fv_relu(g, s), "fc2", (fv_conv){ .out = fv_channels(g, x), .bias = true });
    return fv_mul(g, x, fv_activate(g, s, p->act));
}

static fv_status squeeze(fv_lab *l, fv_err *err)
{
    static const gate gates[] = { { FV_ACT_SIGMOID, 4 }, { FV_ACT_HARD_SIGMOID, 4 } };
    static const char *const names[] = { "sigmoid", "hard sigmoid" };
    const fv_shape in = { 1, SIDE, SIDE, NARROW };
    float *x, *half;
    fv_lab_cost cost;
    FV_TRY(fv_lab_noise(l, &x, COUNT, 1, err));
    FV_TRY(fv_lab_floats(l, &half, COUNT, err));
    for (int i = 0; i < COUNT; i++) half[i] = x[i] / 2;
    for (int i = 0; i < 2; i++) {
        fv_net *net;
        fv_plan *plan;
        FV_TRY(fv_lab_net(l, &net, in, excite, &gates[i], err));
        FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
        fv_lab_fill(net, "fc2.weight", 0);
        fv_lab_fill(net, "fc2.bias", 0);
        fv_plan_repack(plan);
        fv_lab_is(l, fv_lab_text(l, "%s, W2 = b2 = 0, from x / 2", names[i]),
                  fv_lab_gap(fv_lab_forward(plan, 1, x, COUNT), half, COUNT), 0, 0);
        fv_lab_fill(net, "fc2.bias", 3);
        fv_plan_repack(plan);
        const double off = fv_lab_gap(fv_lab_forward(plan, 1, x, COUNT), x, COUNT);
        if (i == 1) fv_lab_is(l, "hard sigmoid, b2 = 3, from x", off, 0, 0);
        else fv_lab_above(l, "sigmoid, b2 = 3, from x", off, 0.04);
    }
    FV_TRY(fv_lab_count(l, &cost, in, excite, &gates[0], err));
    fv_lab_is(l, "parameters, 2 C Cs + C + Cs", (double)cost.params, 2 * NARROW * 4 + NARROW + 4, 0);
    return FV_OK;
}

/* The squeeze's channels over those of the tensor that is weighed, and of the block's input, at one block of a network. */
static fv_status reduction(fv_lab *l, const char *network, const char *squeeze_layer, const char *first, int want,
                           fv_err *err)
{
    fv_graph *g;
    FV_TRY(fv_lab_zoo(l, &g, network, 0, err));
    const int s = fv_lab_find(g, squeeze_layer), f = fv_lab_find(g, first);
    if (s < 0 || f < 0) return fv_fail(err, FV_BUG, "%s has no %s", network, s < 0 ? squeeze_layer : first);
    const int squeezed = g->node[s].shape.c, wide = g->node[g->node[s].in[0]].shape.c;
    const int in = g->node[g->node[f].in[0]].shape.c;
    fv_lab_is(l, fv_lab_text(l, "%s: %d of %d channels, block input %d", network, squeezed, wide, in), squeezed, want,
              0);
    return FV_OK;
}

static fv_status reductions(fv_lab *l, fv_err *err)
{
    FV_TRY(reduction(l, "efficientnet_b0", "features.2.0.block.2.fc1", "features.2.0.block.0.0", 16 / 4, err));
    FV_TRY(reduction(l, "efficientnet_b0", "features.6.1.block.2.fc1", "features.6.1.block.0.0", 192 / 4, err));
    FV_TRY(reduction(l, "mobilenet_v3_large", "features.4.block.2.fc1", "features.4.block.0.0", 24, err));
    FV_TRY(reduction(l, "mobilenet_v3_large", "features.13.block.2.fc1", "features.13.block.0.0", 672 / 4, err));
    return FV_OK;
}

/* ---- the spiral: Sandler et al. 2018, figure 1 ---- */

enum { POINTS = 1000 };

/* X' = T+ ReLU(T X): least squares by the normal equations of two columns. */
typedef struct spiral_error {
    double raw, scaled, lost, zero;
} spiral_error;

static void reflect(const double *t, int n, const double *x, double out[2], int *active)
{
    double a = 0, b = 0, c = 0, u = 0, v = 0;
    *active = 0;
    for (int i = 0; i < n; i++) {
        const double p = t[2 * i], q = t[2 * i + 1];
        const double y = fmax(0, p * x[0] + q * x[1]);
        *active += y > 0;
        a += p * p, b += p * q, c += q * q;
        u += p * y, v += q * y;
    }
    const double det = a * c - b * b;
    out[0] = (c * u - b * v) / det;
    out[1] = (a * v - b * u) / det;
}

static spiral_error one_spiral(fv_rng *r, int n)
{
    double t[2 * 100], xx = 0, xy = 0, yy = 0, diff = 0;
    int lost = 0, zero = 0;
    for (int i = 0; i < 2 * n; i++) t[i] = fv_rng_normal(r);
    for (int k = 0; k < POINTS; k++) {
        const double s = (k + 0.5) / POINTS, angle = 4 * acos(-1.0) * s;
        const double x[2] = { s * cos(angle), s * sin(angle) };
        double y[2];
        int active;
        reflect(t, n, x, y, &active);
        lost += active < 2;
        zero += active == 0;
        xx += x[0] * x[0] + x[1] * x[1];
        xy += x[0] * y[0] + x[1] * y[1];
        yy += y[0] * y[0] + y[1] * y[1];
        diff += pow(x[0] - y[0], 2) + pow(x[1] - y[1], 2);
    }
    const double left = yy > 0 ? xx - xy * xy / yy : xx;
    return (spiral_error){ sqrt(diff / xx), sqrt(fmax(left, 0) / xx), (double)lost / POINTS, (double)zero / POINTS };
}

static fv_status spiral(fv_lab *l, fv_err *err)
{
    static const struct {
        int n;
        double scaled, lost, zero; /* computed before, with another generator */
    } rows[] = { { 2, 0.770, 0.746, 0.254 },    { 3, 0.716, 0.500, 0.121 }, { 5, 0.622, 0.188, 0.029 },
                 { 10, 0.491, 0.0094, 0.0005 }, { 15, 0.408, 0.0002, 0 },   { 20, 0.356, 0.0003, 0.0001 },
                 { 30, 0.304, 0, 0 },           { 100, 0.177, 0, 0 } };
    enum { TRIALS = 500, ROWS = sizeof rows / sizeof *rows };
    double before = 1;
    spiral_error e[ROWS];
    for (int i = 0; i < ROWS; i++) {
        const int n = rows[i].n;
        fv_rng r = fv_rng_of(1, (uint64_t)n, 0, FV_RNG_STUDY);
        spiral_error mean = { 0 };
        for (int k = 0; k < TRIALS; k++) {
            const spiral_error one = one_spiral(&r, n);
            mean.raw += one.raw / TRIALS, mean.scaled += one.scaled / TRIALS;
            mean.lost += one.lost / TRIALS, mean.zero += one.zero / TRIALS;
        }
        e[i] = mean;
        FV_TRY(fv_lab_progress(l, (i + 1.0) / ROWS, err));
        /* (n + 1) / 2^n of the directions have fewer than two active rows, if T is Gaussian: the share varies from one T
         * to the next by at most 1/2, and 5 standard deviations of the mean of 500 are .11; it shrinks with the share. */
        const double theory = (n + 1) / exp2(n);
        fv_lab_is(l, fv_lab_text(l, "n = %d: points that cannot be told apart", n), mean.lost, theory,
                  5 * sqrt(theory * (1 - theory) / TRIALS) + 1e-12);
        fv_lab_is(l, fv_lab_text(l, "n = %d: error after the best scale", n), mean.scaled, rows[i].scaled, 0.05);
        fv_lab_below(l, fv_lab_text(l, "n = %d: less than with fewer", n), mean.scaled, before);
        before = mean.scaled;
    }
    fv_lab_is(l, "raw error at n = 100, which goes to 1/2", e[ROWS - 1].raw, 0.51, 0.02);
    fv_lab_plot(
        l, (fv_study_plot){ "A spiral through ReLU in n dimensions and back", "dimensions n", "share", true, false });
    fv_lab_curve(l, "error after the best scale", false);
    for (int i = 0; i < ROWS; i++) fv_lab_point(l, rows[i].n, e[i].scaled);
    fv_lab_curve(l, "points lost", false);
    for (int i = 0; i < ROWS; i++) fv_lab_point(l, rows[i].n, e[i].lost);
    fv_lab_curve(l, "points lost, (n + 1) / 2^n", true);
    for (int i = 0; i < ROWS; i++) fv_lab_point(l, rows[i].n, (rows[i].n + 1) / exp2(rows[i].n));
    return FV_OK;
}

/* ---- MobileNetV3's costly layers ---- */

static fv_val old_tail(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    x = fv_activate(g, fv_conv2d(g, x, "expand", (fv_conv){ .out = 960 }), FV_ACT_HARD_SWISH);
    x = fv_conv2d(g, x, "filter", (fv_conv){ .out = 960, .k = 3, .pad = 1, .groups = 960 });
    x = fv_conv2d(g, fv_activate(g, x, FV_ACT_HARD_SWISH), "project", (fv_conv){ .out = 320 });
    x = fv_activate(g, fv_conv2d(g, x, "last", (fv_conv){ .out = 1280 }), FV_ACT_HARD_SWISH);
    return fv_linear(g, fv_global_avgpool(g, x), "fc", 1000);
}

static fv_val new_tail(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    x = fv_activate(g, fv_conv2d(g, x, "expand", (fv_conv){ .out = 960 }), FV_ACT_HARD_SWISH);
    x = fv_activate(g, fv_linear(g, fv_global_avgpool(g, x), "last", 1280), FV_ACT_HARD_SWISH);
    return fv_linear(g, x, "fc", 1000);
}

static fv_val stem(fv_graph *g, fv_val x, const void *arg)
{
    const bool old = *(const bool *)arg;
    return fv_activate(g, fv_conv2d(g, x, "stem", (fv_conv){ .out = old ? 32 : 16, .k = 3, .stride = 2, .pad = 1 }),
                       old ? FV_ACT_RELU : FV_ACT_HARD_SWISH);
}

static fv_status redesign(fv_lab *l, fv_err *err)
{
    const fv_shape last = { 1, 7, 7, 160 }, picture = { 1, 224, 224, 3 };
    static const bool old = true, new = false;
    const struct {
        fv_shape in;
        fv_lab_build *build;
        const void *arg;
    } forms[] = {
        { last, old_tail, NULL }, { last, new_tail, NULL }, { picture, stem, &old }, { picture, stem, &new }
    };
    fv_lab_cost before, after;
    fv_plan *plans[4];
    double s[4];
    FV_TRY(fv_lab_count(l, &before, last, old_tail, NULL, err));
    FV_TRY(fv_lab_count(l, &after, last, new_tail, NULL, err));
    fv_lab_is(l, "MACs saved by the new tail (M)", 1e-6 * (double)(before.macs - after.macs), 34.3, 0.1);
    for (int i = 0; i < 4; i++) {
        fv_net *net;
        FV_TRY(fv_lab_net(l, &net, forms[i].in, forms[i].build, forms[i].arg, err));
        FV_TRY(fv_lab_plan(l, &plans[i], net, 1, (fv_plan_request){ .threads = 1 }, err));
    }
    FV_TRY(fv_lab_race(l, s, plans, 4, fv_lab_small(l) ? 11 : 101, err));
    fv_lab_tell(l, "original last stage (ms)", 1e3 * s[0]);
    fv_lab_below(l, "redesigned last stage (ms)", 1e3 * s[1], 1e3 * s[0]);
    fv_lab_tell(l, "stem of 32 channels, ReLU (ms)", 1e3 * s[2]);
    fv_lab_below(l, "stem of 16 channels, hard swish (ms)", 1e3 * s[3], 1e3 * s[2]);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_mobile[] = {
    { { "inverted-residual", TOPIC,
        "An inverted residual block takes h w t c (c + k^2 + c') MACs, and has a shortcut only where stride is 1 and c = c': 10 of MobileNetV2's 17.",
        "Its middle is called \"3x3 depthwise separable\": it is depthwise only, the 1x1 behind it is the projection.",
        "Sandler et al. 2018, section 3.3", "builds four blocks, and reads MobileNetV2's graph",
        "the formula exactly; 17 blocks, 10 shortcuts, all between linear bottlenecks",
        "Inverted, because the shortcut joins the narrow ends: that is where the information is, and where little has to be kept in memory.",
        FV_STUDY_EXACT, false, 0.1 }, block_macs },
    { { "split-expansion", TOPIC,
        "The wide tensor of an inverted residual may be computed in parts, whose projections are added: the same result and MACs in less memory.",
        NULL, "Sandler et al. 2018, section 5.1", "one block at once and in four parts, with the same weights",
        "equal but for rounding; less memory",
        "Channels between expansion and projection do not talk to each other, so no more than one of them needs to exist at a time. It lets such networks run in a few hundred KiB.",
        FV_STUDY_EXACT, false, 0.1 }, split },
    { { "squeeze-excitation", TOPIC,
        "With W2 = b2 = 0 squeeze and excitation halves its input exactly; with b2 = 3 the hard sigmoid is open and the block the identity; it has 2 C Cs + C + Cs parameters.",
        NULL, "Hu, Shen, Sun 2017, section 3; Howard et al. 2019, section 5.3",
        "the block with both gates", "0, 0, 148 parameters of 16 and 4 channels",
        "So a network with freshly added gates starts at half volume everywhere, unless the last bias is set. The hard gate can be fully open, the sigmoid never.",
        FV_STUDY_EXACT, false, 0.1 }, squeeze },
    { { "squeeze-reduction", TOPIC,
        "EfficientNet squeezes to a quarter of the block's input, MobileNetV3 to a quarter of the expanded tensor (rounded to 8).",
        "Both are said to have a \"ratio of .25\"; it is of different tensors, six times apart.",
        "Tan, Le 2019 and Howard et al. 2019, with the released code",
        "reads four blocks off the graphs", "4 and 48 (inputs of 16 and 192); 24 and 168 (72 and 672 expanded)",
        "A frequent reason why a re-implementation has 1 M parameters too many.",
        FV_STUDY_EXACT, false, 0.1 }, reductions },
    { { "relu-spiral", TOPIC,
        "ReLU in n dimensions loses a plane spiral for n = 2 or 3 and mostly keeps it for n of 15 to 30; a share (n + 1) / 2^n of the points cannot be told apart.",
        "\"X' comes close to X\": the plain error tends to 1/2, not to 0, since half of the rows are cut; shapes are to be compared after the best scale.",
        "Sandler et al. 2018, figure 1",
        "500 Gaussian T of n x 2, 1,000 points: X' = T+ ReLU(T X)",
        "error after the best scale .770 .716 .622 .491 .408 .356 .304 .177 for n = 2 3 5 10 15 20 30 100; lost .75 .5 .19 .011 ...",
        "This is the case for linear bottlenecks: a rectifier on few channels throws away what no later layer can restore, on many it does little harm.",
        FV_STUDY_MEASURED, false, 0.4 }, spiral },
    { { "v3-redesign", TOPIC,
        "Pooling before the last 1x1 layers, and half the channels in the first, make MobileNetV3 faster at the same accuracy.",
        NULL, "Howard et al. 2019, section 5.1 and figure 5: 7 ms and 30 M MACs, and 2 ms, on a phone",
        "times both last stages at 7x7x160 and both stems at 224 pixels",
        "34.3 M MACs fewer; both new forms faster",
        "Nothing of this was found by search: the two ends of the network were looked at with a stop-watch.",
        FV_STUDY_TIMED, false, 0.5 }, redesign },
    { { 0 }, NULL },
};
// clang-format on
