/* safetensors.c -- reads safetensors: u64 little-endian n, n bytes of JSON, then the tensors' data without gaps.
 * Format: the README of huggingface/safetensors. Every check of its reader is made here, before anything is
 * allocated that the file's length does not pay for; sorting keeps 100,000 tensors under a second.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/status.h"
#include "weights/format.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_HEADER = 100000000, MOST_PAIRS = 1 << 16 };

/* What the counting pass found: room for the filling pass. */
typedef struct totals {
    size_t tensors, pairs, text; /* text: bytes of all strings with their final 0 */
} totals;

typedef struct parser {
    fv_json j;
    fv_bytes data;
    fv_stored_list *list;
    char *text;
    size_t at, text_cap;
    bool had_metadata;
    uint64_t missing; /* bytes of data that the file lacks */
    fv_err *err;
} parser;

static fv_status bad_json(parser *p, const char *expected)
{
    return fv_fail(p->err, FV_FORMAT, "header, offset %zu: %s", p->j.r.at + 8, p->j.fault ? p->j.fault : expected);
}

static const char *const fields[] = { "dtype", "shape", "data_offsets" };
enum { FIELDS = sizeof fields / sizeof *fields };

static fv_status once_each(parser *p, fv_bytes name)
{
    return fv_fail(p->err, FV_FORMAT, "tensor '%.*s': needs dtype, shape and data_offsets once each",
                   (int)(name.len < 100 ? name.len : 100), (const char *)name.p);
}

/* The object of a tensor: it has each field once, so that the text pays for the list's item. */
static fv_status count_tensor(parser *p, fv_json *j, totals *t)
{
    const fv_bytes name = j->raw;
    int had[FIELDS] = { 0 };
    t->tensors++;
    t->text += name.len + 1;
    if (fv_json_next(j) != FV_JSON_OBJECT) {
        p->j = *j;
        return bad_json(p, "a tensor is not an object");
    }
    while (fv_json_next(j) == FV_JSON_KEY) {
        for (int i = 0; i < FIELDS; i++) had[i] += fv_json_is(j, fields[i]);
        fv_json_skip(j);
    }
    for (int i = 0; i < FIELDS; i++)
        if (had[i] != 1 && !j->fault) return once_each(p, name);
    return FV_OK;
}

static fv_status count_metadata(parser *p, fv_json *j, totals *t)
{
    if (fv_json_next(j) != FV_JSON_OBJECT) return FV_OK; /* the second pass says so */
    while (fv_json_next(j) == FV_JSON_KEY) {
        t->text += j->raw.len + 1;
        if (fv_json_next(j) == FV_JSON_STRING) t->text += j->raw.len + 1;
        else fv_json_skip(j);
        if (++t->pairs > MOST_PAIRS)
            return fv_fail(p->err, FV_FORMAT, "'__metadata__' has more than %d entries", (int)MOST_PAIRS);
    }
    return FV_OK;
}

/* Pass 1: the grammar of the whole text, and how much there is. Nothing is allocated before it has ended well. */
static fv_status count(parser *p, totals *t)
{
    fv_json j = p->j;
    fv_json_next(&j);
    while (fv_json_next(&j) == FV_JSON_KEY)
        FV_TRY(fv_json_is(&j, "__metadata__") ? count_metadata(p, &j, t) : count_tensor(p, &j, t));
    while (fv_json_next(&j) != FV_JSON_END) {
    }
    p->j.r.at = j.fault ? j.r.at : p->j.r.at;
    p->j.fault = j.fault;
    return j.fault ? bad_json(p, "") : FV_OK;
}

/* The current string, kept. Unescaping never lengthens, so what pass 1 counted is enough. */
static const char *keep(parser *p)
{
    char *s = p->text + p->at;
    if (!fv_json_text(&p->j, s, p->text_cap - p->at)) return NULL;
    p->at += strlen(s) + 1;
    return s;
}

static fv_status read_metadata(parser *p)
{
    if (p->had_metadata) return fv_fail(p->err, FV_FORMAT, "header has '__metadata__' twice");
    p->had_metadata = true;
    if (fv_json_next(&p->j) != FV_JSON_OBJECT) return bad_json(p, "'__metadata__' is not an object");
    while (fv_json_next(&p->j) == FV_JSON_KEY) {
        fv_pair *pair = &p->list->pair[p->list->pairs++];
        pair->key = keep(p);
        if (fv_json_next(&p->j) != FV_JSON_STRING) return bad_json(p, "a value of '__metadata__' is not a string");
        pair->value = keep(p);
        if (!pair->key || !pair->value) return bad_json(p, "U+0000 in '__metadata__'");
    }
    return FV_OK;
}

