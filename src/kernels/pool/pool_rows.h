/* pool_rows.h -- prototypes of the rows of pooling.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_POOL_ROWS_H
#define FV_POOL_ROWS_H
#include "kernels/pool/pool.h"

enum { POOL_CHANNELS = 64 }; /* of a unit, where units are blocks of channels */

#define FV_ROWS "kernels/pool/pool.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
