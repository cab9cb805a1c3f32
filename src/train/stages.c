/* stages.c -- the learning plan and its pictures; in progressive learning anew for each stage: larger pictures and
 * stronger regularisation. Tan, Le 2021, "EfficientNetV2", algorithm 1. Plans share the net's weights; the optimiser's
 * states go from one to the next.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "train/recipe.h"
#include "train/session.h"
#include <math.h>

int fv_session_stages(const fv_train_opts *o)
{
    return o->stages > 1 ? o->stages : 1;
}

int fv_session_stage_of(const fv_train_opts *o, int64_t epoch)
{
    const int stages = fv_session_stages(o), at = (int)(epoch * stages / o->epochs);
    return at < stages ? at : stages - 1;
}

static double between(const fv_train_opts *o, const double v[2], int stage)
{
    const int last = fv_session_stages(o) - 1;
    return last > 0 ? v[0] + (v[1] - v[0]) * stage / last : v[1];
}

fv_stage fv_session_stage_at(const fv_train_opts *o, int size, int stage)
{
    fv_stage g = { .size = size, .drop = o->drop, .mixup = o->mixup, .cutmix = o->cutmix, .magnitude = -1 };
    if (o->progressive[1] > 0) g.size = (int)lround(between(o, o->progressive, stage));
    if (o->progressive_drop[1] > 0) g.drop = between(o, o->progressive_drop, stage);
    if (o->progressive_aa[1] > 0) g.magnitude = between(o, o->progressive_aa, stage);
    if (o->progressive_mix[1] > 0 && g.mixup > 0) g.mixup = between(o, o->progressive_mix, stage);
    if (o->progressive_mix[1] > 0 && g.cutmix > 0) g.cutmix = between(o, o->progressive_mix, stage);
    return g;
}

/* Pictures of the stage's size. */
static fv_status set_pictures(fv_session *s, const fv_stage *g, fv_err *err)
{
    const fv_prep *whole = &s->net->prep;
    s->train_prep = *whole;
    s->train_prep.h = s->train_prep.w = g->size;
    if (s->small) s->train_prep.resize = s->train->h == g->size && s->train->w == g->size ? 0 : g->size;
    else if (g->size != whole->h) s->train_prep.resize = (int)lround((double)whole->resize * g->size / whole->h);
    FV_TRY(fv_recipe_augment(&s->augment, &s->o, err));
    if (s->augment.pad_crop > 0 && g->size != whole->h) {
        s->augment.pad_crop = (int)lround((double)s->augment.pad_crop * g->size / whole->h);
        if (s->augment.pad_crop < 1) s->augment.pad_crop = 1;
    }
    if (g->magnitude >= 0) s->augment.policy.magnitude = g->magnitude;
    if (s->augment.policy.most < s->augment.policy.magnitude) s->augment.policy.most = s->augment.policy.magnitude;
    s->mix = fv_recipe_mix(&s->o);
    s->mix.mixup = g->mixup;
    s->mix.cutmix = g->cutmix;
    return FV_OK;
}

static fv_status open_plan(fv_session *s, const fv_stage *g, fv_err *err)
{
    const fv_train_opts *o = &s->o;
    fv_plan_request rq = { .batch = o->batch, .h = g->size, .w = g->size, .pool = s->pool };
    rq.cpu = fv_env_features(&s->env);
    rq.train = rq.backward = rq.update = rq.loss = true;
    rq.loss_kind = o->loss, rq.smoothing = (float)o->smoothing, rq.bce_target_thresh = (float)o->bce_target_thresh;
    rq.opt = o->opt, rq.opt_eps = o->opt_eps, rq.alpha = o->alpha;
    rq.betas[0] = o->betas[0], rq.betas[1] = o->betas[1];
    rq.wd = o->wd, rq.clip = o->clip, rq.rule = s->rule, rq.gather = o->accum > 1;
    rq.ema = o->model_ema ? o->model_ema_decay : 0;
    rq.set_drop = g->drop >= 0, rq.drop = g->drop;
    rq.grad_checkpointing = o->grad_checkpointing;
    return fv_plan_make(&s->learn, s->net, &rq, err);
}

static fv_status open_loader(fv_session *s, fv_err *err)
{
    const fv_loader_opts o = { .prep = s->train_prep,
                               .batch = s->o.batch,
                               .workers = s->o.workers,
                               .seed = s->o.seed,
                               .augment = &s->augment,
                               .shuffle = true };
    return fv_loader_new(&s->train_loader, s->train, &o, err);
}

fv_status fv_session_open_stages(fv_session *s, fv_err *err)
{
    for (int i = fv_session_stages(&s->o) - 1; i >= 0; i--) {
        const fv_stage g = fv_session_stage_at(&s->o, s->net->prep.h, i);
        fv_plan_free(s->learn);
        FV_TRY(open_plan(s, &g, err));
        if (i > 0) continue;
        FV_TRY(set_pictures(s, &g, err));
    }
    return open_loader(s, err);
}

fv_status fv_session_enter_stage(fv_session *s, int stage, fv_err *err)
{
    const fv_stage g = fv_session_stage_at(&s->o, s->net->prep.h, stage);
    if (stage == s->stage) return FV_OK;
    fv_session_move_states(s, true);
    fv_loader_free(s->train_loader);
    fv_plan_free(s->learn);
    s->train_loader = NULL;
    s->learn = NULL;
    FV_TRY(open_plan(s, &g, err));
    fv_session_move_states(s, false);
    FV_TRY(set_pictures(s, &g, err));
    FV_TRY(open_loader(s, err));
    s->stage = stage;
    return FV_OK;
}
