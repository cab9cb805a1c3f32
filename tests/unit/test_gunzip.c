/* test_gunzip.c -- bytes at any place of gzip files: the same whatever is kept, by any thread; cut, damaged, followed by
 * something else, a bomb.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/gzip_maker.h"

#include "base/rng.h"
#include "base/threads.h"
#include "data/gunzip.h"
#include "heap.h"

#ifdef FOVEA_HAVE_ZLIB

enum { PLAIN = 300000, PACKED = 400000 };
static uint8_t plain[PLAIN], packed[PACKED];

/* Runs of noise and of repetition; the same each time. */
static void make_plain(void)
{
    fv_rng r = fv_rng_of(1, 2, 3, FV_RNG_TEST);
    for (size_t i = 0; i < PLAIN; i++)
        plain[i] = i / 5000 % 2 || i < 40 ? (uint8_t)fv_rng_below(&r, 256) : plain[i - 1 - i % 37];
}

static fv_file save(const char *dir, const void *p, size_t n, char path[200])
{
    fv_file f;
    snprintf(path, 200, "%s/x.gz", dir);
    scratch_write(dir, "x.gz", p, n);
    assert_int_equal(fv_file_open(&f, path, 1 << 30, NULL), FV_OK);
    return f;
}

/* Walks through a file to its end or a failure; compares with `plain` on the way where that is what it holds. */
static bool compares = true;
static fv_status walk(fv_gunzip *g, int number, const fv_file *f, const char *path, uint64_t *size, bool *damaged,
                      fv_err *err)
{
    fv_gunzip_walk *w;
    fv_status s = fv_gunzip_begin(&w, g, number, f, path, err);
    if (s != FV_OK) return s;
    for (uint64_t now = 0, to = 1; s == FV_OK; to = now + 999) {
        s = fv_gunzip_reach(w, to, &now, err);
        *size = now;
        const size_t n = now < 30 ? (size_t)now : 30;
        uint8_t piece[30];
        if (now < to || now > PLAIN) break;
        assert_int_equal(fv_gunzip_seen(w, now - n, piece, n, NULL), FV_OK);
        if (compares) assert_memory_equal(piece, plain + now - n, n);
    }
    if (s == FV_OK) s = fv_gunzip_reach(w, UINT64_MAX, size, err);
    *damaged = s != FV_OK && fv_gunzip_is_damaged(w);
    fv_gunzip_end(w);
    return s;
}

typedef struct readers {
    fv_gunzip *g;
    const fv_file *f;
    const char *path;
    bool in_order;
    int wrong;
} readers;

/* Pieces of up to 3000 bytes of file 1 (all of plain) and file 4 (its first third); each unit another place. */
static void read_pieces(void *user, int thread, int begin, int end)
{
    readers *r = user;
    uint8_t piece[3000];
    (void)thread;
    for (int i = begin; i < end; i++) {
        const int second = i % 3 == 0;
        const uint64_t size = second ? PLAIN / 3 : PLAIN, n = 1 + (uint64_t)i * 7919 % sizeof piece;
        const uint64_t at = (uint64_t)i * (r->in_order ? 200 : 104729) % (size - n);
        const fv_status s = fv_gunzip_at(r->g, second ? 4 : 1, &r->f[second], at, piece, n, r->path, NULL);
        if (s != FV_OK || memcmp(piece, plain + at, n) != 0) __atomic_fetch_add(&r->wrong, 1, __ATOMIC_RELAXED);
    }
}

