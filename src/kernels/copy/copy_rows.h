/* copy_rows.h -- prototypes of the rows of copies.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_COPY_ROWS_H
#define FV_COPY_ROWS_H
#include "kernels/copy/copy.h"

#define FV_ROWS "kernels/copy/copy.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
