/* recipe.c -- options of a training run: defaults and limits.
 * Defaults: SGD with Nesterov momentum, one cosine after a warm-up of an epoch, weight decay 5e-4; the recipe by which
 * small residual networks learn CIFAR-10 in few epochs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/recipe.h"
#include "plan/plan.h"
#include "train/schedule.h"
#include <math.h>
#include <string.h>

void fv_train_defaults(fv_train_opts *o)
{
    *o = (fv_train_opts){ .epochs = 10,
                          .batch = 128,
                          .lr = 0.1,
                          .accum = 1,
                          .momentum = 0.9,
                          .nesterov = true,
                          .bias_lr = 1,
                          .layer_decay = 1,
                          .drop = -1,
                          .drop_path = -1,
                          .warmup_lr = -1,
                          .decay_power = 1,
                          .model_ema_decay = 0.9998,
                          .wd = 5e-4,
                          .sched = FV_SCHED_COSINE,
                          .warmup_epochs = 1,
                          .decay_epochs = 30,
                          .decay_rate = 0.1,
                          .pad_crop = -1,
                          .flip = -1,
                          .recount = 1,
                          .mixup_prob = 1,
                          .mixup_switch_prob = 0.5,
                          .max_bad = -1,
                          .val_share = 0.2 };
}

/* The line that starts at *at, which moves past it. */
static fv_bytes next_line(fv_bytes text, size_t *at)
{
    const uint8_t *start = text.p + *at, *stop = *at < text.len ? memchr(start, '\n', text.len - *at) : NULL;
    const size_t len = stop ? (size_t)(stop - start) : text.len - *at;
    *at += len + (stop != NULL);
    return (fv_bytes){ start, len };
}

fv_status fv_recipe_same(fv_bytes then, fv_bytes now, fv_err *err)
{
    for (size_t i = 0, k = 0; i < then.len || k < now.len;) {
        const fv_bytes a = next_line(then, &i), b = next_line(now, &k);
        if (a.len != b.len || memcmp(a.p, b.p, a.len) != 0)
            return fv_fail(err, FV_ARG, "it was made with '%.*s', this run has '%.*s'", (int)a.len, (const char *)a.p,
                           (int)b.len, (const char *)b.p);
    }
    return FV_OK;
}

/* ---- limits ---- */

static fv_status in_range(const char *name, double v, double low, double high, fv_err *err)
{
    if (v >= low && v <= high) return FV_OK; /* a NaN is not */
    return fv_fail(err, FV_ARG, "%s is %g; it must lie between %g and %g", name, v, low, high);
}

static fv_status check_augment(const fv_train_opts *o, fv_err *err)
{
    fv_policy policy;
    const double *const bounds[2] = { o->scale, o->ratio };
    for (int i = 0; i < 2; i++) {
        const double low = bounds[i][0], high = bounds[i][1], most = i == 0 ? 1 : 100;
        if (low == 0 && high == 0) continue;
        if (!(low > 0 && low <= high && high <= most))
            return fv_fail(err, FV_ARG, "%s is %g to %g; it must rise, from above 0 to at most %g",
                           i == 0 ? "scale" : "ratio", low, high, most);
    }
    if (o->scale[1] > 0 && o->pad_crop > 0) return fv_fail(err, FV_ARG, "scale and pad_crop are two ways to crop");
    FV_TRY(in_range("vflip", o->vflip, 0, 1, err));
    FV_TRY(fv_policy_parse(&policy, o->aa, err));
    FV_TRY(in_range("color_jitter", o->color_jitter, 0, 10, err));
    FV_TRY(in_range("hue_jitter", o->hue_jitter, 0, 0.5, err));
    FV_TRY(in_range("pca", o->pca, 0, 10, err));
    FV_TRY(in_range("reprob", o->reprob, 0, 1, err));
    FV_TRY(in_range("recount", o->recount, 0, 100, err));
    if ((unsigned)o->remode > FV_ERASE_COLOUR) return fv_fail(err, FV_ARG, "no erasing has number %d", (int)o->remode);
    FV_TRY(in_range("mixup", o->mixup, 0, 100, err));
    FV_TRY(in_range("cutmix", o->cutmix, 0, 100, err));
    FV_TRY(in_range("mixup_prob", o->mixup_prob, 0, 1, err));
    return in_range("mixup_switch_prob", o->mixup_switch_prob, 0, 1, err);
}

