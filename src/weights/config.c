/* config.c -- reads timm's config.json. What is asked for stands in the outermost object (of older files: all of it), or in
 * its "pretrained_cfg"; the outermost object goes before. Keys that are not known are left out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/config.h"
#include "base/json.h"
#include "base/status.h"
#include <math.h>
#include <string.h>

enum { MAX_CLASSES = 1 << 20, MAX_SIDE = 16384, LONGEST_NAME = 1000, LONGEST_WORD = 200 };

typedef struct config_reader {
    fv_json j;
    fv_config *c;
    fv_arena *arena;
    int names;  /* class names read */
    bool inner; /* within pretrained_cfg */
    fv_err *err;
} config_reader;

static fv_status wants(config_reader *r, const char *key, const char *what)
{
    if (r->j.fault) return fv_fail(r->err, FV_FORMAT, "offset %zu: %s", r->j.r.at, r->j.fault);
    return fv_fail(r->err, FV_FORMAT, "'%s' is not %s", key, what);
}

static bool whole(const fv_json *j, int low, int high, int *out)
{
    int64_t v;
    if (!fv_json_int(j, &v) || v < low || v > high) return false;
    *out = (int)v;
    return true;
}

static fv_status read_architecture(config_reader *r)
{
    char text[LONGEST_WORD];
    if (fv_json_next(&r->j) != FV_JSON_STRING || !fv_json_text(&r->j, text, sizeof text))
        return wants(r, "architecture", "a network's name");
    if (r->c->architecture && r->inner) return FV_OK;
    r->c->architecture = fv_arena_strdup(r->arena, text);
    return r->c->architecture ? FV_OK : fv_fail(r->err, FV_NOMEM, "no memory for a name");
}

static fv_status read_classes(config_reader *r)
{
    int n = 0;
    fv_json_next(&r->j);
    if (!whole(&r->j, 1, MAX_CLASSES, &n)) return wants(r, "num_classes", "a number of classes");
    if (!r->c->classes || !r->inner) r->c->classes = n;
    return FV_OK;
}

/* Channels, height, width. */
static fv_status read_size(config_reader *r)
{
    int v[3] = { 0 }, n = 0;
    bool ok = fv_json_next(&r->j) == FV_JSON_ARRAY;
    for (; ok && fv_json_next(&r->j) != FV_JSON_ARRAY_END; n++) ok = n < 3 && whole(&r->j, 1, MAX_SIDE, &v[n]);
    if (!ok || n != 3 || (v[0] != 1 && v[0] != 3)) return wants(r, "input_size", "[channels, height, width]");
    r->c->channels = v[0], r->c->h = v[1], r->c->w = v[2];
    return FV_OK;
}

static fv_status read_crop(config_reader *r)
{
    const bool number = fv_json_next(&r->j) == FV_JSON_NUMBER && fv_json_double(&r->j, &r->c->crop_pct);
    const bool fits = number && r->c->crop_pct > 0.01 && r->c->crop_pct <= 1;
    return fits ? FV_OK : wants(r, "crop_pct", "a number from 0.01 to 1");
}

static fv_status read_filter(config_reader *r)
{
    char text[LONGEST_WORD];
    if (fv_json_next(&r->j) != FV_JSON_STRING || !fv_json_text(&r->j, text, sizeof text))
        return wants(r, "interpolation", "a filter's name");
    if (strcmp(text, "bilinear") == 0) r->c->filter = FV_BILINEAR;
    else if (strcmp(text, "bicubic") == 0) r->c->filter = FV_BICUBIC;
    else return fv_fail(r->err, FV_UNSUP, "pictures are not scaled by '%s' here, but by bilinear or bicubic", text);
    return FV_OK;
}

static fv_status read_crop_mode(config_reader *r)
{
    char text[LONGEST_WORD];
    if (fv_json_next(&r->j) != FV_JSON_STRING || !fv_json_text(&r->j, text, sizeof text))
        return wants(r, "crop_mode", "a word");
    if (strcmp(text, "center") == 0) return FV_OK;
    return fv_fail(r->err, FV_UNSUP, "pictures are not cropped by '%s' here, but at their centre", text);
}

static fv_status read_colours(config_reader *r, const char *key, bool positive, float out[3], bool *had)
{
    double v = 0;
    int n = 0;
    bool ok = fv_json_next(&r->j) == FV_JSON_ARRAY;
    for (; ok && fv_json_next(&r->j) != FV_JSON_ARRAY_END; n++) {
        ok = n < 3 && fv_json_double(&r->j, &v) && isfinite((float)v) && (!positive || (float)v > 0);
        if (ok) out[n] = (float)v;
    }
    if (!ok || (n != 1 && n != 3))
        return wants(r, key, positive ? "a positive number per channel" : "a number per channel");
    *had = true;
    return FV_OK;
}

