/* copy_rows.h -- prototypes of the rows of copies.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_COPY_ROWS_H
#define FV_COPY_ROWS_H
#include "kernels/copy/copy.h"

enum { COPY_LANES = 16 }; /* of the widest vector */

/* One step of a gather: a window of x into lanes of a vector of y. */
typedef struct fv_copy_move {
    int32_t lane[COPY_LANES]; /* which float of the window; < 0: the lane stays */
    int from;                 /* the window's first channel */
    bool last;                /* the vector is complete */
} fv_copy_move;

#define FV_ROWS "kernels/copy/copy.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
