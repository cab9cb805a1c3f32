/* order.c -- the order of parameters, which is that of a state dict.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/order.h"
#include "graph/graph.h"
#include <assert.h>
#include <string.h>

/* Where parameter i is after `count` parameters from `from` on moved to `to`, in front of them. */
static int moved(int i, int from, int count, int to)
{
    if (i < to || i >= from + count) return i;
    return i < from ? i + count : i - from + to;
}

void fv_params_before(fv_graph *g, fv_val later, fv_val earlier)
{
    if (g->err.status != FV_OK) return;
    const fv_node *a = &g->node[later.id], *b = &g->node[earlier.id];
    assert(a->nparam && b->nparam && a->param[0] > b->param[0]);
    const int from = a->param[0], count = a->nparam, to = b->param[0];
    fv_param own[FV_MAX_PARAMS];

    memcpy(own, &g->param[from], (size_t)count * sizeof *own);
    memmove(&g->param[to + count], &g->param[to], (size_t)(from - to) * sizeof *own);
    memcpy(&g->param[to], own, (size_t)count * sizeof *own);
    for (size_t i = 0; i < g->nnode; i++)
        for (int k = 0; k < g->node[i].nparam; k++) g->node[i].param[k] = moved(g->node[i].param[k], from, count, to);
}
