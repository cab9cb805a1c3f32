/* net.c -- a graph with its weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/net.h"
#include "graph/init.h"
#include "graph/on_disk.h"
#include <string.h>

static fv_status make(fv_net **out, fv_graph *g, const char *name, bool zero, const fv_env *env, fv_err *err)
{
    const fv_env e = env ? *env : (fv_env){ 0 };
    void *p = NULL;
    *out = NULL;
    fv_status s = fv_graph_check(g, err);
    if (s == FV_OK) s = fv_alloc_zero(e.heap, &p, sizeof(fv_net), err);
    if (s != FV_OK) {
        fv_graph_free(g);
        return s;
    }
    fv_net *net = p;
    net->env = e;
    net->arena.heap = e.heap;
    net->graph = g;
    net->name = fv_arena_strdup(&net->arena, name);
    net->classes = g->node[g->output].shape.c;
    s = net->arena.failed
            ? fv_fail(err, FV_NOMEM, "no memory for a name")
            : (zero ? fv_alloc_zero : fv_alloc_or)(e.heap, (void **)&net->weights, g->floats * sizeof(float), err);
    if (s != FV_OK) {
        fv_net_free(net);
        return fv_context(err, s, "cannot hold the weights of '%s'", name);
    }
    *out = net;
    return FV_OK;
}

fv_status fv_net_new(fv_net **out, fv_graph *g, const char *name, const fv_env *env, fv_err *err)
{
    return make(out, g, name, true, env, err);
}

fv_status fv_net_new_unset(fv_net **out, fv_graph *g, const char *name, const fv_env *env, fv_err *err)
{
    return make(out, g, name, false, env, err);
}

void fv_net_zero_gaps(const fv_net *net)
{
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_param *p = &net->graph->param[i];
        memset(net->weights + p->at + p->floats, 0, (fv_param_room(p->floats) - p->floats) * sizeof *net->weights);
    }
}

void fv_net_free(fv_net *net)
{
    if (!net) return;
    const fv_allocator *heap = net->env.heap;
    fv_graph_free(net->graph);
    fv_on_disk_free(net);
    fv_release(heap, net->weights);
    fv_arena_free(&net->arena);
    fv_release(heap, net);
}

fv_status fv_net_name_classes(fv_net *net, const char *const *names, int n, fv_err *err)
{
    if (n != net->classes) return fv_fail(err, FV_ARG, "%d class names for a network of %d classes", n, net->classes);
    const char **copy = fv_arena_alloc(&net->arena, (size_t)n * sizeof *copy);
    for (int i = 0; copy && i < n; i++) copy[i] = fv_arena_strdup(&net->arena, names[i]);
    if (net->arena.failed) return fv_fail(err, FV_NOMEM, "no memory for %d class names", n);
    net->class_names = copy;
    return FV_OK;
}

static bool is_variance(const fv_param *p)
{
    const char *tail = "running_var";
    const size_t n = strlen(p->name), t = strlen(tail);
    return n >= t && strcmp(p->name + n - t, tail) == 0;
}

void fv_net_init_param(fv_net *net, uint64_t seed, size_t i)
{
    const fv_param *p = &net->graph->param[i];
    float *w = net->weights + p->at;
    fv_init_draw(w, p, p->kind == FV_PARAM_BIAS ? p - 1 : p, seed, i);
    for (size_t k = 0; is_variance(p) && k < p->floats; k++) w[k] = 1;
}

void fv_net_init(fv_net *net, uint64_t seed)
{
    const fv_graph *g = net->graph;
    for (size_t i = 0; i < g->nparam; i++) fv_net_init_param(net, seed, i);
    net->batches_tracked = 0;
    net->has_weights = false;
}

int fv_net_param(const fv_net *net, const char *key)
{
    for (size_t i = 0; i < net->graph->nparam; i++)
        if (strcmp(net->graph->param[i].name, key) == 0) return (int)i;
    return -1;
}

float *fv_net_weights(fv_net *net, const char *key, int64_t *count)
{
    const int i = fv_net_param(net, key);
    if (i < 0 || net->graph->param[i].floats == 0 || fv_net_fill(net, i, NULL) != FV_OK) return NULL;
    if (count) *count = (int64_t)net->graph->param[i].floats;
    return net->weights + net->graph->param[i].at;
}
