/* test_status.c -- failures are told once, on one line, in front of which each caller adds what it knows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include "base/log.h"
#include <errno.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void test_the_first_failure_is_kept(void **state)
{
    (void)state;
    fv_err err = { 0 };
    assert_int_equal(fv_fail(&err, FV_SHAPE, "%d is odd", 3), FV_SHAPE);
    assert_int_equal(fv_fail(&err, FV_IO, "later"), FV_IO);
    assert_int_equal(err.status, FV_SHAPE);
    assert_string_equal(err.msg, "3 is odd");
    assert_int_equal(fv_fail(NULL, FV_IO, "nobody listens"), FV_IO);
}

static void test_context_stands_in_front(void **state)
{
    (void)state;
    fv_err err = { 0 };
    fv_fail(&err, FV_FORMAT, "bad");
    assert_int_equal(fv_context(&err, FV_FORMAT, "file %d", 7), FV_FORMAT);
    assert_string_equal(err.msg, "file 7: bad");
    assert_int_equal(fv_context(&err, FV_OK, "nothing happened"), FV_OK);
    assert_string_equal(err.msg, "file 7: bad");
}

static void test_context_of_any_length_is_cut_and_ended(void **state)
{
    (void)state;
    char text[600];
    for (int n = 480; n < 520; n++) {
        fv_err err = { 0 };
        memset(text, 'x', sizeof text);
        text[n] = 0;
        fv_fail(&err, FV_FORMAT, "the message");
        fv_context(&err, FV_FORMAT, "%s", text);
        assert_true(strnlen(err.msg, sizeof err.msg) < sizeof err.msg);
        assert_memory_equal(err.msg, text, 480);
    }
}

static void test_names_out_of_files_cannot_break_the_line(void **state)
{
    (void)state;
    fv_err err = { 0 };
    fv_fail(&err, FV_FORMAT, "name '%s'", "a\nb\x1b[31m\xc2\x9b\xc3\xa9");
    assert_string_equal(err.msg, "name 'a?b?[31m??\xc3\xa9'");
}

static void test_a_cut_message_ends_in_a_whole_character(void **state)
{
    (void)state;
    char text[600];
    for (int shift = 0; shift < 2; shift++) {
        fv_err err = { 0 };
        for (size_t i = 0; i + 1 < sizeof text; i++) text[i] = i % 2 ? '\xa9' : '\xc3';
        text[sizeof text - 1] = 0;
        fv_fail(&err, FV_FORMAT, "%.*s%s", shift, "x", text);
        assert_int_equal((strlen(err.msg) - (size_t)shift) % 2, 0);
    }
}

static void test_errno_becomes_the_right_status(void **state)
{
    (void)state;
    static const struct {
        int e;
        fv_status reading, writing;
    } row[] = { { ENOENT, FV_NOINPUT, FV_CREATE },
                { EACCES, FV_NOINPUT, FV_CREATE },
                { EIO, FV_IO, FV_IO },
                { ENOSPC, FV_IO, FV_IO },
                { ENOMEM, FV_NOMEM, FV_NOMEM } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        errno = row[i].e;
        assert_int_equal(fv_fail_open(NULL, false, "f"), row[i].reading);
        errno = row[i].e;
        assert_int_equal(fv_fail_open(NULL, true, "f"), row[i].writing);
    }
}

static void test_every_status_has_a_text_and_an_exit_code(void **state)
{
    (void)state;
    for (int s = 0; s < FV_STATUS_COUNT; s++) {
        assert_true(fv_status_text((fv_status)s)[0] != 0);
        assert_int_equal(fv_status_exit((fv_status)s) == 0, s == FV_OK);
    }
    assert_int_equal(fv_status_exit(FV_FORMAT), 65);
    assert_int_equal(fv_status_exit(FV_INTERRUPTED), 130);
    assert_int_equal(fv_status_exit((fv_status)999), 70);
    assert_string_equal(fv_status_text((fv_status)-1), "unknown status");
}

static void keep(void *user, fv_log_level level, const char *text)
{
    strcpy(user, text);
    assert_int_equal(level, FV_LOG_WARN);
}

static void test_the_log_gets_one_line_and_may_be_absent(void **state)
{
    (void)state;
    char text[100] = "";
    const fv_env env = { .log = keep, .log_user = text };
    fv_log(&env, FV_LOG_WARN, "a %s", "b\nc");
    assert_string_equal(text, "a b?c");
    fv_log(NULL, FV_LOG_WARN, "silence");
    fv_log(&(fv_env){ 0 }, FV_LOG_WARN, "silence");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_failure_is_kept),
        cmocka_unit_test(test_context_stands_in_front),
        cmocka_unit_test(test_context_of_any_length_is_cut_and_ended),
        cmocka_unit_test(test_names_out_of_files_cannot_break_the_line),
        cmocka_unit_test(test_a_cut_message_ends_in_a_whole_character),
        cmocka_unit_test(test_errno_becomes_the_right_status),
        cmocka_unit_test(test_every_status_has_a_text_and_an_exit_code),
        cmocka_unit_test(test_the_log_gets_one_line_and_may_be_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
