/* copy.h -- moving values about: concatenation, slices, padding, shuffles and their gradients.
 *
 *   copy     0 y out (add allowed), 1 x.  The whole image
 *   crop     0 y out (add allowed), 1 x.  y (h x w x c) is the box of x (oh x ow x oc) at (top, left, front)
 *   pad      0 y out (add allowed), 1 x.  y (oh x ow x oc) is zero but for x (h x w x c) in the box
 *   place    0 y out, 1 x.  Writes x into the box of y and leaves the rest
 *   shuffle  0 y out (add allowed), 1 x.  Of each pixel: y[j * groups + i] = x[i * (c / groups) + j]; the inverse has
 *            c / groups groups. All of an image as one pixel with h * w groups: from H, W, C to the order C, H, W
 *   gather   0 y out (add allowed), 1 x, 2 map (const int32_t[c], each within 0 .. oc - 1, or NULL).  Of each pixel
 *            y[i] = x[map[i]], x[i] without a map; y has h * w pixels of c channels, x as many of oc; y and x strided
 * Exact: tol 0.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_COPY_H
#define FV_COPY_H
#include "kernels/kernel.h"

typedef struct fv_copy_problem {
    int h, w, c;          /* the box; copy: all; shuffle, gather: h * w pixels */
    int oh, ow, oc;       /* what the box lies in; gather: oc channels of x */
    int top, left, front; /* where */
    int groups;           /* shuffle: a divisor of c */
} fv_copy_problem;

extern const fv_slot fv_slot_copy, fv_slot_crop, fv_slot_pad, fv_slot_place, fv_slot_shuffle, fv_slot_gather;

#endif
