/* json.h -- a pull reader over a span and a small writer. The reader builds no tree: a hostile 100 MB header costs no
 * memory. Depth at most 32; numbers are doubles or exact integers; strings are checked UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_JSON_H
#define FV_JSON_H
#include "base/bytes.h"

typedef enum fv_json_kind {
    FV_JSON_END, /* the document is complete, or has failed */
    FV_JSON_OBJECT,
    FV_JSON_OBJECT_END,
    FV_JSON_ARRAY,
    FV_JSON_ARRAY_END,
    FV_JSON_KEY,
    FV_JSON_STRING,
    FV_JSON_NUMBER,
    FV_JSON_TRUE,
    FV_JSON_FALSE,
    FV_JSON_NULL
} fv_json_kind;

/* Sticky: at the first fault `fault` names it, `r.at` is its offset, and every later call gives FV_JSON_END. */
typedef struct fv_json {
    fv_reader r;
    const char *fault; /* NULL: none so far */
    int depth;
    uint8_t nest[33];
    uint8_t state;
    fv_json_kind kind; /* of the current token */
    fv_bytes raw;      /* KEY, STRING: between the quotes, escapes untouched; NUMBER: its text */
} fv_json;

fv_json fv_json_of(fv_bytes text);
fv_json_kind fv_json_next(fv_json *j);
void fv_json_skip(fv_json *j); /* the value that starts with the token just read, or follows the key just read */
/* Unescapes a KEY or STRING into out (at most cap bytes with the final 0); false where it does not fit or holds U+0000. */
bool fv_json_text(const fv_json *j, char *out, size_t cap);
bool fv_json_is(const fv_json *j, const char *text); /* a KEY or STRING equal to text */
bool fv_json_int(const fv_json *j, int64_t *out);    /* a NUMBER that is an exact integer */
bool fv_json_double(const fv_json *j, double *out);

/* The writer appends; strings are escaped (also <, >, & as \u00xx: the text may land in HTML). Bytes that are not UTF-8
 * become U+FFFD. NaN and infinities become null. */
void fv_json_put_string(fv_writer *w, const char *s);
void fv_json_put_double(fv_writer *w, double v); /* shortest text that reads back equal */

#endif
