/* train.c -- the training loop. Where the run stands is one number, the updates done; epoch, position, learning rate
 * and every random number follow from it, so a run that was stopped goes on bit for bit as if it had not been.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/log.h"
#include "eval/evaluate.h"
#include "train/recipe.h"
#include "train/session.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static int epoch_of(const fv_session *s, int64_t step)
{
    return (int)(step / s->epoch_steps) + 1;
}

/* How many epochs are complete at this step; the last one of a run may be cut short. */
static size_t epochs_done(const fv_session *s)
{
    const int64_t whole = s->step / s->epoch_steps;
    return (size_t)(whole + (s->step == s->steps && s->step % s->epoch_steps != 0));
}

/* ---- talking to the host ---- */

static void tell(fv_session *s, fv_train_event e)
{
    if (!s->watch) return;
    e.epochs = s->o.epochs;
    e.step = s->step;
    e.steps = s->steps;
    const fv_train_wish wish = s->watch(s->user, &e);
    if (wish > s->wish) s->wish = wish;
}

static double epoch_speed(const fv_session *s)
{
    const double seconds = fv_clock() - s->epoch_started;
    return seconds > 0 ? (double)s->epoch_images / seconds : 0;
}

static double train_top1(const fv_session *s)
{
    return s->loss_n > 0 ? 100.0 * (double)s->right / (double)s->loss_n : 0;
}

static double seconds_left(const fv_session *s)
{
    const int64_t done = s->step - s->first_step;
    return done > 0 ? (fv_clock() - s->started) / (double)done * (double)(s->steps - s->step) : 0;
}

static void tell_begin(fv_session *s)
{
    char text[400];
    fv_net_info info;
    fv_plan_info plan;
    fv_net_describe(s->net, &info);
    fv_plan_describe(s->learn, &plan);
    snprintf(text, sizeof text,
             "%s (%" PRId64 " parameters) on %s: %" PRId64 " training and %" PRId64
             " validation pictures, %d classes, %d x %d x %d; %d steps in %.1f MiB of memory",
             info.name, info.params, s->train->source->name, s->train->count, s->val->count, s->train->classes,
             info.prep.h, info.prep.w, info.prep.channels, plan.steps, (double)plan.total_bytes / (1 << 20));
    tell(s, (fv_train_event){ .kind = FV_TRAIN_BEGIN, .epoch = epoch_of(s, s->step), .text = text });
}

/* FV_OK: go on. Otherwise the state is saved as the host wished, and the status says how the run ends. */
static fv_status heed(fv_session *s, fv_err *err)
{
    if (s->wish == FV_TRAIN_GO) return FV_OK;
    if (s->wish == FV_TRAIN_ABANDON)
        return fv_fail(err, FV_INTERRUPTED, "abandoned at step %" PRId64 " of %" PRId64, s->step, s->steps);
    const fv_status end = s->wish == FV_TRAIN_STOP ? FV_STOPPED : FV_INTERRUPTED;
    if (s->step != s->saved) FV_TRY(fv_session_checkpoint(s, err));
    return fv_fail(err, end, "stopped at step %" PRId64 " of %" PRId64 "; a checkpoint holds all of it", s->step,
                   s->steps);
}

/* ---- evaluation at the end of an epoch ---- */

static bool between_batches(void *user, int64_t done, int64_t count)
{
    fv_session *s = user;
    tell(s, (fv_train_event){ .kind = FV_TRAIN_EVAL, .epoch = (int)s->nepochs + 1, .done = done, .count = count });
    return s->wish == FV_TRAIN_GO;
}

static fv_status judge(fv_session *s, fv_metrics *m, fv_err *err)
{
    const fv_eval_job job = { .plan = s->judge,
                              .loader = s->val_loader,
                              .data = s->val,
                              .classes = s->net->classes,
                              .logits = s->logits,
                              .max_bad = s->o.max_bad,
                              .loss = s->o.loss,
                              .gallery = s->gallery,
                              .go_on = between_batches,
                              .user = s };
    fv_err why = { 0 };
    if (s->o.model_ema) fv_plan_swap_ema(s->learn); /* only for as long as nobody saves */
    fv_plan_repack(s->judge);
    const fv_status st = fv_evaluate_with(m, &job, &why);
    if (s->o.model_ema) fv_plan_swap_ema(s->learn);
    if (st == FV_BUG) return fv_session_diverged(s, "an answer in validation is not finite", err);
    if (st == FV_STOPPED) return heed(s, err);
    return st == FV_OK ? FV_OK : fv_fail(err, st, "validation: %s", why.msg);
}

