/* test_training_step.c -- every row of the zoo at the smallest size it takes, batch 2: after one training step each
 * trained parameter has a finite gradient that is not zero, and two pictures have different logits.
 * A bias in front of a batch norm has none but for rounding: the norm takes every constant away again. So it is with the
 * shift of a norm in front of a 1x1 convolution and the next norm.
 * Rows of more than MOST_PARAMS weights or MOST_NODES layers run where FOVEA_DEEP is set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "level.h"
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BATCH = 2, CLASSES = 5, MOST_PARAMS = 12000000, MOST_NODES = 3000, MANY_NORMS = 170 };

/* Values in [-1, 1) by a linear congruence; the second picture is no multiple of the first. */
static float *pictures(int size)
{
    const size_t n = (size_t)BATCH * (size_t)size * (size_t)size * 3;
    float *x = malloc(n * sizeof *x);
    uint32_t s = 1;
    assert_non_null(x);
    for (size_t i = 0; i < n; i++) {
        s = s * 1664525u + 1013904223u;
        x[i] = (float)(s >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

static fv_net *open_at(const fv_model *m, int size)
{
    fv_net *net = NULL;
    const fv_net_opts o = { .classes = CLASSES, .size = size, .seed = 7 };
    fv_net_open(&net, m->name, &o, &(fv_env){ .cpu = test_level() }, NULL);
    return net;
}

/* So many norms of two values each would lose all that a very deep net carries. */
static bool is_very_deep(const fv_net *net)
{
    int norms = 0;
    for (size_t i = 0; i < net->graph->nnode; i++) norms += net->graph->node[i].op == FV_OP_BATCHNORM;
    return norms > MANY_NORMS;
}

/* The smallest square picture that a row's layers take, with all its auxiliary classifiers. */
static fv_net *open_smallest(const fv_model *m, int *size)
{
    static const int sizes[] = { 32, 64, 75, 96, 128, 160, 224 };
    fv_net *whole = open_at(m, m->size);
    assert_non_null(whole);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fv_net *net = open_at(m, *size = sizes[i]);
        if (net && net->graph->naux == whole->graph->naux && (*size > 32 || !is_very_deep(net))) {
            fv_net_free(whole);
            return net;
        }
        fv_net_free(net);
    }
    *size = m->size;
    return whole;
}

/* Batch norm's running statistics: none, or what `steps` steps made of none, as an average of the batches' own. */
static void scale_statistics(fv_net *net, int steps)
{
    for (size_t i = 0; i < net->graph->nnode; i++) {
        const fv_node *n = &net->graph->node[i];
        if (n->op != FV_OP_BATCHNORM) continue;
        const double share = steps ? 1 / (1 - pow(1 - (double)n->attr.bn.momentum, steps)) : 0;
        for (int k = 0; k < n->nparam; k++) {
            const fv_param *p = &net->graph->param[n->param[k]];
            if (p->kind != FV_PARAM_RUNNING) continue;
            for (size_t j = 0; j < p->floats; j++) {
                float *w = net->weights + p->at + j;
                *w = (float)(share * (double)*w);
            }
        }
    }
}

static double largest(const float *v, int64_t n)
{
    double most = 0;
    for (int64_t i = 0; i < n; i++) most = fabs((double)v[i]) > most || isnan(v[i]) ? fabs((double)v[i]) : most;
    return most;
}

static bool feeds_norm(const fv_graph *g, const fv_param *p)
{
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_BATCHNORM) continue;
        const fv_node *from = &g->node[n->in[0]];
        for (int k = 0; k < from->nparam; k++)
            if (&g->param[from->param[k]] == p) return true;
    }
    return false;
}

/* Does value v go only into norms, at most through 1x1 convolutions and shuffles, which leave a constant one? */
static bool loses_constants(const fv_graph *g, size_t v)
{
    bool used = false;
    for (size_t i = v + 1; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        for (int k = 0; k < n->nin; k++) {
            if ((size_t)n->in[k] != v) continue;
            used = true;
            const bool pointwise = n->op == FV_OP_CONV2D && n->attr.conv.kh * n->attr.conv.kw == 1;
            if (n->op == FV_OP_BATCHNORM) continue;
            if ((!pointwise && n->op != FV_OP_SHUFFLE) || !loses_constants(g, i)) return false;
        }
    }
    return used;
}

