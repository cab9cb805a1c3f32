/* shards.c -- WebDataset: tar files in which the members of a sample follow each other, alike up to the first dot of their
 * names: 0001.jpg, 0001.cls. All shards are indexed when the set is opened and read at random afterwards; nothing is written.
 * What begins as gzip does is unpacked on the way (gunzip.h).
 * https://github.com/webdataset/webdataset
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/log.h"
#include "data/gunzip.h"
#include "data/roster.h"
#include "data/tar.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_LABEL = 256, MAX_JSON = 1 << 20 };
static const uint64_t max_shard = (uint64_t)1 << 46, takes_long = (uint64_t)1 << 30;
static const char endings[] = " .tar .tar.gz .tgz ", others[] = " .tar.zst .tar.xz .tar.bz2 ";

typedef struct shard {
    fv_file stamp; /* its size and when it was written; closed */
    bool gzip;
} shard;

typedef struct state {
    fv_roster roster;
    fv_files files;
    shard *shards;     /* of each file */
    fv_gunzip *gunzip; /* NULL: no shard is gzip */
    uint64_t packed;   /* bytes of those that are */
} state;

/* ---- one sample's members ---- */

typedef enum part { PICTURE, CLS, JSON, TXT, PARTS } part; /* .cls before .json before .txt */
typedef struct sample {
    char key[FV_TAR_NAME];
    bool any, has[PARTS], twice;
    char extension[16]; /* of the picture */
    uint64_t at[PARTS], size[PARTS];
} sample;

typedef struct reader {
    fv_data *d;
    const fv_file *file;
    fv_gunzip_walk *walk; /* NULL: not gzip */
    const char *path;
    int shard;
    sample s;
    size_t first; /* samples before this shard */
} reader;

static fv_status read_at(void *user, uint64_t at, void *p, size_t n, fv_err *err)
{
    const reader *r = user;
    if (r->walk) return fv_gunzip_seen(r->walk, at, p, n, err);
    return fv_file_at(r->file, at, p, n, r->path, err);
}

static fv_status reach(void *user, uint64_t to, uint64_t *size, fv_err *err)
{
    const reader *r = user;
    return fv_gunzip_reach(r->walk, to, size, err);
}

/* The part that an extension stands for; PARTS: none that is read here. */
static part part_of(const char *extension)
{
    char name[24];
    if (strlen(extension) > 8) return PARTS;
    snprintf(name, sizeof name, "x.%s", extension);
    if (!strchr(extension, '.') && fv_image_known_extension(name)) return PICTURE;
    return strcmp(extension, "cls") == 0    ? CLS
           : strcmp(extension, "json") == 0 ? JSON
           : strcmp(extension, "txt") == 0  ? TXT
                                            : PARTS;
}

static bool is_about_the_shard(const char *name)
{
    const size_t n = strcspn(name, "/");
    return n > 4 && memcmp(name, "__", 2) == 0 && memcmp(name + n - 2, "__", 2) == 0;
}

/* The text of a number or a string. */
static bool json_label(const fv_json *j, fv_json_kind k, char out[MAX_LABEL])
{
    int64_t v;
    if (k == FV_JSON_STRING) return fv_json_text(j, out, MAX_LABEL);
    return k == FV_JSON_NUMBER && fv_json_int(j, &v) && v >= 0 && snprintf(out, MAX_LABEL, "%" PRId64, v) > 0;
}

/* The value itself, or that of an object's key. */
static bool label_in_json(fv_bytes text, char out[MAX_LABEL])
{
    fv_json j = fv_json_of(text);
    fv_json_kind k = fv_json_next(&j);
    if (k != FV_JSON_OBJECT) return json_label(&j, k, out);
    while (fv_json_next(&j) == FV_JSON_KEY) {
        const bool wanted = fv_json_is(&j, "label") || fv_json_is(&j, "cls") || fv_json_is(&j, "class");
        k = wanted ? fv_json_next(&j) : FV_JSON_END;
        if (wanted && json_label(&j, k, out)) return true;
        fv_json_skip(&j);
    }
    return false;
}

static void trim(char *text)
{
    size_t n = strlen(text), from = 0;
    while (n > 0 && isspace((unsigned char)text[n - 1])) text[--n] = 0;
    while (isspace((unsigned char)text[from])) from++;
    memmove(text, text + from, n - from + 1);
}

