/* npy.c -- NumPy's array files: magic, version, a Python dict as text, data.
 * Format: numpy/lib/format.py, NEP 1. The dict is read by hand: three known keys, any order, nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/npy.h"
#include "base/alloc.h"
#include "tensor/dtype.h"
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { RANK = 8, LONGEST_HEADER = 65536 };

/* How numpy calls what is read. */
static const struct element {
    const char *descr;
    fv_dtype dtype;
} elements[] = {
    { "<f4", FV_DTYPE_F32 }, { "<f8", FV_DTYPE_F64 }, { "<f2", FV_DTYPE_F16 },
    { "|u1", FV_DTYPE_U8 },  { "<i8", FV_DTYPE_I64 },
};

typedef struct header {
    const struct element *element;
    int fortran; /* -1: not said */
    int rank;    /* -1: not said */
    int dim[RANK];
} header;

static uint8_t peek(const fv_reader *r)
{
    return r->at < r->bytes.len ? r->bytes.p[r->at] : 0;
}

static void skip_space(fv_reader *r)
{
    while (peek(r) == ' ' || peek(r) == '\n' || peek(r) == '\t') r->at++;
}

/* The byte c after spaces; false, and nothing is taken, where something else stands there. */
static bool take(fv_reader *r, char c)
{
    skip_space(r);
    if (peek(r) != (uint8_t)c) return false;
    r->at++;
    return true;
}

static bool take_word(fv_reader *r, const char *word)
{
    const size_t n = strlen(word);
    skip_space(r);
    if (fv_reader_left(r) < n || memcmp(r->bytes.p + r->at, word, n) != 0) return false;
    r->at += n;
    return true;
}

/* A quoted text without escapes. */
static bool take_string(fv_reader *r, char *out, size_t cap)
{
    skip_space(r);
    const uint8_t quote = peek(r);
    size_t n = 0;
    if (quote != '\'' && quote != '"') return false;
    for (r->at++; peek(r) != quote; r->at++) {
        if (peek(r) < 0x20 || peek(r) == '\\' || n + 1 >= cap) return false;
        out[n++] = (char)peek(r);
    }
    r->at++;
    out[n] = 0;
    return true;
}

static bool take_dim(fv_reader *r, int *out)
{
    int64_t v = 0;
    skip_space(r);
    if (peek(r) < '0' || peek(r) > '9') return false;
    for (; peek(r) >= '0' && peek(r) <= '9'; r->at++) {
        v = v * 10 + (peek(r) - '0');
        if (v > INT_MAX) return false;
    }
    *out = (int)v;
    return true;
}

static fv_status malformed(const fv_reader *r, fv_err *err, const char *what)
{
    return fv_fail(err, FV_FORMAT, "npy header, character %zu: %s", r->at, what);
}

static fv_status read_shape(fv_reader *r, header *h, fv_err *err)
{
    h->rank = 0;
    if (!take(r, '(')) return malformed(r, err, "shape is not a tuple");
    while (!take(r, ')')) {
        if (h->rank == RANK) return fv_fail(err, FV_UNSUP, "npy array of more than %d dimensions", (int)RANK);
        if (!take_dim(r, &h->dim[h->rank])) return malformed(r, err, "malformed dimension");
        h->rank++;
        if (take(r, ',')) continue;
        if (h->rank == 1 || !take(r, ')')) return malformed(r, err, "malformed shape");
        break;
    }
    return FV_OK;
}

static fv_status read_descr(fv_reader *r, header *h, fv_err *err)
{
    char descr[32];
    if (!take_string(r, descr, sizeof descr)) return malformed(r, err, "descr is not a short text");
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(descr, elements[i].descr) == 0) h->element = &elements[i];
    if (!h->element)
        return fv_fail(err, FV_UNSUP, "npy elements of type '%s'; <f4, <f8, <f2, |u1 and <i8 are read", descr);
    return FV_OK;
}

static fv_status read_field(fv_reader *r, header *h, fv_err *err)
{
    char key[32];
    if (!take_string(r, key, sizeof key) || !take(r, ':')) return malformed(r, err, "expected a key");
    if (strcmp(key, "descr") == 0 && !h->element) return read_descr(r, h, err);
    if (strcmp(key, "shape") == 0 && h->rank < 0) return read_shape(r, h, err);
    if (strcmp(key, "fortran_order") == 0 && h->fortran < 0) {
        if (take_word(r, "True")) h->fortran = 1;
        else if (take_word(r, "False")) h->fortran = 0;
        else return malformed(r, err, "fortran_order is neither True nor False");
        return FV_OK;
    }
    return malformed(r, err, "an unknown key, or one that stands there twice");
}

static fv_status read_header(fv_bytes text, header *h, fv_err *err)
{
    fv_reader r = fv_reader_of(text);
    *h = (header){ .fortran = -1, .rank = -1 };
    if (!take(&r, '{')) return malformed(&r, err, "expected '{'");
    while (!take(&r, '}')) {
        FV_TRY(read_field(&r, h, err));
        if (take(&r, ',')) continue;
        if (!take(&r, '}')) return malformed(&r, err, "expected '}'");
        break;
    }
    skip_space(&r);
    if (fv_reader_left(&r)) return malformed(&r, err, "text after the header");
    if (!h->element || h->rank < 0 || h->fortran < 0)
        return malformed(&r, err, "descr, shape or fortran_order missing");
    if (h->fortran) return fv_fail(err, FV_UNSUP, "npy array in fortran_order; save it in C order");
    return FV_OK;
}

