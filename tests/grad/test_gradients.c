/* test_gradients.c -- the gradient of every op against central differences, in double precision.
 * Each case is a small graph; what no op declares in `saves` is NaN when the backward pass starts, so a wrong mask
 * fails too. L = sum dy * y with random dy; (L(v + h) - L(v - h)) / 2h is compared with the gradient of v, for each
 * value v of the input and of every trained parameter.
 * Tolerance: truncation is h^2 / 6 times the third derivative, for h = 1e-5 and third derivatives up to 100 S (S = sum
 * |dy| (1 + |y|), values and slopes being of order 1) 1.7e-9 S; rounding is at most about 100 operations' eps S / h =
 * 2.2e-9 S. Together below 4e-9 S; a wrong term is of order S / count.
 * Kinks: inputs stand on a grid that keeps 1e-3 from 0, 3, 6 and from each other; behind other layers the values are
 * fixed by the seeds, and a kink within h of one would show as an error of order 1.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "graph/node.h"
#include "plan/plan.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

typedef fv_val build_fn(fv_graph *g, fv_val x, int variant);
/* EVAL: statistics are constants, dropout is off. FUSED: with the planner's rewrites. AGAIN: what can be made again is. */
enum { EVAL = 1, FUSED = 2, AGAIN = 4 };
typedef struct grad_case {
    const char *name;
    build_fn *build;
    int variant, batch, h, w, c;
    unsigned how;
} grad_case;

static fv_val activation(fv_graph *g, fv_val x, int act)
{
    return fv_activate(g, x, (fv_act)act);
}

static fv_val conv(fv_graph *g, fv_val x, int v)
{
    static const fv_conv p[] = {
        { .out = 3, .k = 3, .pad = 1, .bias = true },
        { .out = 4, .k = 3, .kw = 1, .stride = 2, .stride_w = 1, .pads = { 1, 0, 0, 2 }, .groups = 2, .bias = true },
        { .out = 4, .k = 3, .dilation = 2, .pad = 2, .groups = 4 },
    };
    return fv_conv2d(g, x, "conv", p[v]);
}

static fv_val linear(fv_graph *g, fv_val x, int out)
{
    return fv_linear(g, x, "fc", out);
}

static fv_val linear_no_bias(fv_graph *g, fv_val x, int out)
{
    return fv_linear_no_bias(g, x, "fc", out);
}

static fv_val batchnorm(fv_graph *g, fv_val x, int v)
{
    fv_val y = fv_batchnorm(g, x, "bn", (fv_bn){ 0 });
    if (v == 1) y = fv_relu(g, y);
    if (v == 2) y = fv_relu(g, fv_add(g, y, x));
    if (v == 3) y = fv_activate(g, fv_add(g, fv_conv2d(g, x, "skip", (fv_conv){ .out = 3 }), y), FV_ACT_SIGMOID);
    if (v == 4) y = fv_activate(g, y, FV_ACT_HARD_SIGMOID);
    if (v == 5) y = fv_activate(g, y, FV_ACT_TANH);
    if (v == 6) y = fv_activate(g, y, FV_ACT_RELU6);
    if (v == 7) y = fv_activate(g, y, FV_ACT_SILU);
    return y;
}

/* Values made again from values made again: a residual chain, with squeeze and excitation, one branch used twice. */
static fv_val blocks(fv_graph *g, fv_val x, int count)
{
    for (int i = 0; i < count; i++) {
        fv_scope(g, "b%d", i);
        const fv_conv wide = { .out = 4, .k = 3, .pad = 1 }, narrow = { .out = 3, .k = 1 };
        fv_val y = fv_activate(g, fv_batchnorm(g, fv_conv2d(g, x, "conv1", wide), "bn1", (fv_bn){ 0 }), FV_ACT_SILU);
        const fv_val gate = fv_conv2d(g, fv_global_avgpool(g, y), "fc", (fv_conv){ .out = 4, .k = 1, .bias = true });
        y = fv_mul(g, y, fv_activate(g, gate, FV_ACT_SIGMOID));
        y = fv_batchnorm(g, fv_conv2d(g, y, "conv2", narrow), "bn2", (fv_bn){ 0 });
        x = fv_activate(g, fv_add(g, y, x), i % 2 ? FV_ACT_NONE : FV_ACT_TANH);
        fv_scope(g, NULL);
    }
    return fv_add(g, x, fv_batchnorm(g, fv_conv2d(g, x, "last", (fv_conv){ .out = 3, .k = 1 }), "bn", (fv_bn){ 0 }));
}

