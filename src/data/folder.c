/* folder.c -- pictures in folders named by their class: root/{train,val,test}/class/..., or root/class/... with a
 * seeded split. Classes are sorted by code point, as torchvision's ImageFolder does; names starting with a dot are
 * skipped; links are followed, except back into a folder on the way.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "data/roster.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 32, MAX_FOLDERS = 100000, MAX_SAMPLES = 1 << 28, MAX_CLASSES = 1 << 20 };

typedef struct sample {
    const char *path;
    int label;
} sample;

typedef struct state {
    sample *v; /* on the heap: it grows */
    size_t n, cap;
} state;

typedef struct names {
    const char **v; /* the array on the heap, the strings in the arena */
    size_t n, cap;
} names;

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const sample *)a)->path, ((const sample *)b)->path);
}

static fv_status add_class(fv_data *d, names *out, const char *root, const char *name, fv_err *err)
{
    const char *path = fv_arena_printf(&d->arena, "%s/%s", root, name);
    FV_TRY(fv_data_memory(d, err));
    if (!fv_data_is_folder(path)) return FV_OK;
    if (!fv_class_name_is_clean(name))
        return fv_fail(err, FV_FORMAT, "%s: folder %zu has a name that is not UTF-8 or holds control characters", root,
                       out->n);
    if (out->n >= MAX_CLASSES) return fv_fail(err, FV_FORMAT, "%s: more than %d folders", root, MAX_CLASSES);
    FV_TRY(fv_grow(d->env.heap, (void **)&out->v, &out->cap, out->n + 1, sizeof *out->v, err));
    out->v[out->n++] = fv_arena_strdup(&d->arena, name);
    return fv_data_memory(d, err);
}

/* The folders in root, sorted. The caller releases out->v. */
static fv_status list_classes(fv_data *d, names *out, const char *root, fv_err *err)
{
    DIR *dir = opendir(root);
    if (!dir) return fv_fail_open(err, false, root);
    fv_status s = FV_OK;
    for (const struct dirent *e; s == FV_OK && (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.') s = add_class(d, out, root, e->d_name, err);
    closedir(dir);
    if (s == FV_OK && out->n > 1) qsort(out->v, out->n, sizeof *out->v, by_name);
    return s;
}

/* Folders still to be read, breadth first; `up` leads back to the root, for finding loops. */
typedef struct place {
    const char *path;
    int up, depth;
    dev_t dev;
    ino_t ino;
} place;

typedef struct walk {
    fv_data *d;
    state *st;
    int label;
    place *v;
    size_t n, cap;
} walk;

static bool on_the_way(const walk *w, int up, const struct stat *st)
{
    for (int i = up; i >= 0; i = w->v[i].up)
        if (w->v[i].dev == st->st_dev && w->v[i].ino == st->st_ino) return true;
    return false;
}

static fv_status push_folder(walk *w, const char *path, int up, const struct stat *st, fv_err *err)
{
    if (on_the_way(w, up, st)) {
        fv_log(&w->d->env, FV_LOG_WARN, "%s: leads back to a folder above it, skipped", path);
        return FV_OK;
    }
    const int depth = up < 0 ? 0 : w->v[up].depth + 1;
    if (depth > MAX_DEPTH) return fv_fail(err, FV_FORMAT, "%s: more than %d folders deep", path, MAX_DEPTH);
    if (w->n >= MAX_FOLDERS) return fv_fail(err, FV_FORMAT, "%s: more than %d folders of one class", path, MAX_FOLDERS);
    FV_TRY(fv_grow(w->d->env.heap, (void **)&w->v, &w->cap, w->n + 1, sizeof *w->v, err));
    w->v[w->n++] = (place){ path, up, depth, st->st_dev, st->st_ino };
    return FV_OK;
}

static fv_status add_sample(walk *w, const char *path, fv_err *err)
{
    state *st = w->st;
    if (st->n >= MAX_SAMPLES) return fv_fail(err, FV_FORMAT, "%s: more than %d pictures", path, MAX_SAMPLES);
    FV_TRY(fv_grow(w->d->env.heap, (void **)&st->v, &st->cap, st->n + 1, sizeof *st->v, err));
    st->v[st->n++] = (sample){ path, w->label };
    return FV_OK;
}

/* A picture that cannot be read stays in the list: whoever reads it counts it. */
static fv_status visit(walk *w, int at, const struct dirent *e, fv_err *err)
{
    const bool picture = fv_image_known_extension(e->d_name);
    if (e->d_name[0] == '.' || (e->d_type == DT_REG && !picture)) return FV_OK;
    const char *path = fv_arena_printf(&w->d->arena, "%s/%s", w->v[at].path, e->d_name);
    FV_TRY(fv_data_memory(w->d, err));
    struct stat st;
    if (e->d_type != DT_REG && stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode)) return push_folder(w, path, at, &st, err);
        if (!S_ISREG(st.st_mode)) return FV_OK;
    }
    return picture ? add_sample(w, path, err) : FV_OK;
}

