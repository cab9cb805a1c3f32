/* pack.c -- weights as the kernels read them: batch-norm folded in, packed by the kernel row's own packing. Published
 * weights stay untouched; the copies are made once for inference, and by a step right before each use in training, where
 * they change with each run: they then share the activations' memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "graph/on_disk.h"
#include "plan/parts.h"
#include <math.h>
#include <string.h>

enum { GAMMA, BETA, MEAN, VAR };

static int fold_of(fv_plan *p, int node, fv_err *err)
{
    for (size_t i = 0; i < p->nfold; i++)
        if (p->fold[i].conv == node) return (int)i;
    if (fv_grow(p->net->env.heap, (void **)&p->fold, &p->fold_cap, p->nfold + 1, sizeof *p->fold, err) != FV_OK)
        return -1;
    const size_t bytes = (size_t)p->node[node].attr.conv.out * p->real;
    fold_job f = { .conv = node, .bn = p->node[node].fold };
    f.factor = p->nfactor;
    p->nfactor += (size_t)p->node[node].attr.conv.out;
    f.bias = fv_plan_operand(p, OPERAND_OWN, bytes, err);
    p->fold[p->nfold] = f;
    return (int)p->nfold++;
}

int fv_plan_folded_bias(fv_plan *p, int node, fv_err *err)
{
    const int f = fold_of(p, node, err);
    return f < 0 ? 0 : p->fold[f].bias;
}

static size_t packed_floats(const fv_plan *p, int param, const fv_packing *packing, const void *problem)
{
    return packing ? packing->floats(problem) : p->net->graph->param[param].floats;
}

static int packed_by_step(fv_plan *p, int param, const fv_packing *packing, const void *problem, fv_err *err)
{
    fv_kernel *k = fv_arena_alloc(&p->arena, sizeof *k);
    fv_slot *slot = fv_arena_alloc(&p->arena, sizeof *slot);
    const int to = fv_plan_operand(p, OPERAND_BLOCK, packing->floats(problem) * sizeof(float), err);
    if (!k || !slot || !to) return 0;
    *k = (fv_kernel){ .name = packing->name, .fn = packing->fn, .units = packing->units };
    *slot = (fv_slot){ .name = "pack", .rows = k, .nrows = 1, .weights_arg = -1 };
    const plan_step s = { .slot = slot,
                          .kernel = k,
                          .fn = k->fn,
                          .problem = (void *)(uintptr_t)problem,
                          .node = -1,
                          .nargs = 3,
                          .arg = { to, p->weight[param] } };
    fv_plan_append(p, &s, err);
    return to;
}

static int pack_job_to(fv_plan *p, const pack_job *j, fv_err *err)
{
    if (fv_grow(p->net->env.heap, (void **)&p->pack, &p->pack_cap, p->npack + 1, sizeof *p->pack, err) != FV_OK)
        return 0;
    const size_t bytes = packed_floats(p, j->param, j->packing, j->problem) * sizeof(float);
    const int to = fv_plan_operand(p, OPERAND_OWN, bytes, err);
    p->operand[to].whole = true;
    p->pack[p->npack] = *j;
    p->pack[p->npack++].to = to;
    p->packed_bytes += bytes;
    return to;
}

int fv_plan_packed(fv_plan *p, const plan_node *n, int node, int param, const fv_packing *packing, const void *problem,
                   fv_err *err)
{
    const bool folds = n->fold >= 0;
    if (!packing && !folds && !n->order) return p->weight[param];
    if (p->rq.train && packing) return packed_by_step(p, param, packing, problem, err);
    const int fold = folds ? fold_of(p, node, err) : -1;
    for (size_t i = 0; i < p->npack; i++) {
        const pack_job *j = &p->pack[i];
        const bool same =
            (!packing && !j->packing) || (packing && j->packing && !strcmp(packing->name, j->packing->name));
        if (j->param == param && j->fold == fold && j->order == n->order && same) return j->to;
    }
    const pack_job j = {
        .packing = packing, .problem = problem, .param = param, .node = node, .fold = fold, .order = n->order
    };
    return pack_job_to(p, &j, err);
}

/* Does the order of its inputs hold for its outputs as well? */
static bool makes_in_order(const fv_plan *p, const plan_node *conv)
{
    return conv->order && conv->attr.conv.groups == conv->attr.conv.out &&
           p->net->graph->param[conv->param[0]].dim[1] == 1;
}

