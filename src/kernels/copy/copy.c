/* copy.c -- the slots of copies: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/copy/copy_rows.h"

static int box_rows(const void *problem, int n)
{
    return n * ((const fv_copy_problem *)problem)->h;
}

static int outer_rows(const void *problem, int n)
{
    return n * ((const fv_copy_problem *)problem)->oh;
}

/* Of gather's vector rows: at worst each channel of y has a move of its own. */
static size_t moves(const void *problem)
{
    return ((const fv_copy_problem *)problem)->c * sizeof(fv_copy_move);
}

/* Vectors draw on few windows. */
static bool few_groups(const void *problem)
{
    const fv_copy_problem *p = problem;
    return p->groups <= 8 || p->c / p->groups <= 8;
}

static size_t map_and_moves(const void *problem)
{
    return ((const fv_copy_problem *)problem)->c * sizeof(int32_t) + moves(problem);
}

#define FV_ROWS "kernels/copy/copy.def"
#include "kernels/row_tables.inc"
