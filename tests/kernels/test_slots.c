/* test_slots.c -- every row of the slots beside convolution against the reference in double, over shapes that reach
 * each tail, beside guard pages, dense and as slices of wider tensors; the same bits for any split of units. Operands
 * are at most 2, factors of norms within 0.5 .. 2: bounds are roundings on the way of a value times the greatest there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "base/rng.h"
#include "guard.h"
#include "kernels/activation/activation.h"
#include "kernels/batchnorm/batchnorm.h"
#include "kernels/copy/copy.h"
#include "kernels/dropout/dropout.h"
#include "kernels/elementwise/elementwise.h"
#include "kernels/lrn/lrn.h"
#include "kernels/pool/pool.h"
#include "kernels/sgd/sgd.h"
#include "kernels/xent/xent.h"
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
enum { SHAPES = 60, CHANNELS = 130 };
#define RUN_OPERAND SIZE_MAX
#define MAP_OPERAND (SIZE_MAX - 1)

/* One call of a slot: problem, values of each operand (0: absent), which are written, and the bound. */
typedef struct call {
    const fv_slot *slot;
    union {
        fv_bn_problem bn;
        fv_act_problem act;
        fv_el_problem el;
        fv_copy_problem copy;
        fv_dropout_problem drop;
        fv_lrn_problem lrn;
        fv_pool_problem pool;
        fv_sgd_problem sgd;
        fv_xent_problem xent;
    } p;
    int n, nout;
    size_t count[FV_MAX_ARGS]; /* floats; with what lies between pixels */
    int ld[FV_MAX_ARGS], channels[FV_MAX_ARGS];
    int32_t map[CHANNELS];
    unsigned positive; /* bits of operands within 0.5 .. 2 */
    unsigned may_add;
    double bound, bound_even; /* bound_even: of the even rows of c values, where not 0 */
    int row;                  /* c */
} call;

typedef struct shape {
    int n, h, w, c;
    fv_act act; /* one whose slope is known by value */
    uint32_t flags;
    size_t pixels, all; /* of an image; values of the batch */
} shape;

static int pick(fv_rng *r, const int *from, int count)
{
    return from[fv_rng_below(r, (uint32_t)count)];
}
#define PICK(r, ...) pick(r, (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

static shape shape_at(fv_rng *r)
{
    shape s = { .n = PICK(r, 1, 2, 7, 8, 9, 17), .h = PICK(r, 1, 2, 3, 5, 9, 16), .w = PICK(r, 1, 2, 4, 7, 11) };
    s.c = PICK(r, 1, 3, 7, 8, 9, 15, 16, 17, 31, 48, 64, 65, 80, CHANNELS);
    s.act = (fv_act)PICK(r, FV_ACT_NONE, FV_ACT_RELU, FV_ACT_RELU, FV_ACT_RELU6, FV_ACT_SIGMOID, FV_ACT_TANH,
                         FV_ACT_HARD_SIGMOID);
    s.flags = fv_rng_u32(r);
    s.pixels = (size_t)s.h * s.w;
    s.all = s.n * s.pixels * s.c;
    return s;
}

/* Makes operand i, where the call has it, a slice of a tensor of `more` channels more. */
static void slice(call *k, int i, const shape *s, int channels, unsigned more)
{
    if (!k->count[i]) return;
    k->channels[i] = channels, k->ld[i] = channels + (int)more;
    k->count[i] = (s->n * s->pixels - 1) * (size_t)k->ld[i] + (size_t)channels;
}

/* Makes some of the operands 0 .. count - 1 slices. */
static void slices(call *k, int count, const shape *s)
{
    for (int i = 0; i < count; i++)
        if (s->flags >> (16 + 4 * i) & 1) slice(k, i, s, s->c, s->flags >> (17 + 4 * i) & 7);
}

/* Roundings of a sum of `terms` made of runs of 64, then of the runs. */
static double steps(size_t terms)
{
    return (double)(terms < 64 ? terms : 64 + (terms + 63) / 64) + 8;
}

