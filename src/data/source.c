/* source.c -- labelled data: the table of kinds, what they share, and the public fv_data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/sources.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_NAMES_BYTES = 16 << 20, MAX_CLASSES = 1 << 20 };

/* Folders last: files of the other kinds may lie in one. */
const fv_source *const fv_sources[] = { &fv_source_cifar, &fv_source_idx,    &fv_source_shards,
                                        &fv_source_list,  &fv_source_folder, NULL };

fv_status fv_data_check_split(const char **split, fv_err *err)
{
    static const char *const known[] = { "train", "val", "test", "all" };
    if (!*split) *split = "train";
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(*split, known[i]) == 0) return FV_OK;
    return fv_fail(err, FV_ARG, "no split '%s': there are train, val, test and all", *split);
}

fv_status fv_data_memory(const fv_data *d, fv_err *err)
{
    if (!d->arena.failed) return FV_OK;
    return fv_fail(err, FV_NOMEM, "out of memory after %zu bytes of a data set's names", d->arena.total);
}

bool fv_data_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool fv_data_is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Calls once per line that is not blank; out may be NULL to count. */
static int split_lines(fv_data *d, fv_bytes text, const char **out)
{
    int n = 0;
    const char *p = (const char *)text.p, *end = p + text.len;
    while (p < end && n < MAX_CLASSES) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop) stop = end;
        size_t len = (size_t)(stop - p);
        while (len > 0 && (p[len - 1] == '\r' || p[len - 1] == ' ')) len--;
        if (len > 0) {
            if (out) out[n] = fv_arena_strndup(&d->arena, p, len);
            n++;
        }
        p = stop < end ? stop + 1 : end;
    }
    return n;
}

fv_status fv_data_read_names(fv_data *d, const char *path, const char *const **names, int *n, fv_err *err)
{
    *names = NULL;
    *n = 0;
    if (!fv_data_is_file(path)) return FV_OK;
    fv_bytes text = { 0 };
    FV_TRY(fv_file_read(&text, path, MAX_NAMES_BYTES, d->env.heap, err));
    const int count = split_lines(d, text, NULL);
    const char **v = fv_arena_alloc(&d->arena, ((size_t)count + 1) * sizeof *v);
    if (v) split_lines(d, text, v);
    fv_release(d->env.heap, (void *)text.p);
    FV_TRY(fv_data_memory(d, err));
    if (count == 0) return fv_fail(err, FV_FORMAT, "%s: no class names in it", path);
    *names = v;
    *n = count;
    return FV_OK;
}

static fv_status open_any(fv_data *d, const char *path, const fv_data_opts *opts, fv_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0 && !strchr(path, '{')) return fv_fail_open(err, false, path); /* braces: several files */
    for (const fv_source *const *s = fv_sources; *s; s++) {
        if (!(*s)->probe(path)) continue;
        d->source = *s;
        return (*s)->open(d, path, opts, err);
    }
    return fv_fail(err, FV_FORMAT,
                   "%s: no data set: looked for CIFAR batches (data_batch_1.bin, train.bin), IDX files "
                   "(train-images-idx3-ubyte), tar shards (train-000.tar, .tar.gz), lists (train.csv) and one folder "
                   "of pictures per class",
                   path);
}

/* Names from a file of the caller's, for sources that carry none. */
static fv_status name_classes(fv_data *d, const char *file, fv_err *err)
{
    int n = 0;
    if (d->class_names) return fv_fail(err, FV_ARG, "%s: the classes of this data have names already", file);
    FV_TRY(fv_data_read_names(d, file, &d->class_names, &n, err));
    if (!d->class_names) return fv_fail(err, FV_NOINPUT, "%s: no such file of class names", file);
    if (n != d->classes) return fv_fail(err, FV_FORMAT, "%s: %d names for %d classes", file, n, d->classes);
    return FV_OK;
}

fv_status fv_data_open(fv_data **data, const char *path, const fv_data_opts *opts, const fv_env *env, fv_err *err)
{
    *data = NULL;
    fv_data_opts o = opts ? *opts : (fv_data_opts){ 0 };
    FV_TRY(fv_data_check_split(&o.split, err));
    if (!(o.val_share >= 0 && o.val_share < 1))
        return fv_fail(err, FV_ARG, "a validation share of %g is not in [0, 1)", o.val_share);
    if (o.val_share == 0) o.val_share = 0.2;
    const fv_allocator *heap = env ? env->heap : NULL;
    fv_data *d = NULL;
    FV_TRY(fv_alloc_zero(heap, (void **)&d, sizeof *d, err));
    if (env) d->env = *env;
    d->arena.heap = heap;
    fv_status s = open_any(d, path, &o, err);
    if (s == FV_OK && o.names_file) s = name_classes(d, o.names_file, err);
    if (s == FV_OK) s = fv_data_memory(d, err);
    if (s != FV_OK) {
        fv_data_free(d);
        return s;
    }
    *data = d;
    return FV_OK;
}

void fv_data_free(fv_data *d)
{
    if (!d) return;
    if (d->source && d->source->close) d->source->close(d);
    fv_arena_free(&d->arena);
    fv_release(d->env.heap, d);
}

void fv_data_describe(const fv_data *d, fv_data_info *info)
{
    *info = (fv_data_info){ .source = d->source->name,
                            .split = d->split,
                            .count = d->count,
                            .classes = d->classes,
                            .class_names = d->class_names,
                            .h = d->h,
                            .w = d->w,
                            .channels = d->channels };
}

fv_status fv_data_export_png(fv_data *d, int64_t i, const char *path, int *label, fv_err *err)
{
    if (i < 0 || i >= d->count) return fv_fail(err, FV_ARG, "no sample %" PRId64 " in a set of %" PRId64, i, d->count);
    fv_image im = { .heap = d->env.heap };
    int of = 0;
    FV_TRY(d->source->get(d, i, d->channels, FV_EXIF_APPLY, &im, &of, err));
    const fv_status s = fv_image_write_png(&im, path, err);
    fv_image_free(&im);
    if (s == FV_OK && label) *label = of;
    return s;
}
