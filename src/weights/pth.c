/* pth.c -- PyTorch's checkpoints: torch.save's zip archives and, from before 2020, its series of pickles. Formats:
 * torch/serialization.py. Nested dicts become dotted names ("state_dict.conv1.weight"), so that what lies beside the
 * weights is listed as well; all else that is no tensor is dropped. Tensors borrow from the file; views with strides are
 * gathered. Memory before the last check: twice the file's length, and a megabyte.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include "base/utf8.h"
#include "weights/format.h"
#include "weights/unpickle.h"
#include "weights/zip.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32, LONGEST_NAME = 1000, SLACK = 1 << 20, LEGACY_PROTOCOL = 1001 };
static const uint8_t legacy_magic[10] = { 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19 };

/* A storage of a legacy file: what the pickle says of it, then its bytes. */
typedef struct legacy_storage {
    fv_pickled_storage is;
    fv_bytes data; /* p NULL: none yet */
} legacy_storage;

typedef struct checkpoint {
    fv_bytes file;
    fv_stored_list *list;
    fv_arena *arena;
    fv_err *err;
    size_t budget, gather; /* bytes that objects, and gathered tensors, may still take */
    fv_pickle pickle;
    fv_zip zip;       /* of a zip archive: */
    const char *root; /* the folder of its entries */
    int root_len;
    legacy_storage *storage; /* of a legacy file, sorted by key */
    size_t storages;
    char *text; /* names; NULL while they are counted */
    size_t at;
} checkpoint;

/* ---- where a storage's bytes lie ---- */

static int by_key(const void *a, const void *b)
{
    const fv_bytes x = ((const legacy_storage *)a)->is.key, y = ((const legacy_storage *)b)->is.key;
    const int order = memcmp(x.p, y.p, x.len < y.len ? x.len : y.len);
    return order ? order : (x.len > y.len) - (x.len < y.len);
}

static legacy_storage *legacy_find(const checkpoint *c, fv_bytes key)
{
    const legacy_storage k = { .is.key = key };
    return c->storages ? bsearch(&k, c->storage, c->storages, sizeof k, by_key) : NULL;
}

static fv_status bytes_of(const checkpoint *c, const fv_pickled_storage *s, fv_bytes *data)
{
    const int n = s->key.len < 100 ? (int)s->key.len : 100;
    if (c->root) {
        char name[400];
        const int len = snprintf(name, sizeof name, "%.*s/data/%.*s", c->root_len, c->root, n, (const char *)s->key.p);
        const fv_zip_entry *e = len < (int)sizeof name ? fv_zip_find(&c->zip, name) : NULL;
        if (!e) return fv_fail(c->err, FV_FORMAT, "the archive has no 'data/%.*s'", n, (const char *)s->key.p);
        *data = e->data;
    } else {
        const legacy_storage *l = legacy_find(c, s->key);
        if (!l || !l->data.p)
            return fv_fail(c->err, FV_FORMAT, "storage '%.*s' has no data", n, (const char *)s->key.p);
        *data = l->data;
    }
    size_t bytes;
    if (!fv_mul_size((size_t)s->elements, (size_t)fv_dtype_bits(s->dtype) / 8, &bytes) || bytes != data->len)
        return fv_fail(c->err, FV_FORMAT, "storage '%.*s': %" PRIu64 " elements of %d bytes lie in %zu bytes", n,
                       (const char *)s->key.p, s->elements, fv_dtype_bits(s->dtype) / 8, data->len);
    return FV_OK;
}

/* ---- tensors ---- */

/* The elements, and the storage's part that they reach into; false where a number overflows or it reaches too far. */
static bool measure(const fv_pickled_tensor *t, size_t *elements, bool *dense)
{
    size_t n = 1, last = (size_t)t->offset;
    *dense = true;
    for (int i = t->rank; i-- > 0;) {
        const size_t dim = (size_t)t->dim[i], stride = (size_t)t->stride[i];
        size_t reach;
        if (dim != 1 && stride != n) *dense = false;
        if (dim > 1 && (!fv_mul_size(dim - 1, stride, &reach) || !fv_add_size(last, reach, &last))) return false;
        if (!fv_mul_size(n, dim, &n)) return false;
    }
    *elements = n;
    return n == 0 || last < t->storage.elements;
}

