/* scale.h -- what plots are drawn with: scales from values to pixels, their ticks, the measure of a text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_SCALE_H
#define FV_SCALE_H
#include "page/plot.h"

enum { FV_MAX_TICKS = 24, FV_TICK_TEXT = 24, FV_NAME_PX = 12 };

typedef struct fv_scale {
    bool log;
    double low, high; /* values at */
    double from, to;  /* pixels */
    int nticks;
    double tick[FV_MAX_TICKS];
} fv_scale;

/* The least and the greatest value so far; both NaN: none. */
typedef struct fv_range {
    double low, high;
} fv_range;
fv_range fv_range_none(void);
void fv_range_add(fv_range *r, double v, bool log); /* what is not finite, or not above 0 on a log axis, is left out */

/* A scale over the range, widened to round numbers unless the axis says low and high, with at most `most` ticks. */
fv_scale fv_scale_fit(const fv_axis *a, fv_range r, int most);
double fv_scale_at(const fv_scale *s, double v); /* the pixel; NaN where the value has no place */
bool fv_scale_holds(const fv_scale *s, double v);
void fv_tick_text(char out[FV_TICK_TEXT], const fv_scale *s, double v); /* 0.25, 10k, 1e-06 */

double fv_text_px(const char *text, double size);            /* about as wide as a sans serif draws it, rather wider */
void fv_svg_put(fv_writer *w, const char *before, double v); /* text, then a coordinate, to a tenth */
void fv_axis_name(fv_writer *w, const fv_axis *a);           /* "latency, ms" */
double fv_axis_name_px(const fv_axis *a, double size);       /* its width */
void fv_number_text(char *out, size_t cap, double v, int decimals); /* a point in every locale */
void fv_short_text(char out[FV_TICK_TEXT], double v);               /* six digits, likewise */
int fv_colour(int chosen, int place);                               /* 1 to 8 */

/* The names of the series in rows at the top of a plot; returns the height that they take. w NULL: measures only. */
typedef struct fv_legend {
    const char *name;
    int colour;
    bool published, line, mark;
} fv_legend;
double fv_legend_write(fv_writer *w, const fv_legend *l, int n, double left, double width);

#endif
