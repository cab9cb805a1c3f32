/* blocks.h -- lists that grow without a second copy, charged to a budget: what a hostile file can make us take is counted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_BLOCKS_H
#define FV_BLOCKS_H
#include "base/alloc.h"
#include "base/status.h"

/* Items of one size in blocks that never move: to grow costs no second copy. */
typedef struct fv_blocks {
    void **block;
    size_t blocks, cap, count, item;
} fv_blocks;

/* Zero it, set `item`. Adds a copy of *v; FV_NOMEM, or FV_FORMAT where the budget is used up. */
fv_status fv_blocks_add(fv_blocks *b, const void *v, size_t *budget, const fv_allocator *heap, fv_err *err);
void *fv_blocks_at(const fv_blocks *b, size_t i);
void fv_blocks_free(fv_blocks *b, const fv_allocator *heap);
/* Takes n bytes off the budget; FV_FORMAT where it is used up. */
fv_status fv_budget_take(size_t *budget, size_t n, fv_err *err);

#endif