/* The label's text, or NULL in *text and why there is none. */
static fv_status read_label(reader *r, const char **text, const char **why, fv_err *err)
{
    const sample *s = &r->s;
    char label[MAX_LABEL] = "";
    part p = CLS;
    while (p < PARTS && !s->has[p]) p++;
    *text = NULL;
    *why = p == PARTS ? "no label beside it: no .cls, .json or .txt" : "its label is too long or empty";
    if (p == PARTS || s->size[p] > (p == JSON ? MAX_JSON : MAX_LABEL - 1)) return FV_OK;
    if (p == JSON) {
        uint8_t *json = NULL;
        FV_TRY(fv_alloc_or(r->d->env.heap, (void **)&json, (size_t)s->size[p], err));
        const fv_status st = read_at(r, s->at[p], json, (size_t)s->size[p], err);
        if (st == FV_OK && !label_in_json((fv_bytes){ json, (size_t)s->size[p] }, label)) label[0] = 0;
        fv_release(r->d->env.heap, json);
        FV_TRY(st);
        *why = "its .json has no label, cls or class that is a number or a text";
    } else {
        FV_TRY(read_at(r, s->at[p], label, (size_t)s->size[p], err));
        label[s->size[p]] = 0;
    }
    trim(label);
    if (!fv_class_name_is_clean(label)) return FV_OK;
    *text = fv_arena_strdup(&r->d->arena, label);
    *why = NULL;
    return fv_data_memory(r->d, err);
}

static fv_status add_broken(reader *r, const char *key, const char *why, fv_err *err)
{
    state *st = r->d->state;
    const fv_entry e = { .name = fv_arena_printf(&r->d->arena, "%s%s%s", r->path, *key ? ": " : "", key), .why = why };
    return fv_roster_add(r->d, &st->roster, e, err);
}

/* The sample is complete: the next member has another key. */
static fv_status finish(reader *r, fv_err *err)
{
    const sample *s = &r->s;
    state *st = r->d->state;
    if (!s->any) return FV_OK;
    if (!s->has[PICTURE]) return add_broken(r, s->key, "a label without a picture", err);
    if (s->twice) return add_broken(r, s->key, "two members of one sample have the same extension", err);
    fv_entry e = { .shard = r->shard, .at = s->at[PICTURE], .size = s->size[PICTURE] };
    FV_TRY(read_label(r, &e.text, &e.why, err));
    e.name = fv_arena_printf(&r->d->arena, "%s: %s.%s", r->path, s->key, s->extension);
    return fv_roster_add(r->d, &st->roster, e, err);
}

static fv_status add_member(reader *r, const fv_tar_member *m, fv_err *err)
{
    const char *slash = strrchr(m->name, '/'), *base = slash ? slash + 1 : m->name, *dot = strchr(base, '.');
    if (!m->regular || !dot || dot == base || is_about_the_shard(m->name)) return FV_OK;
    char extension[FV_TAR_NAME];
    size_t n = 0;
    for (const char *p = dot + 1; *p; p++) extension[n++] = (char)tolower((unsigned char)*p);
    extension[n] = 0;
    const part p = part_of(extension);
    const size_t key = (size_t)(dot - m->name);
    sample *s = &r->s;
    if (strlen(s->key) != key || memcmp(s->key, m->name, key) != 0) {
        FV_TRY(finish(r, err));
        *s = (sample){ 0 };
        memcpy(s->key, m->name, key);
    }
    if (p == PARTS) return FV_OK; /* a mask, a caption's tokens...: not read here */
    s->any = true;
    s->twice |= s->has[p];
    s->has[p] = true;
    s->at[p] = m->at;
    s->size[p] = m->size;
    if (p == PICTURE) snprintf(s->extension, sizeof s->extension, "%s", extension);
    return FV_OK;
}

/* ---- shards ---- */