/* Copies the elements in the order of the indices. */
static void gather(uint8_t *out, const uint8_t *from, size_t size, const fv_pickled_tensor *t, size_t n)
{
    int64_t index[FV_PICKLED_RANK] = { 0 };
    size_t at = (size_t)t->offset;
    for (; n; n--, out += size) {
        memcpy(out, from + at * size, size);
        for (int i = t->rank; i-- > 0;) {
            at += (size_t)t->stride[i];
            if (++index[i] < t->dim[i]) break;
            at -= (size_t)t->stride[i] * (size_t)t->dim[i];
            index[i] = 0;
        }
    }
}

static fv_status place(checkpoint *c, fv_pickled v, fv_stored *to)
{
    fv_pickled_tensor t = { 0 };
    fv_bytes data = { 0 };
    size_t n = 0;
    bool dense = true;
    fv_pickle_tensor(&c->pickle, v, &t);
    const fv_status s = bytes_of(c, &t.storage, &data);
    if (s != FV_OK) return fv_context(c->err, s, "tensor '%.100s'", to->name);
    if (!measure(&t, &n, &dense))
        return fv_fail(c->err, FV_FORMAT, "tensor '%.100s': reaches beyond its storage of %" PRIu64 " elements",
                       to->name, t.storage.elements);
    const size_t size = (size_t)fv_dtype_bits(t.storage.dtype) / 8;
    to->dtype = t.storage.dtype;
    to->rank = t.rank;
    for (int i = 0; i < t.rank; i++) to->dim[i] = t.dim[i];
    if (n == 0) {
        to->data = (fv_bytes){ .p = c->file.p };
    } else if (dense) {
        to->data = (fv_bytes){ .p = data.p + (size_t)t.offset * size, .len = n * size };
    } else {
        /* An element may be shown many times: n is not bounded by the storage. */
        if (n > c->gather / size)
            return fv_fail(c->err, FV_FORMAT, "tensor '%.100s': its view is larger than the file", to->name);
        uint8_t *copy = fv_arena_alloc(c->arena, n * size);
        if (!copy) return fv_fail(c->err, FV_NOMEM, "no memory for %zu bytes of a tensor", n * size);
        c->gather -= n * size;
        gather(copy, data.p, size, &t, n);
        to->data = (fv_bytes){ .p = copy, .len = n * size };
    }
    return FV_OK;
}

/* ---- the tree ---- */

typedef struct level {
    fv_pickled v;
    uint32_t at;
    size_t name_len, index;
} level;

/* A key as a part of a name; false where it can be none. */
static bool append_key(const checkpoint *c, char *name, size_t *len, fv_pickled key)
{
    size_t n = *len;
    if (n) name[n++] = '.';
    if (key.kind == FV_PICKLED_INT) {
        const int put = snprintf(name + n, LONGEST_NAME - n, "%" PRId64, key.i);
        if (put < 0 || (size_t)put >= LONGEST_NAME - n) return false;
        *len = n + (size_t)put;
        return true;
    }
    if (key.kind != FV_PICKLED_TEXT) return false;
    const fv_bytes t = fv_pickle_text(&c->pickle, key);
    if (!t.len || t.len >= LONGEST_NAME - n || memchr(t.p, 0, t.len)) return false;
    for (size_t i = 0; i < t.len;) {
        const size_t u = fv_utf8(t.p + i, t.len - i);
        if (!u) return false;
        i += u;
    }
    memcpy(name + n, t.p, t.len);
    *len = n + t.len;
    return true;
}

static fv_status take_tensor(checkpoint *c, fv_pickled v, const char *name, size_t len)
{
    if (!c->text) { /* the first round counts */
        c->list->count++;
        c->at += len + 1;
        return FV_OK;
    }
    fv_stored *t = &c->list->tensor[c->list->count++];
    memcpy(c->text + c->at, name, len);
    t->name = c->text + c->at;
    c->at += len + 1;
    return place(c, v, t);
}

