/* pairs.c -- a 1x1 convolution that widens and the depthwise one behind it (MobileNetV2's inverted residual and its
 * descendants), or a first layer and a depthwise one, run as one: the large value between them needs no memory of its
 * own. No bit changes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d.h"
#include "plan/parts.h"

enum { LEAST_BYTES = 768 << 10 }; /* of the value between: a smaller one stays in the L2 beside the rest */

static bool is_plain(const plan_step *s)
{
    bool plain = s->slot == &fv_slot_conv2d;
    for (int k = 4; plain && k < s->nargs; k++) plain = !s->arg[k];
    return plain;
}

/* As which pair steps i and i + 1 can run; NULL: they cannot. */
static const fv_conv_pair *pair_at(const fv_plan *p, int i)
{
    const plan_step *s = &p->step[i], *next = s + 1;
    if (!is_plain(s) || !is_plain(next) || next->arg[1] != s->arg[0] || s->ld[0] || next->ld[1]) return NULL;
    const operand *o = &p->operand[s->arg[0]];
    if (o->kind != OPERAND_BLOCK || o->first != i || o->last != i + 1 || o->image < LEAST_BYTES) return NULL;
    return fv_conv_pair_of(s->kernel, s->problem, next->kernel, next->problem);
}

/* What both read and write is needed until both are done. */
static void set_lives(fv_plan *p, const band_chain *c)
{
    operand *in = &p->operand[fv_plan_base(p, p->step[c->first].arg[1])];
    operand *out = &p->operand[fv_plan_base(p, p->step[c->first + 1].arg[0])];
    operand *between = &p->operand[p->step[c->first].arg[0]];
    if (in->last < c->first + 1) in->last = c->first + 1;
    if (out->first > c->first) out->first = c->first;
    between->image = between->bytes = 0;
    between->lane = false;
    between->last = -1;
}

void fv_plan_pairs(fv_plan *p)
{
    if (p->rq.train || p->rq.backward || p->rq.f64) return;
    for (size_t g = 0; g < p->nsegment; g++) {
        for (int i = p->segment[g].first; i + 1 < p->segment[g].end; i++) {
            band_chain c = { .first = i, .end = i + 2, .pair = pair_at(p, i) };
            if (!c.pair) continue;
            c.bands = ((const fv_conv_problem *)p->step[i + 1].problem)->oh;
            set_lives(p, &c);
            p->chain[p->nchain++] = c;
            p->step[i++].chain = (int)p->nchain;
        }
    }
}

size_t fv_plan_pair_scratch(const fv_plan *p, const band_chain *c)
{
    return c->pair->scratch(p->step[c->first].problem, p->step[c->first + 1].problem);
}

void fv_plan_run_pair(const fv_plan *p, const band_chain *c, int image, int lane, int thread, int begin, int end)
{
    const step_run a = fv_plan_step_run(p, c->first, image, lane, 1),
                   b = fv_plan_step_run(p, c->first + 1, image, lane, 1);
    const fv_work first = { .problem = a.s->problem, .n = 1, .arg = a.arg, .ld = a.s->ld };
    const fv_work second = { .problem = b.s->problem,
                             .n = 1,
                             .arg = b.arg,
                             .scratch = p->scratch + (size_t)thread * p->scratch_bytes,
                             .begin = begin,
                             .end = end,
                             .ld = b.s->ld };
    c->pair->run(&first, &second, p->seconds && thread == 0 ? p->seconds + c->first : NULL);
}
