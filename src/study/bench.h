/* bench.h -- the lab from inside: what it owns, and the book that outlives it in the result.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BENCH_H
#define FV_BENCH_H
#include "study/lab.h"

typedef struct fv_lab_points {
    const char *name;
    bool published;
    double *xy; /* pairs */
    size_t n, cap;
} fv_lab_points;

typedef struct fv_lab_book {
    const fv_allocator *heap;
    fv_arena arena; /* texts */
    fv_finding *finding;
    size_t nfinding, finding_cap;
    fv_study_plot plot;
    const char *const *places; /* of bars; NULL: lines */
    fv_lab_points *curve;
    size_t ncurve, curve_cap;
} fv_lab_book;

typedef struct fv_lab_owned {
    void *p;
    void (*release)(fv_lab *l, void *p);
} fv_lab_owned;

struct fv_lab {
    fv_env env;
    fv_study_opts opts;
    const fv_study_row *row;
    fv_lab_book *book;
    fv_threads *pool; /* of all plans */
    fv_lab_owned *owned;
    size_t nowned, owned_cap;
};
/* The lab frees p at its end, and now where there is no memory to note it. */
fv_status fv_lab_own(fv_lab *l, void *p, void (*release)(fv_lab *l, void *p), fv_err *err);

#endif
