/* source.h -- labelled pictures from somewhere: one row per kind of data set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SOURCE_H
#define FV_SOURCE_H
#include "image/image.h"

/* The struct behind the public fv_data. A source fills it in open; everything lives in the arena. */
struct fv_data {
    const struct fv_source *source;
    fv_env env;
    fv_arena arena;
    char *split;
    int64_t count;
    int classes;
    const char *const *class_names; /* NULL: none */
    int h, w, channels;
    void *state; /* the source's own */
};

typedef struct fv_source {
    const char *name;
    bool (*probe)(const char *path); /* does `path` look like one of mine? */
    fv_status (*open)(fv_data *d, const char *path, const fv_data_opts *opts, fv_err *err);
    /* Sample i in the source's own order; may be called from many threads. The failure names the file. */
    fv_status (*get)(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err);
    const char *(*file)(const fv_data *d, int64_t i); /* the file of a sample, for messages and lists */
    void (*close)(fv_data *d);                        /* what the arena does not hold; may be NULL */
    /* The picture's file, to be released; NULL where pictures are no files. Likewise from many threads. */
    fv_status (*bytes)(const fv_data *d, int64_t i, fv_bytes *b, int *label, fv_err *err);
} fv_source;
extern const fv_source *const fv_sources[]; /* ends with NULL */

#endif
