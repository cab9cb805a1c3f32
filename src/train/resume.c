/* resume.c -- taking a checkpoint up again. It is read and compared whole before anything of the run is touched.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "train/recipe.h"
#include "train/session.h"
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum { SPARE_BYTES = 64 << 20 }; /* for history, options and frame */

static bool is_text(fv_bytes b, const char *s)
{
    return b.len == strlen(s) && memcmp(b.p, s, b.len) == 0;
}

static fv_status compare(const fv_session *s, const fv_checkpoint *c, fv_err *err)
{
    const fv_net *net = s->net;
    fv_epoch e;
    if (!is_text(c->model, net->name))
        return fv_fail(err, FV_FORMAT, "a checkpoint of '%.*s', not of '%s'",
                       c->model.len < 100 ? (int)c->model.len : 100, (const char *)c->model.p, net->name);
    FV_TRY(fv_recipe_same(c->options, (fv_bytes){ s->identity.p, s->identity.len }, err));
    if (c->keys != s->keys || c->weights.len != net->graph->floats * sizeof(float) ||
        c->states.len != s->state_floats * sizeof(float))
        return fv_fail(err, FV_FORMAT, "its weights are not those of '%s'", net->name);
    if (c->bad.len != s->bad_bytes || c->step > s->steps || fv_checkpoint_epoch(c, s->o.epochs, &e))
        return fv_fail(err, FV_FORMAT, "step %" PRId64 " of another run of %" PRId64 " steps", c->step, s->steps);
    return FV_OK;
}

static fv_status take_history(fv_session *s, const fv_checkpoint *c, fv_err *err)
{
    s->nepochs = 0;
    for (fv_epoch e; fv_checkpoint_epoch(c, (int)s->nepochs, &e);) {
        FV_TRY(fv_grow(NULL, (void **)&s->epochs, &s->epoch_cap, s->nepochs + 1, sizeof *s->epochs, err));
        s->epochs[s->nepochs++] = e;
    }
    return FV_OK;
}

static void take(fv_session *s, const fv_checkpoint *c)
{
    memcpy(s->net->weights, c->weights.p, c->weights.len);
    s->net->batches_tracked = c->batches_tracked;
    memcpy(s->states, c->states.p, c->states.len);
    fv_session_move_states(s, false);
    memcpy(s->bad, c->bad.p, c->bad.len);
    s->nbad = 0;
    for (int64_t i = 0; i < s->train->count; i++) s->nbad += s->bad[i / 8] >> i % 8 & 1;
    s->step = s->saved = c->step;
    s->loss_n = c->loss_n;
    s->right = c->right;
    s->loss_sum = c->loss_sum;
    s->best_top1 = c->best_top1;
}

static fv_status read_one(fv_session *s, const char *path, fv_err *err)
{
    const size_t most = (s->net->graph->floats + s->state_floats) * sizeof(float) + s->bad_bytes + SPARE_BYTES;
    fv_bytes file;
    fv_checkpoint c;
    FV_TRY(fv_file_read(&file, path, most, s->env.heap, err));
    fv_status st = fv_checkpoint_parse(&c, file, err);
    if (st == FV_OK) st = compare(s, &c, err);
    if (st == FV_OK) st = take_history(s, &c, err);
    if (st == FV_OK) take(s, &c);
    fv_release(s->env.heap, (void *)file.p);
    if (st != FV_OK) return fv_context(err, st, "%s", path);
    fv_log(&s->env, FV_LOG_INFO, "continuing at step %" PRId64 " of %" PRId64 " from %s", s->step, s->steps, path);
    return FV_OK;
}

/* A file that is no good gives way to the one before it; other options or no memory do not. */
static bool damaged(fv_status st)
{
    return st == FV_FORMAT || st == FV_UNSUP || st == FV_NOINPUT || st == FV_IO;
}

/* Where there are checkpoints and none will do, starting anew would throw them away: that is for the user to say. */
static fv_status newest(fv_session *s, fv_err *err)
{
    char path[PATH_MAX];
    fv_err first = { 0 };
    int refused = 0;
    for (int64_t below = INT64_MAX;; refused++) {
        const int64_t step = fv_checkpoint_newest(s->o.output, below);
        if (step < 0 || !fv_checkpoint_path(path, sizeof path, s->o.output, step)) break;
        fv_err why = { 0 };
        const fv_status st = read_one(s, path, &why);
        if (st == FV_OK) return FV_OK;
        if (!damaged(st)) return fv_fail(err, st, "%s", why.msg);
        fv_log(&s->env, FV_LOG_WARN, "%s; trying the one before it", why.msg);
        if (refused == 0) first = why;
        below = step;
    }
    if (refused > 0)
        return fv_fail(err, first.status, "%s; no checkpoint can be gone on with, and not resuming would replace them",
                       first.msg);
    fv_log(&s->env, FV_LOG_INFO, "%s: no checkpoint to continue from, starting anew", s->o.output);
    return FV_OK;
}

fv_status fv_session_resume(fv_session *s, fv_err *err)
{
    if (!s->o.resume) {
        if (fv_checkpoint_newest(s->o.output, INT64_MAX) >= 0)
            fv_log(&s->env, FV_LOG_WARN,
                   "%s: holds checkpoints of an earlier run; starting anew, they go with the first save", s->o.output);
        return FV_OK;
    }
    return strcmp(s->o.resume, "auto") == 0 ? newest(s, err) : read_one(s, s->o.resume, err);
}
