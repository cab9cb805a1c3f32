/* test_bytes.c -- sticky readers and writers, CRC-32C, whole files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/fovea-bytes-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int files(void)
{
    int n = 0;
    DIR *d = opendir(folder);
    while (readdir(d)) n++;
    closedir(d);
    return n - 2;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void test_numbers_read_in_both_orders(void **state)
{
    (void)state;
    const uint8_t b[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    fv_reader r = fv_reader_of((fv_bytes){ b, 8 });
    assert_true(fv_read_u64le(&r) == 0x0807060504030201 && !r.failed);
    r.at = 0;
    assert_true(fv_read_u32be(&r) == 0x01020304 && fv_read_u32le(&r) == 0x08070605);
    r.at = 0;
    assert_true(fv_read_u16be(&r) == 0x0102 && fv_read_u16le(&r) == 0x0403 && fv_read_u8(&r) == 5);
}

static void test_a_read_past_the_end_sticks(void **state)
{
    (void)state;
    uint8_t *exact = calloc(3, 1);
    fv_reader r = fv_reader_of((fv_bytes){ exact, 3 });
    exact[0] = 9;
    assert_true(fv_read_u32le(&r) == 0 && r.failed && r.at == 0);
    assert_true(fv_read_u8(&r) == 0 && r.at == 0);
    r = fv_reader_of((fv_bytes){ exact, 3 });
    assert_true(fv_read_bytes(&r, UINT64_MAX).p == NULL && r.failed);
    free(exact);
}

static void *no_memory(void *user, size_t bytes)
{
    (void)user;
    (void)bytes;
    return NULL;
}

static void no_release(void *user, void *p)
{
    (void)user;
    (void)p;
}

static void test_a_writer_without_memory_fails_and_carries_on(void **state)
{
    (void)state;
    const fv_allocator none = { no_memory, no_release, NULL };
    fv_writer w = { .heap = &none };
    fv_write_u32le(&w, 1);
    fv_write_printf(&w, "%d", 1);
    assert_true(w.failed && w.len == 0);
    fv_writer_free(&w);
}

static void test_what_is_written_reads_back(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_write_u8(&w, 1);
    fv_write_u16le(&w, 2);
    fv_write_u32le(&w, 3);
    fv_write_u64le(&w, 4);
    fv_write_f64le(&w, -0.1);
    fv_write_printf(&w, "%s", "five");
    fv_reader r = fv_reader_of((fv_bytes){ w.p, w.len });
    assert_true(fv_read_u8(&r) == 1 && fv_read_u16le(&r) == 2 && fv_read_u32le(&r) == 3 && fv_read_u64le(&r) == 4);
    assert_true(fv_read_f64le(&r) == -0.1 && memcmp(fv_read_bytes(&r, 4).p, "five", 4) == 0);
    assert_true(!r.failed && fv_reader_left(&r) == 0);
    fv_writer_free(&w);
}

/* RFC 3720 B.4: "123456789" and 32 zeros. Long texts take another path, so they are compared with steps of one byte. */
static void test_crc32c_known_answers(void **state)
{
    (void)state;
    uint8_t b[5003] = { 0 };
    uint32_t crc = 0;
    assert_int_equal(fv_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(fv_crc32c(0, b, 32), 0x8a9136aa);
    for (size_t i = 0; i < sizeof b; i++) b[i] = (uint8_t)(i * i);
    for (size_t i = 0; i < sizeof b; i++) crc = fv_crc32c(crc, b + i, 1);
    assert_int_equal(fv_crc32c(0, b, sizeof b), crc);
}

static void test_a_file_is_replaced_and_read_back(void **state)
{
    (void)state;
    const char *path = in_folder("a");
    for (int i = 0; i < 2; i++) {
        fv_bytes b;
        assert_int_equal(fv_file_write(path, (fv_span[]){ { "one", 3 }, { NULL, 0 }, { "two", (size_t)i } }, 3, NULL),
                         FV_OK);
        assert_int_equal(fv_file_read(&b, path, 100, NULL, NULL), FV_OK);
        assert_int_equal(b.len, 3 + i);
        assert_memory_equal(b.p, "onet", b.len);
        free((void *)(uintptr_t)b.p);
    }
    assert_int_equal(files(), 1);
    unlink(path);
}

static void test_what_is_not_a_plain_file_is_refused_both_ways(void **state)
{
    (void)state;
    const char *path = in_folder("fifo");
    fv_bytes b;
    fv_err err = { 0 };
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(fv_file_read(&b, path, 100, NULL, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "not a regular file"));
    assert_int_equal(fv_file_write(path, NULL, 0, NULL), FV_CREATE);
    assert_int_equal(fv_file_write(folder, NULL, 0, NULL), FV_CREATE);
    assert_int_equal(fv_file_read(&b, folder, 100, NULL, NULL), FV_FORMAT);
    assert_int_equal(files(), 1);
    unlink(path);
}

static void test_a_file_longer_than_the_limit_is_refused(void **state)
{
    (void)state;
    const char *path = in_folder("b");
    fv_bytes b;
    assert_int_equal(fv_file_write(path, &(fv_span){ "12345", 5 }, 1, NULL), FV_OK);
    assert_int_equal(fv_file_read(&b, path, 4, NULL, NULL), FV_FORMAT);
    assert_null(b.p);
    unlink(path);
}

static void test_absent_places_are_named(void **state)
{
    (void)state;
    fv_bytes b;
    fv_err err = { 0 };
    assert_int_equal(fv_file_read(&b, "/nonexistent/x", 1, NULL, &err), FV_NOINPUT);
    assert_string_equal(err.msg, "/nonexistent/x: No such file or directory");
    assert_int_equal(fv_file_write("/nonexistent/x", NULL, 0, NULL), FV_CREATE);
}

static void test_a_failed_write_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    /* An address that cannot be read makes write(2) fail after the file was made, as a full disk would. */
    const char *path = in_folder("c");
    fv_err err = { 0 };
    assert_int_equal(fv_file_write(path, &(fv_span){ (void *)(uintptr_t)8, 5 }, 1, &err), FV_IO);
    assert_non_null(strstr(err.msg, "cannot write"));
    assert_int_equal(files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_read_in_both_orders),
        cmocka_unit_test(test_a_read_past_the_end_sticks),
        cmocka_unit_test(test_a_writer_without_memory_fails_and_carries_on),
        cmocka_unit_test(test_what_is_written_reads_back),
        cmocka_unit_test(test_crc32c_known_answers),
        cmocka_unit_test(test_a_file_is_replaced_and_read_back),
        cmocka_unit_test(test_what_is_not_a_plain_file_is_refused_both_ways),
        cmocka_unit_test(test_a_file_longer_than_the_limit_is_refused),
        cmocka_unit_test(test_absent_places_are_named),
        cmocka_unit_test(test_a_failed_write_is_told_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
