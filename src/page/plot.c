/* plot.c -- lines and points on two axes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/plot.h"
#include "base/alloc.h"
#include "page/page.h"
#include "page/scale.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_PX = 12, MARK = 4, EDGE = 6, X_ROOM = 40, Y_ROOM = 22 };

typedef struct box {
    double left, top, right, bottom;
} box;
typedef struct frame {
    fv_writer *w;
    const fv_plot *p;
    fv_scale x, y;
    double width, height;
    box *taken; /* marks, then labels */
    size_t ntaken, cap;
} frame;

static double max_tick_px(const fv_scale *s)
{
    double most = 0;
    for (int i = 0; i < s->nticks; i++) {
        char text[FV_TICK_TEXT];
        fv_tick_text(text, s, s->tick[i]);
        most = fmax(most, fv_text_px(text, LABEL_PX));
    }
    return most;
}

static fv_range range_of(const fv_plot *p, bool x)
{
    fv_range r = fv_range_none();
    for (int i = 0; i < p->nseries; i++) {
        const fv_series *s = &p->series[i];
        for (int k = 0; k < s->n; k++) /* a point counts where both its numbers do */
            if (isfinite(s->x[k]) && isfinite(s->y[k]) && !(p->x.log && s->x[k] <= 0) && !(p->y.log && s->y[k] <= 0))
                fv_range_add(&r, x ? s->x[k] : s->y[k], false);
    }
    return r;
}

/* Gridlines with their numbers; numbers on the horizontal axis that would touch are left out. */
static void axes(const frame *f)
{
    fv_writer *w = f->w;
    char text[FV_TICK_TEXT];
    for (int i = 0; i < f->y.nticks; i++) {
        const double y = fv_scale_at(&f->y, f->y.tick[i]);
        fv_tick_text(text, &f->y, f->y.tick[i]);
        fv_svg_put(w, "<path class=\"grid\" d=\"M", f->x.from);
        fv_svg_put(w, " ", y);
        fv_svg_put(w, "H", f->x.to);
        fv_svg_put(w, "\"/><text class=\"dim end\" x=\"", f->x.from - 6);
        fv_svg_put(w, "\" y=\"", y + 4);
        fv_write_printf(w, "\">%s</text>\n", text);
    }
    double free_from = -1e9;
    for (int i = 0; i < f->x.nticks; i++) {
        const double x = fv_scale_at(&f->x, f->x.tick[i]);
        fv_tick_text(text, &f->x, f->x.tick[i]);
        const double half = fv_text_px(text, LABEL_PX) / 2;
        fv_svg_put(w, "<path class=\"grid\" d=\"M", x);
        fv_svg_put(w, " ", f->y.to);
        fv_svg_put(w, "V", f->y.from);
        fv_write_text(w, "\"/>");
        if (x - half < free_from || x + half > f->width) continue;
        free_from = x + half + 6;
        fv_svg_put(w, "<text class=\"dim mid\" x=\"", x);
        fv_svg_put(w, "\" y=\"", f->y.from + 17);
        fv_write_printf(w, "\">%s</text>\n", text);
    }
    fv_svg_put(w, "<path class=\"frame\" d=\"M", f->x.from);
    fv_svg_put(w, " ", f->y.to);
    fv_svg_put(w, "V", f->y.from);
    fv_svg_put(w, "H", f->x.to);
    fv_svg_put(w, "\"/><text x=\"", 2);
    fv_svg_put(w, "\" y=\"", f->y.to - 9);
    fv_write_text(w, "\">");
    fv_axis_name(w, &f->p->y);
    const double half = fv_axis_name_px(&f->p->x, LABEL_PX) / 2, middle = (f->x.from + f->x.to) / 2;
    fv_svg_put(w, "</text><text class=\"mid\" x=\"", fmax(half, fmin(middle, f->width - half)));
    fv_svg_put(w, "\" y=\"", f->y.from + 35);
    fv_write_text(w, "\">");
    fv_axis_name(w, &f->p->x);
    fv_write_text(w, "</text>\n");
}

static bool point_of(const frame *f, const fv_series *s, int i, double *x, double *y)
{
    *x = fv_scale_at(&f->x, s->x[i]);
    *y = fv_scale_at(&f->y, s->y[i]);
    return isfinite(*x) && isfinite(*y);
}

static void path_to(fv_writer *w, bool move, double x, double y)
{
    fv_svg_put(w, move ? "M" : "L", x);
    fv_svg_put(w, " ", y);
}

/* Of each `stride` points the lowest and the highest, in their order: what can be seen of more points than pixels. */
static void thinned(const frame *f, const fv_series *s, int stride)
{
    bool move = true;
    for (int from = 0; from < s->n; from += stride) {
        int low = -1, high = -1;
        double x, y, least = 0, most = 0;
        for (int i = from; i < s->n && i < from + stride; i++) {
            if (!point_of(f, s, i, &x, &y)) continue;
            if (low < 0 || y < least) low = i, least = y;
            if (high < 0 || y > most) high = i, most = y;
        }
        if (low < 0) continue;
        for (int k = 0; k < (low == high ? 1 : 2); k++) {
            point_of(f, s, (k == 0) == (low < high) ? low : high, &x, &y);
            path_to(f->w, move, x, y);
            move = false;
        }
    }
}

