/* pack.c -- weights as the kernels read them: batch-norm folded in, packed by the kernel row's own packing. Published
 * weights stay untouched; the copies are made once for inference, and by a step right before each use in training, where
 * they change with each run: they then share the activations' memory.
 * SPDX-License-Identifier: Apache-2.0 */
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
    f.factor = fv_plan_operand(p, OPERAND_OWN, bytes, err);
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

int fv_plan_packed(fv_plan *p, const plan_node *n, int node, int param, const fv_packing *packing, const void *problem,
                   fv_err *err)
{
    const bool folds = n->fold >= 0;
    if (!packing && !folds) return p->weight[param];
    if (p->rq.train && packing) return packed_by_step(p, param, packing, problem, err);
    const int fold = folds ? fold_of(p, node, err) : -1;
    for (size_t i = 0; i < p->npack; i++) {
        const pack_job *j = &p->pack[i];
        const bool same =
            (!packing && !j->packing) || (packing && j->packing && !strcmp(packing->name, j->packing->name));
        if (j->param == param && j->fold == fold && same) return j->to;
    }
    if (fv_grow(p->net->env.heap, (void **)&p->pack, &p->pack_cap, p->npack + 1, sizeof *p->pack, err) != FV_OK)
        return 0;
    const size_t bytes = packed_floats(p, param, packing, problem) * sizeof(float);
    const int to = fv_plan_operand(p, OPERAND_OWN, bytes, err);
    p->pack[p->npack++] =
        (pack_job){ .packing = packing, .problem = problem, .param = param, .node = node, .to = to, .fold = fold };
    p->packed_bytes += bytes;
    return to;
}

static void fold(fv_plan *p, const fold_job *f)
{
    const plan_node *bn = &p->node[f->bn], *conv = &p->node[f->conv];
    const fv_graph *g = p->net->graph;
    const float *w = p->net->weights;
    const float *gamma = w + g->param[bn->param[GAMMA]].at, *beta = w + g->param[bn->param[BETA]].at;
    const float *mean = w + g->param[bn->param[MEAN]].at, *var = w + g->param[bn->param[VAR]].at;
    const float *bias = conv->nparam > 1 ? w + g->param[conv->param[1]].at : NULL;
    float *factor = p->pointer[f->factor], *out = p->pointer[f->bias];
    for (int c = 0; c < conv->attr.conv.out; c++) {
        const double k = (double)gamma[c] / sqrt((double)var[c] + (double)bn->attr.bn.eps);
        const double b = bias ? (double)bias[c] : 0;
        factor[c] = (float)k;
        out[c] = (float)((b - (double)mean[c]) * k + (double)beta[c]);
    }
}

typedef struct pack_run {
    const pack_job *job;
    void *arg[3];
} pack_run;

static void pack_range(void *user, int thread, int begin, int end)
{
    (void)thread;
    pack_run *r = user;
    r->job->packing->fn(&(fv_work){ .problem = r->job->problem, .n = 1, .arg = r->arg, .begin = begin, .end = end });
}

/* Where no row packs, the reference reads published weights; only the fold's factors go in. */
static void scale(const fv_plan *p, const pack_job *j, float *to, const float *w, const float *factor)
{
    const fv_param *param = &p->net->graph->param[j->param];
    const size_t per = param->floats / (size_t)param->dim[0];
    for (size_t i = 0; i < param->floats; i++) to[i] = w[i] * factor[i / per];
}

void fv_plan_repack(fv_plan *p)
{
    for (size_t i = 0; i < p->nfold; i++) fold(p, &p->fold[i]);
    for (size_t i = 0; i < p->npack; i++) {
        const pack_job *j = &p->pack[i];
        float *w = p->pointer[p->weight[j->param]];
        float *factor = j->fold >= 0 ? p->pointer[p->fold[j->fold].factor] : NULL;
        pack_run r = { .job = j, .arg = { p->pointer[j->to], w, factor } };
        if (j->packing) fv_threads_run(p->pool, j->packing->units(j->problem, 1), pack_range, &r);
        else scale(p, j, r.arg[0], w, factor);
    }
}