static fv_status find_data(fv_npy *a, fv_reader *r, const header *h, fv_err *err)
{
    size_t bytes = (size_t)fv_dtype_bits(h->element->dtype) / 8;
    bool fits = true;
    for (int i = 0; i < h->rank; i++) fits = fits && fv_mul_size(bytes, (size_t)h->dim[i], &bytes);
    if (!fits) return fv_fail(err, FV_FORMAT, "npy shape overflows");
    const size_t left = fv_reader_left(r);
    if (bytes > left) return fv_fail(err, FV_FORMAT, "npy file is %zu bytes short", bytes - left);
    if (bytes < left) return fv_fail(err, FV_FORMAT, "%zu bytes after the npy array", left - bytes);
    a->dtype = h->element->dtype;
    a->rank = h->rank;
    memcpy(a->dim, h->dim, sizeof a->dim);
    a->data = fv_read_bytes(r, bytes);
    return FV_OK;
}

fv_status fv_npy_open(fv_npy *a, fv_bytes file, fv_err *err)
{
    fv_reader r = fv_reader_of(file);
    header h;
    *a = (fv_npy){ 0 };
    const fv_bytes magic = fv_read_bytes(&r, 6);
    if (r.failed || memcmp(magic.p, "\x93NUMPY", 6) != 0) return fv_fail(err, FV_FORMAT, "not an npy file");
    const uint8_t major = fv_read_u8(&r);
    fv_read_u8(&r);
    if (!r.failed && (major < 1 || major > 3)) return fv_fail(err, FV_UNSUP, "npy version %d; 1 to 3 are read", major);
    const uint32_t n = major == 1 ? fv_read_u16le(&r) : fv_read_u32le(&r);
    if (n > LONGEST_HEADER) return fv_fail(err, FV_FORMAT, "npy header of %" PRIu32 " bytes", n);
    const fv_bytes text = fv_read_bytes(&r, n);
    if (r.failed) return fv_fail(err, FV_FORMAT, "npy file ends in its header");
    FV_TRY(read_header(text, &h, err));
    return find_data(a, &r, &h, err);
}

fv_status fv_npy_parse(fv_array *a, fv_bytes file, const fv_allocator *heap, fv_err *err)
{
    fv_npy n;
    size_t floats = 0;
    void *data = NULL;
    *a = (fv_array){ 0 };
    FV_TRY(fv_npy_open(&n, file, err));
    if (!fv_mul_size(n.data.len / ((size_t)fv_dtype_bits(n.dtype) / 8), sizeof(float), &floats))
        return fv_fail(err, FV_FORMAT, "npy shape overflows");
    FV_TRY(fv_alloc_or(heap, &data, floats, err));
    fv_dtype_floats(n.dtype, n.data, data);
    a->rank = n.rank;
    memcpy(a->dim, n.dim, sizeof a->dim);
    a->data = data;
    return FV_OK;
}

fv_status fv_npy_read(fv_array *a, const char *path, const fv_env *env, fv_err *err)
{
    const fv_allocator *heap = env ? env->heap : NULL;
    fv_bytes file;
    *a = (fv_array){ 0 };
    FV_TRY(fv_file_read(&file, path, SIZE_MAX, heap, err));
    const fv_status s = fv_npy_parse(a, file, heap, err);
    fv_release(heap, (void *)(uintptr_t)file.p);
    return s == FV_OK ? s : fv_context(err, s, "%s", path);
}

size_t fv_npy_head(char head[FV_NPY_HEAD], fv_dtype dtype, int rank, const int64_t *dim)
{
    enum { TEXT_AT = 10 };
    const char *descr = "<f4";
    size_t n = TEXT_AT;
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (elements[i].dtype == dtype) descr = elements[i].descr;
    memcpy(head, "\x93NUMPY\x01", 8);
    n += (size_t)snprintf(head + n, FV_NPY_HEAD - n, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int i = 0; i < rank; i++) {
        const char *tail = rank == 1 ? "," : i + 1 < rank ? ", " : "";
        n += (size_t)snprintf(head + n, FV_NPY_HEAD - n, "%" PRId64 "%s", dim[i], tail);
    }
    n += (size_t)snprintf(head + n, FV_NPY_HEAD - n, "), }");
    while ((n + 1) % 64) head[n++] = ' '; /* the data begins at a multiple of 64 */
    head[n++] = '\n';
    head[8] = (char)((n - TEXT_AT) & 255);
    head[9] = (char)((n - TEXT_AT) >> 8);
    return n;
}

fv_status fv_npy_write(const fv_array *a, const char *path, fv_err *err)
{
    char head[FV_NPY_HEAD];
    int64_t dim[RANK];
    size_t bytes = sizeof(float);
    if (a->rank < 0 || a->rank > RANK) return fv_fail(err, FV_ARG, "%s: array of %d dimensions", path, a->rank);
    for (int i = 0; i < a->rank; i++) {
        dim[i] = a->dim[i];
        if (a->dim[i] < 0 || !fv_mul_size(bytes, (size_t)a->dim[i], &bytes))
            return fv_fail(err, FV_ARG, "%s: dimension %d is %d", path, i, a->dim[i]);
    }
    const size_t n = fv_npy_head(head, FV_DTYPE_F32, a->rank, dim);
    return fv_file_write(path, (fv_span[]){ { head, n }, { a->data, bytes } }, 2, err);
}

void fv_array_free(fv_array *a, const fv_env *env)
{
    if (!a) return;
    fv_release(env ? env->heap : NULL, a->data);
    *a = (fv_array){ 0 };
}