static fv_val lrn(fv_graph *g, fv_val x, int n)
{
    return fv_lrn2d(g, x, (fv_lrn){ .n = n, .alpha = 0.1f });
}

static fv_pool pool_of(int v)
{
    static const fv_pool p[] = {
        { .k = 2, .stride = 2 },
        { .k = 3, .stride = 2, .pad = 1 },
        { .k = 3, .stride = 2, .ceil_mode = true },
        { .k = 3, .kw = 2, .stride = 1, .stride_w = 3, .pad = 1, .exclude_pad = true, .ceil_mode = true },
        { .k = 1, .stride = 2 },
    };
    return p[v];
}

static fv_val maxpool(fv_graph *g, fv_val x, int v)
{
    return fv_maxpool(g, x, pool_of(v));
}

static fv_val avgpool(fv_graph *g, fv_val x, int v)
{
    return v < 0 ? fv_global_avgpool(g, x) : fv_avgpool(g, x, pool_of(v));
}

static fv_val add(fv_graph *g, fv_val x, int v)
{
    return fv_add(g, x, v ? fv_activate(g, x, FV_ACT_TANH) : x);
}

static fv_val mul(fv_graph *g, fv_val x, int v)
{
    if (v == 0) return fv_mul(g, x, x);
    if (v == 1) return fv_mul(g, x, fv_activate(g, x, FV_ACT_TANH));
    return fv_mul(g, x, fv_activate(g, fv_global_avgpool(g, x), FV_ACT_SIGMOID)); /* squeeze and excitation */
}

static fv_val concat(fv_graph *g, fv_val x, int n)
{
    fv_val part[FV_MAX_IN];
    for (int i = 0; i < n; i++) part[i] = i % 2 ? fv_activate(g, x, FV_ACT_TANH) : x;
    return fv_concat(g, part, n);
}

static fv_val slice(fv_graph *g, fv_val x, int end)
{
    fv_val both[] = { fv_slice(g, x, 1, end), fv_slice(g, x, 0, 2) }; /* they overlap: the second adds */
    return fv_concat(g, both, 2);
}

static fv_val shuffle(fv_graph *g, fv_val x, int groups)
{
    return fv_shuffle(g, x, groups);
}

static fv_val pad(fv_graph *g, fv_val x, int v)
{
    return fv_pad(g, x, v ? (fv_padding){ 1, 0, 2, 3, 1, 2 } : (fv_padding){ .c_back = 2 });
}

static fv_val dropout(fv_graph *g, fv_val x, int percent)
{
    return fv_dropout(g, x, (float)percent / 100);
}

static fv_val drop_path(fv_graph *g, fv_val x, int percent)
{
    return fv_drop_path(g, x, (float)percent / 100);
}

static fv_val flatten(fv_graph *g, fv_val x, int v)
{
    (void)v;
    return fv_flatten(g, x);
}

static fv_val xent(fv_graph *g, fv_val x, int percent)
{
    const fv_val target = fv_input(g, "target", 1, 1, fv_channels(g, x));
    return fv_softmax_xent(g, x, target, (float)percent / 100);
}

/* 0: plain; 1: smoothed; 2: with a threshold, behind a layer. */
static fv_val bce(fv_graph *g, fv_val x, int v)
{
    const fv_val target = fv_input(g, "target", 1, 1, fv_channels(g, x));
    const fv_attr a = { .xent = { .smoothing = v ? 0.1f : 0, .threshold = v == 2 ? 0.2f : 0 } };
    if (v == 2) x = fv_linear(g, x, "fc", fv_channels(g, x));
    return fv_node_add(g, FV_OP_BCE, NULL, a, (fv_val[]){ x, target }, 2, (fv_init){ 0 });
}

