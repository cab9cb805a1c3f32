/* activation_rows.h -- prototypes of the rows of activations.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ACTIVATION_ROWS_H
#define FV_ACTIVATION_ROWS_H
#include "kernels/activation/activation.h"

enum { ACT_BLOCK = 4096 }; /* elements of a unit */

#define FV_ROWS "kernels/activation/activation.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
