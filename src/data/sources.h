/* sources.h -- what the kinds of data sets share, and their parsers as functions of bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SOURCES_H
#define FV_SOURCES_H
#include "data/source.h"
#include "image/pixels.h"

extern const fv_source fv_source_folder, fv_source_idx, fv_source_cifar, fv_source_list, fv_source_shards;

/* "train", "val", "test" or "all"; FV_ARG for anything else. NULL means "train". */
fv_status fv_data_check_split(const char **split, fv_err *err);
/* FV_NOMEM where the arena has failed: asked once after a row of strings. */
fv_status fv_data_memory(const fv_data *d, fv_err *err);
bool fv_data_is_folder(const char *path);
bool fv_data_is_file(const char *path);
/* Class names, one a line, into the arena. A missing file gives *names = NULL and *n = 0. */
fv_status fv_data_read_names(fv_data *d, const char *path, const char *const **names, int *n, fv_err *err);

/* An IDX file of unsigned bytes (http://yann.lecun.com/exdb/mnist): the span borrows from the file. */
typedef struct fv_idx {
    int64_t dim[3]; /* unused ones are 1 */
    const uint8_t *data;
    size_t size; /* the product of dim */
} fv_idx;
fv_status fv_idx_parse(fv_idx *x, fv_bytes file, int rank, fv_err *err);
/* The file inside a .gz; never larger than its own IDX header says. The caller releases out->p. */
fv_status fv_idx_inflate(fv_bytes *out, fv_bytes gz, const fv_allocator *heap, fv_err *err);

/* Records of `labels` label bytes (the last one counts) and 3 planes of 32 x 32. FV_FORMAT with both numbers. */
enum { FV_CIFAR_SIDE = 32, FV_CIFAR_PIXELS = 3 * 32 * 32 };
fv_status fv_cifar_check(fv_bytes file, int labels, int classes, int64_t *n, fv_err *err);
fv_status fv_cifar_get(fv_image *im, const uint8_t *record, int labels, int channels, const fv_allocator *heap,
                       fv_err *err);

#endif
