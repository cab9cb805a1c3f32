/* elementwise.c -- the slots of sums and products: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/elementwise/elementwise_rows.h"

static int pixel_blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_el_problem *)problem)->pixels + EL_PIXELS - 1) / EL_PIXELS);
}

static int images(const void *problem, int n)
{
    (void)problem;
    return n;
}

/* The fast rows know the activations that are clamps. */
static bool clamps(const void *problem)
{
    const fv_act act = ((const fv_el_problem *)problem)->act;
    return act == FV_ACT_NONE || act == FV_ACT_RELU || act == FV_ACT_RELU6;
}

#define FV_ROWS "kernels/elementwise/elementwise.def"
#include "kernels/row_tables.inc"
