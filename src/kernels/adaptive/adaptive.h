/* adaptive.h -- updates that scale each weight by what its gradient was like, and what surrounds an update: gradients
 * gathered over several batches, moving averages of the weights. `n` plays no part here; g is gradient * grad_scale.
 *
 *   rmsprop     0 w, 1 ms, 2 momentum (all updated), 3 gradient, 4 fv_run_info.  Hinton's rule as TensorFlow has it:
 *               g += wd * w; ms = alpha * ms + (1 - alpha) * g^2; mom = mu * mom + lr * g / sqrt(ms + eps); w -= mom
 *   adamw       0 w, 1 m, 2 v (all updated), 3 gradient, 4 fv_run_info.  Loshchilov, Hutter 2017, algorithm 2:
 *               w -= lr * wd * w; m, v: averages of g and g^2 by beta1, beta2;
 *               w -= lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *   lamb        0 u out, 1 m, 2 v (updated), 3 w, 4 gradient, 5 fv_run_info.  You et al. 2019, algorithm 2: m and v as
 *               of adamw; u = (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps) + wd * w
 *   lamb_apply  0 w (updated), 1 u, 2 [1] squares of w, 3 [1] squares of u, 4 fv_run_info.
 *               w -= lr * |w| / |u| * u; where wd is 0 or a norm is, w -= lr * u
 *   gather      0 sum (stored where the run is `fresh`, else added to), 1 gradient, 2 fv_run_info
 *   average     0 average (updated), 1 w, 2 fv_run_info.  average = ema * average + (1 - ema) * w
 * lr is the run's times the problem's rate. Error, in eps: tol * the sum of the |terms| of the result.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ADAPTIVE_H
#define FV_ADAPTIVE_H
#include "kernels/kernel.h"

typedef struct fv_adaptive_problem {
    size_t count;
    double rate; /* of this parameter: a factor of the run's */
    double wd;
    double beta1, beta2; /* beta2: rmsprop's alpha, too */
    double eps;
} fv_adaptive_problem;

extern const fv_slot fv_slot_rmsprop, fv_slot_adamw, fv_slot_lamb, fv_slot_lamb_apply, fv_slot_collect, fv_slot_average;

#endif
