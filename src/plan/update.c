/* update.c -- the steps after the backward pass: the norm of all gradients where it is clipped, then SGD per parameter.
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

void fv_plan_update(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    if (p->rq.clip > 0) clip_norm(p, err);
    for (size_t i = 0; i < g->nparam; i++) {
        if (!trained(p, i)) continue;
        const fv_param *w = &g->param[i];
        const fv_sgd_problem q = { .count = w->floats, .wd = w->kind == FV_PARAM_WEIGHT ? p->rq.wd : 0 };
        p->velocity[i] = fv_plan_operand(p, OPERAND_OWN, w->floats * p->real, err);
        const int arg[] = { p->weight[i], p->velocity[i], p->dparam[i], p->run_operand };
        fv_plan_step(p, -1, &fv_slot_sgd, &q, sizeof q, 2, 4, arg, err);
    }
}
