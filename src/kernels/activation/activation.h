/* activation.h -- the activations of fv_act, element by element.
 *
 *   act       0 y out, 1 x.  y may be x; both strided
 *   act_back  0 dx out (add allowed), 1 dy, 2 x or NULL, 3 y.  dx = dy * act'(x), by y where x is NULL: then not for
 *             silu and hard_swish.  dx may be dy where it is stored
 * Error: tol * eps * |y|, and of act_back tol * eps * |dy|: the functions of the C library and of simd.h are within
 * 4 ulp, and near its zeros a slope is a difference of numbers below 2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ACTIVATION_H
#define FV_ACTIVATION_H
#include "kernels/kernel.h"

typedef struct fv_act_problem {
    size_t count; /* elements of an image */
    fv_act act;
    int c; /* of a pixel: where y or x has an ld of its own */
} fv_act_problem;

/* Whether the value tells the slope. */
static inline bool fv_act_slope_by_value(fv_act a)
{
    return a != FV_ACT_SILU && a != FV_ACT_HARD_SWISH;
}

extern const fv_slot fv_slot_act, fv_slot_act_back;

#endif
