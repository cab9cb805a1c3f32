/* batchnorm.c -- the slots of batch normalisation: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/batchnorm/batchnorm_rows.h"

/* Sums are made of short runs, joined: 64 terms, then runs of an image, then images (or a tree of them). A sum of that
 * kind is off by at most (64 + the number of runs) eps / 2 of its absolute terms; tests use the number of runs. */
#define SUM_TOL 64

static int blocks_of(int c)
{
    return (c + BN_CHANNELS - 1) / BN_CHANNELS;
}

/* A leaf's block of channels. */
static int leaf_blocks(const void *problem, int n)
{
    return (n + FV_LEAF - 1) / FV_LEAF * blocks_of(((const fv_bn_problem *)problem)->c);
}

static int channel_blocks(const void *problem, int n)
{
    (void)n;
    return blocks_of(((const fv_bn_problem *)problem)->c);
}

static int pixel_blocks(const void *problem, int n)
{
    return (int)(((size_t)n * ((const fv_bn_problem *)problem)->pixels + BN_PIXELS - 1) / BN_PIXELS);
}

#define FV_ROWS "kernels/batchnorm/batchnorm.def"
#include "kernels/row_tables.inc"
