/* recipe.c -- options of a training run as rows.
 * Defaults: SGD with Nesterov momentum, one cosine after a warm-up of an epoch, weight decay 5e-4; the recipe by which
 * small residual networks learn CIFAR-10 in few epochs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/recipe.h"
#include "base/json.h"
#include "train/schedule.h"
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

void fv_train_defaults(fv_train_opts *o)
{
    *o = (fv_train_opts){ .epochs = 10,
                          .batch = 128,
                          .lr = 0.1,
                          .momentum = 0.9,
                          .nesterov = true,
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

typedef enum kind { TEXT, INT, INT64, UINT64, REAL, REAL2, BOOL, SCHED, STEM, EXIF, ERASE } kind;

// clang-format off
static const struct option {
    const char *name;
    kind        kind;
    size_t      at;
    bool        identity; /* decides the weights at the end */
} options[] = {
#define ROW(field, kind, identity) { #field, kind, offsetof(fv_train_opts, field), identity }
    ROW(data,             TEXT,   false), ROW(model,         TEXT,   true),  ROW(weights,      TEXT, false),
    ROW(output,           TEXT,   false), ROW(resume,        TEXT,   false), ROW(epochs,       INT,  true),
    ROW(max_steps,        INT64,  true),  ROW(batch,         INT,    true),  ROW(lr,           REAL, true),
    ROW(momentum,         REAL,   true),  ROW(nesterov,      BOOL,   true),  ROW(wd,           REAL, true),
    ROW(smoothing,        REAL,   true),  ROW(clip,          REAL,   true),  ROW(sched,        SCHED, true),
    ROW(warmup_epochs,    REAL,   true),  ROW(decay_epochs,  REAL,   true),  ROW(decay_rate,   REAL, true),
    ROW(seed,             UINT64, true),  ROW(threads,       INT,    false), ROW(workers,      INT,  false),
    ROW(checkpoint_every, INT64,  false), ROW(stem,          STEM,   true),  ROW(size,         INT,  true),
    ROW(channels,         INT,    true),  ROW(pad_crop,      INT,    true),  ROW(flip,         REAL, true),
    ROW(max_bad,          REAL,   false), ROW(val_share,     REAL,   true),  ROW(val_split,    TEXT, true),
    ROW(exif,             EXIF,   true),  ROW(names_file,    TEXT,   false), ROW(scale,        REAL2, true),
    ROW(ratio,            REAL2,  true),  ROW(vflip,         REAL,   true),  ROW(aa,           TEXT, true),
    ROW(color_jitter,     REAL,   true),  ROW(hue_jitter,    REAL,   true),  ROW(pca,          REAL, true),
    ROW(reprob,           REAL,   true),  ROW(remode,        ERASE,  true),  ROW(recount,      INT,  true),
    ROW(mixup,            REAL,   true),  ROW(cutmix,        REAL,   true),  ROW(mixup_prob,   REAL, true),
    ROW(mixup_switch_prob, REAL,  true),
#undef ROW
};
// clang-format on
enum { OPTIONS = sizeof options / sizeof *options };

static const char *const stems[] = { "default", "imagenet", "cifar" };
static const char *const erasures[] = { "pixel", "const", "rand" };
static const char *const exifs[] = { "default", "apply", "ignore" };

static const void *field(const fv_train_opts *o, const struct option *row)
{
    return (const char *)o + row->at;
}

/* The value as text in quotes, a number or a word of JSON. */
static void put_value(fv_writer *w, const fv_train_opts *o, const struct option *row)
{
    const void *p = field(o, row);
    switch (row->kind) {
    case TEXT:
        if (*(const char *const *)p) fv_json_put_string(w, *(const char *const *)p);
        else fv_write_printf(w, "null");
        break;
    case INT:
        fv_write_printf(w, "%d", *(const int *)p);
        break;
    case INT64:
        fv_write_printf(w, "%" PRId64, *(const int64_t *)p);
        break;
    case UINT64:
        fv_write_printf(w, "%" PRIu64, *(const uint64_t *)p);
        break;
    case REAL:
        fv_json_put_double(w, *(const double *)p);
        break;
    case REAL2:
        fv_write_printf(w, "[");
        fv_json_put_double(w, ((const double *)p)[0]);
        fv_write_printf(w, ", ");
        fv_json_put_double(w, ((const double *)p)[1]);
        fv_write_printf(w, "]");
        break;
    case ERASE:
        fv_json_put_string(w, erasures[*(const fv_erase *)p]);
        break;
    case BOOL:
        fv_write_printf(w, *(const bool *)p ? "true" : "false");
        break;
    case SCHED:
        fv_json_put_string(w, fv_schedule_name(*(const fv_sched *)p));
        break;
    case STEM:
        fv_json_put_string(w, stems[*(const fv_stem *)p]);
        break;
    case EXIF:
        fv_json_put_string(w, exifs[*(const fv_exif *)p]);
        break;
    }
}

void fv_recipe_args(fv_writer *w, const fv_train_opts *o)
{
    fv_write_printf(w, "{\n  \"version\": \"%s\"", FV_VERSION);
    for (int i = 0; i < OPTIONS; i++) {
        fv_write_printf(w, ",\n  \"%s\": ", options[i].name);
        put_value(w, o, &options[i]);
    }
    fv_write_printf(w, "\n}\n");
}

void fv_recipe_identity(fv_writer *w, const fv_train_opts *o, const fv_data_info *data)
{
    fv_write_printf(w, "data %s, %" PRId64 " pictures, %d classes\n", data->source, data->count, data->classes);
    for (int i = 0; i < OPTIONS; i++) {
        if (!options[i].identity) continue;
        fv_write_printf(w, "%s ", options[i].name);
        put_value(w, o, &options[i]);
        fv_write_u8(w, '\n');
    }
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

fv_status fv_recipe_check(const fv_train_opts *o, fv_err *err)
{
    if (!o->data || !o->model || !o->output) return fv_fail(err, FV_ARG, "data, model and output must be named");
    if (!fv_schedule_name(o->sched)) return fv_fail(err, FV_ARG, "no schedule has number %d", (int)o->sched);
    if ((unsigned)o->stem > FV_STEM_CIFAR || (unsigned)o->exif > FV_EXIF_IGNORE)
        return fv_fail(err, FV_ARG, "stem %d, exif %d", (int)o->stem, (int)o->exif);
    const double almost_1 = nextafter(1, 0), most = 1e9;
    FV_TRY(in_range("epochs", o->epochs, 1, 1e6, err));
    FV_TRY(in_range("max_steps", (double)o->max_steps, 0, 1e15, err));
    FV_TRY(in_range("batch", o->batch, 1, 1 << 16, err));
    FV_TRY(in_range("lr", o->lr, 0, most, err));
    FV_TRY(in_range("momentum", o->momentum, 0, almost_1, err));
    FV_TRY(in_range("wd", o->wd, 0, most, err));
    FV_TRY(in_range("smoothing", o->smoothing, 0, almost_1, err));
    FV_TRY(in_range("clip", o->clip, 0, most, err));
    FV_TRY(in_range("warmup_epochs", o->warmup_epochs, 0, most, err));
    FV_TRY(in_range("decay_epochs", o->decay_epochs, 0, most, err));
    FV_TRY(in_range("decay_rate", o->decay_rate, 0, 1, err));
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
