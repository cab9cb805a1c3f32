/* test_shards.c -- tar shards and lists as data sets: samples, labels, splits, and what is wrong with them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/gzip_maker.h"
#include "unit/tar_maker.h"

#include "data/csv.h"
#include "data/sources.h"
#include "heap.h"

static const char grey[] = "P5 1 1 255\n\7";
enum { GREY = sizeof grey - 1 };
static tar_maker t;

static void picture(const char *key)
{
    char name[100];
    snprintf(name, sizeof name, "%s.pgm", key);
    tar_add(&t, name, grey, GREY);
}

static void pair(const char *key, const char *extension, const char *label)
{
    char name[100];
    picture(key);
    snprintf(name, sizeof name, "%s.%s", key, extension);
    tar_text(&t, name, label);
}

static void save(const char *dir, const char *name)
{
    tar_end(&t);
    scratch_write(dir, name, t.p, t.n);
    t.n = 0;
}

static fv_status open_at(fv_data **d, const char *dir, const char *inner, const fv_data_opts *o, fv_err *err)
{
    char path[1000];
    snprintf(path, sizeof path, "%s%s", dir, inner);
    *err = (fv_err){ 0 };
    return fv_data_open(d, path, o, NULL, err);
}

/* The labels of all samples, as text; '!' for one that cannot be read. */
static const char *labels(const fv_data *d)
{
    static char out[200];
    int n = 0;
    for (int64_t i = 0; i < d->count && n < 190; i++) {
        fv_image im;
        int label;
        if (d->source->get(d, i, 1, FV_EXIF_APPLY, &im, &label, NULL) == FV_OK) {
            assert_int_equal(im.px[0], 7);
            out[n++] = (char)('0' + label);
            fv_image_free(&im);
        } else {
            assert_null(im.px);
            out[n++] = '!';
        }
    }
    out[n] = 0;
    return out;
}

static void holds(const char *dir, const char *inner, const fv_data_opts *o, const char *want)
{
    fv_data *d;
    fv_err err;
    if (open_at(&d, dir, inner, o, &err) != FV_OK) fail_msg("%s: %s", inner, err.msg);
    assert_string_equal(labels(d), want);
    fv_data_free(d);
}

static void refused(const char *dir, const char *inner, const fv_data_opts *o, fv_status want, const char *said)
{
    fv_data *d;
    fv_err err;
    assert_int_equal(open_at(&d, dir, inner, o, &err), want);
    assert_null(d);
    if (!strstr(err.msg, said)) fail_msg("'%s' does not say '%s'", err.msg, said);
}

#define ALL                                                                                                            \
    &(fv_data_opts)                                                                                                    \
    {                                                                                                                  \
        .split = "all"                                                                                                 \
    }
#define VAL                                                                                                            \
    &(fv_data_opts)                                                                                                    \
    {                                                                                                                  \
        .split = "val"                                                                                                 \
    }
#define TEST                                                                                                           \
    &(fv_data_opts)                                                                                                    \
    {                                                                                                                  \
        .split = "test"                                                                                                \
    }

static void test_shards_give_samples_by_their_keys(void **state)
{
    const char *dir = scratch_dir(state);
    t.n = 0;
    tar_text(&t, "__worker__/a.cls", "9");
    pair("a/0", "cls", "2\n");
    pair("a/1", "JSON", "{\"caption\": {\"label\": 8}, \"label\": 0}");
    pair("b/1", "txt", "1");
    tar_text(&t, "c.0.json", "3"); /* key c: another sample */
    tar_text(&t, "d.seg.png", "a mask");
    tar_text(&t, "d.cls", "1");
    tar_add(&t, "d.PGM", grey, GREY);
    tar_header(&t, "e.pgm", '2', 0); /* a link */
    save(dir, "set.tar");
    holds(dir, "/set.tar", ALL, "2011");
    fv_data *d;
    fv_err err;
    assert_int_equal(open_at(&d, dir, "/set.tar", ALL, &err), FV_OK);
    assert_int_equal(d->classes, 3);
    assert_null(d->class_names);
    assert_non_null(strstr(d->source->file(d, 3), "set.tar: d.pgm"));
    fv_data_free(d);
}