static void test_bytes_are_the_same_whatever_is_kept(void **state)
{
    static const struct {
        uint64_t step;
        size_t states;
    } rows[] = { { FV_GUNZIP_STEP, FV_GUNZIP_STATES }, { 1024, 1000 }, { 1000, 7 }, { 1, 3 }, { 4096, 1 } };
    char path[200], other[200];
    size_t n = gzip(packed, PACKED, plain, 100001); /* three streams, one of nothing, and zeros */
    n += gzip(packed + n, PACKED - n, plain, 0);
    n += gzip(packed + n, PACKED - n, plain + 100001, PLAIN - 100001);
    memset(packed + n, 0, 1000);
    fv_file f[2] = { save(scratch_dir(state), packed, n + 1000, path) };
    n = gzip(packed, PACKED, plain, PLAIN / 3);
    scratch_write(scratch_dir(state), "y.gz", packed, n);
    snprintf(other, sizeof other, "%s/y.gz", scratch_dir(state));
    assert_int_equal(fv_file_open(&f[1], other, 1 << 30, NULL), FV_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        readers r = { .f = f, .path = path };
        uint64_t size;
        bool damaged;
        fv_err err = { 0 };
        fv_threads *pool;
        assert_int_equal(fv_threads_new(&pool, 4, NULL, NULL), FV_OK);
        assert_int_equal(fv_gunzip_new(&r.g, rows[i].step, rows[i].states, NULL, NULL), FV_OK);
        if (walk(r.g, 1, &f[0], path, &size, &damaged, &err) != FV_OK) fail_msg("%s", err.msg);
        assert_int_equal(size, PLAIN);
        assert_int_equal(walk(r.g, 4, &f[1], other, &size, &damaged, &err), FV_OK);
        assert_int_equal(size, PLAIN / 3);
        for (int order = 0; order < 2; order++) {
            r.in_order = order;
            fv_threads_run(pool, 400, read_pieces, &r);
            assert_int_equal(r.wrong, 0);
        }
        uint8_t byte;
        assert_int_equal(fv_gunzip_at(r.g, 1, &f[0], PLAIN, &byte, 1, path, &err), FV_FORMAT);
        assert_int_equal(fv_gunzip_at(r.g, 1, &f[0], PLAIN - 1, &byte, 1, path, NULL), FV_OK);
        assert_int_equal(byte, plain[PLAIN - 1]);
        fv_gunzip_free(r.g);
        fv_threads_free(pool);
    }
    fv_file_close(&f[0]);
    fv_file_close(&f[1]);
}

static void test_what_was_seen_long_ago_can_be_read(void **state)
{
    enum { TIMES = 12 }; /* 3.4 MiB */
    char path[200];
    uint8_t *all = malloc((size_t)TIMES * PACKED), piece[5000];
    assert_non_null(all);
    const size_t n = gzip(packed, PACKED, plain, PLAIN);
    for (size_t i = 0; i < TIMES; i++) memcpy(all + i * n, packed, n);
    fv_file f = save(scratch_dir(state), all, TIMES * n, path);
    free(all);
    fv_gunzip *g;
    fv_gunzip_walk *w;
    uint64_t now;
    assert_int_equal(fv_gunzip_new(&g, FV_GUNZIP_STEP, FV_GUNZIP_STATES, NULL, NULL), FV_OK);
    assert_int_equal(fv_gunzip_begin(&w, g, 0, &f, path, NULL), FV_OK);
    assert_int_equal(fv_gunzip_reach(w, UINT64_MAX, &now, NULL), FV_OK);
    assert_int_equal(now, TIMES * PLAIN);
    for (uint64_t at = 0; at <= now - sizeof piece; at += 33333) {
        assert_int_equal(fv_gunzip_seen(w, at, piece, sizeof piece, NULL), FV_OK);
        for (size_t i = 0; i < sizeof piece; i++) assert_int_equal(piece[i], plain[(at + i) % PLAIN]);
    }
    fv_gunzip_end(w);
    fv_gunzip_free(g);
    fv_file_close(&f);
}

/* Two streams of 400 bytes, cut at every byte or with a byte changed. */
static void test_cut_and_damaged_files_are_told(void **state)
{
    char path[200];
    const size_t one = gzip(packed, PACKED, plain + 4800, 400);
    const size_t n = one + gzip(packed + one, PACKED - one, plain + 5200, 400);
    memmove(plain, plain + 4800, 800); /* as walk() compares */
    for (size_t cut = 1; cut < n; cut++)
        for (int changed = 0; changed < 2; changed++) {
            uint64_t size = 0;
            bool damaged;
            fv_err err = { 0 };
            fv_gunzip *g;
            packed[cut] ^= changed ? 0x10 : 0;
            fv_file f = save(scratch_dir(state), packed, changed ? n : cut, path);
            packed[cut] ^= changed ? 0x10 : 0;
            assert_int_equal(fv_gunzip_new(&g, 64, 4, NULL, NULL), FV_OK);
            compares = !changed;
            const fv_status s = walk(g, 0, &f, path, &size, &damaged, &err);
            compares = true;
            if (!changed) {
                assert_int_equal(s, cut == one ? FV_OK : FV_FORMAT);
                assert_false(damaged);
                const char *said = cut == one + 1 ? "followed by what is no gzip" : "cut: its gzip data end early";
                if (s != FV_OK && !strstr(err.msg, said)) fail_msg("%zu: %s", cut, err.msg);
                assert_true(size <= 800 && (cut != n - 1 || size == 800));
            } else if (s == FV_OK) { /* something of the head that is not data: a time, a system */
                assert_int_equal(size, 800);
            } else {
                assert_int_equal(s, FV_FORMAT);
                assert_true(damaged || strstr(err.msg, "followed by") || strstr(err.msg, "cut"));
            }
            fv_gunzip_free(g);
            fv_file_close(&f);
        }
    make_plain();
}

