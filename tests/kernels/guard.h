/* guard.h -- memory that faults when read or written one byte outside: blocks beside pages without access.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_GUARD_H
#define FV_TEST_GUARD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct guarded {
    void *p; /* the block */
    char *map;
    size_t bytes, used; /* of the mapping, of the block */
} guarded;

/* `bytes` that end right before a page without access (at_end), or begin right after one. Aligned only as far as
 * `bytes` is. */
static inline guarded guard_new(size_t bytes, bool at_end)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    guarded g = { .bytes = inner + 2 * page, .used = bytes };
    g.map = mmap(NULL, g.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map, page, PROT_NONE) || mprotect(g.map + page + inner, page, PROT_NONE))
        abort();
    g.p = g.map + page + (at_end ? inner - bytes : 0);
    return g;
}

static inline void guard_free(guarded *g)
{
    if (g->map) munmap(g->map, g->bytes);
    *g = (guarded){ 0 };
}

#endif
