/* pool_rows.h -- prototypes of the rows of pooling.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_POOL_ROWS_H
#define FV_POOL_ROWS_H
#include "kernels/pool/pool.h"

enum { POOL_CHANNELS = 16 }; /* of a unit of the backward kernels */

#define FV_ROWS "kernels/pool/pool.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