static void test_shards_tell_what_is_wrong_with_a_sample(void **state)
{
    const char *dir = scratch_dir(state);
    t.n = 0;
    pair("0", "cls", "0");
    picture("1");                    /* no label */
    tar_text(&t, "2.cls", "1");      /* no picture */
    pair("3", "json", "{\"a\": 1}"); /* no label in it */
    picture("4");
    pair("4", "cls", "1"); /* twice */
    tar_add(&t, "5.pgm", "", 0);
    tar_text(&t, "5.cls", "1");
    pair("6", "cls", "1");
    save(dir, "bad.tar");
    holds(dir, "/bad.tar", ALL, "0!!!!!1");
}

static void test_cut_shard_gives_what_lies_before_the_cut(void **state)
{
    const char *dir = scratch_dir(state);
    t.n = 0;
    pair("0", "cls", "0");
    pair("1", "cls", "1");
    scratch_write(dir, "cut.tar", t.p, t.n - 512 - 200); /* in the last header */
    holds(dir, "/cut.tar", ALL, "0!!");
    fv_data *d;
    fv_err err = { 0 };
    fv_image im;
    int label;
    assert_int_equal(open_at(&d, dir, "/cut.tar", ALL, &err), FV_OK);
    assert_int_equal(d->source->get(d, 2, 1, FV_EXIF_APPLY, &im, &label, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "cut at byte"));
    fv_data_free(d);
    scratch_write(dir, "no.tar", "not a tar", 9);
    refused(dir, "/no.tar", ALL, FV_FORMAT, "no.tar: cut at byte 0");
    scratch_write(dir, "none.tar", t.p, 0);
    refused(dir, "/none.tar", ALL, FV_FORMAT, "no picture");
    scratch_write(dir, "a.tar.zst", "\x28\xb5\x2f\xfd", 4);
    refused(dir, "/a.tar.zst", ALL, FV_UNSUP, "only those of gzip");
}

#ifdef FOVEA_HAVE_ZLIB
static uint8_t packed[sizeof t.p + 1000];

static size_t save_gzip(const char *dir, const char *name)
{
    tar_end(&t);
    const size_t n = gzip(packed, sizeof packed, t.p, t.n);
    scratch_write(dir, name, packed, n);
    t.n = 0;
    return n;
}

static void four_samples(void)
{
    t.n = 0;
    pair("a/0", "cls", "2\n");
    pair("a/1", "json", "{\"label\": 0}");
    pair("b/1", "txt", "1");
    pair("c", "cls", "1");
}

/* By their first bytes, whatever they are called; a label a long way before the end of its sample. */
static void test_gzip_shards_are_as_plain_ones(void **state)
{
    const char *dir = scratch_dir(state);
    four_samples();
    save_gzip(dir, "set.tar.gz");
    holds(dir, "/set.tar.gz", ALL, "2011");
    four_samples();
    scratch_write(dir, "misnamed.tar", packed,
                  gzip(packed, sizeof packed, t.p, t.n)); /* and without zeros at its end */
    holds(dir, "/misnamed.tar", ALL, "2011");
    scratch_write(dir, "plain.tgz", t.p, t.n);
    holds(dir, "/plain.tgz", ALL, "2011");
    size_t n = gzip(packed, sizeof packed, t.p, 700); /* two streams, parted in a member's middle */
    n += gzip(packed + n, sizeof packed - n, t.p + 700, t.n - 700);
    scratch_write(dir, "two.tgz", packed, n);
    holds(dir, "/two.tgz", ALL, "2011");

    const size_t large = (size_t)3 << 20, end = t.n;
    uint8_t *all = calloc(1, end + large + 1536), *out = malloc(1 << 20);
    assert_true(all && out);
    memcpy(all, t.p, end);
    t.n = 0;
    tar_header(&t, "c.other", '0', large); /* of the last sample */
    memcpy(all + end, t.p, 512);
    scratch_write(dir, "large.tgz", out, gzip(out, 1 << 20, all, end + large + 1536));
    free(all), free(out);
    holds(dir, "/large.tgz", ALL, "2011");
}

