/* study_inception.c -- GoogLeNet: 1x1 reductions and auxiliary classifiers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "study/lab.h"
#include <math.h>
#include <string.h>

#define TOPIC "Inception"

/* A module as the graph of the network has it: input channels, and those of its six convolutions. */
typedef struct module {
    int in, side, one, reduce3, three, reduce5, five, pool;
    bool reduced;
} module;

static int width_of(const fv_graph *g, const char *module_name, const char *branch, fv_lab *l)
{
    const int i = fv_lab_find(g, fv_lab_text(l, "%s.%s.conv", module_name, branch));
    return i < 0 ? 0 : g->node[i].shape.c;
}

static module module_of(fv_lab *l, const fv_graph *g, const char *name)
{
    module m = { .one = width_of(g, name, "branch1", l),
                 .reduce3 = width_of(g, name, "branch2.0", l),
                 .three = width_of(g, name, "branch2.1", l),
                 .reduce5 = width_of(g, name, "branch3.0", l),
                 .five = width_of(g, name, "branch3.1", l),
                 .pool = width_of(g, name, "branch4.1", l) };
    const int i = fv_lab_find(g, fv_lab_text(l, "%s.branch1.conv", name));
    if (i >= 0) m.in = g->node[g->node[i].in[0]].shape.c, m.side = g->node[i].shape.h;
    return m;
}

/* Three branches of figure 2: (a) without, (b) with 1x1 reductions in front of 3x3 and 5x5. */
static fv_val branches(fv_graph *g, fv_val x, const void *arg)
{
    const module *m = arg;
    fv_val y[] = { fv_conv2d(g, x, "1", (fv_conv){ .out = m->one }), x, x };
    if (m->reduced) {
        y[1] = fv_conv2d(g, x, "3r", (fv_conv){ .out = m->reduce3 });
        y[2] = fv_conv2d(g, x, "5r", (fv_conv){ .out = m->reduce5 });
    }
    y[1] = fv_conv2d(g, y[1], "3", (fv_conv){ .out = m->three, .k = 3, .pad = 1 });
    y[2] = fv_conv2d(g, y[2], "5", (fv_conv){ .out = m->five, .k = 5, .pad = 2 });
    return fv_concat(g, y, 3);
}

static fv_status reductions(fv_lab *l, fv_err *err)
{
    static const struct {
        const char *name;
        double ratio;
    } want[] = { { "inception3a", 2.46 }, { "inception3b", 2.93 }, { "inception4a", 4.54 },
                 { "inception4b", 4.65 }, { "inception4c", 4.33 }, { "inception4d", 3.85 },
                 { "inception4e", 4.18 }, { "inception5a", 5.63 }, { "inception5b", 4.38 } };
    fv_graph *g;
    FV_TRY(fv_lab_zoo(l, &g, "googlenet_paper", 0, err));
    fv_lab_plot(l, (fv_study_plot){ "What the 1x1 reductions save", "module, 1 = 3a to 9 = 5b",
                                    "weights without / with reductions", false, false });
    fv_lab_curve(l, "weights", false);
    for (int i = 0; i < 9; i++) {
        module m = module_of(l, g, want[i].name);
        fv_lab_cost with, without;
        const fv_shape in = { 1, m.side, m.side, m.in };
        FV_TRY(fv_lab_count(l, &without, in, branches, &m, err));
        m.reduced = true;
        FV_TRY(fv_lab_count(l, &with, in, branches, &m, err));
        const double ratio = (double)without.weights / (double)with.weights;
        if (i == 0) {
            const double pool = (double)m.in * m.pool, a = (double)without.weights, b = (double)with.weights;
            const double one = (double)m.in * m.one;
            fv_lab_is(l, "3a without reductions", (double)without.weights, 387072, 0);
            fv_lab_is(l, "with", (double)with.weights, 157184, 0);
            fv_lab_is(l, "ratio where both have the pool's projection", (a + pool) / (b + pool), 2.41, 0.005);
            fv_lab_is(l, "ratio of the two reduced branches alone", (a - one) / (b - one), 2.59, 0.006);
        }
        fv_lab_is(l, fv_lab_text(l, "ratio in %s", want[i].name + strlen("inception")), ratio, want[i].ratio, 0.00501);
        fv_lab_point(l, i + 1, ratio);
    }
    return FV_OK;
}

