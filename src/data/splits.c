/* splits.c -- which files hold a split: by patterns with braces, and by the word that their names start with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/roster.h"

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_FILES = 100000, MAX_DIGITS = 9 };

static const struct word {
    const char *word, *split;
} words[] = { { "train", "train" }, { "training", "train" }, { "val", "val" },
              { "valid", "val" },   { "validation", "val" }, { "test", "test" } };

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *fv_split_word(const char *name)
{
    size_t len = 0;
    while (isalpha((unsigned char)name[len])) len++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].word) == len && strncasecmp(words[i].word, name, len) == 0) return words[i].split;
    return NULL;
}

bool fv_ends_with(const char *path, const char *endings)
{
    const size_t n = strlen(path);
    for (const char *p = endings; (p = strchr(p, '.')) != NULL; p++) {
        const size_t len = strcspn(p, " ");
        const char *tail = n > len ? path + n - len : "";
        if (n > len && strncasecmp(tail, p, len) == 0 && (p == endings || p[-1] == ' ')) return true;
        p += len - 1;
    }
    return false;
}

static fv_status add(fv_files *f, fv_data *d, const char *path, fv_err *err)
{
    FV_TRY(fv_data_memory(d, err));
    if (f->n >= MAX_FILES) return fv_fail(err, FV_ARG, "more than %d files", MAX_FILES);
    FV_TRY(fv_grow(d->env.heap, (void **)&f->v, &f->cap, f->n + 1, sizeof *f->v, err));
    f->v[f->n++] = path;
    return FV_OK;
}

/* ---- braces: {000..012}, {a,b,c} ---- */

static bool range(const char *text, size_t len, long *from, long *to, int *digits)
{
    char buf[2 * MAX_DIGITS + 3], *end;
    if (len >= sizeof buf) return false;
    memcpy(buf, text, len);
    buf[len] = 0;
    char *dots = strstr(buf, "..");
    if (!dots || !isdigit((unsigned char)buf[0]) || !isdigit((unsigned char)dots[2])) return false;
    *dots = 0;
    *digits = (int)strlen(buf);
    if (*digits > MAX_DIGITS || strlen(dots + 2) > MAX_DIGITS) return false;
    *from = strtol(buf, &end, 10);
    if (*end) return false;
    *to = strtol(dots + 2, &end, 10);
    return *end == 0 && *from <= *to && *to - *from < MAX_FILES;
}

static fv_status expand(fv_files *f, fv_data *d, const char *path, fv_err *err);

static fv_status expand_one(fv_files *f, fv_data *d, const char *path, const char *open, const char *close, fv_err *err)
{
    long from, to;
    int digits;
    if (range(open + 1, (size_t)(close - open) - 1, &from, &to, &digits)) {
        for (long i = from; i <= to; i++) {
            const char *one = fv_arena_printf(&d->arena, "%.*s%0*ld%s", (int)(open - path), path, digits, i, close + 1);
            FV_TRY(fv_data_memory(d, err));
            FV_TRY(expand(f, d, one, err));
        }
        return FV_OK;
    }
    for (const char *p = open + 1; p <= close;) {
        const size_t len = strcspn(p, ",}");
        const char *one = fv_arena_printf(&d->arena, "%.*s%.*s%s", (int)(open - path), path, (int)len, p, close + 1);
        FV_TRY(fv_data_memory(d, err));
        FV_TRY(expand(f, d, one, err));
        p += len + 1;
    }
    return FV_OK;
}

static fv_status expand(fv_files *f, fv_data *d, const char *path, fv_err *err)
{
    const char *open = strchr(path, '{'), *close = open ? strchr(open, '}') : NULL;
    if (!open) return add(f, d, path, err);
    const char *inner = strchr(open + 1, '{');
    if (!close || (inner && inner < close)) return fv_fail(err, FV_ARG, "%s: braces that do not fit", path);
    return expand_one(f, d, path, open, close, err);
}

/* ---- folders ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* x.tar.gz or x.tgz beside an x.tar that it was made from, or into: the same once more. */
static bool is_packed_twin(fv_data *d, const char *path)
{
    const int n = (int)strlen(path);
    const char *plain = NULL;
    if (fv_ends_with(path, " .tar.gz ")) plain = fv_arena_printf(&d->arena, "%.*s", n - 3, path);
    if (fv_ends_with(path, " .tgz ")) plain = fv_arena_printf(&d->arena, "%.*s.tar", n - 4, path);
    return plain && fv_data_is_file(plain);
}

