/* schedule.c -- learning rates as rows: cosine (Loshchilov, Hutter 2017, "SGDR", eq. 5, one period) and steps. Both
 * after a linear warm-up (Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 2.2).
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"
#include <math.h>

/* Factors of the highest rate; `t` is the step, `warm` the number of steps of the warm-up. */
static double cosine(const fv_schedule *s, double t, double warm)
{
    const double left = (double)s->steps - warm;
    return left > 0 ? 0.5 * (1 + cos(acos(-1.0) * (t - warm) / left)) : 1;
}

static double steps(const fv_schedule *s, double t, double warm)
{
    (void)warm;
    if (!(s->decay_epochs > 0)) return 1;
    return pow(s->decay_rate, floor(t / (double)s->epoch_steps / s->decay_epochs));
}

static const struct {
    const char *name;
    double (*factor)(const fv_schedule *s, double t, double warm);
} rows[] = {
    [FV_SCHED_COSINE] = { "cosine", cosine },
    [FV_SCHED_STEP] = { "step", steps },
};

const char *fv_schedule_name(fv_sched kind)
{
    return (size_t)kind < sizeof rows / sizeof *rows ? rows[kind].name : NULL;
}

double fv_schedule_lr(const fv_schedule *s, int64_t step)
{
    const double t = (double)step, warm = s->warmup_epochs * (double)s->epoch_steps;
    if (t < warm) return s->lr * (0.01 + 0.99 * t / warm);
    return s->lr * rows[s->kind].factor(s, t, warm);
}
