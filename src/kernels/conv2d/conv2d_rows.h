/* conv2d_rows.h -- what the rows of the four tables name: kernels, units, scratch, packings.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CONV2D_ROWS_H
#define FV_CONV2D_ROWS_H
#include "kernels/conv2d/conv2d.h"

#define FV_KERNEL(fn, cpu, applies, units, scratch, packing, tol)              fv_kernel_fn fn;
#define FV_KERNEL_PARTS(fn, cpu, applies, units, scratch, packing, tol, parts) fv_kernel_fn fn;
#define FV_WINOGRAD(isa, cpu, kind, pass, prefix)                              fv_kernel_fn fv_winograd##kind##_##pass##_f32__##isa;
#define FV_WINOGRAD_WGRAD(isa, cpu)                                            fv_kernel_fn fv_winograd4_wgrad_f32__##isa;
#include "kernels/conv2d/conv2d.def"
#include "kernels/conv2d/conv2d_bgrad.def"
#include "kernels/conv2d/conv2d_dgrad.def"
#include "kernels/conv2d/conv2d_wgrad.def"
#undef FV_KERNEL
#undef FV_KERNEL_PARTS
#undef FV_WINOGRAD
#undef FV_WINOGRAD_WGRAD
fv_kernel_fn fv_conv2d_f64__ref, fv_conv2d_dgrad_f64__ref, fv_conv2d_wgrad_f64__ref, fv_conv2d_bgrad_f64__ref;

/* What the rows of an instruction set need besides. */
#define FV_DW_SET(isa, kind)                                                                                           \
    bool fv_conv2d_##kind##_applies_f32__##isa(const void *problem);                                                   \
    size_t fv_conv2d_##kind##_scratch_f32__##isa(const void *problem);                                                 \
    int fv_conv2d_##kind##_units_f32__##isa(const void *problem, int n);                                               \
    int fv_conv2d_##kind##_parts_f32__##isa(const void *problem, int n);                                               \
    extern const fv_packing fv_conv2d_##kind##_packing_f32__##isa;
FV_DW_SET(avx512, group4)
FV_DW_SET(avx512, group8)
FV_DW_SET(avx2, group4)
#define FV_CONV2D_SET(isa)                                                                                             \
    extern const fv_conv_pair fv_conv2d_pair_f32__##isa;                                                               \
    bool fv_winograd4_wgrad_applies_f32__##isa(const void *problem);                                                   \
    int fv_winograd4_wgrad_units_f32__##isa(const void *problem, int n);                                               \
    size_t fv_winograd4_wgrad_scratch_f32__##isa(const void *problem);                                                 \
    size_t fv_conv2d_scratch_f32__##isa(const void *problem);                                                          \
    size_t fv_conv2d_wgrad_scratch_f32__##isa(const void *problem);                                                    \
    int fv_conv2d_wgrad_units_f32__##isa(const void *problem, int n);                                                  \
    int fv_conv2d_bgrad_units_f32__##isa(const void *problem, int n);                                                  \
    FV_DW_SET(isa, dw)                                                                                                 \
    int fv_conv2d_dgrad_dw_units_f32__##isa(const void *problem, int n);                                               \
    int fv_conv2d_wgrad_dw_units_f32__##isa(const void *problem, int n);                                               \
    size_t fv_conv2d_wgrad_dw_scratch_f32__##isa(const void *problem);                                                 \
    size_t fv_conv2d_dgrad_scratch_f32__##isa(const void *problem);                                                    \
    int fv_conv2d_parts_f32__##isa(const void *problem, int n);                                                        \
    int fv_conv2d_units_f32__##isa(const void *problem, int n);                                                        \
    int fv_conv2d_dgrad_units_f32__##isa(const void *problem, int n);                                                  \
    extern const fv_packing fv_conv2d_packing_f32__##isa, fv_conv2d_dgrad_packing_f32__##isa;
#define FV_WINOGRAD_SET(isa, kind)                                                                                     \
    bool fv_winograd##kind##_applies_f32__##isa(const void *problem);                                                  \
    bool fv_winograd##kind##_dgrad_applies_f32__##isa(const void *problem);                                            \
    size_t fv_winograd##kind##_scratch_f32__##isa(const void *problem);                                                \
    size_t fv_winograd##kind##_dgrad_scratch_f32__##isa(const void *problem);                                          \
    int fv_winograd##kind##_units_f32__##isa(const void *problem, int n);                                              \
    int fv_winograd##kind##_dgrad_units_f32__##isa(const void *problem, int n);                                        \
    extern const fv_packing fv_winograd##kind##_packing_f32__##isa, fv_winograd##kind##_dgrad_packing_f32__##isa;
FV_WINOGRAD_SET(avx2, 2)
FV_WINOGRAD_SET(avx2, 4)
FV_WINOGRAD_SET(avx2, 5x5)
FV_WINOGRAD_SET(avx2, 7x7)
FV_WINOGRAD_SET(avx2, 11x11)
FV_WINOGRAD_SET(avx512, 2)
FV_WINOGRAD_SET(avx512, 4)
FV_WINOGRAD_SET(avx512, 5x5)
FV_WINOGRAD_SET(avx512, 7x7)
FV_WINOGRAD_SET(avx512, 11x11)
FV_WINOGRAD_SET(neon, 2)
FV_WINOGRAD_SET(neon, 4)
FV_WINOGRAD_SET(neon, 5x5)
FV_WINOGRAD_SET(neon, 7x7)
FV_WINOGRAD_SET(neon, 11x11)
#undef FV_WINOGRAD_SET
FV_CONV2D_SET(avx2)
FV_CONV2D_SET(avx512)
FV_CONV2D_SET(neon)
#undef FV_CONV2D_SET
#undef FV_DW_SET

#endif
