/* zip.c -- reads the structure of zip archives, from the central directory at their end; zip64 as well.
 * Format: PKWARE's APPNOTE.TXT 6.3. Not by libzip: it tells no entry's place, without which neither can weights be used
 * where they lie nor overlapping entries be seen, and its list takes several times the memory of a hostile directory.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/zip.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    LONGEST_COMMENT = 65535,
    EXTRA_ZIP64 = 1,
    FLAG_ENCRYPTED = 1 << 0,
    FLAG_DESCRIPTOR = 1 << 3, /* sizes and CRC stand behind the data, and may be 0 in the local header */
    FLAG_STRONG = 1 << 6,
    FLAG_MASKED = 1 << 13,
    STORED = 0,
    DEFLATED = 8
};

/* Where the central directory lies. */
typedef struct directory {
    uint64_t count, bytes, at;
} directory;

/* What a header, central or local, says of its entry. */
typedef struct header {
    uint16_t flags, method;
    uint32_t crc;
    uint64_t packed, size, at;
    fv_bytes name, extra;
} header;

static fv_status bad(fv_err *err, uint64_t at, const char *what)
{
    return fv_fail(err, FV_FORMAT, "zip archive, offset %" PRIu64 ": %s", at, what);
}

static uint32_t u32_at(fv_bytes file, size_t at)
{
    fv_reader r = { .bytes = file, .at = at };
    return fv_read_u32le(&r);
}

bool fv_zip_probe(fv_bytes file)
{
    return file.len >= 4 && (u32_at(file, 0) == LOCAL || u32_at(file, 0) == END);
}

/* The end record is the last one whose comment reaches exactly to the end of the file. */
static fv_status find_end(fv_bytes file, size_t *at, fv_err *err)
{
    if (file.len < END_BYTES) return bad(err, file.len, "no end record; the file was cut");
    const size_t last = file.len - END_BYTES, first = last > LONGEST_COMMENT ? last - LONGEST_COMMENT : 0;
    for (size_t i = last + 1; i-- > first;) {
        if (file.p[i] != 'P' || u32_at(file, i) != END) continue;
        const size_t comment = (size_t)(file.p[i + 20] | file.p[i + 21] << 8);
        if (comment == last - i) {
            *at = i;
            return FV_OK;
        }
    }
    return bad(err, file.len, "no end record; the file was cut");
}

/* What the old record cannot hold, all ones there, stands in the new one; what it can hold must agree. */
static bool agrees(uint64_t narrow, uint64_t all_ones, uint64_t wide)
{
    return narrow == all_ones || narrow == wide;
}

static fv_status read_end64(fv_bytes file, size_t locator, const directory *narrow, directory *d, fv_err *err)
{
    fv_reader r = { .bytes = file, .at = locator + 4 };
    const uint32_t disk = fv_read_u32le(&r);
    const uint64_t at = fv_read_u64le(&r);
    const uint32_t disks = fv_read_u32le(&r);
    if (disk != 0 || disks > 1) return bad(err, locator, "archives of several parts are not read");
    if (at > locator || locator - at < END64_BYTES || u32_at(file, (size_t)at) != END64)
        return bad(err, locator, "no zip64 end record where the locator says");
    r.at = (size_t)at + 4;
    const uint64_t rest = fv_read_u64le(&r);
    if (rest != locator - at - 12) return bad(err, at, "zip64 end record of a wrong size");
    fv_read_skip(&r, 4);
    const uint64_t disk_numbers = fv_read_u64le(&r);
    const uint64_t here = fv_read_u64le(&r);
    *d = (directory){ .count = fv_read_u64le(&r), .bytes = fv_read_u64le(&r), .at = fv_read_u64le(&r) };
    if (disk_numbers || here != d->count) return bad(err, at, "archives of several parts are not read");
    if (!agrees(narrow->count, UINT16_MAX, d->count) || !agrees(narrow->bytes, UINT32_MAX, d->bytes) ||
        !agrees(narrow->at, UINT32_MAX, d->at))
        return bad(err, at, "the two end records disagree");
    if (d->at > at || d->bytes != at - d->at) return bad(err, at, "the directory does not end at the end record");
    return FV_OK;
}

static fv_status find_directory(fv_bytes file, directory *d, fv_err *err)
{
    size_t end = 0;
    FV_TRY(find_end(file, &end, err));
    fv_reader r = { .bytes = file, .at = end + 4 };
    const uint32_t disks = fv_read_u32le(&r);
    const uint16_t here = fv_read_u16le(&r);
    *d = (directory){ .count = fv_read_u16le(&r), .bytes = fv_read_u32le(&r), .at = fv_read_u32le(&r) };
    if (end >= LOCATOR64_BYTES && u32_at(file, end - LOCATOR64_BYTES) == LOCATOR64) {
        const directory narrow = *d;
        return read_end64(file, end - LOCATOR64_BYTES, &narrow, d, err);
    }
    if (disks || here != d->count) return bad(err, end, "archives of several parts are not read");
    if (d->at > end || d->bytes != end - d->at) return bad(err, end, "the directory does not end at the end record");
    return FV_OK;
}

