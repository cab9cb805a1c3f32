/* op_pointwise.c -- activation, sum and product of values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/activation/activation.h"
#include "kernels/elementwise/elementwise.h"
#include <stdio.h>

static void act_forward(fv_lower *l)
{
    const fv_act_problem p = { .count = fv_shape_count(l->x), .act = l->attr->act, .c = l->x->c };
    l->step(l, &fv_slot_act, &p, sizeof p, 1, 2, (fv_arg[]){ l->out, l->in[0] });
}

/* By x, as silu and hard_swish need it; then y need not be kept. */
static void act_backward(fv_lower *l)
{
    const fv_act_problem p = { .count = fv_shape_count(l->x), .act = l->attr->act, .c = l->x->c };
    l->step(l, &fv_slot_act_back, &p, sizeof p, 1, 4, (fv_arg[]){ l->din[0], l->dout, l->in[0], FV_NONE });
}

static void act_tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    static const char *const names[FV_ACT_COUNT] = {
        [FV_ACT_NONE] = "none",
        [FV_ACT_RELU] = "relu",
        [FV_ACT_RELU6] = "relu6",
        [FV_ACT_SIGMOID] = "sigmoid",
        [FV_ACT_TANH] = "tanh",
        [FV_ACT_SILU] = "silu",
        [FV_ACT_HARD_SIGMOID] = "hard_sigmoid",
        [FV_ACT_HARD_SWISH] = "hard_swish",
    };
    (void)x;
    snprintf(out, cap, "%s", names[a->act]);
}

const fv_op fv_op_activation = { .name = "activation",
                                 .min_in = 1,
                                 .max_in = 1,
                                 .saves = FV_SAVE_X,
                                 .shape = fv_shape_keep,
                                 .forward = act_forward,
                                 .again = act_forward,
                                 .backward = act_backward,
                                 .tell = act_tell };

static fv_status add_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (!fv_shape_same(&x[0], &x[1]))
        return fv_fail(err, FV_SHAPE, "%d x %d x %d plus %d x %d x %d", x[0].h, x[0].w, x[0].c, x[1].h, x[1].w, x[1].c);
    return fv_shape_keep(a, x, nx, y, err);
}

static void add_forward(fv_lower *l)
{
    const fv_el_problem p = { .pixels = fv_shape_pixels(l->x), .c = l->x->c, .act = l->attr->act };
    l->step(l, &fv_slot_add, &p, sizeof p, 1, 3, (fv_arg[]){ l->out, l->in[0], l->in[1] });
}

static void add_backward(fv_lower *l)
{
    for (int i = 0; i < 2; i++) {
        if (l->attr->act == FV_ACT_NONE) fv_emit_copy(l, &l->y, l->din[i], l->dout);
        else fv_emit_act_by_value(l, &l->y, l->attr->act, l->din[i], l->dout, l->out);
    }
}

const fv_op fv_op_add = { .name = "add",
                          .min_in = 2,
                          .max_in = 2,
                          .saves = FV_SAVE_Y,
                          .shape = add_shape,
                          .forward = add_forward,
                          .backward = add_backward };

static bool per_channel(const fv_shape *x)
{
    return x[1].h == 1 && x[1].w == 1 && (x[0].h > 1 || x[0].w > 1);
}

static fv_status mul_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (x[0].c != x[1].c || !(fv_shape_same(&x[0], &x[1]) || per_channel(x)))
        return fv_fail(err, FV_SHAPE, "%d x %d x %d times %d x %d x %d", x[0].h, x[0].w, x[0].c, x[1].h, x[1].w,
                       x[1].c);
    return fv_shape_keep(a, x, nx, y, err);
}

static fv_el_problem mul_problem(const fv_lower *l)
{
    return (fv_el_problem){ .pixels = fv_shape_pixels(l->x), .c = l->x->c, .per_channel = per_channel(l->x) };
}

static void mul_forward(fv_lower *l)
{
    const fv_el_problem p = mul_problem(l);
    l->step(l, &fv_slot_mul, &p, sizeof p, 1, 3, (fv_arg[]){ l->out, l->in[0], l->in[1] });
}

static void mul_backward(fv_lower *l)
{
    const fv_el_problem p = mul_problem(l);
    l->step(l, &fv_slot_mul, &p, sizeof p, 1, 3, (fv_arg[]){ l->din[0], l->dout, l->in[1] });
    l->step(l, p.per_channel ? &fv_slot_mul_reduce : &fv_slot_mul, &p, sizeof p, 1, 3,
            (fv_arg[]){ l->din[1], l->dout, l->in[0] });
}

const fv_op fv_op_mul = { .name = "mul",
                          .min_in = 2,
                          .max_in = 2,
                          .saves = FV_SAVE_X,
                          .shape = mul_shape,
                          .forward = mul_forward,
                          .again = mul_forward,
                          .backward = mul_backward };
