/* xent.c -- the slots of cross-entropies: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/xent/xent_rows.h"

static int images(const void *problem, int n)
{
    (void)problem;
    return n;
}

#define FV_ROWS "kernels/xent/xent.def"
#include "kernels/row_tables.inc"
