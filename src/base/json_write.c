/* json_write.c -- strings and numbers as JSON text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fv_json_put_string(fv_writer *w, const char *s)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + strlen(s);
    fv_write_u8(w, '"');
    while (p < end) {
        const size_t n = fv_utf8(p, (size_t)(end - p));
        if (n == 0) fv_write_bytes(w, "\xef\xbf\xbd", 3);
        else if (n > 1) fv_write_bytes(w, p, n);
        else if (*p == '"' || *p == '\\') fv_write_printf(w, "\\%c", *p);
        else if (*p == '\n') fv_write_bytes(w, "\\n", 2);
        else if (*p == '\t') fv_write_bytes(w, "\\t", 2);
        else if (*p < 0x20 || *p == 0x7f || *p == '<' || *p == '>' || *p == '&') fv_write_printf(w, "\\u%04x", *p);
        else fv_write_u8(w, *p);
        p += n ? n : 1;
    }
    fv_write_u8(w, '"');
}

void fv_json_put_double(fv_writer *w, double v)
{
    char text[40];
    if (!isfinite(v)) {
        fv_write_bytes(w, "null", 4);
        return;
    }
    if (v == floor(v) && fabs(v) < 1e15) { /* 100000, not 1e+05 */
        fv_write_printf(w, "%.0f", v);
        return;
    }
    for (int n = 1; n <= 17; n++) {
        snprintf(text, sizeof text, "%.*g", n, v);
        if (strtod(text, NULL) == v) break; /* 17 digits always do */
    }
    for (char *p = text; *p; p++)
        if (*p != '-' && *p != '+' && *p != 'e' && (*p < '0' || *p > '9')) *p = '.'; /* the locale's decimal point */
    fv_write_bytes(w, text, strlen(text));
}
