/* layers.c -- what `fovea summary` tells of a network: a line per node, a line per state-dict entry.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"

typedef struct reach {
    int field, stride;
} reach;

/* Receptive field r and step j on the input grid: r += (k - 1) j, j *= s (Araujo et al. 2019, eq. 2); of several inputs
 * the widest counts. */
static reach reach_of(const fv_graph *g, const reach *before, const fv_node *n)
{
    reach r = { 1, 1 };
    for (int k = 0; k < n->nin; k++) {
        const reach in = before[n->in[k]];
        if (in.field > r.field) r.field = in.field;
        if (in.stride > r.stride) r.stride = in.stride;
    }
    const fv_op *op = fv_ops[n->op];
    if (!op->window) return r;
    fv_shape x[FV_MAX_IN];
    int k = 1, s = 1;
    op->window(&n->attr, fv_node_inputs(g, n, x), &k, &s);
    return (reach){ r.field + (k - 1) * r.stride, r.stride * s };
}

bool fv_net_layer(const fv_net *net, int i, fv_layer *layer)
{
    const fv_graph *g = net->graph;
    if (i < 0 || (size_t)i >= g->nnode) return false;
    fv_arena a = { .heap = net->env.heap };
    reach *r = fv_arena_alloc(&a, ((size_t)i + 1) * sizeof *r);
    for (int k = 0; r && k <= i; k++) r[k] = reach_of(g, r, &g->node[k]);
    const fv_node *n = &g->node[i];
    const fv_op *op = fv_ops[n->op];
    fv_shape x[FV_MAX_IN];
    *layer = (fv_layer){ .name = n->name, .op = op->name, .out = n->shape };
    if (r) layer->receptive_field = r[i].field, layer->stride = r[i].stride;
    if (op->macs) layer->macs = op->macs(&n->attr, fv_node_inputs(g, n, x), &n->shape);
    for (int k = 0; k < n->nparam; k++) {
        const fv_param *p = &g->param[n->param[k]];
        if (p->kind < FV_PARAM_RUNNING) layer->params += (int64_t)p->floats;
    }
    fv_arena_free(&a);
    return true;
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