// clang-format off
static const grad_case cases[] = {
    /* name                      build      variant         batch h  w  c  how */
    { "conv 3x3",                conv,      0,               2,   3, 4, 2, 0 },
    { "conv grouped, uneven",    conv,      1,               9,   4, 3, 4, 0 },
    { "conv depthwise, dilated", conv,      2,               2,   5, 4, 4, 0 },
    { "linear on pixels",        linear,    3,               3,   2, 2, 3, 0 },
    { "linear, no bias",         linear_no_bias, 3,          3,   1, 1, 5, 0 },
    { "linear, two leaves",      linear,    2,              10,   1, 1, 5, 0 },
    { "batchnorm",               batchnorm, 0,               3,   2, 3, 3, 0 },
    { "batchnorm, two leaves",   batchnorm, 0,              11,   1, 2, 3, 0 },
    { "batchnorm, 70 pixels",    batchnorm, 0,               1,  10, 7, 1, 0 },
    { "batchnorm, inference",    batchnorm, 0,               3,   2, 3, 3, EVAL },
    { "bn + relu",               batchnorm, 1,               3,   2, 3, 3, FUSED },
    { "bn + relu, apart",        batchnorm, 1,               3,   2, 3, 3, 0 },
    { "bn + relu, inference",    batchnorm, 1,               3,   2, 3, 3, EVAL | FUSED },
    { "bn + x + relu",           batchnorm, 2,               3,   2, 3, 3, FUSED },
    { "bn + x + relu, apart",    batchnorm, 2,               3,   2, 3, 3, 0 },
    { "bn + conv + sigmoid",     batchnorm, 3,               9,   2, 2, 3, FUSED },
    { "bn + hard_sigmoid",       batchnorm, 4,               3,   2, 3, 3, FUSED },
    { "bn + tanh",               batchnorm, 5,               3,   2, 3, 3, FUSED },
    { "bn + relu6",              batchnorm, 6,               3,   2, 3, 3, FUSED },
    { "bn + silu",               batchnorm, 7,               3,   2, 3, 3, FUSED },
    { "bn + x + relu, again",    batchnorm, 2,               3,   2, 3, 3, FUSED | AGAIN },
    { "bn + silu, again",        batchnorm, 7,               3,   2, 3, 3, FUSED | AGAIN },
    { "blocks",                  blocks,    3,               3,   3, 3, 3, FUSED },
    { "blocks, again",           blocks,    3,               3,   3, 3, 3, FUSED | AGAIN },
    { "lrn 5",                   lrn,       5,               2,   2, 2, 7, 0 },
    { "lrn 4",                   lrn,       4,               2,   1, 2, 3, 0 },
    { "maxpool 2",               maxpool,   0,               2,   4, 5, 2, 0 },
    { "maxpool 3, padded",       maxpool,   1,               2,   5, 4, 3, 0 },
    { "maxpool 3, ceil",         maxpool,   2,               2,   6, 6, 2, 0 },
    { "maxpool 3x2",             maxpool,   3,               2,   4, 5, 2, 0 },
    { "maxpool 1, stride 2",     maxpool,   4,               2,   5, 4, 2, 0 },
    { "avgpool 2",               avgpool,   0,               2,   4, 5, 2, 0 },
    { "avgpool 3, padded",       avgpool,   1,               2,   5, 4, 3, 0 },
    { "avgpool 3, ceil",         avgpool,   2,               2,   6, 6, 2, 0 },
    { "avgpool 3x2, inside",     avgpool,   3,               2,   4, 5, 2, 0 },
    { "avgpool, global",         avgpool,   -1,              2,   3, 4, 3, 0 },
    { "relu",                    activation, FV_ACT_RELU,         2, 2, 3, 3, 0 },
    { "relu6",                   activation, FV_ACT_RELU6,        2, 4, 5, 4, 0 },
    { "sigmoid",                 activation, FV_ACT_SIGMOID,      2, 2, 3, 3, 0 },
    { "tanh",                    activation, FV_ACT_TANH,         2, 2, 3, 3, 0 },
    { "silu",                    activation, FV_ACT_SILU,         2, 2, 3, 3, 0 },
    { "hard_sigmoid",            activation, FV_ACT_HARD_SIGMOID, 2, 4, 5, 4, 0 },
    { "hard_swish",              activation, FV_ACT_HARD_SWISH,   2, 4, 5, 4, 0 },
    { "add itself",              add,       0,               2,   2, 3, 3, 0 },
    { "add another",             add,       1,               2,   2, 3, 3, 0 },
    { "mul itself",              mul,       0,               2,   2, 3, 3, 0 },
    { "mul another",             mul,       1,               2,   2, 3, 3, 0 },
    { "mul per channel",         mul,       2,               2,   9, 8, 2, 0 },
    { "concat of 3",             concat,    3,               2,   2, 3, 3, 0 },
    { "concat of 32",            concat,    32,              1,   1, 2, 2, 0 },
    { "slice",                   slice,     4,               2,   2, 3, 5, 0 },
    { "shuffle 2",               shuffle,   2,               2,   2, 3, 6, 0 },
    { "shuffle 6, inverse of 2", shuffle,   6,               2,   2, 3, 12, 0 },
    { "shuffle 3",               shuffle,   3,               2,   1, 2, 12, 0 },
    { "pad channels",            pad,       0,               2,   2, 3, 3, 0 },
    { "pad all",                 pad,       1,               2,   2, 3, 3, 0 },
    { "dropout",                 dropout,   40,              3,   3, 3, 5, 0 },
    { "dropout, inference",      dropout,   40,              3,   3, 3, 5, EVAL },
    { "drop_path",               drop_path, 50,              6,   2, 2, 2, 0 },
    { "flatten",                 flatten,   0,               2,   2, 3, 4, 0 },
    { "softmax_xent",            xent,      0,               3,   1, 1, 5, 0 },
    { "softmax_xent, smoothed",  xent,      10,              3,   1, 1, 7, 0 },
    { "bce",                     bce,       0,               3,   1, 1, 5, 0 },
    { "bce, smoothed",           bce,       1,               3,   1, 1, 7, 0 },
    { "bce, threshold, layer",   bce,       2,               9,   1, 1, 5, 0 },
};
// clang-format on
enum { NCASES = sizeof cases / sizeof *cases };