/* Takes the 64-bit forms of what is all ones from the zip64 extra field, in the order of the standard. */
static bool widen(header *h, bool central)
{
    fv_reader r = fv_reader_of(h->extra);
    while (fv_reader_left(&r) >= 4) {
        const uint16_t id = fv_read_u16le(&r), n = fv_read_u16le(&r);
        fv_reader f = fv_reader_of(fv_read_bytes(&r, n));
        if (r.failed) return false;
        if (id != EXTRA_ZIP64) continue;
        if (h->size == UINT32_MAX) h->size = fv_read_u64le(&f);
        if (h->packed == UINT32_MAX) h->packed = fv_read_u64le(&f);
        if (central && h->at == UINT32_MAX) h->at = fv_read_u64le(&f);
        return !f.failed;
    }
    return true;
}

static fv_status check_name(fv_bytes name, uint64_t at, fv_err *err)
{
    const uint8_t *part = name.p, *const end = name.p + name.len;
    if (!name.len) return bad(err, at, "an entry without a name");
    if (*part == '/' || memchr(name.p, 0, name.len) || memchr(name.p, '\\', name.len))
        return bad(err, at, "an entry's name is no relative path");
    while (part < end) {
        const uint8_t *slash = memchr(part, '/', (size_t)(end - part));
        const size_t n = (size_t)((slash ? slash : end) - part);
        if (n == 2 && part[0] == '.' && part[1] == '.') return bad(err, at, "an entry's name holds '..'");
        part += n + 1;
    }
    return FV_OK;
}

static fv_status check_kind(const header *h, fv_err *err)
{
    const int n = h->name.len < 100 ? (int)h->name.len : 100;
    if (h->flags & (FLAG_ENCRYPTED | FLAG_STRONG | FLAG_MASKED))
        return fv_fail(err, FV_UNSUP, "zip entry '%.*s' is encrypted", n, (const char *)h->name.p);
    if (h->method != STORED && h->method != DEFLATED)
        return fv_fail(err, FV_UNSUP, "zip entry '%.*s' is packed by method %d", n, (const char *)h->name.p, h->method);
    if (h->method == STORED && h->packed != h->size)
        return fv_fail(err, FV_FORMAT, "zip entry '%.*s': stored in another size than its own", n,
                       (const char *)h->name.p);
    return FV_OK;
}

static fv_status read_central(fv_reader *r, header *h, fv_err *err)
{
    const size_t at = r->at;
    const uint32_t signature = fv_read_u32le(r);
    fv_read_skip(r, 4); /* versions */
    *h = (header){ .flags = fv_read_u16le(r), .method = fv_read_u16le(r) };
    fv_read_skip(r, 4); /* time, date */
    h->crc = fv_read_u32le(r);
    h->packed = fv_read_u32le(r);
    h->size = fv_read_u32le(r);
    const uint16_t name = fv_read_u16le(r), extra = fv_read_u16le(r), comment = fv_read_u16le(r);
    const uint16_t disk = fv_read_u16le(r);
    fv_read_skip(r, 6); /* attributes */
    h->at = fv_read_u32le(r);
    h->name = fv_read_bytes(r, name);
    h->extra = fv_read_bytes(r, extra);
    fv_read_skip(r, comment);
    if (r->failed || signature != CENTRAL) return bad(err, at, "malformed directory entry");
    if (!widen(h, true)) return bad(err, at, "malformed extra field");
    if (disk) return bad(err, at, "archives of several parts are not read");
    FV_TRY(check_name(h->name, at, err));
    return check_kind(h, err);
}

/* With a descriptor the local header may leave CRC and sizes 0. */
static bool same_or_late(uint64_t local, uint64_t central, bool late)
{
    return local == central || (late && local == 0);
}