static void fold(const fv_plan *p, const fold_job *f, float *factor)
{
    const plan_node *bn = &p->node[f->bn], *conv = &p->node[f->conv];
    const fv_graph *g = p->net->graph;
    const float *w = p->net->weights;
    const float *gamma = w + g->param[bn->param[GAMMA]].at, *beta = w + g->param[bn->param[BETA]].at;
    const float *mean = w + g->param[bn->param[MEAN]].at, *var = w + g->param[bn->param[VAR]].at;
    const float *bias = conv->nparam > 1 ? w + g->param[conv->param[1]].at : NULL;
    const int32_t *order = makes_in_order(p, conv) ? conv->order : NULL;
    float *out = p->pointer[f->bias];
    for (int at = 0; at < conv->attr.conv.out; at++) {
        const int c = order ? order[at] : at;
        const double k = (double)gamma[c] / sqrt((double)var[c] + (double)bn->attr.bn.eps);
        const double b = bias ? (double)bias[c] : 0;
        factor[at] = (float)k;
        out[at] = (float)((b - (double)mean[c]) * k + (double)beta[c]);
    }
}

typedef struct pack_run {
    const pack_job *job;
    void *arg[FV_MAX_ARGS];
} pack_run;

static void pack_range(void *user, int thread, int begin, int end)
{
    (void)thread;
    pack_run *r = user;
    r->job->packing->fn(&(fv_work){ .problem = r->job->problem, .n = 1, .arg = r->arg, .begin = begin, .end = end });
}

/* Weights that lie in their file: each worker reads what a unit wants to a place of its own, and packs it from there. */
enum { MOST_WORKERS = 16, MOST_STAGED = 32 << 20 };
typedef struct staging {
    float *place;
    size_t floats; /* of a worker */
    int workers;
} staging;
typedef struct pack_stream {
    const fv_net *net;
    const pack_job *job;
    float *to, *factor;
    staging stage;
    int units;
    fv_err err[MOST_WORKERS];
} pack_stream;

/* Fewer workers where a unit reads much, so that many cores do not take more memory than few. */
static fv_status make_staging(staging *s, const fv_plan *p, fv_err *err)
{
    size_t most = 0;
    for (size_t i = 0; i < p->npack; i++) {
        const pack_job *j = &p->pack[i];
        const int units = j->streams ? j->packing->units(j->problem, 1) : 0;
        for (int u = 0; u < units; u++) {
            size_t from, floats;
            j->packing->reads(j->problem, u, &from, &floats);
            if (floats > most) most = floats;
        }
    }
    if (!most) return FV_OK;
    const size_t fit = MOST_STAGED / (most * sizeof(float)), threads = (size_t)fv_threads_count(p->pool);
    size_t workers = threads < MOST_WORKERS ? threads : MOST_WORKERS;
    if (fit < workers) workers = fit ? fit : 1;
    s->workers = (int)workers;
    s->floats = most;
    return fv_alloc_or(p->net->env.heap, (void **)&s->place, workers * most * sizeof(float), err);
}

static void stream_units(pack_stream *r, int worker)
{
    float *from = r->stage.place + (size_t)worker * r->stage.floats;
    size_t before = 0, floats = 0;
    void *arg[FV_MAX_ARGS] = { r->to, from, r->factor, &before, (void *)(uintptr_t)r->job->order };
    for (int u = worker; u < r->units; u += r->stage.workers) {
        r->job->packing->reads(r->job->problem, u, &before, &floats);
        if (fv_net_read(r->net, r->job->param, before, floats, from, &r->err[worker]) != FV_OK) return;
        r->job->packing->fn(&(fv_work){ .problem = r->job->problem, .n = 1, .arg = arg, .begin = u, .end = u + 1 });
    }
}

static void stream_range(void *user, int thread, int begin, int end)
{
    (void)thread;
    for (int worker = begin; worker < end; worker++) stream_units(user, worker);
}

static fv_status stream(fv_plan *p, const pack_job *j, float *factor, const staging *stage, fv_err *err)
{
    pack_stream r = { .net = p->net, .job = j, .to = p->pointer[j->to], .factor = factor, .stage = *stage };
    r.units = j->packing->units(j->problem, 1);
    fv_threads_run(p->pool, stage->workers, stream_range, &r);
    for (int w = 0; w < stage->workers; w++)
        if (r.err[w].status != FV_OK) return fv_fail(err, r.err[w].status, "%s", r.err[w].msg);
    return FV_OK;
}

/* Which published float stands at place i of a node's weights: the order moves the rows of a depthwise convolution, the
 * inputs of one of a single tap. */
static size_t published(const fv_plan *p, const pack_job *j, size_t per, size_t i)
{
    if (!j->order) return i;
    const plan_node *conv = &p->node[j->node];
    const size_t o = i / per, input = i % per, group = o / (size_t)(conv->attr.conv.out / conv->attr.conv.groups);
    if (makes_in_order(p, conv)) return (size_t)j->order[o] * per + input;
    return o * per + (size_t)j->order[group * per + input] - group * per;
}

/* Where no row packs, the reference reads published weights; only the fold's factors and the order go in, if there are any. */
static void scale(const fv_plan *p, const pack_job *j, float *to, const float *w, const float *factor)
{
    const fv_param *param = &p->net->graph->param[j->param];
    const size_t per = param->floats / (size_t)param->dim[0];
    for (size_t i = 0; i < param->floats; i++) {
        const float v = w[published(p, j, per, i)];
        to[i] = factor ? v * factor[i / per] : v;
    }
}

