/* f_json.c -- fuzz target: a text that the pull reader accepts has balanced nesting, its tokens lie inside the text, its
 * strings unescape in no more room than they take, and a string written again reads back equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool holds)
{
    if (!holds) abort();
}

static void write_again(const char *text)
{
    fv_writer w = { 0 };
    fv_json_put_string(&w, text);
    check(!w.failed);
    fv_json j = fv_json_of((fv_bytes){ .p = w.p, .len = w.len });
    check(fv_json_next(&j) == FV_JSON_STRING && fv_json_is(&j, text) && fv_json_next(&j) == FV_JSON_END && !j.fault);
    fv_writer_free(&w);
}

static void check_string(const fv_json *j)
{
    char text[256];
    if (j->raw.len < sizeof text && fv_json_text(j, text, j->raw.len + 1)) {
        check(fv_json_is(j, text));
        write_again(text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    fv_json j = fv_json_of((fv_bytes){ .p = p, .len = n });
    int depth = 0;
    size_t tokens = 0;
    double d;
    int64_t i;
    for (fv_json_kind k; (k = fv_json_next(&j)) != FV_JSON_END; tokens++) {
        depth += (k == FV_JSON_OBJECT || k == FV_JSON_ARRAY) - (k == FV_JSON_OBJECT_END || k == FV_JSON_ARRAY_END);
        check(depth == j.depth && depth >= 0 && depth <= 32 && tokens <= n);
        if (j.raw.len) check(j.raw.p >= p && j.raw.p + j.raw.len <= p + n);
        if (k == FV_JSON_KEY || k == FV_JSON_STRING) check_string(&j);
        if (k == FV_JSON_NUMBER && fv_json_int(&j, &i) && fv_json_double(&j, &d)) check((double)i == d);
    }
    check(j.fault || depth == 0);
    check(fv_json_next(&j) == FV_JSON_END && j.r.at <= n);
    return 0;
}
