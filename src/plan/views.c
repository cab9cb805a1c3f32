/* views.c -- values that need no memory of their own. In inference plans the inputs of a concatenation are written where
 * they belong by the steps that make them, a slice is some channels of what it is cut from, and a channel shuffle
 * (Zhang et al. 2017, section 3.1) is an order in which channels are read: 1 x 1 convolutions take it as a map, in the
 * order of memory and with their weights in that order; for others it is copied out once. A value that passes through into
 * the next concatenation is copied in ascending order of its channels, which are runs then; the map remembers the right one.
 *
 * A depthwise layer behind a shuffle works in the order of memory, so that the next 1 x 1 convolution reads by the map instead.
 *
 * Values carry no halo: kernels copy the strips whose windows leave the image, or leave columns out (conv2d_walk.inc,
 * conv2d_dw.inc).
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv2d/conv2d.h"
#include "kernels/copy/copy.h"
#include "plan/parts.h"
#include <string.h>

int fv_plan_base(const fv_plan *p, int id)
{
    return p->operand[id].kind == OPERAND_VIEW ? p->operand[id].of : id;
}

/* Ops whose forward step may write pixels that lie apart. */
static bool writes_apart(fv_op_id op)
{
    switch (op) {
    case FV_OP_CONV2D:
    case FV_OP_MAXPOOL:
    case FV_OP_AVGPOOL:
    case FV_OP_BATCHNORM:
    case FV_OP_ACTIVATION:
    case FV_OP_ADD:
        return true;
    default:
        return false;
    }
}

/* The first concatenation that a value goes into is where it is written. */
static void find_homes(fv_plan *p)
{
    for (int i = 0; i < p->nnode; i++) p->home[i] = -1;
    for (int i = 0; i < p->nnode; i++) {
        const plan_node *n = &p->node[i];
        for (int k = 0; !n->dead && n->op == FV_OP_CONCAT && k < n->nin; k++) {
            const int v = n->in[k];
            int times = 0;
            for (int j = 0; j < n->nin; j++) times += n->in[j] == v;
            if (times == 1 && p->home[v] < 0 && writes_apart(p->node[v].op) && !fv_plan_named(p, v)) p->home[v] = i;
        }
    }
}

static int new_view(fv_plan *p, int of, int ld, int front, int map, fv_err *err)
{
    const int id = fv_plan_operand(p, OPERAND_VIEW, 0, err);
    if (!id) return 0;
    operand *o = &p->operand[id];
    o->of = of, o->ld = ld, o->front = front, o->map = map;
    return id;
}

/* Channels of a value in its operand, as a list in the arena. */
static int32_t *channels_of(fv_plan *p, int id, int c)
{
    const operand *o = &p->operand[id];
    int32_t *list = fv_arena_alloc(&p->arena, (size_t)c * sizeof *list);
    for (int i = 0; list && i < c; i++) {
        if (o->kind != OPERAND_VIEW) list[i] = i;
        else list[i] = o->map ? p->operand[o->map].channels[i] : o->front + i;
    }
    return list;
}

static int width_of(const fv_plan *p, int id, int c)
{
    return p->operand[id].kind == OPERAND_VIEW ? p->operand[id].ld : c;
}

static int list_operand(fv_plan *p, const int32_t *list, int c, fv_err *err)
{
    const int id = fv_plan_operand(p, OPERAND_OWN, (size_t)c * sizeof *list, err);
    if (id) p->operand[id].channels = list;
    return id;
}

/* The channels `list` of operand `of`; a map where they do not follow each other. */
static int view_of(fv_plan *p, int of, int ld, const int32_t *list, int c, fv_err *err)
{
    int i = 1;
    while (i < c && list[i] == list[0] + i) i++;
    if (i >= c) return new_view(p, of, ld, list[0], 0, err);
    const int map = list_operand(p, list, c, err);
    return map ? new_view(p, of, ld, 0, map, err) : 0;
}

