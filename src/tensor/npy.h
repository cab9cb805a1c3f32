/* npy.h -- NumPy's array files in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NPY_H
#define FV_NPY_H
#include "tensor/dtype.h"

enum { FV_NPY_HEAD = 512 };

/* An array as it lies in its file. */
typedef struct fv_npy {
    fv_dtype dtype;
    int rank, dim[8];
    fv_bytes data;
} fv_npy;

/* Versions 1 to 3; <f4, <f8, <f2, |u1 and <i8; C order. FV_FORMAT, FV_UNSUP (names what). */
fv_status fv_npy_open(fv_npy *a, fv_bytes file, fv_err *err);
/* The same as floats. FV_NOMEM as well. */
fv_status fv_npy_parse(fv_array *a, fv_bytes file, const fv_allocator *heap, fv_err *err);
/* All that stands before the data of a rank of at most 8; returns its bytes. dtype: one that is read. */
size_t fv_npy_head(char head[FV_NPY_HEAD], fv_dtype dtype, int rank, const int64_t *dim);

#endif
