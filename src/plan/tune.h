/* tune.h -- choosing among variants of a plan that give the same bits, by timing them on the plan itself.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TUNE_H
#define FV_TUNE_H
#include "plan/parts.h"
#include "plan/wisdom.h"

/* Raised whenever a variant changes its meaning: wisdom of others is then not used. */
enum { FV_VARIANTS = 3 };

/* Is the plan one whose variants are timed? */
bool fv_plan_tunes(const fv_plan_request *rq, const fv_env *env);
/* The same as fv_plan_make for such a request, by what the net's host knows and what is timed now. */
fv_status fv_plan_make_tuned(fv_plan **plan, fv_net *net, const fv_plan_request *rq, fv_err *err);

#endif
