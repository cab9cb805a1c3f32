/* test_safetensors.c -- what the reader of safetensors accepts and refuses, and that it stays fast.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

/* Reads `json` followed by `data` zeros from a heap block of exactly that size. */
static fv_status read_text(const char *json, size_t data, fv_stored_list *l, fv_arena *a, fv_err *err)
{
    const size_t n = strlen(json);
    uint8_t *p = calloc(8 + n + data, 1);
    for (int i = 0; i < 8; i++) p[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(p + 8, json, n);
    const fv_status s = fv_safetensors.read((fv_bytes){ .p = p, .len = 8 + n + data }, l, a, err);
    free(p);
    return s;
}

static void refused(const char *json, size_t data, const char *reason)
{
    fv_stored_list l;
    fv_arena a = { 0 };
    fv_err err = { 0 };
    const fv_status s = read_text(json, data, &l, &a, &err);
    if (s != FV_FORMAT || !strstr(err.msg, reason)) fail_msg("%s gave %d '%s', not '%s'", json, s, err.msg, reason);
    assert_int_equal(l.count, 0);
    fv_arena_free(&a);
}

static size_t accepted(const char *json, size_t data)
{
    fv_stored_list l;
    fv_arena a = { 0 };
    fv_err err = { 0 };
    if (read_text(json, data, &l, &a, &err) != FV_OK) fail_msg("%s was refused: %s", json, err.msg);
    fv_arena_free(&a);
    return l.count;
}

#define T(dtype, shape, begin, end)                                                                                    \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void test_legal_oddities_are_accepted(void **state)
{
    (void)state;
    assert_int_equal(accepted("{}", 0), 0);
    assert_int_equal(accepted("{\"a\":" T("F32", "[0,4]", 0, 0) "}", 0), 1);
    assert_int_equal(accepted("{\"a\":" T("I64", "[]", 0, 8) "}     ", 8), 1);
    assert_int_equal(
        accepted("{\"__metadata__\":{\"k\":\"v\"},\"b\":" T("U8", "[3]", 0, 3) ",\"a\":" T("F16", "[1]", 3, 5) "}", 5),
        2);
    assert_int_equal(
        accepted("{\"a\":" T("F32", "[0]", 4, 4) ",\"b\":" T("F32", "[1]", 0, 4) ",\"c\":" T("F32", "[1]", 4, 8) "}",
                 8),
        3);
}

static void test_spans_must_fill_the_data_exactly(void **state)
{
    (void)state;
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 0, 4) "}", 4, "overlaps");
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 8, 12) "}", 12, "hole");
    refused("{\"a\":" T("F32", "[1]", 4, 8) "}", 8, "hole");
    refused("{\"a\":" T("F32", "[1]", 4, 0) "}", 4, "begins after its end");
    refused("{\"a\":" T("F32", "[1]", 0, 4) "}", 5, "1 bytes after the last tensor");
    refused("{}", 1, "1 bytes after the last tensor");
    refused("{\"a\":" T("F32", "[2]", 0, 8) ",\"b\":" T("F32", "[1]", 8, 12) "}", 5, "file is 7 bytes short");
}

