/* activation.c -- the slots of activations: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/activation/activation_rows.h"

static int blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_act_problem *)problem)->count + ACT_BLOCK - 1) / ACT_BLOCK);
}

/* The fast rows know the activations that are clamps. */
static bool clamps(const void *problem)
{
    const fv_act act = ((const fv_act_problem *)problem)->act;
    return act == FV_ACT_NONE || act == FV_ACT_RELU || act == FV_ACT_RELU6;
}

#define FV_ROWS "kernels/activation/activation.def"
#include "kernels/row_tables.inc"
