/* branch.c -- stochastic depth by Huang et al. 2016, "Deep Networks with Stochastic Depth".
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/branch.h"
#include "graph/graph.h"

void fv_stochastic_depth(fv_graph *g, const fv_build *b)
{
    g->drop_path = b->drop_path > 0 ? (float)b->drop_path : 0;
}

fv_val fv_branch(fv_graph *g, fv_val x)
{
    return g->drop_path > 0 ? fv_drop_path(g, x, g->drop_path) : x;
}

void fv_spread_depth(fv_graph *g)
{
    int branches = 0, branch = 0;
    for (size_t i = 0; i < g->nnode; i++) branches += g->node[i].op == FV_OP_DROP_PATH;
    for (size_t i = 0; g->drop_path > 0 && i < g->nnode; i++)
        if (g->node[i].op == FV_OP_DROP_PATH) g->node[i].attr.p = g->drop_path * (float)++branch / (float)branches;
}