static fv_status add_epoch(fv_session *s, const fv_metrics *m, double speed, fv_err *err)
{
    FV_TRY(fv_grow(NULL, (void **)&s->epochs, &s->epoch_cap, s->nepochs + 1, sizeof *s->epochs, err));
    fv_epoch *e = &s->epochs[s->nepochs++];
    *e = (fv_epoch){ .epoch = (int)s->nepochs,
                     .step = s->step,
                     .train_loss = s->loss_n > 0 ? s->loss_sum / (double)s->loss_n : 0,
                     .train_top1 = train_top1(s),
                     .eval_loss = m->loss,
                     .top1 = m->top1,
                     .top5 = m->top5,
                     .lr = fv_schedule_lr(&s->schedule, s->step - 1),
                     .images_per_s = speed,
                     .seconds = fv_clock() - s->epoch_started };
    s->loss_sum = 0;
    s->loss_n = s->right = 0;
    return FV_OK;
}

/* About a hundred points of an epoch's curve. */
static fv_status record_step(fv_session *s, double loss, double lr, fv_err *err)
{
    if (s->step % (s->epoch_steps / 100 + 1) != 0) return FV_OK;
    const fv_scalar v[] = { { "Loss/step", loss }, { "Acc/train_so_far", train_top1(s) }, { "lr", lr } };
    return fv_events_add(&s->events, s->step, v, 3, false, &s->env, err);
}

static fv_status record_epoch(fv_session *s, const fv_epoch *e, fv_err *err)
{
    const fv_scalar v[] = { { "Loss/train", e->train_loss },     { "Loss/val", e->eval_loss },
                            { "Acc/train_top1", e->train_top1 }, { "Acc/val_top1", e->top1 },
                            { "Acc/val_top5", e->top5 },         { "images_per_s", e->images_per_s } };
    return fv_events_add(&s->events, e->step, v, 6, true, &s->env, err);
}

static fv_status close_epoch(fv_session *s, fv_err *err)
{
    fv_err why = { 0 };
    const double speed = epoch_speed(s);
    fv_metrics_free(&s->metrics);
    FV_TRY(judge(s, &s->metrics, err));
    FV_TRY(add_epoch(s, &s->metrics, speed, err));
    const fv_epoch *row = &s->epochs[s->nepochs - 1];
    FV_TRY(record_epoch(s, row, err));
    const fv_status saved = fv_session_results(s, row->top1 > s->best_top1, &why);
    FV_TRY(fv_session_saved(s, saved, &why, err));
    tell(s, (fv_train_event){ .kind = FV_TRAIN_EPOCH, .epoch = row->epoch, .images_per_s = speed, .row = row });
    return heed(s, err);
}

/* ---- steps ---- */

static fv_status count_bad(fv_session *s, const fv_batch *b, fv_err *err)
{
    for (int i = 0; i < b->nbad; i++) {
        const int64_t k = b->bad_samples[i];
        if (s->bad[k / 8] >> k % 8 & 1) continue;
        s->bad[k / 8] |= (uint8_t)(1u << k % 8);
        s->nbad++;
        fv_log(&s->env, FV_LOG_WARN, "skipped: %s", b->bad_reasons[i].msg);
        if ((double)s->nbad > s->o.max_bad * (double)s->train->count)
            return fv_fail(err, FV_FORMAT,
                           "%" PRId64 " of %" PRId64 " training pictures cannot be read (forgiven: %g %%): %s", s->nbad,
                           s->train->count, 100 * s->o.max_bad, b->bad_reasons[i].msg);
    }
    for (int i = 0; i < b->n; i++)
        if (b->labels[i] < 0 || b->labels[i] >= s->net->classes)
            return fv_fail(err, FV_FORMAT, "%s: label %d of %d classes",
                           s->train->source->file(s->train, b->samples[i]), b->labels[i], s->net->classes);
    return FV_OK;
}

