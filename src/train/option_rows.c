/* option_rows.c -- options of a training run as rows: what they are called in args.json, in recipes and in a run's
 * identity, and how their values are written and read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "plan/plan.h"
#include "train/recipe.h"
#include "train/schedule.h"
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { TEXT, INT, INT64, UINT64, REAL, REAL2, BOOL, WORD } kind;

static const char *word_at(const char *const *words, int count, int i)
{
    return i >= 0 && i < count ? words[i] : NULL;
}
static const char *stem(int i)
{
    return word_at((const char *const[]){ "default", "imagenet", "cifar" }, 3, i);
}
static const char *erasure(int i)
{
    return word_at((const char *const[]){ "pixel", "const", "rand" }, 3, i);
}
static const char *exif(int i)
{
    return word_at((const char *const[]){ "default", "apply", "ignore" }, 3, i);
}
static const char *exempt(int i)
{
    return word_at((const char *const[]){ "norms", "depthwise", "none" }, 3, i);
}
static const char *loss(int i)
{
    return word_at((const char *const[]){ "softmax", "bce" }, 2, i);
}
static const char *optimiser(int i)
{
    return fv_optimiser_name((fv_optimiser)i);
}

// clang-format off
static const struct option {
    const char *name;
    kind        kind;
    size_t      at;
    bool        identity; /* decides the weights at the end */
    const char *(*word)(int i); /* WORD: of value i; NULL past the last */
} options[] = {
#define ROW(field, kind, identity)  { #field, kind, offsetof(fv_train_opts, field), identity, NULL }
#define WORDS(field, word, identity) { #field, WORD, offsetof(fv_train_opts, field), identity, word }
    ROW(recipe,           TEXT,   false), ROW(data,          TEXT,   false), ROW(model,        TEXT, true),
    ROW(weights,          TEXT,   false), ROW(new_head,      BOOL,   true),
    ROW(output,           TEXT,   false), ROW(resume,        TEXT,   false), ROW(epochs,       INT,  true),
    ROW(max_steps,        INT64,  true),  ROW(batch,         INT,    true),  ROW(accum,        INT,  true),
    WORDS(opt,        optimiser,  true),  ROW(opt_eps,       REAL,   true),  ROW(alpha,        REAL, true),
    ROW(betas,            REAL2,  true),  ROW(lr,            REAL,   true),  ROW(lr_base,      REAL, false),
    ROW(lr_base_size,     INT,    false),
    ROW(momentum,         REAL,   true),  ROW(nesterov,      BOOL,   true),  ROW(wd,           REAL, true),
    WORDS(wd_exempt,     exempt,  true),  ROW(bias_lr,       REAL,   true),  ROW(layer_decay,  REAL, true),
    ROW(freeze,           TEXT,   true),  ROW(freeze_body,   BOOL,   true),
    WORDS(loss,          loss,    true),  ROW(bce_target_thresh, REAL, true),
    ROW(smoothing,        REAL,   true),  ROW(class_weights, TEXT,   true),  ROW(clip,         REAL, true),
    ROW(drop,             REAL,   true),  ROW(drop_path,     REAL,   true),
    WORDS(sched, fv_schedule_name, true), ROW(warmup_epochs, REAL,   true),  ROW(warmup_lr,    REAL, true),
    ROW(decay_epochs,     REAL,   true),  ROW(decay_rate,    REAL,   true),  ROW(decay_power,  REAL, true),
    ROW(min_lr,           REAL,   true),  ROW(milestones,    TEXT,   true),
    ROW(model_ema,        BOOL,   true),  ROW(model_ema_decay, REAL, true),  ROW(patience,     INT,  true),
    ROW(stages,           INT,    true),  ROW(progressive,   REAL2,  true),  ROW(progressive_drop, REAL2, true),
    ROW(progressive_mix,  REAL2,  true),  ROW(progressive_aa, REAL2, true),
    ROW(seed,             UINT64, true),  ROW(threads,       INT,    false), ROW(workers,      INT,  false),
    ROW(checkpoint_every, INT64,  false), WORDS(stem,        stem,   true),  ROW(size,         INT,  true),
    ROW(channels,         INT,    true),  ROW(pad_crop,      INT,    true),  ROW(flip,         REAL, true),
    ROW(max_bad,          REAL,   false), ROW(val_share,     REAL,   true),  ROW(val_split,    TEXT, true),
    WORDS(exif,           exif,   true),  ROW(names_file,    TEXT,   false), ROW(scale,        REAL2, true),
    ROW(ratio,            REAL2,  true),  ROW(vflip,         REAL,   true),  ROW(aa,           TEXT, true),
    ROW(color_jitter,     REAL,   true),  ROW(hue_jitter,    REAL,   true),  ROW(pca,          REAL, true),
    ROW(reprob,           REAL,   true),  WORDS(remode,   erasure,   true),  ROW(recount,      INT,  true),
    ROW(mixup,            REAL,   true),  ROW(cutmix,        REAL,   true),  ROW(mixup_prob,   REAL, true),
    ROW(mixup_switch_prob, REAL,  true),  ROW(grad_checkpointing, BOOL, false),
#undef ROW
#undef WORDS
};
// clang-format on
enum { OPTIONS = sizeof options / sizeof *options };

/* ---- writing ---- */

static void put_pair(fv_writer *w, const double v[2])
{
    fv_write_printf(w, "[");
    fv_json_put_double(w, v[0]);
    fv_write_printf(w, ", ");
    fv_json_put_double(w, v[1]);
    fv_write_printf(w, "]");
}

/* The value as text in quotes, a number or a word of JSON. */
static void put_value(fv_writer *w, const fv_train_opts *o, const struct option *row)
{
    const void *p = (const char *)o + row->at;
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
        put_pair(w, p);
        break;
    case BOOL:
        fv_write_printf(w, *(const bool *)p ? "true" : "false");
        break;
    case WORD:
        fv_json_put_string(w, row->word(*(const int *)p));
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

/* ---- reading ---- */

static bool whole(const char *text, int64_t *v)
{
    char *end;
    *v = strtoll(text, &end, 10);
    return end != text && *end == 0;
}

static bool real(const char *text, char stop, double *v, const char **after)
{
    char *end;
    *v = strtod(text, &end);
    if (after) *after = end + (*end == stop);
    return end != text && *end == stop;
}

static bool word(const char *text, const struct option *row, int *v)
{
    for (int i = 0; row->word(i); i++)
        if (strcmp(row->word(i), text) == 0) {
            *v = i;
            return true;
        }
    return false;
}

/* Text is borrowed. */
static bool set_value(void *p, const struct option *row, const char *text)
{
    const char *second;
    int64_t v = 0;
    switch (row->kind) {
    case TEXT:
        *(const char **)p = text;
        return true;
    case INT:
        if (!whole(text, &v)) return false;
        *(int *)p = (int)v;
        return true;
    case INT64:
    case UINT64:
        return whole(text, p);
    case REAL:
        return real(text, 0, p, NULL);
    case REAL2:
        return real(text, ':', (double *)p, &second) && real(second, 0, (double *)p + 1, NULL);
    case BOOL:
        *(bool *)p = strcmp(text, "true") == 0;
        return *(bool *)p || strcmp(text, "false") == 0;
    case WORD:
        return word(text, row, p);
    }
    return false;
}

bool fv_recipe_set(fv_train_opts *o, const char *name, size_t len, const char *value)
{
    for (int i = 0; i < OPTIONS; i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
            return set_value((char *)o + options[i].at, &options[i], value);
    return false;
}
