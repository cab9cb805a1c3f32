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
/* Calls fn(user, t, begin, end) on worker t for each t in 0 .. count-1 with [begin, end) the t-th of `count` even parts
 * of [0, units), empty parts left out, and returns when all are done. The split is fixed; pool NULL: the caller does all.
 * One caller at a time. */
typedef void fv_range_fn(void *user, int thread, int begin, int end);
void fv_threads_run(fv_threads *pool, int units, fv_range_fn *fn, void *user);

/* A plain thread, signals blocked in it; for the loader. */
fv_status fv_thread_start(pthread_t *t, void *(*fn)(void *), void *user, fv_err *err);

#endif
