/* sgd.c -- the slots of the update: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/sgd/sgd_rows.h"

static int blocks(const void *problem, int n)
{
    (void)n;
    return (int)((((const fv_sgd_problem *)problem)->count + SGD_BLOCK - 1) / SGD_BLOCK);
}

static int one(const void *problem, int n)
{
    (void)problem, (void)n;
    return 1;
}

#define FV_ROWS "kernels/sgd/sgd.def"
#include "kernels/row_tables.inc"
