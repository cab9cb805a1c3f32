/* bands.c -- where memory is short, convolutions that follow each other and whose values between them are large go
 * through an image band by band (with the products and sums of rows that twice.c puts between and behind them): as many
 * rows of the last one's output at a time as keep all rows that they need in the cache. A value between two of them has room
 * for the rows of one band, in each thread's lane; rows that the next band needs as well move up. A thread that begins in
 * the middle of an image makes the rows above its first band itself.
 *
 * A band is the same convolution on fewer rows, by the same kernel: no bit changes. Winograd's tiles, whose grid begins at
 * the first row, are left out. (It is no faster: where the L3 holds the values, fetching them costs as little as what bands
 * add. What is faster is pairs.c.)
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/pool/pool.h"
#include "plan/parts.h"
#include <string.h>

enum {
    LONGEST = 4,             /* steps of a chain */
    LEAST_BYTES = 768 << 10, /* of a value between two steps */
    BAND_BYTES = 192 << 10,  /* of the rows of all values of a band */
    STRIP_BYTES = 64 << 10,  /* of a convolution's packed inputs */
    LEAST_BANDS = 4          /* for each thread */
};

typedef struct rows {
    int begin, end;
} rows;

/* A convolution's problem, or, for other steps, that of one with the same rows. */
static fv_conv_problem problem_of(const fv_plan *p, const plan_step *s)
{
    if (s->slot == &fv_slot_conv2d) return *(const fv_conv_problem *)s->problem;
    fv_conv_problem like = { .kh = 1, .kw = 1, .sh = 1, .sw = 1, .dh = 1, .dw = 1 };
    if (s->slot == &fv_slot_mul) {
        const fv_shape y = p->node[s->node].shape;
        like.h = like.oh = y.h, like.w = like.ow = y.w, like.c = like.oc = y.c;
    } else {
        const fv_pool_problem *q = s->problem;
        like.h = like.oh = q->h, like.w = q->w, like.ow = 1, like.c = like.oc = q->c;
    }
    return like;
}

/* The input rows that some output rows are made of. */
static rows needed(const fv_conv_problem *c, rows out)
{
    const int begin = out.begin * c->sh - c->top, end = (out.end - 1) * c->sh - c->top + (c->kh - 1) * c->dh + 1;
    return (rows){ begin < 0 ? 0 : begin, end > c->h ? c->h : end };
}

/* The output rows of each step of a chain for a band; `want` is as long as the chain. */
static void band_rows(const fv_plan *p, const band_chain *c, int band, rows *want)
{
    const int last = c->end - 1, height = problem_of(p, &p->step[last]).oh, end = (band + 1) * c->rows;
    want[last - c->first] = (rows){ band * c->rows, end < height ? end : height };
    for (int i = last; i > c->first; i--) {
        const fv_conv_problem q = problem_of(p, &p->step[i]);
        want[i - 1 - c->first] = needed(&q, want[i - c->first]);
    }
}

/* The problem of a step for some rows of its output. */
typedef union band_problem {
    fv_conv_problem conv;
    fv_el_problem mul;
    fv_pool_problem sums;
} band_problem;

static band_problem on_rows(const plan_step *s, const fv_conv_problem *c, rows out)
{
    const rows in = needed(c, out);
    band_problem part;
    if (s->slot == &fv_slot_mul) {
        part.mul = *(const fv_el_problem *)s->problem;
        part.mul.pixels = (size_t)(out.end - out.begin) * (size_t)c->ow;
    } else if (s->slot == &fv_slot_avgpool) {
        part.sums = *(const fv_pool_problem *)s->problem;
        part.sums.h = part.sums.oh = out.end - out.begin;
    } else {
        part.conv = *c;
        part.conv.top = in.begin - (out.begin * c->sh - c->top);
        part.conv.h = in.end - in.begin;
        part.conv.oh = out.end - out.begin;
        part.conv.whole = c->oh;
    }
    return part;
}

/* ---- planning ---- */

bool fv_plan_is_short(const fv_plan *p)
{
    return p->net->env.low_memory && !p->rq.train && !p->rq.backward && !p->rq.f64 && !p->rq.exact;
}

static bool is_dense(const fv_plan *p, const plan_step *s)
{
    const fv_conv_problem *c = s->problem;
    return s->slot == &fv_slot_conv2d && !s->kernel->tile && c->top < (c->kh - 1) * c->dh + 1 && !p->rq.f64;
}

/* Is each row of its output made of some rows of its input? */
static bool goes_by_rows(const fv_plan *p, const plan_step *s)
{
    if (s->slot == &fv_slot_mul) return ((const fv_el_problem *)s->problem)->per_channel && !s->ld[0] && !s->ld[1];
    if (s->slot == &fv_slot_avgpool) return fv_plan_sums_rows(s->problem);
    return is_dense(p, s);
}

