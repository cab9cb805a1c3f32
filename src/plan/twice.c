/* twice.c -- where memory is short, large values that squeeze and excitation reads twice are made twice. Each channel of
 * such a value waits for a factor that depends on the whole value's averages. Instead of waiting in memory, the value is
 * made in bands whose rows are only summed, and, once the factors are known, again, in bands that are multiplied and
 * convolved on: it is never there as a whole. An average is the sum of its rows' sums either way: no bit changes.
 *
 *   before  expand, depthwise, average, factors..., multiply, project
 *   now     expand, depthwise, sums of rows | average of them, factors... | expand, depthwise, multiply, project
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/pool/pool.h"
#include "plan/parts.h"
#include <limits.h>
#include <string.h>

enum { LEAST_BYTES = 1 << 20 }; /* of the value: it takes two convolutions to save so much */

static bool is_block(const fv_plan *p, int id)
{
    return p->operand[id].kind == OPERAND_BLOCK;
}

static bool uses(const plan_step *s, int id)
{
    for (int k = 0; k < s->nargs; k++)
        if (s->arg[k] == id) return true;
    return false;
}

static int uses_of(const fv_plan *p, int id)
{
    int n = 0;
    for (size_t i = 0; i < p->nstep; i++) n += uses(&p->step[i], id);
    return n;
}

/* The step that multiplies the value which step `pool` averages, where that, the step before and the one behind are all
 * that use it and the product; -1: it is another pattern. */
static int multiplier(const fv_plan *p, int pool)
{
    const plan_step *s = &p->step[pool];
    const int v = s->arg[1], at = p->operand[v].last;
    if (!fv_plan_averages_image(s) || !is_block(p, v)) return -1;
    if (p->operand[v].image < LEAST_BYTES || p->operand[v].first != pool - 1 || at <= pool || uses_of(p, v) != 3)
        return -1;
    const plan_step *mul = &p->step[at], *next = mul + 1;
    if (mul->slot != &fv_slot_mul || (size_t)at + 1 == p->nstep) return -1;
    const int w = mul->arg[0];
    const bool plain = ((const fv_el_problem *)mul->problem)->per_channel && mul->arg[1] == v && w != v && !mul->add;
    return plain && is_block(p, w) && next->arg[1] == w && uses_of(p, w) == 2 && fv_plan_is_link(p, at) ? at : -1;
}

/* A step like another one, but for what it writes. */
static plan_step again(fv_plan *p, const plan_step *s, fv_err *err)
{
    plan_step copy = *s;
    const int id = fv_plan_operand(p, OPERAND_BLOCK, p->operand[s->arg[0]].bytes, err);
    p->operand[id].image = p->operand[s->arg[0]].image;
    copy.arg[0] = id;
    return copy;
}

static bool make_twice(fv_plan *p, int pool, int mul, fv_err *err)
{
    plan_step part[2];
    if (!fv_plan_split_average(p, &p->step[pool], part, err)) return false;
    const plan_step first = again(p, &p->step[pool - 2], err);
    plan_step second = again(p, &p->step[pool - 1], err);
    if (!first.arg[0] || !second.arg[0] || !fv_plan_make_room(p, mul, 2, err)) return false;
    second.arg[1] = first.arg[0];
    p->step[mul] = first, p->step[mul + 1] = second;
    p->step[mul + 2].arg[1] = second.arg[0];
    if (!fv_plan_make_room(p, pool, 1, err)) return false;
    p->step[pool] = part[0], p->step[pool + 1] = part[1];
    return true;
}

/* Of the step that multiplies what step `pool` averages; -1: none, or it does not pay. */
static int multiplier_behind(const fv_plan *p, int pool)
{
    return pool >= 2 && fv_plan_is_link(p, pool - 2) ? multiplier(p, pool) : -1;
}

/* Only values that are half as large as the largest, or more: what smaller ones take does not matter, what it costs to
 * make them again does. */
fv_status fv_plan_twice(fv_plan *p, fv_err *err)
{
    size_t most = 0;
    if (!fv_plan_is_short(p)) return FV_OK;
    for (int i = 0; i < (int)p->nstep; i++) {
        const size_t image = multiplier_behind(p, i) < 0 ? 0 : p->operand[p->step[i].arg[1]].image;
        if (image > most) most = image;
    }
    for (int i = 0; i < (int)p->nstep; i++) {
        const int mul = multiplier_behind(p, i);
        if (mul < 0 || 2 * p->operand[p->step[i].arg[1]].image < most) continue;
        if (!make_twice(p, i, mul, err)) return fv_fail(err, FV_NOMEM, "no memory for %zu steps", p->nstep);
        fv_plan_set_lives(p);
    }
    return FV_OK;
}
