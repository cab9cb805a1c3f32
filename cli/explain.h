/* explain.h -- the steps of a plan as a table.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H
#include "output.h"
#include "roof.h"

typedef struct explanation {
    const fv_plan *plan;
    const double *seconds; /* of each step, then of each overhead: means of the runs */
    double whole;          /* seconds of those runs, by the clock */
    double median;         /* of runs without clocks between the steps */
    roof roof;
} explanation;

void explain_table(explanation *e);
/* The same as an array "steps", and what is left: "overheads", "steps_ms", "losses", "bandwidth". */
void explain_json(explanation *e, cli_json *j);

#endif
