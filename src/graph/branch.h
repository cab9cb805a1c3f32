/* branch.h -- residual branches that training may leave out: stochastic depth, for networks whose papers have none.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BRANCH_H
#define FV_BRANCH_H
#include <fovea.h>

/* What the build asks for; called before the first branch. */
void fv_stochastic_depth(fv_graph *g, const fv_build *b);
/* The end of a branch, in front of the addition: x, or what stochastic depth leaves of it. */
fv_val fv_branch(fv_graph *g, fv_val x);
/* Once all branches are there, branch l of L gets a chance of l/L of the last one's. Huang et al. 2016, section 3: linear
 * decay. */
void fv_spread_depth(fv_graph *g);

#endif