static void test_gzip_shards_are_found_by_split(void **state)
{
    const char *dir = scratch_dir(state);
    for (int i = 0; i < 3; i++) {
        char name[40], label[2] = { (char)('0' + i) };
        snprintf(name, sizeof name, "s/train-%03d.tar.gz", i);
        t.n = 0;
        pair("x", "cls", label);
        save_gzip(dir, name);
    }
    pair("x", "cls", "2");
    save_gzip(dir, "s/val.tgz");
    holds(dir, "/s", NULL, "012");
    holds(dir, "/s", VAL, "2");
    holds(dir, "/s/train-{001..002}.tar.gz", NULL, "12");
    pair("x", "cls", "1");
    save(dir, "s/train-001.tar"); /* as gunzip --keep leaves it: once is enough */
    pair("x", "cls", "1");
    save(dir, "s/val.tar");
    holds(dir, "/s", NULL, "012");
    holds(dir, "/s", VAL, "1");
}

static void test_gzip_shards_that_are_damaged_give_nothing(void **state)
{
    const char *dir = scratch_dir(state);
    fv_data *d;
    fv_err err;
    fv_image im;
    int label;
    four_samples();
    const size_t n = save_gzip(dir, "crc.tar.gz");
    packed[n - 8] ^= 1;
    scratch_write(dir, "crc.tar.gz", packed, n);
    refused(dir, "/crc.tar.gz", ALL, FV_FORMAT, "crc.tar.gz: damaged gzip data, found at byte");
    packed[n - 8] ^= 1;
    memcpy(packed + n, "more", 4);
    scratch_write(dir, "tail.tar.gz", packed, n + 4);
    holds(dir, "/tail.tar.gz", ALL, "2011!");
    scratch_write(dir, "cut.tar.gz", packed, n - 1);
    holds(dir, "/cut.tar.gz", ALL, "2011!");
    assert_int_equal(open_at(&d, dir, "/cut.tar.gz", ALL, &err), FV_OK);
    assert_int_equal(d->source->get(d, 4, 1, FV_EXIF_APPLY, &im, &label, &err), FV_FORMAT);
    assert_non_null(strstr(err.msg, "cut.tar.gz: the shard is cut: its gzip data end early"));
    fv_data_free(d);
    scratch_write(dir, "short.tar.gz", packed, 12);
    refused(dir, "/short.tar.gz", ALL, FV_FORMAT, "short.tar.gz: cut: its gzip data end early, after 0");
    scratch_write(dir, "none.tar.gz", packed, gzip(packed, sizeof packed, "", 0));
    refused(dir, "/none.tar.gz", ALL, FV_FORMAT, "no picture");

    four_samples();
    t.p[2048] ^= 1; /* the second sample's header; and where the checksum of all is wrong too, that is the reason */
    const size_t m = save_gzip(dir, "tar.tar.gz");
    holds(dir, "/tar.tar.gz", ALL, "2!");
    packed[m - 8] ^= 1;
    scratch_write(dir, "both.tar.gz", packed, m);
    refused(dir, "/both.tar.gz", ALL, FV_FORMAT, "incorrect data check");
}