static fv_status read_mean(config_reader *r)
{
    return read_colours(r, "mean", false, r->c->mean, &r->c->has_mean);
}

static fv_status read_std(config_reader *r)
{
    return read_colours(r, "std", true, r->c->std, &r->c->has_std);
}

/* How many strings the array has at whose beginning j stands; -1: something else is among them. */
static int count_strings(fv_json j)
{
    int n = 0;
    while (fv_json_next(&j) == FV_JSON_STRING && n < MAX_CLASSES) n++;
    return j.kind == FV_JSON_ARRAY_END ? n : -1;
}

static fv_status read_names(config_reader *r)
{
    char name[LONGEST_NAME];
    const bool array = fv_json_next(&r->j) == FV_JSON_ARRAY;
    const int n = array ? count_strings(r->j) : -1;
    if (n < 1) return wants(r, "label_names", "an array of names");
    const char **names = fv_arena_alloc(r->arena, (size_t)n * sizeof *names);
    for (int i = 0; names && i < n; i++) {
        fv_json_next(&r->j);
        if (!fv_json_text(&r->j, name, sizeof name))
            return wants(r, "label_names", "an array of names of up to 999 bytes");
        names[i] = fv_arena_strdup(r->arena, name);
    }
    if (r->arena->failed) return fv_fail(r->err, FV_NOMEM, "no memory for %d class names", n);
    fv_json_next(&r->j);
    r->c->class_names = names;
    r->names = n;
    return FV_OK;
}

static fv_status read_object(config_reader *r);

static fv_status read_inner(config_reader *r)
{
    if (r->inner || fv_json_next(&r->j) != FV_JSON_OBJECT) return wants(r, "pretrained_cfg", "an object");
    r->inner = true;
    FV_TRY(read_object(r));
    r->inner = false;
    return FV_OK;
}

static const struct config_key {
    const char *name;
    fv_status (*read)(config_reader *r);
} keys[] = {
    { "architecture", read_architecture },
    { "num_classes", read_classes },
    { "input_size", read_size },
    { "crop_pct", read_crop },
    { "crop_mode", read_crop_mode },
    { "interpolation", read_filter },
    { "mean", read_mean },
    { "std", read_std },
    { "label_names", read_names },
    { "pretrained_cfg", read_inner },
};

static fv_status read_value(config_reader *r)
{
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!fv_json_is(&r->j, keys[i].name)) continue;
        fv_json ahead = r->j;
        if (fv_json_next(&ahead) == FV_JSON_NULL) break; /* as good as not there */
        return keys[i].read(r);
    }
    fv_json_skip(&r->j);
    return FV_OK;
}

static fv_status read_object(config_reader *r)
{
    while (fv_json_next(&r->j) == FV_JSON_KEY) FV_TRY(read_value(r));
    return r->j.fault ? wants(r, "", "") : FV_OK;
}

/* Is there an outermost "architecture", and no fault in the text? Other programs leave a config.json, too. */
static fv_status is_timms(fv_json j, bool *timms, fv_err *err)
{
    *timms = false;
    const bool object = fv_json_next(&j) == FV_JSON_OBJECT;
    while (fv_json_next(&j) != FV_JSON_END)
        *timms |= j.kind == FV_JSON_KEY && j.depth == 1 && fv_json_is(&j, "architecture");
    if (j.fault) return fv_fail(err, FV_FORMAT, "offset %zu: %s", j.r.at, j.fault);
    return object ? FV_OK : fv_fail(err, FV_FORMAT, "is not a JSON object");
}

fv_status fv_config_read(fv_config *c, fv_bytes text, fv_arena *arena, fv_err *err)
{
    config_reader r = { .j = fv_json_of(text), .c = c, .arena = arena, .err = err };
    bool timms;
    *c = (fv_config){ 0 };
    FV_TRY(is_timms(r.j, &timms, err));
    if (!timms) return FV_OK;
    fv_json_next(&r.j);
    fv_status s = read_object(&r);
    if (s == FV_OK && r.names && c->classes && r.names != c->classes)
        s = fv_fail(err, FV_FORMAT, "%d label_names for %d classes", r.names, c->classes);
    if (s == FV_OK && r.names) c->classes = r.names;
    if (s != FV_OK) *c = (fv_config){ 0 };
    return s;
}
