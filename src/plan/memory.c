/* memory.c -- offsets by liveness: two operands share memory when no step needs both. Largest first, each at the lowest
 * place that is free for its whole life. Then one block is taken: what lives as long as the plan, activations, lanes,
 * scratch. Together they lie on large pages, which each by itself may be too small for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

static size_t up(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

typedef struct piece {
    size_t bytes, at;
    int id, first, last;
} piece;

static int by_size(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
    const piece *const *x = a, *const *y = b;
    return (*x)->at < (*y)->at ? -1 : (*x)->at > (*y)->at;
}

static size_t lowest_gap(const piece *const *busy, int n, size_t bytes)
{
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        if (busy[i]->at >= at + bytes) break;
        const size_t end = busy[i]->at + busy[i]->bytes;
        if (end > at) at = end;
    }
    return at;
}

static bool dies_at(const operand *r, const operand *y, int step)
{
    return r->kind == OPERAND_BLOCK && !r->given && r->bytes == y->bytes && r->lane == y->lane && !r->copy &&
           !y->copy && r->last == step && r->first < step;
}

/* Results that take over the memory of a dying operand form chains; root[] is where each chain began. The operand must
 * have no second role in the step. */
static void share(const fv_plan *p, int *root)
{
    for (int id = 1; id < (int)p->noperand; id++) root[id] = id;
    for (int i = 0; i < (int)p->nstep; i++) {
        const plan_step *s = &p->step[i];
        const operand *y = &p->operand[s->arg[0]];
        if (y->kind != OPERAND_BLOCK || y->first != i) continue;
        for (int r = 1; r < s->nargs; r++) {
            int roles = 0;
            for (int k = 0; k < s->nargs; k++) roles += fv_plan_base(p, s->arg[k]) == s->arg[r];
            if (!(s->inplace & 1u << r) || roles != 1 || !dies_at(&p->operand[s->arg[r]], y, i)) continue;
            root[s->arg[0]] = root[s->arg[r]];
            break;
        }
    }
}

/* One piece per chain, living as long as all of it. */
static int collect(const fv_plan *p, bool lanes, const int *root, piece *all, int *piece_of)
{
    int n = 0;
    for (int id = 1; id < (int)p->noperand; id++) {
        const operand *o = &p->operand[id];
        if (o->kind != OPERAND_BLOCK || o->last < 0 || o->lane != lanes) continue;
        if (root[id] == id) {
            piece_of[id] = n;
            all[n++] = (piece){ .bytes = up(o->bytes), .id = id, .first = o->first, .last = o->last };
        }
    }
    for (int id = 1; id < (int)p->noperand; id++) {
        const operand *o = &p->operand[id];
        if (o->kind != OPERAND_BLOCK || o->last < 0 || o->lane != lanes || root[id] == id) continue;
        piece *whole = &all[piece_of[root[id]]];
        if (o->last > whole->last) whole->last = o->last;
    }
    return n;
}

static size_t place(piece *all, int n, const piece **busy)
{
    size_t total = 0;
    qsort(all, (size_t)n, sizeof *all, by_size);
    for (int i = 0; i < n; i++) {
        int nbusy = 0;
        for (int k = 0; k < i; k++)
            if (all[k].first <= all[i].last && all[i].first <= all[k].last) busy[nbusy++] = &all[k];
        qsort(busy, (size_t)nbusy, sizeof *busy, by_place);
        all[i].at = lowest_gap(busy, nbusy, all[i].bytes);
        if (all[i].at + all[i].bytes > total) total = all[i].at + all[i].bytes;
    }
    return total;
}