static int view_slice(fv_plan *p, int v, fv_err *err)
{
    const plan_node *n = &p->node[v];
    const int from = p->value[n->in[0]], c = p->node[n->in[0]].shape.c, begin = n->attr.slice.begin;
    const int32_t *list = channels_of(p, from, c);
    return list ? view_of(p, fv_plan_base(p, from), width_of(p, from, c), list + begin, n->shape.c, err) : 0;
}

static int view_shuffle(fv_plan *p, int v, fv_err *err)
{
    const plan_node *n = &p->node[v];
    const int from = p->value[n->in[0]], c = n->shape.c, groups = n->attr.groups, each = c / groups;
    const int32_t *list = channels_of(p, from, c);
    int32_t *mixed = fv_arena_alloc(&p->arena, (size_t)c * sizeof *mixed);
    if (!list || !mixed) return 0;
    for (int i = 0; i < groups; i++)
        for (int j = 0; j < each; j++) mixed[j * groups + i] = list[i * each + j];
    return view_of(p, fv_plan_base(p, from), width_of(p, from, c), mixed, c, err);
}

/* A depthwise layer keeps to the channels' order in memory, with weights in that order; its value has the map of its input. */
static bool keeps_order(const fv_plan *p, int v)
{
    const plan_node *n = &p->node[v];
    const int c = n->shape.c;
    if (n->op != FV_OP_CONV2D || n->nin != 1 || n->attr.conv.groups != c || p->node[n->in[0]].shape.c != c)
        return false;
    const operand *x = &p->operand[p->value[n->in[0]]];
    const bool all = x->kind == OPERAND_VIEW && x->map && x->ld == c && p->operand[x->of].kind == OPERAND_BLOCK;
    return all && (n->fold >= 0 || n->nparam == 1);
}

static int view_depthwise(fv_plan *p, int v, fv_err *err)
{
    plan_node *n = &p->node[v];
    const int c = n->shape.c, from = p->value[n->in[0]], own = fv_plan_tensor(p, v, false, err);
    const int32_t *list = channels_of(p, from, c);
    int32_t *order = fv_arena_alloc(&p->arena, (size_t)c * sizeof *order);
    if (!own || !list || !order) return 0;
    for (int i = 0; i < c; i++) order[list[i]] = i;
    n->order = order;
    return new_view(p, own, c, 0, p->operand[from].map, err);
}

/* May the concatenation's channels lie in another order? Where only shuffles look at it. */
static bool order_is_free(const fv_plan *p, int v)
{
    if (fv_plan_named(p, v)) return false;
    for (int i = v + 1; i < p->nnode; i++)
        for (int k = 0; k < p->node[i].nin; k++)
            if (!p->node[i].dead && p->node[i].in[k] == v && p->node[i].op != FV_OP_SHUFFLE) return false;
    return true;
}

/* Place of list[i] among the list's channels in ascending order: they are different ones. */
static void ranks(const int32_t *list, int c, int32_t *rank)
{
    for (int i = 0; i < c; i++) {
        rank[i] = 0;
        for (int j = 0; j < c; j++) rank[i] += list[j] < list[i];
    }
}

/* Memory of a concatenation: a view of it, for the order of channels that are copied by rank. */
static int view_concat(fv_plan *p, int v, fv_err *err)
{
    const plan_node *n = &p->node[v];
    const int c = n->shape.c, base = p->value[v];
    int32_t *list = fv_arena_alloc(&p->arena, (size_t)c * sizeof *list);
    const bool freely = order_is_free(p, v);
    for (int k = 0, front = 0; list && k < n->nin; front += p->node[n->in[k++]].shape.c) {
        const int part = p->node[n->in[k]].shape.c;
        const int32_t *from = channels_of(p, p->value[n->in[k]], part);
        const bool copied = p->home[n->in[k]] != v;
        if (!from) return 0;
        if (freely && copied) ranks(from, part, list + front);
        for (int i = 0; i < part; i++) list[front + i] = front + (freely && copied ? list[front + i] : i);
    }
    if (!list || base == 0) return 0;
    const int view = view_of(p, base, c, list, c, err);
    return view && !p->operand[view].map ? base : view;
}

