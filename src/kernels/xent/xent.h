/* xent.h -- cross-entropy of a target distribution and softmax(logits), per image. The target is mixed with the even
 * distribution: t' = (1 - smoothing) t + smoothing / k (Szegedy et al. 2016, section 7).
 *
 *   softmax_xent       0 loss out [1], 1 logits, 2 target.  -sum t' log softmax
 *   softmax_xent_back  0 dlogits out (add allowed), 1 dloss [1], 2 logits, 3 target
 * Error: tol * eps * (k sum t'(1 + max z - min z)), and of the gradient tol * eps * k |dloss| sum t'.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_XENT_H
#define FV_XENT_H
#include "kernels/kernel.h"

typedef struct fv_xent_problem {
    int k; /* classes */
    double smoothing;
} fv_xent_problem;

extern const fv_slot fv_slot_softmax_xent, fv_slot_softmax_xent_back;

#endif
