/* net_blocks.h -- a network's graph as people draw it: blocks one after another, and inside them branches side by side.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_NET_BLOCKS_H
#define FV_NET_BLOCKS_H
#include "graph/net.h"

/* A layer alone, or branches that fork from what came before and that `layer` joins (-1: what follows joins them). */
typedef struct fv_part {
    struct fv_part *next;
    int layer;
    struct fv_branch *branches; /* NULL: a layer alone */
} fv_part;
typedef struct fv_branch {
    struct fv_branch *next;
    fv_part *parts; /* NULL: the value itself, a shortcut */
} fv_branch;

/* Layers first to last; `alike` blocks of the same layers follow one another, this being the first of them. */
typedef struct fv_block {
    fv_part *parts; /* up to the next block's */
    const fv_part *end;
    int first, last, alike, last_alike; /* last_alike: of the last of them */
    char name[96];
} fv_block;
typedef struct fv_blocks {
    fv_block *block;
    int n;
} fv_blocks;

/* In the arena; auxiliary classifiers are left out. */
fv_status fv_blocks_find(fv_blocks *b, const fv_net *net, fv_arena *a, fv_err *err);
bool fv_layer_trails(const fv_graph *g, int layer); /* is it said with the layer before it: batch-norm, activation? */

#endif
