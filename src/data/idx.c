/* idx.c -- IDX files, the form of MNIST and Fashion-MNIST, plain or gzipped (http://yann.lecun.com/exdb/mnist).
 * The files name no classes; classes.txt or labels.txt beside them may.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/zheap.h"
#include "data/sources.h"

#include <inttypes.h>
#include <string.h>

enum { UBYTE = 0x08, MAX_RANK = 3 };
static const size_t max_file = (size_t)2 << 30;

typedef struct state {
    fv_bytes images_file, labels_file;
    fv_idx images, labels;
    const char *images_path, *labels_path;
} state;

/* Bytes of the whole file by its header; 0: none, or too large. */
static size_t header_size(fv_bytes head, int rank, int64_t dim[3])
{
    fv_reader r = fv_reader_of(head);
    fv_read_u32be(&r);
    size_t size = 1;
    for (int i = 0; i < MAX_RANK; i++) {
        dim[i] = i < rank ? fv_read_u32be(&r) : 1;
        if (!fv_mul_size(size, (size_t)dim[i], &size)) return 0;
    }
    if (r.failed || !fv_add_size(size, r.at, &size)) return 0;
    return size;
}

static fv_status check_magic(fv_bytes file, int rank, fv_err *err)
{
    fv_reader r = fv_reader_of(file);
    const uint32_t magic = fv_read_u32be(&r), want = UBYTE << 8 | (uint32_t)rank;
    if (r.failed) return fv_fail(err, FV_FORMAT, "premature end of file: %zu bytes", file.len);
    if (magic == want) return FV_OK;
    return fv_fail(err, FV_FORMAT, "IDX magic 0x%08" PRIx32 ", not 0x%08" PRIx32, magic, want);
}

fv_status fv_idx_parse(fv_idx *x, fv_bytes file, int rank, fv_err *err)
{
    *x = (fv_idx){ 0 };
    FV_TRY(check_magic(file, rank, err));
    int64_t dim[3];
    const size_t size = header_size(file, rank, dim), head = 4 + 4 * (size_t)rank;
    if (size == 0) return fv_fail(err, FV_FORMAT, "corrupt IDX header");
    if (size != file.len)
        return fv_fail(err, FV_FORMAT, "the IDX header asks for %zu bytes, the file has %zu", size, file.len);
    *x = (fv_idx){ { dim[0], dim[1], dim[2] }, file.p + head, size - head };
    return FV_OK;
}

#ifdef FOVEA_HAVE_ZLIB

enum { MAX_DEFLATE = 1032 }; /* deflate cannot shrink by more */

/* Inflates until `n` bytes are there or the stream ends. uInt counts 32 bits. */
static int inflate_to(z_stream *z, uint8_t *out, size_t n)
{
    z->next_out = out;
    z->avail_out = (uInt)n;
    int code = Z_OK;
    while (code == Z_OK && z->avail_out > 0) code = inflate(z, Z_NO_FLUSH);
    return code;
}

static fv_status inflate_file(z_stream *z, fv_bytes *out, fv_bytes gz, const fv_allocator *heap, fv_err *err)
{
    uint8_t head[4 + 4 * MAX_RANK], extra;
    int64_t dim[3];
    const int first = inflate_to(z, head, sizeof head);
    const size_t got = sizeof head - z->avail_out;
    if (first == Z_MEM_ERROR) return fv_fail(err, FV_NOMEM, "out of memory while unpacking");
    if (got < 8 || (first != Z_OK && first != Z_STREAM_END)) return fv_fail(err, FV_FORMAT, "corrupt gzip data");
    const size_t size = header_size((fv_bytes){ head, got }, head[3] <= MAX_RANK ? head[3] : 0, dim);
    if (size < got || size > max_file || size / MAX_DEFLATE > gz.len)
        return fv_fail(err, FV_FORMAT, "an IDX header of %zu bytes cannot come from %zu gzipped bytes", size, gz.len);
    uint8_t *p = NULL;
    FV_TRY(fv_alloc_or(heap, (void **)&p, size, err));
    *out = (fv_bytes){ p, size };
    memcpy(p, head, got);
    int code = size > got ? inflate_to(z, p + got, size - got) : first;
    if (code != Z_STREAM_END && (code != Z_OK || z->avail_out > 0))
        return fv_fail(err, FV_FORMAT, "corrupt or truncated gzip data");
    if (z->avail_out > 0 && size > got)
        return fv_fail(err, FV_FORMAT, "the IDX header asks for %zu bytes, the file has %zu", size,
                       size - z->avail_out);
    if (code == Z_OK) code = inflate_to(z, &extra, 1);
    if (code == Z_STREAM_END && z->total_out == size) return FV_OK;
    return fv_fail(err, FV_FORMAT, "gzip data longer than the %zu bytes of the IDX header, or truncated", size);
}

