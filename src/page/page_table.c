/* page_table.c -- tables of text and numbers, and heat maps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "page/scale.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PLAIN_COLUMNS = 4, LONG_NAME = 3 };

fv_table fv_table_open(fv_writer *w, const char *caption, const fv_column *column, int columns)
{
    const bool cards = columns > MOST_PLAIN_COLUMNS;
    fv_write_printf(w, "<div class=\"%s\"><table>\n", cards ? "wide-scroll cards" : "wide-scroll");
    if (caption) {
        fv_write_text(w, "<caption>");
        fv_html(w, caption);
        fv_write_text(w, "</caption>\n");
    }
    fv_write_text(w, "<thead><tr>");
    for (int i = 0; i < columns; i++) {
        fv_write_text(w, column[i].number ? "<th class=\"num\">" : "<th>");
        fv_html(w, column[i].title);
        fv_write_text(w, "</th>");
    }
    fv_write_text(w, "</tr></thead>\n<tbody>\n");
    return (fv_table){ .w = w, .column = column, .columns = columns };
}

static void cell_begin(fv_table *t)
{
    const fv_column *c = &t->column[t->at];
    if (t->at == 0) fv_write_text(t->w, "<tr>");
    fv_write_text(t->w, c->number ? "<td class=\"num\"" : "<td");
    if (t->columns > MOST_PLAIN_COLUMNS) {
        fv_write_text(t->w, " data-t=\"");
        fv_html(t->w, c->title);
        fv_write_text(t->w, "\"");
    }
    fv_write_text(t->w, ">");
}

static void cell_end(fv_table *t)
{
    fv_write_text(t->w, "</td>");
    if (++t->at == t->columns) {
        fv_write_text(t->w, "</tr>\n");
        t->at = 0;
    }
}

void fv_cell(fv_table *t, const char *text)
{
    cell_begin(t);
    fv_html(t->w, text);
    cell_end(t);
}

void fv_cell_printf(fv_table *t, const char *fmt, ...)
{
    char text[1000];
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0) t->w->failed = true;
    fv_cell(t, n < 0 ? "" : text);
}

void fv_cell_number(fv_table *t, double v, int decimals)
{
    cell_begin(t);
    fv_html_number(t->w, v, decimals);
    cell_end(t);
}

void fv_cell_badge(fv_table *t, fv_tone tone, const char *text)
{
    cell_begin(t);
    fv_page_badge(t->w, tone, text);
    cell_end(t);
}

void fv_cell_link(fv_table *t, const char *href, const char *text)
{
    cell_begin(t);
    fv_write_text(t->w, "<a href=\"");
    fv_html(t->w, href);
    fv_write_text(t->w, "\">");
    fv_html(t->w, text);
    fv_write_text(t->w, "</a>");
    cell_end(t);
}

void fv_table_close(fv_table *t)
{
    if (t->at) fv_write_text(t->w, "</tr>\n");
    fv_write_text(t->w, "</tbody></table></div>\n");
}

static void heat_name(fv_writer *w, const char *const *name, int i)
{
    if (name) fv_html(w, name[i]);
    else fv_write_printf(w, "%d", i);
}

/* Columns stand upright where one has a name that would make them wide. */
static bool turned(const fv_heat *h)
{
    for (int i = 0; h->column && i < h->columns; i++)
        if (strlen(h->column[i]) > LONG_NAME) return true;
    return false;
}

static void heat_cell(fv_writer *w, const fv_heat *h, int row, int column, double low, double high)
{
    const size_t at = (size_t)row * (size_t)h->columns + (size_t)column;
    const double v = h->value[at];
    const bool link = h->id && h->linked && h->linked[at];
    if (!isfinite(v)) {
        fv_write_text(w, "<td></td>");
        return;
    }
    double share = high > low ? (v - low) / (high - low) : 0;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    const int percent = (int)(100 * share + 0.5);
    fv_write_text(w, share > 0.6 ? "<td class=\"full\"" : "<td");
    if (percent) fv_write_printf(w, " style=\"--v:%d%%\"", percent);
    fv_write_text(w, ">");
    if (link) {
        fv_write_text(w, "<a href=\"#");
        fv_html_printf(w, "%s-%d-%d", h->id, row, column);
        fv_write_text(w, "\">");
    }
    fv_html_number(w, v, h->decimals);
    fv_write_text(w, link ? "</a></td>" : "</td>");
}

void fv_heat_write(fv_writer *w, const fv_heat *h)
{
    fv_range r = fv_range_none();
    for (long i = 0; i < (long)h->rows * h->columns; i++) fv_range_add(&r, h->value[i], false);
    const bool given = h->low != 0 || h->high != 0;
    const double low = given ? h->low : r.low, high = given ? h->high : r.high;
    fv_write_text(w, "<div class=\"wide-scroll\"><table class=\"heat\">\n<caption>");
    fv_html(w, h->title);
    fv_write_text(w, "</caption>\n<thead><tr><th>");
    if (h->row_title && h->column_title) fv_html_printf(w, "%s \\ %s", h->row_title, h->column_title);
    fv_write_text(w, "</th>");
    for (int i = 0; i < h->columns; i++) {
        fv_write_text(w, turned(h) ? "<th class=\"turn\">" : "<th class=\"num\">");
        heat_name(w, h->column, i);
        fv_write_text(w, "</th>");
    }
    fv_write_text(w, "</tr></thead>\n<tbody>\n");
    for (int i = 0; i < h->rows; i++) {
        fv_write_text(w, "<tr><th>");
        heat_name(w, h->row, i);
        fv_write_text(w, "</th>");
        for (int k = 0; k < h->columns; k++) heat_cell(w, h, i, k, low, high);
        fv_write_text(w, "</tr>\n");
    }
    fv_write_text(w, "</tbody></table></div>\n");
}
