/* page.c -- the frame of a page, its text, folds and figures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "base/utf8.h"
#include "page/page_style.h"
#include "page/scale.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *escape_of(uint8_t c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? "\xef\xbf\xbd" : NULL;
    }
}

void fv_html(fv_writer *w, const char *text)
{
    if (!text) return;
    const uint8_t *p = (const uint8_t *)text, *end = p + strlen(text);
    while (p < end) {
        const size_t n = fv_utf8(p, (size_t)(end - p));
        const char *escape = n == 0 ? "\xef\xbf\xbd" : n == 1 ? escape_of(*p) : NULL;
        if (escape) fv_write_text(w, escape);
        else fv_write_bytes(w, p, n);
        p += n ? n : 1;
    }
}

static void html_vprintf(fv_writer *w, const char *fmt, va_list ap)
{
    char text[1000];
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    if (n < 0) w->failed = true;
    else fv_html(w, text);
    if (n >= (int)sizeof text) fv_write_text(w, "\xe2\x80\xa6");
}

void fv_html_printf(fv_writer *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    html_vprintf(w, fmt, ap);
    va_end(ap);
}

void fv_html_number(fv_writer *w, double v, int decimals)
{
    char text[400];
    fv_number_text(text, sizeof text, v, decimals);
    fv_write_text(w, text);
}

const char *fv_count_text(char out[FV_COUNT_TEXT], int64_t v)
{
    char digits[FV_COUNT_TEXT];
    size_t n = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)v), to = 0;
    for (size_t i = 0; i < n; i++) {
        out[to++] = digits[i];
        if (digits[i] != '-' && n - i > 1 && (n - i - 1) % 3 == 0) out[to++] = ',';
    }
    out[to] = 0;
    return out;
}

const char *fv_short_count(char out[FV_COUNT_TEXT], double v)
{
    static const char letter[] = " kMGTP";
    int power = 0;
    while (fabs(v) >= 999.95 && letter[power + 1]) v /= 1000, power++;
    fv_number_text(out, FV_COUNT_TEXT - 3, v, power || v != floor(v) ? 1 : 0);
    if (power) snprintf(out + strlen(out), 3, " %c", letter[power]);
    return out;
}

void fv_page_head(fv_writer *w, const char *title, const char *lead)
{
    fv_write_text(w, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    fv_html(w, title);
    fv_write_text(w, "</title>\n<style>\n");
    fv_write_text(w, fv_page_style);
    fv_write_text(w, "</style>\n</head>\n<body>\n<main>\n<h1>");
    fv_html(w, title);
    fv_write_text(w, "</h1>\n");
    if (!lead) return;
    fv_write_text(w, "<p class=\"lead\">");
    fv_html(w, lead);
    fv_write_text(w, "</p>\n");
}

void fv_page_foot(fv_writer *w)
{
    fv_write_text(w, "<footer>Fovea " FV_VERSION "</footer>\n</main>\n</body>\n</html>\n");
}

fv_status fv_page_save(const fv_writer *w, const char *path, fv_err *err)
{
    if (w->failed) return fv_fail(err, FV_NOMEM, "no memory for a page of more than %zu bytes", w->len);
    return fv_file_write(path, &(fv_span){ w->p, w->len }, 1, err);
}

void fv_page_section(fv_writer *w, const char *title)
{
    fv_write_text(w, "<h2>");
    fv_html(w, title);
    fv_write_text(w, "</h2>\n");
}

void fv_page_text(fv_writer *w, const char *fmt, ...)
{
    va_list ap;
    fv_write_text(w, "<p>");
    va_start(ap, fmt);
    html_vprintf(w, fmt, ap);
    va_end(ap);
    fv_write_text(w, "</p>\n");
}

void fv_page_badge(fv_writer *w, fv_tone tone, const char *text)
{
    static const char *const classes[] = { "plain", "good", "bad", "warn" };
    fv_write_printf(w, "<span class=\"badge %s\">", classes[tone]);
    fv_html(w, text);
    fv_write_text(w, "</span>");
}

void fv_page_fold(fv_writer *w, bool open, const char *fmt, ...)
{
    va_list ap;
    fv_write_text(w, open ? "<details open><summary>" : "<details><summary>");
    va_start(ap, fmt);
    html_vprintf(w, fmt, ap);
    va_end(ap);
    fv_write_text(w, "</summary>\n");
}

void fv_page_unfold(fv_writer *w)
{
    fv_write_text(w, "</details>\n");
}

void fv_page_target_open(fv_writer *w, const char *id, int row, int column)
{
    fv_write_text(w, "<section class=\"target\" id=\"");
    fv_html_printf(w, "%s-%d-%d", id, row, column);
    fv_write_text(w, "\">\n");
}

void fv_page_target_close(fv_writer *w)
{
    fv_write_text(w, "</section>\n");
}

void fv_facts_open(fv_writer *w)
{
    fv_write_text(w, "<dl class=\"facts\">\n");
}

void fv_fact(fv_writer *w, const char *name, const char *fmt, ...)
{
    va_list ap;
    char text[200];
    fv_write_text(w, "<div><dt>");
    fv_html(w, name);
    fv_write_text(w, "</dt><dd>");
    va_start(ap, fmt);
    if (vsnprintf(text, sizeof text, fmt, ap) < 0) w->failed = true, *text = 0;
    va_end(ap);
    for (char *p = text, *end; *p; p = end) { /* names may be broken after their underscores */
        end = p + strcspn(p, "_");
        const bool more = *end == '_';
        *end = 0;
        fv_html(w, p);
        if (more) fv_write_text(w, "_<wbr>"), end++;
    }
    fv_write_text(w, "</dd></div>\n");
}

void fv_facts_close(fv_writer *w)
{
    fv_write_text(w, "</dl>\n");
}