static bool lost_shift(const fv_graph *g, const fv_param *p)
{
    for (size_t i = 0; p->kind == FV_PARAM_SHIFT && i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nparam; k++)
            if (&g->param[g->node[i].param[k]] == p) return loses_constants(g, i);
    return false;
}

/* Without momentum of earlier steps and weight decay, the momenta are the gradients. */
static void check_gradients(fv_plan *plan, const fv_net *net)
{
    double weight = 0; /* the largest gradient of the module's weights */
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_param *p = &net->graph->param[i];
        int64_t n = 0;
        if (p->kind >= FV_PARAM_RUNNING) continue;
        const float *v = fv_plan_state(plan, 0, p->name, &n);
        if (!v || n != (int64_t)p->floats) fail_msg("%s: %s has no gradient", net->name, p->name);
        const double most = largest(v, n);
        if (!isfinite(most)) fail_msg("%s: the gradient of %s is not finite", net->name, p->name);
        if (p->kind == FV_PARAM_WEIGHT) weight = most;
        if (p->kind == FV_PARAM_BIAS && feeds_norm(net->graph, p)) {
            if (most >= 1e-5 * weight)
                fail_msg("%s: %s feeds a norm but has a gradient of %g; the weights %g", net->name, p->name, most,
                         weight);
        } else if (!(most > 0) && !lost_shift(net->graph, p)) {
            fail_msg("%s: %s has a gradient of zero", net->name, p->name);
        }
    }
}

/* Stochastic depth drops whole blocks for some steps; the weights stand still, so momenta of several steps add up. */
static int steps_of(const fv_net *net)
{
    for (size_t i = 0; i < net->graph->nnode; i++)
        if (net->graph->node[i].op == FV_OP_DROP_PATH) return 4;
    return 1;
}

static void train(fv_net *net, const float *x)
{
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    const fv_plan_opts o = { .mode = FV_TRAIN, .batch = BATCH };
    const int steps = steps_of(net);
    if (fv_plan_new(&plan, net, &o, &err) != FV_OK) fail_msg("%s", err.msg);
    scale_statistics(net, 0);
    for (int i = 0; i < steps; i++) {
        const fv_update u = {
            .n = BATCH, .images = x, .labels = (const int[]){ 1, 3 }, .momentum = 0.9, .seed = 3, .step = (uint64_t)i
        };
        const double loss = fv_run_train(plan, &u);
        if (!isfinite(loss)) fail_msg("%s: a loss of %g", net->name, loss);
    }
    check_gradients(plan, net);
    scale_statistics(net, steps);
    fv_plan_free(plan);
}

/* With the batch's own statistics: those of a fresh net let no signal through deep ones. A thousandth is four digits more
 * than rounding makes. */
static void tell_apart(fv_net *net, const float *x)
{
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    float y[BATCH * CLASSES], most = 0, apart = 0;
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .batch = BATCH }, &err) != FV_OK) fail_msg("%s", err.msg);
    fv_run(plan, BATCH, x, y);
    fv_plan_free(plan);
    for (int i = 0; i < CLASSES; i++) {
        most = fmaxf(most, fmaxf(fabsf(y[i]), fabsf(y[CLASSES + i])));
        apart = fmaxf(apart, fabsf(y[i] - y[CLASSES + i]));
    }
    if (!(apart > 1e-3f * most))
        fail_msg("%s: logits to %g, two pictures differ by %g", net->name, (double)most, (double)apart);
}

static void test_a_step_moves_every_parameter(void **state)
{
    const fv_model *m = *state;
    int size = 0;
    if (m->params > MOST_PARAMS && !getenv("FOVEA_DEEP")) skip();
    fv_net *net = open_smallest(m, &size);
    if (net->graph->nnode > MOST_NODES && !getenv("FOVEA_DEEP")) {
        fv_net_free(net);
        skip();
    }
    float *x = pictures(size);
    train(net, x);
    tell_apart(net, x);
    free(x);
    fv_net_free(net);
}

int main(void)
{
    enum { MOST = 400 };
    static struct CMUnitTest tests[MOST];
    size_t n = 0;
    for (; n < MOST && fv_model_at((int)n); n++) {
        const fv_model *m = fv_model_at((int)n);
        tests[n] = (struct CMUnitTest){ m->name, test_a_step_moves_every_parameter, NULL, NULL, (void *)(uintptr_t)m };
    }
    if (fv_model_at((int)n)) return 1; /* more rows than room */
    return _cmocka_run_group_tests("training step", tests, n, NULL, NULL);
}
