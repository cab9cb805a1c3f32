/* unpickle.h -- pickles as data: what torch.save writes becomes a tree of values, and nothing is ever called.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_UNPICKLE_H
#define FV_UNPICKLE_H
#include "base/alloc.h"
#include "base/bytes.h"
#include "tensor/dtype.h"
#include "weights/blocks.h"

typedef enum fv_pickled_kind {
    FV_PICKLED_UNSET, /* an entry of the memo that was never put */
    FV_PICKLED_MARK,
    FV_PICKLED_NONE,
    FV_PICKLED_BOOL,
    FV_PICKLED_INT,
    FV_PICKLED_BIG, /* a whole number of more than 64 bits: n little-endian bytes at `at` */
    FV_PICKLED_REAL,
    FV_PICKLED_TEXT,   /* n bytes at `at`, of any content */
    FV_PICKLED_GLOBAL, /* row n of the table of globals */
    FV_PICKLED_TUPLE,  /* from here on n is the number of a container */
    FV_PICKLED_LIST,
    FV_PICKLED_DICT,    /* key, value, key, value, ... */
    FV_PICKLED_STORAGE, /* its persistent id: "storage", type, key, device, elements */
    FV_PICKLED_TENSOR   /* arguments of _rebuild_tensor: storage, offset, sizes, strides, ... */
} fv_pickled_kind;

typedef struct fv_pickled {
    uint8_t kind; /* fv_pickled_kind */
    uint32_t n;
    union {
        int64_t i;
        double d;
        uint64_t at; /* offset in the pickle's bytes */
    };
} fv_pickled;

typedef struct fv_pickle {
    const fv_allocator *heap;
    fv_reader r;
    fv_pickled root;
    fv_blocks stack, memo, items, containers;
    size_t *budget; /* bytes that may still be taken */
    fv_err *err;
} fv_pickle;

/* A storage and a tensor, taken apart and checked for kinds and signs; not for whether they fit each other. */
typedef struct fv_pickled_storage {
    fv_bytes key;
    fv_dtype dtype;
    uint64_t elements;
} fv_pickled_storage;
enum { FV_PICKLED_RANK = 8 };
typedef struct fv_pickled_tensor {
    fv_pickled_storage storage;
    uint64_t offset; /* elements, as are the strides */
    int rank;
    int64_t dim[FV_PICKLED_RANK], stride[FV_PICKLED_RANK];
} fv_pickled_tensor;

/* Reads one pickle from r, which moves behind it, and keeps its values until fv_pickle_free, also after a failure. All
 * memory is charged to *budget. FV_UNSUP names a global that is not in the table, FV_FORMAT, FV_NOMEM. */
fv_status fv_unpickle(fv_pickle *p, fv_reader *r, size_t *budget, const fv_allocator *heap, fv_err *err);
void fv_pickle_free(fv_pickle *p);

/* Walking a container: *at starts with fv_pickle_first, is 0 behind the last item. Containers may hold each other in
 * circles: fv_pickle_enter is false where the container was entered in this round (from 1 on) already. */
uint32_t fv_pickle_first(const fv_pickle *p, fv_pickled container);
fv_pickled fv_pickle_item(const fv_pickle *p, uint32_t *at);
bool fv_pickle_enter(fv_pickle *p, fv_pickled container, uint8_t round);
fv_bytes fv_pickle_text(const fv_pickle *p, fv_pickled v); /* of a TEXT or BIG */
void fv_pickle_tensor(const fv_pickle *p, fv_pickled v, fv_pickled_tensor *t);
/* Storage i in the order of the pickle; false past the last one. *at is the walk's, 0 at its start. */
bool fv_pickle_storage(const fv_pickle *p, uint32_t *at, fv_pickled_storage *s);

#endif
