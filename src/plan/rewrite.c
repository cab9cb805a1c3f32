/* rewrite.c -- the plan's own copy of the graph and what is changed in it: rewrites are rows, each tried on every node in
 * order. A consumer absorbs its producer and keeps its own number, so nobody who reads it needs to know.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"
#include "kernels/activation/activation.h"
#include <string.h>

static int uses_of(const fv_plan *p, int v)
{
    int uses = v == p->output || v == p->logits || p->node[v].kept;
    for (int i = 0; i < p->nnode; i++)
        for (int k = 0; k < p->node[i].nin; k++) uses += !p->node[i].dead && p->node[i].in[k] == v;
    return uses;
}

/* n becomes its k-th input's node; what n adds to it is the caller's to set. */
static plan_node *absorb(fv_plan *p, plan_node *n, int k)
{
    plan_node *from = &p->node[n->in[k]];
    const fv_shape shape = n->shape;
    const uint32_t key = n->attr.node;
    const bool kept = n->kept;
    const char *name = n->name;
    *n = *from;
    n->kept = kept;
    if (kept) n->name = name;
    n->shape = shape;
    n->attr.node = key;
    from->dead = true;
    return n;
}

static bool fold_batchnorm(fv_plan *p, int i)
{
    plan_node *n = &p->node[i];
    if (p->rq.train || p->rq.backward || p->rq.f64 || n->op != FV_OP_BATCHNORM) return false;
    const int v = n->in[0];
    const plan_node *conv = &p->node[v];
    if (conv->op != FV_OP_CONV2D || conv->fold >= 0 || conv->attr.act || uses_of(p, v) != 1) return false;
    int bn[FV_MAX_PARAMS];
    const int nbn = n->nparam;
    memcpy(bn, n->param, sizeof bn);
    const fv_attr bn_attr = n->attr;
    /* The batch-norm's parameters move to the absorbed producer's place, which nothing else reads any more. */
    absorb(p, n, 0);
    plan_node *norm = &p->node[v];
    norm->op = FV_OP_BATCHNORM;
    norm->attr = bn_attr;
    memcpy(norm->param, bn, sizeof bn);
    norm->nparam = nbn;
    n->fold = v;
    n->attr.conv.bias = true;
    return true;
}

static bool takes_epilogue(const fv_plan *p, int v)
{
    const plan_node *n = &p->node[v];
    const bool kind = n->op == FV_OP_BATCHNORM || (n->op == FV_OP_CONV2D && !p->rq.backward);
    return kind && !n->attr.act && uses_of(p, v) == 1;
}

static bool fuse_add(fv_plan *p, int i)
{
    plan_node *n = &p->node[i];
    if (n->op != FV_OP_ADD || n->in[0] == n->in[1]) return false;
    for (int k = 0; k < 2; k++) {
        if (!takes_epilogue(p, n->in[k]) || p->node[n->in[k]].attr.residual) continue;
        const int residual = n->in[1 - k];
        absorb(p, n, k);
        n->attr.residual = true;
        n->in[n->nin++] = residual;
        return true;
    }
    return false;
}

static bool fuse_activation(fv_plan *p, int i)
{
    plan_node *n = &p->node[i];
    if (n->op != FV_OP_ACTIVATION || !takes_epilogue(p, n->in[0])) return false;
    /* The backward pass makes the act's input again from batch norm's, but has no residual to add. */
    if (p->rq.backward && !fv_act_slope_by_value(n->attr.act) && p->node[n->in[0]].attr.residual) return false;
    const fv_act act = n->attr.act;
    absorb(p, n, 0)->attr.act = act;
    return true;
}

static bool drop_identity(fv_plan *p, int i)
{
    plan_node *n = &p->node[i];
    if (p->rq.train || n->kept || (n->op != FV_OP_DROPOUT && n->op != FV_OP_DROP_PATH)) return false;
    for (int u = i + 1; u < p->nnode; u++)
        for (int k = 0; k < p->node[u].nin; k++)
            if (p->node[u].in[k] == i) p->node[u].in[k] = n->in[0];
    if (p->output == i) p->output = n->in[0];
    if (p->logits == i) p->logits = n->in[0];
    n->dead = true;
    return true;
}

static bool (*const rewrites[])(fv_plan *, int) = { drop_identity, fold_batchnorm, fuse_add, fuse_activation };

static void copy_nodes(fv_plan *p)
{
    const fv_graph *g = p->net->graph;
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        plan_node *c = &p->node[i];
        *c = (plan_node){ .op = n->op, .name = n->name, .attr = n->attr, .nin = n->nin, .shape = n->shape, .fold = -1 };
        memcpy(c->in, n->in, sizeof c->in);
        c->nparam = n->nparam;
        memcpy(c->param, n->param, sizeof c->param);
        if (p->rq.set_drop && n->op == FV_OP_DROPOUT) c->attr.p = (float)p->rq.drop;
    }
    p->nnode = (int)g->nnode;
    p->output = p->logits = g->output;
    p->target = -1;
}

