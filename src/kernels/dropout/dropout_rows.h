/* dropout_rows.h -- prototypes of the rows of dropout.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_DROPOUT_ROWS_H
#define FV_DROPOUT_ROWS_H
#include "kernels/dropout/dropout.h"

enum { DROP_BLOCK = 4096 }; /* values of a unit; a multiple of the 4 words of a random block */

#define FV_ROWS "kernels/dropout/dropout.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
