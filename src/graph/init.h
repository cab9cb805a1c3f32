/* init.h -- first values of parameters.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_INIT_H
#define FV_INIT_H
#include "graph/graph.h"

/* Fills p's floats: weights and biases by p->init with the fans of `weight` (p itself, or the weight beside a bias);
 * norms become the identity, running variances are the caller's to set. */
void fv_init_draw(float *out, const fv_param *p, const fv_param *weight, uint64_t seed, uint64_t stream);

#endif