static void test_gzip_shards_survive_every_failed_allocation(void **state)
{
    const char *dir = scratch_dir(state);
    char path[1000];
    snprintf(path, sizeof path, "%s/set.tar.gz", dir);
    four_samples();
    save_gzip(dir, "set.tar.gz");
    for (int n = 0;; n++) {
        test_heap heap;
        fv_data *d;
        fv_err err = { 0 };
        fv_image im;
        int label;
        fv_status s = fv_data_open(&d, path, ALL, &(fv_env){ .heap = test_heap_init(&heap, n) }, &err);
        if (s == FV_OK) {
            s = d->source->get(d, 3, 1, FV_EXIF_APPLY, &im, &label, &err);
            if (s == FV_OK) fv_image_free(&im);
        }
        fv_data_free(d);
        assert_int_equal(heap.live, 0);
        if (s == FV_OK) break;
        assert_int_equal(s, FV_NOMEM);
        assert_true(n < 200 && err.msg[0]);
    }
}
#else
static void test_gzip_shards_are_refused_by_name(void **state)
{
    const char *dir = scratch_dir(state);
    scratch_write(dir, "a.tar.gz", "\x1f\x8b\x08", 3);
    refused(dir, "/a.tar.gz", ALL, FV_UNSUP, "a.tar.gz: gzip is not read: this build is without zlib");
    puts("SKIPPED gzip shards: this build is without zlib");
}
#endif

static void test_shards_that_change_while_open_are_told(void **state)
{
    const char *dir = scratch_dir(state);
    fv_data *d;
    fv_err err;
    t.n = 0;
    pair("0", "cls", "0");
    save(dir, "live.tar");
    assert_int_equal(open_at(&d, dir, "/live.tar", ALL, &err), FV_OK);
    scratch_write(dir, "live.tar", "gone", 4);
    assert_string_equal(labels(d), "!");
    fv_data_free(d);
}

static void test_split_files_are_found_by_name_and_pattern(void **state)
{
    const char *dir = scratch_dir(state);
    char key[8];
    t.n = 0;
    for (int i = 0; i < 12; i++) {
        char name[40];
        snprintf(key, sizeof key, "%d", i % 3);
        snprintf(name, sizeof name, "s/train-%03d.tar", i);
        pair("x", "cls", key);
        save(dir, name);
    }
    pair("x", "cls", "cat"), save(dir, "s/validation.tar");
    holds(dir, "/s", NULL, "012012012012");
    holds(dir, "/s/train-{000..004}.tar", NULL, "01201");
    holds(dir, "/s/train-{000,011}.tar", NULL, "02");
    holds(dir, "/s/train-0{1,0}{0..1}.tar", ALL, "1201");
    refused(dir, "/s/train-{000..099}.tar", NULL, FV_NOINPUT, "train-012.tar");
    refused(dir, "/s/train-{000.tar", NULL, FV_ARG, "braces");
    refused(dir, "/s", TEST, FV_NOINPUT, "'test'");
    const char *const names[] = { "dog", "cat" };
    holds(dir, "/s", &(fv_data_opts){ .split = "val", .class_names = names, .classes = 2 }, "1");
    holds(dir, "/s/train-{000..001}.tar", &(fv_data_opts){ .split = "val", .class_names = names, .classes = 2 }, "1");
    holds(dir, "/s/validation.tar", VAL, "0");
    refused(dir, "/s", &(fv_data_opts){ .split = "val", .class_names = names, .classes = 1 }, FV_FORMAT, "'cat'");
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "%d", i);
        pair(key, "cls", "0");
    }
    save(dir, "one/train.tar");
    holds(dir, "/one", NULL, "00000000"); /* nothing for validation there: a fifth of it is */
    holds(dir, "/one", VAL, "00");
    holds(dir, "/one/train.tar", VAL, "00");
}

