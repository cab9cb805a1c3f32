/* study_activations.c -- activations and what they do to gradients, dropout.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "Activations and dropout"

static fv_val activation(fv_graph *g, fv_val x, const void *arg)
{
    return fv_activate(g, x, *(const fv_act *)arg);
}

enum { POINTS = 16 * 4096 + 1 };

/* The library's curve and its slope on POINTS places from -8 to 8. */
typedef struct curve {
    float *x;
    const float *y, *slope;
} curve;

static fv_status curve_of(fv_lab *l, curve *c, fv_act act, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *ones;
    FV_TRY(fv_lab_floats(l, &c->x, POINTS, err));
    FV_TRY(fv_lab_floats(l, &ones, POINTS, err));
    for (int i = 0; i < POINTS; i++) c->x[i] = (float)(i - POINTS / 2) / 4096, ones[i] = 1;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, POINTS }, activation, &act, err));
    FV_TRY(
        fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .train = true, .backward = true, .input_grad = true }, err));
    c->slope = fv_lab_backward(plan, 1, c->x, POINTS, ones, POINTS);
    c->y = fv_plan_output(plan);
    return FV_OK;
}

static double slope_at_most(const curve *c)
{
    double most = 0;
    for (int i = 0; i < POINTS; i++) most = fmax(most, fabs((double)c->slope[i]));
    return most;
}

static void draw(fv_lab *l, const char *name, const curve *c, const float *y)
{
    fv_lab_curve(l, name, false);
    for (int i = 0; i < POINTS; i += 1024) fv_lab_point(l, (double)c->x[i], (double)y[i]);
}

static fv_val wide_relu(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    return fv_relu(g, fv_linear(g, x, "fc", 4096));
}

static fv_status slopes(fv_lab *l, fv_err *err)
{
    curve relu, sigmoid, tanh;
    int other = 0;
    FV_TRY(curve_of(l, &relu, FV_ACT_RELU, err));
    FV_TRY(curve_of(l, &sigmoid, FV_ACT_SIGMOID, err));
    FV_TRY(curve_of(l, &tanh, FV_ACT_TANH, err));
    for (int i = 0; i < POINTS; i++) other += relu.slope[i] != 0 && relu.slope[i] != 1;
    fv_lab_is(l, "steepest slope of the sigmoid", slope_at_most(&sigmoid), 0.25, 1e-6);
    fv_lab_is(l, "of tanh", slope_at_most(&tanh), 1, 1e-6);
    fv_lab_is(l, "slopes of ReLU besides 0 and 1", other, 0, 0);
    fv_lab_below(l, "slope of the sigmoid at 8", (double)sigmoid.slope[POINTS - 1], 0.001);
    fv_lab_is(l, "of ReLU at 8", (double)relu.slope[POINTS - 1], 1, 0);
    fv_net *net;
    fv_plan *plan;
    float *x;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, 256 }, wide_relu, NULL, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 16, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_noise(l, &x, 16 * 256, 1, err));
    const float *y = fv_lab_forward(plan, 16, x, 16 * 256);
    int zeros = 0;
    for (int i = 0; i < 16 * 4096; i++) zeros += y[i] == 0;
    /* A unit is one draw: 5 standard deviations of a mean of 4096 are 5 / 128. */
    fv_lab_is(l, "share of zeros behind ReLU at the start", zeros / (16.0 * 4096), 0.5, 5.0 / 128);
    fv_lab_plot(l, (fv_study_plot){ "Slopes", "input", "derivative", false, false });
    draw(l, "ReLU", &relu, relu.slope);
    draw(l, "tanh", &tanh, tanh.slope);
    draw(l, "sigmoid", &sigmoid, sigmoid.slope);
    return FV_OK;
}

typedef struct extreme {
    double value, at;
} extreme;

static extreme widest(const curve *a, const curve *b)
{
    extreme e = { 0 };
    for (int i = 0; i < POINTS; i++) {
        const double d = fabs((double)a->y[i] - (double)b->y[i]);
        if (d > e.value) e = (extreme){ d, fabs((double)a->x[i]) };
    }
    return e;
}

static extreme lowest(const curve *a)
{
    extreme e = { INFINITY, 0 };
    for (int i = 0; i < POINTS; i++)
        if ((double)a->y[i] < e.value) e = (extreme){ (double)a->y[i], (double)a->x[i] };
    return e;
}

