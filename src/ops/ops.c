/* ops.c -- the table of ops, and what several of them use.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/activation/activation.h"
#include "kernels/copy/copy.h"

const fv_op *const fv_ops[FV_OP_COUNT] = {
#define FV_OP(id, symbol) &symbol,
#include "ops/ops.def"
#undef FV_OP
};

fv_status fv_shape_set(fv_shape *y, int64_t h, int64_t w, int64_t c, fv_err *err)
{
    const int64_t most = FV_MAX_DIM;
    if (h < 1 || w < 1 || c < 1 || h > most || w > most || c > most || h * w > ((int64_t)1 << 40) / c)
        return fv_fail(err, FV_SHAPE, "a result of %lld x %lld pixels and %lld channels", (long long)h, (long long)w,
                       (long long)c);
    *y = (fv_shape){ 1, (int)h, (int)w, (int)c };
    return FV_OK;
}

bool fv_shape_same(const fv_shape *a, const fv_shape *b)
{
    return a->h == b->h && a->w == b->w && a->c == b->c;
}

fv_status fv_shape_keep(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)a, (void)nx;
    return fv_shape_set(y, x->h, x->w, x->c, err);
}

int64_t fv_count_times(int64_t a, int64_t b)
{
    const int64_t most = (int64_t)1 << 50;
    return b && a > most / b ? most : a * b;
}

void fv_emit_copy(fv_lower *l, const fv_shape *s, fv_arg to, fv_arg from)
{
    const fv_copy_problem p = { .h = s->h, .w = s->w, .c = s->c };
    l->step(l, &fv_slot_copy, &p, sizeof p, 1, 2, (fv_arg[]){ to, from });
}

void fv_emit_act_by_value(fv_lower *l, const fv_shape *s, fv_act act, fv_arg dx, fv_arg dy, fv_arg y)
{
    const fv_act_problem p = { .count = fv_shape_count(s), .act = act, .c = s->c };
    l->step(l, &fv_slot_act_back, &p, sizeof p, 1, 4, (fv_arg[]){ dx, dy, FV_NONE, y });
}