static call bn_call(const fv_slot *slot, const shape *s, int nout)
{
    return (call){ .slot = slot,
                   .n = s->n,
                   .nout = nout,
                   .p.bn = { .pixels = s->pixels, .c = s->c, .eps = 1e-3, .momentum = 0.1, .act = s->act } };
}

/* Means are below 2 and sums of values below 2; squared deviations are below 16 each. */
static call bn_moments(const shape *s)
{
    call k = bn_call(&fv_slot_bn_moments, s, 1);
    k.count[0] = fv_bn_part_floats(s->n, s->c), k.count[1] = s->all;
    k.bound = steps(FV_LEAF * s->pixels) * 16 * (double)(FV_LEAF * s->pixels);
    k.bound_even = steps(FV_LEAF * s->pixels) * 2, k.row = s->c;
    return k;
}

/* Parts here are any numbers of 0.5 .. 2. A difference d of means is off by 2 eps, d^2 w by 4 d w eps, which beside a
 * variance of at least d^2 w + 1e-3 (w about 1/4) is at most 126 eps; 32 roundings besides; 1/sqrt is at most 32. */
static call bn_finish(const shape *s)
{
    call k = bn_call(&fv_slot_bn_finish, s, 3);
    k.count[0] = 2 * (size_t)s->c, k.count[1] = k.count[2] = (size_t)s->c;
    k.count[3] = fv_bn_part_floats(s->n, s->c), k.positive = ~0u;
    k.bound = 32 * (126 + 32);
    return k;
}

static call bn_running(const shape *s)
{
    call k = bn_call(&fv_slot_bn_running, s, 1);
    k.count[0] = 2 * (size_t)s->c, k.count[1] = k.count[2] = (size_t)s->c, k.positive = ~0u;
    k.bound = 4 * 2;
    return k;
}

/* |x - mean| <= 4, factors <= 2: 16 + 2 + 2, five roundings. */
static call bn_apply(const shape *s)
{
    call k = bn_call(&fv_slot_bn_apply, s, 1);
    k.count[0] = k.count[1] = s->all, k.count[2] = 2 * (size_t)s->c, k.count[3] = k.count[4] = (size_t)s->c;
    k.count[5] = s->flags & 1 ? s->all : 0, k.positive = 1u << 2 | 1u << 3;
    k.bound = 5 * 20;
    slice(&k, 0, s, s->c, s->flags >> 4 & 7), slice(&k, 1, s, s->c, s->flags >> 8 & 7);
    slice(&k, 5, s, s->c, s->flags >> 12 & 7);
    return k;
}

/* Silu, whose slope is had from x: the act's input is off by 5 * 18 eps as in bn_apply, which its slope, of slope below
 * 1/2 and 16 eps itself, and |dy| <= 2 make (45 + 16) * 2. */
enum { INPUT_ERROR = 122 };
static void by_input(call *k, int y, int gamma, int beta)
{
    k->p.bn.act = FV_ACT_SILU;
    k->count[y] = 0, k->count[gamma] = k->count[beta] = (size_t)k->p.bn.c;
    k->positive |= 1u << gamma;
}

static call bn_reduce(const shape *s)
{
    call k = bn_call(&fv_slot_bn_reduce, s, 1);
    k.count[0] = fv_bn_part_floats(s->n, s->c), k.count[1] = k.count[2] = s->all, k.count[3] = 2 * (size_t)s->c;
    k.count[4] = s->act ? s->all : 0, k.positive = 1u << 3;
    k.bound = steps(FV_LEAF * s->pixels) * 4 * 2 * 8 * (double)(FV_LEAF * s->pixels);
    if (s->flags & 1) by_input(&k, 4, 5, 6), k.bound += INPUT_ERROR * 8 * (double)(FV_LEAF * s->pixels);
    return k;
}

