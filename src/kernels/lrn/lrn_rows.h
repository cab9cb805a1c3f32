/* lrn_rows.h -- prototypes of the rows of local response normalisation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_LRN_ROWS_H
#define FV_LRN_ROWS_H
#include "kernels/lrn/lrn.h"

enum { LRN_PIXELS = 16 }; /* of a unit */

#define FV_ROWS "kernels/lrn/lrn.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
