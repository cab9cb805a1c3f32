/* threads.c -- a fork-join pool: workers watch a round number, spin for a moment, then sleep on it with a futex.
 * Nothing is lost: a worker announces its sleep before the kernel compares the round, the caller raises the round
 * before it looks for sleepers, both sequentially consistent; so one of the two sees the other.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/threads.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/cpu.h"
#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    MAX_THREADS = 4096,
    LONG_PART = 16, /* units: a part of so many leaves */
    LATE = 4        /* 1 / LATE of them to whoever comes first */
};
#define SPIN_SECONDS 50e-6

typedef struct worker {
    struct fv_pool_ *pool;
    int thread;
    pthread_t id;
} worker;

typedef struct late {
    _Alignas(64) atomic_bool taken;
} late;

typedef enum way { FIXED, BALANCED, SHARED } way;

/* Each atomic on a cache line of its own: they are written by different threads at different times. */
struct fv_pool_ {
    _Alignas(64) atomic_uint round;   /* raised for each job; workers sleep on it */
    _Alignas(64) atomic_uint working; /* workers that have not finished the job; the caller sleeps on it */
    _Alignas(64) atomic_int sleepers;
    atomic_bool caller_sleeps;
    /* The job: written before `round` is raised, read after. */
    _Alignas(64) fv_range_fn *fn; /* NULL: go home */
    void *user;
    int units;
    way way;
    int count, started;
    const fv_allocator *heap;
    worker *worker;                 /* count - 1 */
    late *late;                     /* count: the ends of the parts */
    _Alignas(64) atomic_int shared; /* units that somebody has */
};

static void futex_wait(atomic_uint *word, unsigned value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); /* EINTR, EAGAIN: the callers look again */
}

static void futex_wake(atomic_uint *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Waits a moment for the word to differ from `old`; false where it did not. */
static bool spin_while(atomic_uint *word, unsigned old)
{
    const double end = fv_clock() + SPIN_SECONDS;
    do {
        for (int i = 0; i < 32; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old) return true;
            fv_cpu_relax();
        }
    } while (fv_clock() < end);
    return false;
}

static void part_of(int units, int t, int count, int *begin, int *end)
{
    *begin = (int)((int64_t)units * t / count);
    *end = (int)((int64_t)units * (t + 1) / count);
}

/* Where the end of a part begins that anybody may take. */
static int late_from(int begin, int end)
{
    return end - begin < LONG_PART ? end : end - (end - begin) / LATE;
}

/* The own part, then ends that nobody has taken, the own one first. */
static void do_part(fv_threads *p, int thread)
{
    int begin, end;
    part_of(p->units, thread, p->count, &begin, &end);
    const int stop = p->way == BALANCED ? late_from(begin, end) : end;
    if (begin < stop) p->fn(p->user, thread, begin, stop);
    for (int i = 0; i < p->count && p->way == BALANCED; i++) {
        const int t = (thread + i) % p->count;
        part_of(p->units, t, p->count, &begin, &end);
        begin = late_from(begin, end);
        if (begin < end && !atomic_exchange(&p->late[t].taken, true)) p->fn(p->user, thread, begin, end);
    }
}

static void do_shares(fv_threads *p, int thread)
{
    for (int u; (u = atomic_fetch_add(&p->shared, 1)) < p->units;) p->fn(p->user, thread, u, u + 1);
}

static void do_job(fv_threads *p, int thread)
{
    if (p->way == SHARED) do_shares(p, thread);
    else do_part(p, thread);
}

static void await_round(fv_threads *p, unsigned seen)
{
    if (spin_while(&p->round, seen)) return;
    atomic_fetch_add(&p->sleepers, 1);
    while (atomic_load(&p->round) == seen) futex_wait(&p->round, seen);
    atomic_fetch_sub(&p->sleepers, 1);
}

static void *work(void *arg)
{
    const worker *w = arg;
    fv_threads *p = w->pool;
    for (unsigned round = 0;; round++) {
        await_round(p, round);
        if (!p->fn) return NULL;
        do_job(p, w->thread);
        if (atomic_fetch_sub(&p->working, 1) == 1 && atomic_load(&p->caller_sleeps)) futex_wake(&p->working);
    }
}