/* The batch's soft targets where it is mixed, or NULL: its labels stand. */
static const float *mixed(fv_session *s, const fv_batch *b, int part)
{
    const fv_prep *p = &s->train_prep;
    const fv_mix_batch m = { .images = b->images,
                             .n = b->n,
                             .h = p->h,
                             .w = p->w,
                             .c = p->channels,
                             .classes = s->net->classes,
                             .labels = b->labels,
                             .targets = s->targets };
    if (!s->targets) return NULL;
    const int64_t epoch = s->step / s->epoch_steps, batch = s->step % s->epoch_steps * s->o.accum + part;
    return fv_mix_run(&s->mix, &m, (uint64_t)epoch, (uint64_t)batch) ? s->targets : NULL;
}

/* A mixed picture belongs to the class it has most of. */
static void count_right(fv_session *s, const fv_batch *b, const float *targets)
{
    const size_t classes = (size_t)s->net->classes;
    for (int i = 0; i < b->n; i++) {
        int label = b->labels[i];
        for (int k = 0; targets && k < s->net->classes; k++)
            if (targets[(size_t)i * classes + (size_t)k] > targets[(size_t)i * classes + (size_t)label]) label = k;
        s->right += fv_rank_of(s->logits + (size_t)i * classes, s->net->classes, label) == 0;
    }
}

/* A batch without pictures, or with one picture where a norm needs two, changes nothing but the position. */
static bool counts(const fv_session *s, const fv_batch *b)
{
    return b->n > 0 && !(b->n == 1 && s->single_pixel_norm);
}

/* Batch `part` of an update; `more` are to come. */
static fv_status one_batch(fv_session *s, const fv_batch *b, int part, bool more, double *loss, fv_err *err)
{
    if (b->fatal) return fv_fail(err, b->fatal->status, "%s", b->fatal->msg);
    FV_TRY(count_bad(s, b, err));
    const bool used = counts(s, b);
    if (!used && (more || !s->pending)) return FV_OK;
    s->pending = more;
    const float *targets = used ? mixed(s, b, part) : NULL;
    const fv_update u = { .n = used ? b->n : 0, /* 0: the update of what the batches before this one gathered */
                          .images = b->images,
                          .labels = targets ? NULL : b->labels,
                          .targets = targets,
                          .weights = used ? fv_session_weights_of(s, b, targets) : NULL,
                          .lr = fv_schedule_lr(&s->schedule, s->step),
                          .momentum = s->o.momentum,
                          .nesterov = s->o.nesterov,
                          .more = more,
                          .seed = s->o.seed,
                          .step = (uint64_t)(s->step * s->o.accum + part),
                          .t = s->step + 1,
                          .logits = s->logits };
    const double mean = fv_run_train(s->learn, &u);
    if (!isfinite(mean)) return fv_session_diverged(s, "the loss is not finite", err);
    s->loss_sum += mean * u.n;
    s->loss_n += u.n;
    s->epoch_images += u.n;
    if (!used) return FV_OK;
    count_right(s, b, targets);
    *loss = mean;
    return FV_OK;
}

/* An update: as many batches as it gathers, fewer at the end of an epoch. */
static fv_status one_step(fv_session *s, fv_err *err)
{
    const int64_t first = s->step % s->epoch_steps * s->o.accum, left = fv_loader_batches(s->train_loader) - first;
    const int parts = left < s->o.accum ? (int)left : s->o.accum;
    const double lr = fv_schedule_lr(&s->schedule, s->step);
    double loss = 0;
    s->pending = false;
    for (int part = 0; part < parts; part++) {
        fv_batch b;
        if (!fv_loader_next(s->train_loader, &b))
            return fv_fail(err, FV_BUG, "the epoch ends after batch %" PRId64, first + part);
        FV_TRY(one_batch(s, &b, part, part + 1 < parts, &loss, err));
    }
    s->step++;
    FV_TRY(record_step(s, loss, lr, err));
    tell(s, (fv_train_event){ .kind = FV_TRAIN_STEP,
                              .epoch = epoch_of(s, s->step - 1),
                              .loss = loss,
                              .top1 = train_top1(s),
                              .lr = lr,
                              .images_per_s = epoch_speed(s),
                              .eta_s = seconds_left(s) });
    return FV_OK;
}

