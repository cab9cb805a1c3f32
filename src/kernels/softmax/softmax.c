/* softmax.c -- the slots of softmax cross-entropy: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/softmax/softmax_rows.h"

static int images(const void *problem, int n)
{
    (void)problem;
    return n;
}

#define FV_ROWS "kernels/softmax/softmax.def"
#include "kernels/row_tables.inc"
