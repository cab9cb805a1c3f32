/* xent_rows.h -- prototypes of the rows of cross-entropies.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_XENT_ROWS_H
#define FV_XENT_ROWS_H
#include "kernels/xent/xent.h"

#define FV_ROWS "kernels/xent/xent.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
