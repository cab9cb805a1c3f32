/* run.c -- the loop that runs a plan. It cannot fail and allocates nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "plan/parts.h"
#include <math.h>
#include <string.h>

static void range(void *user, int thread, int begin, int end)
{
    const step_run *r = user;
    r->s->fn(&(fv_work){ .problem = r->s->problem,
                         .n = r->n,
                         .arg = r->arg,
                         .add = r->s->add,
                         .scratch = r->p->scratch + (size_t)thread * r->p->scratch_bytes,
                         .begin = begin,
                         .end = end,
                         .ld = r->s->ld });
}

/* On n images from `image` on; values that live in a lane are found in that one. */
step_run fv_plan_step_run(const fv_plan *p, int step, int image, int lane, int n)
{
    step_run r = { .p = p, .s = &p->step[step], .n = n };
    for (int k = 0; k < r.s->nargs; k++) {
        const operand *o = &p->operand[r.s->arg[k]];
        const size_t next = o->lane ? p->lane_bytes : o->copy,
                     at = next ? next * (size_t)lane : o->image * (size_t)image;
        r.arg[k] = at ? (uint8_t *)p->pointer[r.s->arg[k]] + at : p->pointer[r.s->arg[k]];
    }
    return r;
}

/* Times what the steps' own times leave out, where anybody asks for times. */
static double now(const fv_plan *p)
{
    return p->seconds ? fv_clock() : 0;
}

static void count(fv_plan *p, fv_overhead what, double seconds)
{
    if (p->seconds) p->seconds[p->nstep + (size_t)what] += seconds;
}

typedef struct chain_run {
    const fv_plan *p;
    const band_chain *chain;
    int image;
    double busy; /* of the first thread */
} chain_run;

static void band_range(void *user, int thread, int begin, int end)
{
    chain_run *r = user;
    const double start = now(r->p);
    fv_plan_run_bands(r->p, r->chain, r->image, 0, thread, begin, end);
    if (thread == 0) r->busy += now(r->p) - start;
}

static const band_chain *chain_at(const fv_plan *p, int step)
{
    return p->step[step].chain ? &p->chain[p->step[step].chain - 1] : NULL;
}

/* All threads share one step after the other, or the bands of a chain. */
static void run_together(fv_plan *p, const segment *g, int image, int n)
{
    for (int i = g->first; i < g->end; i++) {
        const band_chain *chain = chain_at(p, i);
        if (chain) {
            chain_run c = { .p = p, .chain = chain, .image = image };
            const double start = now(p);
            for (; c.image < image + n; c.image++) fv_threads_run(p->pool, chain->bands, band_range, &c);
            count(p, FV_WAITING, now(p) - start - c.busy);
            i = chain->end - 1;
            continue;
        }
        step_run r = fv_plan_step_run(p, i, image, 0, n);
        const double start = now(p);
        fv_threads_balance(p->pool, r.s->kernel->units(r.s->problem, n), range, &r);
        if (p->seconds) p->seconds[i] += fv_clock() - start;
    }
}

typedef struct image_run {
    fv_plan *p;
    const segment *segment;
    double busy; /* of the first thread */
} image_run;

/* Images [begin, end), by this thread alone. The steps' times are those of the first thread. */
static void run_images(void *user, int thread, int begin, int end)
{
    image_run *q = user;
    fv_plan *p = q->p;
    const bool timed = p->seconds && thread == 0;
    const double began = now(p);
    for (int image = begin; image < end; image++) {
        for (int i = q->segment->first; i < q->segment->end; i++) {
            const band_chain *chain = chain_at(p, i);
            if (chain) {
                fv_plan_run_bands(p, chain, image, thread, thread, 0, chain->bands);
                i = chain->end - 1;
                continue;
            }
            step_run r = fv_plan_step_run(p, i, image, thread, 1);
            const double start = timed ? fv_clock() : 0;
            range(&r, thread, 0, r.s->kernel->units(r.s->problem, 1));
            if (timed) p->seconds[i] += fv_clock() - start;
        }
    }
    if (thread == 0) q->busy += now(p) - began;
}

