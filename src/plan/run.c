/* run.c -- the loop that runs a plan. It cannot fail and allocates nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/parts.h"
#include <string.h>

typedef struct step_run {
    const fv_plan *p;
    const plan_step *s;
    int n;
    void *arg[FV_MAX_ARGS];
} step_run;

static void range(void *user, int thread, int begin, int end)
{
    const step_run *r = user;
    r->s->fn(&(fv_work){ .problem = r->s->problem,
                         .n = r->n,
                         .arg = r->arg,
                         .add = r->s->add,
                         .scratch = r->p->scratch + (size_t)thread * r->p->scratch_bytes,
                         .begin = begin,
                         .end = end });
}

void fv_plan_run(fv_plan *p, int n)
{
    if (p->rq.update || p->rq.train) fv_plan_repack(p);
    for (size_t i = 0; i < p->nstep; i++) {
        const plan_step *s = &p->step[i];
        step_run r = { .p = p, .s = s, .n = n };
        for (int k = 0; k < s->nargs; k++) r.arg[k] = p->pointer[s->arg[k]];
        fv_threads_run(p->pool, s->kernel->units(s->problem, n), range, &r);
    }
}

void fv_run(fv_plan *p, int n, const float *images, float *logits)
{
    const fv_shape in = p->input_shape;
    const size_t out = (size_t)p->node[p->logits].shape.c;
    memcpy(fv_plan_input(p, NULL), images, (size_t)n * in.h * in.w * in.c * sizeof *images);
    fv_plan_run(p, n);
    memcpy(logits, fv_plan_logits(p), (size_t)n * out * sizeof *logits);
}

double fv_run_train(fv_plan *p, int n, const float *images, const int *labels, double lr, uint64_t step)
{
    const fv_shape in = p->input_shape;
    const int classes = p->node[p->target].shape.c;
    float *target = fv_plan_input(p, "target"), *dout = fv_plan_doutput(p);
    const float *loss = fv_plan_output(p);
    memcpy(fv_plan_input(p, NULL), images, (size_t)n * in.h * in.w * in.c * sizeof *images);
    memset(target, 0, (size_t)n * classes * sizeof *target);
    for (int i = 0; i < n; i++) target[(size_t)i * classes + labels[i]] = 1;
    for (int i = 0; i < n; i++) dout[i] = 1.0f / (float)n;
    p->run.lr = lr;
    p->run.step = step;
    fv_plan_run(p, n);
    double sum = 0;
    for (int i = 0; i < n; i++) sum += (double)loss[i];
    return sum / n;
}
