/* test_save_faults.c -- each system call of a save fails in turn, or the process dies before or after it: what lies under
 * the file's name is the old file or the new one, whole, and every failure is told. The calls below stand in front of
 * libc's, since the program's own symbols come first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "base/alloc.h"
#include "base/bytes.h"
#include "level.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum what { OPEN, WRITE, SYNC, CLOSE, RENAME, UNLINK } what;
typedef enum deed { NOTHING, FAIL, SHORT, DIE_BEFORE, DIE_AFTER } deed;
enum { MOST_CALLS = 1024 };

static struct {
    bool on;
    int at; /* the call that is hit */
    deed deed;
    int error; /* of FAIL */
    int calls;
    what seen[MOST_CALLS];
} fault;

/* Counts a call; true where this one is hit. */
static bool hit(what w)
{
    if (!fault.on) return false;
    assert_true(fault.calls < MOST_CALLS);
    fault.seen[fault.calls] = w;
    return fault.calls++ == fault.at && fault.deed != NOTHING;
}

/* The last argument, flags, is 0 wherever there are five. */
static long call(what w, long number, long a, long b, long c, long d)
{
    const bool now = hit(w);
    if (now && fault.deed == DIE_BEFORE) _exit(0);
    if (now && fault.deed == FAIL) {
        if (w == CLOSE) syscall(number, a); /* Linux gives the number back whatever it says */
        errno = fault.error;
        return -1;
    }
    if (now && fault.deed == SHORT) c = (c + 1) / 2;
    const long r = syscall(number, a, b, c, d, 0L);
    if (now && fault.deed == DIE_AFTER) _exit(0);
    return r;
}

int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const int mode = flags & O_CREAT ? va_arg(rest, int) : 0;
    va_end(rest);
    return (int)call(OPEN, SYS_openat, AT_FDCWD, (long)path, flags, mode);
}

ssize_t write(int fd, const void *p, size_t n)
{
    return call(WRITE, SYS_write, fd, (long)p, (long)n, 0);
}

int fsync(int fd)
{
    return (int)call(SYNC, SYS_fsync, fd, 0, 0, 0);
}

int close(int fd)
{
    return (int)call(CLOSE, SYS_close, fd, 0, 0, 0);
}

int rename(const char *from, const char *to)
{
    return (int)call(RENAME, SYS_renameat2, AT_FDCWD, (long)from, AT_FDCWD, (long)to);
}

int unlink(const char *path)
{
    return (int)call(UNLINK, SYS_unlinkat, AT_FDCWD, (long)path, 0, 0);
}

/* ---- the save ---- */

static const char old_text[] = "the old file", new_text[] = "the new file, in three parts";

static fv_status save(const char *path, fv_err *err)
{
    const fv_span parts[] = { { new_text, 8 }, { new_text + 8, 0 }, { new_text + 8, sizeof new_text - 8 } };
    return fv_file_write(path, parts, 3, err);
}

static fv_status save_with(const char *path, int at, deed d, int error, fv_err *err)
{
    fault.on = true;
    fault.at = at;
    fault.deed = d;
    fault.error = error;
    fault.calls = 0;
    const fv_status s = save(path, err);
    fault.on = false;
    return s;
}

static bool holds(const char *path, const char *text, size_t n)
{
    fv_bytes b;
    assert_int_equal(fv_file_read(&b, path, 1000, NULL, NULL), FV_OK);
    const bool same = b.len == n && memcmp(b.p, text, n) == 0;
    fv_release(NULL, (void *)b.p);
    return same;
}

static const char *prepare(void **state)
{
    static char path[600];
    scratch_write(scratch_dir(state), "file", old_text, sizeof old_text);
    snprintf(path, sizeof path, "%s/file", scratch_dir(state));
    return path;
}

static bool left_over(const char *path)
{
    char temporary[700];
    snprintf(temporary, sizeof temporary, "%s.tmp.%d", path, (int)getpid());
    return access(temporary, F_OK) == 0;
}

static void test_calls_of_a_save_come_in_order(void **state)
{
    const char *path = prepare(state);
    const what want[] = { UNLINK, OPEN, WRITE, WRITE, SYNC, CLOSE, RENAME, OPEN, SYNC, CLOSE };
    assert_int_equal(save_with(path, -1, NOTHING, 0, NULL), FV_OK);
    assert_int_equal(fault.calls, sizeof want / sizeof *want);
    assert_memory_equal(fault.seen, want, sizeof want);
    assert_true(holds(path, new_text, sizeof new_text));
}

