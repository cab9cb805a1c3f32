/* update.c -- the optimisers as rows: steps for a parameter right after the backward pass of its node, whose gradients
 * then share the activations' memory; or after the whole pass, where the norm of all gradients is clipped first, or
 * several runs gather gradients for one update. Averages of the weights follow at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/adaptive/adaptive.h"
#include "kernels/sgd/sgd.h"
#include "plan/parts.h"
#include <string.h>

/* ---- rows ---- */

/* What an update of parameter i works with; operands. */
typedef struct target {
    size_t i, count;
    fv_param_rule rule;
    int w, grad, a, b; /* a, b: the optimiser's states */
} target;

static void sgd(fv_plan *p, const target *t, fv_err *err)
{
    const fv_sgd_problem q = { .count = t->count, .rate = t->rule.rate, .wd = t->rule.wd };
    const int arg[] = { t->w, t->a, t->grad, p->run_operand };
    fv_plan_step(p, -1, &fv_slot_sgd, &q, sizeof q, 2, 4, arg, err);
}

static double or_else(double given, double usual)
{
    return given > 0 ? given : usual;
}

static fv_adaptive_problem problem(const fv_plan *p, const target *t, double beta2, double eps)
{
    return (fv_adaptive_problem){ .count = t->count,
                                  .rate = t->rule.rate,
                                  .wd = t->rule.wd,
                                  .beta1 = or_else(p->rq.betas[0], 0.9),
                                  .beta2 = beta2,
                                  .eps = or_else(p->rq.opt_eps, eps) };
}

static void rmsprop(fv_plan *p, const target *t, fv_err *err)
{
    const fv_adaptive_problem q = problem(p, t, or_else(p->rq.alpha, 0.9), 1e-3);
    const int arg[] = { t->w, t->a, t->b, t->grad, p->run_operand };
    fv_plan_step(p, -1, &fv_slot_rmsprop, &q, sizeof q, 3, 5, arg, err);
}

static void adamw(fv_plan *p, const target *t, fv_err *err)
{
    const fv_adaptive_problem q = problem(p, t, or_else(p->rq.betas[1], 0.999), 1e-8);
    const int arg[] = { t->w, t->a, t->b, t->grad, p->run_operand };
    fv_plan_step(p, -1, &fv_slot_adamw, &q, sizeof q, 3, 5, arg, err);
}

/* The operand of one number, the sum of the squares of another. */
static int squares(fv_plan *p, int of, size_t count, fv_err *err)
{
    const fv_sgd_problem q = { .count = count, .first = true };
    const int part = fv_plan_operand(p, OPERAND_BLOCK, fv_sumsq_part_floats(count) * p->real, err);
    const int total = fv_plan_operand(p, OPERAND_BLOCK, p->real, err);
    fv_plan_step(p, -1, &fv_slot_sumsq, &q, sizeof q, 1, 2, (int[]){ part, of }, err);
    fv_plan_step(p, -1, &fv_slot_sumsq_finish, &q, sizeof q, 1, 2, (int[]){ total, part }, err);
    return total;
}

static void lamb(fv_plan *p, const target *t, fv_err *err)
{
    const fv_adaptive_problem q = problem(p, t, or_else(p->rq.betas[1], 0.999), 1e-6);
    const int u = fv_plan_operand(p, OPERAND_BLOCK, t->count * p->real, err);
    const int arg[] = { u, t->a, t->b, t->w, t->grad, p->run_operand };
    fv_plan_step(p, -1, &fv_slot_lamb, &q, sizeof q, 3, 6, arg, err);
    const int ww = squares(p, t->w, t->count, err), uu = squares(p, u, t->count, err);
    fv_plan_step(p, -1, &fv_slot_lamb_apply, &q, sizeof q, 1, 5, (int[]){ t->w, u, ww, uu, p->run_operand }, err);
}

static const struct optimiser {
    const char *name;
    void (*update)(fv_plan *p, const target *t, fv_err *err);
    int states;
    double begin; /* what state 0 begins with */
} optimisers[FV_OPT_COUNT] = {
    [FV_OPT_SGD] = { "sgd", sgd, 1, 0 },
    [FV_OPT_RMSPROP] = { "rmsprop", rmsprop, 2, 1 },
    [FV_OPT_ADAMW] = { "adamw", adamw, 2, 0 },
    [FV_OPT_LAMB] = { "lamb", lamb, 2, 0 },
};

const char *fv_optimiser_name(fv_optimiser opt)
{
    return (unsigned)opt < FV_OPT_COUNT ? optimisers[opt].name : NULL;
}

/* ---- which parameters ---- */

fv_status fv_plan_rules(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    fv_param_rule *rule = fv_arena_alloc(&p->arena, (g->nparam ? g->nparam : 1) * sizeof *rule);
    if (!rule) return fv_fail(err, FV_NOMEM, "no memory for the rules of %zu parameters", g->nparam);
    for (size_t i = 0; i < g->nparam; i++) {
        if (p->rq.rule) rule[i] = p->rq.rule[i];
        else rule[i] = (fv_param_rule){ .rate = 1, .wd = g->param[i].kind == FV_PARAM_WEIGHT ? p->rq.wd : 0 };
    }
    p->rule = rule;
    return FV_OK;
}

static bool follows(const fv_plan *p, size_t i)
{
    return p->net->graph->param[i].kind < FV_PARAM_RUNNING && p->rule[i].rate > 0;
}