/* The files in a folder that hold a split. */
static fv_status list(fv_files *f, fv_data *d, const char *folder, const char *endings, const char *split, fv_err *err)
{
    DIR *dir = opendir(folder);
    if (!dir) return fv_fail_open(err, false, folder);
    fv_status s = FV_OK;
    for (const struct dirent *e; s == FV_OK && (e = readdir(dir)) != NULL;) {
        const char *word = fv_split_word(e->d_name);
        if (!word || strcmp(word, split) != 0 || !fv_ends_with(e->d_name, endings)) continue;
        const char *path = fv_arena_printf(&d->arena, "%s/%s", folder, e->d_name);
        s = fv_data_memory(d, err);
        if (s == FV_OK && fv_data_is_file(path) && !is_packed_twin(d, path)) s = add(f, d, path, err);
    }
    closedir(dir);
    if (f->n > 1) qsort(f->v, f->n, sizeof *f->v, by_name);
    return s;
}

static fv_status has(bool *any, fv_data *d, const char *folder, const char *endings, const char *split, fv_err *err)
{
    fv_files f = { 0 };
    const fv_status s = list(&f, d, folder, endings, split, err);
    *any = f.n > 0;
    fv_release(d->env.heap, f.v);
    return s;
}

/* Training files beside which nothing is for validation or testing give a share of themselves. */
static fv_status settle(fv_files *f, fv_data *d, const char *path, const char *folder, const char *endings,
                        const char *split, fv_err *err)
{
    bool val, test;
    const bool train = strcmp(split, "train") == 0;
    FV_TRY(has(&val, d, folder, endings, "val", err));
    FV_TRY(has(&test, d, folder, endings, "test", err));
    f->share = !val && !test && strcmp(split, "test") != 0;
    if (f->n == 0 && f->share && !train) FV_TRY(list(f, d, folder, endings, "train", err));
    return f->n > 0 ? FV_OK : fv_fail(err, FV_NOINPUT, "%s: no file in it whose name starts with '%s'", path, split);
}

fv_status fv_files_of(fv_files *f, fv_data *d, const char *path, const char *endings, const char *split, fv_err *err)
{
    *f = (fv_files){ 0 };
    if (fv_data_is_folder(path)) {
        const bool all = strcmp(split, "all") == 0;
        FV_TRY(list(f, d, path, endings, all ? "train" : split, err));
        return all && f->n > 0 ? FV_OK : settle(f, d, path, path, endings, all ? "train" : split, err);
    }
    const char *word = fv_split_word(name_of(path));
    if (!word || strcmp(word, split) == 0 || strcmp(split, "all") == 0) FV_TRY(expand(f, d, path, err));
    f->share = !word && strcmp(split, "all") != 0;
    if (strcmp(split, "all") == 0) return FV_OK;
    if (f->share && strcmp(split, "test") == 0)
        return fv_fail(err, FV_NOINPUT, "%s: there is no test split of one file", path);
    if (!word || (strcmp(word, split) == 0 && strcmp(word, "train") != 0)) return FV_OK;
    const int len = (int)(name_of(path) - path);
    const char *folder = len > 1 ? fv_arena_printf(&d->arena, "%.*s", len - 1, path) : len == 1 ? "/" : ".";
    FV_TRY(fv_data_memory(d, err));
    if (f->n == 0) FV_TRY(list(f, d, folder, endings, split, err));
    if (f->n == 0 && strcmp(word, "train") != 0)
        return fv_fail(err, FV_NOINPUT, "%s: no file beside it whose name starts with '%s'", path, split);
    const bool named = f->n > 0;
    FV_TRY(settle(f, d, path, folder, endings, split, err));
    if (named || !f->share) return FV_OK;
    f->n = 0; /* of the files that were named, and no others */
    return expand(f, d, path, err);
}

bool fv_files_any(const char *path, const char *endings)
{
    if (!fv_data_is_folder(path)) return fv_ends_with(path, endings);
    DIR *dir = opendir(path);
    bool found = false, folders = false;
    for (const struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        found |= fv_split_word(e->d_name) && fv_ends_with(e->d_name, endings);
        folders |= strcmp(e->d_name, "train") == 0 && e->d_type != DT_REG;
    }
    if (dir) closedir(dir);
    return found && !folders;
}