static fv_status read_local(fv_bytes file, uint64_t end, const header *c, fv_zip_entry *e, fv_err *err)
{
    fv_reader r = fv_reader_of((fv_bytes){ file.p, (size_t)end });
    fv_read_skip(&r, c->at);
    const uint32_t signature = fv_read_u32le(&r);
    fv_read_skip(&r, 2);
    header h = { .flags = fv_read_u16le(&r), .method = fv_read_u16le(&r) };
    fv_read_skip(&r, 4);
    h.crc = fv_read_u32le(&r);
    h.packed = fv_read_u32le(&r);
    h.size = fv_read_u32le(&r);
    const uint16_t name = fv_read_u16le(&r), extra = fv_read_u16le(&r);
    h.name = fv_read_bytes(&r, name);
    h.extra = fv_read_bytes(&r, extra);
    if (r.failed || signature != LOCAL || !widen(&h, false)) return bad(err, c->at, "malformed header of an entry");
    const bool late = h.flags & FLAG_DESCRIPTOR;
    if (h.flags != c->flags || h.method != c->method || h.name.len != c->name.len ||
        memcmp(h.name.p, c->name.p, h.name.len) != 0 || !same_or_late(h.crc, c->crc, late) ||
        !same_or_late(h.size, c->size, late) || !same_or_late(h.packed, c->packed, late))
        return bad(err, c->at, "an entry's header and the directory disagree");
    const fv_bytes data = fv_read_bytes(&r, c->packed);
    if (r.failed) return bad(err, c->at, "an entry reaches into the directory");
    *e = (fv_zip_entry){ .name = c->name, .data = data, .size = c->size, .crc = c->crc, .packed = c->method != STORED };
    return FV_OK;
}

static int by_place(const void *a, const void *b)
{
    const fv_zip_entry *x = a, *y = b;
    return x->data.p != y->data.p ? (x->data.p < y->data.p ? -1 : 1)
                                  : (x->data.len > y->data.len) - (x->data.len < y->data.len);
}

static int compare(fv_bytes a, fv_bytes b)
{
    const int order = memcmp(a.p, b.p, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return compare(((const fv_zip_entry *)a)->name, ((const fv_zip_entry *)b)->name);
}

/* Between the data of two entries there is room at least for the second one's header, which is checked to lie there. */
static fv_status check_all(fv_zip *z, fv_bytes file, fv_err *err)
{
    const uint8_t *free_from = file.p;
    if (z->count) qsort(z->entry, z->count, sizeof *z->entry, by_place);
    for (size_t i = 0; i < z->count; i++) {
        const fv_zip_entry *e = &z->entry[i];
        const size_t room = (size_t)(e->data.p - free_from);
        if (e->data.p < free_from || room < LOCAL_BYTES + e->name.len)
            return bad(err, (uint64_t)(e->data.p - file.p), "two entries overlap");
        free_from = e->data.p + e->data.len;
    }
    if (z->count) qsort(z->entry, z->count, sizeof *z->entry, by_name);
    for (size_t i = 0; i < z->count; i++) {
        const fv_zip_entry *e = &z->entry[i];
        const int n = e->name.len < 100 ? (int)e->name.len : 100;
        if (i && compare(e[-1].name, e->name) == 0)
            return fv_fail(err, FV_FORMAT, "zip archive: two entries are called '%.*s'", n, (const char *)e->name.p);
        if (!e->packed && fv_crc32(0, e->data.p, e->data.len) != e->crc)
            return fv_fail(err, FV_FORMAT, "zip entry '%.*s': wrong CRC", n, (const char *)e->name.p);
    }
    return FV_OK;
}

static fv_status read_all(fv_zip *z, fv_bytes file, fv_arena *a, fv_err *err)
{
    directory d;
    FV_TRY(find_directory(file, &d, err));
    if (d.count > d.bytes / CENTRAL_BYTES) return bad(err, d.at, "more entries than the directory has room for");
    fv_reader r = fv_reader_of((fv_bytes){ file.p, (size_t)(d.at + d.bytes) });
    r.at = (size_t)d.at;
    z->entry = fv_arena_alloc(a, (size_t)d.count * sizeof *z->entry);
    if (!z->entry) return fv_fail(err, FV_NOMEM, "no memory for %" PRIu64 " zip entries", d.count);
    while (z->count < d.count) {
        header h;
        FV_TRY(read_central(&r, &h, err));
        FV_TRY(read_local(file, d.at, &h, &z->entry[z->count++], err));
    }
    if (fv_reader_left(&r)) return bad(err, r.at, "the directory has more entries than it says");
    return check_all(z, file, err);
}

fv_status fv_zip_read(fv_zip *z, fv_bytes file, fv_arena *a, fv_err *err)
{
    *z = (fv_zip){ 0 };
    const fv_status s = read_all(z, file, a, err);
    if (s != FV_OK) *z = (fv_zip){ 0 };
    return s;
}

const fv_zip_entry *fv_zip_find(const fv_zip *z, const char *name)
{
    const fv_zip_entry key = { .name = { (const uint8_t *)name, strlen(name) } };
    return z->count ? bsearch(&key, z->entry, z->count, sizeof key, by_name) : NULL;
}
