/* elementwise.h -- sums and products of two tensors.
 *
 *   add         0 y out, 1 a, 2 b.  y = act(a + b); y may be a or b; all strided
 *   mul         0 y out (add allowed), 1 a, 2 b.  y = a * b; b has one factor per channel of an image where
 *               `per_channel`; y may be a; all strided, b where it has a factor per value
 *   mul_reduce  0 db out (add allowed), 1 dy, 2 a.  db[image][channel] = sum over pixels of dy * a
 * Error: add, mul tol * eps * (|a| + |b|, |a b|); mul_reduce tol * eps * sum |dy a|, summed over runs of 64 pixels.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ELEMENTWISE_H
#define FV_ELEMENTWISE_H
#include "kernels/kernel.h"

typedef struct fv_el_problem {
    size_t pixels; /* of an image */
    int c;
    fv_act act;       /* add */
    bool per_channel; /* mul */
} fv_el_problem;

extern const fv_slot fv_slot_add, fv_slot_mul, fv_slot_mul_reduce;

#endif
