/* bind.h -- a file's tensors into a network's parameters, by state-dict name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BIND_H
#define FV_BIND_H
#include "graph/net.h"
#include "weights/format.h"

/* new_head: weights whose first dimension is the number of classes may have another in the file; they then keep their
 * first values, which is logged. fresh: what the file has nothing for is drawn from `seed`. ema: the moving averages of the
 * file. strict: weights that are not finite are FV_FORMAT, not a warning. each: told of every parameter and tensor. */
typedef struct fv_bind_opts {
    bool new_head, ema, strict, fresh;
    uint64_t seed;
    fv_match_fn *each;
    void *user;
    fv_bytes file;           /* the tensors' file, and where it is open: weights then stay there (on_disk.h) */
    const fv_file *leave_in; /* NULL: they are copied */
    const char *path;
} fv_bind_opts;

/* All or nothing: FV_SHAPE with one message that counts and names what is missing, extra or misshapen, FV_UNSUP for an
 * element type that weights do not have. Wrappers, prefixes and other libraries' names are seen through (names.h). Classifiers
 * that only training uses may be missing, or be there where the network has none. Sets net->has_weights. opts may be NULL. */
fv_status fv_bind(fv_net *net, const fv_stored_list *list, const fv_bind_opts *opts, fv_err *err);
/* How much of file and network fits together, 0 to 1, the number of classes aside. */
double fv_bind_share(const fv_graph *g, const char *network, const fv_stored_list *list, const fv_allocator *heap);

#endif
