/* alloc.h -- the only malloc of the library, arenas, and arithmetic on numbers that came from a file.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_ALLOC_H
#define FV_ALLOC_H
#include <fovea.h>

/* heap may be NULL: malloc. Blocks are 64-byte aligned and not cleared. A size of 0 gives a block too.
 * On failure NULL, and fv_alloc_or says FV_NOMEM with the byte count. */
void *fv_alloc(const fv_allocator *heap, size_t bytes);
void fv_release(const fv_allocator *heap, void *p);                    /* NULL is fine */
void fv_alloc_sparse(const fv_allocator *heap, void *p, size_t bytes); /* of a block, much of it will stay untouched */
/* What is in some part of a block is of no use any more, and may come back as zeros: its whole pages go. */
void fv_alloc_forget(const fv_allocator *heap, void *p, size_t bytes);
fv_status fv_alloc_or(const fv_allocator *heap, void **out, size_t bytes, fv_err *err);   /* not cleared */
fv_status fv_alloc_zero(const fv_allocator *heap, void **out, size_t bytes, fv_err *err); /* cleared */
/* Grows *p (holding *cap items of `item` bytes) so that it holds at least `need`; doubles. FV_NOMEM leaves *p. */
fv_status fv_grow(const fv_allocator *heap, void **p, size_t *cap, size_t need, size_t item, fv_err *err);

/* Checked products and sums: false on overflow, and then *out is untouched. */
bool fv_mul_size(size_t a, size_t b, size_t *out);
bool fv_add_size(size_t a, size_t b, size_t *out);

/* An arena frees all it gave at once. Zero it, set heap; no thread may share one. Memory comes cleared, 16-byte
 * aligned. Sticky: after a failure every call gives NULL and `failed` stays set. */
typedef struct fv_arena {
    const fv_allocator *heap;
    struct fv_chunk *chunks;
    size_t used, total; /* bytes in the newest chunk; bytes taken from the heap */
    bool failed;
} fv_arena;
void *fv_arena_alloc(fv_arena *a, size_t bytes);
char *fv_arena_strdup(fv_arena *a, const char *s);
char *fv_arena_strndup(fv_arena *a, const char *s, size_t n);
char *fv_arena_printf(fv_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void fv_arena_free(fv_arena *a); /* all of it; the arena can be used again */

#endif