static void start_round(fv_threads *p, fv_range_fn *fn, void *user, int units, way how)
{
    p->fn = fn;
    p->user = user;
    p->units = units;
    p->way = how;
    atomic_store_explicit(&p->shared, 0, memory_order_relaxed);
    for (int t = 0; t < p->count && p->late; t++) atomic_store_explicit(&p->late[t].taken, false, memory_order_relaxed);
    atomic_store(&p->working, (unsigned)p->started);
    atomic_fetch_add(&p->round, 1);
    if (atomic_load(&p->sleepers) > 0) futex_wake(&p->round);
}

static void await_workers(fv_threads *p)
{
    unsigned left;
    while ((left = atomic_load(&p->working)) != 0) {
        if (spin_while(&p->working, left)) continue;
        atomic_store(&p->caller_sleeps, true);
        while ((left = atomic_load(&p->working)) != 0) futex_wait(&p->working, left);
        atomic_store(&p->caller_sleeps, false);
    }
}

static void run(fv_threads *pool, int units, fv_range_fn *fn, void *user, way how)
{
    if (units <= 0) return;
    const int count = fv_threads_count(pool);
    if (count == 1 || units == 1) { /* one unit is the last part's: not worth waking anybody */
        fn(user, count - 1, 0, units);
        return;
    }
    start_round(pool, fn, user, units, how);
    do_job(pool, 0);
    await_workers(pool);
}

void fv_threads_run(fv_threads *pool, int units, fv_range_fn *fn, void *user)
{
    run(pool, units, fn, user, FIXED);
}

void fv_threads_balance(fv_threads *pool, int units, fv_range_fn *fn, void *user)
{
    run(pool, units, fn, user, BALANCED);
}

void fv_threads_share(fv_threads *pool, int units, fv_range_fn *fn, void *user)
{
    run(pool, units, fn, user, SHARED);
}

int fv_threads_count(const fv_threads *pool)
{
    return pool ? pool->count : 1;
}

fv_status fv_thread_start(pthread_t *t, void *(*fn)(void *), void *user, fv_err *err)
{
    /* The new thread inherits the mask: the host's signals stay with the host's threads. */
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int e = pthread_create(t, NULL, fn, user);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return e == 0 ? FV_OK : fv_fail(err, FV_NOMEM, "cannot start a thread: %s", strerror(e));
}

fv_status fv_threads_new(fv_threads **pool, int threads, const fv_allocator *heap, fv_err *err)
{
    *pool = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return fv_fail(err, FV_ARG, "%d threads, expected 1 to %d", threads, (int)MAX_THREADS);
    void *block = NULL, *workers = NULL, *ends = NULL;
    FV_TRY(fv_alloc_zero(heap, &block, sizeof **pool, err));
    fv_threads *p = block;
    p->heap = heap;
    p->count = threads;
    fv_status s = fv_alloc_zero(heap, &workers, sizeof(worker) * (size_t)threads, err);
    p->worker = workers;
    if (s == FV_OK) s = fv_alloc_zero(heap, &ends, sizeof(late) * (size_t)threads, err);
    p->late = ends;
    for (int i = 1; i < threads && s == FV_OK; i++) {
        worker *w = &p->worker[p->started];
        *w = (worker){ .pool = p, .thread = i };
        s = fv_thread_start(&w->id, work, w, err);
        if (s == FV_OK) p->started++;
    }
    if (s == FV_OK) *pool = p;
    else fv_threads_free(p);
    return s;
}

void fv_threads_free(fv_threads *pool)
{
    if (!pool) return;
    const fv_allocator *heap = pool->heap;
    start_round(pool, NULL, NULL, 0, FIXED);
    for (int i = 0; i < pool->started; i++) pthread_join(pool->worker[i].id, NULL);
    fv_release(heap, pool->worker);
    fv_release(heap, pool->late);
    fv_release(heap, pool);
}
