/* gunzip.c -- random access to gzip files (RFC 1952) by copies of zlib's state, which inflateCopy makes for this purpose.
 * A copy holds the window of the last 32 KiB and whatever of a block is under way, so it may be taken at any byte, and the
 * step alone decides what memory and what a read costs. Streams that have served a read wait where they are: reading in
 * order then unpacks nothing twice.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/gunzip.h"

#include "base/threads.h"
#include "base/zheap.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

bool fv_gunzip_is(const uint8_t magic[2])
{
    return magic[0] == 0x1f && magic[1] == 0x8b;
}

#ifdef FOVEA_HAVE_ZLIB

/* Deflate shrinks by 1032 at most. A shard that is shrunk by more than BOMB_RATIO holds next to nothing; up to BOMB_FREE
 * bytes that is a curious set of small flat pictures. */
enum { INPUT = 1 << 15, SKIPPED = 1 << 15, SEEN = 1 << 20, CALL = 1 << 17, WAITING = 32 };
enum { BOMB_RATIO = 256, BOMB_FREE = 256 << 20 };

/* ---- a stream of unpacked bytes ---- */

typedef struct stream {
    z_stream z; /* its input lies in `input` */
    int number;
    bool ended, damaged;
    fv_status status; /* the first failure, which stays; what came before it is right unless `damaged` */
    fv_err why;
    uint64_t in, out; /* bytes of the file that were read, bytes that were unpacked */
    uint8_t input[INPUT], skipped[SKIPPED];
} stream;

/* A state to go on from. zlib's state knows its z_stream's address, so none moves. */
typedef struct point {
    z_stream z;
    int number;
    uint64_t in, out;
} point;

struct fv_gunzip {
    const fv_allocator *heap;
    point **v; /* by number, then by place */
    size_t n, cap, most;
    uint64_t step; /* all lie at multiples of it */
    pthread_mutex_t lock;
    stream *waiting[WAITING]; /* under the lock */
    int oldest;
};

static void stream_free(const fv_allocator *heap, stream *s)
{
    if (s) inflateEnd(&s->z);
    fv_release(heap, s);
}

/* From a point, or NULL: from the file's beginning. */
static fv_status stream_new(stream **out, const point *from, int number, const fv_allocator *heap, fv_err *err)
{
    stream *s = NULL;
    FV_TRY(fv_alloc_or(heap, (void **)&s, sizeof *s, err));
    s->number = number;
    s->ended = s->damaged = false;
    s->status = FV_OK;
    s->why = (fv_err){ 0 };
    s->in = from ? from->in : 0;
    s->out = from ? from->out : 0;
    s->z = fv_z_stream(heap);
    const int code = from ? inflateCopy(&s->z, (z_stream *)&from->z) : inflateInit2(&s->z, MAX_WBITS + 16);
    *out = s;
    if (code == Z_OK) return FV_OK;
    fv_release(heap, s);
    *out = NULL;
    return fv_fail(err, FV_NOMEM, "out of memory while unpacking gzip data");
}

static uint64_t place(const stream *s)
{
    return s->in - s->z.avail_in;
}

static bool goes_on(const stream *s)
{
    return !s->ended && s->status == FV_OK;
}

/* What is left of the input moves to the front, and the file's next bytes come behind it. */
static void fill(stream *s, const fv_file *f, const char *path)
{
    const size_t kept = s->z.avail_in, room = INPUT - kept;
    const uint64_t left = f->size - s->in;
    const size_t n = left < room ? (size_t)left : room;
    if (kept > 0) memmove(s->input, s->z.next_in, kept);
    s->z.next_in = s->input;
    if (n > 0) s->status = fv_file_at(f, s->in, s->input + kept, n, path, &s->why);
    if (s->status != FV_OK) return;
    s->z.avail_in += (uInt)n;
    s->in += n;
}

