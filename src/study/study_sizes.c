/* study_sizes.c -- what size an output has, how far it sees, and what small kernels cost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"

#define TOPIC "Sizes and receptive fields"

/* ---- output sizes ---- */

static fv_val one_conv(fv_graph *g, fv_val x, const void *arg)
{
    return fv_conv2d(g, x, "conv", *(const fv_conv *)arg);
}

/* floor((W - F + 2P) / S) + 1 with F = d (k - 1) + 1; 0: the window does not fit. */
static int by_formula(int w, const fv_conv *p)
{
    const int f = p->dilation * (p->k - 1) + 1, room = w - f + 2 * p->pad;
    return room < 0 ? 0 : room / p->stride + 1;
}

static fv_status output_size(fv_lab *l, fv_err *err)
{
    int differ = 0, tried = 0;
    for (int w = 5; w <= 64; w += 7)
        for (int i = 0; i < 7 * 4 * 3 * 2; i++) {
            const fv_conv p = {
                .out = 1, .k = i % 7 + 1, .stride = i / 7 % 4 + 1, .pad = i / 28 % 3, .dilation = i / 84 + 1
            };
            fv_lab_cost cost;
            if (by_formula(w, &p) < 1) continue;
            FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, w, w, 1 }, one_conv, &p, err));
            differ += cost.out.h != by_formula(w, &p) || cost.out.w != cost.out.h;
            tried++;
        }
    fv_lab_above(l, "convolutions tried", tried, 1000);
    fv_lab_is(l, "of another size than the formula", differ, 0, 0);
    fv_graph *g;
    static const int sizes[] = { 55, 27, 27, 13, 13, 13, 13, 6 };
    FV_TRY(fv_lab_zoo(l, &g, "alexnet_2012", 0, err));
    int at = 0;
    for (size_t i = 0; i < g->nnode && at < 8; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_CONV2D && n->op != FV_OP_MAXPOOL) continue;
        fv_lab_is(l, fv_lab_text(l, "AlexNet layer %d", at + 1), n->shape.h, sizes[at], 0);
        at++;
    }
    fv_lab_cost cost;
    const fv_conv first = { .out = 1, .k = 11, .stride = 4 };
    FV_TRY(fv_lab_count(l, &cost, (fv_shape){ 1, 224, 224, 3 }, one_conv, &first, err));
    fv_lab_is(l, "its first layer at 224 pixels, without padding", cost.out.h, 54, 0);
    return FV_OK;
}

static fv_val one_pool(fv_graph *g, fv_val x, const void *arg)
{
    return fv_maxpool(g, x, *(const fv_pool *)arg);
}

static fv_status ceil_pooling(fv_lab *l, fv_err *err)
{
    fv_lab_cost up, down, padded;
    const fv_pool ceil = { .k = 3, .stride = 2, .ceil_mode = true }, floor = { .k = 3, .stride = 2 };
    const fv_pool edge = { .k = 2, .stride = 3, .pad = 1, .ceil_mode = true };
    FV_TRY(fv_lab_count(l, &up, (fv_shape){ 1, 112, 112, 1 }, one_pool, &ceil, err));
    FV_TRY(fv_lab_count(l, &down, (fv_shape){ 1, 112, 112, 1 }, one_pool, &floor, err));
    fv_lab_is(l, "112 pixels by 3/2, rounded up", up.out.h, 56, 0);
    fv_lab_is(l, "rounded down", down.out.h, 55, 0);
    /* ceil((2 + 2 - 2) / 3) + 1 = 2, whose second window would begin in the right padding: torch drops it. */
    FV_TRY(fv_lab_count(l, &padded, (fv_shape){ 1, 2, 2, 1 }, one_pool, &edge, err));
    fv_lab_is(l, "2 pixels padded by 1, by 2/3, rounded up", padded.out.h, 1, 0);
    fv_graph *g;
    FV_TRY(fv_lab_zoo(l, &g, "googlenet_paper", 0, err));
    int pools = 0;
    for (size_t i = 0; i < g->nnode; i++)
        if (g->node[i].op == FV_OP_MAXPOOL && g->node[i].attr.pool.sh == 2) pools += g->node[i].attr.pool.ceil_mode;
    fv_lab_is(l, "poolings of GoogLeNet that round up", pools, 4, 0);
    return FV_OK;
}

