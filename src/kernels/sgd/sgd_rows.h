/* sgd_rows.h -- prototypes of the rows of the update.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SGD_ROWS_H
#define FV_SGD_ROWS_H
#include "kernels/sgd/sgd.h"

enum { SGD_BLOCK = 4096 }; /* values of a unit */

#define FV_ROWS "kernels/sgd/sgd.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
