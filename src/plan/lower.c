/* lower.c -- nodes become steps: each op's row emits its kernels, forward in order, backward in reverse.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"
#include <limits.h>
#include <string.h>

typedef struct lowering {
    fv_lower face; /* what the op sees; first */
    fv_plan *p;
    int node;
    bool backward;
    bool *grad; /* per node: does anybody need its gradient? */
    fv_err *err;
} lowering;

int fv_plan_operand(fv_plan *p, operand_kind kind, size_t bytes, fv_err *err)
{
    if (fv_grow(p->net->env.heap, (void **)&p->operand, &p->operand_cap, p->noperand + 2, sizeof *p->operand, err) !=
        FV_OK)
        return 0;
    p->operand[p->noperand] = (operand){ .kind = kind, .bytes = bytes, .first = INT_MAX, .last = -1 };
    return (int)p->noperand++;
}

static void live_at(operand *o, int step)
{
    if (step < o->first) o->first = step;
    if (step > o->last) o->last = step;
}

/* Where memory is short, an input gives its own up after its last reader: each run writes it anew. */
static bool is_passing(const fv_plan *p, int v)
{
    return p->node[v].op == FV_OP_INPUT && fv_plan_is_short(p) && !p->node[v].kept && v != p->output;
}

int fv_plan_tensor(fv_plan *p, int v, bool own, fv_err *err)
{
    const fv_shape s = p->node[v].shape;
    const bool passing = is_passing(p, v);
    const size_t image = (size_t)s.h * (size_t)s.w * (size_t)s.c * p->real;
    const int id = fv_plan_operand(p, own && !passing ? OPERAND_OWN : OPERAND_BLOCK, image * (size_t)p->rq.batch, err);
    if (!id) return 0;
    p->operand[id].image = image;
    p->operand[id].given = passing;
    p->operand[id].whole = p->node[v].op == FV_OP_INPUT;
    if (passing) live_at(&p->operand[id], 0);
    return id;
}

/* Inputs and the output are reached by name from outside, so they keep their memory. */
static int value_of(lowering *l, int v)
{
    fv_plan *p = l->p;
    if (!p->value[v]) p->value[v] = fv_plan_tensor(p, v, fv_plan_named(p, v), l->err);
    return p->value[v];
}

static int gradient_of(lowering *l, int v)
{
    fv_plan *p = l->p;
    if (!l->grad[v]) return 0;
    if (!p->dvalue[v]) {
        p->dvalue[v] = fv_plan_tensor(p, v, fv_plan_named(p, v), l->err);
        p->operand[p->dvalue[v]].gradient = true;
    }
    return p->dvalue[v];
}

static int param_gradient(lowering *l, int param)
{
    fv_plan *p = l->p;
    const fv_param *q = &p->net->graph->param[param];
    if (q->kind >= FV_PARAM_RUNNING || l->p->rq.values_only) return 0;
    if (!p->dparam[param]) {
        const operand_kind kind = fv_plan_spends_early(p) ? OPERAND_BLOCK : OPERAND_OWN;
        p->dparam[param] = fv_plan_operand(p, kind, q->floats * p->real, l->err);
        p->operand[p->dparam[param]].gradient = true;
    }
    return p->dparam[param];
}

static fv_arg new_temp(fv_lower *face, size_t floats)
{
    lowering *l = (lowering *)face;
    return (fv_arg){ fv_plan_operand(l->p, OPERAND_BLOCK, floats * l->p->real, l->err) };
}

/* The step that made x, if it can leave moments. */
static plan_step *maker_with_moments(fv_plan *p, int x)
{
    if (p->rq.f64 || p->operand[x].kind == OPERAND_VIEW) return NULL;
    for (size_t i = p->nstep; i-- > 0;) {
        plan_step *s = &p->step[i];
        if (s->arg[0] != x) continue;
        const bool can = s->slot->moments_arg && s->kernel->parts && !s->arg[s->slot->moments_arg];
        return can ? s : NULL;
    }
    return NULL;
}

