/* scale.c -- scales, ticks, the measure of a text, the legend.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/scale.h"
#include "base/utf8.h"
#include "page/page.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 26, GAP = 18, LINE = 20 }; /* of a legend, pixels */

fv_range fv_range_none(void)
{
    return (fv_range){ NAN, NAN };
}

void fv_range_add(fv_range *r, double v, bool log)
{
    if (!isfinite(v) || (log && v <= 0)) return;
    if (!(v >= r->low)) r->low = v;
    if (!(v <= r->high)) r->high = v;
}

/* The least of 1, 2, 5 times a power of ten that is at least x. */
static double nice_step(double x)
{
    const double ten = pow(10, floor(log10(x)));
    for (int i = 0; i < 3; i++) {
        const double step = (const double[]){ 1, 2, 5 }[i] * ten;
        if (step >= x * (1 - 1e-9)) return step;
    }
    return 10 * ten;
}

/* Multiples of a round step inside [low, high]. */
static void linear_ticks(fv_scale *s, double step)
{
    const double first = ceil(s->low / step - 1e-9);
    for (s->nticks = 0; s->nticks < FV_MAX_TICKS; s->nticks++) {
        const double v = (first + s->nticks) * step;
        if (v > s->high + 1e-9 * step) break;
        s->tick[s->nticks] = fabs(v) < 1e-9 * step ? 0 : v;
    }
}

/* Powers of ten, or also 3 times, or 2 and 5 times, or 1 to 9 times them: the most that fit. false: fewer than three do, or
 * two over several decades. */
