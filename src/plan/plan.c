/* plan.c -- making a plan: nodes, steps, memory, packed weights, in that order. Whatever can fail fails here.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"
#include "graph/on_disk.h"
#include "plan/parts.h"
#include "plan/tune.h"
#include <math.h>
#include <string.h>

static fv_status check_request(const fv_plan_request *rq, fv_err *err)
{
    const int most = 1 << 16;
    if (rq->batch < 1 || rq->batch > most) return fv_fail(err, FV_ARG, "a batch of %d images", rq->batch);
    if (rq->h < 1 || rq->w < 1 || rq->h > most || rq->w > most)
        return fv_fail(err, FV_ARG, "an input of %d x %d pixels", rq->h, rq->w);
    return FV_OK;
}

static void widen_weights(fv_plan *p)
{
    const fv_graph *g = p->net->graph;
    for (size_t i = 0; p->rq.f64 && i < g->nparam; i++) {
        double *to = p->pointer[p->weight[i]];
        const float *from = p->net->weights + g->param[i].at;
        for (size_t k = 0; k < g->param[i].floats; k++) to[k] = (double)from[k];
    }
}

static fv_status make(fv_plan *p, fv_err *err)
{
    if (!p->pool) {
        FV_TRY(fv_threads_new(&p->own_pool, p->rq.threads > 0 ? p->rq.threads : 1, p->net->env.heap, err));
        p->pool = p->own_pool;
    }
    FV_TRY(fv_plan_nodes(p, err));
    FV_TRY(fv_plan_lower(p, err));
    FV_TRY(fv_plan_twice(p, err));
    FV_TRY(fv_plan_sums(p, err));
    FV_TRY(fv_plan_fetch(p, err));
    FV_TRY(fv_plan_segments(p, err));
    FV_TRY(fv_plan_bands(p, err));
    FV_TRY(fv_plan_memory(p, err));
    widen_weights(p);
    fv_plan_begin_states(p);
    FV_TRY(fv_plan_pack(p, err));
    fv_net_tell_bad(p->net);
    return FV_OK;
}

fv_status fv_plan_make_once(fv_plan **out, fv_net *net, const fv_plan_request *rq, fv_err *err)
{
    const double start = fv_clock();
    fv_err local = { 0 };
    void *mem;
    err = err ? err : &local;
    *out = NULL;
    FV_TRY(check_request(rq, err));
    FV_TRY(fv_alloc_zero(net->env.heap, &mem, sizeof(fv_plan), err));
    fv_plan *p = mem;
    p->net = net;
    p->rq = *rq;
    p->pool = rq->pool;
    p->arena.heap = net->env.heap;
    p->real = rq->f64 ? sizeof(double) : sizeof(float);
    p->run = (fv_run_info){ .momentum = 0.9, .grad_scale = 1 };
    const fv_status s = make(p, err);
    if (s != FV_OK) {
        fv_plan_free(p);
        return fv_context(err, s, "cannot plan '%s'", net->name);
    }
    for (int i = 0; i < p->nnode; i++)
        if (p->node[i].op == FV_OP_INPUT && i != p->target && !p->node[i].dead) p->input_shape = p->node[i].shape;
    fv_plan_lend(p);
    p->plan_ms = 1e3 * (fv_clock() - start);
    *out = p;
    return FV_OK;
}

fv_status fv_plan_make(fv_plan **out, fv_net *net, const fv_plan_request *rq, fv_err *err)
{
    return fv_plan_tunes(rq, &net->env) ? fv_plan_make_tuned(out, net, rq, err) : fv_plan_make_once(out, net, rq, err);
}

void fv_plan_free(fv_plan *p)
{
    if (!p) return;
    const fv_allocator *heap = p->net->env.heap;
    fv_threads_free(p->own_pool);
    fv_release(heap, p->memory);
    fv_release(heap, p->wide_scratch);
    fv_release(heap, p->operand);
    fv_release(heap, p->step);
    fv_release(heap, p->pack);
    fv_release(heap, p->fold);
    fv_release(heap, p->factors);
    fv_arena_free(&p->arena);
    fv_release(heap, p);
}

static bool within(double v, double least, double below)
{
    return v >= least && v < below; /* a NaN is not */
}

