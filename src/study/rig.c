/* rig.c -- the lab's material: graphs, networks and plans that it owns.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "study/bench.h"
#include <math.h>
#include <string.h>

enum { SEED = 1 };

fv_status fv_lab_own(fv_lab *l, void *p, void (*release)(fv_lab *l, void *p), fv_err *err)
{
    const fv_status s = fv_grow(l->env.heap, (void **)&l->owned, &l->owned_cap, l->nowned + 1, sizeof *l->owned, err);
    if (s != FV_OK) release(l, p);
    else l->owned[l->nowned++] = (fv_lab_owned){ p, release };
    return s;
}

static void free_graph(fv_lab *l, void *p)
{
    (void)l;
    fv_graph_free(p);
}

static void free_net(fv_lab *l, void *p)
{
    (void)l;
    fv_net_free(p);
}

static void free_plan(fv_lab *l, void *p)
{
    (void)l;
    fv_plan_free(p);
}

static void free_floats(fv_lab *l, void *p)
{
    fv_release(l->env.heap, p);
}

static fv_status make(fv_lab *l, fv_graph **out, fv_shape in, fv_lab_build *build, const void *arg, fv_err *err)
{
    fv_graph *g;
    FV_TRY(fv_graph_new(&g, &l->env, err));
    fv_output(g, build(g, fv_input(g, "image", in.h, in.w, in.c), arg));
    const fv_status s = fv_graph_check(g, err);
    if (s != FV_OK) {
        fv_graph_free(g);
        return s;
    }
    *out = g;
    return FV_OK;
}

fv_status fv_lab_net(fv_lab *l, fv_net **net, fv_shape in, fv_lab_build *build, const void *arg, fv_err *err)
{
    fv_graph *g;
    *net = NULL;
    FV_TRY(make(l, &g, in, build, arg, err));
    FV_TRY(fv_net_new(net, g, "study", &l->env, err));
    FV_TRY(fv_lab_own(l, *net, free_net, err));
    (*net)->prep = (fv_prep){ .h = in.h, .w = in.w, .channels = in.c };
    fv_net_init(*net, SEED);
    return FV_OK;
}

int fv_lab_field(const fv_graph *g, int value)
{
    /* A net without weights is enough for its layers. */
    const fv_net net = { .env = g->env, .graph = (fv_graph *)(uintptr_t)g };
    fv_layer layer;
    return fv_net_layer(&net, value, &layer) ? layer.receptive_field : 0;
}

int64_t fv_lab_node_macs(const fv_graph *g, const fv_node *n)
{
    fv_shape x[FV_MAX_IN];
    const fv_op *op = fv_ops[n->op];
    return op->macs ? op->macs(&n->attr, fv_node_inputs(g, n, x), &n->shape) : 0;
}

static int64_t kernels(const fv_graph *g)
{
    int64_t sum = 0;
    for (size_t i = 0; i < g->nparam; i++)
        if (g->param[i].kind == FV_PARAM_WEIGHT && !g->param[i].aux) sum += (int64_t)g->param[i].floats;
    return sum;
}

fv_status fv_lab_count(fv_lab *l, fv_lab_cost *cost, fv_shape in, fv_lab_build *build, const void *arg, fv_err *err)
{
    fv_graph *g;
    FV_TRY(make(l, &g, in, build, arg, err));
    *cost = (fv_lab_cost){ .params = fv_graph_params(g),
                           .macs = fv_graph_macs(g),
                           .weights = kernels(g),
                           .field = fv_lab_field(g, g->output),
                           .out = g->node[g->output].shape };
    fv_graph_free(g);
    return FV_OK;
}

fv_status fv_lab_zoo(fv_lab *l, fv_graph **g, const char *name, int size, fv_err *err)
{
    const fv_model *m = fv_model_find(name);
    *g = NULL;
    if (!m) return fv_fail(err, FV_BUG, "no network '%s'", name);
    FV_TRY(fv_graph_new(g, &l->env, err));
    FV_TRY(fv_lab_own(l, *g, free_graph, err));
    const fv_build b = { .classes = m->classes };
    const int side = size ? size : m->size;
    fv_output(*g, m->build(*g, fv_input(*g, "image", side, side, 3), m->cfg, &b));
    return fv_graph_check(*g, err);
}

int fv_lab_find(const fv_graph *g, const char *name)
{
    for (int i = (int)g->nnode - 1; i >= 0; i--)
        if (g->node[i].name && strcmp(g->node[i].name, name) == 0) return i;
    return -1;
}

fv_status fv_lab_plan(fv_lab *l, fv_plan **plan, fv_net *net, int batch, fv_plan_request rq, fv_err *err)
{
    rq.batch = batch;
    if (!rq.h) rq.h = net->prep.h, rq.w = net->prep.w;
    rq.cpu = fv_env_features(&l->env);
    if (!rq.threads) rq.pool = l->pool;
    *plan = NULL;
    FV_TRY(fv_plan_make(plan, net, &rq, err));
    return fv_lab_own(l, *plan, free_plan, err);
}

const float *fv_lab_forward(fv_plan *plan, int n, const float *x, size_t floats)
{
    memcpy(fv_plan_input(plan, NULL), x, floats * sizeof *x);
    fv_plan_run(plan, n);
    return fv_plan_output(plan);
}

const float *fv_lab_backward(fv_plan *plan, int n, const float *x, size_t floats, const float *dy, size_t outs)
{
    memcpy(fv_plan_doutput(plan), dy, outs * sizeof *dy);
    fv_lab_forward(plan, n, x, floats);
    return fv_plan_dinput(plan, NULL);
}

const float *fv_lab_gradient(fv_plan *plan, const fv_net *net, const char *key, size_t *count)
{
    const int i = fv_net_param(net, key);
    if (i < 0) return NULL;
    if (count) *count = net->graph->param[i].floats;
    return fv_plan_dparam(plan, i);
}

fv_status fv_lab_floats(fv_lab *l, float **p, size_t n, fv_err *err)
{
    FV_TRY(fv_alloc_zero(l->env.heap, (void **)p, n * sizeof **p, err));
    return fv_lab_own(l, *p, free_floats, err);
}

fv_status fv_lab_noise(fv_lab *l, float **p, size_t n, uint64_t seed, fv_err *err)
{
    FV_TRY(fv_lab_floats(l, p, n, err));
    fv_rng r = fv_rng_of(seed, 0, 0, FV_RNG_STUDY);
    for (size_t i = 0; i < n; i++) (*p)[i] = (float)fv_rng_normal(&r);
    return FV_OK;
}

void fv_lab_fill(fv_net *net, const char *key, float value)
{
    int64_t n = 0;
    float *w = fv_net_weights(net, key, &n);
    for (int64_t i = 0; w && i < n; i++) w[i] = value;
}

void fv_lab_copy(fv_net *to, const char *to_key, fv_net *from, const char *from_key)
{
    int64_t n = 0, m = 0;
    float *w = fv_net_weights(to, to_key, &n);
    const float *v = fv_net_weights(from, from_key, &m);
    if (w && v && n == m) memcpy(w, v, (size_t)n * sizeof *w);
}

double fv_lab_gap(const float *a, const float *b, size_t n)
{
    double gap = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)a[i] - (double)b[i]);
        if (!isfinite(d)) return (double)INFINITY;
        gap = fmax(gap, d);
        most = fmax(most, fabs((double)b[i]));
    }
    return most > 0 ? gap / most : gap;
}