fv_status fv_idx_inflate(fv_bytes *out, fv_bytes gz, const fv_allocator *heap, fv_err *err)
{
    *out = (fv_bytes){ 0 };
    if (gz.len > UINT32_MAX) return fv_fail(err, FV_FORMAT, "%zu gzipped bytes are too many", gz.len);
    z_stream z = fv_z_stream(heap);
    z.next_in = (Bytef *)gz.p;
    z.avail_in = (uInt)gz.len;
    if (inflateInit2(&z, 15 + 16) != Z_OK) return fv_fail(err, FV_NOMEM, "out of memory while unpacking");
    const fv_status s = inflate_file(&z, out, gz, heap, err);
    inflateEnd(&z);
    if (s == FV_OK) return s;
    fv_release(heap, (void *)out->p);
    *out = (fv_bytes){ 0 };
    return s;
}
#else
fv_status fv_idx_inflate(fv_bytes *out, fv_bytes gz, const fv_allocator *heap, fv_err *err)
{
    (void)gz, (void)heap;
    *out = (fv_bytes){ 0 };
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}
#endif

/* The first of the names such a file goes by that exists, in path or where torchvision unpacks; NULL: none. */
static const char *find(fv_arena *a, const char *path, const char *set, const char *what)
{
    static const char *const folders[] = { "", "/FashionMNIST/raw", "/MNIST/raw", "/raw" };
    static const char *const ends[] = { "", ".gz" };
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++)
        for (int dot = 0; dot < 2; dot++)
            for (int e = 0; e < 2; e++) {
                const int rank = what[0] == 'i' ? 3 : 1;
                const char *name = fv_arena_printf(a, "%s%s/%s-%s%cidx%d-ubyte%s", path, folders[f], set, what,
                                                   dot ? '.' : '-', rank, ends[e]);
                if (name && fv_data_is_file(name)) return name;
            }
    return NULL;
}

static bool probe(const char *path)
{
    fv_arena a = { 0 };
    const bool found = find(&a, path, "train", "images") || find(&a, path, "t10k", "images");
    fv_arena_free(&a);
    return found;
}

static fv_status read_file(fv_data *d, fv_bytes *file, fv_idx *x, const char *path, int rank, fv_err *err)
{
    FV_TRY(fv_file_read(file, path, max_file, d->env.heap, err));
    fv_status s = FV_OK;
    if (file->len >= 2 && memcmp(file->p, "\x1f\x8b", 2) == 0) {
        const fv_bytes gz = *file;
        s = fv_idx_inflate(file, gz, d->env.heap, err);
        fv_release(d->env.heap, (void *)gz.p);
    }
    if (s == FV_OK) s = fv_idx_parse(x, *file, rank, err);
    return s == FV_OK ? s : fv_context(err, s, "%s", path);
}

static int classes_of(const fv_idx *labels)
{
    int most = 0;
    for (size_t i = 0; i < labels->size; i++) most = labels->data[i] > most ? labels->data[i] : most;
    return most + 1;
}

/* A part of the set may lack a class, so the training labels count too. */
static fv_status count_classes(fv_data *d, const state *st, const char *path, bool train, fv_err *err)
{
    d->classes = classes_of(&st->labels);
    const char *other = train ? NULL : find(&d->arena, path, "train", "labels");
    if (!other) return FV_OK;
    fv_bytes file = { 0 };
    fv_idx x;
    const fv_status s = read_file(d, &file, &x, other, 1, err);
    if (s == FV_OK && classes_of(&x) > d->classes) d->classes = classes_of(&x);
    fv_release(d->env.heap, (void *)file.p);
    return s;
}

