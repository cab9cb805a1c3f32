/* dropout.h -- dropout (Srivastava et al. 2014) and stochastic depth (Huang et al. 2016), with inverted scaling.
 *
 *   dropout    0 y out (add allowed), 1 x, 2 fv_run_info.  Each value is zero with chance p, else times 1 / (1 - p)
 *   drop_path  the same with one draw for an image
 * The mask is a function of seed, step, the image's place in the batch, the node and the element, so that the backward
 * pass is the same kernel again. Exact up to one rounding of the product: tol 1, of eps * |x| / (1 - p).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_DROPOUT_H
#define FV_DROPOUT_H
#include "kernels/kernel.h"

typedef struct fv_dropout_problem {
    size_t count; /* values of an image */
    double p;
    uint32_t node; /* below 2^24 */
} fv_dropout_problem;

extern const fv_slot fv_slot_dropout, fv_slot_drop_path;

#endif
