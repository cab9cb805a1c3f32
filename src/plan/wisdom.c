/* wisdom.c -- reads and writes what timing has found out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plan/wisdom.h"
#include "base/json.h"
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT = 1 };

void fv_wisdom_free(fv_wisdom *w)
{
    fv_release(w->arena.heap, w->choice);
    fv_arena_free(&w->arena);
    w->choice = NULL;
    w->n = w->cap = 0;
}

int fv_wisdom_find(const fv_wisdom *w, const char *key)
{
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->choice[i].key, key)) return w->choice[i].number;
    return -1;
}

static fv_status append(fv_wisdom *w, const char *key, int number, fv_err *err)
{
    if (w->n == FV_WISDOM_MOST) return FV_OK;
    FV_TRY(fv_grow(w->arena.heap, (void **)&w->choice, &w->cap, w->n + 1, sizeof *w->choice, err));
    const char *copy = fv_arena_strdup(&w->arena, key);
    if (!copy) return fv_fail(err, FV_NOMEM, "no memory for a choice");
    w->choice[w->n++] = (fv_choice){ copy, number };
    return FV_OK;
}

fv_status fv_wisdom_put(fv_wisdom *w, const char *key, int number, fv_err *err)
{
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->choice[i].key, key)) {
            w->choice[i].number = number;
            return FV_OK;
        }
    return append(w, key, number, err);
}

static fv_status malformed(const fv_json *j, const char *what, fv_err *err)
{
    return fv_fail(err, FV_FORMAT, "%s at byte %zu", j->fault ? j->fault : what, j->r.at);
}

/* A number after the key just read, from 0 to most. */
static bool small(fv_json *j, int most, int *out)
{
    int64_t v = 0;
    if (fv_json_next(j) != FV_JSON_NUMBER || !fv_json_int(j, &v) || v < 0 || v > most) return false;
    *out = (int)v;
    return true;
}

static fv_status read_choices(fv_wisdom *w, fv_json *j, fv_err *err)
{
    char key[FV_WISDOM_KEY];
    int number = 0;
    if (fv_json_next(j) != FV_JSON_OBJECT) return malformed(j, "no object of choices", err);
    while (fv_json_next(j) == FV_JSON_KEY) {
        if (!fv_json_text(j, key, sizeof key)) return malformed(j, "a key too long", err);
        if (!small(j, FV_WISDOM_CHOICES - 1, &number)) return malformed(j, "no number of a variant", err);
        FV_TRY(append(w, key, number, err));
    }
    return j->kind == FV_JSON_OBJECT_END ? FV_OK : malformed(j, "no end of the choices", err);
}

static fv_status parse(fv_wisdom *w, fv_json *j, int variants, fv_err *err)
{
    int format = 0, of = 0;
    bool chosen = false;
    if (fv_json_next(j) != FV_JSON_OBJECT) return malformed(j, "no JSON object", err);
    while (fv_json_next(j) == FV_JSON_KEY) {
        if (fv_json_is(j, "fovea_wisdom")) {
            if (!small(j, INT_MAX, &format)) return malformed(j, "no number of a format", err);
        } else if (fv_json_is(j, "variants")) {
            if (!small(j, INT_MAX, &of)) return malformed(j, "no version of the variants", err);
        } else if (fv_json_is(j, "choices")) {
            if (format != FORMAT || of != variants)
                return fv_fail(err, FV_FORMAT, "it is of another version (%d.%d, this is %d.%d)", format, of,
                               (int)FORMAT, variants);
            FV_TRY(read_choices(w, j, err));
            chosen = true;
        } else {
            fv_json_skip(j);
        }
    }
    if (j->fault || j->kind != FV_JSON_OBJECT_END || fv_json_next(j) != FV_JSON_END || j->fault)
        return malformed(j, "no end", err);
    return chosen ? FV_OK : fv_fail(err, FV_FORMAT, "it has no choices");
}

fv_status fv_wisdom_parse(fv_wisdom *w, fv_bytes text, int variants, fv_err *err)
{
    fv_json j = fv_json_of(text);
    const fv_status s = parse(w, &j, variants, err);
    if (s != FV_OK) fv_wisdom_free(w);
    return s;
}

fv_status fv_wisdom_read(fv_wisdom *w, const char *path, int variants, fv_err *err)
{
    fv_bytes text;
    if (access(path, F_OK) != 0) return FV_OK;
    FV_TRY(fv_file_read(&text, path, FV_WISDOM_BYTES, w->arena.heap, err));
    const fv_status s = fv_wisdom_parse(w, text, variants, err);
    fv_release(w->arena.heap, (void *)(uintptr_t)text.p);
    return s;
}

/* By way of a file of its own: two plans of one process may write at once. */
fv_status fv_wisdom_write(const fv_wisdom *w, const char *path, int variants, fv_err *err)
{
    char beside[PATH_MAX];
    fv_writer out = { .heap = w->arena.heap };
    const int len = snprintf(beside, sizeof beside, "%s.%zx", path, (size_t)(uintptr_t)w);
    if (len < 0 || (size_t)len >= sizeof beside) return fv_fail(err, FV_CREATE, "%s: file name too long", path);
    fv_write_printf(&out, "{\"fovea_wisdom\": %d, \"variants\": %d, \"choices\": {", (int)FORMAT, variants);
    for (size_t i = 0; i < w->n; i++) {
        fv_write_printf(&out, i ? ",\n" : "\n");
        fv_json_put_string(&out, w->choice[i].key);
        fv_write_printf(&out, ": %d", w->choice[i].number);
    }
    fv_write_printf(&out, "\n}}\n");
    fv_status s = out.failed ? fv_fail(err, FV_NOMEM, "no memory to write %s", path) : FV_OK;
    if (s == FV_OK) s = fv_file_write(beside, &(fv_span){ out.p, out.len }, 1, err);
    if (s == FV_OK && rename(beside, path) != 0) {
        s = fv_fail_io(err, "rename into place", path);
        unlink(beside);
    }
    fv_writer_free(&out);
    return s;
}
