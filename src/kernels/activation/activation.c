/* activation.c -- the slots of activations: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/activation/activation_rows.h"

static int blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_act_problem *)problem)->count + ACT_BLOCK - 1) / ACT_BLOCK);
}

#define FV_ROWS "kernels/activation/activation.def"
#include "kernels/row_tables.inc"
