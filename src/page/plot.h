/* plot.h -- plots as SVG inside a page: lines, points, bars. Each is drawn twice, for wide and for narrow screens, and
 * the style sheet shows the one that fits. Every point and bar tells its numbers where the mouse rests on it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PLOT_H
#define FV_PLOT_H
#include "base/bytes.h"

typedef struct fv_axis {
    const char *title, *unit; /* "latency", "ms"; NULL: none */
    bool log;                 /* values that are not above 0 are left out */
    bool zero;                /* takes 0 in, on an axis that is not logarithmic */
    double low, high;         /* both 0: as the data needs */
} fv_axis;

typedef enum fv_form {
    FV_FORM_LINE,
    FV_FORM_POINTS,
    FV_FORM_BOTH,
    FV_FORM_STEPS /* a staircase: level up to the next point; the front of a trade-off */
} fv_form;
typedef struct fv_series {
    const char *name; /* in the legend; NULL: not there */
    fv_form form;
    bool published;           /* figures from the literature: dashed lines, hollow marks */
    int colour;               /* 1 to 8; 0: by its place. One colour for ours and theirs of the same thing */
    int n;                    /* points; lines go through them in this order */
    const double *x, *y;      /* not finite: left out, and a gap in the line */
    const char *const *label; /* n texts (NULL: none) beside the points, where there is room for them; or NULL */
} fv_series;
typedef struct fv_plot {
    const char *title;
    fv_axis x, y;
    int nseries;
    const fv_series *series;
} fv_plot;
void fv_plot_write(fv_writer *w, const fv_plot *p);

/* Lying bars in groups: one bar of each series in each group. */
typedef struct fv_bar {
    const char *name; /* of the series; NULL: not in the legend */
    bool published;
    int colour;
    const double *value; /* one per group; not finite: no bar */
} fv_bar;
typedef struct fv_bars {
    const char *title;
    fv_axis axis; /* of the values; takes 0 in unless it is logarithmic */
    int ngroups, nseries;
    const char *const *group; /* their names */
    const fv_bar *series;
    int decimals; /* of the values beside the bars */
} fv_bars;
void fv_bars_write(fv_writer *w, const fv_bars *b);

#endif