/* A gzip stream is whole: another one follows, or nothing, or zeros up to the end, as tapes have them. */
static void follow(stream *s, const fv_file *f, const char *path)
{
    bool zeros = false;
    for (;;) {
        if (s->z.avail_in < 2) fill(s, f, path);
        s->ended = s->status == FV_OK && s->z.avail_in == 0;
        if (!goes_on(s) || *s->z.next_in != 0) break;
        zeros = true;
        s->z.next_in++;
        s->z.avail_in--;
    }
    if (!goes_on(s)) return;
    if (!zeros && s->z.avail_in >= 2 && fv_gunzip_is(s->z.next_in)) inflateReset(&s->z);
    else
        s->status =
            fv_fail(&s->why, FV_FORMAT, "followed by what is no gzip, at byte %" PRIu64 " of the file", place(s));
}

static void fail(stream *s, int code)
{
    s->damaged = code != Z_MEM_ERROR && code != Z_BUF_ERROR;
    if (code == Z_MEM_ERROR) s->status = fv_fail(&s->why, FV_NOMEM, "out of memory while unpacking gzip data");
    else if (code == Z_BUF_ERROR) /* there was room, so the input is at its end */
        s->status =
            fv_fail(&s->why, FV_FORMAT, "cut: its gzip data end early, after %" PRIu64 " unpacked bytes", s->out);
    else
        s->status = fv_fail(&s->why, FV_FORMAT, "damaged gzip data, found at byte %" PRIu64 " of the file: %s",
                            place(s), s->z.msg ? s->z.msg : "no gzip");
}

/* The next n bytes, or as many as there are before the end or a failure. */
static size_t unpack(stream *s, const fv_file *f, const char *path, uint8_t *p, size_t n)
{
    assert(n <= INT_MAX);
    z_stream *z = &s->z;
    z->next_out = p;
    z->avail_out = (uInt)n;
    while (z->avail_out > 0 && goes_on(s)) {
        if (z->avail_in == 0) fill(s, f, path);
        if (s->status != FV_OK) break;
        const uInt room = z->avail_out;
        const int code = inflate(z, Z_NO_FLUSH);
        s->out += room - z->avail_out;
        if (code == Z_STREAM_END) follow(s, f, path);
        else if (code != Z_OK) fail(s, code);
    }
    return n - z->avail_out;
}

/* ---- states to go on from ---- */

static void point_free(const fv_allocator *heap, point *p)
{
    inflateEnd(&p->z);
    fv_release(heap, p);
}

static void thin(fv_gunzip *g)
{
    size_t kept = 0;
    g->step *= 2;
    for (size_t i = 0; i < g->n; i++) {
        if (g->v[i]->out % g->step == 0) g->v[kept++] = g->v[i];
        else point_free(g->heap, g->v[i]);
    }
    g->n = kept;
}

static fv_status keep(fv_gunzip *g, const stream *s, fv_err *err)
{
    while (g->n >= g->most) thin(g);
    if (s->out % g->step != 0) return FV_OK;
    point *p = NULL;
    FV_TRY(fv_grow(g->heap, (void **)&g->v, &g->cap, g->n + 1, sizeof *g->v, err));
    FV_TRY(fv_alloc_zero(g->heap, (void **)&p, sizeof *p, err));
    p->number = s->number;
    p->in = place(s);
    p->out = s->out;
    const int code = inflateCopy(&p->z, (z_stream *)&s->z);
    p->z.next_in = p->z.next_out = NULL; /* those are the stream's */
    p->z.avail_in = p->z.avail_out = 0;
    if (code == Z_OK) {
        g->v[g->n++] = p;
        return FV_OK;
    }
    fv_release(g->heap, p);
    return fv_fail(err, FV_NOMEM, "out of memory while unpacking gzip data");
}

/* The last point of a file that does not lie behind `at`; NULL: its beginning. */
static const point *before(const fv_gunzip *g, int number, uint64_t at)
{
    size_t low = 0, high = g->n; /* below low: not behind; from high on: behind */
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const point *p = g->v[mid];
        if (p->number < number || (p->number == number && p->out <= at)) low = mid + 1;
        else high = mid;
    }
    return low > 0 && g->v[low - 1]->number == number ? g->v[low - 1] : NULL;
}

