/* batchnorm.h -- batch normalisation (Ioffe, Szegedy 2015, algorithms 1 and 2) over channels, with the epilogue
 * y = act(xhat * gamma + beta + residual), xhat = (x - mean) * invstd.
 *
 *   bn_moments     0 part out [leaf][2][c]: mean and sum of squared deviations, 1 x
 *   bn_finish      0 stats out [2][c]: mean, 1/sqrt(variance + eps); 1 running mean, 2 running variance (updated by
 *                  PyTorch's rule: the unbiased variance, momentum), 3 part, 4 NULL, or floats: the pixels of each row of
 *                  part, up to a 0 (rows that are not leaves: fv_kernel.parts)
 *   bn_running     0 stats out, 1 running mean, 2 running variance
 *   bn_apply       0 y out, 1 x, 2 stats, 3 gamma, 4 beta, 5 residual or NULL.  y may be x or the residual; those strided
 *   bn_reduce      0 part out [leaf][2][c]: sums of g and of g * xhat, 1 dy, 2 x, 3 stats, 4 y or NULL, 5 gamma,
 *                  6 beta.  g = dy * act', by y, or where y is NULL by the act's input, made again from x: then
 *                  there was no residual. gamma and beta are read only then
 *   bn_back_finish 0 dgamma or NULL (add allowed), 1 dbeta or NULL (add allowed), 2 totals out [2][c], 3 part
 *   bn_dx          0 dx or NULL (add allowed), 1 gradient of the residual or NULL (add allowed), 2 dy, 3 x, 4 stats,
 *                  5 gamma, 6 totals, or NULL: stats are constants, 7 y or NULL, 8 beta (as in bn_reduce).  Outputs may not
 *                  be inputs
 * Sums go over leaves of FV_LEAF images, joined in a fixed tree (moments by Chan, Golub, LeVeque 1979, eq. 2.1).
 * silu and hard_swish have no slope by y.
 * Error, in eps: bn_moments, bn_finish: tol * (1 + |mean|/std) of std; bn_apply: tol * (|x - mean| |invstd gamma| +
 * |beta| + |r|); bn_reduce: tol * sum |g|, tol * sum |g|(|x| + |mean|) invstd; bn_dx: tol * the sum of its |terms|.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BATCHNORM_H
#define FV_BATCHNORM_H
#include "kernels/kernel.h"

typedef struct fv_bn_problem {
    size_t pixels; /* of an image */
    int c;
    double eps, momentum;
    fv_act act;
} fv_bn_problem;

/* Floats of `part` for so many images. */
static inline size_t fv_bn_part_floats(int n, int c)
{
    return (size_t)((n + FV_LEAF - 1) / FV_LEAF) * 2 * c;
}

extern const fv_slot fv_slot_bn_moments, fv_slot_bn_finish, fv_slot_bn_running, fv_slot_bn_apply, fv_slot_bn_reduce,
    fv_slot_bn_back_finish, fv_slot_bn_dx;

#endif