static void test_lists_read_paths_beside_them_and_labels(void **state)
{
    const char *dir = scratch_dir(state);
    scratch_write(dir, "l/p/a b.pgm", grey, GREY);
    scratch_write(dir, "l/p/c,d.pgm", grey, GREY);
    static const struct {
        const char *file, *text, *want;
    } good[] = {
        { "plain.csv", "p/a b.pgm,1\n\"p/c,d.pgm\",0\n", "10" },
        { "crlf.csv", "\xef\xbb\xbfp/a b.pgm,1\r\n\r\n\"p/c,d.pgm\",0", "10" },
        { "header.csv", "Label,extra,Path\ndog,x,p/a b.pgm\ncat,\"y\"\"z\",\"p/c,d.pgm\"\ncat,,p/none.pgm\n", "10!" },
        { "semicolon.csv", "filename;class\np/a b.pgm;b\np/a b.pgm;a\n", "10" },
        { "tabs.tsv", "p/c,d.pgm\t0\np/a b.pgm\t1\n", "01" },
        { "blanks.txt", "p/a b.pgm 1\np/c,d.pgm\t0\n", "10" },
        { "caffe.lst", "p/a b.pgm   2\n", "2" },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char name[60], path[60];
        snprintf(name, sizeof name, "l/%s", good[i].file);
        snprintf(path, sizeof path, "/l/%s", good[i].file);
        scratch_write(dir, name, good[i].text, strlen(good[i].text));
        holds(dir, path, ALL, good[i].want);
    }
    static const char split[] = "path,label,split\np/a b.pgm,cat,train\np/a b.pgm,dog,valid\np/a b.pgm,dog,train\n";
    scratch_write(dir, "l/split.csv", split, sizeof split - 1);
    holds(dir, "/l/split.csv", NULL, "01");
    const char *const names[] = { "cat", "dog" };
    holds(dir, "/l/split.csv", &(fv_data_opts){ .split = "val", .class_names = names, .classes = 2 }, "1");
    refused(dir, "/l/split.csv", TEST, FV_NOINPUT, "test");
}

static void test_senseless_lists_are_refused_by_line(void **state)
{
    const char *dir = scratch_dir(state);
    static const struct {
        const char *text, *said;
    } bad[] = {
        { "a.pgm,1\nb.pgm\n", "line 2: 1 column where" },
        { "a.pgm,1\n\"b.pgm,2\n", "line 2: a quote is not closed" },
        { "a.pgm,\n", "line 1: the label" },
        { ",1\n", "line 1: no path" },
        { "a.pgm,a\tb\n", "control characters" },
        { "\n \n", "no pictures" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        scratch_write(dir, "bad.csv", bad[i].text, strlen(bad[i].text));
        refused(dir, "/bad.csv", ALL, FV_FORMAT, bad[i].said);
    }
    scratch_write(dir, "bad.csv", "a\0.pgm,1\n", 9);
    refused(dir, "/bad.csv", ALL, FV_FORMAT, "byte of 0");
    /* Cut anywhere: never a crash, and never more rows than there are. */
    static const char whole[] = "path,label\n\"a,b.pgm\",\"x\"\"y\"\nc.pgm,z\n";
    for (size_t n = 0; n < sizeof whole; n++) {
        char buf[sizeof whole + FV_CSV_COLUMNS];
        fv_csv c = { .text = { (const uint8_t *)whole, n }, .separator = ',', .buf = buf };
        int rows = 0;
        for (bool more = true; fv_csv_next(&c, &more, NULL) == FV_OK && more;) rows++;
        assert_in_range(rows, 0, 3);
    }
}

#define WITH_FOLDER(f) cmocka_unit_test_setup_teardown(f, scratch_make, scratch_drop)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_shards_give_samples_by_their_keys),
        WITH_FOLDER(test_shards_tell_what_is_wrong_with_a_sample),
        WITH_FOLDER(test_cut_shard_gives_what_lies_before_the_cut),
#ifdef FOVEA_HAVE_ZLIB
        WITH_FOLDER(test_gzip_shards_are_as_plain_ones),
        WITH_FOLDER(test_gzip_shards_are_found_by_split),
        WITH_FOLDER(test_gzip_shards_that_are_damaged_give_nothing),
        WITH_FOLDER(test_gzip_shards_survive_every_failed_allocation),
#else
        WITH_FOLDER(test_gzip_shards_are_refused_by_name),
#endif
        WITH_FOLDER(test_shards_that_change_while_open_are_told),
        WITH_FOLDER(test_split_files_are_found_by_name_and_pattern),
        WITH_FOLDER(test_lists_read_paths_beside_them_and_labels),
        WITH_FOLDER(test_senseless_lists_are_refused_by_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
