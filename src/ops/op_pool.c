/* op_pool.c -- max and average pooling; global average pooling is the window of the whole input (Lin et al. 2013).
 * Sizes as PyTorch: floor, or with ceil_mode ceil((in + 2 pad - k) / stride) + 1, less one where the last window would
 * start past the input and its left padding.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/pool/pool.h"
#include <stdio.h>

static int64_t out_size(const fv_attr *a, int in, int k, int stride)
{
    const int64_t pad = a->pool.pad, room = in + 2 * pad - k;
    int64_t out = (room + (a->pool.ceil_mode ? stride - 1 : 0)) / stride + 1;
    if (a->pool.ceil_mode && (out - 1) * stride >= in + pad) out--;
    return out;
}

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)nx;
    const int kh = a->pool.kh, kw = a->pool.kw, sh = a->pool.sh, sw = a->pool.sw, pad = a->pool.pad;
    if (a->pool.global) return fv_shape_set(y, 1, 1, x->c, err);
    if (kh < 1 || kw < 1 || kh > FV_MAX_DIM || kw > FV_MAX_DIM) return fv_fail(err, FV_SHAPE, "a %dx%d window", kh, kw);
    if (sh < 1 || sw < 1 || sh > FV_MAX_DIM || sw > FV_MAX_DIM)
        return fv_fail(err, FV_SHAPE, "a stride of %dx%d", sh, sw);
    if (pad < 0 || pad > kh / 2 || pad > kw / 2)
        return fv_fail(err, FV_SHAPE, "padding %d of a %dx%d window: at most half of it", pad, kh, kw);
    if (kh > x->h + 2 * pad || kw > x->w + 2 * pad)
        return fv_fail(err, FV_SHAPE, "%dx%d window on a %dx%d input", kh, kw, x->h + 2 * pad, x->w + 2 * pad);
    return fv_shape_set(y, out_size(a, x->h, kh, sh), out_size(a, x->w, kw, sw), x->c, err);
}

static fv_pool_problem problem(const fv_lower *l)
{
    const fv_attr *a = l->attr;
    fv_pool_problem p = { .h = l->x->h,
                          .w = l->x->w,
                          .c = l->x->c,
                          .oh = l->y.h,
                          .ow = l->y.w,
                          .kh = a->pool.kh,
                          .kw = a->pool.kw,
                          .sh = a->pool.sh,
                          .sw = a->pool.sw,
                          .top = a->pool.pad,
                          .left = a->pool.pad,
                          .exclude_pad = a->pool.exclude_pad };
    if (a->pool.global) { /* of the plan's input size, which need not be the graph's */
        p.kh = p.h, p.kw = p.w;
        p.sh = p.sw = 1;
        p.top = p.left = 0;
    }
    return p;
}

static void max_forward(fv_lower *l)
{
    const fv_pool_problem p = problem(l);
    l->step(l, &fv_slot_maxpool, &p, sizeof p, 1, 2, (fv_arg[]){ l->out, l->in[0] });
}

static void max_backward(fv_lower *l)
{
    const fv_pool_problem p = problem(l);
    l->step(l, &fv_slot_maxpool_back, &p, sizeof p, 1, 3, (fv_arg[]){ l->din[0], l->dout, l->in[0] });
}

static void avg_forward(fv_lower *l)
{
    const fv_pool_problem p = problem(l);
    l->step(l, &fv_slot_avgpool, &p, sizeof p, 1, 2, (fv_arg[]){ l->out, l->in[0] });
}

static void avg_backward(fv_lower *l)
{
    const fv_pool_problem p = problem(l);
    l->step(l, &fv_slot_avgpool_back, &p, sizeof p, 1, 2, (fv_arg[]){ l->din[0], l->dout });
}

static fv_window window(const fv_attr *a, const fv_shape *x)
{
    if (a->pool.global) return (fv_window){ x->h, x->w, 1, 1 };
    return (fv_window){ a->pool.kh, a->pool.kw, a->pool.sh, a->pool.sw };
}

static void tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    char stride[24] = "";
    if (a->pool.global) {
        snprintf(out, cap, "global %dx%d", x->h, x->w);
        return;
    }
    if (a->pool.sh != a->pool.sw) snprintf(stride, sizeof stride, "/%dx%d", a->pool.sh, a->pool.sw);
    else if (a->pool.sh > 1) snprintf(stride, sizeof stride, "/%d", a->pool.sh);
    snprintf(out, cap, "%dx%d%s%s", a->pool.kh, a->pool.kw, stride, a->pool.ceil_mode ? " ceil" : "");
}

const fv_op fv_op_maxpool = { .name = "maxpool",
                              .min_in = 1,
                              .max_in = 1,
                              .saves = FV_SAVE_X,
                              .shape = shape,
                              .forward = max_forward,
                              .backward = max_backward,
                              .window = window,
                              .tell = tell };
const fv_op fv_op_avgpool = { .name = "avgpool",
                              .min_in = 1,
                              .max_in = 1,
                              .shape = shape,
                              .forward = avg_forward,
                              .backward = avg_backward,
                              .window = window,
                              .tell = tell };
