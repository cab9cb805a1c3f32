/* schedule.c -- learning rates as rows. Cosine: Loshchilov, Hutter 2017, "SGDR", eq. 5, one period. One cycle: Smith,
 * Topin 2017, "Super-convergence", with PyTorch's numbers. All after a linear warm-up (Goyal et al. 2017, "Accurate,
 * Large Minibatch SGD", section 2.2); falls by epochs count them from the start of the run, warm-up and all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"
#include "base/status.h"
#include <math.h>
#include <stdlib.h>

/* `t` is the step, `warm` the number of steps of the warm-up. */
static double half_wave(double from, double to, double share)
{
    return to + (from - to) * 0.5 * (1 + cos(acos(-1.0) * share));
}

static double cosine(const fv_schedule *s, double t, double warm)
{
    const double left = (double)s->steps - warm;
    return left > 0 ? half_wave(s->lr, s->min_lr, (t - warm) / left) : s->lr;
}

static double epochs(const fv_schedule *s, double t)
{
    return t / (double)s->epoch_steps;
}

static double steps(const fv_schedule *s, double t, double warm)
{
    (void)warm;
    return s->decay_epochs > 0 ? s->lr * pow(s->decay_rate, floor(epochs(s, t) / s->decay_epochs)) : s->lr;
}

static double milestones(const fv_schedule *s, double t, double warm)
{
    (void)warm;
    int passed = 0;
    while (passed < s->milestones && epochs(s, t) >= s->milestone[passed]) passed++;
    return s->lr * pow(s->decay_rate, passed);
}

static double exponential(const fv_schedule *s, double t, double warm)
{
    (void)warm;
    return s->decay_epochs > 0 ? s->lr * pow(s->decay_rate, epochs(s, t) / s->decay_epochs) : s->lr;
}

static double polynomial(const fv_schedule *s, double t, double warm)
{
    const double left = (double)s->steps - warm;
    return left > 0 ? s->min_lr + (s->lr - s->min_lr) * pow(1 - (t - warm) / left, s->power) : s->lr;
}

static double one_cycle(const fv_schedule *s, double t, double warm)
{
    const double up = 0.3, first = s->lr / 25, last = first / 1e4;
    const double top = up * ((double)s->steps - warm) - 1, end = (double)s->steps - warm - 1, now = t - warm;
    if (now < top) return half_wave(first, s->lr, now / top);
    return end > top ? half_wave(s->lr, last, (now - top) / (end - top)) : s->lr;
}

static const struct {
    const char *name;
    double (*lr)(const fv_schedule *s, double t, double warm);
} rows[] = {
    [FV_SCHED_COSINE] = { "cosine", cosine },           [FV_SCHED_STEP] = { "step", steps },
    [FV_SCHED_MULTISTEP] = { "multistep", milestones }, [FV_SCHED_EXP] = { "exp", exponential },
    [FV_SCHED_POLY] = { "poly", polynomial },           [FV_SCHED_ONECYCLE] = { "onecycle", one_cycle },
};

const char *fv_schedule_name(int kind)
{
    return kind >= 0 && (size_t)kind < sizeof rows / sizeof *rows ? rows[kind].name : NULL;
}

double fv_schedule_lr(const fv_schedule *s, int64_t step)
{
    const double t = (double)step, warm = s->warmup_epochs * (double)s->epoch_steps;
    if (t < warm) return s->warmup_lr + (s->lr - s->warmup_lr) * t / warm;
    return rows[s->kind].lr(s, t, warm);
}

fv_status fv_schedule_milestones(fv_schedule *s, const char *text, fv_err *err)
{
    s->milestones = 0;
    for (const char *at = text; at && *at;) {
        char *end;
        const double epoch = strtod(at, &end), last = s->milestones ? s->milestone[s->milestones - 1] : 0;
        if (end == at || (*end && *end != ',') || !(epoch > last) || !isfinite(epoch))
            return fv_fail(err, FV_ARG, "milestones '%s': epochs that rise, with commas between them", text);
        if (s->milestones == FV_MAX_MILESTONES)
            return fv_fail(err, FV_ARG, "milestones '%s': at most %d", text, FV_MAX_MILESTONES);
        s->milestone[s->milestones++] = epoch;
        at = *end ? end + 1 : end;
    }
    return FV_OK;
}
