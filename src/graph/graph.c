/* graph.c -- the sticky graph: nodes, names, parameters. What a node means stands in its op's row.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/graph.h"
#include "graph/node.h"
#include <stdio.h>
#include <string.h>

fv_status fv_graph_new(fv_graph **out, const fv_env *env, fv_err *err)
{
    const fv_env e = env ? *env : (fv_env){ 0 };
    *out = NULL;
    void *p;
    FV_TRY(fv_alloc_zero(e.heap, &p, sizeof(fv_graph), err));
    fv_graph *g = p;
    g->env = e;
    g->arena.heap = e.heap;
    g->output = -1;
    g->conv_init.kind = g->linear_init.kind = FV_INIT_TORCH;
    *out = g;
    return FV_OK;
}

void fv_graph_free(fv_graph *g)
{
    if (!g) return;
    const fv_allocator *heap = g->env.heap;
    fv_release(heap, g->node);
    fv_release(heap, g->param);
    fv_arena_free(&g->arena);
    fv_release(heap, g);
}

fv_status fv_graph_check(const fv_graph *g, fv_err *err)
{
    if (g->err.status != FV_OK) return fv_fail(err, g->err.status, "%s", g->err.msg);
    if (g->arena.failed) return fv_fail(err, FV_NOMEM, "no memory for the graph");
    if (g->output < 0) return fv_fail(err, FV_ARG, "the graph has no output");
    for (int k = 0; k < g->naux; k++) {
        const int c = g->node[g->aux[k].value].shape.c, classes = g->node[g->output].shape.c;
        if (c != classes) return fv_fail(err, FV_SHAPE, "an auxiliary output of %d classes beside %d", c, classes);
    }
    return FV_OK;
}

void fv_fail_graph(fv_graph *g, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fv_vfail(&g->err, FV_SHAPE, fmt, ap);
    va_end(ap);
}

void fv_scope(fv_graph *g, const char *fmt, ...)
{
    const int most = (int)(sizeof g->mark / sizeof *g->mark);
    if (!fmt) {
        if (g->depth > 0) g->scope[g->mark[--g->depth]] = 0;
        return;
    }
    if (g->depth == most) {
        fv_fail_graph(g, "%s: more than %d scopes", g->scope, most);
        return;
    }
    const size_t at = strlen(g->scope), room = sizeof g->scope - at;
    g->mark[g->depth++] = (int)at;
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(g->scope + at, room, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n + 2 > room) {
        g->scope[at] = 0;
        fv_fail_graph(g, "%s: the scoped name is too long", g->scope);
        return;
    }
    memcpy(g->scope + at + n, ".", 2);
}

void fv_default_init(fv_graph *g, fv_init conv, fv_init linear)
{
    g->conv_init = conv;
    g->linear_init = linear;
}

/* Names of nodes without a module ("add", "relu") are their op's, made unique by the node's number where needed. */
static const char *node_name(fv_graph *g, const fv_op *op, const char *name)
{
    return name ? fv_arena_printf(&g->arena, "%s%s", g->scope, name)
                : fv_arena_printf(&g->arena, "%s%s_%zu", g->scope, op->name, g->nnode);
}

static bool add_param(fv_graph *g, fv_node *n, const fv_param_spec *s)
{
    if (fv_grow(g->env.heap, (void **)&g->param, &g->param_cap, g->nparam + 1, sizeof *g->param, &g->err) != FV_OK)
        return false;
    fv_param *p = &g->param[g->nparam];
    *p = (fv_param){ .kind = s->kind, .rank = s->rank, .init = s->init, .at = g->floats };
    p->name = fv_arena_printf(&g->arena, "%s.%s", n->name, s->suffix);
    memcpy(p->dim, s->dim, sizeof p->dim);
    size_t floats = s->kind == FV_PARAM_COUNT ? 0 : 1;
    for (int i = 0; i < s->rank; i++)
        if (!fv_mul_size(floats, (size_t)s->dim[i], &floats)) floats = SIZE_MAX;
    if (floats > (size_t)1 << 40 || !p->name) {
        fv_fail(&g->err, FV_NOMEM, "%s: its weights do not fit in memory", n->name);
        return false;
    }
    p->floats = floats;
    g->floats += fv_param_room(floats);
    n->param[n->nparam++] = (int)g->nparam++;
    return true;
}

static bool add_params(fv_graph *g, fv_node *n, const fv_shape *x, fv_init init)
{
    const fv_op *op = fv_ops[n->op];
    if (!op->params) return true;
    fv_param_spec spec[FV_MAX_PARAMS] = { 0 };
    const int count = op->params(&n->attr, x, spec);
    for (int i = 0; i < count; i++) {
        const bool drawn = spec[i].kind == FV_PARAM_WEIGHT || spec[i].kind == FV_PARAM_BIAS;
        if (drawn) spec[i].init = init;
        if (!add_param(g, n, &spec[i])) return false;
    }
    return true;
}