static fv_status check_optimiser(const fv_plan_opts *o, fv_err *err)
{
    if (!fv_optimiser_name(o->opt)) return fv_fail(err, FV_ARG, "no optimiser has the number %d", (int)o->opt);
    if (!within(o->opt_eps, 0, INFINITY)) return fv_fail(err, FV_ARG, "an optimiser's eps of %g", o->opt_eps);
    if (!within(o->alpha, 0, 1) || !within(o->betas[0], 0, 1) || !within(o->betas[1], 0, 1))
        return fv_fail(err, FV_ARG, "averages that keep %g, %g, %g of themselves", o->alpha, o->betas[0], o->betas[1]);
    if (!within(o->ema, 0, 1)) return fv_fail(err, FV_ARG, "an average of weights that keeps %g of itself", o->ema);
    const bool any =
        o->opt || o->opt_eps > 0 || o->alpha > 0 || o->betas[0] > 0 || o->betas[1] > 0 || o->ema > 0 || o->gather;
    return o->mode != FV_TRAIN && any ? fv_fail(err, FV_ARG, "optimisers are for training plans") : FV_OK;
}

/* Written so that NaN is refused as well. */
static fv_status check_options(const fv_plan_opts *o, fv_err *err)
{
    FV_TRY(check_optimiser(o, err));
    if (!(o->wd >= 0 && isfinite(o->wd))) return fv_fail(err, FV_ARG, "a weight decay of %g", o->wd);
    if (!(o->smoothing >= 0 && o->smoothing < 1)) return fv_fail(err, FV_ARG, "label smoothing of %g", o->smoothing);
    if ((unsigned)o->loss > FV_LOSS_BCE) return fv_fail(err, FV_ARG, "no loss has the number %d", (int)o->loss);
    if (!within(o->bce_target_thresh, 0, 1) || (o->bce_target_thresh > 0 && o->loss != FV_LOSS_BCE))
        return fv_fail(err, FV_ARG, "a threshold of targets of %g, with binary cross-entropy from 0 to below 1",
                       o->bce_target_thresh);
    if (!(o->clip >= 0 && isfinite(o->clip))) return fv_fail(err, FV_ARG, "gradients clipped at %g", o->clip);
    if (o->mode != FV_TRAIN && (o->wd != 0 || o->loss || o->smoothing != 0 || o->clip != 0))
        return fv_fail(err, FV_ARG, "weight decay, losses, smoothing and clipping are for training plans");
    if (o->mode == FV_TRAIN && o->gradients)
        return fv_fail(err, FV_ARG,
                       "gradients of values are for inference plans: a training plan has those of weights");
    return FV_OK;
}

fv_status fv_plan_new(fv_plan **out, fv_net *net, const fv_plan_opts *opts, fv_err *err)
{
    const fv_plan_opts o = opts ? *opts : (fv_plan_opts){ 0 };
    const bool train = o.mode == FV_TRAIN;
    fv_plan_request rq = { .train = train, .backward = train, .update = train, .loss = train };
    rq.batch = o.batch ? o.batch : 1;
    rq.h = o.h ? o.h : net->prep.h;
    rq.w = o.w ? o.w : net->prep.w;
    rq.threads = o.threads ? o.threads : net->env.threads;
    if (rq.threads <= 0) rq.threads = fv_cores();
    rq.cpu = fv_env_features(&net->env);
    rq.opt = o.opt;
    rq.opt_eps = o.opt_eps, rq.alpha = o.alpha, rq.betas[0] = o.betas[0], rq.betas[1] = o.betas[1];
    rq.wd = o.wd, rq.clip = o.clip, rq.ema = o.ema, rq.gather = o.gather;
    rq.loss_kind = o.loss, rq.smoothing = (float)o.smoothing, rq.bce_target_thresh = (float)o.bce_target_thresh;
    rq.grad_checkpointing = o.grad_checkpointing;
    rq.keep = o.keep;
    rq.nkeep = o.nkeep;
    rq.backward |= o.gradients;
    rq.values_only = o.gradients;
    *out = NULL;
    FV_TRY(check_options(&o, err));
    if (train && net->fresh_aux)
        fv_log(&net->env, FV_LOG_INFO, "the auxiliary classifiers start afresh: the weights' file had none");
    return fv_plan_make(out, net, &rq, err);
}