static fv_arg moments(fv_lower *face, fv_arg x, int c, fv_arg *counts)
{
    lowering *l = (lowering *)face;
    fv_plan *p = l->p;
    plan_step *s = maker_with_moments(p, x.id);
    if (!s) return FV_NONE;
    int rows = 0;
    for (int n = 1; n <= p->rq.batch; n++) {
        const int parts = s->kernel->parts(s->problem, n);
        if (parts > rows) rows = parts;
    }
    const int step = (int)(s - p->step), at = s->slot->moments_arg;
    const int part = fv_plan_operand(p, OPERAND_BLOCK, (size_t)rows * 2 * (size_t)c * p->real, l->err);
    const int count = fv_plan_operand(p, OPERAND_BLOCK, (size_t)rows * p->real, l->err);
    if (!part || !count) return FV_NONE;
    s->arg[at] = part, s->arg[at + 1] = count, s->nargs = at + 2;
    live_at(&p->operand[part], step);
    live_at(&p->operand[count], step);
    *counts = (fv_arg){ count };
    return (fv_arg){ part };
}

/* A gradient's first writer stores, later ones add. */
static unsigned add_bits(fv_plan *p, int nout, const int *arg)
{
    unsigned add = 0;
    for (int i = 0; i < nout; i++) {
        operand *o = &p->operand[arg[i]];
        if (!arg[i] || !o->gradient) continue;
        if (o->written) add |= 1u << i;
        o->written = true;
    }
    return add;
}

static void operands_live_at(fv_plan *p, const plan_step *s, int step)
{
    for (int i = 0; i < s->nargs; i++) {
        if (!s->arg[i]) continue;
        live_at(&p->operand[s->arg[i]], step);
        live_at(&p->operand[fv_plan_base(p, s->arg[i])], step);
    }
}

void fv_plan_append(fv_plan *p, const plan_step *s, fv_err *err)
{
    if (fv_grow(p->net->env.heap, (void **)&p->step, &p->step_cap, p->nstep + 1, sizeof *p->step, err) != FV_OK) return;
    operands_live_at(p, s, (int)p->nstep);
    p->step[p->nstep++] = *s;
}

void fv_plan_set_lives(fv_plan *p)
{
    for (size_t id = 1; id < p->noperand; id++) {
        operand *o = &p->operand[id];
        o->first = INT_MAX, o->last = -1;
        if (o->given) live_at(o, 0);
    }
    for (size_t i = 0; i < p->nstep; i++) operands_live_at(p, &p->step[i], (int)i);
}

static bool wanted(int nout, const int *arg)
{
    bool any = false;
    for (int i = 0; i < nout; i++) any |= arg[i] != 0;
    return any;
}

void fv_plan_step(fv_plan *p, int node, const fv_slot *slot, const void *problem, size_t bytes, int nout, int nargs,
                  const int *arg, fv_err *err)
{
    if (!wanted(nout, arg)) return;
    plan_step s = { .slot = slot, .node = node, .nargs = nargs, .inplace = slot->inplace };
    s.problem = fv_arena_alloc(&p->arena, bytes);
    if (!s.problem) return;
    memcpy(s.problem, problem, bytes);
    memcpy(s.arg, arg, (size_t)nargs * sizeof *arg);
    fv_plan_resolve(p, slot, &s, err); /* may append steps of its own */
    s.kernel = p->rq.f64 ? &slot->rows[slot->nrows - 1] : fv_slot_choose(slot, p->rq.cpu, s.problem);
    s.fn = p->rq.f64 ? slot->ref64 : s.kernel->fn;
    const int w = slot->weights_arg;
    if (w > 0 && w < nargs && node >= 0) {
        const plan_node *n = &p->node[node];
        s.arg[w] = fv_plan_packed(p, n, node, n->param[0], p->rq.f64 ? NULL : s.kernel->packing, s.problem, err);
    }
    s.add = add_bits(p, nout, s.arg);
    fv_plan_append(p, &s, err);
}

static void look_at(lowering *l, int i, fv_shape x[FV_MAX_IN]);

/* Values that were dropped are made before the first step that reads them, and what they are made of before them. */
static void make_again(const lowering *l, const int *arg, int nargs)
{
    for (int i = 0; i < nargs; i++) {
        const int node = l->p->operand[arg[i]].again - 1;
        fv_shape x[FV_MAX_IN];
        lowering inner = { .p = l->p, .grad = l->grad, .err = l->err };
        if (!arg[i] || node < 0) continue;
        l->p->operand[arg[i]].again = 0;
        look_at(&inner, node, x);
        fv_ops[l->p->node[node].op]->again(&inner.face);
    }
}

static void emit(fv_lower *face, const fv_slot *slot, const void *problem, size_t bytes, int nout, int nargs,
                 const fv_arg *args)
{
    lowering *l = (lowering *)face;
    int arg[FV_MAX_ARGS] = { 0 };
    for (int i = 0; i < nargs; i++) arg[i] = args[i].id;
    if (wanted(nout, arg)) make_again(l, arg, nargs);
    fv_plan_step(l->p, l->node, slot, problem, bytes, nout, nargs, arg, l->err);
}