static fv_status same_padding(fv_lab *l, fv_err *err)
{
    static const fv_conv same = { .out = 4, .k = 3, .stride = 2, .same = true };
    static const fv_conv uneven = { .out = 4, .k = 3, .stride = 2, .pads = { 0, 0, 1, 1 } };
    static const fv_conv even = { .out = 4, .k = 3, .stride = 2, .pad = 1 };
    const fv_shape in = { 1, 224, 224, 3 };
    const size_t count = (size_t)224 * 224 * 3, outs = (size_t)112 * 112 * 4;
    const fv_conv *const kinds[] = { &same, &uneven, &even };
    const float *y[3];
    float *x;
    FV_TRY(fv_lab_noise(l, &x, count, 1, err));
    for (int i = 0; i < 3; i++) {
        fv_net *net;
        fv_plan *plan;
        FV_TRY(fv_lab_net(l, &net, in, one_conv, kinds[i], err));
        FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
        y[i] = fv_lab_forward(plan, 1, x, count);
        if (i == 0) fv_lab_is(l, "rows of the output", net->graph->node[net->graph->output].shape.h, 112, 0);
    }
    fv_lab_is(l, "from pads of 0 before and 1 behind", fv_lab_gap(y[0], y[1], outs), 0, 1e-6);
    fv_lab_above(l, "from pads of 1 on every side", fv_lab_gap(y[0], y[2], outs), 0.1);
    return FV_OK;
}

/* ---- receptive fields ---- */

static fv_status fields_of(fv_lab *l, const char *network, const int *want, int n, unsigned ops, const char *what,
                           fv_err *err)
{
    fv_graph *g;
    int at = 0;
    FV_TRY(fv_lab_zoo(l, &g, network, 0, err));
    for (size_t i = 0; i < g->nnode && at < n; i++)
        if (ops >> g->node[i].op & 1 && g->node[i].main) {
            fv_lab_is(l, fv_lab_text(l, "%s %s %d", network, what, at + 1), fv_lab_field(g, (int)i), want[at], 0);
            at++;
        }
    return FV_OK;
}

static fv_status receptive_fields(fv_lab *l, fv_err *err)
{
    static const int alexnet[] = { 11, 19, 51, 67, 99, 131, 163, 195 }, vgg[] = { 6, 16, 44, 100, 212 };
    static const struct {
        const char *name;
        int field;
    } nets[] = {
        { "resnet18", 435 }, { "resnet34", 899 }, { "resnet50", 427 }, { "resnet101", 971 }, { "resnet152", 1451 }
    };
    FV_TRY(fields_of(l, "alexnet_2012", alexnet, 8, 1u << FV_OP_CONV2D | 1u << FV_OP_MAXPOOL, "layer", err));
    FV_TRY(fields_of(l, "vgg16", vgg, 5, 1u << FV_OP_MAXPOOL, "block", err));
    fv_lab_plot(l, (fv_study_plot){ "Receptive field by depth", "convolution or pooling, in order",
                                    "receptive field (pixels)", false, true });
    for (size_t k = 0; k < sizeof nets / sizeof *nets; k++) {
        fv_graph *g;
        int last = 0, number = 0;
        FV_TRY(fv_lab_zoo(l, &g, nets[k].name, 0, err));
        fv_lab_curve(l, nets[k].name, false);
        for (size_t i = 0; i < g->nnode; i++) {
            if (g->node[i].op != FV_OP_CONV2D && g->node[i].op != FV_OP_MAXPOOL) continue;
            last = fv_lab_field(g, (int)i);
            fv_lab_point(l, ++number, last);
        }
        fv_lab_is(l, fv_lab_text(l, "%s, last convolution", nets[k].name), last, nets[k].field, 0);
    }
    return FV_OK;
}

/* Three layers that see (1 + 4) + 2 * 2 = 9 and, after a step of 2, 9 + 2 * 2 = 13 pixels. */
static fv_val tower(fv_graph *g, fv_val x, const void *arg)
{
    (void)arg;
    x = fv_conv2d(g, x, "a", (fv_conv){ .out = 2, .k = 5, .pad = 2 });
    x = fv_conv2d(g, x, "b", (fv_conv){ .out = 2, .k = 3, .stride = 2, .pad = 2, .dilation = 2 });
    return fv_conv2d(g, x, "c", (fv_conv){ .out = 1, .k = 3, .pad = 1 });
}

