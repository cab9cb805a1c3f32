/* conv2d.c -- the slots of convolution: tables of rows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"
#include "kernels/conv2d/conv2d_rows.h"

/* A sum of k products, each rounded to u = eps / 2, is off by at most k u / (1 - k u) of sum |products| in any order
 * (Higham 2002, section 3.1); 1 / (1 - k u) < 1.02 up to 300 000 products. */
#define SUM_TOL 0.51

static int output_rows(const void *problem, int n)
{
    return n * ((const fv_conv_problem *)problem)->oh;
}

static int input_rows(const void *problem, int n)
{
    return n * ((const fv_conv_problem *)problem)->h;
}

static int output_channels(const void *problem, int n)
{
    (void)n;
    return ((const fv_conv_problem *)problem)->oc;
}

#define FV_KERNEL(fn, cpu, applies, units, scratch, packing, tol)                                                      \
    { #fn, fn, cpu, applies, units, scratch, packing, tol, NULL, 0 },
#define FV_KERNEL_PARTS(fn, cpu, applies, units, scratch, packing, tol, parts)                                         \
    { #fn, fn, cpu, applies, units, scratch, packing, tol, parts, 0 },
#define FV_WINOGRAD(isa, cpu, kind, pass, prefix)                                                                      \
    { "fv_winograd" #kind "_" #pass "_f32__" #isa,                                                                     \
      fv_winograd##kind##_##pass##_f32__##isa,                                                                         \
      (cpu) | FV_MAY_WINOGRAD,                                                                                         \
      fv_winograd##kind##_##prefix##applies_f32__##isa,                                                                \
      fv_winograd##kind##_##prefix##units_f32__##isa,                                                                  \
      fv_winograd##kind##_##prefix##scratch_f32__##isa,                                                                \
      &fv_winograd##kind##_##prefix##packing_f32__##isa,                                                               \
      SUM_TOL,                                                                                                         \
      NULL,                                                                                                            \
      WINOGRAD_TILE_##kind },
#define FV_WINOGRAD_WGRAD(isa, cpu)                                                                                    \
    { "fv_winograd4_wgrad_f32__" #isa,                                                                                 \
      fv_winograd4_wgrad_f32__##isa,                                                                                   \
      (cpu) | FV_MAY_WINOGRAD,                                                                                         \
      fv_winograd4_wgrad_applies_f32__##isa,                                                                           \
      fv_winograd4_wgrad_units_f32__##isa,                                                                             \
      fv_winograd4_wgrad_scratch_f32__##isa,                                                                           \
      NULL,                                                                                                            \
      SUM_TOL,                                                                                                         \
      NULL,                                                                                                            \
      WINOGRAD_TILE_4 },
enum {
    WINOGRAD_TILE_2 = 2,
    WINOGRAD_TILE_4 = 4,
    WINOGRAD_TILE_5x5 = 2,
    WINOGRAD_TILE_7x7 = 3,
    WINOGRAD_TILE_11x11 = 4
};
static const fv_kernel conv2d_rows[] = {
#include "kernels/conv2d/conv2d.def"
};
static const fv_kernel dgrad_rows[] = {
#include "kernels/conv2d/conv2d_dgrad.def"
};
static const fv_kernel wgrad_rows[] = {
#include "kernels/conv2d/conv2d_wgrad.def"
};
static const fv_kernel bgrad_rows[] = {
#include "kernels/conv2d/conv2d_bgrad.def"
};
#undef FV_KERNEL
#undef FV_KERNEL_PARTS
#undef FV_WINOGRAD
#undef FV_WINOGRAD_WGRAD

enum { WEIGHTS = 2, NO_WEIGHTS = -1, MOMENTS = 6 };
#define ROWS(table) table, sizeof(table) / sizeof *(table)
const fv_slot fv_slot_conv2d = { "conv2d", ROWS(conv2d_rows), fv_conv2d_f64__ref,
                                 WEIGHTS,  1u << 4,           1u << 0 | 1u << 1 | 1u << 4,
                                 MOMENTS };
const fv_slot fv_slot_conv2d_dgrad = { "conv2d_dgrad", ROWS(dgrad_rows), fv_conv2d_dgrad_f64__ref, WEIGHTS, 0, 0, 0 };
const fv_slot fv_slot_conv2d_wgrad = {
    "conv2d_wgrad", ROWS(wgrad_rows), fv_conv2d_wgrad_f64__ref, NO_WEIGHTS, 0, 0, 0
};
const fv_slot fv_slot_conv2d_bgrad = {
    "conv2d_bgrad", ROWS(bgrad_rows), fv_conv2d_bgrad_f64__ref, NO_WEIGHTS, 0, 0, 0
};

static const fv_conv_pair *const pairs[] = { FV_X86(&fv_conv2d_pair_f32__avx512, &fv_conv2d_pair_f32__avx2, )
                                                 FV_NEON(&fv_conv2d_pair_f32__neon, ) NULL };

const fv_conv_pair *fv_conv_pair_of(const fv_kernel *first, const fv_conv_problem *p, const fv_kernel *second,
                                    const fv_conv_problem *q)
{
    for (const fv_conv_pair *const *c = pairs; *c; c++)
        if ((*c)->first == first->fn && (*c)->second == second->fn && (*c)->applies(p, q)) return *c;
    return NULL;
}
