/* csv.c -- RFC 4180, with what spreadsheets do besides: a byte order mark, lone line feeds, blank lines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/csv.h"

#include <inttypes.h>
#include <string.h>

static bool left(const fv_csv *c)
{
    return c->at < c->text.len;
}

static bool at_end_of_line(const fv_csv *c)
{
    const char k = left(c) ? (char)c->text.p[c->at] : '\n';
    return k == '\n' || (k == '\r' && (c->at + 1 == c->text.len || c->text.p[c->at + 1] == '\n'));
}

static void skip_end_of_line(fv_csv *c)
{
    if (left(c) && c->text.p[c->at] == '\r') c->at++;
    if (left(c) && c->text.p[c->at] == '\n') c->at++;
    c->line++;
}

/* Copies what stands between quotes; two of them are one. */
static fv_status quoted(fv_csv *c, char **to, int64_t *lines, fv_err *err)
{
    for (c->at++; left(c); c->at++) {
        const char k = (char)c->text.p[c->at];
        const bool doubled = k == '"' && c->at + 1 < c->text.len && c->text.p[c->at + 1] == '"';
        if (k == '"' && !doubled) {
            c->at++;
            return FV_OK;
        }
        c->at += doubled;
        *lines += k == '\n';
        *(*to)++ = k;
    }
    return fv_fail(err, FV_FORMAT, "line %" PRId64 ": a quote is not closed", c->line);
}

static fv_status field(fv_csv *c, char **to, int64_t *lines, fv_err *err)
{
    if (c->fields == FV_CSV_COLUMNS)
        return fv_fail(err, FV_FORMAT, "line %" PRId64 ": more than %d columns", c->line, FV_CSV_COLUMNS);
    const char *start = *to;
    c->field[c->fields++] = start;
    if (left(c) && c->text.p[c->at] == '"') FV_TRY(quoted(c, to, lines, err));
    for (; !at_end_of_line(c) && (char)c->text.p[c->at] != c->separator; c->at++) *(*to)++ = (char)c->text.p[c->at];
    *(*to)++ = 0;
    return strlen(start) == (size_t)(*to - start) - 1
               ? FV_OK
               : fv_fail(err, FV_FORMAT, "line %" PRId64 ": a byte of 0 in it", c->line);
}

/* A path and, behind the last blanks, a label. */
static fv_status blank_separated(fv_csv *c, fv_err *err)
{
    const size_t start = c->at;
    while (!at_end_of_line(c)) c->at++;
    size_t n = c->at - start;
    memcpy(c->buf, c->text.p + start, n);
    while (n > 0 && (c->buf[n - 1] == ' ' || c->buf[n - 1] == '\t')) n--;
    c->buf[n] = 0;
    if (strlen(c->buf) != n) return fv_fail(err, FV_FORMAT, "line %" PRId64 ": a byte of 0 in it", c->line);
    size_t label = n;
    while (label > 0 && c->buf[label - 1] != ' ' && c->buf[label - 1] != '\t') label--;
    size_t path = label;
    while (path > 0 && (c->buf[path - 1] == ' ' || c->buf[path - 1] == '\t')) path--;
    c->buf[path] = 0;
    c->fields = path > 0 ? 2 : 1;
    c->field[0] = path > 0 ? c->buf : c->buf + label;
    c->field[1] = c->buf + label;
    return FV_OK;
}

static bool blank(const fv_csv *c)
{
    for (int i = 0; i < c->fields; i++)
        if (c->field[i][strspn(c->field[i], " \t")]) return false;
    return true;
}

static fv_status row(fv_csv *c, fv_err *err)
{
    char *to = c->buf;
    int64_t lines = 0;
    c->fields = 0;
    if (c->separator == ' ') return blank_separated(c, err);
    FV_TRY(field(c, &to, &lines, err));
    while (!at_end_of_line(c)) {
        c->at++; /* the separator */
        FV_TRY(field(c, &to, &lines, err));
    }
    c->line += lines;
    return FV_OK;
}

fv_status fv_csv_next(fv_csv *c, bool *more, fv_err *err)
{
    *more = false;
    if (c->line == 0) {
        c->line = 1;
        if (c->text.len >= 3 && memcmp(c->text.p, "\xef\xbb\xbf", 3) == 0) c->at = 3;
    } else {
        skip_end_of_line(c);
    }
    for (; left(c); skip_end_of_line(c)) {
        FV_TRY(row(c, err));
        if (blank(c)) continue;
        *more = true;
        return FV_OK;
    }
    return FV_OK;
}