static fv_status hard_curves(fv_lab *l, fv_err *err)
{
    curve hs, s, hw, w;
    FV_TRY(curve_of(l, &hs, FV_ACT_HARD_SIGMOID, err));
    FV_TRY(curve_of(l, &s, FV_ACT_SIGMOID, err));
    FV_TRY(curve_of(l, &hw, FV_ACT_HARD_SWISH, err));
    FV_TRY(curve_of(l, &w, FV_ACT_SILU, err));
    const extreme gates = widest(&hs, &s), swishes = widest(&hw, &w), low = lowest(&w), hard = lowest(&hw);
    /* The grid has steps of 1/4096; where a curve turns, its value is known to the square of that. */
    fv_lab_is(l, "widest gap, hard sigmoid", gates.value, 0.06918, 5e-6);
    fv_lab_is(l, "at |x|", gates.at, 1.317, 1e-3);
    fv_lab_is(l, "widest gap, hard swish", swishes.value, 0.14228, 5e-6);
    fv_lab_is(l, "at |x| =", swishes.at, 3, 0);
    fv_lab_is(l, "least swish", low.value, -0.27846, 5e-6);
    fv_lab_is(l, "at x", low.at, -1.27846, 2e-3);
    fv_lab_is(l, "least hard swish", hard.value, -0.375, 1e-6);
    fv_lab_is(l, "at x =", hard.at, -1.5, 2e-3);
    const int middle = POINTS / 2, one = 4096;
    fv_lab_is(l, "slope of hard swish at -4", (double)hw.slope[middle - 4 * one], 0, 0);
    fv_lab_is(l, "at 1", (double)hw.slope[middle + one], 5.0 / 6, 1e-6);
    fv_lab_is(l, "at 4", (double)hw.slope[middle + 4 * one], 1, 0);
    fv_lab_plot(l, (fv_study_plot){ "Swish and its hard form", "x", "y", false, false });
    draw(l, "swish", &w, w.y);
    draw(l, "hard swish", &hw, hw.y);
    draw(l, "sigmoid", &s, s.y);
    draw(l, "hard sigmoid", &hs, hs.y);
    return FV_OK;
}

/* ---- gradients by depth ---- */

typedef struct deep {
    fv_act act;
    fv_init_kind init;
    float a;
} deep;
enum { DEPTH = 30, WIDTH = 128, BATCH = 64 };

static fv_val chain(fv_graph *g, fv_val x, const void *arg)
{
    const deep *d = arg;
    fv_default_init(g, (fv_init){ d->init, d->a, 0 }, (fv_init){ d->init, d->a, 0 });
    for (int i = 0; i < DEPTH; i++) {
        fv_scope(g, "layer%d", i + 1);
        x = fv_activate(g, fv_linear(g, x, "fc", WIDTH), d->act);
        fv_scope(g, NULL);
    }
    return x;
}

static double norm(const float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

/* The gradient of the first layer's biases, which is the error that reaches it, over the last one's. */
static fv_status first_to_last(fv_lab *l, double *ratio, const deep *d, const char *name, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x, *dy;
    double at[DEPTH];
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, WIDTH }, chain, d, err));
    FV_TRY(fv_lab_plan(l, &plan, net, BATCH, (fv_plan_request){ .train = true, .backward = true }, err));
    FV_TRY(fv_lab_noise(l, &x, BATCH * WIDTH, 1, err));
    FV_TRY(fv_lab_noise(l, &dy, BATCH * WIDTH, 2, err));
    fv_lab_backward(plan, BATCH, x, BATCH * WIDTH, dy, BATCH * WIDTH);
    fv_lab_curve(l, name, false);
    for (int i = 0; i < DEPTH; i++) {
        size_t n = 0;
        const float *w = fv_lab_gradient(plan, net, fv_lab_text(l, "layer%d.fc.bias", i + 1), &n);
        at[i] = norm(w, n);
    }
    for (int i = 0; i < DEPTH; i++) fv_lab_point(l, i + 1, at[i] / at[DEPTH - 1]);
    *ratio = at[0] / at[DEPTH - 1];
    return FV_OK;
}

static fv_status gradient_depth(fv_lab *l, fv_err *err)
{
    static const deep he = { FV_ACT_RELU, FV_INIT_HE_FAN_IN, 0 }, tiny = { FV_ACT_RELU, FV_INIT_NORMAL, 0.01f };
    static const deep xavier = { FV_ACT_TANH, FV_INIT_XAVIER_UNIFORM, 0 },
                      sigmoid = { FV_ACT_SIGMOID, FV_INIT_XAVIER_UNIFORM, 0 };
    static const deep relu = { FV_ACT_RELU, FV_INIT_XAVIER_UNIFORM, 0 };
    double r[5];
    fv_lab_plot(l, (fv_study_plot){ "Gradient of a layer's biases, 30 layers of 128", "layer",
                                    "norm of the gradient / the last layer's", false, true });
    FV_TRY(first_to_last(l, &r[0], &he, "ReLU, He", err));
    FV_TRY(first_to_last(l, &r[1], &relu, "ReLU, Xavier", err));
    FV_TRY(first_to_last(l, &r[2], &xavier, "tanh, Xavier", err));
    FV_TRY(first_to_last(l, &r[3], &sigmoid, "sigmoid, Xavier", err));
    FV_TRY(first_to_last(l, &r[4], &tiny, "ReLU, N(0, .01)", err));
    fv_lab_above(l, "first layer / last: ReLU, He", r[0], 0.1);
    fv_lab_below(l, "ReLU, He, not exploding", r[0], 10);
    /* (1 / sqrt(2))^29 = 4e-5 of it */
    fv_lab_below(l, "ReLU, Xavier", r[1], 0.01 * r[0]);
    fv_lab_tell(l, "tanh, Xavier", r[2]);
    fv_lab_below(l, "sigmoid, Xavier", r[3], 1e-12);
    /* (.01 sqrt(128 / 2))^29 = .08^29 */
    fv_lab_below(l, "ReLU, N(0, .01)", r[4], 1e-20);
    return FV_OK;
}