static bool log_ticks(fv_scale *s, int most)
{
    enum { SETS = 4 };
    static const double times[SETS][9] = { { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, { 1, 2, 5 }, { 1, 3 }, { 1 } };
    static const int count[SETS] = { 9, 3, 2, 1 };
    const int first = (int)floor(log10(s->low)), last = (int)ceil(log10(s->high));
    const int skip = (last - first) / (most > 1 ? most : 1) + 1; /* decades, where even those are too many */
    for (int set = 0; set < SETS; set++) {
        int n = 0;
        for (int e = first; e <= last; e += set == SETS - 1 ? skip : 1)
            for (int i = 0; i < count[set]; i++) {
                const double v = times[set][i] * pow(10, e);
                if (v < s->low * (1 - 1e-9) || v > s->high * (1 + 1e-9)) continue;
                if (n < FV_MAX_TICKS) s->tick[n] = v;
                n++;
            }
        if (n <= most && n <= FV_MAX_TICKS) {
            s->nticks = n;
            return n >= (s->high > 20 * s->low ? 2 : 3);
        }
    }
    return false;
}

fv_scale fv_scale_fit(const fv_axis *a, fv_range r, int most)
{
    const bool given = a->low != 0 || a->high != 0;
    fv_scale s = { .log = a->log, .low = given ? a->low : r.low, .high = given ? a->high : r.high };
    if (s.log && !(s.low > 0)) s.low = s.high > 1 ? 1 : s.high > 0 ? s.high / 10 : NAN;
    if (isnan(s.low) || isnan(s.high)) s.low = s.log ? 1 : 0, s.high = s.log ? 10 : 1;
    if (most > FV_MAX_TICKS - 2) most = FV_MAX_TICKS - 2;
    if (s.log) {
        if (!given) s.low /= 1.1, s.high *= 1.1;
        if (!(s.high > s.low)) s.low /= 2, s.high *= 2;
        if (!log_ticks(&s, most)) linear_ticks(&s, nice_step((s.high - s.low) / most));
        return s;
    }
    if (a->zero && !given) s.low = fmin(s.low, 0), s.high = fmax(s.high, 0);
    if (!(s.high > s.low)) {
        const double room = s.low != 0 ? fabs(s.low) / 10 : 1;
        s.low -= room, s.high += room;
    }
    const double step = nice_step((s.high - s.low) / most);
    if (!given) s.low = floor(s.low / step + 1e-9) * step, s.high = ceil(s.high / step - 1e-9) * step;
    linear_ticks(&s, step);
    return s;
}

double fv_scale_at(const fv_scale *s, double v)
{
    if (!isfinite(v) || (s->log && v <= 0)) return NAN;
    const double share = s->log ? log(v / s->low) / log(s->high / s->low) : (v - s->low) / (s->high - s->low);
    return s->from + share * (s->to - s->from);
}

bool fv_scale_holds(const fv_scale *s, double v)
{
    const double slack = 1e-9 * (s->high - s->low);
    return isfinite(v) && v >= s->low - slack && v <= s->high + slack;
}

/* The locale's decimal point becomes a point. */
static void use_point(char *number)
{
    for (char *p = number; *p; p++)
        if (!strchr("0123456789+-e", *p)) *p = '.';
}

void fv_short_text(char out[FV_TICK_TEXT], double v)
{
    snprintf(out, FV_TICK_TEXT, "%.6g", v);
    use_point(out);
}

void fv_number_text(char *out, size_t cap, double v, int decimals)
{
    if (!isfinite(v)) {
        snprintf(out, cap, "\xe2\x80\x93");
        return;
    }
    snprintf(out, cap, "%.*f", decimals, v);
    use_point(out);
}

void fv_tick_text(char out[FV_TICK_TEXT], const fv_scale *s, double v)
{
    static const struct {
        double by;
        char letter[2];
    } unit[] = { { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } };
    const double most = s->log ? fabs(v) : fmax(fabs(s->low), fabs(s->high));
    double step = s->log || s->nticks < 2 ? fabs(v) : s->tick[1] - s->tick[0];
    if (v != 0 && most < 1e-3) {
        snprintf(out, FV_TICK_TEXT, "%.0e", v);
        return;
    }
    const char *letter = "";
    for (size_t i = 0; most >= 1e4 && v != 0 && i < sizeof unit / sizeof *unit; i++)
        if (most >= unit[i].by) {
            v /= unit[i].by, step /= unit[i].by;
            letter = unit[i].letter;
            break;
        }
    int decimals = 0;
    for (double d = step; v != 0 && decimals < 6 && fabs(d - round(d)) > 1e-6 * fabs(d); d *= 10) decimals++;
    fv_number_text(out, FV_TICK_TEXT - 2, v, decimals);
    strncat(out, letter, 2);
}

/* In units of the letters' size, as wide a sans serif as is common (DejaVu Sans). */
static double letter_width(uint8_t c)
{
    if (strchr("il.,:;'!|jftr()[] -/", c)) return 0.4;
    if (strchr("mwMW%@", c)) return 0.95;
    return c >= 'A' && c <= 'Z' ? 0.72 : 0.63;
}

double fv_text_px(const char *text, double size)
{
    double wide = 0;
    const size_t len = text ? strlen(text) : 0;
    for (size_t i = 0; i < len;) {
        const size_t n = fv_utf8((const uint8_t *)text + i, len - i);
        wide += n == 1 ? letter_width((uint8_t)text[i]) : 1.0;
        i += n ? n : 1;
    }
    return wide * size;
}

void fv_svg_put(fv_writer *w, const char *before, double v)
{
    fv_write_text(w, before);
    long tenths = isfinite(v) ? lround(fmax(-1e6, fmin(1e6, v)) * 10) : 0;
    if (tenths < 0) fv_write_u8(w, '-');
    tenths = labs(tenths);
    if (tenths % 10) fv_write_printf(w, "%ld.%ld", tenths / 10, tenths % 10);
    else fv_write_printf(w, "%ld", tenths / 10);
}

void fv_axis_name(fv_writer *w, const fv_axis *a)
{
    fv_html(w, a->title);
    if (a->title && a->unit) fv_html(w, ", ");
    fv_html(w, a->unit);
}

double fv_axis_name_px(const fv_axis *a, double size)
{
    return fv_text_px(a->title, size) + fv_text_px(", ", size) + fv_text_px(a->unit, size);
}

int fv_colour(int chosen, int place)
{
    return chosen >= 1 && chosen <= 8 ? chosen : place % 8 + 1;
}

static void key_write(fv_writer *w, const fv_legend *l, double x, double y)
{
    const char *told = l->published ? " told" : "";
    fv_write_printf(w, "<g class=\"k%d\">", l->colour);
    if (l->line) {
        fv_write_printf(w, "<path class=\"curve%s\" d=\"M", told);
        fv_svg_put(w, "", x);
        fv_svg_put(w, " ", y - 4);
        fv_write_text(w, "h20\"/>");
    }
    if (l->mark) {
        fv_write_printf(w, "<circle class=\"dot%s\" r=\"4\" cx=\"", told);
        fv_svg_put(w, "", x + 10);
        fv_svg_put(w, "\" cy=\"", y - 4);
        fv_write_text(w, "\"/>");
    }
    if (!l->line && !l->mark) {
        fv_write_printf(w, "<rect class=\"bar%s\" width=\"18\" height=\"10\" x=\"", told);
        fv_svg_put(w, "", x + 1);
        fv_svg_put(w, "\" y=\"", y - 9);
        fv_write_text(w, "\"/>");
    }
    fv_svg_put(w, "<text x=\"", x + KEY);
    fv_svg_put(w, "\" y=\"", y);
    fv_write_text(w, "\">");
    fv_html(w, l->name);
    fv_write_text(w, "</text></g>\n");
}

double fv_legend_write(fv_writer *w, const fv_legend *l, int n, double left, double width)
{
    double x = left, y = 0;
    for (int i = 0; i < n; i++) {
        if (!l[i].name) continue;
        const double wide = KEY + fv_text_px(l[i].name, FV_NAME_PX) + GAP;
        if (y == 0 || x + wide - GAP > left + width) x = left, y += LINE;
        if (w) key_write(w, &l[i], x, y - 5);
        x += wide;
    }
    return y;
}