/* Does step i + 1 read what step i makes, and nothing else does? */
bool fv_plan_is_link(const fv_plan *p, int i)
{
    const plan_step *s = &p->step[i], *next = s + 1;
    if (!goes_by_rows(p, s) || !goes_by_rows(p, next) || next->arg[1] != s->arg[0] || next->arg[4] == s->arg[0])
        return false;
    const operand *o = &p->operand[s->arg[0]];
    return o->kind == OPERAND_BLOCK && o->image >= LEAST_BYTES && o->first == i && o->last == i + 1;
}

static int64_t row_bytes(const fv_conv_problem *c)
{
    return 4 * (int64_t)c->ow * c->oc;
}

/* Bytes that a band of so many rows touches: the input's rows and all outputs'. */
static int64_t band_bytes(const fv_plan *p, const band_chain *c, int height)
{
    rows out = { 0, height };
    int64_t bytes = 0;
    for (int i = c->end - 1; i >= c->first; i--) {
        const fv_conv_problem q = problem_of(p, &p->step[i]);
        bytes += (out.end - out.begin) * row_bytes(&q);
        const int above = out.begin * q.sh, below = (out.end - 1) * q.sh + (q.kh - 1) * q.dh + 1;
        out = (rows){ above, below };
    }
    const fv_conv_problem first = problem_of(p, &p->step[c->first]);
    return bytes + 4 * (int64_t)(out.end - out.begin) * first.w * first.c;
}

static void set_rows(const fv_plan *p, band_chain *c)
{
    const int height = problem_of(p, &p->step[c->end - 1]).oh, bands = LEAST_BANDS * fv_threads_count(p->pool);
    c->rows = (height + bands - 1) / bands;
    while (c->rows > 1 && band_bytes(p, c, c->rows) > BAND_BYTES) c->rows--;
    c->bands = (height + c->rows - 1) / c->rows;
}

/* The value between step i and the next one: room for the most rows of a band, in each lane. */
static void shrink(fv_plan *p, const band_chain *c, int i, bool by_image)
{
    int most = 0;
    for (int b = 0; b < c->bands; b++) {
        rows want[LONGEST];
        band_rows(p, c, b, want);
        const int height = want[i - c->first].end - want[i - c->first].begin;
        if (height > most) most = height;
    }
    operand *o = &p->operand[p->step[i].arg[0]];
    const fv_conv_problem q = problem_of(p, &p->step[i]);
    const size_t bytes = ((size_t)most * (size_t)row_bytes(&q) + 63) / 64 * 64;
    o->lane = by_image;
    o->copy = by_image ? 0 : bytes;
    o->bytes = by_image ? bytes : bytes * (size_t)fv_threads_count(p->pool);
}

/* While a chain runs, what goes in and what comes out are there as a whole. Where a value between is smaller than both,
 * and nothing else needs what went in, it takes less to make that value first. */
static void cut_at_waist(const fv_plan *p, band_chain *c)
{
    const operand *in = &p->operand[fv_plan_base(p, p->step[c->first].arg[1])];
    const size_t out = p->operand[fv_plan_base(p, p->step[c->end - 1].arg[0])].image;
    const size_t ends = out < in->image ? out : in->image;
    if (in->kind != OPERAND_BLOCK || in->last > c->first) return;
    for (int i = c->first; i + 1 < c->end; i++)
        if (p->operand[p->step[i].arg[0]].image < ends) c->end = i + 1;
}

/* The values that the band's last step and the first one's readers need, live as long as the chain runs. */
static void set_lives(fv_plan *p, const band_chain *c)
{
    for (int i = c->first; i < c->end; i++)
        for (int k = 0; k < p->step[i].nargs; k++) {
            operand *o = &p->operand[fv_plan_base(p, p->step[i].arg[k])];
            if (!p->step[i].arg[k] || o->kind != OPERAND_BLOCK) continue;
            if (o->first > c->first) o->first = c->first;
            if (o->last < c->end - 1) o->last = c->end - 1;
        }
}

fv_status fv_plan_bands(fv_plan *p, fv_err *err)
{
    p->chain = fv_arena_alloc(&p->arena, (p->nstep + 1) * sizeof *p->chain);
    if (!p->chain) return fv_fail(err, FV_NOMEM, "no memory for the bands of %zu steps", p->nstep);
    if (!fv_plan_is_short(p)) {
        fv_plan_pairs(p);
        return FV_OK;
    }
    for (size_t i = 0; i < p->nstep; i++)
        if (is_dense(p, &p->step[i])) ((fv_conv_problem *)p->step[i].problem)->blocks.inputs = STRIP_BYTES;
    for (size_t g = 0; g < p->nsegment; g++) {
        for (int i = p->segment[g].first; i + 1 < p->segment[g].end; i++) {
            band_chain c = { .first = i, .end = i + 1 };
            while (c.end < p->segment[g].end && c.end - c.first < LONGEST && fv_plan_is_link(p, c.end - 1)) c.end++;
            cut_at_waist(p, &c);
            if (c.end - c.first < 2) continue;
            set_rows(p, &c);
            for (int k = c.first; k + 1 < c.end; k++) shrink(p, &c, k, p->segment[g].by_image);
            set_lives(p, &c);
            p->chain[p->nchain++] = c;
            p->step[i].chain = (int)p->nchain;
            i = c.end - 1;
        }
    }
    return FV_OK;
}

