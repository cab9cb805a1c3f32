/* op_loss.c -- softmax cross-entropy with label smoothing (Szegedy et al. 2016, section 7). Inputs: logits and a target
 * distribution; the target gets no gradient.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/xent/xent.h"

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    (void)nx;
    if (x[0].h != 1 || x[0].w != 1 || !fv_shape_same(&x[0], &x[1]))
        return fv_fail(err, FV_SHAPE, "logits %d x %d x %d, target %d x %d x %d", x[0].h, x[0].w, x[0].c, x[1].h,
                       x[1].w, x[1].c);
    if (!(a->p >= 0 && a->p < 1)) return fv_fail(err, FV_ARG, "a smoothing of %g", (double)a->p);
    return fv_shape_set(y, 1, 1, 1, err);
}

static void forward(fv_lower *l)
{
    const fv_xent_problem p = { .k = l->x->c, .smoothing = (double)l->attr->p };
    l->step(l, &fv_slot_softmax_xent, &p, sizeof p, 1, 3, (fv_arg[]){ l->out, l->in[0], l->in[1] });
}

static void backward(fv_lower *l)
{
    const fv_xent_problem p = { .k = l->x->c, .smoothing = (double)l->attr->p };
    l->step(l, &fv_slot_softmax_xent_back, &p, sizeof p, 1, 4, (fv_arg[]){ l->din[0], l->dout, l->in[0], l->in[1] });
}

const fv_op fv_op_softmax_xent = { .name = "softmax_xent",
                                   .min_in = 2,
                                   .max_in = 2,
                                   .saves = FV_SAVE_X,
                                   .shape = shape,
                                   .forward = forward,
                                   .backward = backward };