/* The memory of concatenations, before the values that are written into it. */
static void own_memory(fv_plan *p, fv_err *err)
{
    for (int i = 0; i < p->nnode; i++) {
        if (p->node[i].dead || p->node[i].op != FV_OP_CONCAT) continue;
        p->value[i] = fv_plan_tensor(p, i, fv_plan_named(p, i), err);
    }
}

static int front_in(const fv_plan *p, int concat, int v)
{
    const plan_node *n = &p->node[concat];
    int front = 0;
    for (int k = 0; n->in[k] != v; k++) front += p->node[n->in[k]].shape.c;
    return front;
}

fv_status fv_plan_views(fv_plan *p, fv_err *err)
{
    if (p->rq.backward || p->rq.train || p->rq.exact || p->rq.f64) return FV_OK;
    p->home = fv_arena_alloc(&p->arena, (size_t)p->nnode * sizeof *p->home);
    if (!p->home) return fv_fail(err, FV_NOMEM, "no memory for the plan's views");
    find_homes(p);
    own_memory(p, err);
    for (int i = 0; i < p->nnode && err->status == FV_OK && !p->arena.failed; i++) {
        const fv_op_id op = p->node[i].op;
        const int home = p->home[i];
        if (p->node[i].dead) continue;
        if (home >= 0) p->value[i] = new_view(p, p->value[home], p->node[home].shape.c, front_in(p, home, i), 0, err);
        else if (op == FV_OP_CONCAT) p->value[i] = view_concat(p, i, err);
        else if (!fv_plan_named(p, i) && keeps_order(p, i)) p->value[i] = view_depthwise(p, i, err);
        else if (fv_plan_named(p, i) || (op != FV_OP_SLICE && op != FV_OP_SHUFFLE)) {
            p->value[i] = fv_plan_tensor(p, i, fv_plan_named(p, i), err);
        } else p->value[i] = op == FV_OP_SLICE ? view_slice(p, i, err) : view_shuffle(p, i, err);
    }
    if (p->arena.failed) return fv_fail(err, FV_NOMEM, "no memory for the plan's views");
    return err->status;
}

/* ---- steps ---- */

/* Copies the channels `list` (NULL: those of the view, in order) of a value of node v to operand `to`. */
static void gather(fv_plan *p, int node, int v, int to, int from, const int32_t *list, fv_err *err)
{
    const fv_shape s = p->node[v].shape;
    const operand *o = &p->operand[from];
    const bool view = o->kind == OPERAND_VIEW;
    const int ld = width_of(p, from, s.c), of = fv_plan_base(p, from), front = view && !list && !o->map ? o->front : 0;
    int map = view && !list ? o->map : 0;
    if (list) map = list_operand(p, list, s.c, err);
    const int raw = new_view(p, of, ld, front, 0, err);
    const fv_copy_problem q = { .h = s.h, .w = s.w, .c = s.c, .oc = ld };
    if (raw) fv_plan_step(p, node, &fv_slot_gather, &q, sizeof q, 1, 3, (int[]){ to, raw, map }, err);
}

