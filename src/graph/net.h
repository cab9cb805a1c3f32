/* net.h -- a graph with its weights, pre-processing and class names: what a model file holds.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NET_H
#define FV_NET_H
#include "graph/graph.h"

struct fv_net {
    fv_env env;
    fv_arena arena;  /* names */
    fv_graph *graph; /* owned */
    char *name, *family;
    fv_stem stem;
    int classes;
    fv_prep prep;
    const char *const *class_names; /* classes of them, or NULL */
    float *weights;                 /* graph->floats, published layouts */
    int64_t batches_tracked;
    struct fv_on_disk *on_disk; /* weights that lie in their file (on_disk.h); NULL: all are in memory */
    bool has_weights;
    int fresh_aux; /* parameters of auxiliary classifiers that the file had none for */
};
fv_status fv_net_new(fv_net **net, fv_graph *g, const char *name, const fv_env *env,
                     fv_err *err); /* takes g over; all weights zero */
/* The same, its weights not even zero: the caller sets every one of them at once, and what lies between them. */
fv_status fv_net_new_unset(fv_net **net, fv_graph *g, const char *name, const fv_env *env, fv_err *err);
/* The floats that fill a line behind a tensor: checkpoints hold them as well. */
void fv_net_zero_gaps(const fv_net *net);
fv_status fv_net_name_classes(fv_net *net, const char *const *names, int n, fv_err *err); /* copies */
void fv_net_init(fv_net *net, uint64_t seed); /* weights by their initialisers, norms to identity */
void fv_net_init_param(fv_net *net, uint64_t seed, size_t i);
int fv_net_param(const fv_net *net, const char *key); /* index in graph->param, or -1 */

#endif
