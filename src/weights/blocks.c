/* blocks.c -- lists that grow by blocks of a fixed number of items.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/blocks.h"
#include <string.h>

enum { BLOCK = 1024 };

fv_status fv_budget_take(size_t *budget, size_t n, fv_err *err)
{
    if (n > *budget) return fv_fail(err, FV_FORMAT, "more objects than a file of this size can mean");
    *budget -= n;
    return FV_OK;
}

void *fv_blocks_at(const fv_blocks *b, size_t i)
{
    return (char *)b->block[i / BLOCK] + i % BLOCK * b->item;
}

fv_status fv_blocks_add(fv_blocks *b, const void *v, size_t *budget, const fv_allocator *heap, fv_err *err)
{
    if (b->count == b->blocks * BLOCK) {
        void *blocks = b->block;
        FV_TRY(fv_budget_take(budget, BLOCK * b->item, err));
        FV_TRY(fv_grow(heap, &blocks, &b->cap, b->blocks + 1, sizeof *b->block, err));
        b->block = blocks;
        FV_TRY(fv_alloc_or(heap, &b->block[b->blocks], BLOCK * b->item, err));
        b->blocks++;
    }
    memcpy(fv_blocks_at(b, b->count++), v, b->item);
    return FV_OK;
}

void fv_blocks_free(fv_blocks *b, const fv_allocator *heap)
{
    for (size_t i = 0; i < b->blocks; i++) fv_release(heap, b->block[i]);
    fv_release(heap, b->block);
    *b = (fv_blocks){ 0 };
}
