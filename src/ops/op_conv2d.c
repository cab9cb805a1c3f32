/* op_conv2d.c -- convolution, and the linear layer as a convolution of one pixel.
 * Output size floor((in + pads - dilation (k - 1) - 1) / stride) + 1 (Dumoulin, Visin 2016, relationship 15). The
 * epilogue (act, residual) is a rewrite for inference: there is no backward pass through it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/conv2d/conv2d.h"
#include <assert.h>
#include <stdio.h>

static bool within(int v, int least)
{
    return v >= least && v <= FV_MAX_DIM;
}

static fv_status check_attr(const fv_attr *a, fv_err *err)
{
    if (!within(a->conv.out, 1)) return fv_fail(err, FV_SHAPE, "%d output channels", a->conv.out);
    if (!within(a->conv.kh, 1) || !within(a->conv.kw, 1))
        return fv_fail(err, FV_SHAPE, "a %dx%d kernel", a->conv.kh, a->conv.kw);
    if (!within(a->conv.sh, 1) || !within(a->conv.sw, 1))
        return fv_fail(err, FV_SHAPE, "a stride of %dx%d", a->conv.sh, a->conv.sw);
    if (!within(a->conv.dil, 1)) return fv_fail(err, FV_SHAPE, "a dilation of %d", a->conv.dil);
    if (!within(a->conv.top, 0) || !within(a->conv.left, 0) || !within(a->conv.bottom, 0) || !within(a->conv.right, 0))
        return fv_fail(err, FV_SHAPE, "a padding of %d %d %d %d", a->conv.top, a->conv.left, a->conv.bottom,
                       a->conv.right);
    return FV_OK;
}

/* Kernel size with its holes. */
static int64_t extent(int k, int dil)
{
    return (int64_t)dil * (k - 1) + 1;
}

/* TensorFlow's SAME: ceil(in / s) outputs, the zeros even on both sides, an odd one behind. */
static int64_t same_pads(int in, int64_t k, int s)
{
    const int64_t out = ((int64_t)in + s - 1) / s, reach = (out - 1) * s + k;
    return reach > in ? reach - in : 0;
}

/* All zeros added to the rows or the columns; *before: those in front. */
static int64_t row_pads(const fv_attr *a, const fv_shape *x, int64_t *before)
{
    const int64_t all = a->conv.same ? same_pads(x->h, extent(a->conv.kh, a->conv.dil), a->conv.sh)
                                     : (int64_t)a->conv.top + a->conv.bottom;
    *before = a->conv.same ? all / 2 : a->conv.top;
    return all;
}

static int64_t column_pads(const fv_attr *a, const fv_shape *x, int64_t *before)
{
    const int64_t all = a->conv.same ? same_pads(x->w, extent(a->conv.kw, a->conv.dil), a->conv.sw)
                                     : (int64_t)a->conv.left + a->conv.right;
    *before = a->conv.same ? all / 2 : a->conv.left;
    return all;
}

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    FV_TRY(check_attr(a, err));
    int64_t top, left;
    const int g = a->conv.groups;
    if (g < 1 || x->c % g || a->conv.out % g)
        return fv_fail(err, FV_SHAPE, "%d in / %d out channels do not divide into %d groups", x->c, a->conv.out, g);
    const int64_t h = x->h + row_pads(a, x, &top), w = x->w + column_pads(a, x, &left);
    const int64_t kh = extent(a->conv.kh, a->conv.dil), kw = extent(a->conv.kw, a->conv.dil);
    if (top > FV_MAX_DIM || left > FV_MAX_DIM) return fv_fail(err, FV_SHAPE, "a window too large for SAME padding");
    if (kh > h || kw > w)
        return fv_fail(err, FV_SHAPE, "%lldx%lld window on a %lldx%lld input", (long long)kh, (long long)kw,
                       (long long)h, (long long)w);
    FV_TRY(fv_shape_set(y, (h - kh) / a->conv.sh + 1, (w - kw) / a->conv.sw + 1, a->conv.out, err));
    if (a->residual && !fv_shape_same(&x[nx - 1], y)) return fv_fail(err, FV_SHAPE, "the residual has another shape");
    return FV_OK;
}

static int64_t macs(const fv_attr *a, const fv_shape *x, const fv_shape *y)
{
    const int64_t taps = fv_count_times(fv_count_times(a->conv.kh, a->conv.kw), x->c / a->conv.groups);
    return fv_count_times((int64_t)fv_shape_count(y), taps);
}