/* After the last member, and where the tar is damaged, all of a gzip shard is compared with its checksums. */
static fv_status next_member(const reader *r, fv_tar *t, fv_tar_member *m, bool *more, fv_err *err)
{
    const fv_status s = fv_tar_next(t, m, more, err);
    if (*more || !r->walk || (s != FV_OK && s != FV_FORMAT)) return s;
    fv_err why = { 0 };
    uint64_t end;
    const fv_status rest = fv_gunzip_reach(r->walk, UINT64_MAX, &end, &why);
    if (rest == FV_OK || (s != FV_OK && rest == FV_FORMAT && !fv_gunzip_is_damaged(r->walk))) return s;
    *err = why;
    return rest;
}

/* A shard that is cut or damaged gives what lies before, and one sample that cannot be read in the place of the rest. Of
 * damaged gzip nobody can say where it begins: it gives nothing. */
static fv_status index_members(reader *r, fv_err *err)
{
    fv_tar t = { .read = read_at, .user = r };
    fv_tar_member m;
    const state *st = r->d->state;
    bool more = true;
    if (r->walk) t.reach = reach;
    else t.size = r->file->size;
    while (more) {
        fv_err why = { 0 };
        const fv_status s = next_member(r, &t, &m, &more, &why);
        const bool told = s == FV_FORMAT && !(r->walk && fv_gunzip_is_damaged(r->walk));
        if (told && (st->roster.n > r->first || r->s.any)) {
            if (r->s.has[PICTURE]) FV_TRY(finish(r, err));
            return add_broken(r, "", fv_arena_printf(&r->d->arena, "the shard is %s; the rest is lost", why.msg), err);
        }
        if (s != FV_OK) return fv_fail(err, s, "%s", why.msg);
        if (more) FV_TRY(add_member(r, &m, err));
    }
    return finish(r, err);
}

/* By its first bytes, whatever its name is. */
static fv_status is_gzip(bool *is, const reader *r, fv_err *err)
{
    uint8_t magic[2] = { 0 };
    if (r->file->size >= sizeof magic) FV_TRY(fv_file_at(r->file, 0, magic, sizeof magic, r->path, err));
    *is = fv_gunzip_is(magic);
    return FV_OK;
}

static fv_status index_gzip(reader *r, fv_err *err)
{
    state *st = r->d->state;
    const uint64_t before = st->packed;
    st->packed += r->file->size;
    if (before < takes_long && st->packed >= takes_long)
        fv_log(&r->d->env, FV_LOG_INFO, "%s: all gzip shards are unpacked once, to find the pictures in them",
               st->files.v[0]);
    if (!st->gunzip) FV_TRY(fv_gunzip_new(&st->gunzip, FV_GUNZIP_STEP, FV_GUNZIP_STATES, r->d->env.heap, err));
    FV_TRY(fv_gunzip_begin(&r->walk, st->gunzip, r->shard, r->file, r->path, err));
    const fv_status s = index_members(r, err);
    fv_gunzip_end(r->walk);
    return s;
}

static fv_status index_shard(fv_data *d, reader *r, int number, fv_err *err)
{
    state *st = d->state;
    fv_file f;
    bool gzip = false;
    *r = (reader){ .d = d, .file = &f, .path = st->files.v[number], .shard = number, .first = st->roster.n };
    FV_TRY(fv_file_open(&f, r->path, (size_t)max_shard, err));
    fv_status s = is_gzip(&gzip, r, err);
    if (s == FV_OK) s = gzip ? index_gzip(r, err) : index_members(r, err);
    fv_file_close(&f);
    st->shards[number] = (shard){ f, gzip };
    return s == FV_OK ? s : fv_context(err, s, "%s", r->path);
}

static fv_status index_all(fv_data *d, const fv_data_opts *o, fv_err *err)
{
    state *st = d->state;
    reader *r = NULL; /* names of 4096 bytes: not on a thread's stack */
    FV_TRY(fv_alloc_zero(d->env.heap, (void **)&st->shards, st->files.n * sizeof *st->shards, err));
    FV_TRY(fv_alloc_zero(d->env.heap, (void **)&r, sizeof *r, err));
    fv_status s = FV_OK;
    for (size_t i = 0; i < st->files.n && s == FV_OK; i++) s = index_shard(d, r, (int)i, err);
    fv_release(d->env.heap, r);
    FV_TRY(s);
    if (st->roster.n == 0) return fv_fail(err, FV_FORMAT, "%s: no picture in it", st->files.v[0]);
    FV_TRY(fv_roster_label(d, &st->roster, o, err));
    if (st->files.share) FV_TRY(fv_roster_share(d, &st->roster, o, err));
    d->count = (int64_t)st->roster.n;
    if (d->classes == 0) return fv_fail(err, FV_FORMAT, "%s: no picture in it has a label", st->files.v[0]);
    return d->count > 0 ? FV_OK : fv_fail(err, FV_FORMAT, "%s: the %s split has no pictures", st->files.v[0], o->split);
}

