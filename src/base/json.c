/* json.c -- the pull reader (RFC 8259, strictly): a state and a bounded stack, no recursion, no heap.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/utf8.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, LONGEST_NUMBER = 400 };

/* What may come next. */
enum { VALUE, VALUE_OR_END, KEY_OR_END, AFTER_VALUE, DONE };

fv_json fv_json_of(fv_bytes text)
{
    return (fv_json){ .r = fv_reader_of(text), .state = VALUE };
}

static fv_json_kind fault(fv_json *j, const char *what)
{
    j->fault = what;
    j->state = DONE;
    return j->kind = FV_JSON_END;
}

/* The byte at `at`, or -1 past the end. */
static int peek(const fv_json *j)
{
    return j->r.at < j->r.bytes.len ? j->r.bytes.p[j->r.at] : -1;
}

static void skip_space(fv_json *j)
{
    for (int c = peek(j); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(j)) j->r.at++;
}

static fv_json_kind open_nest(fv_json *j, fv_json_kind kind)
{
    if (j->depth == MAX_DEPTH) return fault(j, "nested deeper than 32");
    j->r.at++;
    j->nest[j->depth++] = kind == FV_JSON_OBJECT;
    j->state = kind == FV_JSON_OBJECT ? KEY_OR_END : VALUE_OR_END;
    return j->kind = kind;
}

