/* order.h -- the order of parameters, which is that of a state dict.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ORDER_H
#define FV_ORDER_H
#include <fovea.h>

/* Puts the parameters of the node behind `later` in front of those of the node behind `earlier`, which was added first.
 * A state dict lists modules as they were made, a graph as they are used: a module may be made first and used second. */
void fv_params_before(fv_graph *g, fv_val later, fv_val earlier);

#endif
