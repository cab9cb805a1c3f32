/* lrn.h -- local response normalisation across channels (Krizhevsky et al. 2012, section 3.3):
 * y[i] = x[i] / s[i]^beta, s[i] = k + alpha * sum of x[j]^2 over i - n/2 <= j <= i + (n-1)/2 inside the channels.
 *
 *   lrn       0 y out, 1 x
 *   lrn_back  0 dx out (add allowed), 1 dy, 2 x
 * Error: tol * eps * |y| * n; lrn_back tol * eps * n * the sum of its |terms|.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_LRN_KERNEL_H
#define FV_LRN_KERNEL_H
#include "kernels/kernel.h"

typedef struct fv_lrn_problem {
    size_t pixels; /* of an image */
    int c, n;
    double alpha, beta, k;
} fv_lrn_problem;

extern const fv_slot fv_slot_lrn, fv_slot_lrn_back;

#endif