/* Clearing the way beforehand may find nothing, and closing the folder loses nothing; all else is told. */
static void test_each_failing_call_leaves_old_or_new_and_is_told(void **state)
{
    enum { CLEAR = 0, MOVED = 6, LAST = 9 };
    const int errors[] = { EIO, ENOSPC, EDQUOT, EACCES };
    for (int at = 0; at <= LAST; at++)
        for (int e = 0; e < 4; e++) {
            const char *path = prepare(state);
            fv_err err = { 0 };
            const fv_status s = save_with(path, at, FAIL, errors[e], &err);
            const bool harmless = at == CLEAR || at == LAST;
            if ((s == FV_OK) != harmless) fail_msg("call %d fails with %d: status %d", at, errors[e], s);
            if (!harmless && (!strstr(err.msg, path) || !strstr(err.msg, strerror(errors[e]))))
                fail_msg("call %d: '%s'", at, err.msg);
            if (!harmless && fv_status_exit(s) != 73 && fv_status_exit(s) != 74) fail_msg("call %d: status %d", at, s);
            const bool moved = harmless || at > MOVED;
            if (!holds(path, moved ? new_text : old_text, moved ? sizeof new_text : sizeof old_text))
                fail_msg("call %d fails with %d: neither old nor new", at, errors[e]);
            assert_false(left_over(path));
        }
}

static void test_interrupted_and_short_calls_are_gone_on_with(void **state)
{
    for (int at = 1; at <= 8; at++) {
        const char *path = prepare(state);
        const what w = (const what[]){ UNLINK, OPEN, WRITE, WRITE, SYNC, CLOSE, RENAME, OPEN, SYNC }[at];
        if (w == RENAME) continue; /* rename(2) knows no EINTR */
        fv_err err = { 0 };
        if (save_with(path, at, FAIL, EINTR, &err) != FV_OK) fail_msg("call %d: %s", at, err.msg);
        assert_true(holds(path, new_text, sizeof new_text));
        prepare(state);
        if (w == WRITE) assert_int_equal(save_with(path, at, SHORT, 0, NULL), FV_OK);
        if (w == WRITE) assert_true(holds(path, new_text, sizeof new_text));
    }
}

/* SIGKILL between any two calls. The child ends by itself after the save where no call is left to die at. */
static void test_death_at_each_call_leaves_old_or_new(void **state)
{
    enum { MOVED = 6, CALLS = 10 };
    for (int at = 0; at < CALLS; at++)
        for (deed d = DIE_BEFORE; d <= DIE_AFTER; d++) {
            const char *path = prepare(state);
            const pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                save_with(path, at, d, 0, NULL);
                _exit(1);
            }
            int status;
            assert_int_equal(waitpid(child, &status, 0), child);
            assert_int_equal(status, 0);
            const bool moved = at > MOVED || (at == MOVED && d == DIE_AFTER);
            if (!holds(path, moved ? new_text : old_text, moved ? sizeof new_text : sizeof old_text))
                fail_msg("death at call %d: neither old nor new", at);
            assert_int_equal(save(path, NULL), FV_OK); /* what it left is in nobody's way */
            assert_true(holds(path, new_text, sizeof new_text));
        }
}

/* A model file goes the same way: after any failing call it opens, as the net it was or as the one it is. */
static void test_model_file_is_whole_after_each_failure(void **state)
{
    char path[600];
    snprintf(path, sizeof path, "%s/net.safetensors", scratch_dir(state));
    const fv_env env = { .cpu = test_level() };
    const fv_net_opts o = { .classes = 3, .size = 32 };
    fv_net *net = NULL, *again = NULL;
    assert_int_equal(fv_net_open(&net, "resnet20", &o, &env, NULL), FV_OK);
    float *bias = fv_net_weights(net, "linear.bias", NULL);
    bias[0] = 1;
    assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
    bias[0] = 2;
    int calls = 1;
    for (int at = 0; at < calls; at++) {
        fault.on = true;
        fault.at = at;
        fault.deed = FAIL;
        fault.error = EIO;
        fault.calls = 0;
        const fv_status s = fv_net_save(net, path, NULL);
        fault.on = false;
        if (fault.calls > calls) calls = fault.calls;
        assert_int_equal(fv_net_open(&again, path, NULL, &env, NULL), FV_OK);
        const float got = fv_net_weights(again, "linear.bias", NULL)[0];
        assert_true(got == 2 || (got == 1 && s != FV_OK));
        fv_net_free(again);
        bias[0] = 1;
        assert_int_equal(fv_net_save(net, path, NULL), FV_OK);
        bias[0] = 2;
    }
    assert_true(calls >= 9);
    fv_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_calls_of_a_save_come_in_order, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_each_failing_call_leaves_old_or_new_and_is_told, scratch_make,
                                        scratch_drop),
        cmocka_unit_test_setup_teardown(test_interrupted_and_short_calls_are_gone_on_with, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_death_at_each_call_leaves_old_or_new, scratch_make, scratch_drop),
        cmocka_unit_test_setup_teardown(test_model_file_is_whole_after_each_failure, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
