/* update.c -- SGD per parameter: right after the backward pass of its node, whose gradients then share the activations'
 * memory; or after the whole pass, where the norm of all gradients is clipped first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/sgd/sgd.h"
#include "plan/parts.h"

static bool trained(const fv_plan *p, size_t i)
{
    return p->dparam[i] && p->operand[p->dparam[i]].written;
}

/* The gradient's global L2 norm (Pascanu et al. 2013, algorithm 1) scales every update. */
static void clip_norm(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    const int total = fv_plan_operand(p, OPERAND_BLOCK, p->real, err);
    bool first = true;
    for (size_t i = 0; i < g->nparam; i++) {
        if (!trained(p, i)) continue;
        const fv_sgd_problem q = { .count = g->param[i].floats, .first = first };
        const int part = fv_plan_operand(p, OPERAND_BLOCK, fv_sumsq_part_floats(q.count) * p->real, err);
        fv_plan_step(p, -1, &fv_slot_sumsq, &q, sizeof q, 1, 2, (int[]){ part, p->dparam[i] }, err);
        fv_plan_step(p, -1, &fv_slot_sumsq_finish, &q, sizeof q, 1, 2, (int[]){ total, part }, err);
        first = false;
    }
    const fv_sgd_problem q = { .clip = p->rq.clip };
    fv_plan_step(p, -1, &fv_slot_clip, &q, sizeof q, 1, 2, (int[]){ p->run_operand, total }, err);
}

static void update(fv_plan *p, size_t i, fv_err *err)
{
    const fv_param *w = &p->net->graph->param[i];
    if (!trained(p, i)) return;
    const fv_sgd_problem q = { .count = w->floats, .wd = w->kind == FV_PARAM_WEIGHT ? p->rq.wd : 0 };
    p->velocity[i] = fv_plan_operand(p, OPERAND_OWN, w->floats * p->real, err);
    const int arg[] = { p->weight[i], p->velocity[i], p->dparam[i], p->run_operand };
    fv_plan_step(p, -1, &fv_slot_sgd, &q, sizeof q, 2, 4, arg, err);
}

bool fv_plan_updates_early(const fv_plan *p)
{
    return p->rq.update && !(p->rq.clip > 0);
}

void fv_plan_update_node(fv_plan *p, const plan_node *n, fv_err *err)
{
    for (int k = 0; k < n->nparam; k++) update(p, (size_t)n->param[k], err);
}

void fv_plan_update_all(fv_plan *p, fv_err *err)
{
    clip_norm(p, err);
    for (size_t i = 0; i < p->net->graph->nparam; i++) update(p, i, err);
}
