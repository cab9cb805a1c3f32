/* page_pictures.c -- pictures inside the page, as data: URIs (RFC 2397, RFC 4648).
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include <string.h>

enum { TINY = 96 }; /* pixels: up to here a picture is enlarged */

static void base64(fv_writer *w, fv_bytes b)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < b.len && !w->failed; i += 3) {
        const size_t n = b.len - i < 3 ? b.len - i : 3;
        const uint32_t bits =
            (uint32_t)b.p[i] << 16 | (n > 1 ? (uint32_t)b.p[i + 1] << 8 : 0) | (n > 2 ? b.p[i + 2] : 0u);
        char four[4] = { digit[bits >> 18], digit[bits >> 12 & 63], '=', '=' };
        if (n > 1) four[2] = digit[bits >> 6 & 63];
        if (n > 2) four[3] = digit[bits & 63];
        fv_write_bytes(w, four, 4);
    }
}

void fv_pictures_open(fv_writer *w)
{
    fv_write_text(w, "<div class=\"pictures\">\n");
}

void fv_picture_add(fv_writer *w, const fv_picture *p)
{
    static const char *const open[] = { "<figure>", "<figure class=\"good\">", "<figure class=\"bad\">",
                                        "<figure class=\"warn\">" };
    fv_write_text(w, open[p->tone]);
    fv_write_text(w, p->w > 0 && p->w <= TINY ? "<img class=\"tiny\" alt=\"" : "<img alt=\"");
    fv_html(w, p->caption);
    fv_write_text(w, "\"");
    if (p->w > 0 && p->h > 0) fv_write_printf(w, " width=\"%d\" height=\"%d\"", p->w, p->h);
    fv_write_text(w, " src=\"data:");
    fv_html(w, p->type);
    fv_write_text(w, ";base64,");
    base64(w, p->file);
    fv_write_text(w, "\"><figcaption>");
    fv_html(w, p->caption);
    if (p->note) {
        fv_write_text(w, "<span class=\"note\">");
        fv_html(w, p->note);
        fv_write_text(w, "</span>");
    }
    fv_write_text(w, "</figcaption></figure>\n");
}

void fv_pictures_close(fv_writer *w)
{
    fv_write_text(w, "</div>\n");
}