/* Fills the op's view of node i. Auxiliary tensors are made by the forward pass and found again by the backward one. */
static void look_at(lowering *l, int i, fv_shape x[FV_MAX_IN])
{
    fv_plan *p = l->p;
    const plan_node *n = &p->node[i];
    const fv_op *op = fv_ops[n->op];
    fv_lower *f = &l->face;
    l->node = i;
    const bool trains = fv_plan_trains(p, n);
    *f = (fv_lower){ .attr = &n->attr, .x = x, .nx = n->nin, .y = n->shape, .batch = p->rq.batch };
    f->train = p->rq.train && (trains || n->op != FV_OP_BATCHNORM || !p->rq.rule);
    f->temp = new_temp;
    f->moments = moments;
    f->step = emit;
    f->run = (fv_arg){ p->run_operand };
    for (int k = 0; k < n->nin; k++) {
        x[k] = p->node[n->in[k]].shape;
        f->in[k] = (fv_arg){ value_of(l, n->in[k]) };
        if (l->backward) f->din[k] = (fv_arg){ gradient_of(l, n->in[k]) };
    }
    f->out = (fv_arg){ value_of(l, i) };
    if (l->backward) f->dout = (fv_arg){ gradient_of(l, i) };
    for (int k = 0; k < n->nparam; k++) {
        f->param[k] = (fv_arg){ p->weight[n->param[k]] };
        if (l->backward && trains) f->dparam[k] = (fv_arg){ param_gradient(l, n->param[k]) };
    }
    if (n->fold >= 0) f->param[1] = (fv_arg){ fv_plan_folded_bias(p, i, l->err) };
    size_t floats[FV_MAX_AUX] = { 0 };
    const int naux = op->aux ? op->aux(&n->attr, x, &n->shape, p->rq.batch, floats) : 0;
    for (int k = 0; k < naux; k++) {
        int *a = &p->aux[i * FV_MAX_AUX + k];
        if (!*a) *a = fv_plan_operand(p, OPERAND_BLOCK, floats[k] * p->real, l->err);
        f->aux[k] = (fv_arg){ *a };
    }
}

static void poison_fn(const fv_work *w)
{
    memset(w->arg[0], 0xff, *(const size_t *)w->problem); /* quiet NaNs, in float and in double */
}

static int one_unit(const void *problem, int n)
{
    (void)problem;
    (void)n;
    return 1;
}

static const fv_kernel poison_rows[] = { { .name = "poison", .fn = poison_fn, .units = one_unit } };
static const fv_slot poison_slot = {
    .name = "poison", .rows = poison_rows, .nrows = 1, .ref64 = poison_fn, .weights_arg = -1
};

static void poison(lowering *l, int id)
{
    if (id) fv_plan_step(l->p, -1, &poison_slot, &l->p->operand[id].bytes, sizeof(size_t), 1, 1, &id, l->err);
}

/* Tests: everything that no op declares in `saves` becomes NaN between the passes. */
static void poison_undeclared(lowering *l)
{
    fv_plan *p = l->p;
    for (int i = 0; i < p->nnode; i++) {
        if (p->node[i].dead) continue;
        const unsigned saves = fv_ops[p->node[i].op]->saves;
        bool kept = saves & FV_SAVE_Y;
        for (int u = i + 1; u < p->nnode; u++)
            for (int k = 0; !p->node[u].dead && k < p->node[u].nin; k++)
                kept |= p->node[u].in[k] == i && (fv_ops[p->node[u].op]->saves & FV_SAVE_X);
        if (!kept && p->operand[p->value[i]].kind == OPERAND_BLOCK) poison(l, p->value[i]);
        for (int k = 0; !(saves & FV_SAVE_AUX) && k < FV_MAX_AUX; k++) poison(l, p->aux[i * FV_MAX_AUX + k]);
    }
}

/* A value needs a gradient where a trained parameter, or an input whose gradient is asked for, lies behind it. */
static void mark_gradients(lowering *l)
{
    const fv_plan *p = l->p;
    for (int i = 0; i < p->nnode; i++) {
        const plan_node *n = &p->node[i];
        if (n->dead) continue;
        l->grad[i] = n->op == FV_OP_INPUT && p->rq.input_grad && i != p->target;
        l->grad[i] |= n->kept && p->rq.values_only;
        l->grad[i] |= !p->rq.values_only && fv_plan_trains(p, n);
        for (int k = 0; k < n->nin; k++) l->grad[i] |= l->grad[n->in[k]];
    }
}

