/* layers.c -- what `fovea summary` tells of a network: a line per node, sums per operator, a line per state-dict entry.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "graph/node.h"
#include "ops/shape.h"
#include <limits.h>

static int wider(int field, int k, int step)
{
    const int64_t all = field + (int64_t)(k - 1) * step;
    return all < INT_MAX ? (int)all : INT_MAX;
}

static int further(int step, int stride)
{
    const int64_t all = (int64_t)step * stride;
    return all < INT_MAX ? (int)all : INT_MAX;
}

static void at_least(int *most, int v)
{
    if (v > *most) *most = v;
}

void fv_node_reach(const fv_graph *g, fv_node *n)
{
    fv_reach r = { 1, 1, 1, 1 };
    for (int k = 0; k < n->nin; k++) {
        const fv_reach *in = &g->node[n->in[k]].reach;
        at_least(&r.h, in->h), at_least(&r.w, in->w);
        at_least(&r.step_h, in->step_h), at_least(&r.step_w, in->step_w);
    }
    const fv_op *op = fv_ops[n->op];
    n->reach = r;
    if (!op->window) return;
    fv_shape x[FV_MAX_IN];
    const fv_window v = op->window(&n->attr, fv_node_inputs(g, n, x));
    n->reach = (fv_reach){ wider(r.h, v.kh, r.step_h), wider(r.w, v.kw, r.step_w), further(r.step_h, v.sh),
                           further(r.step_w, v.sw) };
}

static fv_cost cost_of(const fv_graph *g, const fv_node *n)
{
    const fv_op *op = fv_ops[n->op];
    fv_shape x[FV_MAX_IN];
    fv_cost c = { .out = (int64_t)fv_shape_count(&n->shape) };
    int64_t weights = 0;
    fv_node_inputs(g, n, x);
    if (op->macs) c.macs = op->macs(&n->attr, x, &n->shape);
    for (int k = 0; k < n->nparam; k++) {
        const fv_param *p = &g->param[n->param[k]];
        const int64_t floats = (int64_t)p->floats;
        if (p->kind < FV_PARAM_RUNNING) c.params += floats;
        if (p->kind == FV_PARAM_WEIGHT) weights += floats;
        c.stored += floats;
    }
    if (op->traffic == FV_TRAFFIC_NONE) return c;
    c.moved = c.out;
    if (op->traffic == FV_TRAFFIC_OUTPUT) c.moved += c.out;
    else
        for (int k = 0; k < n->nin; k++) c.moved += (int64_t)fv_shape_count(&x[k]);
    c.memory_access = c.moved + weights;
    return c;
}

bool fv_net_layer(const fv_net *net, int i, fv_layer *layer)
{
    const fv_graph *g = net->graph;
    if (i < 0 || (size_t)i >= g->nnode) return false;
    const fv_node *n = &g->node[i];
    const fv_op *op = fv_ops[n->op];
    fv_shape x[FV_MAX_IN];
    *layer = (fv_layer){ .name = n->name,
                         .op = op->name,
                         .out = n->shape,
                         .cost = cost_of(g, n),
                         .receptive_field = n->reach.h,
                         .receptive_field_w = n->reach.w,
                         .stride = n->reach.step_h,
                         .stride_w = n->reach.step_w,
                         .inputs = n->nin,
                         .input = n->in,
                         .aux = n->aux && !n->main };
    if (op->tell) op->tell(&n->attr, fv_node_inputs(g, n, x), layer->detail, sizeof layer->detail);
    return true;
}

static void sum(fv_cost *all, const fv_cost *c)
{
    all->params += c->params;
    all->macs += c->macs;
    all->out += c->out;
    all->moved += c->moved;
    all->memory_access += c->memory_access;
    all->stored += c->stored;
}

static fv_operator all_of(const fv_graph *g, fv_op_id op)
{
    fv_operator all = { .op = fv_ops[op]->name };
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != op || (n->aux && !n->main)) continue;
        const fv_cost c = cost_of(g, n);
        sum(&all.cost, &c);
        all.layers++;
    }
    return all;
}

bool fv_net_operator(const fv_net *net, int i, fv_operator *all)
{
    for (int op = 0, found = 0; i >= 0 && op < FV_OP_COUNT; op++) {
        if (op == FV_OP_INPUT) continue;
        *all = all_of(net->graph, (fv_op_id)op);
        if (all->layers && found++ == i) return true;
    }
    return false;
}

void fv_net_cost(const fv_net *net, fv_cost *cost)
{
    fv_operator all;
    *cost = (fv_cost){ 0 };
    for (int i = 0; fv_net_operator(net, i, &all); i++) sum(cost, &all.cost);
}

bool fv_net_key(const fv_net *net, int i, fv_key *key)
{
    const fv_graph *g = net->graph;
    if (i < 0 || (size_t)i >= g->nparam) return false;
    const fv_param *p = &g->param[i];
    *key = (fv_key){ .name = p->name, .rank = p->rank, .dtype = p->kind == FV_PARAM_COUNT ? "int64" : "float32" };
    for (int d = 0; d < p->rank; d++) key->dim[d] = p->dim[d];
    return true;
}