static call bn_back_finish(const shape *s)
{
    call k = bn_call(&fv_slot_bn_back_finish, s, 3);
    k.count[0] = s->flags & 1 ? (size_t)s->c : 0, k.count[1] = s->flags & 2 ? (size_t)s->c : 0;
    k.count[2] = 2 * (size_t)s->c, k.count[3] = fv_bn_part_floats(s->n, s->c), k.may_add = 3;
    k.bound = 8 * 2 * 8;
    return k;
}

/* |g| <= 8 (the slope of sigmoid at a "value" of 2 is -2, of 4 roundings), xhat <= 8, totals / count <= 2: terms up to
 * 4 (8 + 2 + 16). */
static call bn_dx(const shape *s)
{
    call k = bn_call(&fv_slot_bn_dx, s, 2);
    k.count[0] = s->flags & 1 ? s->all : 0, k.count[1] = s->flags & 3 ? s->all : 0;
    if (!k.count[0] && !k.count[1]) k.count[0] = s->all;
    k.count[2] = k.count[3] = s->all, k.count[4] = 2 * (size_t)s->c, k.count[5] = (size_t)s->c;
    k.count[6] = s->flags & 4 ? 2 * (size_t)s->c : 0, k.count[7] = s->act ? s->all : 0;
    k.positive = 1u << 4 | 1u << 5, k.may_add = 3;
    k.bound = 12 * 4 * 26;
    if (s->flags & 8) by_input(&k, 7, 5, 8), k.bound += INPUT_ERROR * 4;
    return k;
}

static call act(const shape *s)
{
    call k = { .slot = &fv_slot_act, .n = s->n, .nout = 1, .count = { s->all, s->all }, .bound = 8 * 2 };
    k.p.act = (fv_act_problem){ s->all / s->n, (fv_act)(s->flags >> 8 & 7), s->c };
    slices(&k, 2, s);
    return k;
}

static call act_back(const shape *s)
{
    call k = { .slot = &fv_slot_act_back, .n = s->n, .nout = 1, .count = { s->all, s->all, 0, s->all } };
    k.p.act = (fv_act_problem){ s->all / s->n, s->act, s->c };
    if (s->flags & 1) k.count[2] = s->all, k.count[3] = 0, k.p.act.act = (fv_act)(s->flags >> 8 & 7);
    k.may_add = 1, k.bound = 16 * 8;
    return k;
}

static call el_call(const fv_slot *slot, const shape *s)
{
    return (call){ .slot = slot,
                   .n = s->n,
                   .nout = 1,
                   .count = { s->all, s->all, s->all },
                   .p.el = { .pixels = s->pixels, .c = s->c } };
}

static call add(const shape *s)
{
    call k = el_call(&fv_slot_add, s);
    k.p.el.act = (fv_act)(s->flags >> 8 & 7), k.bound = 8 * 4;
    slices(&k, 3, s);
    return k;
}

static call mul(const shape *s)
{
    call k = el_call(&fv_slot_mul, s);
    k.p.el.per_channel = s->flags & 1, k.may_add = 1, k.bound = 2 * 6;
    slices(&k, s->flags & 1 ? 2 : 3, s);
    if (s->flags & 1) k.count[2] = (size_t)s->n * s->c;
    return k;
}

static call mul_reduce(const shape *s)
{
    call k = el_call(&fv_slot_mul_reduce, s);
    k.count[0] = (size_t)s->n * s->c, k.may_add = 1, k.bound = steps(s->pixels) * 4 * (double)(s->pixels + 1);
    return k;
}

static fv_copy_problem box(const shape *s)
{
    fv_copy_problem p = { .h = s->h, .w = s->w, .c = s->c, .top = s->flags & 3, .left = s->flags >> 2 & 3 };
    p.front = s->flags >> 4 & 7;
    p.oh = p.h + p.top + (s->flags >> 7 & 1), p.ow = p.w + p.left + (s->flags >> 8 & 3);
    p.oc = p.c + p.front + (s->flags >> 10 & 7);
    p.groups = s->c % 8 ? 1 : 8;
    return p;
}