bool fv_plan_join(fv_plan *p, int node, fv_err *err)
{
    const plan_node *n = &p->node[node];
    if (!p->home) return false;
    if (n->op != FV_OP_CONCAT) return p->operand[p->value[node]].kind == OPERAND_VIEW && p->home[node] < 0 && !n->order;
    const int base = fv_plan_base(p, p->value[node]);
    const bool freely = order_is_free(p, node);
    for (int k = 0, front = 0; k < n->nin; front += p->node[n->in[k++]].shape.c) {
        const int v = n->in[k], c = p->node[v].shape.c, from = p->value[v];
        if (p->home[v] == node) continue;
        const int part = new_view(p, base, n->shape.c, front, 0, err);
        int32_t *list = NULL;
        if (freely && p->operand[from].kind == OPERAND_VIEW && p->operand[from].map) {
            const int32_t *right = p->operand[p->operand[from].map].channels;
            int32_t *rank = fv_arena_alloc(&p->arena, (size_t)c * sizeof *rank);
            list = fv_arena_alloc(&p->arena, (size_t)c * sizeof *list);
            if (!rank || !list) return true;
            ranks(right, c, rank);
            for (int i = 0; i < c; i++) list[rank[i]] = right[i];
        }
        gather(p, node, v, part, from, list, err);
    }
    return true;
}

/* Which value an operand is: for its shape. */
static int node_of(const fv_plan *p, int id)
{
    int v = 0;
    while (v < p->nnode && p->value[v] != id) v++;
    return v;
}

static int dense_copy(fv_plan *p, int id, fv_err *err)
{
    if (p->operand[id].dense) return p->operand[id].dense;
    const int v = node_of(p, id);
    const int copy = fv_plan_tensor(p, v, false, err);
    if (!copy) return 0;
    p->operand[id].dense = copy;
    gather(p, v, v, copy, id, NULL, err);
    return copy;
}

/* Dense convolutions read channels by a map, and grouped ones of a single tap (conv2d.h). */
static bool takes_map(const fv_slot *slot, const plan_step *s, int arg)
{
    const fv_conv_problem *c = s->problem;
    return slot == &fv_slot_conv2d && arg == 1 && fv_conv_takes_map(c);
}

/* The map of a convolution of a single tap in ascending order within each group: channels that follow each other in memory
 * are runs then. Its weights take the same order. */
static int ascending(fv_plan *p, const plan_step *s, int map, fv_err *err)
{
    const fv_conv_problem *q = s->problem;
    const int k = q->c / q->groups;
    if (s->node < 0 || q->kh * q->kw > 1) return map;
    const int32_t *list = p->operand[map].channels;
    int32_t *rank = fv_arena_alloc(&p->arena, (size_t)k * sizeof *rank);
    int32_t *sorted = fv_arena_alloc(&p->arena, (size_t)q->c * sizeof *sorted);
    int32_t *order = fv_arena_alloc(&p->arena, (size_t)q->c * sizeof *order);
    if (!rank || !sorted || !order) return 0;
    for (int first = 0; first < q->c; first += k) {
        ranks(list + first, k, rank);
        for (int i = 0; i < k; i++) sorted[first + rank[i]] = list[first + i], order[first + rank[i]] = first + i;
    }
    p->node[s->node].order = order;
    return list_operand(p, sorted, q->c, err);
}

void fv_plan_resolve(fv_plan *p, const fv_slot *slot, plan_step *s, fv_err *err)
{
    const bool keeps = slot == &fv_slot_conv2d && s->node >= 0 && p->node[s->node].order && !takes_map(slot, s, 1);
    for (int k = 0; keeps && k < 2; k++) s->arg[k] = fv_plan_base(p, s->arg[k]);
    for (int k = 0; k < s->nargs; k++) {
        const operand *o = &p->operand[s->arg[k]];
        if (!s->arg[k] || o->kind != OPERAND_VIEW) continue;
        if (o->map && takes_map(slot, s, k)) {
            const int map = o->map, raw = new_view(p, o->of, o->ld, 0, 0, err);
            s->arg[k] = raw;
            s->arg[5] = ascending(p, s, map, err);
            s->nargs = 6;
        } else if (o->map || !(slot->strided & 1u << k)) {
            s->arg[k] = dense_copy(p, s->arg[k], err);
            continue;
        }
        s->ld[k] = p->operand[s->arg[k]].ld;
    }
}
