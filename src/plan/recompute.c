/* recompute.c -- which values the forward pass drops: the backward pass makes them again, bit by bit the same, from what
 * is kept anyway. A batch norm's value costs one pass over memory, which not reading it for the slope of its activation
 * pays for. With grad_checkpointing whatever costs passes and no products goes: curved activations, residual sums,
 * the products of squeeze and excitation. (Chen et al. 2016; of batch norm and activation: Rota Bulo et al. 2017.)
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"

static bool cheap(const plan_node *n)
{
    const bool clamp = n->attr.act == FV_ACT_NONE || n->attr.act == FV_ACT_RELU || n->attr.act == FV_ACT_RELU6;
    return n->op == FV_OP_MUL || (n->op == FV_OP_BATCHNORM && !n->attr.residual && clamp);
}

bool fv_plan_drops(const fv_plan *p, int v)
{
    const plan_node *n = &p->node[v];
    if (n->dead || p->rq.exact || fv_plan_named(p, v) || !fv_ops[n->op]->again) return false;
    if (p->operand[p->value[v]].kind != OPERAND_BLOCK) return false;
    return p->rq.grad_checkpointing || cheap(n);
}
