/* npz.c -- NumPy's archives: a zip of npy files, one an array. Format: numpy.savez and savez_compressed. What is packed is
 * unpacked by zlib, where the build has it, up to a size that weights do not exceed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include "base/utf8.h"
#include "base/zheap.h"
#include "tensor/npy.h"
#include "weights/format.h"
#include "weights/zip.h"
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RATIO = 20, SLACK = 1 << 20, LOCAL_BYTES = 30, VERSION = 20, UTF8 = 1 << 11, DATE = 0x21 /* 1980-01-01 */ };

static const char tail[] = ".npy";
enum { TAIL = sizeof tail - 1 };

static bool is_array(fv_bytes name)
{
    return name.len > TAIL && memcmp(name.p + name.len - TAIL, tail, TAIL) == 0;
}

/* The first entry is an array: PyTorch's archives begin with other names. */
static bool probe(fv_bytes file)
{
    fv_reader r = { .bytes = file, .at = 26 };
    if (!fv_zip_probe(file) || file.len < LOCAL_BYTES) return false;
    const uint16_t n = fv_read_u16le(&r);
    fv_read_skip(&r, 2);
    return is_array(fv_read_bytes(&r, n));
}

#ifdef FOVEA_HAVE_ZLIB
/* Unpacks exactly `len` bytes; false where the data gives more, fewer, or is malformed. zlib counts in 32 bits. */
static bool inflate_all(fv_bytes from, uint8_t *out, size_t len, const fv_allocator *heap, bool *no_memory)
{
    z_stream z = fv_z_stream(heap);
    const int begun = inflateInit2(&z, -MAX_WBITS);
    int s = Z_OK;
    *no_memory = begun == Z_MEM_ERROR;
    if (begun != Z_OK) return false;
    z.next_in = (Bytef *)(uintptr_t)from.p;
    z.next_out = out;
    size_t left = from.len, room = len;
    while (s == Z_OK) {
        z.avail_in = left < UINT_MAX ? (uInt)left : UINT_MAX;
        z.avail_out = room < UINT_MAX ? (uInt)room : UINT_MAX;
        const uInt in = z.avail_in, to = z.avail_out;
        s = inflate(&z, Z_NO_FLUSH);
        left -= in - z.avail_in;
        room -= to - z.avail_out;
    }
    inflateEnd(&z);
    *no_memory = s == Z_MEM_ERROR;
    return s == Z_STREAM_END && left == 0 && room == 0;
}

static fv_status unpack(fv_bytes *out, const fv_zip_entry *e, size_t *room, fv_arena *a, fv_err *err)
{
    const int n = e->name.len < 100 ? (int)e->name.len : 100;
    bool no_memory;
    if (e->size > *room)
        return fv_fail(err, FV_FORMAT, "zip entry '%.*s': unpacks to %" PRIu64 " bytes, more than weights do", n,
                       (const char *)e->name.p, e->size);
    *room -= (size_t)e->size;
    uint8_t *p = fv_arena_alloc(a, (size_t)e->size);
    if (!p) return fv_fail(err, FV_NOMEM, "no memory to unpack %" PRIu64 " bytes", e->size);
    if (!inflate_all(e->data, p, (size_t)e->size, a->heap, &no_memory) || fv_crc32(0, p, (size_t)e->size) != e->crc)
        return no_memory ? fv_fail(err, FV_NOMEM, "no memory to unpack")
                         : fv_fail(err, FV_FORMAT, "zip entry '%.*s': malformed data or a wrong CRC", n,
                                   (const char *)e->name.p);
    *out = (fv_bytes){ p, (size_t)e->size };
    return FV_OK;
}
#else
static fv_status unpack(fv_bytes *out, const fv_zip_entry *e, size_t *room, fv_arena *a, fv_err *err)
{
    (void)out, (void)room, (void)a;
    return fv_fail(err, FV_UNSUP, "zip entry '%.*s' is packed: this build is without zlib",
                   e->name.len < 100 ? (int)e->name.len : 100, (const char *)e->name.p);
}
#endif

static bool is_utf8(fv_bytes t)
{
    for (size_t i = 0; i < t.len;) {
        const size_t u = fv_utf8(t.p + i, t.len - i);
        if (!u) return false;
        i += u;
    }
    return true;
}

static fv_status read_array(fv_stored *t, const fv_zip_entry *e, size_t *room, fv_arena *a, fv_err *err)
{
    fv_bytes file = e->data;
    fv_npy n;
    if (!is_utf8(e->name)) return fv_fail(err, FV_FORMAT, "an array's name is not UTF-8");
    char *name = fv_arena_strndup(a, (const char *)e->name.p, e->name.len - TAIL);
    if (!name) return fv_fail(err, FV_NOMEM, "no memory for a name");
    for (char *p = name; *p; p++)
        if (*p == '/') *p = '.';
    t->name = name;
    if (e->packed) FV_TRY(unpack(&file, e, room, a, err));
    const fv_status s = fv_npy_open(&n, file, err);
    if (s != FV_OK) return fv_context(err, s, "array '%.100s'", name);
    t->dtype = n.dtype;
    t->rank = n.rank;
    for (int i = 0; i < n.rank; i++) t->dim[i] = n.dim[i];
    t->data = n.data;
    return FV_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fv_stored *)a)->name, ((const fv_stored *)b)->name);
}