static call copy_call(const fv_slot *slot, const shape *s, bool outer_y, bool outer_x)
{
    call k = { .slot = slot, .n = s->n, .nout = 1, .p.copy = box(s), .bound = 0 };
    const size_t outer = (size_t)s->n * k.p.copy.oh * k.p.copy.ow * k.p.copy.oc;
    k.count[0] = outer_y ? outer : s->all, k.count[1] = outer_x ? outer : s->all;
    k.may_add = slot == &fv_slot_place ? 0 : 1;
    k.bound = 4; /* one rounding where it adds */
    return k;
}

static call copy(const shape *s)
{
    return copy_call(&fv_slot_copy, s, false, false);
}
static call crop(const shape *s)
{
    return copy_call(&fv_slot_crop, s, false, true);
}
static call pad(const shape *s)
{
    return copy_call(&fv_slot_pad, s, true, false);
}
static call place(const shape *s)
{
    return copy_call(&fv_slot_place, s, true, false);
}
static call shuffle(const shape *s)
{
    return copy_call(&fv_slot_shuffle, s, false, false);
}

/* Maps: none, a run, a shuffle, any. */
static call gather(const shape *s)
{
    call k = { .slot = &fv_slot_gather, .n = s->n, .nout = 1, .p.copy = box(s), .may_add = 1, .bound = 4 };
    const int oc = k.p.copy.oc, kind = s->flags >> 13 & 3;
    fv_rng r = fv_rng_of(2, s->flags, 0, FV_RNG_TEST);
    for (int i = 0; i < s->c; i++)
        k.map[i] = kind == 1 ? oc - s->c + i : kind == 2 ? i % 2 * (s->c / 2) + i / 2 : (int)fv_rng_below(&r, oc);
    k.count[0] = s->all, k.count[1] = s->n * s->pixels * oc, k.count[2] = kind ? MAP_OPERAND : 0;
    if (s->flags >> 15 & 1) slice(&k, 0, s, s->c, s->flags >> 16 & 7);
    if (s->flags >> 19 & 1) slice(&k, 1, s, oc, s->flags >> 20 & 7);
    return k;
}

static call pool_call(const fv_slot *slot, const shape *s, bool back)
{
    call k = { .slot = slot, .n = s->n, .nout = 1 };
    fv_pool_problem *p = &k.p.pool;
    *p = (fv_pool_problem){ .h = s->h,
                            .w = s->w,
                            .c = s->c,
                            .kh = s->h > 2 ? 1 + (int)((s->flags >> 8 & 15) % 3) : 1,
                            .kw = s->w > 2 ? 1 + (int)((s->flags >> 12 & 15) % 3) : 1,
                            .sh = 1 + (s->flags >> 2 & 1),
                            .sw = 1 + (s->flags >> 3 & 1),
                            .exclude_pad = s->flags >> 4 & 1 };
    p->top = (p->kh - 1) / 2, p->left = (p->kw - 1) / 2, p->divisor = !back && s->flags >> 5 & 1 ? 3 : 0;
    p->oh = (p->h + 2 * p->top - p->kh) / p->sh + 1, p->ow = (p->w + 2 * p->left - p->kw) / p->sw + 1;
    const size_t out = (size_t)s->n * p->oh * p->ow * p->c;
    k.count[0] = back ? s->all : out, k.count[1] = back ? out : s->all;
    k.may_add = back, k.bound = 12 * 20; /* at most 9 terms of 2, and what was there */
    return k;
}

static call maxpool(const shape *s)
{
    return pool_call(&fv_slot_maxpool, s, false);
}
static call maxpool_back(const shape *s)
{
    call k = pool_call(&fv_slot_maxpool_back, s, true);
    k.count[2] = s->all;
    return k;
}
static call avgpool(const shape *s)
{
    return pool_call(&fv_slot_avgpool, s, false);
}
static call avgpool_back(const shape *s)
{
    return pool_call(&fv_slot_avgpool_back, s, true);
}

