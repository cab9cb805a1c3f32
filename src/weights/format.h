/* format.h -- what a weight file holds, and the row of a format that reads it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_FORMAT_H
#define FV_FORMAT_H
#include "base/alloc.h"
#include "tensor/dtype.h"

enum { FV_TENSOR_RANK = 8 };

/* One tensor of a file; `data` borrows from the file's bytes or the list's arena, aligned for nothing. */
typedef struct fv_stored {
    const char *name;
    fv_dtype dtype;
    int rank;
    int64_t dim[FV_TENSOR_RANK];
    fv_bytes data;
} fv_stored;
typedef struct fv_pair {
    const char *key, *value;
} fv_pair;

/* Sorted by name, names unique; so are the pairs by key. */
typedef struct fv_stored_list {
    fv_stored *tensor;
    size_t count;
    fv_pair *pair;
    size_t pairs;
} fv_stored_list;

/* read: names and arrays come from the arena, tensor data is the file's, or the arena's where the file has it in another
 * order. FV_FORMAT, FV_UNSUP, FV_NOMEM; the list is
 * empty on failure. */
typedef struct fv_weight_format {
    const char *name;
    bool (*probe)(fv_bytes file);
    fv_status (*read)(fv_bytes file, fv_stored_list *list, fv_arena *arena, fv_err *err);
} fv_weight_format;
extern const fv_weight_format fv_safetensors, fv_pth, fv_pth_legacy, fv_npz;

/* Reads with the first format that knows the file. */
fv_status fv_weights_read(fv_bytes file, fv_stored_list *list, fv_arena *arena, fv_err *err);

/* safetensors, written: puts the tensors into the file's order and appends all that stands before the data, which then
 * follows in list order without gaps. The same list always gives the same bytes. */
void fv_safetensors_head(fv_writer *w, fv_stored_list *list);
/* npz, written as numpy.savez does: a stored zip archive of one npy file a tensor. FV_UNSUP past 4 GiB. */
fv_status fv_npz_write(const char *path, const fv_stored_list *list, fv_arena *arena, fv_err *err);

#endif