static fv_status offsets(fv_plan *p, fv_err *err)
{
    piece *all = fv_arena_alloc(&p->arena, p->noperand * sizeof *all);
    const piece **busy = fv_arena_alloc(&p->arena, p->noperand * sizeof *busy);
    int *root = fv_arena_alloc(&p->arena, p->noperand * sizeof *root);
    int *piece_of = fv_arena_alloc(&p->arena, p->noperand * sizeof *piece_of);
    if (!all || !busy || !root || !piece_of) return fv_fail(err, FV_NOMEM, "no memory for %zu operands", p->noperand);
    share(p, root);
    for (int lanes = 0; lanes < 2; lanes++) {
        const int n = collect(p, lanes, root, all, piece_of);
        *(lanes ? &p->lane_bytes : &p->block_bytes) = place(all, n, busy);
        for (int i = 0; i < n; i++) p->operand[all[i].id].at = all[i].at;
    }
    for (int id = 1; id < (int)p->noperand; id++)
        if (p->operand[id].kind == OPERAND_BLOCK) p->operand[id].at = p->operand[root[id]].at;
    for (int id = 1; id < (int)p->noperand; id++) {
        operand *o = &p->operand[id];
        if (o->kind != OPERAND_OWN) continue;
        o->at = p->own_bytes;
        p->own_bytes += up(o->bytes);
    }
    for (size_t i = 0; i < p->nstep; i++) {
        const fv_kernel *k = p->step[i].kernel;
        const size_t need = !p->rq.f64 && k->scratch ? up(k->scratch(p->step[i].problem)) : 0;
        if (need > p->scratch_bytes) p->scratch_bytes = need;
    }
    const size_t bands = up(fv_plan_band_scratch(p));
    if (bands > p->scratch_bytes) p->scratch_bytes = bands;
    return FV_OK;
}

static void *pointer_of(fv_plan *p, const operand *o)
{
    switch (o->kind) {
    case OPERAND_BLOCK:
        return (o->lane ? p->lanes : p->block) + o->at;
    case OPERAND_OWN:
        return p->own + o->at;
    case OPERAND_WEIGHTS:
        return p->net->weights + o->at;
    case OPERAND_RUN:
        return &p->run;
    case OPERAND_VIEW:
        return (uint8_t *)p->pointer[o->of] + (size_t)o->front * p->real;
    }
    return NULL;
}

/* Packed weights are left out: to write them twice would take longer than to pack them. */
static void clear_own(fv_plan *p)
{
    for (size_t id = 1; id < p->noperand; id++) {
        const operand *o = &p->operand[id];
        if (o->kind == OPERAND_OWN && !o->whole) memset(p->own + o->at, 0, up(o->bytes));
    }
}

fv_status fv_plan_memory(fv_plan *p, fv_err *err)
{
    const fv_allocator *heap = p->net->env.heap;
    FV_TRY(offsets(p, err));
    const size_t threads = (size_t)fv_threads_count(p->pool);
    const size_t bytes[] = { up(p->own_bytes), up(p->block_bytes), up(p->lane_bytes * threads),
                             up(p->scratch_bytes * threads) };
    uint8_t **const part[] = { &p->own, &p->block, &p->lanes, &p->room };
    size_t all = LINE;
    for (int i = 0; i < 4; i++)
        if (!fv_add_size(all, bytes[i], &all)) return fv_fail(err, FV_NOMEM, "no memory for a plan of such size");
    FV_TRY(fv_alloc_or(heap, (void **)&p->memory, all, err));
    *part[0] = p->memory;
    for (int i = 1; i < 4; i++) *part[i] = *part[i - 1] + bytes[i - 1];
    p->scratch = p->room, p->room_bytes = bytes[3];
    clear_own(p);
    p->pointer = fv_arena_alloc(&p->arena, p->noperand * sizeof *p->pointer);
    if (!p->pointer) return fv_fail(err, FV_NOMEM, "no memory for %zu pointers", p->noperand);
    for (size_t id = 1; id < p->noperand; id++) { /* what a view lies in comes before it */
        const operand *o = &p->operand[id];
        p->pointer[id] = pointer_of(p, o);
        if (o->channels) memcpy(p->pointer[id], o->channels, o->bytes);
    }
    return FV_OK;
}

fv_status fv_plan_scratch(fv_plan *p, size_t bytes, fv_err *err)
{
    const fv_allocator *heap = p->net->env.heap;
    const size_t all = bytes * (size_t)fv_threads_count(p->pool);
    fv_release(heap, p->wide_scratch);
    p->wide_scratch = NULL;
    if (all > p->room_bytes) FV_TRY(fv_alloc_or(heap, (void **)&p->wide_scratch, all + LINE, err));
    p->scratch = p->wide_scratch ? p->wide_scratch : p->room;
    p->scratch_bytes = bytes;
    return FV_OK;
}
