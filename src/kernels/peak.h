/* peak.h -- chains of multiply-adds that do nothing else: what the cores can do at most.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_PEAK_H
#define FV_PEAK_H

/* Runs so many rounds; returns the floating-point operations of one. `seed` (any) keeps the work from being foreseen,
 * `out` (one float) from being dropped. */
typedef double fv_peak_fn(long rounds, float seed, float *out);
fv_peak_fn fv_peak__ref, fv_peak__neon, fv_peak__avx2, fv_peak__avx512;

#endif
