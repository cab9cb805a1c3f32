/* recompute.c -- which values the forward pass drops: the backward pass makes them again, bit by bit the same, from what
 * is kept anyway. A batch norm's value costs one pass over memory, which not reading it for the slope of its activation
 * pays for. With grad_checkpointing all goes that can be made again, convolutions' sums too, but for the ends of blocks: no
 * more than a block is made again at a time. (Chen et al. 2016; of batch norm and activation: Rota Bulo et al. 2017.)
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"

enum { LONGEST = 3 }; /* convolutions of a block that nothing else ends */

static bool cheap(const plan_node *n)
{
    return n->op == FV_OP_MUL || (n->op == FV_OP_BATCHNORM && !n->attr.residual);
}

static int64_t values(const plan_node *n)
{
    return (int64_t)n->shape.h * n->shape.w * n->shape.c;
}

/* A residual sum, or a linear bottleneck: less than what its convolution reads. */
static bool ends_block(const fv_plan *p, const plan_node *n)
{
    if (n->op != FV_OP_BATCHNORM || n->attr.residual || n->attr.act != FV_ACT_NONE) return n->attr.residual;
    const plan_node *conv = &p->node[n->in[0]];
    return conv->op == FV_OP_CONV2D && values(n) < values(&p->node[conv->in[0]]);
}

static bool can_drop(const fv_plan *p, int v)
{
    const plan_node *n = &p->node[v];
    if (n->dead || p->rq.exact || fv_plan_named(p, v) || !fv_ops[n->op]->again) return false;
    return p->operand[p->value[v]].kind == OPERAND_BLOCK && (p->rq.grad_checkpointing || cheap(n));
}

/* The most convolutions of maps, one behind the other, that lie between a value and what is kept. */
static int dropped_before(const fv_plan *p, int v, const int *convs)
{
    const plan_node *n = &p->node[v];
    int most = 0;
    for (int k = 0; k < n->nin; k++)
        if (convs[n->in[k]] > most) most = convs[n->in[k]];
    return most + (n->op == FV_OP_CONV2D && n->shape.h * n->shape.w > 1);
}

const bool *fv_plan_drops(fv_plan *p)
{
    bool *drops = fv_arena_alloc(&p->arena, (size_t)p->nnode * sizeof *drops);
    int *convs = fv_arena_alloc(&p->arena, (size_t)p->nnode * sizeof *convs);
    if (!drops || !convs) return NULL;
    for (int v = 0; v < p->nnode; v++) {
        const plan_node *n = &p->node[v];
        const int before = dropped_before(p, v, convs);
        const bool ends =
            p->rq.grad_checkpointing && (ends_block(p, n) || (before >= LONGEST && n->op != FV_OP_CONV2D));
        drops[v] = can_drop(p, v) && !ends;
        convs[v] = drops[v] ? before : 0;
    }
    return drops;
}
