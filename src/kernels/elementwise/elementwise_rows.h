/* elementwise_rows.h -- prototypes of the rows of sums and products.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ELEMENTWISE_ROWS_H
#define FV_ELEMENTWISE_ROWS_H
#include "kernels/elementwise/elementwise.h"

enum { EL_PIXELS = 16 }; /* of a unit */

#define FV_ROWS "kernels/elementwise/elementwise.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