static void line(const frame *f, const fv_series *s)
{
    const int stride = (int)(s->n / (2 * f->width)) + 1;
    double x, y;
    bool move = true;
    fv_write_printf(f->w, "<path class=\"curve%s\" d=\"", s->published ? " told" : "");
    if (stride > 1) {
        thinned(f, s, stride);
    } else {
        for (int i = 0; i < s->n; i++) {
            if (!point_of(f, s, i, &x, &y)) {
                move = true;
                continue;
            }
            if (s->form == FV_FORM_STEPS && !move) fv_svg_put(f->w, "H", x);
            path_to(f->w, move, x, y);
            move = false;
        }
    }
    fv_write_text(f->w, "\"/>\n");
}

static bool inside(const frame *f, const fv_series *s, int i)
{
    return fv_scale_holds(&f->x, s->x[i]) && fv_scale_holds(&f->y, s->y[i]);
}

static void measure(fv_writer *w, const fv_axis *a, double v)
{
    char text[FV_TICK_TEXT];
    fv_short_text(text, v);
    fv_html_printf(w, a->unit ? "%s %s" : "%s", text, a->unit);
}

static void hint(const frame *f, const fv_series *s, int i)
{
    fv_writer *w = f->w;
    fv_write_text(w, "<title>");
    fv_html(w, s->label && s->label[i] ? s->label[i] : s->name ? s->name : "");
    if ((s->label && s->label[i]) || s->name) fv_write_text(w, ": ");
    measure(w, &f->p->x, s->x[i]);
    fv_write_text(w, ", ");
    measure(w, &f->p->y, s->y[i]);
    fv_write_text(w, "</title>");
}

static void take(frame *f, box b)
{
    if (fv_grow(f->w->heap, (void **)&f->taken, &f->cap, f->ntaken + 1, sizeof *f->taken, NULL) != FV_OK)
        f->w->failed = true;
    else f->taken[f->ntaken++] = b;
}

static void points(frame *f, const fv_series *s)
{
    double x, y;
    for (int i = 0; i < s->n; i++) {
        if (!inside(f, s, i) || !point_of(f, s, i, &x, &y)) continue;
        fv_svg_put(
            f->w, s->published ? "<circle class=\"dot told\" r=\"4\" cx=\"" : "<circle class=\"dot\" r=\"4\" cx=\"", x);
        fv_svg_put(f->w, "\" cy=\"", y);
        fv_write_text(f->w, "\">");
        hint(f, s, i);
        fv_write_text(f->w, "</circle>\n");
        take(f, (box){ x - MARK, y - MARK, x + MARK, y + MARK });
    }
}

static bool free_box(const frame *f, box b)
{
    if (b.left < f->x.from + 2 || b.right > f->width || b.top < f->y.to - EDGE || b.bottom > f->y.from) return false;
    for (size_t i = 0; i < f->ntaken; i++) {
        const box *t = &f->taken[i];
        if (b.left < t->right && t->left < b.right && b.top < t->bottom && t->top < b.bottom) return false;
    }
    return true;
}

/* Does the segment from a to b enter the box? (Liang, Barsky 1984) */
static bool enters(box b, double ax, double ay, double bx, double by)
{
    const double from[4] = { ax - b.left, b.right - ax, ay - b.top, b.bottom - ay };
    const double step[4] = { ax - bx, bx - ax, ay - by, by - ay };
    double begin = 0, end = 1;
    for (int i = 0; i < 4; i++) {
        if (step[i] == 0 && from[i] < 0) return false;
        if (step[i] != 0) {
            const double t = from[i] / step[i];
            if (step[i] > 0) end = fmin(end, t);
            else begin = fmax(begin, t);
        }
    }
    return begin <= end;
}

enum { MOST_AVOIDED = 2000 }; /* points of a line that labels go out of the way of */

static bool crossed(const frame *f, box b)
{
    for (int i = 0; i < f->p->nseries; i++) {
        const fv_series *s = &f->p->series[i];
        double x, y, before_x = NAN, before_y = NAN;
        for (int k = 0; s->form != FV_FORM_POINTS && s->n <= MOST_AVOIDED && k < s->n; k++) {
            const bool there = point_of(f, s, k, &x, &y), line_to = there && isfinite(before_x);
            const double turn_y = s->form == FV_FORM_STEPS ? before_y : y;
            if (line_to && s->form == FV_FORM_STEPS && enters(b, before_x, before_y, x, turn_y)) return true;
            if (line_to && enters(b, s->form == FV_FORM_STEPS ? x : before_x, before_y, x, y)) return true;
            before_x = there ? x : NAN, before_y = y;
        }
    }
    return false;
}

/* A label goes to the first of the places around its point that touches nothing, best no line either; where there is none, it is
 * left to the hint. */