fv_val fv_node_add(fv_graph *g, fv_op_id id, const char *name, fv_attr attr, const fv_val *in, int nin, fv_init init)
{
    const fv_val none = { 0 };
    const fv_op *op = fv_ops[id];
    if (g->err.status != FV_OK) return none;
    if (nin < op->min_in || nin > op->max_in) {
        fv_fail(&g->err, FV_ARG, "%s%s: %d inputs", g->scope, op->name, nin);
        return none;
    }
    if (fv_grow(g->env.heap, (void **)&g->node, &g->node_cap, g->nnode + 1, sizeof *g->node, &g->err) != FV_OK)
        return none;
    fv_node *n = &g->node[g->nnode];
    *n = (fv_node){ .op = id, .attr = attr, .nin = nin, .name = node_name(g, op, name) };
    if (!n->name) {
        fv_fail(&g->err, FV_NOMEM, "no memory for a node's name");
        return none;
    }
    n->attr.node = (uint32_t)g->nnode;
    for (int i = 0; i < nin; i++) {
        if (in[i].id < 0 || (size_t)in[i].id >= g->nnode) {
            fv_fail(&g->err, FV_ARG, "%s: input %d is no value of this graph", n->name, i);
            return none;
        }
        n->in[i] = in[i].id;
    }
    fv_shape x[FV_MAX_IN];
    fv_err err = { 0 };
    fv_node_inputs(g, n, x);
    if (op->shape(&n->attr, x, nin, &n->shape, &err) != FV_OK) {
        fv_fail(&g->err, err.status, "%s: %s", n->name, err.msg);
        return none;
    }
    if (!add_params(g, n, x, init)) return none;
    fv_node_reach(g, n);
    return (fv_val){ (int)g->nnode++ };
}

const fv_shape *fv_node_inputs(const fv_graph *g, const fv_node *n, fv_shape x[FV_MAX_IN])
{
    for (int i = 0; i < n->nin; i++) x[i] = g->node[n->in[i]].shape;
    return x;
}

void fv_name(fv_graph *g, fv_val x, const char *name)
{
    if (g->err.status == FV_OK) g->node[x.id].name = fv_arena_printf(&g->arena, "%s%s", g->scope, name);
}

/* What the outputs known by now need. */
static void mark_uses(fv_graph *g)
{
    for (size_t i = 0; i < g->nnode; i++) g->node[i].main = (int)i == g->output, g->node[i].aux = false;
    for (int k = 0; k < g->naux; k++) g->node[g->aux[k].value].aux = true;
    for (size_t i = g->nnode; i-- > 0;) {
        const fv_node *n = &g->node[i];
        for (int k = 0; k < n->nin; k++) {
            g->node[n->in[k]].main |= n->main;
            g->node[n->in[k]].aux |= n->aux;
        }
        for (int k = 0; k < n->nparam; k++) g->param[n->param[k]].aux = n->aux && !n->main;
    }
}

void fv_output(fv_graph *g, fv_val x)
{
    if (g->err.status != FV_OK) return;
    g->output = x.id;
    mark_uses(g);
}

void fv_aux_output(fv_graph *g, fv_val logits, float weight)
{
    if (g->err.status != FV_OK) return;
    const fv_shape s = fv_shape_of(g, logits);
    if (g->naux == FV_MAX_AUX_OUTPUTS) fv_fail(&g->err, FV_ARG, "more than %d auxiliary outputs", FV_MAX_AUX_OUTPUTS);
    else if (logits.id < 0 || (size_t)logits.id >= g->nnode || s.h != 1 || s.w != 1)
        fv_fail(&g->err, FV_SHAPE, "an auxiliary output of %d x %d x %d is no row of classes", s.h, s.w, s.c);
    else if (!(weight > 0 && weight <= 1e6f)) fv_fail(&g->err, FV_ARG, "an auxiliary output weighs %g", (double)weight);
    if (g->err.status != FV_OK) return;
    g->aux[g->naux++] = (fv_aux_out){ logits.id, weight };
    mark_uses(g);
}

fv_shape fv_shape_of(const fv_graph *g, fv_val x)
{
    const bool known = x.id >= 0 && (size_t)x.id < g->nnode;
    return known ? g->node[x.id].shape : (fv_shape){ 1, 1, 1, 1 };
}

int fv_channels(const fv_graph *g, fv_val x)
{
    return fv_shape_of(g, x).c;
}

static int64_t trained(const fv_graph *g, bool aux)
{
    int64_t sum = 0;
    for (size_t i = 0; i < g->nparam; i++)
        if (g->param[i].kind < FV_PARAM_RUNNING && g->param[i].aux == aux) sum += (int64_t)g->param[i].floats;
    return sum;
}

int64_t fv_graph_params(const fv_graph *g)
{
    return trained(g, false);
}

int64_t fv_graph_aux_params(const fv_graph *g)
{
    return trained(g, true);
}

int64_t fv_graph_macs(const fv_graph *g)
{
    int64_t sum = 0;
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        fv_shape x[FV_MAX_IN];
        if (n->aux && !n->main) continue;
        if (fv_ops[n->op]->macs) sum += fv_ops[n->op]->macs(&n->attr, fv_node_inputs(g, n, x), &n->shape);
    }
    return sum;
}
