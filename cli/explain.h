/* explain.h -- the steps of a plan as a table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H
#include "output.h"

/* seconds: of each step, mean of the runs; whole: of a run by the clock; images: of a run; peak: FLOP/s. */
void explain_table(const fv_plan *plan, const double *seconds, double whole, int images, double peak);
/* The same as an array "steps". */
void explain_json(cli_json *j, const fv_plan *plan, const double *seconds, int images, double peak);

#endif