static void test_sizes_must_agree_without_overflow(void **state)
{
    (void)state;
    refused("{\"a\":" T("F32", "[2]", 0, 4) "}", 4, "64 bits");
    refused("{\"a\":" T("F4", "[1]", 0, 1) "}", 1, "4 bits");
    refused("{\"a\":" T("F32", "[4611686018427387904,4]", 0, 0) "}", 0, "overflows");
    refused("{\"a\":" T("F32", "[4611686018427387904,4,0]", 0, 0) "}", 0, "overflows");
    refused("{\"a\":" T("F32", "[99999999999999999999]", 0, 4) "}", 4, "whole number");
    refused("{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, "whole number");
    refused("{\"a\":" T("F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "more than 8");
}

static void test_names_and_fields_stand_once(void **state)
{
    (void)state;
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 4, 8) "}", 8, "two tensors are called 'a'");
    refused("{\"a\":" T("F32", "[1]", 0, 4) ",\"\\u0061\":" T("F32", "[1]", 4, 8) "}", 8, "two tensors");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice");
    refused("{\"__metadata__\":{\"k\":\"v\",\"k\":\"v\"}}", 0, "twice");
    refused("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "once each");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 0, "once each");
}

static void test_malformed_headers_are_refused(void **state)
{
    (void)state;
    refused("", 0, "'{'");
    refused(" {}", 0, "'{'");
    refused("{\"a\":1}", 0, "not an object");
    refused("{\"__metadata__\":{\"k\":1}}", 0, "not a string");
    refused("{\"a\":" T("F33", "[1]", 0, 4) "}", 4, "unknown dtype 'F33'");
    refused("{\"\xff\":1}", 0, "UTF-8");
    refused("{\"a\":[]}", 0, "not an object");
    refused("{\"a\":{\"b\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "deeper");
    refused("{}x", 0, "after the end");
    refused("{\"a\\u0000\":" T("F32", "[1]", 0, 4) "}", 4, "U+0000");
}

static void test_a_header_past_the_cap_is_refused_before_anything_is_read(void **state)
{
    (void)state;
    const uint8_t huge[9] = { 1, 0xe1, 0xf5, 5, 0, 0, 0, 0, '{' },
                  most[9] = { 255, 255, 255, 255, 255, 255, 255, 255, '{' };
    fv_stored_list l;
    fv_arena a = { 0 };
    assert_int_equal(fv_safetensors.read((fv_bytes){ huge, 9 }, &l, &a, NULL), FV_FORMAT);
    assert_int_equal(fv_safetensors.read((fv_bytes){ most, 9 }, &l, &a, NULL), FV_FORMAT);
    assert_int_equal(a.total, 0);
}

/* 100,000 tensors, all over one span or one behind the other; 1 s is the promise, and a quadratic pass takes minutes. */
static void test_100000_tensors_take_less_than_a_second(void **state)
{
    (void)state;
    for (int overlap = 0; overlap < 2; overlap++) {
        fv_writer w = { 0 };
        fv_stored_list l;
        fv_arena a = { 0 };
        fv_write_printf(&w, "{");
        for (int i = 0; i < 100000; i++)
            fv_write_printf(&w, "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", i ? "," : "", i,
                            overlap ? 0 : 99999 - i, overlap ? 1 : 100000 - i);
        fv_write_printf(&w, "}");
        fv_write_u8(&w, 0);
        const clock_t t = clock();
        assert_int_equal(read_text((char *)w.p, overlap ? 1 : 100000, &l, &a, NULL), overlap ? FV_FORMAT : FV_OK);
        assert_true(clock() - t < CLOCKS_PER_SEC);
        fv_arena_free(&a);
        fv_writer_free(&w);
    }
}

/* A megabyte of header that repeats `item` (with a number in it), refused or not: the list never takes more than twice the
 * file's size, and a chunk of the arena. */
static void test_memory_stays_below_twice_the_files_size(void **state)
{
    enum { CHUNK = 1 << 20 };
    static const struct {
        const char *begin, *item, *end;
    } rows[] = {
        { "{", "\"%06d\":0", "}" },
        { "{", "\"%06d\":{}", "}" },
        { "{", "\"%06d\":{\"dtype\":0,\"shape\":0}", "}" },
        { "{", "\"%06d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}" },
        { "{\"__metadata__\":{", "\"%06d\":\"\"", "}}" },
        { "{\"__metadata__\":{", "\"%06d\":[]", "}}" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fv_writer w = { 0 };
        fv_stored_list l;
        fv_arena a = { 0 };
        fv_write_printf(&w, "%s", rows[i].begin);
        for (int k = 0; w.len < 1 << 20; k++) {
            char text[100];
            snprintf(text, sizeof text, rows[i].item, k);
            fv_write_printf(&w, "%s%s", k ? "," : "", text);
        }
        fv_write_printf(&w, "%s", rows[i].end);
        fv_write_u8(&w, 0);
        const clock_t t = clock();
        (void)read_text((char *)w.p, 0, &l, &a, NULL);
        assert_true(clock() - t < CLOCKS_PER_SEC);
        if (a.total > 2 * w.len + CHUNK) fail_msg("row %zu: %zu bytes for a file of %zu", i, a.total, w.len);
        fv_arena_free(&a);
        fv_writer_free(&w);
    }
}

static void test_floats_of_every_width_convert_exactly(void **state)
{
    (void)state;
    const uint8_t half[] = { 0, 0x3c, 0, 0xc0, 1, 0, 0, 0x7c, 0, 0x80 }, bf[] = { 0x80, 0x3f, 0x40, 0xc0 };
    float out[5];
    fv_dtype_floats(FV_DTYPE_F16, (fv_bytes){ half, 10 }, out);
    assert_true(out[0] == 1 && out[1] == -2 && out[2] == 0x1p-24f && out[3] == __builtin_inff());
    assert_true(out[4] == 0 && __builtin_signbit(out[4]));
    fv_dtype_floats(FV_DTYPE_BF16, (fv_bytes){ bf, 4 }, out);
    assert_true(out[0] == 1 && out[1] == -3);
    const double d = 0.1;
    fv_dtype_floats(FV_DTYPE_F64, (fv_bytes){ (const uint8_t *)&d, 8 }, out);
    assert_true(out[0] == 0.1f);
    assert_true(fv_dtype_floating(FV_DTYPE_BF16));
    assert_false(fv_dtype_floating(FV_DTYPE_I64) || fv_dtype_floating(FV_DTYPE_I32) ||
                 fv_dtype_floating(FV_DTYPE_F8_E4M3));
}

static void test_the_data_begins_at_a_multiple_of_8_wide_types_first(void **state)
{
    (void)state;
    fv_stored t[] = {
        { .name = "a", .dtype = FV_DTYPE_F32, .rank = 1, .dim = { 1 }, .data = { (const uint8_t *)"aaaa", 4 } },
        { .name = "b", .dtype = FV_DTYPE_I64, .data = { (const uint8_t *)"bbbbbbbb", 8 } }
    };
    fv_stored_list l = { .tensor = t, .count = 2 };
    fv_writer w = { 0 };
    fv_safetensors_head(&w, &l);
    assert_int_equal(w.len % 8, 0);
    assert_string_equal(l.tensor[0].name, "b");
    assert_int_equal(w.p[0] + 256 * w.p[1], w.len - 8);
    fv_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legal_oddities_are_accepted),
        cmocka_unit_test(test_spans_must_fill_the_data_exactly),
        cmocka_unit_test(test_sizes_must_agree_without_overflow),
        cmocka_unit_test(test_names_and_fields_stand_once),
        cmocka_unit_test(test_malformed_headers_are_refused),
        cmocka_unit_test(test_a_header_past_the_cap_is_refused_before_anything_is_read),
        cmocka_unit_test(test_100000_tensors_take_less_than_a_second),
        cmocka_unit_test(test_memory_stays_below_twice_the_files_size),
        cmocka_unit_test(test_floats_of_every_width_convert_exactly),
        cmocka_unit_test(test_the_data_begins_at_a_multiple_of_8_wide_types_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