static fv_status module_3a(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    int64_t weights = 0, macs = 0;
    FV_TRY(fv_lab_zoo(l, &g, "googlenet_paper", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_CONV2D || !n->name || strncmp(n->name, "inception3a.", 12) != 0) continue;
        weights += (int64_t)g->param[n->param[0]].floats;
        macs += fv_lab_node_macs(g, n);
    }
    const int out = fv_lab_find(g, "inception3a");
    fv_lab_is(l, "weights", (double)weights, 163328, 0);
    fv_lab_is(l, "MACs", (double)macs, 128049152, 0);
    fv_lab_is(l, "channels behind it", out < 0 ? 0 : g->node[out].shape.c, 256, 0);
    return FV_OK;
}

static fv_status linear_layers(fv_lab *l, fv_err *err)
{
    fv_graph *g;
    int main = 0, aux = 0;
    int64_t params = 0;
    FV_TRY(fv_lab_zoo(l, &g, "googlenet_paper", 0, err));
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_LINEAR) continue;
        *(n->main ? &main : &aux) += 1;
        for (int p = 0; n->main && p < n->nparam; p++) params += (int64_t)g->param[n->param[p]].floats;
    }
    fv_lab_is(l, "linear layers of the classifier", main, 1, 0);
    fv_lab_is(l, "its parameters", (double)params, 1025000, 0);
    fv_lab_is(l, "linear layers of the auxiliary classifiers", aux, 4, 0);
    fv_lab_is(l, "parameters of the auxiliary classifiers", (double)fv_graph_aux_params(g), 6379728, 0);
    fv_lab_is(l, "of all without them", (double)fv_graph_params(g), 6998552, 0);
    return FV_OK;
}

/* ---- auxiliary losses ---- */

enum { SIDE = 6, CLASSES = 5, BATCH = 8, PIXELS = SIDE * SIDE * 3 };
typedef struct heads {
    bool main; /* is the classifier behind everything the network's output? */
    float aux; /* weight of the one in the middle; 0: there is none, but where it is the output */
} heads;

static fv_val with_heads(fv_graph *g, fv_val x, const void *arg)
{
    const heads *h = arg;
    x = fv_relu(g, fv_conv2d(g, x, "stem", (fv_conv){ .out = 8, .k = 3, .pad = 1 }));
    fv_val middle = fv_global_avgpool(g, x);
    if (h->aux > 0 || !h->main) middle = fv_linear(g, middle, "aux", CLASSES);
    if (!h->main) return middle;
    if (h->aux > 0) fv_aux_output(g, middle, h->aux);
    x = fv_relu(g, fv_conv2d(g, x, "late", (fv_conv){ .out = 8, .k = 3, .pad = 1 }));
    return fv_linear(g, fv_global_avgpool(g, x), "fc", CLASSES);
}

/* The first step's momentum is the gradient. */
static fv_status gradient(fv_lab *l, const float **stem, const heads *h, fv_net *weights, fv_net **made, fv_err *err)
{
    fv_net *net;
    fv_plan *plan;
    float *x;
    int labels[BATCH];
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, 3 }, with_heads, h, err));
    static const char *const keys[] = {
        "stem.weight", "aux.weight", "aux.bias", "late.weight", "fc.weight", "fc.bias"
    };
    for (int i = 0; weights && i < 6; i++) fv_lab_copy(net, keys[i], weights, keys[i]);
    FV_TRY(fv_lab_noise(l, &x, BATCH * PIXELS, 1, err));
    for (int i = 0; i < BATCH; i++) labels[i] = i % CLASSES;
    FV_TRY(fv_lab_plan(l, &plan, net, BATCH,
                       (fv_plan_request){ .train = true, .backward = true, .update = true, .loss = true }, err));
    fv_run_train(plan, &(fv_update){ .n = BATCH, .images = x, .labels = labels, .lr = 0, .momentum = 0 });
    *stem = fv_plan_state(plan, 0, "stem.weight", NULL);
    if (made) *made = net;
    return FV_OK;
}

static fv_status aux_gradient(fv_lab *l, fv_err *err)
{
    enum { COUNT = 8 * 3 * 9 };
    static const heads both = { true, 0.3f }, main = { true, 0 }, aux = { false, 0 };
    const float *all, *a, *b;
    float *sum;
    fv_net *net;
    FV_TRY(gradient(l, &all, &both, NULL, &net, err));
    FV_TRY(gradient(l, &a, &main, net, NULL, err));
    FV_TRY(gradient(l, &b, &aux, net, NULL, err));
    FV_TRY(fv_lab_floats(l, &sum, COUNT, err));
    for (int i = 0; i < COUNT; i++) sum[i] = a[i] + 0.3f * b[i];
    fv_lab_is(l, "from main + .3 aux", fv_lab_gap(all, sum, COUNT), 0, 1e-5);
    fv_lab_above(l, "from main alone", fv_lab_gap(all, a, COUNT), 0.01);
    return FV_OK;
}

