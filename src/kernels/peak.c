/* peak.c -- the peak of float multiply-adds, measured: what kernels are compared with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernel.h"
#include "kernels/peak.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/threads.h"

enum { REPEATS = 25, MAX_THREADS = 1024 };
#define ROUNDS 1000000L /* 2 ms at 16 floats a vector */

typedef struct run {
    fv_peak_fn *fn;
    double flops;
    float sink[MAX_THREADS];
} run;

static void chains(void *user, int thread, int begin, int end)
{
    run *r = user;
    (void)begin;
    (void)end;
    const double flops = r->fn(ROUNDS, 1.0f, &r->sink[thread]);
    if (thread == 0) r->flops = flops;
}

static fv_peak_fn *widest(unsigned cpu)
{
    FV_X86(if (cpu & FV_HAS_AVX512) return fv_peak__avx512;)
    FV_X86(if (cpu & FV_HAS_AVX2) return fv_peak__avx2;)
    FV_NEON(if (cpu & FV_HAS_NEON) return fv_peak__neon;)
    (void)cpu;
    return fv_peak__ref;
}

/* 0 where the threads cannot be had. */
double fv_peak_gflops(int threads, fv_cpu cpu)
{
    run r = { .fn = widest(fv_cpu_features(cpu)) };
    fv_threads *pool = NULL;
    if (threads < 1 || threads > MAX_THREADS || fv_threads_new(&pool, threads, NULL, NULL) != FV_OK) return 0;
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        const double start = fv_clock();
        fv_threads_run(pool, threads, chains, &r);
        const double rate = r.flops * ROUNDS * threads / (fv_clock() - start) * 1e-9;
        if (rate > best) best = rate;
    }
    fv_threads_free(pool);
    return best;
}