static int params(const fv_attr *a, const fv_shape *x, fv_param_spec *out)
{
    out[0] = (fv_param_spec){ .suffix = "weight", .kind = FV_PARAM_WEIGHT, .rank = 4 };
    out[0].dim[0] = a->conv.out;
    out[0].dim[1] = x->c / a->conv.groups;
    out[0].dim[2] = a->conv.kh;
    out[0].dim[3] = a->conv.kw;
    out[1] = (fv_param_spec){ .suffix = "bias", .kind = FV_PARAM_BIAS, .rank = 1, .dim = { a->conv.out } };
    return a->conv.bias ? 2 : 1;
}

static fv_conv_problem problem(const fv_lower *l)
{
    const fv_attr *a = l->attr;
    int64_t top, left;
    row_pads(a, l->x, &top);
    column_pads(a, l->x, &left);
    return (fv_conv_problem){ .h = l->x->h,
                              .w = l->x->w,
                              .c = l->x->c,
                              .oh = l->y.h,
                              .ow = l->y.w,
                              .oc = l->y.c,
                              .kh = a->conv.kh,
                              .kw = a->conv.kw,
                              .sh = a->conv.sh,
                              .sw = a->conv.sw,
                              .top = (int)top,
                              .left = (int)left,
                              .dh = a->conv.dil,
                              .dw = a->conv.dil,
                              .groups = a->conv.groups,
                              .act = a->act };
}

static void forward(fv_lower *l)
{
    const fv_conv_problem p = problem(l);
    const fv_arg res = l->attr->residual ? l->in[l->nx - 1] : FV_NONE;
    l->step(l, &fv_slot_conv2d, &p, sizeof p, 1, 5, (fv_arg[]){ l->out, l->in[0], l->param[0], l->param[1], res });
}

static void backward(fv_lower *l)
{
    assert(l->attr->act == FV_ACT_NONE && !l->attr->residual);
    const fv_conv_problem p = problem(l);
    l->step(l, &fv_slot_conv2d_wgrad, &p, sizeof p, 1, 3, (fv_arg[]){ l->dparam[0], l->dout, l->in[0] });
    l->step(l, &fv_slot_conv2d_dgrad, &p, sizeof p, 1, 3, (fv_arg[]){ l->din[0], l->dout, l->param[0] });
    l->step(l, &fv_slot_conv2d_bgrad, &p, sizeof p, 1, 2, (fv_arg[]){ l->dparam[1], l->dout });
}

static int side(int k, int dil)
{
    const int64_t all = extent(k, dil);
    return all < FV_MAX_DIM ? (int)all : FV_MAX_DIM;
}

static fv_window window(const fv_attr *a, const fv_shape *x)
{
    (void)x;
    return (fv_window){ side(a->conv.kh, a->conv.dil), side(a->conv.kw, a->conv.dil), a->conv.sh, a->conv.sw };
}

static void tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    char stride[24] = "", holes[24] = "", groups[40] = "";
    if (a->conv.sh != a->conv.sw) snprintf(stride, sizeof stride, "/%dx%d", a->conv.sh, a->conv.sw);
    else if (a->conv.sh > 1) snprintf(stride, sizeof stride, "/%d", a->conv.sh);
    if (a->conv.dil > 1) snprintf(holes, sizeof holes, " dilated %d", a->conv.dil);
    if (a->conv.groups > 1 && a->conv.groups == x->c) snprintf(groups, sizeof groups, " depthwise");
    else if (a->conv.groups > 1) snprintf(groups, sizeof groups, " %d groups", a->conv.groups);
    snprintf(out, cap, "%dx%d%s%s%s", a->conv.kh, a->conv.kw, stride, holes, groups);
}

const fv_op fv_op_conv2d = { .name = "conv2d",
                             .min_in = 1,
                             .max_in = 2,
                             .saves = FV_SAVE_X,
                             .shape = shape,
                             .macs = macs,
                             .params = params,
                             .forward = forward,
                             .again = forward,
                             .backward = backward,
                             .window = window,
                             .tell = tell };

static fv_status linear_shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (x->h != 1 || x->w != 1)
        return fv_fail(err, FV_SHAPE, "a linear layer on %d x %d pixels: flatten first", x->h, x->w);
    return shape(a, x, nx, y, err);
}

static int linear_params(const fv_attr *a, const fv_shape *x, fv_param_spec *out)
{
    const int n = params(a, x, out);
    out[0].rank = 2;
    out[0].dim[2] = out[0].dim[3] = 0;
    return n;
}

const fv_op fv_op_linear = { .name = "linear",
                             .min_in = 1,
                             .max_in = 2,
                             .saves = FV_SAVE_X,
                             .shape = linear_shape,
                             .macs = macs,
                             .params = linear_params,
                             .forward = forward,
                             .backward = backward };
