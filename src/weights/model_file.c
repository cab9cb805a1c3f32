/* model_file.c -- what a model file's metadata says, and its weights into a net.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/model_file.h"
#include "base/json.h"
#include "base/status.h"
#include "weights/bind.h"
#include "weights/model_words.h"
#include <math.h>
#include <string.h>

enum { MAX_CLASSES = 1 << 20, MAX_SIDE = 16384, LONGEST_CLASS_NAME = 1000 };

const char *const fv_stem_words[3] = {
    [FV_STEM_DEFAULT] = "default", [FV_STEM_IMAGENET] = "imagenet", [FV_STEM_CIFAR] = "cifar"
};
const char *const fv_filter_words[3] = {
    [FV_FILTER_DEFAULT] = "default", [FV_BILINEAR] = "bilinear", [FV_BICUBIC] = "bicubic"
};
const char *const fv_order_words[3] = { [FV_ORDER_DEFAULT] = "default", [FV_RGB] = "rgb", [FV_BGR] = "bgr" };
const char *const fv_exif_words[3] = {
    [FV_EXIF_DEFAULT] = "default", [FV_EXIF_APPLY] = "apply", [FV_EXIF_IGNORE] = "ignore"
};

static const char *value_of(const fv_stored_list *l, const char *key)
{
    for (size_t i = 0; i < l->pairs; i++)
        if (strcmp(l->pair[i].key, key) == 0) return l->pair[i].value;
    return NULL;
}

static fv_json json_of(const char *text)
{
    return fv_json_of((fv_bytes){ .p = (const uint8_t *)text, .len = strlen(text) });
}

static fv_status malformed(fv_err *err, const char *key)
{
    return fv_fail(err, FV_FORMAT, "metadata '%s' is malformed", key);
}

/* The current token as a whole number from low to high. */
static bool get_int(const fv_json *j, int low, int high, int *out)
{
    int64_t v;
    if (!fv_json_int(j, &v) || v < low || v > high) return false;
    *out = (int)v;
    return true;
}

static bool get_word(const fv_json *j, const char *const words[3], int *out)
{
    for (int i = 0; i < 3; i++) {
        if (!fv_json_is(j, words[i])) continue;
        *out = i;
        return true;
    }
    return false;
}

/* One number per channel, at most 3. */
static bool get_floats(fv_json *j, float out[3])
{
    double v;
    if (j->kind != FV_JSON_ARRAY) return false;
    for (int n = 0; fv_json_next(j) != FV_JSON_ARRAY_END; n++) {
        if (n == 3 || !fv_json_double(j, &v) || !isfinite((float)v)) return false;
        out[n] = (float)v;
    }
    return true;
}

static bool get_prep_field(fv_json *j, fv_prep *p)
{
    char key[32];
    int word = 0;
    if (!fv_json_text(j, key, sizeof key)) key[0] = 0;
    fv_json_next(j);
    if (strcmp(key, "h") == 0) return get_int(j, 1, MAX_SIDE, &p->h);
    if (strcmp(key, "w") == 0) return get_int(j, 1, MAX_SIDE, &p->w);
    if (strcmp(key, "channels") == 0) return get_int(j, 1, 3, &p->channels) && p->channels != 2;
    if (strcmp(key, "resize") == 0) return get_int(j, 0, MAX_SIDE, &p->resize);
    if (strcmp(key, "mean") == 0) return get_floats(j, p->mean);
    if (strcmp(key, "std") == 0) return get_floats(j, p->std);
    if (strcmp(key, "filter") == 0) {
        if (!get_word(j, fv_filter_words, &word)) return false;
        p->filter = (fv_filter)word;
    } else if (strcmp(key, "exif") == 0) {
        if (!get_word(j, fv_exif_words, &word)) return false;
        p->exif = (fv_exif)word;
    } else if (strcmp(key, "order") == 0) {
        if (!get_word(j, fv_order_words, &word)) return false;
        p->order = (fv_order)word;
    } else {
        fv_json_skip(j); /* a later version's */
    }
    return true;
}

