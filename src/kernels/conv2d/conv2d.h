/* conv2d.h -- convolution forward, data gradient, weight gradient, bias gradient. A linear layer is the case
 * h = w = kh = kw = 1.
 *
 *   conv2d         y[oh][ow][oc] = act(b[oc] + sum x[oh*sh - top + kh*dh][ow*sw - left + kw*dw][c] w[oc][c][kh][kw] + r)
 *   operands       0 y out, 1 x, 2 w (packed, or OIHW: out, c/groups, kh, kw), 3 bias or NULL, 4 residual or NULL (y's
 *                  shape; may be y itself), 5 map or NULL: int32_t[c], channel i is channel map[i] of x's pixel (a
 *                  channel shuffle; fast where many follow each other; rows of small groups do not look at it:
 *                  fv_conv_takes_map).
 *                  0, 1 and 4 may be strided. 6 NULL, or moments of y out [part][2][oc], 7 with it: pixels of each part
 *                  out, a 0 behind the last (rows that have `parts`; what bn_finish reads)
 *   conv2d_dgrad   0 dx out (add allowed), 1 dy, 2 w (packed, or OIHW)
 *   conv2d_wgrad   0 dw out, OIHW (add allowed), 1 dy, 2 x.  Leaves of FV_LEAF images, joined in a fixed tree
 *   conv2d_bgrad   0 db out (add allowed), 1 dy.  The same leaves
 * The epilogue (act, bias, residual) belongs to conv2d alone. Images outside the input are zeros. The order of a sum is
 * a function of the per-image shape and the CPU level alone. Error: |y - ref64| <= tol * eps * (terms + 3) * (|b| +
 * sum |x||w| + |r|) where terms counts the products of the sum; the gradients' bounds alike, with dx, dw, db for b. Rows
 * with a tile have another bound: conv2d_winograd.inc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CONV2D_H
#define FV_CONV2D_H
#include "kernels/kernel.h"

/* How a row cuts its work; 0: as it thinks best. No choice changes a bit of y; moments are those of the cuts. */
typedef struct fv_conv_blocks {
    int inputs;  /* bytes of a strip's inputs, of a block's transformed ones, of a depthwise block's rows */
    int weights; /* bytes of the weights that meet a strip at a time */
    int results; /* bytes of a Winograd block's products */
    int units;   /* parts to cut the work into where there is enough of it; depthwise: rows of a part */
} fv_conv_blocks;

static inline int fv_block_or(int wanted, int own)
{
    return wanted ? wanted : own;
}

typedef struct fv_conv_problem {
    int h, w, c;    /* input */
    int oh, ow, oc; /* output */
    int kh, kw, sh, sw, top, left, dh, dw, groups;
    fv_act act;
    fv_conv_blocks blocks;
    int whole; /* oh of the image, where the problem is only a band of its rows: the order of sums is the image's; 0: it is not */
} fv_conv_problem;

/* Depthwise convolutions and those of groups and several taps take no map. */
static inline bool fv_conv_takes_map(const fv_conv_problem *p)
{
    return p->groups == 1 || (p->kh * p->kw == 1 && !(p->groups == p->c && p->c == p->oc));
}

/* A convolution (1x1, or of few inputs) and the depthwise one that alone reads what it makes, one image: what is between them is never there
 * as a whole. Their operands are those of the slot, packed for their rows; neither has a residual, a map or moments. No
 * bit differs from one after the other. run: output rows [second->begin, second->end), so that threads part the image as
 * they do in the steps before and behind; scratch that of `second`; seconds: NULL,
 * or two sums that the times of both are added to. */
typedef struct fv_conv_pair {
    fv_kernel_fn *first, *second; /* of the rows */
    bool (*applies)(const fv_conv_problem *first, const fv_conv_problem *second);
    size_t (*scratch)(const fv_conv_problem *first, const fv_conv_problem *second); /* bytes per thread */
    void (*run)(const fv_work *first, const fv_work *second, double *seconds);
} fv_conv_pair;
/* Of two rows; NULL: they cannot, or it does not pay. */
const fv_conv_pair *fv_conv_pair_of(const fv_kernel *first, const fv_conv_problem *p, const fv_kernel *second,
                                    const fv_conv_problem *q);

extern const fv_slot fv_slot_conv2d, fv_slot_conv2d_dgrad, fv_slot_conv2d_wgrad, fv_slot_conv2d_bgrad;

#endif