static size_t scratch_of(const fv_plan *p, int step, rows out)
{
    const fv_conv_problem q = problem_of(p, &p->step[step]);
    const band_problem part = on_rows(&p->step[step], &q, out);
    const fv_kernel *k = p->step[step].kernel;
    return k->scratch ? k->scratch(&part) : 0;
}

/* Of each step the rows of a whole band, and those that the band before has not made. */
size_t fv_plan_band_scratch(const fv_plan *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->nchain; i++) {
        const band_chain *c = &p->chain[i];
        rows before[LONGEST] = { { 0, 0 } }, want[LONGEST];
        if (c->pair) {
            const size_t pair = fv_plan_pair_scratch(p, c);
            if (pair > most) most = pair;
            continue;
        }
        for (int b = 0; b < c->bands; b++, memcpy(before, want, sizeof want)) {
            band_rows(p, c, b, want);
            for (int k = c->first; k < c->end; k++) {
                const rows all = want[k - c->first], was = before[k - c->first];
                const rows more = { was.end > all.begin ? was.end : all.begin, all.end };
                const size_t whole = scratch_of(p, k, all), rest = more.begin < more.end ? scratch_of(p, k, more) : 0;
                if (whole > most) most = whole;
                if (rest > most) most = rest;
            }
        }
    }
    return most;
}

/* ---- running ---- */

/* Where an operand's row lies, of which row `first` is the one that it begins with. */
static void *at_row(const step_run *r, int arg, int row, int first, int width, int channels)
{
    const int ld = r->s->ld[arg] ? r->s->ld[arg] : channels;
    return r->arg[arg] ? (float *)r->arg[arg] + (size_t)(row - first) * width * ld : NULL;
}

static void run_rows(step_run r, int thread, rows out, int in_first, int out_first)
{
    const fv_conv_problem c = problem_of(r.p, r.s);
    const band_problem part = on_rows(r.s, &c, out);
    r.arg[0] = at_row(&r, 0, out.begin, out_first, c.ow, c.oc);
    r.arg[1] = at_row(&r, 1, needed(&c, out).begin, in_first, c.w, c.c);
    r.arg[4] = at_row(&r, 4, out.begin, 0, c.ow, c.oc);
    r.s->fn(&(fv_work){ .problem = &part,
                        .n = 1,
                        .arg = r.arg,
                        .scratch = r.p->scratch + (size_t)thread * r.p->scratch_bytes,
                        .end = r.s->kernel->units(&part, 1),
                        .ld = r.s->ld });
}

/* Rows that both bands need move to the front; returns those that are there then. */
static rows move_up(const step_run *r, rows held, int begin)
{
    const fv_conv_problem c = problem_of(r->p, r->s);
    const size_t row = (size_t)c.ow * c.oc;
    float *at = r->arg[0];
    if (held.end <= begin) return (rows){ begin, begin };
    if (held.begin < begin)
        memmove(at, at + (size_t)(begin - held.begin) * row, (size_t)(held.end - begin) * row * sizeof *at);
    return (rows){ begin, held.end };
}

/* The operands of the chain's step i: values between its steps are this thread's. */
static step_run chain_step(const fv_plan *p, const band_chain *c, int i, int image, int lane, int thread)
{
    step_run r = fv_plan_step_run(p, i, image, lane, 1);
    const step_run own = fv_plan_step_run(p, i, image, thread, 1);
    if (i > c->first) r.arg[1] = own.arg[1];
    if (i + 1 < c->end) r.arg[0] = own.arg[0];
    return r;
}

void fv_plan_run_bands(const fv_plan *p, const band_chain *c, int image, int lane, int thread, int begin, int end)
{
    rows held[LONGEST] = { { 0, 0 } }, want[LONGEST];
    const bool timed = p->seconds && thread == 0;
    if (c->pair) {
        fv_plan_run_pair(p, c, image, lane, thread, begin, end);
        return;
    }
    for (int band = begin; band < end; band++) {
        band_rows(p, c, band, want);
        for (int i = c->first; i < c->end; i++) {
            const step_run r = chain_step(p, c, i, image, lane, thread);
            const int k = i - c->first, last = i + 1 == c->end;
            rows now = want[k];
            const double start = timed ? fv_clock() : 0;
            if (!last) held[k] = move_up(&r, held[k], now.begin), now.begin = held[k].end;
            if (now.begin < now.end) run_rows(r, thread, now, k ? held[k - 1].begin : 0, last ? 0 : held[k].begin);
            held[k].end = now.end;
            if (timed) p->seconds[i] += fv_clock() - start;
        }
    }
}
