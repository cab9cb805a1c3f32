/* test_tar.c -- members of tar files: names and sizes in every spelling, what is damaged, cut or lies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/tar_maker.h"

#include "data/tar.h"

static fv_status read_at(void *user, uint64_t at, void *p, size_t n, fv_err *err)
{
    const fv_bytes *b = user;
    (void)err;
    assert_true(at <= b->len && n <= b->len - at);
    memcpy(p, b->p + at, n);
    return FV_OK;
}

static tar_maker made;
static fv_tar_member m;
static fv_bytes span;

static fv_tar open_made(size_t size)
{
    span = (fv_bytes){ made.p, size };
    return (fv_tar){ .read = read_at, .user = &span, .size = size };
}

static void next_is(fv_tar *t, const char *name, const char *text)
{
    bool more;
    fv_err err = { 0 };
    if (fv_tar_next(t, &m, &more, &err) != FV_OK) fail_msg("%s: %s", name, err.msg);
    assert_true(more && m.regular);
    assert_string_equal(m.name, name);
    assert_int_equal(m.size, strlen(text));
    assert_memory_equal(made.p + m.at, text, m.size);
}

static void ends(fv_tar *t)
{
    bool more;
    assert_int_equal(fv_tar_next(t, &m, &more, NULL), FV_OK);
    assert_false(more);
}

static void fails(fv_tar *t, const char *said)
{
    bool more;
    fv_err err = { 0 };
    assert_int_equal(fv_tar_next(t, &m, &more, &err), FV_FORMAT);
    if (!strstr(err.msg, said)) fail_msg("'%s' does not say '%s'", err.msg, said);
}

static void test_tar_reads_names_and_sizes_in_every_spelling(void **state)
{
    (void)state;
    char name[300], record[400];
    made.n = 0;
    tar_text(&made, "a/0.cls", "7");
    uint8_t *h = tar_header(&made, "file.txt", '0', 2);
    snprintf((char *)h + 345, 155, "some/prefix");
    tar_sum(h);
    tar_bytes(&made, "hi", 2);
    memset(name, 'n', 250), name[250] = 0;
    tar_header(&made, "././@LongLink", 'L', 251);
    tar_bytes(&made, name, 251);
    tar_text(&made, "cut", "gnu");
    snprintf(record, sizeof record, "19 mtime=123456789\n18 path=pax/n\303\244me\n9 size=3\n");
    tar_header(&made, "PaxHeaders/x", 'x', strlen(record));
    tar_bytes(&made, record, strlen(record));
    h = tar_header(&made, "short", '0', 0); /* the record's size counts */
    tar_bytes(&made, "pax", 3);
    h = tar_header(&made, "large", '0', 0); /* base-256, as of files beyond 8 GiB */
    memset(h + 124, 0, 12), h[124] = 0x80, h[135] = 4;
    tar_sum(h);
    tar_bytes(&made, "base", 4);
    tar_end(&made);
    fv_tar t = open_made(made.n);
    next_is(&t, "a/0.cls", "7");
    next_is(&t, "some/prefix/file.txt", "hi");
    next_is(&t, name, "gnu");
    next_is(&t, "pax/n\303\244me", "pax");
    next_is(&t, "large", "base");
    ends(&t);
    ends(&t);
}

static void test_tar_tells_what_has_no_bytes_of_its_own(void **state)
{
    (void)state;
    static const char types[] = "123456S";
    made.n = 0;
    for (const char *k = types; *k; k++) tar_header(&made, "thing", *k, 0);
    tar_header(&made, "PaxHeaders/x", 'x', 22);
    tar_bytes(&made, "22 GNU.sparse.major=1\n", 22);
    tar_text(&made, "holes", "map");
    tar_text(&made, "after", "x");
    fv_tar t = open_made(made.n);
    for (int i = 0; i < 8; i++) {
        bool more;
        assert_int_equal(fv_tar_next(&t, &m, &more, NULL), FV_OK);
        assert_true(more && !m.regular);
    }
    next_is(&t, "after", "x");
    ends(&t); /* without blocks of zeros */
}

static void test_tar_is_refused_where_it_lies(void **state)
{
    (void)state;
    made.n = 0;
    tar_text(&made, "a", "text");
    made.p[0] ^= 1;
    fv_tar t = open_made(made.n);
    fails(&t, "checksum is wrong at byte 0");
    made.n = 0;
    tar_header(&made, "long", '0', 1 << 20);
    t = open_made(made.n);
    fails(&t, "longer than the file is left");
    made.n = 0;
    uint8_t *h = tar_header(&made, "negative", '0', 0);
    memset(h + 124, 0xff, 12);
    tar_sum(h);
    t = open_made(made.n);
    fails(&t, "size");
    static const char *const records[] = { "9 path=\n",
                                           "99 path=a\n",
                                           "10 path=ab",
                                           "5 ab\n",
                                           "x path=a\n",
                                           "12 size=-10\n",
                                           "29 size=99999999999999999999\n" };
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        made.n = 0;
        tar_header(&made, "x", 'x', strlen(records[i]));
        tar_bytes(&made, records[i], strlen(records[i]));
        tar_text(&made, "a", "");
        t = open_made(made.n);
        fails(&t, "extended header");
    }
}

/* Cut at every byte: what comes out is a prefix of the members, then an end or a failure that says where. */
static void test_tar_cut_anywhere_gives_what_lies_before(void **state)
{
    (void)state;
    made.n = 0;
    tar_text(&made, "a", "1");
    tar_text(&made, "b", "22");
    tar_end(&made);
    for (size_t cut = 0; cut < made.n; cut++) {
        fv_tar t = open_made(cut);
        bool more = true;
        int members = 0;
        fv_status s = FV_OK;
        while ((s = fv_tar_next(&t, &m, &more, NULL)) == FV_OK && more) {
            assert_true(m.at + m.size <= cut);
            members++;
        }
        assert_int_equal(members, cut >= 1538 ? 2 : cut >= 513 ? 1 : 0);
        if (cut % 512 == 0 && (cut == 0 || cut >= 1024)) assert_int_equal(s, cut == 1536 ? FV_FORMAT : FV_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tar_reads_names_and_sizes_in_every_spelling),
        cmocka_unit_test(test_tar_tells_what_has_no_bytes_of_its_own),
        cmocka_unit_test(test_tar_is_refused_where_it_lies),
        cmocka_unit_test(test_tar_cut_anywhere_gives_what_lies_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
