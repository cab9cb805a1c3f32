/* stream.c -- the rate at which memory can be read, measured: what steps that move more than they compute are compared
 * with. A block that fits a cache is read from there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/stream.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/threads.h"
#include "kernels/kernel.h"
#include <string.h>

enum { MAX_THREADS = 1024, REPEATS = 5, LEAST_BYTES = 16 << 10 };
#define SECONDS 2e-3 /* of a repeat, at least */

typedef struct reading {
    fv_stream_fn *fn;
    const float *block;
    size_t each; /* floats of a thread */
    int rounds;
    float sink[MAX_THREADS];
} reading;

static void read_parts(void *user, int thread, int begin, int end)
{
    reading *r = user;
    (void)end;
    for (int i = 0; i < r->rounds; i++) r->fn(r->block + (size_t)begin * r->each, r->each, &r->sink[thread]);
}

static fv_stream_fn *widest(unsigned cpu)
{
    FV_X86(if (cpu & FV_HAS_AVX512) return fv_stream__avx512;)
    FV_X86(if (cpu & FV_HAS_AVX2) return fv_stream__avx2;)
    FV_NEON(if (cpu & FV_HAS_NEON) return fv_stream__neon;)
    (void)cpu;
    return fv_stream__ref;
}

static double rate(fv_threads *pool, reading *r, int threads)
{
    const double start = fv_clock();
    fv_threads_run(pool, threads, read_parts, r);
    return 4e-9 * (double)r->each * threads * r->rounds / (fv_clock() - start);
}

static double best(fv_threads *pool, reading *r, int threads)
{
    double most = 0;
    r->rounds = 1;
    rate(pool, r, threads); /* the pages come into being, the caches fill */
    const double once = 4e-9 * (double)r->each * threads / rate(pool, r, threads);
    r->rounds = once < SECONDS ? (int)(SECONDS / (once > 1e-7 ? once : 1e-7)) + 1 : 1;
    for (int i = 0; i < REPEATS; i++) {
        const double now = rate(pool, r, threads);
        if (now > most) most = now;
    }
    return most;
}

double fv_stream_gbs(int threads, size_t bytes, fv_cpu cpu)
{
    reading r = { .fn = widest(fv_cpu_features(cpu)) };
    fv_threads *pool = NULL;
    void *block = NULL;
    if (threads < 1 || threads > MAX_THREADS) return 0;
    if (bytes < (size_t)threads * LEAST_BYTES) bytes = (size_t)threads * LEAST_BYTES;
    r.each = bytes / sizeof(float) / (size_t)threads / FV_STREAM_STEP * FV_STREAM_STEP;
    if (fv_alloc_zero(NULL, &block, r.each * (size_t)threads * sizeof(float), NULL) != FV_OK) return 0;
    memset(block, 1, r.each * (size_t)threads * sizeof(float)); /* not the one page of zeros over and over */
    r.block = block;
    double gbs = 0;
    if (fv_threads_new(&pool, threads, NULL, NULL) == FV_OK) gbs = best(pool, &r, threads);
    fv_threads_free(pool);
    fv_release(NULL, block);
    return gbs;
}
