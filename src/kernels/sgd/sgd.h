/* sgd.h -- the update of a parameter, and gradient clipping by the norm of all gradients. `n` plays no part here.
 *
 *   sgd          0 w, 1 velocity (both updated), 2 gradient, 3 fv_run_info.  PyTorch's rule:
 *                g = gradient * grad_scale + wd * w; v = momentum * v + g; w -= lr * (nesterov ? g + momentum * v : v),
 *                where lr is the run's times the problem's rate
 *   sumsq        0 part out [ceil(count / 4096)], 1 gradient.  Sums of squares of blocks
 *   sumsq_finish 0 total [1]: stored where `first`, else added to; 1 part (count: of the gradient).  In order
 *   clip         0 fv_run_info: multiplies grad_scale by min(1, clip / (grad_scale * norm + 1e-6)), 1 total (of squares)
 * Error, in eps: sgd tol * the sum of its |terms|; sumsq and sumsq_finish tol * result; clip is compared directly.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SGD_H
#define FV_SGD_H
#include "kernels/kernel.h"

typedef struct fv_sgd_problem {
    size_t count;
    double rate; /* sgd: of this parameter, a factor of the run's */
    double wd;
    double clip; /* clip */
    bool first;  /* sumsq_finish */
} fv_sgd_problem;

/* Floats of `part`. */
static inline size_t fv_sumsq_part_floats(size_t count)
{
    return (count + 4095) / 4096;
}

extern const fv_slot fv_slot_sgd, fv_slot_sumsq, fv_slot_sumsq_finish, fv_slot_clip;

#endif
