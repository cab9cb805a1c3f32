/* threads.h -- the only place that makes threads: a pool for parallel loops, and what the loader needs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_THREADS_H
#define FV_THREADS_H
#include "base/status.h"
#include <pthread.h>

/* A pool of `threads` workers counting the caller. Waiting workers spin shortly (about 50 us), then sleep on a futex. */
typedef struct fv_pool_ fv_threads;
fv_status fv_threads_new(fv_threads **pool, int threads, const fv_allocator *heap, fv_err *err);
void fv_threads_free(fv_threads *pool);
int fv_threads_count(const fv_threads *pool); /* 1 for NULL */
/* Calls fn(user, t, begin, end) on workers t for ranges that make [0, units) together, and returns when all are done.
 * pool NULL: the caller does all. One caller at a time.
 *   run      worker t has the t-th of `count` even parts, empty ones left out: it finds in its caches what it made there
 *   balance  the same, but the end of a long part goes to whoever comes first: cores differ in speed, and are shared
 *   share    each unit to whoever comes first: for few and long ones that have nothing to do with one another */
typedef void fv_range_fn(void *user, int thread, int begin, int end);
void fv_threads_run(fv_threads *pool, int units, fv_range_fn *fn, void *user);
void fv_threads_balance(fv_threads *pool, int units, fv_range_fn *fn, void *user);
void fv_threads_share(fv_threads *pool, int units, fv_range_fn *fn, void *user);

/* A plain thread, signals blocked in it; for the loader. */
fv_status fv_thread_start(pthread_t *t, void *(*fn)(void *), void *user, fv_err *err);

#endif
