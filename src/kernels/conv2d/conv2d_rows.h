/* conv2d_rows.h -- what the rows of the four tables name: kernels, units, scratch, packings.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CONV2D_ROWS_H
#define FV_CONV2D_ROWS_H
#include "kernels/conv2d/conv2d.h"

#define FV_KERNEL(fn, cpu, applies, units, scratch, packing, tol) fv_kernel_fn fn;
#include "kernels/conv2d/conv2d.def"
#include "kernels/conv2d/conv2d_bgrad.def"
#include "kernels/conv2d/conv2d_dgrad.def"
#include "kernels/conv2d/conv2d_wgrad.def"
#undef FV_KERNEL
fv_kernel_fn fv_conv2d_f64__ref, fv_conv2d_dgrad_f64__ref, fv_conv2d_wgrad_f64__ref, fv_conv2d_bgrad_f64__ref;

#endif
