/* op_batchnorm.c -- batch normalisation. Ioffe, Szegedy 2015; running statistics by PyTorch's rule. aux 0: mean and
 * 1/std that the forward pass used. With a fused act the backward pass makes the act's
 * input again, or where a residual was added reads y.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/batchnorm/batchnorm.h"

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (a->residual && !fv_shape_same(&x[nx - 1], &x[0]))
        return fv_fail(err, FV_SHAPE, "the residual has another shape");
    if (!(a->bn.eps > 0)) return fv_fail(err, FV_ARG, "batch norm with eps %g", (double)a->bn.eps);
    if (!(a->bn.momentum >= 0 && a->bn.momentum <= 1))
        return fv_fail(err, FV_ARG, "batch norm with momentum %g", (double)a->bn.momentum);
    return fv_shape_keep(a, x, nx, y, err);
}

static int params(const fv_attr *a, const fv_shape *x, fv_param_spec *out)
{
    (void)a;
    const fv_init one = { FV_INIT_CONSTANT, 1, 0 }, zero = { FV_INIT_CONSTANT, 0, 0 };
    const int c = x->c;
    out[0] = (fv_param_spec){ "weight", FV_PARAM_SCALE, 1, { c }, one };
    out[1] = (fv_param_spec){ "bias", FV_PARAM_SHIFT, 1, { c }, zero };
    out[2] = (fv_param_spec){ "running_mean", FV_PARAM_RUNNING, 1, { c }, zero };
    out[3] = (fv_param_spec){ "running_var", FV_PARAM_RUNNING, 1, { c }, one };
    out[4] = (fv_param_spec){ "num_batches_tracked", FV_PARAM_COUNT, 0, { 0 }, zero };
    return 5;
}

static int aux(const fv_attr *a, const fv_shape *x, const fv_shape *y, int batch, size_t floats[FV_MAX_AUX])
{
    (void)a, (void)y, (void)batch;
    floats[0] = 2 * (size_t)x->c;
    return 1;
}

static fv_bn_problem problem(const fv_lower *l)
{
    return (fv_bn_problem){ .pixels = fv_shape_pixels(l->x),
                            .c = l->x->c,
                            .eps = (double)l->attr->bn.eps,
                            .momentum = (double)l->attr->bn.momentum,
                            .act = l->attr->act };
}

static void apply(fv_lower *l)
{
    const fv_bn_problem p = problem(l);
    const fv_arg res = l->attr->residual ? l->in[l->nx - 1] : FV_NONE;
    l->step(l, &fv_slot_bn_apply, &p, sizeof p, 1, 6,
            (fv_arg[]){ l->out, l->in[0], l->aux[0], l->param[0], l->param[1], res });
}

static void forward(fv_lower *l)
{
    const fv_bn_problem p = problem(l);
    const fv_arg stats = l->aux[0], mean = l->param[2], var = l->param[3];
    if (l->train) {
        fv_arg counts = FV_NONE, part = l->moments(l, l->in[0], p.c, &counts);
        if (!part.id) {
            part = l->temp(l, fv_bn_part_floats(l->batch, p.c));
            l->step(l, &fv_slot_bn_moments, &p, sizeof p, 1, 2, (fv_arg[]){ part, l->in[0] });
        }
        l->step(l, &fv_slot_bn_finish, &p, sizeof p, 3, 5, (fv_arg[]){ stats, mean, var, part, counts });
    } else {
        l->step(l, &fv_slot_bn_running, &p, sizeof p, 1, 3, (fv_arg[]){ stats, mean, var });
    }
    apply(l);
}

/* In an inference plan the statistics are constants, so dx needs no sums over the batch. */
static void backward(fv_lower *l)
{
    const fv_bn_problem p = problem(l);
    const fv_arg stats = l->aux[0], gamma = l->param[0], beta = l->param[1];
    const fv_arg y = p.act != FV_ACT_NONE && l->attr->residual ? l->out : FV_NONE;
    const fv_arg dres = l->attr->residual ? l->din[l->nx - 1] : FV_NONE;
    fv_arg totals = FV_NONE;
    if (l->train || l->dparam[0].id || l->dparam[1].id) {
        const fv_arg part = l->temp(l, fv_bn_part_floats(l->batch, p.c));
        totals = l->temp(l, 2 * (size_t)p.c);
        l->step(l, &fv_slot_bn_reduce, &p, sizeof p, 1, 7,
                (fv_arg[]){ part, l->dout, l->in[0], stats, y, gamma, beta });
        l->step(l, &fv_slot_bn_back_finish, &p, sizeof p, 3, 4, (fv_arg[]){ l->dparam[0], l->dparam[1], totals, part });
    }
    if (!l->train) totals = FV_NONE;
    l->step(l, &fv_slot_bn_dx, &p, sizeof p, 2, 9,
            (fv_arg[]){ l->din[0], dres, l->dout, l->in[0], stats, gamma, totals, y, beta });
}

const fv_op fv_op_batchnorm = { .name = "batchnorm",
                                .min_in = 1,
                                .max_in = 2,
                                .saves = FV_SAVE_X | FV_SAVE_Y | FV_SAVE_AUX,
                                .shape = shape,
                                .params = params,
                                .aux = aux,
                                .forward = forward,
                                .again = apply,
                                .backward = backward };