fv_status fv_gunzip_new(fv_gunzip **out, uint64_t step, size_t states, const fv_allocator *heap, fv_err *err)
{
    fv_gunzip *g = NULL;
    *out = NULL;
    assert(step > 0 && states > 0);
    FV_TRY(fv_alloc_zero(heap, (void **)&g, sizeof *g, err));
    g->heap = heap;
    g->step = step;
    g->most = states;
    if (pthread_mutex_init(&g->lock, NULL) != 0) {
        fv_release(heap, g);
        return fv_fail(err, FV_NOMEM, "no memory for a lock");
    }
    *out = g;
    return FV_OK;
}

void fv_gunzip_free(fv_gunzip *g)
{
    if (!g) return;
    for (size_t i = 0; i < g->n; i++) point_free(g->heap, g->v[i]);
    for (int i = 0; i < WAITING; i++) stream_free(g->heap, g->waiting[i]);
    pthread_mutex_destroy(&g->lock);
    fv_release(g->heap, g->v);
    fv_release(g->heap, g);
}

/* ---- the walk ---- */

struct fv_gunzip_walk {
    fv_gunzip *g;
    const fv_file *f;
    const char *path;
    stream *s;
    uint8_t seen[SEEN]; /* the last SEEN - CALL bytes, each at its place modulo SEEN */
};

fv_status fv_gunzip_begin(fv_gunzip_walk **out, fv_gunzip *g, int number, const fv_file *f, const char *path,
                          fv_err *err)
{
    fv_gunzip_walk *w = NULL;
    *out = NULL;
    FV_TRY(fv_alloc_or(g->heap, (void **)&w, sizeof *w, err));
    w->g = g;
    w->f = f;
    w->path = path;
    const fv_status s = stream_new(&w->s, NULL, number, g->heap, err);
    if (s == FV_OK) *out = w;
    else fv_release(g->heap, w);
    return s;
}

void fv_gunzip_end(fv_gunzip_walk *w)
{
    if (!w) return;
    const fv_allocator *heap = w->g->heap;
    stream_free(heap, w->s);
    fv_release(heap, w);
}

bool fv_gunzip_is_damaged(const fv_gunzip_walk *w)
{
    return w->s->damaged;
}

fv_status fv_gunzip_reach(fv_gunzip_walk *w, uint64_t to, uint64_t *now, fv_err *err)
{
    stream *s = w->s;
    while (s->out < to && goes_on(s)) {
        const uint64_t at = s->out % SEEN, rest = w->g->step - s->out % w->g->step;
        const size_t room = SEEN - at < CALL ? (size_t)(SEEN - at) : CALL;
        unpack(s, w->f, w->path, w->seen + at, rest < room ? (size_t)rest : room);
        if (s->out > BOMB_FREE && s->out / BOMB_RATIO > w->f->size && s->status == FV_OK) {
            s->damaged = true;
            s->status = fv_fail(&s->why, FV_FORMAT, "a gzip bomb: %" PRIu64 " bytes unpack to more than %" PRIu64,
                                w->f->size, s->out);
        }
        if (goes_on(s) && s->out % w->g->step == 0) FV_TRY(keep(w->g, s, err));
    }
    *now = s->out;
    return s->out >= to || s->ended ? FV_OK : fv_fail(err, s->status, "%s", s->why.msg);
}

fv_status fv_gunzip_seen(fv_gunzip_walk *w, uint64_t at, void *p, size_t n, fv_err *err)
{
    assert(at <= w->s->out && n <= w->s->out - at);
    if (w->s->out - at > SEEN - CALL) return fv_gunzip_at(w->g, w->s->number, w->f, at, p, n, w->path, err);
    const size_t from = at % SEEN, first = n < SEEN - from ? n : SEEN - from;
    memcpy(p, w->seen + from, first);
    memcpy((uint8_t *)p + first, w->seen, n - first);
    return FV_OK;
}

