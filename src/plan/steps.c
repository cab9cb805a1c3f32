/* steps.c -- the steps of a plan for who looks at it: what computes them and why, what they multiply and move.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d.h"
#include "kernels/copy/copy.h"
#include "plan/parts.h"

/* Why the step's row was taken among its slot's. */
static const char *reason(const fv_plan *p, const plan_step *s)
{
    bool lacks = false, shape = false;
    for (const fv_kernel *k = s->slot->rows; k != s->kernel; k++) {
        lacks |= (k->cpu & ~p->rq.cpu) != 0;
        shape |= (k->cpu & ~p->rq.cpu) == 0;
    }
    if (s->slot->nrows == 1) return "the only row";
    if (shape) return "faster rows do not take this shape";
    return lacks ? "fastest that this CPU has" : "fastest";
}

static int64_t tiles_of(int size, int tile)
{
    return (size + tile - 1) / tile;
}

/* Winograd's tiles do fewer products than the convolution has, some of them for pixels beyond its borders. Of a strided
 * one the pixels of a step are channels, and the taps as many times fewer. */
static int64_t products_of(const plan_step *s, int64_t macs)
{
    const fv_conv_problem *c = s->problem;
    const int tile = s->kernel->tile, side = tile ? tile + (c->kh + c->sh - 1) / c->sh - 1 : 0;
    if (!tile) return macs;
    const bool back = s->slot == &fv_slot_conv2d_dgrad;
    const int64_t tiles = tiles_of(back ? c->h : c->oh, tile) * tiles_of(back ? c->w : c->ow, tile);
    return tiles * side * side * c->sh * c->sw * c->c * c->oc;
}

/* Channels that a step touches of the pixels of a view. */
static int view_channels(const fv_plan *p, const plan_step *s, int k)
{
    if (s->slot == &fv_slot_gather) return ((const fv_copy_problem *)s->problem)->c;
    const plan_node *n = &p->node[s->node];
    return k == 1 ? p->node[n->in[0]].shape.c : n->shape.c;
}

/* Bytes of operand k in a run of the whole batch. */
static int64_t moved(const fv_plan *p, const plan_step *s, int k)
{
    const operand *o = &p->operand[s->arg[k]];
    if (!s->arg[k] || o->kind == OPERAND_RUN) return 0;
    if (o->kind == OPERAND_VIEW) {
        const size_t pixels = p->operand[o->of].image / ((size_t)o->ld * p->real);
        return (int64_t)(pixels * (size_t)view_channels(p, s, k) * p->real) * p->rq.batch;
    }
    return o->image ? (int64_t)o->image * p->rq.batch : (int64_t)o->bytes;
}

static bool by_image(const fv_plan *p, int step)
{
    for (size_t i = 0; i < p->nsegment; i++)
        if (step >= p->segment[i].first && step < p->segment[i].end) return p->segment[i].by_image;
    return false;
}

bool fv_plan_step_at(const fv_plan *p, int i, fv_step_info *info)
{
    if (i < 0 || (size_t)i >= p->nstep) return false;
    const plan_step *s = &p->step[i];
    *info = (fv_step_info){ .slot = s->slot->name, .kernel = s->kernel->name, .reason = reason(p, s) };
    info->by_image = by_image(p, i);
    for (int k = 0; k < s->nargs; k++) {
        const operand_kind kind = p->operand[s->arg[k]].kind;
        const int64_t bytes = moved(p, s, k);
        info->bytes += bytes;
        if (!p->operand[s->arg[k]].image && (kind == OPERAND_OWN || kind == OPERAND_WEIGHTS))
            info->weight_bytes += bytes;
    }
    if (s->node < 0) return true;
    const plan_node *n = &p->node[s->node];
    const bool product =
        s->slot == &fv_slot_conv2d || s->slot == &fv_slot_conv2d_dgrad || s->slot == &fv_slot_conv2d_wgrad;
    fv_shape x[FV_MAX_IN];
    info->name = n->name;
    info->out = n->shape;
    for (int k = 0; k < n->nin; k++) x[k] = p->node[n->in[k]].shape;
    if (product) info->macs = fv_ops[n->op]->macs(&n->attr, x, &n->shape);
    info->products = products_of(s, info->macs);
    return true;
}
