/* sums.c -- averages over whole images in two steps: sums of rows, and the average of these. So bands of an image can be
 * summed as they are made (twice.c); and where threads share the rows of large maps, each sums what it made itself, which
 * lies in its own cache. An average is the sum of its rows' sums either way: no bit changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/pool/pool.h"
#include "plan/parts.h"
#include <string.h>

bool fv_plan_averages_image(const plan_step *s)
{
    const fv_pool_problem *q = s->problem;
    return s->slot == &fv_slot_avgpool && q->oh == 1 && q->ow == 1 && q->kh == q->h && q->kw == q->w && !q->top &&
           !q->left && !q->divisor;
}

bool fv_plan_sums_rows(const fv_pool_problem *q)
{
    return q->divisor == 1 && q->kh == 1 && q->kw == q->w && q->oh == q->h && q->ow == 1;
}

bool fv_plan_split_average(fv_plan *p, const plan_step *s, plan_step part[2], fv_err *err)
{
    const fv_pool_problem *q = s->problem;
    fv_pool_problem *sums = fv_arena_alloc(&p->arena, sizeof *sums), *rest = fv_arena_alloc(&p->arena, sizeof *rest);
    const size_t image = (size_t)q->h * (size_t)q->c * p->real;
    const int id = fv_plan_operand(p, OPERAND_BLOCK, image * (size_t)p->rq.batch, err);
    if (!sums || !rest || !id) return false;
    p->operand[id].image = image;
    *sums = *rest = *q;
    sums->oh = q->h, sums->kh = 1, sums->divisor = 1;
    rest->w = rest->kw = 1, rest->divisor = q->h * q->w;
    part[0] = part[1] = *s;
    part[0].problem = sums, part[0].arg[0] = id, part[0].ld[0] = 0;
    part[1].problem = rest, part[1].arg[1] = id, part[1].ld[1] = 0;
    for (int i = 0; i < 2; i++) {
        part[i].kernel = fv_slot_choose(s->slot, p->rq.cpu, part[i].problem);
        part[i].fn = part[i].kernel->fn;
    }
    return true;
}

bool fv_plan_make_room(fv_plan *p, int at, int n, fv_err *err)
{
    if (fv_grow(p->net->env.heap, (void **)&p->step, &p->step_cap, p->nstep + n, sizeof *p->step, err) != FV_OK)
        return false;
    memmove(p->step + at + n, p->step + at, (p->nstep - (size_t)at) * sizeof *p->step);
    p->nstep += n;
    return true;
}

static bool is_shared_by_rows(const fv_plan *p, const plan_step *s)
{
    const fv_pool_problem *q = s->problem;
    return fv_plan_averages_image(s) && q->h * q->w >= FV_SMALL_MAP && p->operand[s->arg[1]].kind == OPERAND_BLOCK;
}

fv_status fv_plan_sums(fv_plan *p, fv_err *err)
{
    const bool alone = fv_threads_count(p->pool) == 1 || fv_plan_is_short(p);
    if (alone || p->rq.train || p->rq.backward || p->rq.f64) return FV_OK;
    for (int i = 0; i < (int)p->nstep; i++) {
        plan_step part[2];
        if (!is_shared_by_rows(p, &p->step[i])) continue;
        if (!fv_plan_split_average(p, &p->step[i], part, err) || !fv_plan_make_room(p, i, 1, err))
            return fv_fail(err, FV_NOMEM, "no memory for %zu steps", p->nstep);
        p->step[i] = part[0], p->step[i + 1] = part[1];
    }
    fv_plan_set_lives(p);
    return FV_OK;
}
