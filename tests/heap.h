/* heap.h -- an allocator that counts, and that fails after so many calls.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_HEAP_H
#define FV_TEST_HEAP_H
#include <fovea.h>
#include <stdatomic.h>
#include <stdlib.h>

typedef struct test_heap {
    fv_allocator base;
    atomic_int left; /* calls that still succeed */
    atomic_int calls, live;
} test_heap;

static inline void *test_heap_alloc(void *user, size_t bytes)
{
    test_heap *h = user;
    h->calls++;
    if (h->left-- <= 0) return NULL;
    h->live++;
    return aligned_alloc(64, bytes);
}

static inline void test_heap_release(void *user, void *p)
{
    ((test_heap *)user)->live--;
    free(p);
}

/* Fills h, whose address the library then knows. */
static inline const fv_allocator *test_heap_init(test_heap *h, int left)
{
    h->base = (fv_allocator){ test_heap_alloc, test_heap_release, h };
    h->left = left;
    h->calls = h->live = 0;
    return &h->base;
}

#endif