/* At the end of an epoch the evaluation saves. */
static fv_status save_on_the_way(fv_session *s, int64_t end, fv_err *err)
{
    if (s->o.checkpoint_every == 0 || s->step % s->o.checkpoint_every != 0 || s->step == end) return FV_OK;
    fv_err why = { 0 };
    return fv_session_saved(s, fv_session_checkpoint(s, &why), &why, err);
}

/* From where the run stands to the end of the epoch or of the run. */
static fv_status train_epoch(fv_session *s, fv_err *err)
{
    const int64_t epoch = s->step / s->epoch_steps, whole = (epoch + 1) * s->epoch_steps;
    const int64_t end = whole < s->steps ? whole : s->steps;
    s->epoch_started = fv_clock();
    s->epoch_images = 0;
    FV_TRY(fv_session_enter_stage(s, fv_session_stage_of(&s->o, epoch), err));
    FV_TRY(fv_loader_start(s->train_loader, (uint64_t)epoch, s->step % s->epoch_steps * s->o.accum, err));
    while (s->step < end) {
        FV_TRY(one_step(s, err));
        FV_TRY(save_on_the_way(s, end, err));
        FV_TRY(heed(s, err));
    }
    return FV_OK;
}

/* Epochs since the best one: has the run's patience come to its end? */
static bool gives_up(const fv_session *s)
{
    size_t best = 0;
    for (size_t i = 1; i < s->nepochs; i++)
        if (s->epochs[i].top1 > s->epochs[best].top1) best = i;
    return s->o.patience > 0 && s->nepochs > best + (size_t)s->o.patience;
}

static bool finished(const fv_session *s)
{
    return s->nepochs == epochs_done(s) && (s->step == s->steps || (gives_up(s) && s->step % s->epoch_steps == 0));
}

static fv_status go(fv_session *s, fv_err *err)
{
    s->started = s->epoch_started = fv_clock();
    s->first_step = s->step;
    tell_begin(s);
    FV_TRY(heed(s, err));
    while (!finished(s)) {
        if (s->nepochs < epochs_done(s)) FV_TRY(close_epoch(s, err));
        else FV_TRY(train_epoch(s, err));
    }
    if (s->step < s->steps)
        fv_log(&s->env, FV_LOG_INFO, "no better top-1 in %d epochs: the run ends with epoch %zu", s->o.patience,
               s->nepochs);
    if (s->failed_saves > 0) return fv_fail(err, FV_IO, "the last save failed; '%s' is not complete", s->o.output);
    return FV_OK;
}

/* ---- the public call ---- */

static fv_status run(fv_session *s, fv_err *err)
{
    FV_TRY(fv_recipe_check(&s->o, err));
    FV_TRY(fv_session_folder(s, err));
    fv_session_sweep(s);
    FV_TRY(fv_session_open(s, err));
    FV_TRY(fv_session_resume(s, err));
    if (finished(s)) return FV_OK;
    FV_TRY(fv_session_write_args(s, err));
    fv_events_begin(&s->events, s->o.output, s->step, &s->env);
    return go(s, err);
}

fv_status fv_train(fv_train_result *r, const fv_train_opts *opts, fv_train_watch *watch, void *user, const fv_env *env,
                   fv_err *err)
{
    fv_session s = { .o = *opts, .watch = watch, .user = user, .best_top1 = -1 };
    if (env) s.env = *env;
    const fv_status st = run(&s, err);
    *r = (fv_train_result){ .epochs = s.epochs,
                            .nepochs = (int)s.nepochs,
                            .best_top1 = s.best_top1 > 0 ? s.best_top1 : 0,
                            .steps = s.step,
                            .bad = s.nbad,
                            .finished = st == FV_OK };
    s.epochs = NULL;
    fv_session_close(&s);
    return st;
}

void fv_train_result_free(fv_train_result *r)
{
    if (!r) return;
    fv_release(NULL, r->epochs);
    *r = (fv_train_result){ 0 };
}