static fv_status read_all(fv_bytes file, fv_stored_list *l, fv_arena *a, fv_err *err)
{
    fv_zip z;
    size_t room;
    FV_TRY(fv_zip_read(&z, file, a, err));
    if (!fv_mul_size(file.len, MOST_RATIO, &room) || !fv_add_size(room, SLACK, &room)) room = SIZE_MAX;
    l->tensor = fv_arena_alloc(a, z.count * sizeof *l->tensor);
    if (!l->tensor) return fv_fail(err, FV_NOMEM, "no memory to list %zu arrays", z.count);
    for (size_t i = 0; i < z.count; i++)
        if (is_array(z.entry[i].name)) FV_TRY(read_array(&l->tensor[l->count++], &z.entry[i], &room, a, err));
    if (l->count) qsort(l->tensor, l->count, sizeof *l->tensor, by_name);
    for (size_t i = 1; i < l->count; i++)
        if (strcmp(l->tensor[i - 1].name, l->tensor[i].name) == 0)
            return fv_fail(err, FV_FORMAT, "two arrays are called '%.100s'", l->tensor[i].name);
    return FV_OK;
}

static fv_status read_file(fv_bytes file, fv_stored_list *list, fv_arena *a, fv_err *err)
{
    *list = (fv_stored_list){ 0 };
    const fv_status s = read_all(file, list, a, err);
    if (s != FV_OK) *list = (fv_stored_list){ 0 };
    return s;
}

const fv_weight_format fv_npz = { "NumPy", probe, read_file };

/* ---- written ---- */

/* What the local header and the directory say alike of an entry. */
static void put_facts(fv_writer *w, uint32_t crc, size_t bytes, size_t name)
{
    fv_write_u16le(w, VERSION);
    fv_write_u16le(w, UTF8);
    fv_write_u16le(w, 0); /* stored */
    fv_write_u16le(w, 0); /* midnight */
    fv_write_u16le(w, DATE);
    fv_write_u32le(w, crc);
    fv_write_u32le(w, (uint32_t)bytes);
    fv_write_u32le(w, (uint32_t)bytes);
    fv_write_u16le(w, (uint16_t)name);
    fv_write_u16le(w, 0); /* no extra field */
}

static void put_name(fv_writer *w, const char *name)
{
    fv_write_bytes(w, name, strlen(name));
    fv_write_bytes(w, tail, TAIL);
}

/* Heads of all entries go into `heads`, ends[i] is the end of the i-th; the directory into `dir`. */
static void put_entries(fv_writer *heads, fv_writer *dir, size_t *ends, const fv_stored_list *l)
{
    size_t at = 0;
    for (size_t i = 0; i < l->count; i++) {
        const fv_stored *t = &l->tensor[i];
        char npy[FV_NPY_HEAD];
        const size_t n = fv_npy_head(npy, t->dtype, t->rank, t->dim), name = strlen(t->name) + TAIL;
        const uint32_t crc = fv_crc32(fv_crc32(0, npy, n), t->data.p, t->data.len);
        fv_write_u32le(dir, 0x02014b50);
        fv_write_u16le(dir, VERSION);
        put_facts(dir, crc, n + t->data.len, name);
        fv_write_bytes(dir, "\0\0\0\0\0\0\0\0\0\0", 10); /* no comment, disk 0, no attributes */
        fv_write_u32le(dir, (uint32_t)at);
        put_name(dir, t->name);
        fv_write_u32le(heads, 0x04034b50);
        put_facts(heads, crc, n + t->data.len, name);
        put_name(heads, t->name);
        fv_write_bytes(heads, npy, n);
        ends[i] = heads->len;
        at += LOCAL_BYTES + name + n + t->data.len;
    }
    const size_t bytes = dir->len;
    fv_write_u32le(dir, 0x06054b50);
    fv_write_u32le(dir, 0);
    fv_write_u16le(dir, (uint16_t)l->count);
    fv_write_u16le(dir, (uint16_t)l->count);
    fv_write_u32le(dir, (uint32_t)bytes);
    fv_write_u32le(dir, (uint32_t)at);
    fv_write_u16le(dir, 0);
}

fv_status fv_npz_write(const char *path, const fv_stored_list *l, fv_arena *a, fv_err *err)
{
    fv_writer heads = { .heap = a->heap }, dir = { .heap = a->heap };
    size_t all = 0;
    for (size_t i = 0; i < l->count; i++)
        all += l->tensor[i].data.len + FV_NPY_HEAD + 2 * strlen(l->tensor[i].name) + 100;
    if (all > UINT32_MAX || l->count >= UINT16_MAX)
        return fv_fail(err, FV_UNSUP, "%s: npz files of more than 4 GiB or 65534 arrays are not written", path);
    size_t *ends = fv_arena_alloc(a, l->count * sizeof *ends);
    fv_span *parts = fv_arena_alloc(a, (2 * l->count + 1) * sizeof *parts);
    if (!a->failed) put_entries(&heads, &dir, ends, l);
    fv_status s = FV_OK;
    if (a->failed || heads.failed || dir.failed) {
        s = fv_fail(err, FV_NOMEM, "no memory for the heads of %zu arrays", l->count);
    } else {
        for (size_t i = 0, begin = 0; i < l->count; begin = ends[i++]) {
            parts[2 * i] = (fv_span){ heads.p + begin, ends[i] - begin };
            parts[2 * i + 1] = (fv_span){ l->tensor[i].data.p, l->tensor[i].data.len };
        }
        parts[2 * l->count] = (fv_span){ dir.p, dir.len };
        s = fv_file_write(path, parts, (int)(2 * l->count + 1), err);
    }
    fv_writer_free(&heads);
    fv_writer_free(&dir);
    return s;
}
