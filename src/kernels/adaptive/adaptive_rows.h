/* adaptive_rows.h -- prototypes of the rows of the adaptive updates, and what all of them share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ADAPTIVE_ROWS_H
#define FV_ADAPTIVE_ROWS_H
#include "kernels/adaptive/adaptive.h"
#include <math.h>

enum { UPDATE_BLOCK = 4096 }; /* values of a unit */

/* The values of these units. */
static inline size_t update_begin(const fv_work *k)
{
    return (size_t)k->begin * UPDATE_BLOCK;
}
static inline size_t update_end(const fv_work *k, const fv_adaptive_problem *p)
{
    const size_t to = (size_t)k->end * UPDATE_BLOCK;
    return to < p->count ? to : p->count;
}

/* Factors that undo an average's beginning at 0 (Kingma, Ba 2014, section 3): of m, and of sqrt(v). */
typedef struct update_debias {
    double m, v;
} update_debias;
static inline update_debias update_debias_at(const fv_adaptive_problem *p, const fv_run_info *run)
{
    const double t = (double)run->t;
    return (update_debias){ 1 / (1 - pow(p->beta1, t)), 1 / sqrt(1 - pow(p->beta2, t)) };
}

/* Algorithm 2 of You et al. with phi(z) = z. */
static inline double update_trust(const fv_adaptive_problem *p, double w_squares, double u_squares)
{
    return p->wd > 0 && w_squares > 0 && u_squares > 0 ? sqrt(w_squares / u_squares) : 1;
}

#define FV_ROWS "kernels/adaptive/adaptive.def"
#include "kernels/row_prototypes.inc"
#undef FV_ROWS
#endif
