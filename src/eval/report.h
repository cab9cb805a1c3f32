/* report.h -- report.html: how a network was trained and how well it answers, on one page that needs nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_REPORT_H
#define FV_REPORT_H
#include "eval/gallery.h"

/* All borrowed; what is NULL or 0 is left out. */
typedef struct fv_report {
    const char *title;
    const fv_net_info *net;
    const fv_data *data; /* what was evaluated */
    const fv_epoch *epoch;
    int nepochs, epochs; /* finished; of the whole run, 0: no training */
    const fv_metrics *metrics;
    const fv_gallery *gallery;
    fv_bytes settings; /* a JSON object of plain values */
    fv_cpu cpu;
    int threads;
    size_t plan_bytes; /* memory of the plan */
} fv_report;
/* Replaces the file in one step. */
fv_status fv_report_write(const fv_report *r, const char *path, const fv_allocator *heap, fv_err *err);

#endif