static fv_status read_dtype(parser *p, fv_stored *t)
{
    char name[32];
    if (fv_json_next(&p->j) != FV_JSON_STRING) return bad_json(p, "dtype is not a string");
    if (!fv_json_text(&p->j, name, sizeof name)) return bad_json(p, "unknown dtype");
    for (int d = 0; d < FV_DTYPE_COUNT; d++) {
        if (strcmp(name, fv_dtype_name((fv_dtype)d)) == 0) {
            t->dtype = (fv_dtype)d;
            return FV_OK;
        }
    }
    return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': unknown dtype '%s'", t->name, name);
}

/* An array of whole numbers from 0; *n is how many. */
static fv_status read_numbers(parser *p, const fv_stored *t, int64_t *out, int cap, int *n)
{
    *n = 0;
    if (fv_json_next(&p->j) != FV_JSON_ARRAY) return bad_json(p, "expected an array");
    while (fv_json_next(&p->j) != FV_JSON_ARRAY_END) {
        if (*n == cap) return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': more than %d numbers", t->name, cap);
        if (!fv_json_int(&p->j, &out[*n]) || out[*n] < 0) return bad_json(p, "expected a whole number, 0 or more");
        ++*n;
    }
    return FV_OK;
}

static fv_status check_span(parser *p, fv_stored *t, const int64_t offset[2])
{
    size_t bits = (size_t)fv_dtype_bits(t->dtype);
    const uint64_t begin = (uint64_t)offset[0], end = (uint64_t)offset[1];
    bool fits = true, empty = false;
    for (int i = 0; i < t->rank; i++) empty |= t->dim[i] == 0;
    /* Also of an empty tensor no product may overflow, in any order: other readers multiply as they go. */
    for (int i = 0; i < t->rank; i++) fits = fits && (t->dim[i] == 0 || fv_mul_size(bits, (size_t)t->dim[i], &bits));
    if (!fits) return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': size overflows", t->name);
    if (begin > end) return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': begins after its end", t->name);
    if (empty) bits = 0;
    if (bits % 8 || bits / 8 != end - begin)
        return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': shape needs %zu bits, its span has %" PRIu64 " bytes",
                       t->name, bits, end - begin);
    if (end > p->data.len) { /* told once the largest end is known */
        if (end - p->data.len > p->missing) p->missing = end - p->data.len;
        return FV_OK;
    }
    t->data = (fv_bytes){ .p = p->data.p + begin, .len = (size_t)(end - begin) };
    return FV_OK;
}

static fv_status read_tensor(parser *p)
{
    fv_stored *t = &p->list->tensor[p->list->count++];
    int64_t offset[2];
    int n;
    t->name = keep(p);
    if (!t->name) return bad_json(p, "U+0000 in a name");
    if (fv_json_next(&p->j) != FV_JSON_OBJECT) return bad_json(p, "a tensor is not an object");
    while (fv_json_next(&p->j) == FV_JSON_KEY) {
        if (fv_json_is(&p->j, "dtype")) {
            FV_TRY(read_dtype(p, t));
        } else if (fv_json_is(&p->j, "shape")) {
            FV_TRY(read_numbers(p, t, t->dim, FV_TENSOR_RANK, &t->rank));
        } else if (fv_json_is(&p->j, "data_offsets")) {
            FV_TRY(read_numbers(p, t, offset, 2, &n));
            if (n != 2) return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': data_offsets are not two", t->name);
        } else {
            fv_json_skip(&p->j);
        }
    }
    return check_span(p, t, offset);
}

static int by_place(const void *a, const void *b)
{
    const fv_bytes x = ((const fv_stored *)a)->data, y = ((const fv_stored *)b)->data;
    if (x.p != y.p) return x.p < y.p ? -1 : 1;
    return (x.len > y.len) - (x.len < y.len); /* an empty tensor stands before the one that begins there */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fv_stored *)a)->name, ((const fv_stored *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const fv_pair *)a)->key, ((const fv_pair *)b)->key);
}