void fv_plan_describe(const fv_plan *p, fv_plan_info *info)
{
    *info = (fv_plan_info){ .activation_bytes = p->block_bytes + p->lane_bytes * (size_t)fv_threads_count(p->pool),
                            .packed_bytes = p->packed_bytes,
                            .steps = (int)p->nstep,
                            .threads = fv_threads_count(p->pool),
                            .timed = p->timed,
                            .plan_ms = p->plan_ms };
    info->weight_bytes = fv_net_bytes_in_memory(p->net);
    info->other_bytes = p->own_bytes - p->packed_bytes + p->scratch_bytes * (size_t)info->threads;
    if (p->factors) info->other_bytes += p->nfactor * sizeof(float);
    info->total_bytes = info->activation_bytes + info->packed_bytes + info->weight_bytes + info->other_bytes;
    for (int i = 0; i < p->nnode; i++) {
        const plan_node *n = &p->node[i];
        fv_shape x[FV_MAX_IN];
        if (n->dead || !fv_ops[n->op]->macs) continue;
        for (int k = 0; k < n->nin; k++) x[k] = p->node[n->in[k]].shape;
        info->macs += fv_ops[n->op]->macs(&n->attr, x, &n->shape);
    }
}

static int kept_node(const fv_plan *p, const char *name)
{
    for (int i = p->nnode - 1; i >= 0; i--)
        if (p->node[i].kept && !strcmp(p->node[i].name, name)) return i;
    return -1;
}

static const float *kept(const fv_plan *p, const int *operands, const char *name, fv_shape *shape)
{
    const int i = kept_node(p, name);
    if (i < 0 || !operands[i]) return NULL;
    if (shape) *shape = p->node[i].shape;
    return p->pointer[operands[i]];
}

const float *fv_plan_value(const fv_plan *p, const char *name, fv_shape *shape)
{
    return kept(p, p->value, name, shape);
}

const float *fv_plan_gradient(const fv_plan *p, const char *name, fv_shape *shape)
{
    return kept(p, p->dvalue, name, shape);
}

/* name NULL: the first input that is not the loss's target. */
static int input_node(const fv_plan *p, const char *name)
{
    for (int i = 0; i < p->nnode; i++)
        if (p->node[i].op == FV_OP_INPUT && (name ? !strcmp(p->node[i].name, name) : i != p->target)) return i;
    return -1;
}

static void *at(const fv_plan *p, int id)
{
    return id ? p->pointer[id] : NULL;
}

int fv_plan_input_operand(const fv_plan *p)
{
    const int i = input_node(p, NULL);
    return i < 0 ? 0 : p->value[i];
}

void *fv_plan_input(const fv_plan *p, const char *name)
{
    const int i = input_node(p, name);
    return i < 0 ? NULL : at(p, p->value[i]);
}

void *fv_plan_dinput(const fv_plan *p, const char *name)
{
    const int i = input_node(p, name);
    return i < 0 ? NULL : at(p, p->dvalue[i]);
}

void *fv_plan_output(const fv_plan *p)
{
    return at(p, p->value[p->output]);
}

void *fv_plan_logits(const fv_plan *p)
{
    return at(p, p->value[p->logits]);
}

void *fv_plan_doutput(const fv_plan *p)
{
    return at(p, p->doutput);
}

void *fv_plan_dparam(const fv_plan *p, int param)
{
    return at(p, p->dparam[param]);
}

void *fv_plan_state_of(const fv_plan *p, int k, int param)
{
    return at(p, p->state[k][param]);
}

float *fv_plan_state(fv_plan *p, int k, const char *key, int64_t *count)
{
    const int i = k < 0 || k >= FV_STATES ? -1 : fv_net_param(p->net, key);
    float *v = i < 0 ? NULL : fv_plan_state_of(p, k, i);
    if (count) *count = v ? (int64_t)p->net->graph->param[i].floats : 0;
    return v;
}

void *fv_plan_weights(const fv_plan *p, int param)
{
    return at(p, p->weight[param]);
}

fv_run_info *fv_plan_run_info(fv_plan *p)
{
    return &p->run;
}