bool fv_plan_trains(const fv_plan *p, const plan_node *n)
{
    for (int k = 0; k < n->nparam; k++)
        if (follows(p, (size_t)n->param[k])) return true;
    return false;
}

static bool trained(const fv_plan *p, size_t i)
{
    return p->dparam[i] && p->operand[p->dparam[i]].written && follows(p, i);
}

/* ---- steps ---- */

static int gradient(const fv_plan *p, size_t i)
{
    return p->rq.gather ? p->gathered[i] : p->dparam[i];
}

/* The gradient's global L2 norm (Pascanu et al. 2013, algorithm 1) scales every update. */
static void clip_norm(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    const int total = fv_plan_operand(p, OPERAND_BLOCK, p->real, err);
    bool first = true;
    for (size_t i = 0; i < g->nparam; i++) {
        if (!trained(p, i)) continue;
        const fv_sgd_problem q = { .count = g->param[i].floats, .first = first };
        const int part = fv_plan_operand(p, OPERAND_BLOCK, fv_sumsq_part_floats(q.count) * p->real, err);
        fv_plan_step(p, -1, &fv_slot_sumsq, &q, sizeof q, 1, 2, (int[]){ part, gradient(p, i) }, err);
        fv_plan_step(p, -1, &fv_slot_sumsq_finish, &q, sizeof q, 1, 2, (int[]){ total, part }, err);
        first = false;
    }
    const fv_sgd_problem q = { .clip = p->rq.clip };
    fv_plan_step(p, -1, &fv_slot_clip, &q, sizeof q, 1, 2, (int[]){ p->run_operand, total }, err);
}

static void update(fv_plan *p, size_t i, fv_err *err)
{
    const size_t count = p->net->graph->param[i].floats;
    const struct optimiser *o = &optimisers[p->rq.opt];
    if (!trained(p, i)) return;
    for (int k = 0; k < o->states; k++) p->state[k][i] = fv_plan_operand(p, OPERAND_OWN, count * p->real, err);
    const target t = { i, count, p->rule[i], p->weight[i], gradient(p, i), p->state[0][i], p->state[1][i] };
    o->update(p, &t, err);
}

static void gather(fv_plan *p, size_t i, fv_err *err)
{
    if (!trained(p, i)) return;
    const fv_adaptive_problem q = { .count = p->net->graph->param[i].floats };
    p->gathered[i] = fv_plan_operand(p, OPERAND_OWN, q.count * p->real, err);
    const int arg[] = { p->gathered[i], p->dparam[i], p->run_operand };
    fv_plan_step(p, -1, &fv_slot_collect, &q, sizeof q, 1, 3, arg, err);
}

bool fv_plan_spends_early(const fv_plan *p)
{
    return p->rq.update && (p->rq.gather || !(p->rq.clip > 0));
}

void fv_plan_spend(fv_plan *p, const plan_node *n, fv_err *err)
{
    for (int k = 0; k < n->nparam; k++) (p->rq.gather ? gather : update)(p, (size_t)n->param[k], err);
}

/* Running statistics have averages, too. */
static void average(fv_plan *p, size_t i, fv_err *err)
{
    const fv_adaptive_problem q = { .count = p->net->graph->param[i].floats };
    if (q.count == 0) return;
    p->state[FV_STATE_EMA][i] = fv_plan_operand(p, OPERAND_OWN, q.count * p->real, err);
    const int arg[] = { p->state[FV_STATE_EMA][i], p->weight[i], p->run_operand };
    fv_plan_step(p, -1, &fv_slot_average, &q, sizeof q, 1, 3, arg, err);
}

void fv_plan_update_all(fv_plan *p, fv_err *err)
{
    const size_t n = p->net->graph->nparam;
    const bool late = p->rq.gather || !fv_plan_spends_early(p);
    if (p->rq.clip > 0) clip_norm(p, err);
    for (size_t i = 0; late && i < n; i++) update(p, i, err);
    for (size_t i = 0; p->rq.ema > 0 && i < n; i++) average(p, i, err);
}

/* ---- states ---- */

static void fill(const fv_plan *p, void *to, size_t count, double value)
{
    for (size_t i = 0; i < count; i++) {
        if (p->rq.f64) ((double *)to)[i] = value;
        else ((float *)to)[i] = (float)value;
    }
}

void fv_plan_begin_states(fv_plan *p)
{
    const double begin = optimisers[p->rq.opt].begin;
    for (size_t i = 0; i < p->net->graph->nparam; i++) {
        const size_t count = p->net->graph->param[i].floats;
        const int first = p->state[0][i], ema = p->state[FV_STATE_EMA][i];
        if (first && begin > 0) fill(p, p->pointer[first], count, begin);
        if (ema) memcpy(p->pointer[ema], p->pointer[p->weight[i]], count * p->real);
    }
}

void fv_plan_swap_ema(fv_plan *p)
{
    for (size_t i = 0; i < p->net->graph->nparam; i++) {
        float *a = fv_plan_state_of(p, FV_STATE_EMA, (int)i), *w = fv_plan_weights(p, (int)i);
        for (size_t k = 0; a && k < p->net->graph->param[i].floats; k++) {
            const float was = w[k];
            w[k] = a[k];
            a[k] = was;
        }
    }
}
