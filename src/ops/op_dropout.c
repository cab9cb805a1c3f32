/* op_dropout.c -- dropout and stochastic depth. Identities at inference; the backward pass draws the mask again.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/dropout/dropout.h"
#include <stdio.h>

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    if (!(a->p >= 0 && a->p <= 1)) return fv_fail(err, FV_ARG, "a chance of %g", (double)a->p);
    return fv_shape_keep(a, x, nx, y, err);
}

static void emit(fv_lower *l, const fv_slot *slot, fv_arg to, fv_arg from)
{
    const fv_dropout_problem p = { .count = fv_shape_count(l->x), .p = (double)l->attr->p, .node = l->attr->node };
    if (l->train) l->step(l, slot, &p, sizeof p, 1, 3, (fv_arg[]){ to, from, l->run });
    else fv_emit_copy(l, l->x, to, from);
}

static void drop_forward(fv_lower *l)
{
    emit(l, &fv_slot_dropout, l->out, l->in[0]);
}

static void drop_backward(fv_lower *l)
{
    emit(l, &fv_slot_dropout, l->din[0], l->dout);
}

static void path_forward(fv_lower *l)
{
    emit(l, &fv_slot_drop_path, l->out, l->in[0]);
}

static void path_backward(fv_lower *l)
{
    emit(l, &fv_slot_drop_path, l->din[0], l->dout);
}

static void tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    (void)x;
    snprintf(out, cap, "p %g", (double)a->p);
}

const fv_op fv_op_dropout = { .name = "dropout",
                              .min_in = 1,
                              .max_in = 1,
                              .shape = shape,
                              .forward = drop_forward,
                              .backward = drop_backward,
                              .tell = tell,
                              .traffic = FV_TRAFFIC_NONE };
const fv_op fv_op_drop_path = { .name = "drop_path",
                                .min_in = 1,
                                .max_in = 1,
                                .shape = shape,
                                .forward = path_forward,
                                .backward = path_backward,
                                .tell = tell,
                                .traffic = FV_TRAFFIC_NONE };