/* "Targets" of up to 2: sums up to 2 k; logits differ by at most 4, logarithms of sums are below 4 + log k < 9. */
static call xent(const shape *s)
{
    const size_t k = (size_t)s->c, n = (size_t)s->n;
    return (call){ .slot = &fv_slot_softmax_xent,
                   .n = s->n,
                   .nout = 1,
                   .count = { n, n * k, n * k },
                   .p.xent = { .k = s->c, .smoothing = 0.1 },
                   .bound = (double)(2 * k + 8) * 2 * (double)k * 13 };
}
static call xent_back(const shape *s)
{
    const size_t k = (size_t)s->c, n = (size_t)s->n;
    return (call){ .slot = &fv_slot_softmax_xent_back,
                   .n = s->n,
                   .nout = 1,
                   .count = { n * k, n, n * k, n * k },
                   .p.xent = { .k = s->c, .smoothing = 0.1 },
                   .may_add = 1,
                   .bound = (double)(2 * k + 16) * 2 * 2 * (double)(k + 1) };
}

static call drop_call(const fv_slot *slot, const shape *s)
{
    return (call){ .slot = slot,
                   .n = s->n,
                   .nout = 1,
                   .count = { s->all, s->all, RUN_OPERAND },
                   .may_add = 1,
                   .p.drop = { s->all / s->n, 0.4, 7 },
                   .bound = 4 * 6 };
}
static call dropout(const shape *s)
{
    return drop_call(&fv_slot_dropout, s);
}
static call drop_path(const shape *s)
{
    return drop_call(&fv_slot_drop_path, s);
}

/* s is within 2 .. 4, so powers are below 1; back: sums of 5 terms below 4, twice alpha beta 0.15. */
static call lrn(const shape *s)
{
    return (call){ .slot = &fv_slot_lrn,
                   .n = s->n,
                   .nout = 1,
                   .count = { s->all, s->all },
                   .bound = 16 * 2,
                   .p.lrn = { s->pixels, s->c, 5, 0.1, 0.75, 2 } };
}
static call lrn_back(const shape *s)
{
    return (call){ .slot = &fv_slot_lrn_back,
                   .n = s->n,
                   .nout = 1,
                   .count = { s->all, s->all, s->all },
                   .may_add = 1,
                   .p.lrn = { s->pixels, s->c, 5, 0.1, 0.75, 2 },
                   .bound = 24 * 12 };
}

static call sgd(const shape *s)
{
    return (call){ .slot = &fv_slot_sgd,
                   .n = 1,
                   .nout = 2,
                   .count = { s->all, s->all, s->all, RUN_OPERAND },
                   .p.sgd = { .count = s->all, .rate = 0.5, .wd = 0.01 },
                   .bound = 8 * 8 };
}
static call sumsq(const shape *s)
{
    return (call){ .slot = &fv_slot_sumsq,
                   .n = 1,
                   .nout = 1,
                   .count = { fv_sumsq_part_floats(s->all), s->all },
                   .p.sgd = { .count = s->all },
                   .bound = steps(4096) * 4 * 4096 };
}
static call sumsq_finish(const shape *s)
{
    const size_t parts = fv_sumsq_part_floats(s->all);
    return (call){ .slot = &fv_slot_sumsq_finish,
                   .n = 1,
                   .nout = 1,
                   .count = { 1, parts },
                   .p.sgd = { .count = s->all, .first = s->flags & 1 },
                   .bound = 2 * 2 * (double)(parts + 1) };
}

typedef call make_call(const shape *s);
static make_call *const calls[] = { bn_moments,  bn_finish,    bn_running, bn_apply,     bn_reduce, bn_back_finish,
                                    bn_dx,       act,          act_back,   add,          mul,       mul_reduce,
                                    copy,        crop,         pad,        place,        shuffle,   gather,
                                    maxpool,     maxpool_back, avgpool,    avgpool_back, xent,      xent_back,
                                    dropout,     drop_path,    lrn,        lrn_back,     sgd,       sumsq,
                                    sumsq_finish };
