/* alloc.c -- blocks from the host's allocator or malloc, arenas, checked arithmetic.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGN = 64, FIRST_CHUNK = 4096, LARGEST_CHUNK = 1 << 20, HUGE_PAGE = 2 << 20 };

bool fv_mul_size(size_t a, size_t b, size_t *out)
{
    size_t x;
    if (__builtin_mul_overflow(a, b, &x)) return false;
    *out = x;
    return true;
}

bool fv_add_size(size_t a, size_t b, size_t *out)
{
    size_t x;
    if (__builtin_add_overflow(a, b, &x)) return false;
    *out = x;
    return true;
}

/* Blocks of a large page or more ask for such, to their end: kernels that stream weights then miss the TLB seldom. */
static void *from_malloc(size_t size)
{
    if (size < HUGE_PAGE) return aligned_alloc(ALIGN, size);
    const size_t pages = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, pages);
#ifdef MADV_HUGEPAGE
    if (p) (void)madvise(p, pages, MADV_HUGEPAGE); /* a wish */
#endif
    return p;
}

void *fv_alloc(const fv_allocator *heap, size_t bytes)
{
    size_t size;
    if (bytes > PTRDIFF_MAX - HUGE_PAGE || !fv_add_size(bytes ? bytes : 1, ALIGN - 1, &size)) return NULL;
    size &= ~(size_t)(ALIGN - 1);
    return heap ? heap->alloc(heap->user, size) : from_malloc(size);
}

/* No large pages: each would be taken whole for the few bytes of it that are written. */
void fv_alloc_sparse(const fv_allocator *heap, void *p, size_t bytes)
{
#ifdef MADV_NOHUGEPAGE
    if (!heap && bytes >= HUGE_PAGE) (void)madvise(p, bytes, MADV_NOHUGEPAGE); /* a wish */
#else
    (void)heap, (void)p, (void)bytes;
#endif
}

void fv_alloc_forget(const fv_allocator *heap, void *p, size_t bytes)
{
#ifdef MADV_DONTNEED
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (uintptr_t)p;
    const uintptr_t begin = (at + page - 1) / page * page, end = (at + bytes) / page * page;
    if (!heap && begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* a wish */
#else
    (void)heap, (void)p, (void)bytes;
#endif
}

void fv_release(const fv_allocator *heap, void *p)
{
    if (!p) return;
    if (heap) heap->release(heap->user, p);
    else free(p);
}

fv_status fv_alloc_or(const fv_allocator *heap, void **out, size_t bytes, fv_err *err)
{
    *out = fv_alloc(heap, bytes);
    return *out ? FV_OK : fv_fail(err, FV_NOMEM, "cannot allocate %zu bytes", bytes);
}

fv_status fv_alloc_zero(const fv_allocator *heap, void **out, size_t bytes, fv_err *err)
{
    FV_TRY(fv_alloc_or(heap, out, bytes, err));
    memset(*out, 0, bytes);
    return FV_OK;
}

fv_status fv_grow(const fv_allocator *heap, void **p, size_t *cap, size_t need, size_t item, fv_err *err)
{
    if (need <= *cap) return FV_OK;
    size_t want = *cap < 8 ? 8 : *cap, bytes;
    while (want < need && want <= SIZE_MAX / 2) want *= 2;
    if (want < need) want = need;
    if (!fv_mul_size(want, item, &bytes))
        return fv_fail(err, FV_NOMEM, "cannot allocate %zu items of %zu bytes", want, item);
    void *bigger = NULL;
    FV_TRY(fv_alloc_or(heap, &bigger, bytes, err));
    if (*p) memcpy(bigger, *p, *cap * item);
    fv_release(heap, *p);
    *p = bigger;
    *cap = want;
    return FV_OK;
}

/* Sits in the first 64 bytes of its chunk, so that what follows keeps the block's alignment. */
struct fv_chunk {
    struct fv_chunk *next;
    size_t size; /* with this header */
};
_Static_assert(sizeof(struct fv_chunk) <= ALIGN, "the header fits before the first item");

static bool new_chunk(fv_arena *a, size_t bytes)
{
    size_t size = a->chunks ? a->chunks->size * 2 : FIRST_CHUNK, need;
    if (size > LARGEST_CHUNK) size = LARGEST_CHUNK;
    if (!fv_add_size(bytes, ALIGN, &need)) return false;
    if (size < need) size = need;
    struct fv_chunk *c = fv_alloc(a->heap, size);
    if (!c) return false;
    c->next = a->chunks;
    c->size = size;
    a->chunks = c;
    a->used = ALIGN;
    a->total += size;
    return true;
}

void *fv_arena_alloc(fv_arena *a, size_t bytes)
{
    size_t need;
    if (a->failed) return NULL;
    if (!fv_add_size(bytes ? bytes : 1, 15, &need)) {
        a->failed = true;
        return NULL;
    }
    need &= ~(size_t)15;
    if (!a->chunks || a->chunks->size - a->used < need) {
        if (!new_chunk(a, need)) {
            a->failed = true;
            return NULL;
        }
    }
    void *p = (char *)a->chunks + a->used;
    a->used += need;
    return memset(p, 0, need);
}

char *fv_arena_strndup(fv_arena *a, const char *s, size_t n)
{
    n = strnlen(s, n);
    char *p = fv_arena_alloc(a, n + 1);
    if (p) memcpy(p, s, n);
    return p;
}

char *fv_arena_strdup(fv_arena *a, const char *s)
{
    return fv_arena_strndup(a, s, strlen(s));
}

char *fv_arena_printf(fv_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n < 0 ? NULL : fv_arena_alloc(a, (size_t)n + 1);
    if (!p) return NULL;
    va_start(ap, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return p;
}

void fv_arena_free(fv_arena *a)
{
    while (a->chunks) {
        struct fv_chunk *next = a->chunks->next;
        fv_release(a->heap, a->chunks);
        a->chunks = next;
    }
    a->used = a->total = 0;
    a->failed = false;
}
