/* conv2d_tile.h -- the register tile that the ways of convolution share: up to MR pixels times NV vectors of output
 * channels, compiled once for each instruction set.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CONV2D_TILE_H
#define FV_CONV2D_TILE_H
#include "kernels/conv2d/conv2d.h"

/* Inputs that follow each other in memory for one pixel: where they begin, from the tile's first pixel, in floats. */
typedef struct run {
    ptrdiff_t at;
    size_t weight; /* its row of the panel */
    int k;         /* inputs */
} run;

/* Where the pixels of a tile lie: pixel (r, i) at p[r * row + i * step]. */
typedef struct grid {
    ptrdiff_t row, step;
} grid;

typedef struct tile_args {
    const float *in, *w, *bias, *res;
    float *out;
    grid in_at, out_at, res_at;
    const run *run;
    const float *next;  /* weights to be fetched meanwhile, `fetch` floats for each input; or NULL */
    int fetch, nrun, n; /* n: channels of the panel that exist */
    fv_act act;
    bool add;
} tile_args;

enum { LINE = 16 }; /* floats of a cache line */

/* Floats [begin, end) behind `at` are on their way to the L2. */
static inline void fetch_floats(const float *at, ptrdiff_t begin, ptrdiff_t end)
{
    for (ptrdiff_t i = begin; i < end; i += LINE) __builtin_prefetch(at + i, 0, 2);
}

/* Panels of whole width that one pixel is multiplied by at a time, at most. */
enum { PIXEL_PANELS = 8 };

/* One row of `cols` pixels, at most MR, or two rows of at most MR / 2 each. */
void fv_conv2d_tile_f32__avx2(int rows, int cols, const tile_args *p);
void fv_conv2d_tile_f32__avx512(int rows, int cols, const tile_args *p);
void fv_conv2d_tile_f32__neon(int rows, int cols, const tile_args *p);

/* One pixel and as many of the `panels` from the first on, `panel` floats apart, as are made at once; returns how many,
 * none where there are too few. Panels of one group; n: channels of the group from there on. */
int fv_conv2d_pixel_f32__avx2(int panels, size_t panel, const tile_args *p);
int fv_conv2d_pixel_f32__avx512(int panels, size_t panel, const tile_args *p);
int fv_conv2d_pixel_f32__neon(int panels, size_t panel, const tile_args *p);

#endif
