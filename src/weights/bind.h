/* bind.h -- a file's tensors into a network's parameters, by state-dict name.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BIND_H
#define FV_BIND_H
#include "graph/net.h"
#include "weights/format.h"

/* All or nothing: FV_SHAPE with one message that counts and names what is missing, extra or misshapen, FV_UNSUP for an
 * element type that weights do not have. new_head: weights whose first dimension is the number of classes may have
 * another in the file; they then keep their first values, which is logged. Heads that only training uses are skipped.
 * Sets net->has_weights. */
fv_status fv_bind(fv_net *net, const fv_stored_list *list, bool new_head, fv_err *err);

#endif