static fv_status receptive_gradient(fv_lab *l, fv_err *err)
{
    enum { SIDE = 33, OUT = 17 };
    const size_t count = SIDE * SIDE, outs = OUT * OUT;
    fv_net *net;
    fv_plan *plan;
    float *x, *dy;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, 1 }, tower, NULL, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .backward = true, .input_grad = true }, err));
    FV_TRY(fv_lab_floats(l, &x, count, err));
    FV_TRY(fv_lab_floats(l, &dy, outs, err));
    static const char *const keys[] = { "a.weight", "b.weight", "c.weight" };
    for (int i = 0; i < 3; i++) fv_lab_fill(net, keys[i], 0.1f);
    for (size_t i = 0; i < count; i++) x[i] = 1;
    dy[(OUT / 2) * OUT + OUT / 2] = 1;
    const float *dx = fv_lab_backward(plan, 1, x, count, dy, outs);
    int top = SIDE, bottom = -1, left = SIDE, right = -1, seen = 0;
    for (int i = 0; i < SIDE * SIDE; i++) {
        if (dx[i] == 0) continue;
        seen++;
        if (i / SIDE < top) top = i / SIDE;
        if (i / SIDE > bottom) bottom = i / SIDE;
        if (i % SIDE < left) left = i % SIDE;
        if (i % SIDE > right) right = i % SIDE;
    }
    const int field = fv_lab_field(net->graph, net->graph->output);
    fv_lab_is(l, "receptive field by the formula", field, 13, 0);
    fv_lab_is(l, "rows with a gradient", bottom - top + 1, field, 0);
    fv_lab_is(l, "columns with a gradient", right - left + 1, field, 0);
    fv_lab_is(l, "pixels with a gradient", seen, field * field, 0);
    return FV_OK;
}

/* ---- small kernels ---- */

typedef struct stack {
    int layers, k, c;
} stack;

static fv_val convs(fv_graph *g, fv_val x, const void *arg)
{
    const stack *s = arg;
    for (int i = 0; i < s->layers; i++) {
        fv_scope(g, "%d", i);
        x = fv_conv2d(g, x, "conv", (fv_conv){ .out = s->c, .k = s->k, .pad = s->k / 2 });
        fv_scope(g, NULL);
    }
    return x;
}

