/* lrn.c -- the slots of local response normalisation: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/lrn/lrn_rows.h"

static int pixel_blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_lrn_problem *)problem)->pixels + LRN_PIXELS - 1) / LRN_PIXELS);
}

#define FV_ROWS "kernels/lrn/lrn.def"
#include "kernels/row_tables.inc"