/* Names all tensors under the root, each container once: a circle ends where it began. */
static fv_status walk(checkpoint *c, uint8_t round)
{
    level open[DEPTH];
    char name[LONGEST_NAME + 24];
    int depth = 0;
    fv_pickle *p = &c->pickle;
    fv_pickle_enter(p, p->root, round);
    open[0].v = p->root;
    open[0].at = fv_pickle_first(p, p->root);
    open[0].name_len = open[0].index = 0;
    while (depth >= 0) {
        level *l = &open[depth];
        if (!l->at) {
            depth--;
            continue;
        }
        const bool dict = l->v.kind == FV_PICKLED_DICT;
        const fv_pickled number = { .kind = FV_PICKLED_INT, .i = (int64_t)l->index++ };
        const fv_pickled key = dict ? fv_pickle_item(p, &l->at) : number;
        const fv_pickled v = fv_pickle_item(p, &l->at);
        const bool deeper = v.kind == FV_PICKLED_DICT || v.kind == FV_PICKLED_LIST || v.kind == FV_PICKLED_TUPLE;
        size_t len = l->name_len;
        if ((!deeper && v.kind != FV_PICKLED_TENSOR) || !append_key(c, name, &len, key)) continue;
        if (v.kind == FV_PICKLED_TENSOR) {
            FV_TRY(take_tensor(c, v, name, len));
        } else if (fv_pickle_enter(p, v, round)) {
            if (depth + 1 == DEPTH) return fv_fail(c->err, FV_FORMAT, "dicts nest more than %d deep", (int)DEPTH);
            open[++depth] = (level){ .v = v, .at = fv_pickle_first(p, v), .name_len = len };
        }
    }
    return FV_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fv_stored *)a)->name, ((const fv_stored *)b)->name);
}

static fv_status list_tensors(checkpoint *c)
{
    fv_stored_list *l = c->list;
    const uint8_t kind = c->pickle.root.kind;
    if (kind != FV_PICKLED_DICT && kind != FV_PICKLED_LIST && kind != FV_PICKLED_TUPLE)
        return fv_fail(c->err, FV_FORMAT, "holds no state dict");
    FV_TRY(walk(c, 1));
    if (!l->count) return fv_fail(c->err, FV_FORMAT, "holds no tensors");
    FV_TRY(fv_budget_take(&c->budget, c->at + l->count * sizeof *l->tensor, c->err));
    l->tensor = fv_arena_alloc(c->arena, l->count * sizeof *l->tensor);
    c->text = fv_arena_alloc(c->arena, c->at);
    if (c->arena->failed) return fv_fail(c->err, FV_NOMEM, "no memory to list %zu tensors", l->count);
    l->count = c->at = 0;
    FV_TRY(walk(c, 2));
    qsort(l->tensor, l->count, sizeof *l->tensor, by_name);
    for (size_t i = 1; i < l->count; i++)
        if (strcmp(l->tensor[i - 1].name, l->tensor[i].name) == 0)
            return fv_fail(c->err, FV_FORMAT, "two tensors are called '%.100s'", l->tensor[i].name);
    return FV_OK;
}

/* ---- the zip form ---- */

static bool ends_in(fv_bytes name, const char *tail)
{
    const size_t n = strlen(tail);
    return name.len > n && memcmp(name.p + name.len - n, tail, n) == 0;
}

/* ROOT/data.pkl gives the root. Everything in such an archive lies unpacked. */
static fv_status find_root(checkpoint *c, const fv_zip_entry **pickle)
{
    *pickle = NULL;
    for (size_t i = 0; i < c->zip.count; i++) {
        const fv_zip_entry *e = &c->zip.entry[i];
        const int n = e->name.len < 100 ? (int)e->name.len : 100;
        if (e->packed)
            return fv_fail(c->err, FV_UNSUP, "zip entry '%.*s' is packed; torch.save stores", n,
                           (const char *)e->name.p);
        if (!ends_in(e->name, "/data.pkl") || memchr(e->name.p, '/', e->name.len - 9)) continue;
        if (*pickle) return fv_fail(c->err, FV_FORMAT, "the archive has two 'data.pkl'");
        *pickle = e;
    }
    if (!*pickle) return fv_fail(c->err, FV_FORMAT, "a zip archive without 'data.pkl': not one of torch.save");
    c->root = (const char *)(*pickle)->name.p;
    c->root_len = (int)(*pickle)->name.len - 9;
    return FV_OK;
}