static fv_status check_optimiser(const fv_train_opts *o, fv_err *err)
{
    const double almost_1 = nextafter(1, 0), most = 1e9;
    if (!fv_optimiser_name(o->opt)) return fv_fail(err, FV_ARG, "no optimiser has number %d", (int)o->opt);
    if ((unsigned)o->wd_exempt > FV_WD_NONE) return fv_fail(err, FV_ARG, "wd_exempt is %d", (int)o->wd_exempt);
    FV_TRY(in_range("accum", o->accum, 1, 1 << 16, err));
    FV_TRY(in_range("opt_eps", o->opt_eps, 0, 1, err));
    FV_TRY(in_range("alpha", o->alpha, 0, almost_1, err));
    FV_TRY(in_range("betas", o->betas[0], 0, almost_1, err));
    FV_TRY(in_range("betas", o->betas[1], 0, almost_1, err));
    FV_TRY(in_range("lr", o->lr, 0, most, err));
    FV_TRY(in_range("lr_base", o->lr_base, 0, most, err));
    FV_TRY(in_range("lr_base_size", o->lr_base_size, o->lr_base > 0, 1e9, err));
    FV_TRY(in_range("momentum", o->momentum, 0, almost_1, err));
    FV_TRY(in_range("wd", o->wd, 0, most, err));
    FV_TRY(in_range("bias_lr", o->bias_lr, 0, most, err));
    FV_TRY(in_range("layer_decay", o->layer_decay, 1e-3, 1, err));
    FV_TRY(in_range("clip", o->clip, 0, most, err));
    return in_range("model_ema_decay", o->model_ema_decay, 0, almost_1, err);
}

static fv_status check_schedule(const fv_train_opts *o, fv_err *err)
{
    const double most = 1e9;
    fv_schedule s;
    if (!fv_schedule_name((int)o->sched)) return fv_fail(err, FV_ARG, "no schedule has number %d", (int)o->sched);
    FV_TRY(in_range("warmup_epochs", o->warmup_epochs, 0, most, err));
    if (o->warmup_lr != -1) FV_TRY(in_range("warmup_lr", o->warmup_lr, 0, most, err));
    FV_TRY(in_range("decay_epochs", o->decay_epochs, 0, most, err));
    FV_TRY(in_range("decay_rate", o->decay_rate, 0, 1, err));
    FV_TRY(in_range("decay_power", o->decay_power, 0.01, 100, err));
    FV_TRY(in_range("min_lr", o->min_lr, 0, most, err));
    if (o->sched == FV_SCHED_MULTISTEP && !o->milestones) return fv_fail(err, FV_ARG, "multistep without milestones");
    return fv_schedule_milestones(&s, o->milestones, err);
}

/* Two values that a run goes between; both 0: it does not. */
static fv_status check_pair(const char *name, const double v[2], double low, double high, fv_err *err)
{
    if (v[0] == 0 && v[1] == 0) return FV_OK;
    FV_TRY(in_range(name, v[0], low, high, err));
    return in_range(name, v[1], low, high, err);
}

/* Two that are alike need no stages: pictures of one size in training and of another in evaluation, say. */
static bool changes(const double v[2])
{
    return v[1] > 0 && v[0] != v[1];
}

static fv_status check_stages(const fv_train_opts *o, fv_err *err)
{
    const bool any = changes(o->progressive) || changes(o->progressive_drop) || changes(o->progressive_mix) ||
                     changes(o->progressive_aa);
    FV_TRY(in_range("stages", o->stages, 0, 1000, err));
    if (o->stages > o->epochs) return fv_fail(err, FV_ARG, "%d stages of %d epochs", o->stages, o->epochs);
    if (o->stages > 1 && !any) return fv_fail(err, FV_ARG, "%d stages in which nothing changes", o->stages);
    if (o->stages < 2 && any) return fv_fail(err, FV_ARG, "progressive learning wants two stages or more");
    FV_TRY(check_pair("progressive", o->progressive, 1, 1 << 14, err));
    FV_TRY(check_pair("progressive_drop", o->progressive_drop, 0, nextafter(1, 0), err));
    FV_TRY(check_pair("progressive_mix", o->progressive_mix, 0, 100, err));
    return check_pair("progressive_aa", o->progressive_aa, 0, 100, err);
}