enum { CALLS = sizeof calls / sizeof *calls };

/* The call's operands: floats beside guard pages and the same values as doubles. */
typedef struct operands {
    guarded page[FV_MAX_ARGS];
    float *before[FV_MAX_ARGS];
    double *wide[FV_MAX_ARGS];
    void *narrow[FV_MAX_ARGS], *doubles[FV_MAX_ARGS];
    fv_run_info run;
    unsigned add;
} operands;

static operands operands_of(const call *k, fv_rng *r, bool at_end)
{
    operands o = { .run = { .seed = 5, .step = 3, .lr = 0.1, .momentum = 0.9, .grad_scale = 0.5 } };
    o.run.nesterov = fv_rng_below(r, 2), o.add = k->may_add & fv_rng_u32(r);
    for (int i = 0; i < FV_MAX_ARGS; i++) {
        if (k->count[i] == 0 || k->count[i] >= MAP_OPERAND) continue;
        o.page[i] = guard_new(k->count[i] * sizeof(float), at_end);
        o.before[i] = malloc(k->count[i] * sizeof(float));
        o.wide[i] = malloc(k->count[i] * sizeof(double));
        assert_true(o.before[i] && o.wide[i]);
        for (size_t j = 0; j < k->count[i]; j++) {
            const double u = fv_rng_unit(r);
            o.before[i][j] = (float)(k->positive >> i & 1 ? 0.5 + 1.5 * u : 4 * u - 2);
            o.wide[i][j] = (double)o.before[i][j];
        }
        o.narrow[i] = o.page[i].p, o.doubles[i] = o.wide[i];
    }
    return o;
}

/* Operands that are the same for float and double. */
static void given(const call *k, operands *o)
{
    for (int i = 0; i < FV_MAX_ARGS; i++) {
        if (k->count[i] == RUN_OPERAND) o->narrow[i] = o->doubles[i] = &o->run;
        if (k->count[i] == MAP_OPERAND) o->narrow[i] = o->doubles[i] = (void *)k->map;
    }
}

static void operands_free(operands *o)
{
    for (int i = 0; i < FV_MAX_ARGS; i++) {
        guard_free(&o->page[i]);
        free(o->before[i]);
        free(o->wide[i]);
    }
}

static void reset(const call *k, operands *o)
{
    for (int i = 0; i < FV_MAX_ARGS; i++)
        if (o->before[i]) memcpy(o->page[i].p, o->before[i], k->count[i] * sizeof(float));
}

/* Runs all units in `parts` calls, the last part first. */
static void run(const call *k, operands *o, const fv_kernel *row, int parts)
{
    const int units = row->units(&k->p, k->n);
    fv_work w = { .problem = &k->p, .n = k->n, .arg = o->narrow, .add = o->add, .ld = k->ld };
    void *scratch = row->scratch ? malloc(row->scratch(&k->p)) : NULL;
    w.scratch = scratch;
    for (int t = parts - 1; t >= 0; t--) {
        w.begin = (int)((int64_t)units * t / parts), w.end = (int)((int64_t)units * (t + 1) / parts);
        if (w.begin < w.end) row->fn(&w);
    }
    free(scratch);
}

static void compare(const call *k, const operands *o, const fv_kernel *row)
{
    for (int i = 0; i < k->nout; i++) {
        for (size_t j = 0; j < k->count[i]; j++) {
            const bool between = k->ld[i] && j % (size_t)k->ld[i] >= (size_t)k->channels[i];
            const bool even = k->row > 0 && j / (size_t)k->row % 2 == 0;
            const double tol = between ? 0 : (even ? k->bound_even : k->bound) * (double)FLT_EPSILON;
            const double got = (double)((const float *)o->narrow[i])[j], want = o->wide[i][j];
            if (!(fabs(got - want) <= tol))
                fail_msg("%s: operand %d[%zu]: %.9g, in double %.17g, off by more than %.3g", row->name, i, j, got,
                         want, tol);
        }
    }
}

