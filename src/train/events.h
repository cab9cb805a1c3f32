/* events.h -- TensorBoard's event files: scalars by tag and step, appended as the run goes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_EVENTS_H
#define FV_EVENTS_H
#include "base/bytes.h"
#include <limits.h>

typedef struct fv_scalar {
    const char *tag;
    double value;
} fv_scalar;

/* Records, appended to w. The first of a file; where a run goes on behind `step` steps TensorBoard is told to forget what
 * an older file says of later ones. */
void fv_events_head(fv_writer *w, double date, int64_t step);
void fv_events_scalars(fv_writer *w, double date, int64_t step, const fv_scalar *v, int n);

/* A file under way: records are gathered and written every few seconds. A file that cannot be written is told once and
 * given up: the run does not depend on it. */
typedef struct fv_events {
    char path[PATH_MAX];
    fv_writer waiting;
    double written; /* clock */
    bool given_up;
} fv_events;
/* A name of its own in the folder; a run from step 0 removes the event files of earlier ones. */
void fv_events_begin(fv_events *e, const char *folder, int64_t step, const fv_env *env);
/* FV_NOMEM is all that is told. now: write them at once. */
fv_status fv_events_add(fv_events *e, int64_t step, const fv_scalar *v, int n, bool now, const fv_env *env,
                        fv_err *err);
void fv_events_free(fv_events *e); /* writes what waits */

#endif
