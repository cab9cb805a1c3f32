/* op_layout.c -- ops that only move values: concatenation, slice, shuffle, pad, flatten.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/copy/copy.h"
#include <stdio.h>

static void emit(fv_lower *l, const fv_slot *slot, fv_copy_problem p, fv_arg to, fv_arg from)
{
    l->step(l, slot, &p, sizeof p, 1, 2, (fv_arg[]){ to, from });
}

/* The box of shape `in` in a tensor of shape `out`. */
static fv_copy_problem box(const fv_shape *in, const fv_shape *out, int top, int left, int front)
{
    return (fv_copy_problem){ .h = in->h,
                              .w = in->w,
                              .c = in->c,
                              .oh = out->h,
                              .ow = out->w,
                              .oc = out->c,
                              .top = top,
                              .left = left,
                              .front = front };
}

static fv_status concat_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)a;
    int64_t c = 0;
    for (int i = 0; i < nx; i++) {
        if (x[i].h != x[0].h || x[i].w != x[0].w)
            return fv_fail(err, FV_SHAPE, "%d x %d pixels beside %d x %d", x[i].h, x[i].w, x[0].h, x[0].w);
        c += x[i].c;
    }
    return fv_shape_set(y, x->h, x->w, c, err);
}

static void concat_forward(fv_lower *l)
{
    for (int i = 0, front = 0; i < l->nx; front += l->x[i++].c)
        emit(l, &fv_slot_place, box(&l->x[i], &l->y, 0, 0, front), l->out, l->in[i]);
}

static void concat_backward(fv_lower *l)
{
    for (int i = 0, front = 0; i < l->nx; front += l->x[i++].c)
        emit(l, &fv_slot_crop, box(&l->x[i], &l->y, 0, 0, front), l->din[i], l->dout);
}

const fv_op fv_op_concat = { .name = "concat",
                             .min_in = 1,
                             .max_in = FV_MAX_IN,
                             .shape = concat_shape,
                             .forward = concat_forward,
                             .backward = concat_backward };

static fv_status slice_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)nx;
    if (a->slice.begin < 0 || a->slice.begin >= a->slice.end || a->slice.end > x->c)
        return fv_fail(err, FV_SHAPE, "channels %d to %d of %d", a->slice.begin, a->slice.end, x->c);
    return fv_shape_set(y, x->h, x->w, a->slice.end - a->slice.begin, err);
}

static void slice_forward(fv_lower *l)
{
    emit(l, &fv_slot_crop, box(&l->y, l->x, 0, 0, l->attr->slice.begin), l->out, l->in[0]);
}

static void slice_backward(fv_lower *l)
{
    emit(l, &fv_slot_pad, box(&l->y, l->x, 0, 0, l->attr->slice.begin), l->din[0], l->dout);
}

static void slice_tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    (void)x;
    snprintf(out, cap, "channels %d to %d", a->slice.begin, a->slice.end - 1);
}

const fv_op fv_op_slice = { .name = "slice",
                            .min_in = 1,
                            .max_in = 1,
                            .shape = slice_shape,
                            .forward = slice_forward,
                            .backward = slice_backward,
                            .tell = slice_tell,
                            .traffic = FV_TRAFFIC_OUTPUT };

static fv_status pad_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)nx;
    const fv_padding p = a->pad;
    if (p.top < 0 || p.left < 0 || p.bottom < 0 || p.right < 0 || p.c_front < 0 || p.c_back < 0)
        return fv_fail(err, FV_SHAPE, "a negative padding");
    return fv_shape_set(y, (int64_t)x->h + p.top + p.bottom, (int64_t)x->w + p.left + p.right,
                        (int64_t)x->c + p.c_front + p.c_back, err);
}

static fv_copy_problem inner(const fv_lower *l)
{
    return box(l->x, &l->y, l->attr->pad.top, l->attr->pad.left, l->attr->pad.c_front);
}

static void pad_forward(fv_lower *l)
{
    emit(l, &fv_slot_pad, inner(l), l->out, l->in[0]);
}

static void pad_backward(fv_lower *l)
{
    emit(l, &fv_slot_crop, inner(l), l->din[0], l->dout);
}

const fv_op fv_op_pad = {
    .name = "pad", .min_in = 1, .max_in = 1, .shape = pad_shape, .forward = pad_forward, .backward = pad_backward
};

static fv_status shuffle_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (a->groups < 1 || x->c % a->groups)
        return fv_fail(err, FV_SHAPE, "%d channels do not divide into %d groups", x->c, a->groups);
    return fv_shape_keep(a, x, nx, y, err);
}

static fv_copy_problem shuffle(const fv_shape *s, int groups)
{
    return (fv_copy_problem){ .h = s->h, .w = s->w, .c = s->c, .groups = groups };
}

static void shuffle_forward(fv_lower *l)
{
    emit(l, &fv_slot_shuffle, shuffle(l->x, l->attr->groups), l->out, l->in[0]);
}

static void shuffle_backward(fv_lower *l)
{
    emit(l, &fv_slot_shuffle, shuffle(l->x, l->x->c / l->attr->groups), l->din[0], l->dout);
}

static void shuffle_tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    (void)x;
    snprintf(out, cap, "%d groups", a->groups);
}

const fv_op fv_op_shuffle = { .name = "shuffle",
                              .min_in = 1,
                              .max_in = 1,
                              .shape = shuffle_shape,
                              .forward = shuffle_forward,
                              .backward = shuffle_backward,
                              .tell = shuffle_tell };

static fv_status flatten_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)a, (void)nx;
    return fv_shape_set(y, 1, 1, (int64_t)fv_shape_count(x), err);
}

/* From H, W, C to C, H, W: a shuffle of the image seen as one pixel, with a group per pixel. */
static void flatten_forward(fv_lower *l)
{
    emit(l, &fv_slot_shuffle, shuffle(&l->y, l->x->h * l->x->w), l->out, l->in[0]);
}

static void flatten_backward(fv_lower *l)
{
    emit(l, &fv_slot_shuffle, shuffle(&l->y, l->x->c), l->din[0], l->dout);
}

static fv_window flatten_window(const fv_attr *a, const fv_shape *x)
{
    (void)a;
    return (fv_window){ x->h, x->w, 1, 1 };
}

const fv_op fv_op_flatten = { .name = "flatten",
                              .min_in = 1,
                              .max_in = 1,
                              .shape = flatten_shape,
                              .forward = flatten_forward,
                              .backward = flatten_backward,
                              .window = flatten_window,
                              .traffic = FV_TRAFFIC_NONE };
