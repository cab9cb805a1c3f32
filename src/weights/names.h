/* names.h -- the tensors of a file under the names that a network gives them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NAMES_H
#define FV_NAMES_H
#include "graph/graph.h"
#include "weights/format.h"

/* A tensor and its name in the network, as far as it could be found. */
typedef struct fv_named {
    const char *name;
    const fv_stored *stored;
    bool renamed; /* by names.def; a prefix that was taken off does not count */
} fv_named;
typedef struct fv_named_list {
    fv_named *tensor; /* sorted by name; two may have the same one */
    size_t count;
    const char *prefix;  /* of the part of the file that was taken, "" or "state_dict.module." */
    bool averages;       /* that part is moving averages, and was not asked for: there was nothing else */
    size_t beside;       /* tensors outside it */
    const char **params; /* the network's own names, sorted */
    size_t nparams;
} fv_named_list;

/* Chooses the part of the file that holds the network's weights (the moving averages, if `ema`), and renames by the rows
 * of names.def whose network begins `network`. FV_NOMEM; FV_FORMAT where averages are wanted and there are none. */
fv_status fv_name_all(fv_named_list *out, const fv_graph *g, const char *network, const fv_stored_list *list, bool ema,
                      fv_arena *a, fv_err *err);
bool fv_name_is_param(const fv_named_list *l, const char *name);
const fv_named *fv_name_find(const fv_named_list *l, const char *name); /* NULL: none */

#endif