static fv_status check_byte_order(checkpoint *c)
{
    char name[300];
    const int n = snprintf(name, sizeof name, "%.*s/byteorder", c->root_len, c->root);
    const fv_zip_entry *e = n < (int)sizeof name ? fv_zip_find(&c->zip, name) : NULL;
    if (e && (e->data.len != 6 || memcmp(e->data.p, "little", 6) != 0))
        return fv_fail(c->err, FV_UNSUP, "its numbers are not little-endian");
    return FV_OK;
}

static fv_status read_zip(checkpoint *c)
{
    const fv_zip_entry *e;
    FV_TRY(fv_zip_read(&c->zip, c->file, c->arena, c->err));
    FV_TRY(fv_budget_take(&c->budget, c->zip.count * sizeof *c->zip.entry, c->err));
    FV_TRY(find_root(c, &e));
    FV_TRY(check_byte_order(c));
    fv_reader r = fv_reader_of(e->data);
    FV_TRY(fv_unpickle(&c->pickle, &r, &c->budget, c->arena->heap, c->err));
    if (fv_reader_left(&r)) return fv_fail(c->err, FV_FORMAT, "%zu bytes after the pickle", fv_reader_left(&r));
    return list_tensors(c);
}

/* ---- the legacy form ---- */

static bool is_magic(const fv_pickle *p)
{
    const fv_bytes b = p->root.kind == FV_PICKLED_BIG ? fv_pickle_text(p, p->root) : (fv_bytes){ 0 };
    return b.len == sizeof legacy_magic && memcmp(b.p, legacy_magic, b.len) == 0;
}

static bool is_protocol(const fv_pickle *p)
{
    return p->root.kind == FV_PICKLED_INT && p->root.i == LEGACY_PROTOCOL;
}

static bool is_little_endian(const fv_pickle *p)
{
    static const char word[] = "little_endian";
    if (p->root.kind != FV_PICKLED_DICT) return false;
    for (uint32_t at = fv_pickle_first(p, p->root); at;) {
        const fv_pickled key = fv_pickle_item(p, &at), v = fv_pickle_item(p, &at);
        const fv_bytes t = key.kind == FV_PICKLED_TEXT ? fv_pickle_text(p, key) : (fv_bytes){ 0 };
        if (t.len == sizeof word - 1 && memcmp(t.p, word, t.len) == 0) return v.kind == FV_PICKLED_BOOL && v.i;
    }
    return false;
}

/* One of the small pickles in front, which has to be as `is` says. */
static fv_status expect(checkpoint *c, fv_reader *r, bool (*is)(const fv_pickle *p), const char *what)
{
    fv_pickle p;
    fv_status s = fv_unpickle(&p, r, &c->budget, c->arena->heap, c->err);
    if (s == FV_OK && !is(&p)) s = fv_fail(c->err, FV_FORMAT, "offset %zu: %s", r->at, what);
    fv_pickle_free(&p);
    return s;
}

/* The storages that the object names, each once. */
static fv_status collect_storages(checkpoint *c)
{
    size_t n = 0;
    fv_pickled_storage s;
    for (uint32_t at = 0; fv_pickle_storage(&c->pickle, &at, &s);) n++;
    FV_TRY(fv_budget_take(&c->budget, n * sizeof *c->storage, c->err));
    c->storage = fv_arena_alloc(c->arena, n * sizeof *c->storage);
    if (!c->storage) return fv_fail(c->err, FV_NOMEM, "no memory to list %zu storages", n);
    n = 0;
    for (uint32_t at = 0; fv_pickle_storage(&c->pickle, &at, &s);) c->storage[n++].is = s;
    if (n) qsort(c->storage, n, sizeof *c->storage, by_key);
    for (size_t i = 0; i < n; i++) {
        const legacy_storage *x = &c->storage[i];
        const bool again = c->storages && by_key(&c->storage[c->storages - 1], x) == 0;
        if (again && (c->storage[c->storages - 1].is.dtype != x->is.dtype ||
                      c->storage[c->storages - 1].is.elements != x->is.elements))
            return fv_fail(c->err, FV_FORMAT, "a storage has two sizes or types");
        if (!again) c->storage[c->storages++] = *x;
    }
    return FV_OK;
}

