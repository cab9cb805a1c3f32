/* saving.c -- everything a run leaves in its folder. Each file is replaced in one step, so a crash or a full disk
 * leaves the old one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "eval/report.h"
#include "train/recipe.h"
#include "train/session.h"
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE = 3 }; /* failed saves in a row that end a run */

static fv_status file_in(char path[PATH_MAX], const fv_session *s, const char *name, fv_err *err)
{
    const int n = snprintf(path, PATH_MAX, "%s/%s", s->o.output, name);
    return n > 0 && n < PATH_MAX ? FV_OK : fv_fail(err, FV_CREATE, "%s: the name is too long", s->o.output);
}

/* mkdir -p. */
static int make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        const int failed = mkdir(path, 0777) != 0 && errno != EEXIST;
        *slash = '/';
        if (failed) return -1;
    }
    return mkdir(path, 0777) != 0 && errno != EEXIST ? -1 : 0;
}

fv_status fv_session_folder(const fv_session *s, fv_err *err)
{
    char path[PATH_MAX];
    struct stat st;
    FV_TRY(file_in(path, s, "", err));
    if (make_folders(path) != 0 || stat(path, &st) != 0)
        return fv_fail(err, FV_CREATE, "%s: %s", s->o.output, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return fv_fail(err, FV_CREATE, "%s: is not a folder", s->o.output);
    if (access(path, W_OK | X_OK) != 0) return fv_fail(err, FV_CREATE, "%s: %s", s->o.output, strerror(errno));
    return FV_OK;
}

static fv_status write_text(const fv_session *s, const char *name, fv_writer *w, fv_err *err)
{
    char path[PATH_MAX];
    fv_status st = file_in(path, s, name, err);
    if (st == FV_OK && w->failed) st = fv_fail(err, FV_NOMEM, "no memory for %s", path);
    if (st == FV_OK) st = fv_file_write(path, &(fv_span){ w->p, w->len }, 1, err);
    fv_writer_free(w);
    return st;
}

fv_status fv_session_write_args(const fv_session *s, fv_err *err)
{
    fv_writer w = { .heap = s->env.heap };
    fv_recipe_args(&w, &s->o);
    return write_text(s, "args.json", &w, err);
}

static fv_status write_history(const fv_session *s, fv_err *err)
{
    fv_writer w = { .heap = s->env.heap };
    fv_write_printf(&w, "epoch,step,seconds,train_loss,train_top1,eval_loss,top1,top5,lr,images_per_s\n");
    for (size_t i = 0; i < s->nepochs; i++) {
        const fv_epoch *e = &s->epochs[i];
        fv_write_printf(&w, "%d,%" PRId64 ",%.2f,%.6f,%.4f,%.6f,%.4f,%.4f,%.8g,%.1f\n", e->epoch, e->step, e->seconds,
                        e->train_loss, e->train_top1, e->eval_loss, e->top1, e->top5, e->lr, e->images_per_s);
    }
    return write_text(s, "results.csv", &w, err);
}

/* ---- checkpoint ---- */

fv_status fv_session_diverged(const fv_session *s, const char *what, fv_err *err)
{
    char path[PATH_MAX];
    /* One that a run was resumed from may lie elsewhere, and is named by the user. */
    if (s->saved < 0 || !fv_checkpoint_path(path, sizeof path, s->o.output, s->saved) || access(path, F_OK) != 0)
        return fv_fail(err, FV_DIVERGED, "step %" PRId64 ": %s; the run has written no checkpoint before", s->step,
                       what);
    return fv_fail(err, FV_DIVERGED, "step %" PRId64 ": %s; the last finite checkpoint is %s", s->step, what, path);
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return false;
    return true;
}

void fv_session_move_states(fv_session *s, bool out)
{
    const fv_graph *g = s->net->graph;
    float *at = s->states;
    for (size_t i = 0; i < FV_STATES * g->nparam; i++) {
        float *v = fv_plan_state_of(s->learn, (int)(i / g->nparam), (int)(i % g->nparam));
        const size_t n = g->param[i % g->nparam].floats;
        if (!v) continue;
        if (out) memcpy(at, v, n * sizeof *v);
        else memcpy(v, at, n * sizeof *v);
        at += n;
    }
}

static fv_bytes bytes_of(const void *p, size_t len)
{
    return (fv_bytes){ p, len };
}

static fv_status write_checkpoint(fv_session *s, const char *path, fv_err *err)
{
    const fv_net *net = s->net;
    fv_writer history = { .heap = s->env.heap };
    for (size_t i = 0; i < s->nepochs; i++) fv_checkpoint_put_epoch(&history, &s->epochs[i]);
    fv_session_move_states(s, true);
    const fv_checkpoint c = { .model = bytes_of(net->name, strlen(net->name)),
                              .keys = s->keys,
                              .options = bytes_of(s->identity.p, s->identity.len),
                              .step = s->step,
                              .batches_tracked = net->batches_tracked,
                              .loss_n = s->loss_n,
                              .right = s->right,
                              .loss_sum = s->loss_sum,
                              .best_top1 = s->best_top1,
                              .history = bytes_of(history.p, history.len),
                              .bad = bytes_of(s->bad, s->bad_bytes),
                              .weights = bytes_of(net->weights, net->graph->floats * sizeof(float)),
                              .states = bytes_of(s->states, s->state_floats * sizeof(float)) };
    fv_status st = history.failed ? fv_fail(err, FV_NOMEM, "no memory for the history") : FV_OK;
    if (st == FV_OK) st = fv_checkpoint_write(path, &c, s->env.heap, err);
    fv_writer_free(&history);
    return st;
}

fv_status fv_session_checkpoint(fv_session *s, fv_err *err)
{
    char path[PATH_MAX];
    if (!all_finite(s->net->weights, s->net->graph->floats))
        return fv_session_diverged(s, "a weight is not finite", err);
    if (!fv_checkpoint_path(path, sizeof path, s->o.output, s->step))
        return fv_fail(err, FV_CREATE, "%s: the name is too long", s->o.output);
    FV_TRY(write_checkpoint(s, path, err));
    if (s->step != s->saved) s->saved_before = s->saved;
    s->saved = s->step;
    fv_checkpoint_keep(s->o.output, s->saved, s->saved_before);
    if (s->watch) {
        const fv_train_event e = {
            .kind = FV_TRAIN_SAVED, .epochs = s->o.epochs, .step = s->step, .steps = s->steps, .text = path
        };
        const fv_train_wish wish = s->watch(s->user, &e);
        if (wish > s->wish) s->wish = wish;
    }
    return FV_OK;
}

static fv_status write_page(const fv_session *s, fv_err *err)
{
    char path[PATH_MAX], title[300];
    fv_net_info info;
    fv_plan_info plan;
    fv_writer settings = { .heap = s->env.heap };
    FV_TRY(file_in(path, s, "report.html", err));
    fv_net_describe(s->net, &info);
    fv_plan_describe(s->learn, &plan);
    fv_recipe_args(&settings, &s->o);
    snprintf(title, sizeof title, "%s on %s", info.name, s->o.data);
    const fv_report r = { .title = title,
                          .net = &info,
                          .data = s->val,
                          .epoch = s->epochs,
                          .nepochs = (int)s->nepochs,
                          .epochs = s->o.epochs,
                          .metrics = &s->metrics,
                          .gallery = s->gallery,
                          .settings = { settings.p, settings.len },
                          .cpu = s->env.cpu,
                          .threads = s->o.threads,
                          .plan_bytes = plan.total_bytes };
    fv_status st = settings.failed ? fv_fail(err, FV_NOMEM, "no memory for the settings' text") : FV_OK;
    if (st == FV_OK) st = fv_report_write(&r, path, s->env.heap, err);
    fv_writer_free(&settings);
    return st;
}

/* A model file holds the weights that were evaluated: their averages, where there are some. */
static fv_status write_model(fv_session *s, const char *name, fv_err *err)
{
    char path[PATH_MAX];
    FV_TRY(file_in(path, s, name, err));
    if (s->o.model_ema) fv_plan_swap_ema(s->learn);
    const fv_status st = fv_net_save(s->net, path, err);
    if (s->o.model_ema) fv_plan_swap_ema(s->learn);
    return st;
}

fv_status fv_session_results(fv_session *s, bool best, fv_err *err)
{
    if (best) {
        FV_TRY(write_model(s, "model_best.safetensors", err));
        s->best_top1 = s->epochs[s->nepochs - 1].top1;
    }
    FV_TRY(write_model(s, "last.safetensors", err));
    FV_TRY(write_history(s, err));
    fv_err why = { 0 };
    const fv_status reported = write_page(s, &why); /* the checkpoint matters more */
    FV_TRY(fv_session_checkpoint(s, err));
    return reported == FV_OK ? FV_OK : fv_fail(err, reported, "%s", why.msg);
}

fv_status fv_session_saved(fv_session *s, fv_status saved, fv_err *why, fv_err *err)
{
    if (saved == FV_OK) {
        s->failed_saves = 0;
        return FV_OK;
    }
    if (saved == FV_DIVERGED || saved == FV_NOMEM) return fv_fail(err, saved, "%s", why->msg);
    s->failed_saves++;
    fv_log(&s->env, FV_LOG_WARN, "cannot save: %s; older files are kept, the next save tries again", why->msg);
    if (s->failed_saves < PATIENCE) return FV_OK;
    return fv_fail(err, FV_IO, "%d saves in a row failed, the last: %s", s->failed_saves, why->msg);
}