static fv_json_kind close_nest(fv_json *j)
{
    j->r.at++;
    j->state = AFTER_VALUE;
    return j->kind = j->nest[--j->depth] ? FV_JSON_OBJECT_END : FV_JSON_ARRAY_END;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The code unit of \uXXXX at p, which has n bytes; -1 where it is not one. */
static int code_unit(const uint8_t *p, size_t n)
{
    if (n < 6 || p[0] != '\\' || p[1] != 'u') return -1;
    int v = 0;
    for (int i = 2; i < 6; i++) {
        const int d = hex_digit(p[i]);
        if (d < 0) return -1;
        v = v << 4 | d;
    }
    return v;
}

/* The escape at p (a backslash; n bytes to the end): how many bytes it has, and its code point; 0 where malformed. */
static size_t escape(const uint8_t *p, size_t n, uint32_t *point)
{
    static const char letter[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    if (n < 2) return 0;
    const char *at = p[1] ? strchr(letter, p[1]) : NULL;
    if (at) {
        *point = (uint8_t)meaning[at - letter];
        return 2;
    }
    const int first = code_unit(p, n);
    if (first < 0 || (first >= 0xdc00 && first < 0xe000)) return 0;
    *point = (uint32_t)first;
    if (first < 0xd800 || first >= 0xe000) return 6;
    const int second = code_unit(p + 6, n - 6);
    if (second < 0xdc00 || second >= 0xe000) return 0;
    *point = 0x10000u + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
    return 12;
}

static fv_json_kind string(fv_json *j, fv_json_kind kind)
{
    const fv_bytes all = j->r.bytes;
    const size_t begin = ++j->r.at;
    for (;;) {
        const int c = peek(j);
        uint32_t point;
        size_t n;
        if (c < 0) return fault(j, "string without end");
        if (c == '"') break;
        if (c < 0x20) return fault(j, "control character in a string");
        if (c == '\\') {
            n = escape(all.p + j->r.at, fv_reader_left(&j->r), &point);
            if (!n) return fault(j, "malformed escape");
        } else {
            n = fv_utf8(all.p + j->r.at, fv_reader_left(&j->r));
            if (!n) return fault(j, "not UTF-8");
        }
        j->r.at += n;
    }
    j->raw = (fv_bytes){ .p = all.p + begin, .len = j->r.at - begin };
    j->r.at++;
    if (kind == FV_JSON_STRING) {
        j->state = AFTER_VALUE;
        return j->kind = kind;
    }
    skip_space(j);
    if (peek(j) != ':') return fault(j, "expected ':'");
    j->r.at++;
    j->state = VALUE;
    return j->kind = kind;
}

static size_t digits(fv_json *j)
{
    const size_t begin = j->r.at;
    while (peek(j) >= '0' && peek(j) <= '9') j->r.at++;
    return j->r.at - begin;
}

static fv_json_kind number(fv_json *j)
{
    const size_t begin = j->r.at;
    if (peek(j) == '-') j->r.at++;
    if (peek(j) == '0') j->r.at++;
    else if (!digits(j)) return fault(j, "malformed number");
    if (peek(j) == '.') {
        j->r.at++;
        if (!digits(j)) return fault(j, "malformed number");
    }
    if (peek(j) == 'e' || peek(j) == 'E') {
        j->r.at++;
        if (peek(j) == '+' || peek(j) == '-') j->r.at++;
        if (!digits(j)) return fault(j, "malformed number");
    }
    j->raw = (fv_bytes){ .p = j->r.bytes.p + begin, .len = j->r.at - begin };
    j->state = AFTER_VALUE;
    return j->kind = FV_JSON_NUMBER;
}

static fv_json_kind word(fv_json *j, const char *text, fv_json_kind kind)
{
    const size_t n = strlen(text);
    if (fv_reader_left(&j->r) < n || memcmp(j->r.bytes.p + j->r.at, text, n) != 0) return fault(j, "unknown word");
    j->r.at += n;
    j->state = AFTER_VALUE;
    return j->kind = kind;
}

static fv_json_kind value(fv_json *j)
{
    switch (peek(j)) {
    case '{':
        return open_nest(j, FV_JSON_OBJECT);
    case '[':
        return open_nest(j, FV_JSON_ARRAY);
    case '"':
        return string(j, FV_JSON_STRING);
    case 't':
        return word(j, "true", FV_JSON_TRUE);
    case 'f':
        return word(j, "false", FV_JSON_FALSE);
    case 'n':
        return word(j, "null", FV_JSON_NULL);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return number(j);
    case -1:
        return fault(j, "ends too early");
    default:
        return fault(j, "expected a value");
    }
}

static fv_json_kind after_value(fv_json *j)
{
    const int c = peek(j);
    if (j->depth == 0) {
        if (c >= 0) return fault(j, "text after the end");
        j->state = DONE;
        return j->kind = FV_JSON_END;
    }
    const bool object = j->nest[j->depth - 1];
    if (c == (object ? '}' : ']')) return close_nest(j);
    if (c < 0) return fault(j, "ends too early");
    if (c != ',') return fault(j, object ? "expected ',' or '}'" : "expected ',' or ']'");
    j->r.at++;
    skip_space(j);
    if (!object) return value(j);
    return peek(j) == '"' ? string(j, FV_JSON_KEY) : fault(j, "expected a key");
}

fv_json_kind fv_json_next(fv_json *j)
{
    j->raw = (fv_bytes){ 0 };
    if (j->state == DONE) return j->kind = FV_JSON_END;
    skip_space(j);
    switch (j->state) {
    case AFTER_VALUE:
        return after_value(j);
    case KEY_OR_END:
        if (peek(j) == '}') return close_nest(j);
        return peek(j) == '"' ? string(j, FV_JSON_KEY) : fault(j, "expected a key or '}'");
    case VALUE_OR_END:
        if (peek(j) == ']') return close_nest(j);
        return value(j);
    default:
        return value(j);
    }
}

void fv_json_skip(fv_json *j)
{
    if (j->kind == FV_JSON_KEY) fv_json_next(j);
    if (j->kind != FV_JSON_OBJECT && j->kind != FV_JSON_ARRAY) return;
    const int outside = j->depth - 1;
    while (j->depth > outside && fv_json_next(j) != FV_JSON_END) {
    }
}

/* One character of an already checked string, unescaped, into out; returns its bytes there and moves *p. */
static size_t unescape(const uint8_t **p, const uint8_t *end, uint8_t out[4])
{
    uint32_t point;
    if (**p != '\\') {
        out[0] = *(*p)++;
        return 1;
    }
    *p += escape(*p, (size_t)(end - *p), &point);
    return fv_utf8_put(out, point);
}

bool fv_json_text(const fv_json *j, char *out, size_t cap)
{
    size_t len = 0;
    if (cap) out[0] = 0;
    if (j->kind != FV_JSON_KEY && j->kind != FV_JSON_STRING) return false;
    for (const uint8_t *p = j->raw.p, *end = p + j->raw.len; p < end;) {
        uint8_t c[4];
        const size_t n = unescape(&p, end, c);
        if (len + n >= cap || c[0] == 0) return false;
        memcpy(out + len, c, n);
        len += n;
        out[len] = 0;
    }
    return len < cap;
}

bool fv_json_is(const fv_json *j, const char *text)
{
    if (j->kind != FV_JSON_KEY && j->kind != FV_JSON_STRING) return false;
    for (const uint8_t *p = j->raw.p, *end = p + j->raw.len; p < end;) {
        uint8_t c[4];
        const size_t n = unescape(&p, end, c);
        if (c[0] == 0 || strncmp(text, (const char *)c, n) != 0) return false;
        text += n;
    }
    return *text == 0;
}

bool fv_json_int(const fv_json *j, int64_t *out)
{
    if (j->kind != FV_JSON_NUMBER) return false;
    const bool negative = j->raw.p[0] == '-';
    int64_t v = 0;
    for (size_t i = negative; i < j->raw.len; i++) {
        const uint8_t c = j->raw.p[i];
        if (c < '0' || c > '9') return false;
        const int d = negative ? -(c - '0') : c - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, d, &v)) return false;
    }
    *out = v;
    return true;
}

/* strtod wants the locale's decimal point, so it gets none: 1.25e3 is handed over as 125e1. */
bool fv_json_double(const fv_json *j, double *out)
{
    char text[LONGEST_NUMBER + 32];
    size_t len = 0, i = 0;
    long exponent = 0, after_point = 0;
    bool point = false, minus = false;
    if (j->kind != FV_JSON_NUMBER || j->raw.len > LONGEST_NUMBER) return false;
    for (; i < j->raw.len && (j->raw.p[i] | 32) != 'e'; i++) {
        if (j->raw.p[i] == '.') {
            point = true;
        } else {
            text[len++] = (char)j->raw.p[i];
            after_point += point;
        }
    }
    for (i++; i < j->raw.len; i++) {
        const uint8_t c = j->raw.p[i];
        if (c == '-') minus = true;
        else if (c != '+' && exponent < 100000) exponent = exponent * 10 + (c - '0');
    }
    snprintf(text + len, sizeof text - len, "e%ld", (minus ? -exponent : exponent) - after_point);
    *out = strtod(text, NULL);
    return isfinite(*out);
}