static void told(void **state, size_t n, const char *said, bool want_damaged)
{
    char path[200];
    uint64_t size;
    bool damaged;
    fv_err err = { 0 };
    fv_gunzip *g;
    fv_file f = save(scratch_dir(state), packed, n, path);
    assert_int_equal(fv_gunzip_new(&g, FV_GUNZIP_STEP, FV_GUNZIP_STATES, NULL, NULL), FV_OK);
    assert_int_equal(walk(g, 0, &f, path, &size, &damaged, &err), FV_FORMAT);
    if (!strstr(err.msg, said)) fail_msg("'%s' does not say '%s'", err.msg, said);
    assert_int_equal(damaged, want_damaged);
    fv_gunzip_free(g);
    fv_file_close(&f);
}

static void test_each_kind_of_failure_has_its_words(void **state)
{
    const size_t n = gzip(packed, PACKED, plain, 5000);
    packed[n - 8] ^= 1;
    told(state, n, "incorrect data check", true);
    packed[n - 8] ^= 1;
    packed[n - 1] ^= 1;
    told(state, n, "incorrect length check", true);
    packed[n - 1] ^= 1;
    packed[2] = 7;
    told(state, n, "unknown compression method", true);
    packed[2] = 8;
    memcpy(packed + n, "what is this", 12);
    told(state, n + 12, "followed by what is no gzip, at byte", false);
    memset(packed + n, 0, 40000);
    packed[n + 39999] = 1;
    told(state, n + 40000, "followed by what is no gzip, at byte", false);
    told(state, n - 9, "cut: its gzip data end early, after 5000", false);
}

static void test_a_bomb_is_refused(void **state)
{
    enum { ZEROS = 1 << 23, MORE = 33 };
    uint8_t *zeros = calloc(1, ZEROS);
    assert_non_null(zeros);
    const size_t n = gzip(packed, PACKED, zeros, ZEROS);
    free(zeros);
    assert_true(n * MORE <= PACKED);
    for (size_t i = 1; i < MORE; i++) memcpy(packed + i * n, packed, n);
    compares = false;
    told(state, n * MORE, "a gzip bomb", true);
    compares = true;
}

static void test_every_failed_allocation_is_told(void **state)
{
    char path[200];
    fv_file f = save(scratch_dir(state), packed, gzip(packed, PACKED, plain, 20000), path);
    for (int n = 0;; n++) {
        test_heap heap;
        fv_gunzip *g;
        uint64_t size = 0;
        bool damaged;
        uint8_t piece[100];
        fv_err err = { 0 };
        fv_status s = fv_gunzip_new(&g, 4096, 3, test_heap_init(&heap, n), &err);
        if (s == FV_OK) s = walk(g, 0, &f, path, &size, &damaged, &err);
        if (s == FV_OK) s = fv_gunzip_at(g, 0, &f, 9000, piece, sizeof piece, path, &err);
        if (s == FV_OK) s = fv_gunzip_at(g, 0, &f, 100, piece, sizeof piece, path, &err);
        fv_gunzip_free(g);
        assert_int_equal(heap.live, 0);
        if (s == FV_OK) break;
        assert_int_equal(s, FV_NOMEM);
        assert_true(n < 100 && err.msg[0]);
    }
    fv_file_close(&f);
}

#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_bytes_are_the_same_whatever_is_kept),
        WITH_FOLDER(test_what_was_seen_long_ago_can_be_read),
        WITH_FOLDER(test_cut_and_damaged_files_are_told),
        WITH_FOLDER(test_each_kind_of_failure_has_its_words),
        WITH_FOLDER(test_a_bomb_is_refused),
        WITH_FOLDER(test_every_failed_allocation_is_told),
    };
    make_plain();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void test_without_zlib_it_says_so(void **state)
{
    (void)state;
    fv_gunzip *g;
    fv_err err = { 0 };
    assert_int_equal(fv_gunzip_new(&g, FV_GUNZIP_STEP, FV_GUNZIP_STATES, NULL, &err), FV_UNSUP);
    assert_null(g);
    assert_non_null(strstr(err.msg, "without zlib"));
    puts("SKIPPED bytes of gzip files: this build is without zlib");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_without_zlib_it_says_so) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
