/* cifar.c -- CIFAR-10 and CIFAR-100 in their binary form: label bytes and 3 planes of 32 x 32 per record.
 * https://www.cs.toronto.edu/~kriz/cifar.html; CIFAR-100 has a coarse label before the fine one, which counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/sources.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_FILES = 5, MAX_FILE = 1 << 30 };

/* A row: the files of a form of the set. */
typedef struct form {
    const char *folder, *names;
    const char *train[MAX_FILES + 1], *test[2];
    int labels, classes;
} form;

// clang-format off
static const form forms[] = {
    { "cifar-10-batches-bin", "batches.meta.txt",
      { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin" },
      { "test_batch.bin" }, 1, 10 },
    { "cifar-100-binary", "fine_label_names.txt", { "train.bin" }, { "test.bin" }, 2, 100 },
};
// clang-format on

typedef struct state {
    const form *form;
    int files;
    fv_bytes file[MAX_FILES];
    int64_t first[MAX_FILES + 1]; /* samples before each file */
    const char *path[MAX_FILES];
} state;

fv_status fv_cifar_check(fv_bytes file, int labels, int classes, int64_t *n, fv_err *err)
{
    const size_t record = (size_t)labels + FV_CIFAR_PIXELS;
    *n = 0;
    if (file.len == 0 || file.len % record != 0)
        return fv_fail(err, FV_FORMAT, "%zu bytes are not a whole number of records of %zu", file.len, record);
    const int64_t count = (int64_t)(file.len / record);
    for (int64_t i = 0; i < count; i++) {
        const int label = file.p[(size_t)i * record + (size_t)labels - 1];
        if (label >= classes)
            return fv_fail(err, FV_FORMAT, "record %" PRId64 " has label %d of %d classes", i, label, classes);
    }
    *n = count;
    return FV_OK;
}

fv_status fv_cifar_get(fv_image *im, const uint8_t *record, int labels, int channels, const fv_allocator *heap,
                       fv_err *err)
{
    enum { SIDE = FV_CIFAR_SIDE, PLANE = SIDE * SIDE };
    FV_TRY(fv_image_new(im, SIDE, SIDE, channels, heap, err));
    for (int y = 0; y < SIDE; y++) {
        uint8_t row[3 * SIDE];
        const uint8_t *in = record + labels + y * SIDE;
        for (int x = 0; x < SIDE; x++) {
            row[3 * x] = in[x];
            row[3 * x + 1] = in[PLANE + x];
            row[3 * x + 2] = in[2 * PLANE + x];
        }
        fv_image_put_row(im, y, row, 3);
    }
    return FV_OK;
}

static bool has(fv_arena *a, const char *folder, const char *name)
{
    const char *path = fv_arena_printf(a, "%s/%s", folder, name);
    return path && fv_data_is_file(path);
}

/* The form whose files lie in path itself or in the folder they are packed with; *at is that folder. */
static const form *find(fv_arena *a, const char *path, const char **at)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *const inside[2] = { path, fv_arena_printf(a, "%s/%s", path, forms[i].folder) };
        for (int k = 0; k < 2 && inside[k]; k++)
            if (has(a, inside[k], forms[i].train[0]) || has(a, inside[k], forms[i].test[0])) {
                *at = inside[k];
                return &forms[i];
            }
    }
    return NULL;
}

static bool probe(const char *path)
{
    fv_arena a = { 0 };
    const char *at;
    const bool found = find(&a, path, &at) != NULL;
    fv_arena_free(&a);
    return found;
}

static fv_status read_files(fv_data *d, state *st, const char *folder, const char *const *names, fv_err *err)
{
    for (; names[st->files]; st->files++) {
        const int i = st->files;
        int64_t n = 0;
        st->path[i] = fv_arena_printf(&d->arena, "%s/%s", folder, names[i]);
        FV_TRY(fv_data_memory(d, err));
        FV_TRY(fv_file_read(&st->file[i], st->path[i], MAX_FILE, d->env.heap, err));
        const fv_status s = fv_cifar_check(st->file[i], st->form->labels, st->form->classes, &n, err);
        st->first[i + 1] = st->first[i] + n;
        if (s == FV_OK) continue;
        st->files++; /* for close */
        return fv_context(err, s, "%s", st->path[i]);
    }
    d->count = st->first[st->files];
    return FV_OK;
}

static fv_status open_set(fv_data *d, const char *path, const fv_data_opts *opts, fv_err *err)
{
    if (strcmp(opts->split, "all") == 0) return fv_fail(err, FV_ARG, "%s: CIFAR has the splits train and test", path);
    const char *folder = NULL;
    const form *f = find(&d->arena, path, &folder);
    state *st = fv_arena_alloc(&d->arena, sizeof *st);
    FV_TRY(fv_data_memory(d, err));
    if (!f) return fv_fail(err, FV_NOINPUT, "%s: the CIFAR files are gone", path);
    const bool train = strcmp(opts->split, "train") == 0;
    d->state = st;
    st->form = f;
    d->split = fv_arena_strdup(&d->arena, train ? "train" : "test");
    d->h = d->w = FV_CIFAR_SIDE;
    d->channels = 3;
    d->classes = f->classes;
    FV_TRY(read_files(d, st, folder, train ? f->train : f->test, err));
    const char *names = fv_arena_printf(&d->arena, "%s/%s", folder, f->names);
    FV_TRY(fv_data_memory(d, err));
    int n = 0;
    FV_TRY(fv_data_read_names(d, names, &d->class_names, &n, err));
    if (n != 0 && n != f->classes) return fv_fail(err, FV_FORMAT, "%s: %d names for %d classes", names, n, f->classes);
    return FV_OK;
}

static int file_of(const state *st, int64_t i)
{
    int f = 0;
    while (i >= st->first[f + 1]) f++;
    return f;
}

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    (void)exif; /* these pictures have none */
    const state *st = d->state;
    const int f = file_of(st, i), labels = st->form->labels;
    const uint8_t *record = st->file[f].p + (size_t)(i - st->first[f]) * ((size_t)labels + FV_CIFAR_PIXELS);
    *label = record[labels - 1];
    return fv_cifar_get(im, record, labels, channels, d->env.heap, err);
}

static const char *file(const fv_data *d, int64_t i)
{
    const state *st = d->state;
    return st->path[file_of(st, i)];
}

static void close_set(fv_data *d)
{
    state *st = d->state;
    for (int i = 0; st && i < st->files; i++) fv_release(d->env.heap, (void *)st->file[i].p);
}

const fv_source fv_source_cifar = { "cifar", probe, open_set, get, file, close_set, NULL };
