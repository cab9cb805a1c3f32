/* list.c -- pictures and labels in a list: path,label rows (CSV, TSV) or "path label" lines, paths relative to the list.
 * With a row of column names the columns path, label and split are found by name; else they are the first two.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/csv.h"
#include "data/roster.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { MAX_LIST = 1 << 30 };
static const char endings[] = " .csv .tsv .txt .lst ", folder_endings[] = " .csv .tsv ";

typedef struct state {
    fv_roster roster;
} state;

/* Which columns to read; -1: there is none. */
typedef struct columns {
    int path, label, split;
} columns;

static int column(const fv_csv *c, const char *names)
{
    for (int i = 0; i < c->fields; i++) {
        const size_t len = strlen(c->field[i]);
        for (const char *p = names; len > 0 && *p; p += strcspn(p, " "), p += *p == ' ')
            if (strcspn(p, " ") == len && strncasecmp(p, c->field[i], len) == 0) return i;
    }
    return -1;
}

/* Whether the row names columns, which are then set. */
static bool names_columns(const fv_csv *c, columns *k)
{
    const int path = column(c, "path file filename file_name filepath image image_path img id image_id");
    const int label = column(c, "label class target category label_name class_name");
    if (path < 0 || label < 0) return false;
    *k = (columns){ path, label, column(c, "split subset set") };
    return true;
}

static fv_status add_row(fv_data *d, const fv_csv *c, const columns *k, const char *folder, fv_err *err)
{
    state *st = d->state;
    const int most = k->path > k->label ? k->path : k->label;
    if (c->fields <= most)
        return fv_fail(err, FV_FORMAT, "line %" PRId64 ": %d column%s where a path and a label are wanted", c->line,
                       c->fields, c->fields == 1 ? "" : "s");
    const char *path = c->field[k->path];
    if (!*path) return fv_fail(err, FV_FORMAT, "line %" PRId64 ": no path", c->line);
    const fv_entry e = { .name = *path == '/' ? fv_arena_strdup(&d->arena, path)
                                              : fv_arena_printf(&d->arena, "%s%s", folder, path),
                         .text = fv_arena_strdup(&d->arena, c->field[k->label]) };
    FV_TRY(fv_data_memory(d, err));
    const fv_status s = fv_roster_add(d, &st->roster, e, err);
    return s == FV_OK ? s : fv_context(err, s, "line %" PRId64, c->line);
}

static bool of_split(const fv_csv *c, const columns *k, const char *split)
{
    if (k->split < 0 || strcmp(split, "all") == 0) return true;
    const char *word = k->split < c->fields ? fv_split_word(c->field[k->split]) : NULL;
    return word && strcmp(word, split) == 0;
}

/* *split: the list says itself which rows are whose. */
static fv_status read_rows(fv_data *d, fv_csv *c, const char *folder, const char *wanted, bool *split, fv_err *err)
{
    columns k = { 0, 1, -1 };
    bool more, first = true;
    for (;; first = false) {
        FV_TRY(fv_csv_next(c, &more, err));
        if (!more) break;
        if (first && names_columns(c, &k)) continue;
        if (of_split(c, &k, wanted)) FV_TRY(add_row(d, c, &k, folder, err));
    }
    *split |= k.split >= 0;
    return FV_OK;
}

static char separator_of(const char *path, fv_bytes text)
{
    if (fv_ends_with(path, " .tsv ")) return '\t';
    if (!fv_ends_with(path, " .csv ")) return ' ';
    const uint8_t *end = memchr(text.p, '\n', text.len);
    const size_t line = end ? (size_t)(end - text.p) : text.len;
    const bool comma = memchr(text.p, ',', line) != NULL;
    return !comma && memchr(text.p, ';', line) ? ';'
                                               : ','; /* where commas are decimal, spreadsheets write semicolons */
}

static fv_status read_list(fv_data *d, const char *path, const char *wanted, bool *split, fv_err *err)
{
    const char *slash = strrchr(path, '/');
    const char *folder = fv_arena_printf(&d->arena, "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
    fv_csv c = { 0 };
    FV_TRY(fv_data_memory(d, err));
    FV_TRY(fv_file_read(&c.text, path, MAX_LIST, d->env.heap, err));
    c.separator = separator_of(path, c.text);
    fv_status s = fv_alloc_or(d->env.heap, (void **)&c.buf, c.text.len + FV_CSV_COLUMNS, err);
    if (s == FV_OK) s = read_rows(d, &c, folder, wanted, split, err);
    fv_release(d->env.heap, (void *)c.text.p);
    fv_release(d->env.heap, c.buf);
    return s == FV_OK ? s : fv_context(err, s, "%s", path);
}

static fv_status read_all(fv_data *d, fv_files *f, const char *path, const fv_data_opts *o, fv_err *err)
{
    state *st = d->state;
    bool split = false;
    for (size_t i = 0; i < f->n; i++) FV_TRY(read_list(d, f->v[i], o->split, &split, err));
    if (st->roster.n == 0)
        return fv_fail(err, split ? FV_NOINPUT : FV_FORMAT, "%s: no pictures of the %s split in it", path, o->split);
    FV_TRY(fv_roster_label(d, &st->roster, o, err));
    if (f->share && !split) FV_TRY(fv_roster_share(d, &st->roster, o, err));
    d->count = (int64_t)st->roster.n;
    return d->count > 0 ? FV_OK : fv_fail(err, FV_FORMAT, "%s: the %s split has no pictures", path, o->split);
}

static fv_status open_set(fv_data *d, const char *path, const fv_data_opts *o, fv_err *err)
{
    fv_files f = { 0 };
    d->state = fv_arena_alloc(&d->arena, sizeof(state));
    d->split = fv_arena_strdup(&d->arena, o->split);
    d->channels = 3;
    FV_TRY(fv_data_memory(d, err));
    fv_status s = fv_files_of(&f, d, path, fv_data_is_folder(path) ? folder_endings : endings, o->split, err);
    if (s == FV_OK) s = read_all(d, &f, path, o, err);
    fv_release(d->env.heap, f.v);
    return s;
}

static bool probe(const char *path)
{
    return fv_files_any(path, fv_data_is_folder(path) ? folder_endings : endings);
}

static const fv_entry *entry(const fv_data *d, int64_t i)
{
    return &((const state *)d->state)->roster.v[i];
}

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    *label = entry(d, i)->label;
    return fv_image_load(im, entry(d, i)->name, channels, exif, d->env.heap, err);
}

static const char *file(const fv_data *d, int64_t i)
{
    return entry(d, i)->name;
}

static fv_status bytes(const fv_data *d, int64_t i, fv_bytes *b, int *label, fv_err *err)
{
    *label = entry(d, i)->label;
    return fv_file_read(b, entry(d, i)->name, FV_IMAGE_MAX_BYTES, d->env.heap, err);
}

static void close_set(fv_data *d)
{
    const state *st = d->state;
    if (st) fv_release(d->env.heap, st->roster.v);
}

const fv_source fv_source_list = { "list", probe, open_set, get, file, close_set, bytes };
