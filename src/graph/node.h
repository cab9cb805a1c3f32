/* node.h -- the one way to add a node; the builder's functions are each a call of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NODE_H
#define FV_NODE_H
#include "graph/graph.h"

/* Adds a node of op `id` on these values; the op's row gives shape and parameters. init is for its weight and bias.
 * name NULL: a node without a module. On failure the graph keeps it and a harmless value comes back. */
fv_val fv_node_add(fv_graph *g, fv_op_id id, const char *name, fv_attr attr, const fv_val *in, int nin, fv_init init);
void fv_node_reach(const fv_graph *g, fv_node *n); /* sets n->reach from those of its inputs */

#endif