static fv_status visit_all(walk *w, const char *root, fv_err *err)
{
    struct stat st;
    if (stat(root, &st) != 0) return fv_fail_open(err, false, root);
    fv_status s = push_folder(w, root, -1, &st, err);
    for (size_t i = 0; i < w->n && s == FV_OK; i++) {
        DIR *dir = opendir(w->v[i].path);
        if (!dir) return fv_fail_open(err, false, w->v[i].path);
        for (const struct dirent *e; s == FV_OK && (e = readdir(dir)) != NULL;) s = visit(w, (int)i, e, err);
        closedir(dir);
    }
    return s;
}

/* Keeps the part of samples [first, n) that belongs to the split; all are sorted by name. At least one trains. */
static void keep_share(state *st, size_t first, int label, const fv_data_opts *o)
{
    const bool want_val = strcmp(o->split, "val") == 0;
    fv_share share = fv_share_of(o, label, st->n - first);
    size_t kept = first;
    for (size_t i = first; i < st->n; i++)
        if (fv_share_is_val(&share) == want_val) st->v[kept++] = st->v[i];
    st->n = kept;
}

/* All pictures below root/name. */
static fv_status add_folder(fv_data *d, const char *root, const char *name, int label, const fv_data_opts *share,
                            fv_err *err)
{
    state *st = d->state;
    const size_t first = st->n;
    const char *path = fv_arena_printf(&d->arena, "%s/%s", root, name);
    FV_TRY(fv_data_memory(d, err));
    walk w = { .d = d, .st = st, .label = label };
    const fv_status s = visit_all(&w, path, err);
    fv_release(d->env.heap, w.v);
    FV_TRY(s);
    if (st->n == first) return fv_fail(err, FV_FORMAT, "%s: class '%s' has no pictures", root, name);
    qsort(st->v + first, st->n - first, sizeof *st->v, by_path);
    if (share) keep_share(st, first, label, share);
    return FV_OK;
}

/* Copies the class list into the arena. */
static fv_status keep_names(fv_data *d, const char *const *v, int n, fv_err *err)
{
    const char **out = fv_arena_alloc(&d->arena, ((size_t)n + 1) * sizeof *out);
    for (int i = 0; out && i < n; i++) out[i] = fv_arena_strdup(&d->arena, v[i]);
    d->class_names = out;
    d->classes = n;
    return fv_data_memory(d, err);
}

/* The classes are the caller's, or those of the training folder, or the folders found here. */
static fv_status settle_classes(fv_data *d, const char *train, const names *here, const fv_data_opts *o, fv_err *err)
{
    if (o->class_names) return keep_names(d, o->class_names, o->classes, err);
    names of_train = { 0 };
    fv_status s = train ? list_classes(d, &of_train, train, err) : FV_OK;
    const names *n = train ? &of_train : here;
    if (s == FV_OK) s = keep_names(d, n->v, (int)n->n, err);
    fv_release(d->env.heap, of_train.v);
    return s;
}

