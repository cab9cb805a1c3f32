/* pool.c -- the slots of pooling: tables of rows. A sum of k terms is off by (k + 1) eps / 2 of its absolute terms.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/pool/pool_rows.h"

static int output_rows(const void *problem, int n)
{
    return n * ((const fv_pool_problem *)problem)->oh;
}

/* A block of channels of an output row. */
static int row_blocks(const void *problem, int n)
{
    return output_rows(problem, n) * ((((const fv_pool_problem *)problem)->c + POOL_CHANNELS - 1) / POOL_CHANNELS);
}

/* An image's block of channels. */
static int image_blocks(const void *problem, int n)
{
    return n * ((((const fv_pool_problem *)problem)->c + POOL_CHANNELS - 1) / POOL_CHANNELS);
}

#define FV_ROWS "kernels/pool/pool.def"
#include "kernels/row_tables.inc"
