/* op_loss.c -- losses with label smoothing (Szegedy et al. 2016, section 7): softmax cross-entropy, and binary
 * cross-entropy (Wightman et al. 2021). Inputs: logits and a target distribution; the target gets no gradient.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/xent/xent.h"

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    const double smoothing = (double)a->xent.smoothing, threshold = (double)a->xent.threshold;
    (void)nx;
    if (x[0].h != 1 || x[0].w != 1 || !fv_shape_same(&x[0], &x[1]))
        return fv_fail(err, FV_SHAPE, "logits %d x %d x %d, target %d x %d x %d", x[0].h, x[0].w, x[0].c, x[1].h,
                       x[1].w, x[1].c);
    if (!(smoothing >= 0 && smoothing < 1)) return fv_fail(err, FV_ARG, "a smoothing of %g", smoothing);
    if (!(threshold >= 0 && threshold < 1)) return fv_fail(err, FV_ARG, "a threshold of targets of %g", threshold);
    return fv_shape_set(y, 1, 1, 1, err);
}

static void value(fv_lower *l, const fv_slot *slot)
{
    const fv_xent_problem p = { .k = l->x->c,
                                .threshold = l->attr->xent.threshold,
                                .smoothing = (double)l->attr->xent.smoothing };
    l->step(l, slot, &p, sizeof p, 1, 3, (fv_arg[]){ l->out, l->in[0], l->in[1] });
}

static void gradient(fv_lower *l, const fv_slot *slot)
{
    const fv_xent_problem p = { .k = l->x->c,
                                .threshold = l->attr->xent.threshold,
                                .smoothing = (double)l->attr->xent.smoothing };
    l->step(l, slot, &p, sizeof p, 1, 4, (fv_arg[]){ l->din[0], l->dout, l->in[0], l->in[1] });
}

static void softmax_forward(fv_lower *l)
{
    value(l, &fv_slot_softmax_xent);
}
static void softmax_backward(fv_lower *l)
{
    gradient(l, &fv_slot_softmax_xent_back);
}
static void bce_forward(fv_lower *l)
{
    value(l, &fv_slot_bce);
}
static void bce_backward(fv_lower *l)
{
    gradient(l, &fv_slot_bce_back);
}

const fv_op fv_op_softmax_xent = { .name = "softmax_xent",
                                   .min_in = 2,
                                   .max_in = 2,
                                   .saves = FV_SAVE_X,
                                   .shape = shape,
                                   .forward = softmax_forward,
                                   .backward = softmax_backward };
const fv_op fv_op_bce = { .name = "bce",
                          .min_in = 2,
                          .max_in = 2,
                          .saves = FV_SAVE_X,
                          .shape = shape,
                          .forward = bce_forward,
                          .backward = bce_backward };
