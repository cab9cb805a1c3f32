/* study_alexnet.c -- AlexNet and VGG: towers, layers, parameters, response normalisation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>

#define TOPIC "AlexNet and VGG"

/* The network of 2012 with any number of towers. */
static fv_val alexnet(fv_graph *g, fv_val x, const void *arg)
{
    const int towers = *(const int *)arg;
    const fv_pool pool = { .k = 3, .stride = 2 };
    x = fv_maxpool(g, fv_conv2d(g, x, "conv1", (fv_conv){ .out = 96, .k = 11, .stride = 4, .bias = true }), pool);
    x = fv_conv2d(g, x, "conv2", (fv_conv){ .out = 256, .k = 5, .pad = 2, .groups = towers, .bias = true });
    x = fv_conv2d(g, fv_maxpool(g, x, pool), "conv3", (fv_conv){ .out = 384, .k = 3, .pad = 1, .bias = true });
    x = fv_conv2d(g, x, "conv4", (fv_conv){ .out = 384, .k = 3, .pad = 1, .groups = towers, .bias = true });
    x = fv_conv2d(g, x, "conv5", (fv_conv){ .out = 256, .k = 3, .pad = 1, .groups = towers, .bias = true });
    x = fv_linear(g, fv_maxpool(g, x, pool), "fc6", 4096);
    return fv_linear(g, fv_linear(g, x, "fc7", 4096), "fc8", 1000);
}

static fv_status groups(fv_lab *l, fv_err *err)
{
    const fv_shape in = { 1, 227, 227, 3 };
    fv_lab_cost two, one;
    fv_graph *g;
    int64_t linear = 0;
    FV_TRY(fv_lab_count(l, &two, in, alexnet, &(int){ 2 }, err));
    FV_TRY(fv_lab_count(l, &one, in, alexnet, &(int){ 1 }, err));
    FV_TRY(fv_lab_zoo(l, &g, "alexnet_2012", 0, err));
    for (size_t i = 0; i < g->nnode; i++)
        if (g->node[i].op == FV_OP_LINEAR) linear += fv_lab_node_macs(g, &g->node[i]);
    fv_lab_is(l, "parameters, two towers", (double)two.params, 60965224, 0);
    fv_lab_is(l, "of the network of the zoo", (double)fv_graph_params(g), 60965224, 0);
    fv_lab_is(l, "parameters, one tower", (double)one.params, 62378344, 0);
    fv_lab_is(l, "MACs of convolutions, two towers (M)", 1e-6 * (double)(two.macs - linear), 665.8, 0.05);
    fv_lab_is(l, "one tower (M)", 1e-6 * (double)(one.macs - linear), 1076.6, 0.05);
    return FV_OK;
}

enum { SIDE = 27, WIDTH = 8 };

/* conv1 to conv3 of AlexNet, narrow: 8 channels for 96, 16 for 256. */
static fv_val towers(fv_graph *g, fv_val x, const void *arg)
{
    const int depth = *(const int *)arg;
    x = fv_conv2d(g, x, "conv2", (fv_conv){ .out = 2 * WIDTH, .k = 5, .pad = 2, .groups = 2 });
    if (depth == 2) return x;
    return fv_conv2d(g, x, "conv3", (fv_conv){ .out = 2 * WIDTH, .k = 3, .pad = 1 });
}

/* Share of the second half of the output's channels that the first half of the input's reach. */
static fv_status crossing(fv_lab *l, double *share, int depth, fv_err *err)
{
    const size_t count = (size_t)SIDE * SIDE * WIDTH, outs = (size_t)SIDE * SIDE * 2 * WIDTH;
    fv_net *net;
    fv_plan *plan;
    float *x, *dy;
    int reached = 0;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, WIDTH }, towers, &depth, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ .backward = true, .input_grad = true }, err));
    FV_TRY(fv_lab_noise(l, &x, count, 1, err));
    FV_TRY(fv_lab_floats(l, &dy, outs, err));
    for (int c = WIDTH; c < 2 * WIDTH; c++) {
        for (size_t i = 0; i < outs; i++) dy[i] = i % (2 * WIDTH) == (size_t)c;
        const float *dx = fv_lab_backward(plan, 1, x, count, dy, outs);
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            if (i % WIDTH < WIDTH / 2) sum += fabs((double)dx[i]);
        reached += sum > 0;
    }
    *share = (double)reached / WIDTH;
    return FV_OK;
}

