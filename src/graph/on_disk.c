/* on_disk.c -- weights that stay in their file until somebody wants them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "graph/on_disk.h"
#include "base/log.h"
#include <math.h>

fv_status fv_on_disk_new(fv_net *net, const fv_file *file, const char *path, fv_err *err)
{
    fv_on_disk *d = fv_arena_alloc(&net->arena, sizeof *d);
    fv_stretch *param = fv_arena_alloc(&net->arena, net->graph->nparam * sizeof *param);
    char *name = fv_arena_strdup(&net->arena, path);
    if (!d || !param || !name) return fv_fail(err, FV_NOMEM, "no memory to list %zu parameters", net->graph->nparam);
    *d = (fv_on_disk){ .path = name, .param = param };
    FV_TRY(fv_file_again(&d->file, file, path, err));
    if (pthread_mutex_init(&d->lock, NULL) != 0) {
        fv_file_close(&d->file);
        return fv_fail(err, FV_NOMEM, "no memory for a lock");
    }
    net->on_disk = d;
    fv_alloc_sparse(net->env.heap, net->weights, net->graph->floats * sizeof(float));
    return FV_OK;
}

void fv_on_disk_free(fv_net *net)
{
    if (!net->on_disk) return;
    fv_file_close(&net->on_disk->file);
    pthread_mutex_destroy(&net->on_disk->lock);
    net->on_disk = NULL;
}

bool fv_net_waits(const fv_net *net, int param)
{
    fv_on_disk *d = net->on_disk;
    if (!d) return false;
    pthread_mutex_lock(&d->lock);
    const bool waits = d->param[param].waiting;
    pthread_mutex_unlock(&d->lock);
    return waits;
}

static size_t not_finite(const float *w, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += !isfinite(w[i]);
    return bad;
}

/* Without the lock. *bad grows by the weights that are not finite. */
static fv_status read_part(const fv_on_disk *d, int param, size_t from, size_t n, float *to, size_t *bad, fv_err *err)
{
    enum { BLOCK = 8192 };
    const fv_stretch *s = &d->param[param];
    const size_t size = (size_t)fv_dtype_bits(s->dtype) / 8;
    uint8_t raw[BLOCK * sizeof(double)];
    for (size_t at = 0; at < n;) {
        const bool plain = s->dtype == FV_DTYPE_F32; /* which is read to where it belongs */
        const size_t count = n - at < BLOCK ? n - at : BLOCK;
        FV_TRY(fv_file_at(&d->file, s->at + (from + at) * size, plain ? (void *)(to + at) : raw, count * size, d->path,
                          err));
        fv_dtype_floats(s->dtype, (fv_bytes){ plain ? (const uint8_t *)(to + at) : raw, count * size }, to + at);
        *bad += not_finite(to + at, count);
        at += count;
    }
    return FV_OK;
}

static void count_bad(fv_on_disk *d, int param, size_t bad)
{
    if (bad && (!d->bad || (size_t)param < d->first)) d->first = (size_t)param;
    d->bad += bad;
}

fv_status fv_net_read(const fv_net *net, int param, size_t from, size_t n, float *to, fv_err *err)
{
    fv_on_disk *d = net->on_disk;
    size_t bad = 0;
    FV_TRY(read_part(d, param, from, n, to, &bad, err));
    if (!bad) return FV_OK;
    pthread_mutex_lock(&d->lock);
    count_bad(d, param, bad);
    pthread_mutex_unlock(&d->lock);
    return FV_OK;
}

static fv_status bring(const fv_net *net, int param, fv_err *err)
{
    fv_on_disk *d = net->on_disk;
    const fv_param *p = &net->graph->param[param];
    fv_stretch *s = &d->param[param];
    size_t bad = 0;
    if (!s->waiting) return FV_OK;
    FV_TRY(read_part(d, param, 0, p->floats, net->weights + p->at, &bad, err));
    if (!s->counted) count_bad(d, param, bad);
    s->counted = true;
    s->waiting = false;
    return FV_OK;
}

static fv_status fill(const fv_net *net, int param, bool stays, fv_err *err)
{
    fv_on_disk *d = net->on_disk;
    if (!d) return FV_OK;
    pthread_mutex_lock(&d->lock);
    const fv_status s = bring(net, param, err);
    if (s == FV_OK && stays) d->param[param].stays = true;
    if (s == FV_OK && !stays) d->param[param].held++;
    pthread_mutex_unlock(&d->lock);
    return s;
}

fv_status fv_net_fill(const fv_net *net, int param, fv_err *err)
{
    return fill(net, param, true, err);
}

fv_status fv_net_hold(const fv_net *net, int param, fv_err *err)
{
    return fill(net, param, false, err);
}

/* Counts of batches have no floats. */
static bool is_out(const fv_net *net, size_t param)
{
    return net->on_disk->param[param].waiting || !net->graph->param[param].floats;
}

/* Neighbours that wait are forgotten together: most are smaller than a page. */
static void forget_waiting(const fv_net *net)
{
    const fv_graph *g = net->graph;
    for (size_t i = 0; i < g->nparam; i++) {
        if (!is_out(net, i)) continue;
        const size_t begin = g->param[i].at;
        while (i + 1 < g->nparam && is_out(net, i + 1)) i++;
        const size_t end = g->param[i].at + g->param[i].floats;
        fv_alloc_forget(net->env.heap, net->weights + begin, (end - begin) * sizeof(float));
    }
}

void fv_net_let_go(const fv_net *net, const bool *held)
{
    fv_on_disk *d = net->on_disk;
    if (!d) return;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < net->graph->nparam; i++) {
        fv_stretch *s = &d->param[i];
        if (held[i] && --s->held == 0 && !s->stays && s->in_file) s->waiting = true;
    }
    forget_waiting(net);
    pthread_mutex_unlock(&d->lock);
}

fv_status fv_net_fill_all(const fv_net *net, fv_err *err)
{
    for (int i = 0; net->on_disk && i < (int)net->graph->nparam; i++) FV_TRY(fv_net_fill(net, i, err));
    if (net->on_disk) fv_net_zero_gaps(net);
    return FV_OK;
}

size_t fv_net_bytes_in_memory(const fv_net *net)
{
    size_t bytes = 0;
    for (int i = 0; i < (int)net->graph->nparam; i++)
        if (!fv_net_waits(net, i)) bytes += net->graph->param[i].floats * sizeof(float);
    return bytes;
}

void fv_net_tell_bad(const fv_net *net)
{
    fv_on_disk *d = net->on_disk;
    if (!d) return;
    pthread_mutex_lock(&d->lock);
    const size_t bad = d->bad > d->told ? d->bad : 0, first = d->first;
    d->told = d->bad;
    pthread_mutex_unlock(&d->lock);
    if (bad)
        fv_log(&net->env, FV_LOG_WARN, "%zu weights are not finite, the first in '%s'", bad,
               net->graph->param[first].name);
}