/* As many images as the threads share evenly go by thread, the others one by one. */
static void run_by_image(fv_plan *p, const segment *g, int n)
{
    const int threads = fv_threads_count(p->pool), even = n / threads * threads;
    image_run q = { .p = p, .segment = g };
    const double start = now(p);
    fv_threads_share(p->pool, even, run_images, &q);
    count(p, FV_WAITING, now(p) - start - q.busy);
    for (int image = even; image < n; image++) run_together(p, g, image, 1);
}

void fv_plan_run(fv_plan *p, int n)
{
    for (size_t i = 0; i < p->nsegment; i++) {
        if (p->more && p->segment[i].first >= p->update_from) break;
        if (n == 0 && p->segment[i].first < p->update_from) continue;
        if (p->segment[i].by_image) run_by_image(p, &p->segment[i], n);
        else run_together(p, &p->segment[i], 0, n);
    }
}

void fv_plan_profile(fv_plan *p, double *seconds)
{
    p->seconds = seconds;
}

/* May the steps read the images where the caller has them? They only read them, but what else points into the plan's own
 * copy would miss them. */
static bool borrows(const fv_plan *p, int input)
{
    if (p->rq.train || p->rq.backward || p->rq.f64 || !input) return false;
    for (size_t id = 1; id < p->noperand; id++)
        if (p->operand[id].kind == OPERAND_VIEW && p->operand[id].of == input) return false;
    for (int v = 0; v < p->nnode; v++)
        if (p->value[v] == input && (p->node[v].kept || v == p->output)) return false;
    return true;
}

void fv_plan_lend(fv_plan *p)
{
    const int input = fv_plan_input_operand(p);
    p->lent = borrows(p, input) ? input : 0;
}

float *fv_plan_images(fv_plan *p)
{
    return fv_plan_input(p, NULL);
}

static void copy_images(fv_plan *p, int n, const float *images)
{
    const fv_shape in = p->input_shape;
    float *to = fv_plan_images(p);
    if (to != images) memcpy(to, images, (size_t)n * in.h * in.w * in.c * sizeof *images);
}

void fv_run(fv_plan *p, int n, const float *images, float *logits)
{
    const size_t out = (size_t)p->node[p->logits].shape.c;
    const int input = fv_plan_input_operand(p);
    void *const own = p->pointer[input];
    const double start = now(p);
    if (p->lent) p->pointer[input] = (void *)(uintptr_t)images;
    else copy_images(p, n, images);
    count(p, FV_COPYING_IN, now(p) - start);
    fv_plan_run(p, n);
    p->pointer[input] = own;
    const double end = now(p);
    memcpy(logits, fv_plan_logits(p), (size_t)n * out * sizeof *logits);
    count(p, FV_COPYING_OUT, now(p) - end);
}

void fv_run_backward(fv_plan *p, int n, const float *images, const float *dlogits)
{
    const size_t out = (size_t)p->node[p->logits].shape.c;
    copy_images(p, n, images);
    if (p->doutput) memcpy(fv_plan_doutput(p), dlogits, (size_t)n * out * sizeof *dlogits);
    fv_plan_run(p, n);
}

static bool fits(const fv_plan *p, const fv_update *u)
{
    const int classes = p->node[p->target].shape.c;
    if (u->n == 0) return p->gathered_n > 0 && !u->more;
    if (u->n < 1 || u->n > p->rq.batch || (!u->labels && !u->targets) || (u->more && !p->rq.gather)) return false;
    for (int i = 0; i < u->n && u->labels; i++)
        if (u->labels[i] < 0 || u->labels[i] >= classes) return false;
    return true;
}

static float aux_weight(const fv_plan *p, int k)
{
    return p->net->graph->aux[k].weight;
}