/* From here on the nodes' values are operands of the backward pass. */
static void drop_values(lowering *l)
{
    fv_plan *p = l->p;
    const bool *drops = fv_plan_drops(p);
    for (int i = 0; drops && i < p->nnode; i++) {
        if (!drops[i]) continue;
        p->value[i] = fv_plan_tensor(p, i, false, l->err);
        p->operand[p->value[i]].again = i + 1;
    }
}

static void lower_backward(lowering *l)
{
    fv_plan *p = l->p;
    fv_shape x[FV_MAX_IN];
    l->backward = true;
    if (p->rq.poison) poison_undeclared(l);
    drop_values(l);
    mark_gradients(l);
    p->doutput = gradient_of(l, p->output);
    if (p->doutput) p->operand[p->doutput].written = true; /* by the caller */
    for (int k = 0; k < p->naux; k++)
        if (gradient_of(l, p->aux_loss[k])) p->operand[p->dvalue[p->aux_loss[k]]].written = true; /* likewise */
    for (int i = p->nnode - 1; i >= 0; i--) {
        const plan_node *n = &p->node[i];
        const bool reached = p->dvalue[i] && p->operand[p->dvalue[i]].written;
        if (n->dead || n->op == FV_OP_INPUT || !reached) continue;
        look_at(l, i, x);
        fv_ops[n->op]->backward(&l->face);
        if (fv_plan_spends_early(p)) fv_plan_spend(p, n, l->err);
    }
}

static void weight_operands(fv_plan *p, fv_err *err)
{
    const fv_graph *g = p->net->graph;
    for (size_t i = 0; i < g->nparam; i++) {
        const size_t bytes = g->param[i].floats * p->real;
        p->weight[i] = fv_plan_operand(p, p->rq.f64 ? OPERAND_OWN : OPERAND_WEIGHTS, bytes, err);
        p->operand[p->weight[i]].at = g->param[i].at;
    }
    p->run_operand = fv_plan_operand(p, OPERAND_RUN, sizeof(fv_run_info), err);
}

static bool tables(fv_plan *p, lowering *l)
{
    const size_t nodes = (size_t)p->nnode * sizeof(int), params = p->net->graph->nparam * sizeof(int);
    p->value = fv_arena_alloc(&p->arena, nodes);
    p->dvalue = fv_arena_alloc(&p->arena, nodes);
    p->aux = fv_arena_alloc(&p->arena, nodes * FV_MAX_AUX);
    p->weight = fv_arena_alloc(&p->arena, params);
    p->dparam = fv_arena_alloc(&p->arena, params);
    p->gathered = fv_arena_alloc(&p->arena, params);
    for (int k = 0; k < FV_STATES; k++) p->state[k] = fv_arena_alloc(&p->arena, params);
    l->grad = fv_arena_alloc(&p->arena, (size_t)p->nnode);
    return !p->arena.failed;
}

fv_status fv_plan_lower(fv_plan *p, fv_err *err)
{
    fv_err local = { 0 };
    lowering l = { .p = p, .err = err ? err : &local };
    fv_shape x[FV_MAX_IN];
    if (!tables(p, &l)) return fv_fail(err, FV_NOMEM, "no memory for the plan's tables");
    FV_TRY(fv_grow(p->net->env.heap, (void **)&p->operand, &p->operand_cap, 1, sizeof *p->operand, err));
    p->operand[p->noperand++] = (operand){ .first = INT_MAX, .last = -1 }; /* the absent one, and where failures lead */
    FV_TRY(fv_plan_rules(p, err));
    weight_operands(p, l.err);
    FV_TRY(fv_plan_views(p, l.err));
    for (int i = 0; i < p->nnode; i++) {
        if (p->node[i].dead) continue;
        if (fv_plan_join(p, i, l.err)) continue;
        look_at(&l, i, x);
        fv_ops[p->node[i].op]->forward(&l.face);
    }
    if (p->rq.backward && l.err->status == FV_OK) lower_backward(&l);
    p->update_from = (int)p->nstep;
    if (p->rq.update) fv_plan_update_all(p, l.err);
    if (p->arena.failed) fv_fail(l.err, FV_NOMEM, "no memory for the plan's steps");
    return l.err->status;
}
