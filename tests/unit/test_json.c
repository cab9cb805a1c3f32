/* test_json.c -- the pull reader takes RFC 8259 and nothing else; what the writer writes reads back equal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/rng.h"
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The fault of a text that lies in a heap block of exactly its size; NULL: accepted. */
static const char *fault_of(const char *text, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, text, n);
    fv_json j = fv_json_of((fv_bytes){ .p = exact, .len = n });
    while (fv_json_next(&j) != FV_JSON_END) {
    }
    free(exact);
    return j.fault;
}

static void test_legal_texts_are_accepted(void **state)
{
    (void)state;
    static const char *const legal[] = { "0",
                                         "-0",
                                         "1.5e-3",
                                         "1E+5",
                                         "\"\"",
                                         "[]",
                                         "{}",
                                         " [ 1 , { \"a\" : null } ]\n",
                                         "\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                         "true",
                                         "\"\xf0\x9f\x98\x80\"" };
    for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
        if (fault_of(legal[i], strlen(legal[i]))) fail_msg("%s: %s", legal[i], fault_of(legal[i], strlen(legal[i])));
}

static void test_illegal_texts_are_refused(void **state)
{
    (void)state;
    static const char *const illegal[] = { "",
                                           " ",
                                           "01",
                                           "+1",
                                           ".5",
                                           "1.",
                                           "1e",
                                           "-",
                                           "0x1",
                                           "NaN",
                                           "tru",
                                           "nul",
                                           "[1,]",
                                           "[,1]",
                                           "{\"a\":1,}",
                                           "{a:1}",
                                           "{\"a\"}",
                                           "{\"a\" 1}",
                                           "{1:2}",
                                           "[1 2]",
                                           "[1}",
                                           "{]",
                                           "]",
                                           "1 2",
                                           "\"\\x\"",
                                           "\"\\u12g4\"",
                                           "\"\\ud800\"",
                                           "\"\\udc00\"",
                                           "\"\\ud800\\u0041\"",
                                           "\"\n\"",
                                           "\"\x80\"",
                                           "\"\xc0\x80\"",
                                           "\"\xe0\x80\x80\"",
                                           "\"\xed\xa0\x80\"",
                                           "\"\xf4\x90\x80\x80\"",
                                           "\"\xf5\x80\x80\x80\"" };
    for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++)
        if (!fault_of(illegal[i], strlen(illegal[i]))) fail_msg("accepted %s", illegal[i]);
    assert_non_null(fault_of("\"\\\0\"", 4));
}

static void test_every_truncation_is_refused(void **state)
{
    (void)state;
    const char text[] = "{\"a\\u00e9\":[1.5,true,{\"b\":\"\xc3\xa9\"}],\"c\":null}";
    for (size_t n = 0; n < sizeof text - 1; n++) assert_non_null(fault_of(text, n));
    assert_null(fault_of(text, sizeof text - 1));
}

static void test_depth_ends_at_32(void **state)
{
    (void)state;
    char text[66];
    memset(text, '[', 33);
    memset(text + 33, ']', 33);
    assert_null(fault_of(text + 1, 64));
    assert_string_equal(fault_of(text, 66), "nested deeper than 32");
}

static void test_strings_unescape_and_compare(void **state)
{
    (void)state;
    const char text[] = "[\"\\u0061\\ud83d\\ude00\\n\",\"\\u0000\"]";
    fv_json j = fv_json_of((fv_bytes){ (const uint8_t *)text, sizeof text - 1 });
    char out[8];
    fv_json_next(&j);
    fv_json_next(&j);
    assert_true(fv_json_text(&j, out, 7));
    assert_string_equal(out, "a\xf0\x9f\x98\x80\n");
    assert_false(fv_json_text(&j, out, 6));
    assert_true(fv_json_is(&j, "a\xf0\x9f\x98\x80\n"));
    assert_false(fv_json_is(&j, "a\xf0\x9f\x98\x80") || fv_json_is(&j, "a\xf0\x9f\x98\x80\nx"));
    fv_json_next(&j);
    assert_false(fv_json_text(&j, out, sizeof out) || fv_json_is(&j, ""));
}

static void test_integers_are_exact_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } row[] = { { "9223372036854775807", true, INT64_MAX },
                { "-9223372036854775808", true, INT64_MIN },
                { "9223372036854775808", false, 0 },
                { "-9223372036854775809", false, 0 },
                { "1.0", false, 0 },
                { "-0", true, 0 } };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        fv_json j = fv_json_of((fv_bytes){ (const uint8_t *)row[i].text, strlen(row[i].text) });
        int64_t v = 0;
        fv_json_next(&j);
        assert_true(fv_json_int(&j, &v) == row[i].ok && v == row[i].v);
    }
}

static void test_skip_passes_one_value(void **state)
{
    (void)state;
    const char text[] = "{\"a\":[1,{\"x\":[2]}],\"b\":3,\"c\":4}";
    fv_json j = fv_json_of((fv_bytes){ (const uint8_t *)text, sizeof text - 1 });
    fv_json_next(&j);
    fv_json_next(&j);
    fv_json_skip(&j);
    assert_true(fv_json_next(&j) == FV_JSON_KEY && fv_json_is(&j, "b"));
    fv_json_skip(&j);
    assert_true(fv_json_next(&j) == FV_JSON_KEY && fv_json_is(&j, "c"));
}

static void test_doubles_read_back_equal(void **state)
{
    (void)state;
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    for (int i = 0; i < 20000; i++) {
        const uint64_t high = fv_rng_u32(&r), bits = high << 32 | fv_rng_u32(&r);
        double v, back;
        memcpy(&v, &bits, sizeof v);
        if (i == 0) v = 0.1;
        if (i == 1) v = 5e-324;
        if (!isfinite(v)) continue;
        fv_writer w = { 0 };
        fv_json_put_double(&w, v);
        fv_json j = fv_json_of((fv_bytes){ w.p, w.len });
        assert_int_equal(fv_json_next(&j), FV_JSON_NUMBER);
        assert_true(fv_json_double(&j, &back) && back == v);
        if (i == 0) assert_int_equal(w.len, 3);
        fv_writer_free(&w);
    }
}

static void test_written_strings_are_safe_in_html(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_json_put_string(&w, "<&>\"\\\n\x01\xff\xc3\xa9");
    fv_write_u8(&w, 0);
    assert_string_equal((char *)w.p, "\"\\u003c\\u0026\\u003e\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\"");
    fv_writer_free(&w);
}

static void test_what_is_not_finite_becomes_null(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_json_put_double(&w, NAN);
    fv_json_put_double(&w, -INFINITY);
    assert_memory_equal(w.p, "nullnull", 8);
    fv_writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_legal_texts_are_accepted),
        cmocka_unit_test(test_illegal_texts_are_refused),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_depth_ends_at_32),
        cmocka_unit_test(test_strings_unescape_and_compare),
        cmocka_unit_test(test_integers_are_exact_or_none),
        cmocka_unit_test(test_skip_passes_one_value),
        cmocka_unit_test(test_doubles_read_back_equal),
        cmocka_unit_test(test_written_strings_are_safe_in_html),
        cmocka_unit_test(test_what_is_not_finite_becomes_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
