/* op_lrn.c -- local response normalisation. Krizhevsky et al. 2012, section 3.3; alpha is not divided by n.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/shape.h"
#include "kernels/lrn/lrn.h"
#include <stdio.h>

static fv_status shape(const fv_attr *a, const fv_shape *x, int nx, fv_shape *y, fv_err *err)
{
    const fv_lrn p = a->lrn;
    if (p.n < 1 || p.n > FV_MAX_DIM) return fv_fail(err, FV_ARG, "response normalisation over %d channels", p.n);
    if (!(p.k > 0 && p.alpha >= 0)) /* else a scale can be zero or negative */
        return fv_fail(err, FV_ARG, "response normalisation with k %g, alpha %g", (double)p.k, (double)p.alpha);
    return fv_shape_keep(a, x, nx, y, err);
}

static fv_lrn_problem problem(const fv_lower *l)
{
    const fv_lrn p = l->attr->lrn;
    return (fv_lrn_problem){ .pixels = fv_shape_pixels(l->x),
                             .c = l->x->c,
                             .n = p.n,
                             .alpha = (double)p.alpha,
                             .beta = (double)p.beta,
                             .k = (double)p.k };
}

static void forward(fv_lower *l)
{
    const fv_lrn_problem p = problem(l);
    l->step(l, &fv_slot_lrn, &p, sizeof p, 1, 2, (fv_arg[]){ l->out, l->in[0] });
}

static void backward(fv_lower *l)
{
    const fv_lrn_problem p = problem(l);
    l->step(l, &fv_slot_lrn_back, &p, sizeof p, 1, 3, (fv_arg[]){ l->din[0], l->dout, l->in[0] });
}

static void tell(const fv_attr *a, const fv_shape *x, char *out, size_t cap)
{
    (void)x;
    snprintf(out, cap, "%d channels", a->lrn.n);
}

const fv_op fv_op_lrn = { .name = "lrn",
                          .min_in = 1,
                          .max_in = 1,
                          .saves = FV_SAVE_X,
                          .shape = shape,
                          .forward = forward,
                          .backward = backward,
                          .tell = tell };