static fv_status pack_all(fv_plan *p, const staging *stage, fv_err *err)
{
    for (size_t i = 0; i < p->nfold; i++) fold(p, &p->fold[i], p->factors + p->fold[i].factor);
    for (size_t i = 0; i < p->npack; i++) {
        const pack_job *j = &p->pack[i];
        float *w = p->pointer[p->weight[j->param]];
        float *factor = j->fold >= 0 ? p->factors + p->fold[j->fold].factor : NULL;
        pack_run r = { .job = j, .arg = { p->pointer[j->to], w, factor, NULL, (void *)(uintptr_t)j->order } };
        if (j->streams) FV_TRY(stream(p, j, factor, stage, err));
        else if (j->packing) fv_threads_run(p->pool, j->packing->units(j->problem, 1), pack_range, &r);
        else scale(p, j, r.arg[0], w, factor);
    }
    return FV_OK;
}

/* Of weights that lie in their file, those that are wanted while packing stay in memory as long as that takes. */
static fv_status hold(fv_plan *p, int param, fv_err *err)
{
    if (p->held[param]) return FV_OK;
    FV_TRY(fv_net_hold(p->net, param, err));
    p->held[param] = true;
    return FV_OK;
}

static fv_status hold_all(fv_plan *p, fv_err *err)
{
    for (size_t i = 0; i < p->nfold; i++) {
        const plan_node *conv = &p->node[p->fold[i].conv], *bn = &p->node[p->fold[i].bn];
        for (int k = 0; k < bn->nparam; k++) FV_TRY(hold(p, bn->param[k], err));
        if (conv->nparam > 1) FV_TRY(hold(p, conv->param[1], err));
    }
    for (size_t i = 0; i < p->npack; i++) {
        pack_job *j = &p->pack[i];
        j->streams = j->packing && j->packing->reads && fv_net_waits(p->net, j->param);
        if (!j->streams) FV_TRY(hold(p, j->param, err));
    }
    return FV_OK;
}

static fv_status pack_from_memory_or_file(fv_plan *p, fv_err *err)
{
    staging stage = { 0 };
    if (p->held) FV_TRY(hold_all(p, err));
    FV_TRY(make_staging(&stage, p, err));
    const fv_status s = pack_all(p, &stage, err);
    fv_release(p->net->env.heap, stage.place);
    return s;
}

/* Where weights do not wait in a file, the factors stay: packing anew cannot fail then. */
fv_status fv_plan_pack(fv_plan *p, fv_err *err)
{
    const fv_allocator *heap = p->net->env.heap;
    fv_status s = p->factors ? FV_OK : fv_alloc_or(heap, (void **)&p->factors, p->nfactor * sizeof(float), err);
    if (s == FV_OK) s = pack_from_memory_or_file(p, err);
    if (!p->held) return s;
    fv_release(heap, p->factors);
    p->factors = NULL;
    fv_net_let_go(p->net, p->held);
    memset(p->held, 0, p->net->graph->nparam);
    return s;
}

void fv_plan_repack(fv_plan *p)
{
    fv_err err = { 0 };
    if (fv_plan_pack(p, &err) != FV_OK) fv_log(&p->net->env, FV_LOG_WARN, "weights are not packed anew: %s", err.msg);
}

/* The parameter that an operand is; -1: none. */
static int param_of(const fv_plan *p, int id)
{
    for (size_t i = 0; p->operand[id].kind == OPERAND_WEIGHTS && i < p->net->graph->nparam; i++)
        if (p->weight[i] == id) return (int)i;
    return -1;
}

/* A small one would keep the pages that it lies in. */
static int copied(fv_plan *p, int param, fv_err *err)
{
    for (size_t i = 0; i < p->npack; i++)
        if (p->pack[i].param == param && !p->pack[i].packing && p->pack[i].fold < 0) return p->pack[i].to;
    return pack_job_to(p, &(pack_job){ .param = param, .node = -1, .fold = -1 }, err);
}

fv_status fv_plan_fetch(fv_plan *p, fv_err *err)
{
    if (!p->net->on_disk) return FV_OK;
    if (p->rq.train || p->rq.f64) return fv_net_fill_all(p->net, err);
    p->held = fv_arena_alloc(&p->arena, p->net->graph->nparam);
    if (!p->held) return fv_fail(err, FV_NOMEM, "no memory to mark %zu parameters", p->net->graph->nparam);
    for (size_t i = 0; i < p->nstep; i++)
        for (int k = 0; k < p->step[i].nargs; k++) {
            const int param = param_of(p, p->step[i].arg[k]);
            const int copy = param >= 0 ? copied(p, param, err) : 0;
            if (param >= 0 && !copy) return err->status;
            if (copy) p->step[i].arg[k] = copy;
        }
    return FV_OK;
}