typedef struct trial {
    fv_net *net;
    fv_plan *plan;
    int batch;
    double *dy, *y;
    size_t ny;
    fv_rng rng;
} trial;

/* A random order of grid points 0.0137 (n even: half a step from 0) apart, spread over about +- 4 where there are many. */
static void fill_grid(double *v, size_t n, fv_rng *rng)
{
    const double step = n > 100 ? 0.0537 : 0.0737;
    for (size_t i = 0; i < n; i++) v[i] = ((double)i + 0.5 - (double)(n / 2)) * step;
    for (size_t i = n - 1; i > 0; i--) {
        const size_t j = fv_rng_below(rng, (uint32_t)i + 1);
        const double t = v[i];
        v[i] = v[j], v[j] = t;
        for (int k = 0; k <= 6; k += 3) assert_true(fabs(fabs(v[i]) - k) > 1e-3);
    }
}

/* A copy. The graph's own input and output are never poisoned, a value between two copies is. */
static fv_val whole(fv_graph *g, fv_val x)
{
    return fv_slice(g, x, 0, fv_channels(g, x));
}

static fv_plan *plan_of(const grad_case *k, fv_net **net)
{
    fv_err err = { 0 };
    fv_graph *g = NULL;
    fv_plan *plan = NULL;
    assert_int_equal(fv_graph_new(&g, NULL, &err), FV_OK);
    const fv_val x = whole(g, fv_input(g, "x", k->h, k->w, k->c));
    fv_output(g, whole(g, k->build(g, x, k->variant)));
    fv_status s = fv_net_new(net, g, k->name, NULL, &err);
    if (s == FV_OK) fv_net_init(*net, 7);
    if (s == FV_OK)
        s = fv_plan_make(&plan, *net,
                         &(fv_plan_request){ .batch = k->batch,
                                             .h = k->h,
                                             .w = k->w,
                                             .train = !(k->how & EVAL),
                                             .backward = true,
                                             .input_grad = true,
                                             .f64 = true,
                                             .exact = !(k->how & FUSED),
                                             .grad_checkpointing = (k->how & AGAIN) != 0,
                                             .poison = true,
                                             .threads = 1 },
                         &err);
    if (s != FV_OK) fail_msg("%s: %s", k->name, err.msg);
    return plan;
}

static double uniform(fv_rng *r, double low, double high)
{
    return low + (high - low) * fv_rng_unit(r);
}

/* Targets of losses: positive, of sum 1. */
static void fill_target(double *t, int n, int k, fv_rng *rng)
{
    for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int j = 0; j < k; j++) sum += t[i * k + j] = uniform(rng, 0.1, 1);
        for (int j = 0; j < k; j++) t[i * k + j] /= sum;
    }
}