/* The list of keys, then for each of them the number of elements and the elements. */
static fv_status read_storages(checkpoint *c, fv_reader *r)
{
    fv_pickle keys;
    fv_status s = fv_unpickle(&keys, r, &c->budget, c->arena->heap, c->err);
    if (s == FV_OK && keys.root.kind != FV_PICKLED_LIST)
        s = fv_fail(c->err, FV_FORMAT, "the storages' keys are no list");
    for (uint32_t at = s == FV_OK ? fv_pickle_first(&keys, keys.root) : 0; s == FV_OK && at;) {
        const fv_pickled key = fv_pickle_item(&keys, &at);
        const uint64_t elements = fv_read_u64le(r);
        legacy_storage *l = key.kind == FV_PICKLED_TEXT ? legacy_find(c, fv_pickle_text(&keys, key)) : NULL;
        size_t bytes = 0;
        if (!l || l->data.p) {
            s = fv_fail(c->err, FV_FORMAT, "offset %zu: a storage that nothing names, or for the second time", r->at);
        } else if (elements != l->is.elements ||
                   !fv_mul_size((size_t)elements, (size_t)fv_dtype_bits(l->is.dtype) / 8, &bytes)) {
            s = fv_fail(c->err, FV_FORMAT, "offset %zu: a storage of %" PRIu64 " elements, %" PRIu64 " are expected",
                        r->at, elements, l->is.elements);
        } else {
            const size_t left = fv_reader_left(r);
            l->data = fv_read_bytes(r, bytes);
            if (r->failed) s = fv_fail(c->err, FV_FORMAT, "file is %zu bytes short", bytes - left);
        }
    }
    fv_pickle_free(&keys);
    if (s == FV_OK && fv_reader_left(r))
        s = fv_fail(c->err, FV_FORMAT, "%zu bytes after the last storage", fv_reader_left(r));
    return s;
}

static fv_status read_legacy(checkpoint *c)
{
    fv_reader r = fv_reader_of(c->file);
    FV_TRY(expect(c, &r, is_magic, "no magic number of torch.save"));
    FV_TRY(expect(c, &r, is_protocol, "no protocol 1001 of torch.save"));
    FV_TRY(expect(c, &r, is_little_endian, "numbers that are not said to be little-endian"));
    FV_TRY(fv_unpickle(&c->pickle, &r, &c->budget, c->arena->heap, c->err));
    FV_TRY(collect_storages(c));
    FV_TRY(read_storages(c, &r));
    return list_tensors(c);
}

/* ---- the rows ---- */

static fv_status read_file(fv_bytes file, fv_stored_list *list, fv_arena *a, fv_err *err,
                           fv_status (*read)(checkpoint *c))
{
    checkpoint c = { .file = file, .list = list, .arena = a, .err = err, .budget = SLACK, .gather = file.len };
    fv_add_size(c.budget, file.len, &c.budget);
    c.pickle.heap = a->heap;
    *list = (fv_stored_list){ 0 };
    const fv_status s = read(&c);
    fv_pickle_free(&c.pickle);
    if (s != FV_OK) *list = (fv_stored_list){ 0 };
    return s;
}

static fv_status read_zip_file(fv_bytes file, fv_stored_list *list, fv_arena *a, fv_err *err)
{
    return read_file(file, list, a, err, read_zip);
}

static fv_status read_legacy_file(fv_bytes file, fv_stored_list *list, fv_arena *a, fv_err *err)
{
    return read_file(file, list, a, err, read_legacy);
}

static bool probe_legacy(fv_bytes file)
{
    return file.len >= 2 && file.p[0] == 0x80 && file.p[1] <= 5;
}

const fv_weight_format fv_pth = { "PyTorch", fv_zip_probe, read_zip_file };
const fv_weight_format fv_pth_legacy = { "PyTorch, legacy", probe_legacy, read_legacy_file };