/* ---- reads ---- */

/* The stream of this file that waits nearest before `at`, if that is not before `least`; NULL: none. */
static stream *take_waiting(fv_gunzip *g, int number, uint64_t least, uint64_t at)
{
    stream **best = NULL;
    pthread_mutex_lock(&g->lock);
    for (int i = 0; i < WAITING; i++) {
        stream *s = g->waiting[i];
        if (!s || s->number != number || s->out < least || s->out > at) continue;
        if (!best || s->out > (*best)->out) best = &g->waiting[i];
    }
    stream *taken = best ? *best : NULL;
    if (best) *best = NULL;
    pthread_mutex_unlock(&g->lock);
    return taken;
}

static void let_wait(fv_gunzip *g, stream *s)
{
    pthread_mutex_lock(&g->lock);
    int i = 0;
    while (i < WAITING && g->waiting[i]) i++;
    if (i == WAITING) i = g->oldest = (g->oldest + 1) % WAITING;
    stream *old = g->waiting[i];
    g->waiting[i] = s;
    pthread_mutex_unlock(&g->lock);
    stream_free(g->heap, old);
}

static fv_status read_on(stream *s, const fv_file *f, uint64_t at, void *p, size_t n, const char *path, fv_err *err)
{
    while (s->out < at && goes_on(s)) {
        const uint64_t left = at - s->out;
        unpack(s, f, path, s->skipped, left < SKIPPED ? (size_t)left : SKIPPED);
    }
    if (s->out == at && unpack(s, f, path, p, n) == n) return FV_OK;
    if (s->status != FV_OK) return fv_fail(err, s->status, "%s", s->why.msg);
    return fv_fail(err, FV_FORMAT, "no byte %" PRIu64 " in the gzip data", s->out);
}

fv_status fv_gunzip_at(fv_gunzip *g, int number, const fv_file *f, uint64_t at, void *p, size_t n, const char *path,
                       fv_err *err)
{
    const point *from = before(g, number, at);
    stream *s = take_waiting(g, number, from ? from->out : 0, at);
    if (!s) FV_TRY(stream_new(&s, from, number, g->heap, err));
    const fv_status st = read_on(s, f, at, p, n, path, err);
    if (s->status == FV_OK) let_wait(g, s);
    else stream_free(g->heap, s);
    return st;
}

#else

/* None is made here, so nothing else can be asked for. */
fv_status fv_gunzip_new(fv_gunzip **g, uint64_t step, size_t states, const fv_allocator *heap, fv_err *err)
{
    (void)step, (void)states, (void)heap;
    *g = NULL;
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}

void fv_gunzip_free(fv_gunzip *g)
{
    assert(!g);
    (void)g;
}

fv_status fv_gunzip_begin(fv_gunzip_walk **w, fv_gunzip *g, int number, const fv_file *f, const char *path, fv_err *err)
{
    (void)g, (void)number, (void)f, (void)path;
    *w = NULL;
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}

fv_status fv_gunzip_reach(fv_gunzip_walk *w, uint64_t to, uint64_t *now, fv_err *err)
{
    (void)w, (void)to, (void)now;
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}

bool fv_gunzip_is_damaged(const fv_gunzip_walk *w)
{
    (void)w;
    return true;
}

fv_status fv_gunzip_seen(fv_gunzip_walk *w, uint64_t at, void *p, size_t n, fv_err *err)
{
    (void)w, (void)at, (void)p, (void)n;
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}

void fv_gunzip_end(fv_gunzip_walk *w)
{
    (void)w;
}

fv_status fv_gunzip_at(fv_gunzip *g, int number, const fv_file *f, uint64_t at, void *p, size_t n, const char *path,
                       fv_err *err)
{
    (void)g, (void)number, (void)f, (void)at, (void)p, (void)n, (void)path;
    return fv_fail(err, FV_UNSUP, "gzip is not read: this build is without zlib");
}

#endif