static fv_status stacked(fv_lab *l, fv_err *err)
{
    enum { C = 64 };
    static const stack stacks[] = { { 2, 3, C }, { 1, 5, C }, { 3, 3, C }, { 1, 7, C } };
    fv_lab_cost cost[4];
    for (int i = 0; i < 4; i++) FV_TRY(fv_lab_count(l, &cost[i], (fv_shape){ 1, 28, 28, C }, convs, &stacks[i], err));
    fv_lab_is(l, "two 3x3 see", cost[0].field, cost[1].field, 0);
    fv_lab_is(l, "two 3x3 have C^2 times", (double)cost[0].weights / C / C, 18, 0);
    fv_lab_is(l, "share of a 5x5's weights", (double)cost[0].weights / (double)cost[1].weights, 18.0 / 25, 1e-12);
    fv_lab_is(l, "share of its MACs", (double)cost[0].macs / (double)cost[1].macs, 18.0 / 25, 1e-12);
    fv_lab_is(l, "three 3x3 see", cost[2].field, cost[3].field, 0);
    fv_lab_is(l, "share of a 7x7's weights", (double)cost[2].weights / (double)cost[3].weights, 27.0 / 49, 1e-12);
    fv_lab_plot(l, (fv_study_plot){ "Weights of a stack of 3x3 against one kernel of the same reach",
                                    "receptive field (pixels)", "weights (C^2)", false, false });
    fv_lab_curve(l, "3x3, stacked", false);
    for (int i = 1; i <= 5; i++) {
        const stack s = { i, 3, C };
        FV_TRY(fv_lab_count(l, &cost[0], (fv_shape){ 1, 28, 28, C }, convs, &s, err));
        fv_lab_point(l, cost[0].field, (double)cost[0].weights / C / C);
    }
    fv_lab_curve(l, "one kernel", false);
    for (int k = 3; k <= 11; k += 2) {
        const stack s = { 1, k, C };
        FV_TRY(fv_lab_count(l, &cost[0], (fv_shape){ 1, 28, 28, C }, convs, &s, err));
        fv_lab_point(l, cost[0].field, (double)cost[0].weights / C / C);
    }
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_sizes[] = {
    { { "output-size", TOPIC,
        "A convolution of W pixels with kernel F, padding P and stride S gives floor((W - F + 2P) / S) + 1.",
        "N = (W - F + 2P) / S + 1, with no word on rounding: at 224 pixels AlexNet's first layer would have 54.25 rows.",
        "Dumoulin, Visin 2016, section 2; Krizhevsky et al. 2012, figure 2",
        "builds some 1,400 convolutions of all kinds and AlexNet, and compares shapes",
        "every size by the formula with a floor; AlexNet 55 27 27 13 13 13 13 6; 54 at 224 pixels",
        "Shapes are where most home-made networks break first. The rounding decides whether a picture of 224 pixels can go into AlexNet as the paper says it does (it cannot, without 2 pixels of padding or 227 pixels), and weights trained elsewhere fit only if every size comes out the same.",
        FV_STUDY_EXACT, false, 0.1 }, output_size },
    { { "ceil-pooling", TOPIC,
        "Pooling may round up: one more window, if it begins inside the picture or the padding in front of it.",
        NULL, "Caffe's pooling layer; PyTorch's ceil_mode; Szegedy et al. 2014, table 1",
        "pools 112 pixels both ways, and a case whose last window lies in the padding",
        "56 up and 55 down for 112 pixels; all four poolings of GoogLeNet round up",
        "GoogLeNet was built in a framework that rounds up. With the floor its maps would be 55 pixels wide and everything behind would see another place of the picture, without an error message.",
        FV_STUDY_EXACT, false, 0.1 }, ceil_pooling },
    { { "same-padding", TOPIC,
        "TensorFlow's SAME padding gives ceil(W / S) outputs and puts the odd pixel behind: 0 before, 1 behind for 224 pixels, k = 3, S = 2.",
        NULL, "TensorFlow, tf.nn.convolution",
        "compares a SAME convolution with explicit pads of both kinds on the same weights",
        "112 rows; equal to pads (0, 1); unlike pads (1, 1)",
        "Both paddings give 112 rows, so a network converted from TensorFlow runs with either; only with the right one are its answers the published ones.",
        FV_STUDY_EXACT, false, 0.2 }, same_padding },
    { { "receptive-field", TOPIC,
        "The receptive field grows by (k - 1) times the product of all strides before: r += (k - 1) j, j *= s.",
        NULL, "Araujo, Norris, Sim 2019, equation 2",
        "walks the graphs of AlexNet, VGG-16 and five ResNets",
        "AlexNet 11 19 51 67 99 131 163 195; VGG-16 6 16 44 100 212; ResNets 435 899 427 971 1451",
        "It tells how much of the picture an answer can depend on. ResNet-34 sees twice as far as ResNet-50, since a bottleneck has one 3x3 where the basic block has two; deeper is not farther.",
        FV_STUDY_EXACT, false, 0.5 }, receptive_fields },
    { { "receptive-gradient", TOPIC,
        "With positive weights, exactly the pixels inside the receptive field have a gradient.",
        NULL, "Luo, Li, Urtasun, Zemel 2016",
        "backpropagates from the middle of three convolutions, one of them dilated with stride 2",
        "a square of 13 x 13 pixels, the formula's 13",
        "The formula is arithmetic on paper; the gradient is what the network does. That both agree to the pixel is a test of strides, dilation and padding of the backward pass at once.",
        FV_STUDY_EXACT, false, 0.1 }, receptive_gradient },
    { { "stacked-3x3", TOPIC,
        "Two 3x3 layers see as far as one 5x5 with 18/25 of its weights, three as far as a 7x7 with 27/49.",
        NULL, "Simonyan, Zisserman 2014, section 2.3",
        "builds the stacks and counts",
        "receptive fields 5 and 7; shares .72 and .551",
        "This is why VGG and nearly all that came after use 3x3 kernels: the same reach for fewer weights and operations, and a rectifier more in between.",
        FV_STUDY_EXACT, false, 0.1 }, stacked },
    { { 0 }, NULL },
};
// clang-format on