static void label(frame *f, const fv_series *s, int i)
{
    static const double place[][2] = { { 1, 0 },  { -1, 0 },  { 0, -1 }, { 0, 1 },
                                       { 1, -1 }, { -1, -1 }, { 1, 1 },  { -1, 1 } };
    double x, y;
    if (!s->label[i] || !inside(f, s, i) || !point_of(f, s, i, &x, &y)) return;
    const double wide = fv_text_px(s->label[i], LABEL_PX);
    const size_t places = sizeof place / sizeof *place;
    for (size_t k = 0; k < 2 * places; k++) {
        const double side = place[k % places][0], up = place[k % places][1];
        const double left = side > 0 ? x + MARK + 3 : side < 0 ? x - MARK - 3 - wide : x - wide / 2;
        const double middle = y + up * (side == 0 ? MARK + 9 : MARK + 5);
        const box b = { left, middle - 7, left + wide, middle + 7 };
        if (!free_box(f, b) || (k < places && crossed(f, b))) continue;
        fv_svg_put(f->w, "<text class=\"halo\" x=\"", left);
        fv_svg_put(f->w, "\" y=\"", middle + 4);
        fv_write_text(f->w, "\">");
        fv_html(f->w, s->label[i]);
        fv_write_text(f->w, "</text>\n");
        take(f, b);
        return;
    }
}

static void series(frame *f)
{
    fv_writer *w = f->w;
    const fv_plot *p = f->p;
    const double left = f->x.from - EDGE, top = f->y.to - EDGE;
    const double wide = f->x.to - f->x.from + 2 * EDGE, high = f->y.from - f->y.to + 2 * EDGE;
    fv_svg_put(w, "<svg x=\"", left); /* an inner picture cuts off what leaves the axes */
    fv_svg_put(w, "\" y=\"", top);
    fv_svg_put(w, "\" width=\"", wide);
    fv_svg_put(w, "\" height=\"", high);
    fv_svg_put(w, "\" viewBox=\"", left);
    fv_svg_put(w, " ", top);
    fv_svg_put(w, " ", wide);
    fv_svg_put(w, " ", high);
    fv_write_text(w, "\">\n");
    for (int lines = 1; lines >= 0; lines--) /* marks over lines */
        for (int i = 0; i < p->nseries; i++) {
            const fv_series *s = &p->series[i];
            fv_write_printf(w, "<g class=\"k%d\">\n", fv_colour(s->colour, i));
            if (lines && s->form != FV_FORM_POINTS) line(f, s);
            if (!lines && (s->form == FV_FORM_POINTS || s->form == FV_FORM_BOTH)) points(f, s);
            fv_write_text(w, "</g>\n");
        }
    fv_write_text(w, "</svg>\n");
    for (int i = 0; i < p->nseries; i++)
        for (int k = 0; p->series[i].label && k < p->series[i].n; k++) label(f, &p->series[i], k);
}

static double legend(fv_writer *w, const fv_plot *p, double width)
{
    fv_legend key[32];
    int n = 0;
    for (int i = 0; i < p->nseries && n < 32; i++) {
        const fv_series *s = &p->series[i];
        const bool mark = s->form == FV_FORM_POINTS || s->form == FV_FORM_BOTH;
        key[n++] = (fv_legend){ .name = s->name,
                                .colour = fv_colour(s->colour, i),
                                .published = s->published,
                                .line = s->form != FV_FORM_POINTS,
                                .mark = mark };
    }
    return fv_legend_write(w, key, n, 2, width - 4);
}

static void draw(fv_writer *w, const fv_plot *p, const char *class, double width, double height)
{
    const double top = legend(NULL, p, width) + Y_ROOM + EDGE;
    frame f = { .w = w, .p = p, .width = width, .height = height + top };
    f.y = fv_scale_fit(&p->y, range_of(p, false), (int)((height - X_ROOM) / 44));
    f.x = fv_scale_fit(&p->x, range_of(p, true), (int)(width / 64));
    f.x.from = max_tick_px(&f.y) + 12;
    f.x.to = width - 14;
    f.y.from = f.height - X_ROOM;
    f.y.to = top;
    fv_write_printf(w, "<svg class=\"%s\" viewBox=\"0 0 ", class);
    fv_svg_put(w, "", width);
    fv_svg_put(w, " ", f.height);
    fv_write_text(w, "\" role=\"img\" aria-label=\"");
    fv_html(w, p->title);
    fv_write_text(w, "\">\n");
    legend(w, p, width);
    axes(&f);
    series(&f);
    fv_write_text(w, "</svg>\n");
    fv_release(w->heap, f.taken);
}

void fv_plot_write(fv_writer *w, const fv_plot *p)
{
    fv_write_text(w, "<figure class=\"plot\">");
    if (p->title) {
        fv_write_text(w, "<figcaption>");
        fv_html(w, p->title);
        fv_write_text(w, "</figcaption>\n");
    }
    draw(w, p, "wide", 860, 420);
    draw(w, p, "narrow", 372, 330);
    fv_write_text(w, "</figure>\n");
}