/* No hole, no overlap, nothing after the last tensor; then names, each once. */
static fv_status check_all(parser *p)
{
    fv_stored_list *l = p->list;
    size_t at = 0;
    if (l->count) qsort(l->tensor, l->count, sizeof *l->tensor, by_place);
    for (size_t i = 0; i < l->count; i++) {
        const fv_stored *t = &l->tensor[i];
        const size_t begin = (size_t)(t->data.p - p->data.p);
        if (begin != at)
            return fv_fail(p->err, FV_FORMAT, "tensor '%.100s': begins at %zu, %s the one before, which ends at %zu",
                           t->name, begin, begin < at ? "overlaps" : "leaves a hole after", at);
        at += t->data.len;
    }
    if (at != p->data.len) return fv_fail(p->err, FV_FORMAT, "%zu bytes after the last tensor", p->data.len - at);
    if (l->count) qsort(l->tensor, l->count, sizeof *l->tensor, by_name);
    for (size_t i = 1; i < l->count; i++)
        if (strcmp(l->tensor[i - 1].name, l->tensor[i].name) == 0)
            return fv_fail(p->err, FV_FORMAT, "two tensors are called '%.100s'", l->tensor[i].name);
    if (l->pairs) qsort(l->pair, l->pairs, sizeof *l->pair, by_key);
    for (size_t i = 1; i < l->pairs; i++)
        if (strcmp(l->pair[i - 1].key, l->pair[i].key) == 0)
            return fv_fail(p->err, FV_FORMAT, "'__metadata__' has '%.100s' twice", l->pair[i].key);
    return FV_OK;
}

static fv_status fill(parser *p)
{
    if (fv_json_next(&p->j) != FV_JSON_OBJECT) return bad_json(p, "expected '{'");
    while (fv_json_next(&p->j) == FV_JSON_KEY) {
        if (fv_json_is(&p->j, "__metadata__")) FV_TRY(read_metadata(p));
        else FV_TRY(read_tensor(p));
    }
    if (p->missing) return fv_fail(p->err, FV_FORMAT, "file is %" PRIu64 " bytes short", p->missing);
    return check_all(p);
}

static fv_status parse(fv_bytes json, fv_bytes data, fv_stored_list *list, fv_arena *a, fv_err *err)
{
    parser p = { .j = fv_json_of(json), .data = data, .list = list, .err = err };
    totals t = { 0 };
    size_t tensors = 0, pairs = 0;
    FV_TRY(count(&p, &t));
    if (!fv_mul_size(t.tensors, sizeof *list->tensor, &tensors) || !fv_mul_size(t.pairs, sizeof *list->pair, &pairs))
        return fv_fail(err, FV_FORMAT, "header has %zu tensors", t.tensors);
    list->tensor = fv_arena_alloc(a, tensors);
    list->pair = fv_arena_alloc(a, pairs);
    p.text = fv_arena_alloc(a, t.text);
    p.text_cap = t.text;
    if (a->failed) return fv_fail(err, FV_NOMEM, "no memory for %zu bytes of tensor list", tensors + pairs + t.text);
    return fill(&p);
}

static fv_status read_file(fv_bytes file, fv_stored_list *list, fv_arena *a, fv_err *err)
{
    fv_reader r = fv_reader_of(file);
    *list = (fv_stored_list){ 0 };
    if (file.len < 8) return fv_fail(err, FV_FORMAT, "%zu bytes are no safetensors file", file.len);
    const uint64_t n = fv_read_u64le(&r);
    if (n > LONGEST_HEADER)
        return fv_fail(err, FV_FORMAT, "header of %" PRIu64 " bytes, at most %d are read", n, (int)LONGEST_HEADER);
    if (n > fv_reader_left(&r))
        return fv_fail(err, FV_FORMAT, "file is %" PRIu64 " bytes short: its header has %" PRIu64 " bytes",
                       n - fv_reader_left(&r), n);
    const fv_bytes json = fv_read_bytes(&r, n);
    if (n == 0 || json.p[0] != '{') return fv_fail(err, FV_FORMAT, "header does not begin with '{'");
    const fv_bytes data = { .p = file.p + r.at, .len = fv_reader_left(&r) };
    const fv_status s = parse(json, data, list, a, err);
    if (s != FV_OK) *list = (fv_stored_list){ 0 };
    return s;
}

static bool probe(fv_bytes file)
{
    fv_reader r = fv_reader_of(file);
    const uint64_t n = fv_read_u64le(&r);
    const uint8_t first = fv_read_u8(&r);
    return !r.failed && n <= LONGEST_HEADER && first == '{';
}

const fv_weight_format fv_safetensors = { "safetensors", probe, read_file };
