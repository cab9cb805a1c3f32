/* softmax_rows.h -- prototypes of the rows of softmax cross-entropy.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SOFTMAX_ROWS_H
#define FV_SOFTMAX_ROWS_H
#include "kernels/softmax/softmax.h"

#define FV_ROWS "kernels/softmax/softmax.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
