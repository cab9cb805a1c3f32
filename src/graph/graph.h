/* graph.h -- nodes, values and parameters behind the public builder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_GRAPH_H
#define FV_GRAPH_H
#include "base/alloc.h"
#include "ops/op.h"

/* What one pixel of a value sees of the graph's input, and the step between the windows of neighbours. */
typedef struct fv_reach {
    int h, w, step_h, step_w;
} fv_reach;

/* A node makes one value, which has the node's number. Inputs come before their users. */
typedef struct fv_node {
    fv_op_id op;
    const char *name; /* scoped */
    fv_attr attr;
    int nin, in[FV_MAX_IN];
    fv_shape shape; /* of the value */
    fv_reach reach; /* likewise */
    int nparam, param[FV_MAX_PARAMS];
    bool main, aux; /* do the output, auxiliary outputs need it? */
} fv_node;

typedef struct fv_param {
    const char *name; /* the state-dict key */
    fv_param_kind kind;
    int rank, dim[4];
    size_t floats; /* 0 for counts */
    size_t at;     /* offset in the net's block, floats */
    fv_init init;
    bool aux; /* only auxiliary outputs need it */
} fv_param;

/* Floats that a tensor takes in the block: whole lines of 64 bytes. (order.c renumbers parameters, not their places.) */
static inline size_t fv_param_room(size_t floats)
{
    return (floats + 15) / 16 * 16;
}

enum { FV_MAX_AUX_OUTPUTS = 4 };
typedef struct fv_aux_out {
    int value;
    float weight; /* in the loss */
} fv_aux_out;

struct fv_graph {
    fv_env env;
    fv_arena arena;
    fv_err err; /* the first failure */
    fv_node *node;
    size_t nnode, node_cap;
    fv_param *param;
    size_t nparam, param_cap;
    size_t floats; /* of all parameters */
    int output;    /* value; -1: none yet */
    fv_aux_out aux[FV_MAX_AUX_OUTPUTS];
    int naux;
    fv_init conv_init, linear_init;
    float drop_path; /* of the last residual branch (branch.h) */
    char scope[200];
    int depth, mark[16];
};

/* Trainable: weights, biases, scales, shifts; without those that only auxiliary outputs need, and only those. */
int64_t fv_graph_params(const fv_graph *g);
int64_t fv_graph_aux_params(const fv_graph *g);
int64_t fv_graph_macs(const fv_graph *g); /* without auxiliary outputs */
const fv_shape *fv_node_inputs(const fv_graph *g, const fv_node *n, fv_shape x[FV_MAX_IN]); /* fills and returns x */

#endif
