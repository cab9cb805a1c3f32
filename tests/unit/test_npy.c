/* test_npy.c -- NumPy arrays as NumPy writes them, and what is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tensor/npy.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A file of this version, header and data in a heap block of exactly its size; the caller frees p. */
static fv_bytes file_of(int version, const char *header, const void *data, size_t bytes)
{
    const size_t n = strlen(header), wide = version == 1 ? 2 : 4, len = 8 + wide + n + bytes;
    uint8_t *p = calloc(len, 1);
    memcpy(p, "\x93NUMPY", 6);
    p[6] = (uint8_t)version;
    p[8] = (uint8_t)n;
    p[9] = (uint8_t)(n >> 8);
    memcpy(p + 8 + wide, header, n);
    if (data) memcpy(p + 8 + wide + n, data, bytes);
    return (fv_bytes){ .p = p, .len = len };
}

static fv_status parse(fv_array *a, int version, const char *header, const void *data, size_t bytes, fv_err *err)
{
    const fv_bytes f = file_of(version, header, data, bytes);
    const fv_status s = fv_npy_parse(a, f, NULL, err);
    free((void *)(uintptr_t)f.p);
    return s;
}

static void test_every_version_and_type_becomes_floats(void **state)
{
    (void)state;
    static const float f4[] = { 1.5f, -2 };
    static const double f8[] = { 1.5, -2 };
    static const int64_t i8[] = { 7, -2 };
    static const uint8_t u1[] = { 7, 255 };
    static const struct {
        const char *descr;
        const void *data;
        size_t bytes;
        float want[2];
    } row[] = { { "<f4", f4, 8, { 1.5f, -2 } },
                { "<f8", f8, 16, { 1.5f, -2 } },
                { "<i8", i8, 16, { 7, -2 } },
                { "|u1", u1, 2, { 7, 255 } } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        for (int version = 1; version <= 3; version++) {
            char header[100];
            fv_array a;
            snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (2,), }   \n",
                     row[i].descr);
            assert_int_equal(parse(&a, version, header, row[i].data, row[i].bytes, NULL), FV_OK);
            assert_true(a.rank == 1 && a.dim[0] == 2 && a.data[0] == row[i].want[0] && a.data[1] == row[i].want[1]);
            fv_array_free(&a, NULL);
        }
    }
}

static void test_headers_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        fv_status want;
        const char *reason;
    } row[] = {
        { "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", FV_UNSUP, "fortran_order" },
        { "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", FV_UNSUP, ">f4" },
        { "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", FV_UNSUP, "|O" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", FV_FORMAT, "4 bytes short" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (0,), }", FV_FORMAT, "4 bytes after" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (2147483647,2147483647,2147483647), }", FV_FORMAT,
          "overflows" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999), }", FV_FORMAT, "dimension" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", FV_FORMAT, "dimension" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", FV_FORMAT, "shape" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", FV_UNSUP, "dimensions" },
        { "{'descr': '<f4', 'shape': (1,), }", FV_FORMAT, "missing" },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", FV_FORMAT, "twice" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1 }", FV_FORMAT, "unknown key" },
        { "{'descr': '<f4", FV_FORMAT, "descr" },
        { "", FV_FORMAT, "'{'" },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        fv_array a;
        fv_err err = { 0 };
        const fv_status s = parse(&a, 1, row[i].header, NULL, 4, &err);
        if (s != row[i].want || !strstr(err.msg, row[i].reason)) fail_msg("%s gave %d '%s'", row[i].header, s, err.msg);
        assert_null(a.data);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    const fv_bytes f = file_of(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", NULL, 24);
    fv_array a;
    assert_int_equal(fv_npy_parse(&a, f, NULL, NULL), FV_OK);
    assert_true(a.rank == 2 && a.dim[0] == 2 && a.dim[1] == 3);
    fv_array_free(&a, NULL);
    for (size_t n = 0; n < f.len; n++) {
        uint8_t *exact = malloc(n ? n : 1);
        fv_err err = { 0 };
        memcpy(exact, f.p, n);
        assert_int_equal(fv_npy_parse(&a, (fv_bytes){ .p = exact, .len = n }, NULL, &err), FV_FORMAT);
        assert_true(err.msg[0] && !a.data);
        free(exact);
    }
    free((void *)(uintptr_t)f.p);
}

static void test_what_is_written_reads_back_with_aligned_data(void **state)
{
    (void)state;
    char path[] = "/tmp/fovea-npy-XXXXXX";
    close(mkstemp(path));
    float values[6] = { 1, 2, 3, 4, 5, -0.0f };
    for (int rank = 0; rank <= 4; rank++) {
        const fv_array out = { .rank = rank, .dim = { rank > 1 ? 2 : rank ? 6 : 0, 3, 1, 1 }, .data = values };
        fv_array in;
        fv_bytes file;
        assert_int_equal(fv_npy_write(&out, path, NULL), FV_OK);
        assert_int_equal(fv_file_read(&file, path, 1000, NULL, NULL), FV_OK);
        assert_int_equal((file.len - (rank ? 24 : 4)) % 64, 0);
        free((void *)(uintptr_t)file.p);
        assert_int_equal(fv_npy_read(&in, path, NULL, NULL), FV_OK);
        assert_int_equal(in.rank, rank);
        assert_memory_equal(in.dim, out.dim, sizeof(int) * (size_t)rank);
        assert_memory_equal(in.data, values, rank ? 24 : 4);
        fv_array_free(&in, NULL);
    }
    unlink(path);
}

static void test_a_failure_names_the_file(void **state)
{
    (void)state;
    fv_array a;
    fv_err err = { 0 };
    assert_int_equal(fv_npy_read(&a, "/nonexistent/x.npy", NULL, &err), FV_NOINPUT);
    assert_string_equal(err.msg, "/nonexistent/x.npy: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_version_and_type_becomes_floats),
        cmocka_unit_test(test_headers_that_lie_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_what_is_written_reads_back_with_aligned_data),
        cmocka_unit_test(test_a_failure_names_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