static void set_targets(fv_plan *p, const fv_update *u)
{
    const size_t classes = (size_t)p->node[p->target].shape.c, n = (size_t)u->n;
    float *target = fv_plan_input(p, "target");
    if (u->labels) memset(target, 0, n * classes * sizeof *target);
    else memcpy(target, u->targets, n * classes * sizeof *target);
    for (size_t i = 0; i < n && u->labels; i++) target[i * classes + (size_t)u->labels[i]] = 1;
}

static float image_weight(const fv_update *u, size_t i)
{
    return u->weights ? u->weights[i] : 1;
}

static double weight_sum(const fv_update *u)
{
    double sum = 0;
    for (int i = 0; i < u->n; i++) sum += (double)image_weight(u, (size_t)i);
    return sum;
}

/* The share of each image's loss in what is minimised: its weight in a sum of so much. */
static void set_gradients(fv_plan *p, const fv_update *u, float sum)
{
    float *dloss = fv_plan_doutput(p);
    for (size_t i = 0; i < (size_t)u->n; i++) dloss[i] = image_weight(u, i) / sum;
    for (int k = 0; k < p->naux; k++) {
        const int id = p->dvalue[p->aux_loss[k]];
        for (size_t i = 0; id && i < (size_t)u->n; i++)
            ((float *)p->pointer[id])[i] = aux_weight(p, k) * image_weight(u, i) / sum;
    }
}

/* Where gradients are gathered they are sums over images, and the update divides by the weights of all of them. */
static void set_run(fv_plan *p, const fv_update *u)
{
    const double sum = weight_sum(u);
    const int64_t t = u->t > 0 ? u->t : (int64_t)u->step + 1;
    const double young = (1 + (double)t) / (10 + (double)t);
    p->run = (fv_run_info){ .seed = u->seed,
                            .step = u->step,
                            .lr = u->lr,
                            .momentum = u->momentum,
                            .nesterov = u->nesterov,
                            .grad_scale = 1,
                            .t = t,
                            .ema = young < p->rq.ema ? young : p->rq.ema,
                            .fresh = p->gathered_n == 0 };
    set_gradients(p, u, p->rq.gather || !(sum > 0) ? 1 : (float)sum);
    p->more = u->more;
    if (!p->rq.gather) return;
    p->gathered_n += u->n;
    p->gathered_sum += sum;
    if (p->gathered_sum > 0) p->run.grad_scale = 1 / p->gathered_sum;
    if (!u->more) p->gathered_n = 0, p->gathered_sum = 0;
}

/* The loss of each image; its auxiliary classifiers' shares join it here. */
static float *add_aux_losses(fv_plan *p, int n)
{
    float *loss = fv_plan_output(p);
    for (int k = 0; k < p->naux; k++) {
        const float *aux = p->pointer[p->value[p->aux_loss[k]]];
        for (int i = 0; i < n; i++) loss[i] += aux_weight(p, k) * aux[i];
    }
    return loss;
}

double fv_run_train(fv_plan *p, const fv_update *u)
{
    if (!fits(p, u)) return (double)NAN;
    const double start = now(p);
    if (u->n > 0) copy_images(p, u->n, u->images);
    if (u->n > 0) set_targets(p, u);
    set_run(p, u);
    count(p, FV_COPYING_IN, now(p) - start);
    fv_plan_run(p, u->n);
    if (u->n == 0) return 0;
    p->net->batches_tracked++;
    const double end = now(p);

    const float *loss = add_aux_losses(p, u->n);
    const size_t classes = (size_t)p->node[p->logits].shape.c;
    if (u->losses) memcpy(u->losses, loss, (size_t)u->n * sizeof *loss);
    if (u->logits) memcpy(u->logits, fv_plan_logits(p), (size_t)u->n * classes * sizeof *loss);
    double sum = 0;
    for (int i = 0; i < u->n; i++) sum += (double)(image_weight(u, (size_t)i) * loss[i]);
    count(p, FV_COPYING_OUT, now(p) - end);
    const double all = weight_sum(u);
    return all > 0 ? sum / all : 0;
}