static fv_status read_classes(fv_data *d, const char *root, const char *train, const fv_data_opts *o, bool share,
                              fv_err *err)
{
    names here = { 0 };
    fv_status s = list_classes(d, &here, root, err);
    if (s == FV_OK && here.n == 0) s = fv_fail(err, FV_FORMAT, "%s: no class folders in it", root);
    if (s == FV_OK) s = settle_classes(d, train, &here, o, err);
    for (size_t i = 0; i < here.n && s == FV_OK; i++) {
        const int label = fv_class_find(d->class_names, d->classes, here.v[i]);
        s = label < 0 ? fv_fail(err, FV_FORMAT, "%s: class '%s' is not among the %d classes of training", root,
                                here.v[i], d->classes)
                      : add_folder(d, root, here.v[i], label, share ? o : NULL, err);
    }
    fv_release(d->env.heap, here.v);
    return s;
}

static const struct split_name {
    const char *split, *folder;
} split_names[] = {
    { "train", "train" }, { "val", "val" }, { "val", "valid" }, { "val", "validation" }, { "test", "test" }
};
enum { SPLIT_NAMES = sizeof split_names / sizeof *split_names };

/* root/<folder of that split>, or NULL; split NULL: of any. */
static const char *split_folder(fv_data *d, const char *root, const char *split)
{
    for (int i = 0; i < SPLIT_NAMES; i++) {
        if (split && strcmp(split_names[i].split, split) != 0) continue;
        const char *path = fv_arena_printf(&d->arena, "%s/%s", root, split_names[i].folder);
        if (path && fv_data_is_folder(path)) return path;
    }
    return NULL;
}

static fv_status open_split(fv_data *d, const char *path, const fv_data_opts *o, fv_err *err)
{
    const char *root = split_folder(d, path, o->split), *train = split_folder(d, path, "train");
    FV_TRY(fv_data_memory(d, err));
    if (!root) return fv_fail(err, FV_NOINPUT, "%s: no folder '%s' in it", path, o->split);
    const char *name = strrchr(root, '/') + 1;
    if (strcmp(name, o->split) != 0) fv_log(&d->env, FV_LOG_INFO, "%s: taken for the %s split", root, o->split);
    d->split = fv_arena_strdup(&d->arena, name);
    return read_classes(d, root, train && train != root ? train : NULL, o, false, err);
}

static fv_status open_set(fv_data *d, const char *path, const fv_data_opts *o, fv_err *err)
{
    d->state = fv_arena_alloc(&d->arena, sizeof(state));
    d->channels = 3;
    const bool split = split_folder(d, path, NULL) != NULL;
    FV_TRY(fv_data_memory(d, err));
    const state *st = d->state;
    if (split) {
        FV_TRY(open_split(d, path, o, err));
    } else {
        if (strcmp(o->split, "test") == 0) return fv_fail(err, FV_NOINPUT, "%s: no folder 'test' in it", path);
        d->split = fv_arena_strdup(&d->arena, o->split);
        FV_TRY(read_classes(d, path, NULL, o, strcmp(o->split, "all") != 0, err));
    }
    d->count = (int64_t)st->n;
    if (d->count == 0) return fv_fail(err, FV_FORMAT, "%s: the %s split has no pictures", path, o->split);
    return FV_OK;
}

/* Any folder with a folder in it. */
static bool probe(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return false;
    bool found = false;
    fv_arena a = { 0 };
    for (const struct dirent *e; !found && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        const char *inner = e->d_type == DT_REG ? NULL : fv_arena_printf(&a, "%s/%s", path, e->d_name);
        found = inner && fv_data_is_folder(inner);
    }
    fv_arena_free(&a);
    closedir(dir);
    return found;
}

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    const sample *s = &((const state *)d->state)->v[i];
    *label = s->label;
    return fv_image_load(im, s->path, channels, exif, d->env.heap, err);
}

static const char *file(const fv_data *d, int64_t i)
{
    return ((const state *)d->state)->v[i].path;
}

static void close_set(fv_data *d)
{
    const state *st = d->state;
    if (st) fv_release(d->env.heap, st->v);
}

static fv_status bytes(const fv_data *d, int64_t i, fv_bytes *b, int *label, fv_err *err)
{
    const sample *s = &((const state *)d->state)->v[i];
    *label = s->label;
    return fv_file_read(b, s->path, FV_IMAGE_MAX_BYTES, d->env.heap, err);
}

const fv_source fv_source_folder = { "folder", probe, open_set, get, file, close_set, bytes };
