/* pool.h -- pooling over windows of pixels.
 *
 *   maxpool       0 y out, 1 x.  NaN wins, as in PyTorch
 *   maxpool_back  0 dx out (add allowed), 1 dy, 2 x.  A window's gradient goes to its first greatest pixel, row-major
 *   avgpool       0 y out, 1 x.  Divides by the pixels of the window inside the padded input, or, with exclude_pad,
 *                 inside the input; or by `divisor`. Sums row by row, then the rows
 *   avgpool_back  0 dx out (add allowed), 1 dy
 * Operands 0 and 1 of the forward slots may be strided. Each window holds a pixel of the input. Error: maxpool 0; the
 * others tol * eps * sum |terms|.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_POOL_H
#define FV_POOL_H
#include "kernels/kernel.h"

typedef struct fv_pool_problem {
    int h, w, c; /* input */
    int oh, ow;  /* output */
    int kh, kw, sh, sw, top, left;
    bool exclude_pad;
    int divisor; /* forward, 0: none */
} fv_pool_problem;

extern const fv_slot fv_slot_maxpool, fv_slot_maxpool_back, fv_slot_avgpool, fv_slot_avgpool_back;

#endif