/* ---- dropout ---- */

static fv_val drop(fv_graph *g, fv_val x, const void *arg)
{
    return fv_dropout(g, x, *(const float *)arg);
}

static fv_status dropout(fv_lab *l, fv_err *err)
{
    enum { N = 1000000 };
    static const float p = 0.5f, value = 1.5f;
    fv_net *net;
    fv_plan *train, *infer;
    float *x, *ones;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 1, 1, N }, drop, &p, err));
    FV_TRY(
        fv_lab_plan(l, &train, net, 1, (fv_plan_request){ .train = true, .backward = true, .input_grad = true }, err));
    FV_TRY(fv_lab_plan(l, &infer, net, 1, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_floats(l, &x, N, err));
    FV_TRY(fv_lab_floats(l, &ones, N, err));
    for (int i = 0; i < N; i++) x[i] = value, ones[i] = 1;
    const float *dx = fv_lab_backward(train, 1, x, N, ones, N), *y = fv_plan_output(train);
    double mean = 0, square = 0;
    int unlike = 0;
    for (int i = 0; i < N; i++) {
        mean += (double)y[i] / N;
        square += (double)y[i] * (double)y[i] / N;
        unlike += dx[i] != (y[i] != 0 ? 1 / (1 - p) : 0);
    }
    /* The mean of 10^6 draws is 5 standard deviations off once in 10^6. */
    fv_lab_is(l, "mean of 1.5 behind dropout", mean, (double)value, 5 * (double)value / 1000);
    fv_lab_is(l, "variance", square - mean * mean, (double)(value * value) * .5 / .5, 0.02);
    fv_lab_is(l, "gradients that are not mask / (1 - p)", unlike, 0, 0);
    fv_lab_is(l, "change at inference", fv_lab_gap(fv_lab_forward(infer, 1, x, N), x, N), 0, 0);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_activations[] = {
    { { "activation-slopes", TOPIC,
        "The sigmoid's slope is at most 1/4 and tanh's at most 1, both vanish for large inputs; ReLU's is 0 or 1, and half of its outputs are 0 at the start.",
        "ReLU trains faster \"because its derivative is simple\": a step costs nearly the same, what counts is that it does not saturate.",
        "Krizhevsky et al. 2012, section 3.1; Glorot, Bordes, Bengio 2011",
        "the library's own derivatives on 65,537 points, and a layer of 4,096 units",
        ".25, 1, none besides 0 and 1; half of the outputs zero",
        "Backpropagation multiplies one slope per layer. Thirty factors of at most a quarter leave nothing to learn from, thirty ones leave everything.",
        FV_STUDY_EXACT, false, 0.1 }, slopes },
    { { "hard-swish", TOPIC,
        "relu6(x + 3) / 6 is within .0692 of the sigmoid; x times it is within .1423 of swish, whose least value is -.278 against -.375.",
        NULL, "Howard et al. 2019, section 5.2",
        "the library's curves on 65,537 points from -8 to 8",
        ".06918 at 1.317; .14228 at 3; -.27846 at -1.278; -.375 at -1.5",
        "The hard forms need no exponential and are exact in 8 bits. They are not small changes, though: weights trained with one do not work with the other.",
        FV_STUDY_EXACT, false, 0.1 }, hard_curves },
    { { "gradient-depth", TOPIC,
        "Through 30 layers the gradient keeps its size with ReLU and He's initialiser, and vanishes with sigmoids.",
        NULL, "He et al. 2015b, section 2.2; Glorot, Bengio 2010",
        "one backward pass through 30 linear layers of 128 units on noise, five pairs of activation and initialiser",
        "first layer over last: of order 1 for ReLU with He's; a hundredth of it at most with Xavier's; below 1e-12 for sigmoid",
        "Before 2010 deep networks were trained layer by layer because of this. The initialiser is chosen so that variance is kept by each layer: sqrt(2 / fan_in) where half of the outputs are zero.",
        FV_STUDY_MEASURED, false, 0.2 }, gradient_depth },
    { { "dropout", TOPIC,
        "Dropout with p zeroes a share p and scales the rest by 1 / (1 - p): mean x, variance x^2 p / (1 - p), gradient mask / (1 - p), no change at inference.",
        "The paper did it the other way round: unscaled in training, times .5 at test; both have the same mean.",
        "Hinton et al. 2012; Krizhevsky et al. 2012, section 4.2",
        "a million draws through the op, forward and backward",
        "mean 1.5, variance 2.25, no other gradient, no change",
        "With the inverted form a trained network needs no afterthought when it is used. Mixing both conventions halves or doubles all activations.",
        FV_STUDY_EXACT, false, 0.2 }, dropout },
    { { 0 }, NULL },
};
// clang-format on
