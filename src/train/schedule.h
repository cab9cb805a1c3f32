/* schedule.h -- the learning rate of each step.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SCHEDULE_H
#define FV_SCHEDULE_H
#include <fovea.h>

typedef struct fv_schedule {
    fv_sched kind;
    double lr;                       /* the highest */
    int64_t epoch_steps, steps;      /* of an epoch; of the run */
    double warmup_epochs;            /* linear from lr / 100 */
    double decay_epochs, decay_rate; /* FV_SCHED_STEP */
} fv_schedule;

double fv_schedule_lr(const fv_schedule *s, int64_t step); /* step from 0 */
const char *fv_schedule_name(fv_sched kind);               /* "cosine"; NULL: no such row */

#endif
