/* elementwise.c -- the slots of sums and products: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/elementwise/elementwise_rows.h"

static int pixel_blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_el_problem *)problem)->pixels + EL_PIXELS - 1) / EL_PIXELS);
}

static int products(const void *problem, int n)
{
    const fv_el_problem *p = problem;
    return el_by_channels(p) ? n * ((p->c + EL_CHANNELS - 1) / EL_CHANNELS) : pixel_blocks(problem, n);
}

static int images(const void *problem, int n)
{
    (void)problem;
    return n;
}

#define FV_ROWS "kernels/elementwise/elementwise.def"
#include "kernels/row_tables.inc"
