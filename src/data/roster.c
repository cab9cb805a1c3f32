/* roster.c -- labels that are texts, and a seeded share of each class.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/roster.h"
#include "base/utf8.h"
#include "data/imagenet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SAMPLES = 1 << 28, MAX_CLASSES = 1 << 20 };

fv_share fv_share_of(const fv_data_opts *o, int label, size_t samples)
{
    size_t val = (size_t)floor(o->val_share * (double)samples + 0.5);
    if (val >= samples) val = samples - (samples > 0);
    return (fv_share){ fv_rng_of(o->seed, 0, (uint64_t)label, FV_RNG_SPLIT), samples, val };
}

bool fv_share_is_val(fv_share *s)
{
    const bool is_val = fv_rng_below(&s->r, (uint32_t)s->left--) < s->need;
    s->need -= is_val;
    return is_val;
}

int fv_class_find(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) return i;
    const int class = fv_imagenet_find(name);
    return class >= 0 && fv_imagenet_are(names, n) ? class : -1;
}

bool fv_class_name_is_clean(const char *s)
{
    const size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        const size_t len = fv_utf8((const uint8_t *)s + i, n - i);
        if (len == 0 || (unsigned char)s[i] < ' ' || s[i] == 0x7f) return false;
        i += len;
    }
    return n > 0;
}

fv_status fv_roster_add(fv_data *d, fv_roster *r, fv_entry e, fv_err *err)
{
    if (r->n >= MAX_SAMPLES) return fv_fail(err, FV_FORMAT, "more than %d pictures", MAX_SAMPLES);
    if (e.text && !fv_class_name_is_clean(e.text))
        return fv_fail(err, FV_FORMAT, "the label of picture %zu is empty, not UTF-8 or holds control characters",
                       r->n + 1);
    FV_TRY(fv_grow(d->env.heap, (void **)&r->v, &r->cap, r->n + 1, sizeof *r->v, err));
    r->v[r->n++] = e;
    return fv_data_memory(d, err);
}

/* A label that is a plain number below MAX_CLASSES, else -1. */
static int number(const char *text)
{
    char *end;
    if (!text || *text < '0' || *text > '9' || strlen(text) > 7) return -1;
    const long v = strtol(text, &end, 10);
    return *end == 0 && v < MAX_CLASSES ? (int)v : -1;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different texts, sorted by code point, into the arena. */
static fv_status collect_names(fv_data *d, const fv_roster *r, fv_err *err)
{
    const char **v = NULL;
    size_t n = 0, unique = 0;
    FV_TRY(fv_alloc_or(d->env.heap, (void **)&v, (r->n + 1) * sizeof *v, err));
    for (size_t i = 0; i < r->n; i++)
        if (r->v[i].text) v[n++] = r->v[i].text;
    if (n > 1) qsort(v, n, sizeof *v, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(v[i], v[unique - 1]) != 0) v[unique++] = v[i];
    fv_status s = FV_OK;
    if (unique > MAX_CLASSES) s = fv_fail(err, FV_FORMAT, "more than %d different labels", MAX_CLASSES);
    const char **out = s == FV_OK ? fv_arena_alloc(&d->arena, (unique + 1) * sizeof *out) : NULL;
    for (size_t i = 0; out && i < unique; i++) out[i] = v[i];
    fv_release(d->env.heap, v);
    d->class_names = out;
    d->classes = (int)unique;
    return s == FV_OK ? fv_data_memory(d, err) : s;
}

static fv_status keep_names(fv_data *d, const fv_data_opts *o, fv_err *err)
{
    const char **out = fv_arena_alloc(&d->arena, ((size_t)o->classes + 1) * sizeof *out);
    for (int i = 0; out && i < o->classes; i++) out[i] = fv_arena_strdup(&d->arena, o->class_names[i]);
    d->class_names = out;
    d->classes = o->classes;
    return fv_data_memory(d, err);
}

static int by_name(const void *key, const void *row)
{
    return strcmp(key, *(const char *const *)row);
}

/* Names found here are sorted; the caller's are as they are. */
static int label_of(const fv_data *d, const char *text, bool sorted, bool numbers)
{
    if (numbers) return number(text);
    if (!sorted) return fv_class_find(d->class_names, d->classes, text);
    const char *const *at = bsearch(text, d->class_names, (size_t)d->classes, sizeof *d->class_names, by_name);
    return at ? (int)(at - d->class_names) : -1;
}

fv_status fv_roster_label(fv_data *d, fv_roster *r, const fv_data_opts *o, fv_err *err)
{
    int most = -1;
    bool numbers = true, named = false;
    for (size_t i = 0; i < r->n; i++) {
        if (!r->v[i].text) continue;
        const int v = number(r->v[i].text);
        numbers &= v >= 0;
        most = v > most ? v : most;
        if (o->class_names && !named) named = fv_class_find(o->class_names, o->classes, r->v[i].text) >= 0;
    }
    numbers &= most >= 0 && !named;
    if (o->class_names) FV_TRY(keep_names(d, o, err));
    else if (numbers) d->classes = most + 1 > o->classes ? most + 1 : o->classes;
    else FV_TRY(collect_names(d, r, err));
    for (size_t i = 0; i < r->n; i++) {
        fv_entry *e = &r->v[i];
        e->label = e->text ? label_of(d, e->text, !o->class_names, numbers) : 0;
        if (e->label < 0 || (e->label >= d->classes && d->classes > 0))
            return fv_fail(err, FV_FORMAT, "%s: class '%s' is not among the %d classes of training", e->name, e->text,
                           d->classes);
    }
    return FV_OK;
}

fv_status fv_roster_share(const fv_data *d, fv_roster *r, const fv_data_opts *o, fv_err *err)
{
    const size_t classes = (size_t)(d->classes > 0 ? d->classes : 1);
    const bool want_val = strcmp(o->split, "val") == 0;
    size_t *count = NULL, kept = 0;
    fv_share *share = NULL;
    FV_TRY(fv_alloc_zero(d->env.heap, (void **)&count, classes * sizeof *count, err));
    fv_status s = fv_alloc_or(d->env.heap, (void **)&share, classes * sizeof *share, err);
    for (size_t i = 0; s == FV_OK && i < r->n; i++) count[r->v[i].label]++;
    for (size_t c = 0; s == FV_OK && c < classes; c++) share[c] = fv_share_of(o, (int)c, count[c]);
    for (size_t i = 0; s == FV_OK && i < r->n; i++)
        if (fv_share_is_val(&share[r->v[i].label]) == want_val) r->v[kept++] = r->v[i];
    if (s == FV_OK) r->n = kept;
    fv_release(d->env.heap, count);
    fv_release(d->env.heap, share);
    return s;
}