static fv_status check_loss(const fv_train_opts *o, fv_err *err)
{
    const double almost_1 = nextafter(1, 0);
    if ((unsigned)o->loss > FV_LOSS_BCE) return fv_fail(err, FV_ARG, "no loss has number %d", (int)o->loss);
    FV_TRY(in_range("bce_target_thresh", o->bce_target_thresh, 0, almost_1, err));
    if (o->bce_target_thresh > 0 && o->loss != FV_LOSS_BCE)
        return fv_fail(err, FV_ARG, "bce_target_thresh is %g; it is for the loss bce", o->bce_target_thresh);
    return in_range("smoothing", o->smoothing, 0, almost_1, err);
}

fv_status fv_recipe_check(const fv_train_opts *o, fv_err *err)
{
    if (!o->data || !o->model || !o->output) return fv_fail(err, FV_ARG, "data, model and output must be named");
    if ((unsigned)o->stem > FV_STEM_CIFAR || (unsigned)o->exif > FV_EXIF_IGNORE)
        return fv_fail(err, FV_ARG, "stem %d, exif %d", (int)o->stem, (int)o->exif);
    const double almost_1 = nextafter(1, 0);
    FV_TRY(in_range("epochs", o->epochs, 1, 1e6, err));
    FV_TRY(in_range("max_steps", (double)o->max_steps, 0, 1e15, err));
    FV_TRY(in_range("batch", o->batch, 1, 1 << 16, err));
    FV_TRY(check_optimiser(o, err));
    FV_TRY(check_schedule(o, err));
    FV_TRY(check_stages(o, err));
    FV_TRY(check_loss(o, err));
    if (o->drop != -1) FV_TRY(in_range("drop", o->drop, 0, almost_1, err));
    if (o->drop_path != -1) FV_TRY(in_range("drop_path", o->drop_path, 0, almost_1, err));
    if (o->new_head && !o->weights) return fv_fail(err, FV_ARG, "a new head, but no weights to put it on");
    FV_TRY(in_range("patience", o->patience, 0, 1e9, err));
    FV_TRY(in_range("checkpoint_every", (double)o->checkpoint_every, 0, 1e15, err));
    FV_TRY(in_range("size", o->size, 0, 1 << 14, err));
    if (o->channels != 0 && o->channels != 1 && o->channels != 3)
        return fv_fail(err, FV_ARG, "channels is %d; pictures have 1 or 3", o->channels);
    if (o->pad_crop != -1) FV_TRY(in_range("pad_crop", o->pad_crop, 0, 1 << 14, err));
    if (o->flip != -1) FV_TRY(in_range("flip", o->flip, 0, 1, err));
    if (o->max_bad != -1) FV_TRY(in_range("max_bad", o->max_bad, 0, 1, err));
    FV_TRY(check_augment(o, err));
    return in_range("workers", o->workers, 0, 1024, err);
}

/* ---- augmentation ---- */

bool fv_recipe_settle_crop(fv_train_opts *o, bool small)
{
    const bool resized = o->pad_crop == -1 && (!small || o->scale[1] > 0);
    if (o->pad_crop == -1 && !resized) o->pad_crop = o->size / 8;
    if (resized && o->scale[1] == 0) o->scale[0] = 0.08, o->scale[1] = 1;
    if (resized && o->ratio[1] == 0) o->ratio[0] = 3.0 / 4, o->ratio[1] = 4.0 / 3;
    return resized;
}

fv_status fv_recipe_augment(fv_augment *a, const fv_train_opts *o, fv_err *err)
{
    *a = (fv_augment){ .pad_crop = o->pad_crop > 0 ? o->pad_crop : 0,
                       .random_resized_crop = o->pad_crop == -1,
                       .flip = o->flip,
                       .vflip = o->vflip,
                       .jitter = { o->color_jitter, o->color_jitter, o->color_jitter, o->hue_jitter },
                       .pca = o->pca,
                       .erase = o->reprob,
                       .erase_count = o->recount,
                       .erase_with = o->remode,
                       .seed = o->seed };
    for (int i = 0; i < 2; i++) {
        a->scale[i] = (float)o->scale[i];
        a->ratio[i] = (float)o->ratio[i];
    }
    if (o->channels == 1 && (o->pca > 0 || o->hue_jitter > 0))
        return fv_fail(err, FV_ARG, "%s is for pictures of three channels; these have one",
                       o->pca > 0 ? "pca" : "hue_jitter");
    return fv_policy_parse(&a->policy, o->aa, err);
}

fv_mix fv_recipe_mix(const fv_train_opts *o)
{
    return (fv_mix){
        .mixup = o->mixup, .cutmix = o->cutmix, .chance = o->mixup_prob, .cut = o->mixup_switch_prob, .seed = o->seed
    };
}
