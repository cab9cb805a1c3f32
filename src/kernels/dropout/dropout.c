/* dropout.c -- the slots of dropout: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/dropout/dropout_rows.h"

/* An image's block of values. */
static int image_blocks(const void *problem, int n)
{
    return n * (int)((((const fv_dropout_problem *)problem)->count + DROP_BLOCK - 1) / DROP_BLOCK);
}

#define FV_ROWS "kernels/dropout/dropout.def"
#include "kernels/row_tables.inc"