static trial start(const grad_case *k)
{
    trial t = { .batch = k->batch, .rng = fv_rng_of(11, 0, 0, FV_RNG_TEST) };
    t.plan = plan_of(k, &t.net);
    const fv_graph *g = t.net->graph;
    const fv_shape out = g->node[g->output].shape;
    t.ny = (size_t)k->batch * out.h * out.w * out.c;
    t.dy = fv_plan_doutput(t.plan);
    t.y = fv_plan_output(t.plan);
    fill_grid(fv_plan_input(t.plan, "x"), (size_t)k->batch * k->h * k->w * k->c, &t.rng);
    double *target = fv_plan_input(t.plan, "target");
    if (target) fill_target(target, k->batch, k->c, &t.rng);
    for (size_t i = 0; i < g->nparam; i++) { /* away from 0, and unlike each other */
        double *w = fv_plan_weights(t.plan, (int)i);
        for (size_t j = 0; j < g->param[i].floats; j++) w[j] = uniform(&t.rng, 0.4, 1.2) * (j % 3 ? 1 : -1);
        for (size_t j = 0; g->param[i].kind == FV_PARAM_RUNNING && j < g->param[i].floats; j++) w[j] = fabs(w[j]);
    }
    for (size_t i = 0; i < t.ny; i++) t.dy[i] = uniform(&t.rng, -1, 1);
    fv_run_info *run = fv_plan_run_info(t.plan);
    run->seed = 3, run->step = 5;
    return t;
}

static double loss(const trial *t)
{
    double sum = 0;
    fv_plan_run(t->plan, t->batch);
    for (size_t i = 0; i < t->ny; i++) sum += t->dy[i] * t->y[i];
    return sum;
}

static double tolerance(const trial *t)
{
    double s = 0;
    loss(t);
    for (size_t i = 0; i < t->ny; i++) s += fabs(t->dy[i]) * (1 + fabs(t->y[i]));
    return 4e-9 * s;
}

static void compare(const trial *t, const char *name, const char *what, double *v, const double *grad, size_t n)
{
    const double h = 1e-5, tol = tolerance(t);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const double keep = v[i];
        loss(t);
        const double g = grad[i];
        v[i] = keep + h;
        const double up = loss(t);
        v[i] = keep - h;
        const double down = loss(t);
        v[i] = keep;
        const double expected = (up - down) / (2 * h);
        if (!(fabs(g - expected) <= tol))
            fail_msg("%s: gradient of %s[%zu] is %.12g, central difference %.12g, tolerance %.3g", name, what, i, g,
                     expected, tol);
        sum += fabs(g);
    }
    assert_true(sum > 0); /* a gradient that is zero everywhere would prove nothing */
}

static void test_gradient(void **state)
{
    const grad_case *k = *state;
    trial t = start(k);
    const fv_graph *g = t.net->graph;
    const size_t nx = (size_t)k->batch * k->h * k->w * k->c;
    compare(&t, k->name, "x", fv_plan_input(t.plan, "x"), fv_plan_dinput(t.plan, "x"), nx);
    for (size_t i = 0; i < g->nparam; i++) {
        if (g->param[i].kind >= FV_PARAM_RUNNING) continue;
        const double *grad = fv_plan_dparam(t.plan, (int)i);
        assert_non_null(grad);
        compare(&t, k->name, g->param[i].name, fv_plan_weights(t.plan, (int)i), grad, g->param[i].floats);
    }
    fv_plan_free(t.plan);
    fv_net_free(t.net);
}

static void test_every_op_has_a_case(void **state)
{
    (void)state;
    bool seen[FV_OP_COUNT] = { false };
    for (int i = 0; i < NCASES; i++) {
        fv_net *net = NULL;
        fv_plan_free(plan_of(&cases[i], &net));
        for (size_t j = 0; j < net->graph->nnode; j++) seen[net->graph->node[j].op] = true;
        fv_net_free(net);
    }
    for (int i = 0; i < FV_OP_COUNT; i++)
        if (!seen[i]) fail_msg("op '%s' has no case", fv_ops[i]->name);
}

int main(void)
{
    struct CMUnitTest tests[NCASES + 1] = { cmocka_unit_test(test_every_op_has_a_case) };
    for (int i = 0; i < NCASES; i++)
        tests[i + 1] = (struct CMUnitTest){ .name = cases[i].name,
                                            .test_func = test_gradient,
                                            .initial_state = (void *)&cases[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