static fv_status read_prep(fv_prep *p, const char *text, fv_err *err)
{
    fv_json j = json_of(text);
    bool ok = fv_json_next(&j) == FV_JSON_OBJECT;
    while (ok && fv_json_next(&j) == FV_JSON_KEY) ok = get_prep_field(&j, p);
    ok = ok && fv_json_next(&j) == FV_JSON_END && !j.fault && p->h > 0 && p->w > 0 && p->channels > 0;
    for (int c = 0; ok && c < p->channels; c++) ok = p->std[c] >= 0;
    return ok ? FV_OK : malformed(err, "fovea.prep");
}

static fv_status read_class_names(fv_model_meta *m, const char *text, fv_arena *a, fv_err *err)
{
    fv_json j = json_of(text);
    char name[LONGEST_CLASS_NAME];
    int n = 0;
    /* A name takes three characters at least, so the text's length pays for the array. */
    if ((size_t)m->classes > strlen(text) / 3 + 1) return malformed(err, "fovea.class_names");
    const char **names = fv_arena_alloc(a, (size_t)m->classes * sizeof *names);
    if (fv_json_next(&j) != FV_JSON_ARRAY) return malformed(err, "fovea.class_names");
    while (fv_json_next(&j) == FV_JSON_STRING) {
        if (n == m->classes || !fv_json_text(&j, name, sizeof name)) return malformed(err, "fovea.class_names");
        char *copy = fv_arena_strdup(a, name);
        if (!copy) return fv_fail(err, FV_NOMEM, "no memory for %d class names", m->classes);
        names[n++] = copy;
    }
    if (j.kind != FV_JSON_ARRAY_END || fv_json_next(&j) != FV_JSON_END || j.fault || n != m->classes)
        return malformed(err, "fovea.class_names");
    m->class_names = names;
    return FV_OK;
}

static fv_status read_meta(fv_model_meta *m, const fv_stored_list *l, fv_arena *a, fv_err *err)
{
    const char *network = value_of(l, "fovea.network"), *classes = value_of(l, "fovea.classes");
    const char *stem = value_of(l, "fovea.stem"), *names = value_of(l, "fovea.class_names");
    const char *prep = value_of(l, "fovea.prep");
    if (!network) return FV_OK;
    m->network = network;
    if (classes) {
        fv_json j = json_of(classes);
        fv_json_next(&j);
        if (!get_int(&j, 1, MAX_CLASSES, &m->classes)) return malformed(err, "fovea.classes");
        if (fv_json_next(&j) != FV_JSON_END || j.fault) return malformed(err, "fovea.classes");
    }
    if (stem) {
        int i = 0;
        while (i < 3 && strcmp(stem, fv_stem_words[i]) != 0) i++;
        if (i == 3) return malformed(err, "fovea.stem");
        m->stem = (fv_stem)i;
    }
    if (prep) FV_TRY(read_prep(&m->prep, prep, err));
    return names ? read_class_names(m, names, a, err) : FV_OK;
}

fv_status fv_model_file_open(fv_model_meta *meta, fv_stored_list *list, fv_bytes file, fv_arena *arena, fv_err *err)
{
    *meta = (fv_model_meta){ 0 };
    FV_TRY(fv_weights_read(file, list, arena, err));
    const fv_status s = read_meta(meta, list, arena, err);
    if (s != FV_OK) *meta = (fv_model_meta){ 0 };
    return s;
}

fv_status fv_model_file_peek(fv_model_meta *meta, fv_bytes file, fv_arena *arena, fv_err *err)
{
    fv_stored_list list;
    return fv_model_file_open(meta, &list, file, arena, err);
}

fv_status fv_model_file_bind(fv_net *net, const fv_model_meta *meta, const fv_stored_list *list,
                             const fv_bind_opts *opts, fv_err *err)
{
    if (meta->class_names && meta->classes == net->classes)
        FV_TRY(fv_net_name_classes(net, meta->class_names, meta->classes, err));
    return fv_bind(net, list, opts, err);
}

fv_status fv_model_file_load(fv_net *net, fv_bytes file, const fv_bind_opts *opts, fv_err *err)
{
    fv_arena a = { .heap = net->env.heap };
    fv_stored_list list;
    fv_model_meta meta;
    fv_status s = fv_model_file_open(&meta, &list, file, &a, err);
    if (s == FV_OK) s = fv_model_file_bind(net, &meta, &list, opts, err);
    fv_arena_free(&a);
    return s;
}