static void check_splits(const call *k, operands *o, const fv_kernel *row)
{
    float *whole[FV_MAX_ARGS] = { NULL };
    for (int i = 0; i < k->nout; i++) {
        if (!k->count[i]) continue;
        whole[i] = malloc(k->count[i] * sizeof(float));
        memcpy(whole[i], o->narrow[i], k->count[i] * sizeof(float));
    }
    for (int parts = 2; parts < 8; parts += 2) {
        reset(k, o);
        run(k, o, row, parts + 1);
        for (int i = 0; i < k->nout; i++)
            if (k->count[i] && memcmp(whole[i], o->narrow[i], k->count[i] * sizeof(float)))
                fail_msg("%s: other bits in %d parts", row->name, parts + 1);
    }
    for (int i = 0; i < k->nout; i++) free(whole[i]);
}

static void check(const call *k, fv_rng *r, bool at_end, unsigned cpu)
{
    operands o = operands_of(k, r, at_end);
    const fv_kernel *ref = &k->slot->rows[k->slot->nrows - 1];
    given(k, &o);
    k->slot->ref64(&(fv_work){ .problem = &k->p,
                               .n = k->n,
                               .arg = o.doubles,
                               .add = o.add,
                               .ld = k->ld,
                               .begin = 0,
                               .end = ref->units(&k->p, k->n) });
    for (int i = 0; i < k->slot->nrows; i++) {
        const fv_kernel *row = &k->slot->rows[i];
        if ((row->cpu & ~cpu) || (row->applies && !row->applies(&k->p))) continue;
        reset(k, &o);
        run(k, &o, row, 1);
        compare(k, &o, row);
        check_splits(k, &o, row);
    }
    operands_free(&o);
}

static void test_rows_agree_with_double(void **state)
{
    make_call *const *make = *state;
    const unsigned cpu = fv_cpu_features(FV_CPU_BEST);
    for (int i = 0; i < SHAPES; i++) {
        fv_rng r = fv_rng_of(1, (uint64_t)i, 0, FV_RNG_TEST);
        const shape s = shape_at(&r);
        const call k = (*make)(&s);
        check(&k, &r, i % 2, cpu);
    }
    const shape any = shape_at(&(fv_rng){ .key = { 1 } });
    const fv_slot *slot = (*make)(&any).slot;
    for (int i = 0; i < slot->nrows; i++)
        if (slot->rows[i].cpu & ~cpu) print_message("SKIPPED %s: not on this CPU\n", slot->rows[i].name);
}

static void test_clip_scales_to_the_norm(void **state)
{
    (void)state;
    fv_run_info run = { .grad_scale = 0.5 };
    float total = 36; /* of squares: a norm of 6, that of the scaled gradient is 3 */
    const fv_sgd_problem half = { .clip = 1.5 }, wide = { .clip = 6 };
    void *arg[] = { &run, &total };
    const fv_kernel *row = &fv_slot_clip.rows[0];
    row->fn(&(fv_work){ .problem = &half, .n = 1, .arg = arg, .begin = 0, .end = 1 });
    assert_true(fabs(run.grad_scale - 0.5 * 1.5 / (3 + 1e-6)) < 4 * DBL_EPSILON);
    row->fn(&(fv_work){ .problem = &wide, .n = 1, .arg = arg, .begin = 0, .end = 1 });
    assert_true(fabs(run.grad_scale - 0.25) < 1e-6);
}

int main(void)
{
    struct CMUnitTest tests[CALLS + 1] = { cmocka_unit_test(test_clip_scales_to_the_norm) };
    for (int i = 0; i < CALLS; i++) {
        const shape s = { .n = 1, .h = 1, .w = 1, .c = 1, .pixels = 1, .all = 1 };
        tests[i + 1] = (struct CMUnitTest){ .name = calls[i](&s).slot->name,
                                            .test_func = test_rows_agree_with_double,
                                            .initial_state = (void *)&calls[i] };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