static fv_status sees_both(fv_lab *l, fv_err *err)
{
    double two, three;
    fv_graph *g;
    FV_TRY(crossing(l, &two, 2, err));
    FV_TRY(crossing(l, &three, 3, err));
    fv_lab_is(l, "conv2: share of a tower's channels that see the other", two, 0, 0);
    fv_lab_is(l, "conv3: share of them", three, 1, 0);
    FV_TRY(fv_lab_zoo(l, &g, "alexnet_2012", 0, err));
    int joined = 0, apart = 0;
    for (size_t i = 0; i < g->nnode; i++) {
        joined += g->node[i].op == FV_OP_LINEAR;
        if (g->node[i].op == FV_OP_CONV2D) *(g->node[i].attr.conv.groups == 2 ? &apart : &joined) += 1;
    }
    fv_lab_is(l, "layers of AlexNet in towers", apart, 3, 0);
    /* conv1 sees the picture, conv3 and three linear layers see both towers */
    fv_lab_is(l, "layers that see all of their input", joined, 5, 0);
    return FV_OK;
}

static fv_status pools(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    int count = 0, overlapped = 0, after = 0, number = 0;
    FV_TRY(fv_lab_zoo(l, &g, "alexnet_2012", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        number += n->op == FV_OP_CONV2D;
        if (n->op != FV_OP_MAXPOOL) continue;
        count++;
        overlapped += n->attr.pool.kh > n->attr.pool.sh;
        after = 10 * after + number;
    }
    fv_lab_is(l, "poolings of AlexNet", count, 3, 0);
    fv_lab_is(l, "whose windows overlap", overlapped, 3, 0);
    fv_lab_is(l, "behind convolutions 1, 2, 5, as digits", after, 125, 0);
    FV_TRY(fv_lab_zoo(l, &g, "vgg16", 0, err));
    count = overlapped = 0;
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_MAXPOOL) continue;
        count++;
        overlapped += n->attr.pool.kh > n->attr.pool.sh;
    }
    fv_lab_is(l, "poolings of VGG-16", count, 5, 0);
    fv_lab_is(l, "whose windows overlap there", overlapped, 0, 0);
    return FV_OK;
}

static fv_status vgg(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name, *letter;
        int layers;
    } nets[] = { { "vgg11", "A", 11 }, { "vgg13", "B", 13 }, { "vgg16", "D", 16 }, { "vgg19", "E", 19 } };
    int64_t params = 0, macs = 0, linear = 0, linear_macs = 0;
    for (int k = 0; k < 4; k++) {
        fv_graph *g;
        int layers = 0;
        FV_TRY(fv_lab_zoo(l, &g, nets[k].name, 0, err));
        for (size_t i = 0; i < g->nnode; i++) {
            const fv_node *n = &g->node[i];
            layers += n->op == FV_OP_CONV2D || n->op == FV_OP_LINEAR;
            if (k != 2 || n->op != FV_OP_LINEAR) continue;
            linear_macs += fv_lab_node_macs(g, n);
            for (int p = 0; p < n->nparam; p++) linear += (int64_t)g->param[n->param[p]].floats;
        }
        if (k == 2) params = fv_graph_params(g), macs = fv_graph_macs(g);
        fv_lab_is(l, fv_lab_text(l, "weight layers of %s", nets[k].letter), layers, nets[k].layers, 0);
    }
    fv_lab_is(l, "parameters of D's linear layers", (double)linear, 123642856, 0);
    fv_lab_is(l, "share of all (%)", 100 * (double)linear / (double)params, 89.36, 0.005);
    fv_lab_is(l, "share of its MACs (%)", 100 * (double)linear_macs / (double)macs, 0.8, 0.05);
    return FV_OK;
}

/* ---- response normalisation ---- */

static fv_val lrn(fv_graph *g, fv_val x, const void *arg)
{
    return fv_lrn2d(g, x, *(const fv_lrn *)arg);
}

