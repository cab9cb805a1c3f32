/* adaptive.c -- the slots of the adaptive updates: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/adaptive/adaptive_rows.h"

static int blocks(const void *problem, int n)
{
    (void)n;
    return (int)((((const fv_adaptive_problem *)problem)->count + UPDATE_BLOCK - 1) / UPDATE_BLOCK);
}

#define FV_ROWS "kernels/adaptive/adaptive.def"
#include "kernels/row_tables.inc"
