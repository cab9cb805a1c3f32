/* bars.c -- lying bars, so that long names stand beside or above them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "page/plot.h"
#include "page/scale.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR = 16, BETWEEN = 10, LABEL_PX = 12, NAME_LINE = 17, AXIS = 40 };

typedef struct sheet {
    fv_writer *w;
    const fv_bars *b;
    fv_scale x;
    double width, left; /* left: of the bars */
    bool above;         /* names stand above their bars */
} sheet;

static double values_px(const fv_bars *b)
{
    double most = 0;
    for (int s = 0; s < b->nseries; s++)
        for (int g = 0; g < b->ngroups; g++) {
            char text[64];
            fv_number_text(text, sizeof text, b->series[s].value[g], b->decimals);
            most = fmax(most, fv_text_px(text, LABEL_PX));
        }
    return most;
}

/* The longest beginning of a name that fits, with dots where it does not. */
static void name(const sheet *s, const char *text, double room)
{
    char cut[200];
    if (fv_text_px(text, LABEL_PX) <= room) {
        fv_html(s->w, text);
        return;
    }
    size_t n = strnlen(text, sizeof cut - 1);
    do {
        memcpy(cut, text, n);
        cut[n] = 0;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) cut[--n] = 0; /* not inside a character */
    } while (n-- > 1 && fv_text_px(cut, LABEL_PX) > room - LABEL_PX);
    fv_html(s->w, cut);
    fv_html(s->w, "\xe2\x80\xa6");
}

static void bar(const sheet *s, const fv_bar *row, int place, int g, double y)
{
    fv_writer *w = s->w;
    const double v = row->value[g];
    if (!isfinite(v)) return;
    const double zero = s->x.log ? s->x.from : fv_scale_at(&s->x, fmax(s->x.low, fmin(s->x.high, 0)));
    const double at = fv_scale_at(&s->x, fmax(s->x.low, fmin(s->x.high, v)));
    char text[64];
    fv_number_text(text, sizeof text, v, s->b->decimals);
    fv_write_printf(w, "<rect class=\"bar k%d%s\" x=\"", fv_colour(row->colour, place), row->published ? " told" : "");
    fv_svg_put(w, "", fmin(zero, at));
    fv_svg_put(w, "\" y=\"", y + 2);
    fv_svg_put(w, "\" width=\"", fmax(1, fabs(at - zero)));
    fv_svg_put(w, "\" height=\"", BAR - 4);
    fv_write_text(w, "\"><title>");
    fv_html(w, s->b->group[g]);
    if (row->name) fv_html_printf(w, ", %s", row->name);
    fv_html_printf(w, ": %s%s%s", text, s->b->axis.unit ? " " : "", s->b->axis.unit ? s->b->axis.unit : "");
    fv_write_text(w, "</title></rect>");
    fv_svg_put(w, "<text x=\"", fmax(zero, at) + 5);
    fv_svg_put(w, "\" y=\"", y + 12);
    fv_write_printf(w, "\">%s</text>\n", text);
}

static void axis(const sheet *s, double top, double bottom)
{
    fv_writer *w = s->w;
    double free_from = -1e9;
    for (int i = 0; i < s->x.nticks; i++) {
        char text[FV_TICK_TEXT];
        const double x = fv_scale_at(&s->x, s->x.tick[i]);
        fv_tick_text(text, &s->x, s->x.tick[i]);
        const double half = fv_text_px(text, LABEL_PX) / 2;
        fv_svg_put(w, "<path class=\"grid\" d=\"M", x);
        fv_svg_put(w, " ", top);
        fv_svg_put(w, "V", bottom);
        fv_write_text(w, "\"/>");
        if (x - half < free_from || x + half > s->width) continue;
        free_from = x + half + 6;
        fv_svg_put(w, "<text class=\"dim mid\" x=\"", x);
        fv_svg_put(w, "\" y=\"", bottom + 16);
        fv_write_printf(w, "\">%s</text>\n", text);
    }
    const double half = fv_axis_name_px(&s->b->axis, LABEL_PX) / 2, middle = (s->x.from + s->x.to) / 2;
    fv_svg_put(w, "<text class=\"mid\" x=\"", fmax(half, fmin(middle, s->width - half)));
    fv_svg_put(w, "\" y=\"", bottom + 34);
    fv_write_text(w, "\">");
    fv_axis_name(w, &s->b->axis);
    fv_write_text(w, "</text>\n");
}

static double legend(fv_writer *w, const fv_bars *b, double width)
{
    fv_legend key[32];
    int n = 0;
    for (int i = 0; i < b->nseries && n < 32; i++)
        key[n++] = (fv_legend){ .name = b->series[i].name,
                                .colour = fv_colour(b->series[i].colour, i),
                                .published = b->series[i].published };
    return fv_legend_write(w, key, n, 2, width - 4);
}

static double names_px(const fv_bars *b)
{
    double most = 0;
    for (int g = 0; g < b->ngroups; g++) most = fmax(most, fv_text_px(b->group[g], LABEL_PX));
    return most;
}

static void draw(fv_writer *w, const fv_bars *b, const char *class, double width)
{
    sheet s = { .w = w, .b = b, .width = width };
    fv_range r = fv_range_none();
    for (int i = 0; i < b->nseries; i++)
        for (int g = 0; g < b->ngroups; g++) fv_range_add(&r, b->series[i].value[g], b->axis.log);
    fv_axis with_zero = b->axis;
    with_zero.zero = true;
    s.above = names_px(b) > 0.36 * width;
    s.left = s.above ? 4 : names_px(b) + 10;
    s.x = fv_scale_fit(&with_zero, r, (int)((width - s.left) / 64));
    s.x.from = s.left;
    s.x.to = fmax(s.left + 60, width - values_px(b) - 10);
    const double top = legend(NULL, b, width) + 8;
    const double one = (s.above ? NAME_LINE : 0) + BAR * b->nseries + BETWEEN, bottom = top + one * b->ngroups;
    fv_write_printf(w, "<svg class=\"%s\" viewBox=\"0 0 ", class);
    fv_svg_put(w, "", width);
    fv_svg_put(w, " ", bottom + AXIS);
    fv_write_text(w, "\" role=\"img\" aria-label=\"");
    fv_html(w, b->title);
    fv_write_text(w, "\">\n");
    legend(w, b, width);
    axis(&s, top, bottom);
    for (int g = 0; g < b->ngroups; g++) {
        const double y = top + g * one + BETWEEN / 2.0;
        fv_svg_put(w, s.above ? "<text class=\"halo\" x=\"" : "<text class=\"halo end\" x=\"",
                   s.above ? 4 : s.left - 6);
        fv_svg_put(w, "\" y=\"", s.above ? y + 12 : y + BAR * b->nseries / 2.0 + 4);
        fv_write_text(w, "\">");
        name(&s, b->group[g], s.above ? width - 8 : s.left);
        fv_write_text(w, "</text>\n");
        for (int i = 0; i < b->nseries; i++) bar(&s, &b->series[i], i, g, y + (s.above ? NAME_LINE : 0) + BAR * i);
    }
    fv_write_text(w, "</svg>\n");
}

void fv_bars_write(fv_writer *w, const fv_bars *b)
{
    fv_write_text(w, "<figure class=\"plot\">");
    if (b->title) {
        fv_write_text(w, "<figcaption>");
        fv_html(w, b->title);
        fv_write_text(w, "</figcaption>\n");
    }
    draw(w, b, "wide", 860);
    draw(w, b, "narrow", 372);
    fv_write_text(w, "</figure>\n");
}
