/* schedule.h -- the learning rate of each step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SCHEDULE_H
#define FV_SCHEDULE_H
#include <fovea.h>

enum { FV_MAX_MILESTONES = 16 };
typedef struct fv_schedule {
    fv_sched kind;
    double lr;                           /* the highest */
    int64_t epoch_steps, steps;          /* of an epoch; of the run */
    double warmup_epochs, warmup_lr;     /* linear from that rate */
    double decay_epochs, decay_rate;     /* by steps, exponential; decay_rate: at milestones, too */
    double power, min_lr;                /* polynomial; where cosine and polynomial end */
    double milestone[FV_MAX_MILESTONES]; /* epochs */
    int milestones;
} fv_schedule;

double fv_schedule_lr(const fv_schedule *s, int64_t step); /* step from 0 */
const char *fv_schedule_name(int kind);                    /* "cosine"; NULL: no such row */
/* "30,60,90": FV_ARG unless they rise and are no more than there is room for. NULL: none. */
fv_status fv_schedule_milestones(fv_schedule *s, const char *text, fv_err *err);

#endif
