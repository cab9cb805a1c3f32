/* batchnorm_rows.h -- prototypes of the rows of batch normalisation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BATCHNORM_ROWS_H
#define FV_BATCHNORM_ROWS_H
#include "kernels/batchnorm/batchnorm.h"

enum { BN_CHANNELS = 16, BN_PIXELS = 16 }; /* of a unit; a multiple of every vector's width */

#define FV_ROWS "kernels/batchnorm/batchnorm.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
