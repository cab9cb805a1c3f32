/* segments.c -- the order in which a batch goes through an inference plan. Some steps run for one image after the other,
 * each thread with images of its own: what a step leaves in the cache, the next one finds there, and values that do not
 * outlive the segment need room for one image of each thread. Steps with more weights than pixels take the whole batch,
 * so that weights are read once. Every kernel's result for an image is the same in any batch (kernel.h), so the order
 * changes no bit.
 *
 * The cost of a step is the bytes that one image has to fetch from beyond the L2: by image its weights, for the whole
 * batch its operands; a change of order costs all values that cross it. The cheapest sequence by dynamic programming.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"
#include <math.h>

enum { WHOLE, BY_IMAGE, ORDERS };

static const operand *base_of(const fv_plan *p, int id)
{
    return &p->operand[fv_plan_base(p, id)];
}

/* What a step costs an image in each order. */
static void step_costs(const fv_plan *p, const plan_step *s, double cost[ORDERS])
{
    cost[WHOLE] = cost[BY_IMAGE] = 0;
    for (int k = 0; k < s->nargs; k++) {
        if (!s->arg[k]) continue;
        const operand *o = base_of(p, s->arg[k]);
        cost[o->image ? WHOLE : BY_IMAGE] += (double)(o->image ? o->image : o->bytes);
    }
    if (p->rq.order == FV_ORDER_WEIGHTS_STAY) cost[BY_IMAGE] *= 0.25; /* in a cache that the model does not know of */
    if (p->rq.order == FV_ORDER_WHOLE) cost[BY_IMAGE] = INFINITY;
    if (p->rq.order == FV_ORDER_BY_IMAGE) cost[BY_IMAGE] = 0;
    if (!base_of(p, s->arg[0])->image) cost[BY_IMAGE] = INFINITY; /* it makes something that all images share */
}

/* What an image has at the beginning of a step that it or a later one reads. */
static double crossing(const fv_plan *p, int step)
{
    double bytes = 0;
    for (size_t id = 1; id < p->noperand; id++) {
        const operand *o = &p->operand[id];
        if (o->kind == OPERAND_BLOCK && o->first < step && o->last >= step) bytes += (double)o->image;
    }
    return bytes;
}

/* order[i]: of step i. */
static bool choose(const fv_plan *p, uint8_t *order)
{
    fv_arena scratch = { .heap = p->net->env.heap };
    uint8_t(*from)[ORDERS] = fv_arena_alloc(&scratch, p->nstep * sizeof *from); /* the order before, on the best way */
    double best[ORDERS] = { 0, 0 }, cost[ORDERS];
    for (size_t i = 0; from && i < p->nstep; i++) {
        const double change = crossing(p, (int)i), was[] = { best[0], best[1] };
        step_costs(p, &p->step[i], cost);
        for (int k = 0; k < ORDERS; k++) {
            from[i][k] = (uint8_t)(was[!k] + change < was[k] ? !k : k);
            best[k] = (from[i][k] == k ? was[k] : was[!k] + change) + cost[k];
        }
    }
    uint8_t now = best[BY_IMAGE] < best[WHOLE] ? BY_IMAGE : WHOLE;
    for (size_t i = p->nstep; from && i-- > 0; now = from[i][now]) order[i] = now;
    fv_arena_free(&scratch);
    return from != NULL;
}

/* By image, a value that lives within the segment has a lane. The others are needed from its first step to its last one:
 * one image is done with them when another has not begun. */
static void set_lives(fv_plan *p, const segment *g)
{
    for (size_t id = 1; id < p->noperand; id++) {
        operand *o = &p->operand[id];
        if (o->kind != OPERAND_BLOCK || o->first >= g->end || o->last < g->first) continue;
        if (o->image && !o->given && o->first >= g->first && o->last < g->end) {
            o->lane = true;
            o->bytes = o->image;
            continue;
        }
        if (o->first > g->first) o->first = g->first;
        if (o->last < g->end - 1) o->last = g->end - 1;
    }
}

static void give_lanes(fv_plan *p)
{
    for (size_t i = 0; i < p->nsegment; i++)
        if (p->segment[i].by_image) set_lives(p, &p->segment[i]);
    for (size_t id = 1; id < p->noperand; id++) {
        operand *o = &p->operand[id];
        if (o->kind != OPERAND_VIEW) continue;
        o->image = base_of(p, (int)id)->image;
        o->lane = base_of(p, (int)id)->lane;
    }
}

fv_status fv_plan_segments(fv_plan *p, fv_err *err)
{
    const bool plain = p->rq.train || p->rq.backward || p->rq.f64 || p->rq.exact || p->rq.batch == 1;
    uint8_t *order = fv_arena_alloc(&p->arena, p->nstep);
    p->segment = fv_arena_alloc(&p->arena, p->nstep * sizeof *p->segment);
    if (!order || !p->segment || (!plain && !choose(p, order)))
        return fv_fail(err, FV_NOMEM, "no memory for the order of %zu steps", p->nstep);
    for (size_t i = 0; i < p->nstep; i++) {
        if (i == 0 || order[i] != order[i - 1] || (p->rq.gather && (int)i == p->update_from))
            p->segment[p->nsegment++] = (segment){ .first = (int)i, .by_image = order[i] == BY_IMAGE };
        p->segment[p->nsegment - 1].end = (int)i + 1;
    }
    give_lanes(p);
    return FV_OK;
}