static double largest(fv_plan *plan, const char *key)
{
    int64_t n = 0;
    const float *v = fv_plan_state(plan, 0, key, &n);
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs((double)v[i]));
    return most;
}

/* A step, and once more with the gradient of the main loss taken away. */
static fv_status aux_alone(fv_lab *l, fv_err *err)
{
    static const heads both = { true, 0.3f };
    fv_net *net;
    fv_plan *plan;
    float *x;
    int labels[BATCH] = { 0, 1, 2, 3, 4, 0, 1, 2 };
    FV_TRY(fv_lab_net(l, &net, (fv_shape){ 1, SIDE, SIDE, 3 }, with_heads, &both, err));
    FV_TRY(fv_lab_noise(l, &x, BATCH * PIXELS, 1, err));
    FV_TRY(fv_lab_plan(l, &plan, net, BATCH,
                       (fv_plan_request){ .train = true, .backward = true, .update = true, .loss = true }, err));
    fv_run_train(plan, &(fv_update){ .n = BATCH, .images = x, .labels = labels, .lr = 0, .momentum = 0 });
    fv_lab_above(l, "gradient behind it, both losses", largest(plan, "late.weight"), 0);
    memset(fv_plan_doutput(plan), 0, BATCH * sizeof(float));
    fv_plan_run(plan, BATCH);
    fv_lab_is(l, "gradient behind it, auxiliary loss alone", largest(plan, "late.weight"), 0, 0);
    fv_lab_above(l, "gradient in front of it then", largest(plan, "stem.weight"), 0);
    return FV_OK;
}

static fv_status aux_losses(fv_lab *l, fv_err *err)
{
    FV_TRY(aux_gradient(l, err));
    return aux_alone(l, err);
}

// clang-format off
const fv_study_row fv_studies_inception[] = {
    { { "inception-1x1", TOPIC,
        "1x1 reductions in front of 3x3 and 5x5 divide an Inception module's weights by 2.5 (3a) to 5.6 (5a).",
        "\"Without the 1x1 convolutions the parameters become three times as many\": 387,072 / 157,184 = 2.46 for 3a.",
        "Szegedy et al. 2014, section 4 and table 1",
        "reads the nine modules off the network's graph and builds both forms of each",
        "3a 2.46, 3b 2.93, 4a 4.54, 4b 4.65, 4c 4.33, 4d 3.85, 4e 4.18, 5a 5.63, 5b 4.38",
        "One number for all modules misses the point: the saving grows with the channels that come in, so it is the late, wide modules that could not be afforded without reductions.",
        FV_STUDY_EXACT, false, 0.1 }, reductions },
    { { "inception-3a", TOPIC,
        "Module 3a turns 192 channels into 64 + 128 + 32 + 32 = 256 by 163,328 weights and 128,049,152 MACs.",
        NULL, "Szegedy et al. 2014, table 1: 159 K and 128 M",
        "counts in the network's graph", "163,328; 128,049,152; 256",
        "The table's 159 K is 163,328 / 1,024. Small differences like this one decide whether two networks of one name take the same weights.",
        FV_STUDY_EXACT, false, 0.1 }, module_3a },
    { { "googlenet-linear", TOPIC,
        "GoogLeNet keeps one linear layer of 1,025,000 parameters, and each of its two auxiliary classifiers has two, which only training uses.",
        "GoogLeNet \"drops fully connected layers\".",
        "Szegedy et al. 2014, section 5", "counts in the network's graph",
        "1 and 4 linear layers; 6,379,728 parameters of auxiliary classifiers beside 6,998,552",
        "Half of the parameters that are trained are thrown away afterwards. A count that says 13 M and one that says 7 M are both right, about different moments.",
        FV_STUDY_EXACT, false, 0.1 }, linear_layers },
    { { "auxiliary-loss", TOPIC,
        "With loss = main + .3 aux, the gradient in front of the auxiliary classifier is the main one + .3 times the auxiliary one, and none of the latter reaches the layers behind it.",
        NULL, "Szegedy et al. 2014, section 5",
        "a step of three networks with the same weights: both losses, main only, aux only",
        "equal but for rounding; exactly 0 behind",
        "The auxiliary loss gives early layers a short way to an error signal. It is a sum, so it can be switched off at inference without touching the rest.",
        FV_STUDY_EXACT, false, 0.1 }, aux_losses },
    { { 0 }, NULL },
};
// clang-format on
