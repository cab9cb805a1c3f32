/* xent.h -- cross-entropies of logits and a target, per image: of softmax, and of every class as a question of its own
 * (binary). The target is mixed with the even distribution: t' = (1 - smoothing) t + smoothing / k (Szegedy et al. 2016,
 * section 7). For bce, where the threshold is not 0, t is first 1 if it is above it, and else 0.
 *
 *   softmax_xent       0 loss out [1], 1 logits, 2 target.  -sum t' log softmax
 *   softmax_xent_back  0 dlogits out (add allowed), 1 dloss [1], 2 logits, 3 target
 * Error: tol * eps * (k sum t'(1 + max z - min z)), and of the gradient tol * eps * k |dloss| sum t'.
 *   bce                as softmax_xent.  -1/k sum (t' log s + (1 - t') log (1 - s)), s = 1 / (1 + e^-z)
 *   bce_back           as softmax_xent_back
 * Error: tol * eps * sum (1 + |z| (1 + t')), and of the gradient tol * eps * |dloss| (1 + t') / k.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_XENT_H
#define FV_XENT_H
#include "kernels/kernel.h"

typedef struct fv_xent_problem {
    int k;           /* classes */
    float threshold; /* bce: below 1; 0: none */
    double smoothing;
} fv_xent_problem;

extern const fv_slot fv_slot_softmax_xent, fv_slot_softmax_xent_back, fv_slot_bce, fv_slot_bce_back;

#endif