static fv_status name_classes(fv_data *d, const char *path, const state *st, fv_err *err)
{
    static const char *const files[] = { "classes.txt", "labels.txt" };
    const int folder = (int)(strrchr(st->images_path, '/') - st->images_path);
    for (size_t i = 0; i < 2 && !d->class_names; i++) {
        const char *name = fv_arena_printf(&d->arena, "%.*s/%s", folder, st->images_path, files[i]);
        int n = 0;
        FV_TRY(fv_data_memory(d, err));
        FV_TRY(fv_data_read_names(d, name, &d->class_names, &n, err));
        if (!d->class_names) continue;
        if (n < d->classes)
            return fv_fail(err, FV_FORMAT, "%s: %d names for %d classes of '%s'", name, n, d->classes, path);
        d->classes = n;
    }
    return FV_OK;
}

static fv_status check_sizes(fv_data *d, const state *st, fv_err *err)
{
    const fv_idx *im = &st->images;
    if (im->dim[0] != st->labels.dim[0])
        return fv_fail(err, FV_FORMAT, "%s: %" PRId64 " images and %" PRId64 " labels", st->images_path, im->dim[0],
                       st->labels.dim[0]);
    if (im->dim[0] < 1) return fv_fail(err, FV_FORMAT, "%s: no images in it", st->images_path);
    const fv_status s = fv_image_check(im->dim[1], im->dim[2], err);
    if (s != FV_OK) return fv_context(err, s, "%s", st->images_path);
    d->count = im->dim[0];
    d->h = (int)im->dim[1];
    d->w = (int)im->dim[2];
    d->channels = 1;
    return FV_OK;
}

static fv_status open_set(fv_data *d, const char *path, const fv_data_opts *opts, fv_err *err)
{
    if (strcmp(opts->split, "all") == 0)
        return fv_fail(err, FV_ARG, "%s: IDX data has the splits train and test", path);
    const bool train = strcmp(opts->split, "train") == 0;
    const char *set = train ? "train" : "t10k";
    state *st = fv_arena_alloc(&d->arena, sizeof *st);
    if (st) {
        st->images_path = find(&d->arena, path, set, "images");
        st->labels_path = find(&d->arena, path, set, "labels");
    }
    d->split = fv_arena_strdup(&d->arena, train ? "train" : "test");
    FV_TRY(fv_data_memory(d, err));
    d->state = st;
    if (!st->images_path) return fv_fail(err, FV_NOINPUT, "%s: no %s-images-idx3-ubyte[.gz] in it", path, set);
    if (!st->labels_path) return fv_fail(err, FV_NOINPUT, "%s: no %s-labels-idx1-ubyte[.gz] in it", path, set);
    FV_TRY(read_file(d, &st->images_file, &st->images, st->images_path, 3, err));
    FV_TRY(read_file(d, &st->labels_file, &st->labels, st->labels_path, 1, err));
    FV_TRY(check_sizes(d, st, err));
    FV_TRY(count_classes(d, st, path, train, err));
    return name_classes(d, path, st, err);
}

static fv_status get(const fv_data *d, int64_t i, int channels, fv_exif exif, fv_image *im, int *label, fv_err *err)
{
    (void)exif; /* these pictures have none */
    const state *st = d->state;
    *label = st->labels.data[i];
    FV_TRY(fv_image_new(im, d->h, d->w, channels, d->env.heap, err));
    const uint8_t *px = st->images.data + (size_t)i * (size_t)d->h * (size_t)d->w;
    for (int y = 0; y < d->h; y++) fv_image_put_row(im, y, px + (size_t)y * (size_t)d->w, 1);
    return FV_OK;
}

static const char *file(const fv_data *d, int64_t i)
{
    (void)i;
    return ((const state *)d->state)->images_path;
}

static void close_set(fv_data *d)
{
    const state *st = d->state;
    if (!st) return;
    fv_release(d->env.heap, (void *)st->images_file.p);
    fv_release(d->env.heap, (void *)st->labels_file.p);
}

const fv_source fv_source_idx = { "idx", probe, open_set, get, file, close_set, NULL };