static fv_status open_set(fv_data *d, const char *path, const fv_data_opts *o, fv_err *err)
{
    if (fv_ends_with(path, others))
        return fv_fail(err, FV_UNSUP, "%s: of compressed shards only those of gzip are read; unpack it to .tar", path);
    state *st = d->state = fv_arena_alloc(&d->arena, sizeof(state));
    d->split = fv_arena_strdup(&d->arena, o->split);
    d->channels = 3;
    FV_TRY(fv_data_memory(d, err));
    FV_TRY(fv_files_of(&st->files, d, path, endings, o->split, err));
    return index_all(d, o, err);
}

static bool probe(const char *path)
{
    return fv_files_any(path, endings) || (!fv_data_is_folder(path) && fv_ends_with(path, others));
}

static const fv_entry *entry(const fv_data *d, int64_t i)
{
    return &((const state *)d->state)->roster.v[i];
}

static fv_status read_member(const fv_data *d, const fv_entry *e, fv_bytes *b, fv_err *err)
{
    const state *st = d->state;
    const fv_file *then = &st->shards[e->shard].stamp;
    const char *path = st->files.v[e->shard];
    void *p = NULL;
    fv_file f;
    if (e->size > FV_IMAGE_MAX_BYTES)
        return fv_fail(err, FV_FORMAT, "%" PRIu64 " bytes, at most %d are read", e->size, FV_IMAGE_MAX_BYTES);
    FV_TRY(fv_file_open(&f, path, (size_t)max_shard, err));
    const bool same = f.size == then->size && f.seconds == then->seconds && f.nanoseconds == then->nanoseconds;
    fv_status s = same ? FV_OK : fv_fail(err, FV_FORMAT, "%s: was written to since it was opened", path);
    if (s == FV_OK) s = fv_alloc_or(d->env.heap, &p, (size_t)e->size, err);
    if (s == FV_OK && st->shards[e->shard].gzip)
        s = fv_gunzip_at(st->gunzip, e->shard, &f, e->at, p, (size_t)e->size, path, err);
    else if (s == FV_OK) s = fv_file_at(&f, e->at, p, (size_t)e->size, path, err);
    fv_file_close(&f);
    *b = (fv_bytes){ p, (size_t)e->size };
    if (s == FV_OK) return s;
    fv_release(d->env.heap, p);
    *b = (fv_bytes){ 0 };
    return s;
}

static fv_status bytes(const fv_data *d, int64_t i, fv_bytes *b, int *label, fv_err *err)
{
    const fv_entry *e = entry(d, i);
    *label = e->label;
    *b = (fv_bytes){ 0 };
    if (e->why) return fv_fail(err, FV_FORMAT, "%s: %s", e->name, e->why);
    const fv_status s = read_member(d, e, b, err);
    return s == FV_OK ? s : fv_context(err, s, "%s", e->name);
}

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    fv_bytes b;
    *im = (fv_image){ .heap = d->env.heap };
    FV_TRY(bytes(d, i, &b, label, err));
    const fv_status s = fv_image_decode(im, b, channels, exif, d->env.heap, err);
    fv_release(d->env.heap, (void *)b.p);
    return s == FV_OK ? s : fv_context(err, s, "%s", entry(d, i)->name);
}

static const char *file(const fv_data *d, int64_t i)
{
    return entry(d, i)->name;
}

static void close_set(fv_data *d)
{
    const state *st = d->state;
    if (!st) return;
    fv_release(d->env.heap, st->roster.v);
    fv_release(d->env.heap, st->files.v);
    fv_release(d->env.heap, st->shards);
    fv_gunzip_free(st->gunzip);
}

const fv_source fv_source_shards = { "shards", probe, open_set, get, file, close_set, bytes };
