/* heap.h -- an allocator that counts, and that fails after so many calls, once or from there on.
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
    bool once; /* only one call fails */
} test_heap;

static inline void *test_heap_alloc(void *user, size_t bytes)
{
    test_heap *h = user;
    h->calls++;
    const int left = h->left--;
    if (left == 0 || (left < 0 && !h->once)) return NULL;
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
    h->once = false;
    return &h->base;
}

#endif