static void append_loss(fv_plan *p)
{
    const int classes = p->node[p->output].shape.c;
    plan_node *t = &p->node[p->nnode], *loss = t + 1;
    p->target = p->nnode;
    *t = (plan_node){ .op = FV_OP_INPUT, .name = "target", .shape = { 1, 1, 1, classes }, .fold = -1 };
    *loss = (plan_node){ .op = p->rq.loss_kind == FV_LOSS_BCE ? FV_OP_BCE : FV_OP_SOFTMAX_XENT, .fold = -1 };
    loss->name = "loss", loss->nin = 2;
    loss->attr.xent.smoothing = p->rq.smoothing;
    loss->attr.xent.threshold = p->rq.bce_target_thresh;
    loss->attr.node = (uint32_t)p->nnode + 1;
    loss->in[0] = p->output;
    loss->in[1] = p->target;
    p->output = p->nnode + 1;
    p->nnode += 2;
    const fv_graph *g = p->net->graph;
    for (; p->naux < g->naux; p->naux++) {
        plan_node *aux = &p->node[p->nnode];
        *aux = *loss;
        aux->name = "aux_loss";
        aux->attr.node = (uint32_t)p->nnode;
        aux->in[0] = g->aux[p->naux].value;
        p->aux_loss[p->naux] = p->nnode++;
    }
}

/* Shapes for the plan's own input size; weights that no longer fit are told by the node's name. */
static fv_status reshape(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    for (int i = 0; i < p->nnode; i++) {
        plan_node *n = &p->node[i];
        const fv_op *op = fv_ops[n->op];
        fv_shape x[FV_MAX_IN];
        if (n->dead) continue;
        if (n->op == FV_OP_INPUT) {
            if (i != p->target) n->shape.h = p->rq.h, n->shape.w = p->rq.w;
            continue;
        }
        for (int k = 0; k < n->nin; k++) x[k] = p->node[n->in[k]].shape;
        if (n->op == FV_OP_AVGPOOL && n->attr.pool.global) n->attr.pool.kh = x[0].h, n->attr.pool.kw = x[0].w;
        const fv_status s = op->shape(&n->attr, x, n->nin, &n->shape, err);
        if (s != FV_OK) return fv_context(err, s, "%s at %d x %d pixels", n->name, p->rq.h, p->rq.w);
        fv_param_spec spec[FV_MAX_PARAMS] = { 0 };
        const int count = op->params ? op->params(&n->attr, x, spec) : 0;
        for (int k = 0; k < count; k++)
            for (int d = 0; d < spec[k].rank; d++)
                if (spec[k].dim[d] != g->param[n->param[k]].dim[d])
                    return fv_fail(err, FV_SHAPE, "%s does not fit an input of %d x %d pixels", n->name, p->rq.h,
                                   p->rq.w);
    }
    return FV_OK;
}

static void mark_dead(fv_plan *p)
{
    bool *needed = fv_arena_alloc(&p->arena, (size_t)p->nnode);
    if (!needed) return;
    needed[p->output] = true;
    for (int k = 0; k < p->naux; k++) needed[p->aux_loss[k]] = true;
    for (int i = 0; i < p->nnode; i++) needed[i] |= p->node[i].kept;
    for (int i = p->nnode - 1; i >= 0; i--)
        for (int k = 0; needed[i] && k < p->node[i].nin; k++) needed[p->node[i].in[k]] = true;
    for (int i = 0; i < p->nnode; i++) p->node[i].dead |= !needed[i];
}

bool fv_plan_named(const fv_plan *p, int v)
{
    for (int k = 0; k < p->naux; k++)
        if (v == p->aux_loss[k]) return true;
    return p->node[v].op == FV_OP_INPUT || v == p->output || v == p->logits || p->node[v].kept;
}

/* Of several nodes with a name (a module's, and the activation after it, say) the last: fv_name's, or what leaves it. */
static fv_status mark_kept(fv_plan *p, fv_err *err)
{
    for (int k = 0; k < p->rq.nkeep; k++) {
        const char *want = p->rq.keep[k] ? p->rq.keep[k] : "";
        int at = -1;
        for (int i = 0; i < p->nnode; i++)
            if (p->node[i].name && !strcmp(p->node[i].name, want)) at = i;
        if (at < 0) return fv_fail(err, FV_ARG, "no value is called '%s'; `fovea summary` lists the names", want);
        p->node[at].kept = true;
    }
    return FV_OK;
}

fv_status fv_plan_nodes(fv_plan *p, fv_err *err)
{
    p->node = fv_arena_alloc(&p->arena, (p->net->graph->nnode + 2 + FV_MAX_AUX_OUTPUTS) * sizeof *p->node);
    if (!p->node) return fv_fail(err, FV_NOMEM, "no memory for the plan's nodes");
    copy_nodes(p);
    FV_TRY(mark_kept(p, err));
    if (p->rq.loss) append_loss(p);
    mark_dead(p);
    FV_TRY(reshape(p, err));
    for (size_t r = 0; !p->rq.exact && r < sizeof rewrites / sizeof *rewrites; r++)
        for (int i = 0; i < p->nnode; i++)
            if (!p->node[i].dead) rewrites[r](p, i);
    if (p->arena.failed) return fv_fail(err, FV_NOMEM, "no memory for the plan's nodes");
    return FV_OK;
}