static fv_status lrn_constants(fv_lab *l, fv_err *err)
{
    enum { C = 16, PIXELS = 9 };
    static const fv_lrn paper = { .n = 5, .alpha = 1e-4f, .beta = 0.75f, .k = 2 };
    const size_t count = PIXELS * C;
    fv_net *net;
    fv_plan *plan;
    float *x, *ones;
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, 3, 3, C }, lrn, &paper, err));
    FV_TRY(fv_lab_plan(l, &plan, net, 1, (fv_plan_request){ 0 }, err));
    FV_TRY(fv_lab_noise(l, &x, count, 1, err));
    FV_TRY(fv_lab_floats(l, &ones, count, err));
    const float *y = fv_lab_forward(plan, 1, x, count);
    double gap = 0;
    /* As libraries have it: alpha 5e-4 times the mean of the window's squares, whose missing channels count as zeros. */
    for (int p = 0; p < PIXELS; p++)
        for (int c = 0; c < C; c++) {
            double sum = 0;
            for (int d = c - 2; d <= c + 2; d++)
                if (d >= 0 && d < C) sum += (double)x[p * C + d] * (double)x[p * C + d];
            const double want = (double)x[p * C + c] / pow(2 + 5e-4 * sum / 5, 0.75);
            gap = fmax(gap, fabs((double)y[p * C + c] - want));
        }
    fv_lab_is(l, "from alpha = 5e-4 over the mean of five", gap, 0, 1e-6);
    for (size_t i = 0; i < count; i++) ones[i] = 1;
    y = fv_lab_forward(plan, 1, ones, count);
    fv_lab_is(l, "ones, a middle channel", (double)y[C / 2], pow(2 + 5e-4, -0.75), 1e-7);
    fv_lab_is(l, "ones, the first channel sees three", (double)y[0], pow(2 + 3e-4, -0.75), 1e-7);
    return FV_OK;
}

// clang-format off
const fv_study_row fv_studies_alexnet[] = {
    { { "alexnet-groups", TOPIC,
        "Two towers save AlexNet 38 % of the MACs of its convolutions and 2 % of its parameters.",
        NULL, "Krizhevsky et al. 2012, section 3.5",
        "builds it with two groups and with one",
        "60,965,224 against 62,378,344 parameters; 665.8 against 1,076.6 MMAC in convolutions",
        "The towers were there because the network did not fit on one card; as a by-product they were the first grouped convolutions, and ResNeXt and ShuffleNet live on what they save.",
        FV_STUDY_EXACT, false, 0.1 }, groups },
    { { "alexnet-towers", TOPIC,
        "The channels are divided between the two cards; each sees the whole picture, and the towers meet in conv3 and in all three linear layers.",
        "\"The image is cut in two, one half for each GPU\", and \"they join only in conv3\".",
        "Krizhevsky et al. 2012, section 3.2 and figure 2",
        "asks the gradient whether a tower's channels see the other tower's, and counts layers",
        "none in conv2, all in conv3; 3 layers in towers, 5 that see everything",
        "Cutting the picture would be another network: a tower would never learn about the other half. Cutting the channels is model parallelism, and the gradient shows where the halves talk.",
        FV_STUDY_EXACT, false, 0.1 }, sees_both },
    { { "alexnet-pooling", TOPIC,
        "AlexNet has three max-poolings, behind layers 1, 2 and 5, with overlapping windows of 3 at stride 2; VGG has five without overlap.",
        "\"Five max-poolings\", which is VGG.",
        "Krizhevsky et al. 2012, sections 3.4 and 3.5",
        "counts in the two graphs", "3 overlapping, behind 1, 2, 5; 5 without overlap",
        "The overlap is worth 0.4 % of error in the paper. The sentence is often corrected wrongly, so it is counted here.",
        FV_STUDY_EXACT, false, 0.1 }, pools },
    { { "vgg-layers", TOPIC,
        "VGG's networks A, B, D, E have 11, 13, 16 and 19 layers with weights; D's three linear layers hold 89.36 % of its parameters and 0.8 % of its MACs.",
        "\"D has 16 hidden layers ... D has 19\": E has 19.",
        "Simonyan, Zisserman 2014, tables 1 and 2",
        "counts in the graphs", "11 13 16 19; 123,642,856 parameters, 89.36 %; 0.8 %",
        "Where the parameters are and where the time goes are different places. A smaller file needs smaller linear layers (GoogLeNet's average pooling), a faster answer needs cheaper convolutions.",
        FV_STUDY_EXACT, false, 0.1 }, vgg },
    { { "lrn-constants", TOPIC,
        "The paper's response normalisation with alpha = 1e-4 is what libraries call alpha = 5e-4 with n = 5: they divide by n.",
        NULL, "Krizhevsky et al. 2012, section 3.3; Caffe's and PyTorch's LRN",
        "compares the library's op with the divided form in double, and with ones",
        "no difference but rounding; .594492 in the middle channels of ones, a little more at the edge",
        "Weights trained with one convention and run with the other give answers that are slightly wrong, which nobody notices for years.",
        FV_STUDY_EXACT, false, 0.1 }, lrn_constants },
    { { 0 }, NULL },
};
// clang-format on
