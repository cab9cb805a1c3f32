/* test_checkpoint.c -- a checkpoint comes back as it was, or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/checkpoint.h"
#include "base/alloc.h"
#include "base/rng.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/fovea-checkpoint-XXXXXX";

static fv_bytes text(const char *s)
{
    return (fv_bytes){ (const uint8_t *)s, strlen(s) };
}

static const fv_epoch row = { .epoch = 1,
                              .step = 40,
                              .train_loss = 1.5,
                              .train_top1 = 45,
                              .eval_loss = 1.25,
                              .top1 = 50,
                              .top5 = 90,
                              .lr = 0.1,
                              .images_per_s = 1000,
                              .seconds = 7.5 };

static fv_checkpoint example(fv_writer *history)
{
    static const float weights[] = { 1, 2, 3, 4, 5 }, states[] = { -1, 0.5f };
    fv_checkpoint_put_epoch(history, &row);
    fv_checkpoint_put_epoch(history, &(fv_epoch){ .epoch = 2, .step = 80 });
    return (fv_checkpoint){ .model = text("resnet20"),
                            .keys = 0xdeadbeef,
                            .options = text("lr 0.1\nbatch 128\n"),
                            .step = 83,
                            .batches_tracked = 84,
                            .loss_n = 384,
                            .right = 123,
                            .loss_sum = 500.25,
                            .best_top1 = 61.5,
                            .history = { history->p, history->len },
                            .bad = text("\x01"),
                            .weights = { (const uint8_t *)weights, sizeof weights },
                            .states = { (const uint8_t *)states, sizeof states } };
}

/* Writes the example and reads the file; the caller releases. */
static fv_bytes written(void)
{
    char path[200];
    fv_writer history = { 0 };
    fv_checkpoint c = example(&history);
    fv_bytes file;
    fv_err err = { 0 };
    assert_true(fv_checkpoint_path(path, sizeof path, folder, c.step));
    if (fv_checkpoint_write(path, &c, NULL, &err) != FV_OK) fail_msg("%s", err.msg);
    assert_int_equal(fv_file_read(&file, path, 1 << 20, NULL, &err), FV_OK);
    unlink(path);
    fv_writer_free(&history);
    return file;
}

static bool same(fv_bytes a, fv_bytes b)
{
    return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

static void test_checkpoint_comes_back_as_written(void **state)
{
    (void)state;
    fv_bytes file = written();
    fv_writer history = { 0 };
    fv_checkpoint want = example(&history), c;
    fv_epoch e;
    assert_int_equal(fv_checkpoint_parse(&c, file, NULL), FV_OK);
    assert_true(same(c.model, want.model) && same(c.options, want.options) && same(c.history, want.history));
    assert_true(same(c.bad, want.bad) && same(c.weights, want.weights) && same(c.states, want.states));
    assert_true(c.keys == want.keys && c.step == want.step && c.batches_tracked == want.batches_tracked);
    assert_true(c.loss_n == want.loss_n && c.right == want.right && c.loss_sum == want.loss_sum &&
                c.best_top1 == want.best_top1);
    assert_true(fv_checkpoint_epoch(&c, 0, &e));
    assert_true(e.epoch == row.epoch && e.step == row.step && e.train_loss == row.train_loss && e.lr == row.lr);
    assert_true(e.eval_loss == row.eval_loss && e.top1 == row.top1 && e.top5 == row.top5);
    assert_true(e.images_per_s == row.images_per_s && e.train_top1 == row.train_top1 && e.seconds == row.seconds);
    assert_true(fv_checkpoint_epoch(&c, 1, &e) && e.epoch == 2);
    assert_false(fv_checkpoint_epoch(&c, 2, &e));
    fv_writer_free(&history);
    fv_release(NULL, (void *)file.p);
}

static void test_checkpoint_cut_anywhere_is_refused(void **state)
{
    (void)state;
    fv_bytes file = written();
    fv_checkpoint c;
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *cut = malloc(len + 1); /* its own block, so that a sanitizer sees a read past the end */
        memcpy(cut, file.p, len);
        fv_err err = { 0 };
        assert_int_equal(fv_checkpoint_parse(&c, (fv_bytes){ cut, len }, &err), FV_FORMAT);
        assert_true(err.msg[0]);
        free(cut);
    }
    fv_release(NULL, (void *)file.p);
}

static void test_checkpoint_with_a_byte_more_is_refused(void **state)
{
    (void)state;
    fv_bytes file = written();
    fv_checkpoint c;
    uint8_t *longer = calloc(1, file.len + 1);
    memcpy(longer, file.p, file.len);
    assert_int_equal(fv_checkpoint_parse(&c, (fv_bytes){ longer, file.len + 1 }, NULL), FV_FORMAT);
    free(longer);
    fv_release(NULL, (void *)file.p);
}

static void test_every_single_flipped_bit_is_found(void **state)
{
    (void)state;
    fv_bytes file = written();
    uint8_t *p = (uint8_t *)file.p;
    fv_checkpoint c;
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(fv_checkpoint_parse(&c, file, NULL), FV_OK);
        p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(fv_checkpoint_parse(&c, file, NULL), FV_OK);
    fv_release(NULL, p);
}

/* The frame is walked here anew: 16 bytes of head; tag, length, bytes, checksum of each section; an end of 16 bytes. */
static void test_flipped_byte_names_its_section(void **state)
{
    (void)state;
    fv_bytes file = written();
    uint8_t *p = (uint8_t *)file.p;
    int sections = 0;
    for (size_t at = 16; at < file.len - 16; sections++) {
        char tag[5] = { 0 };
        uint64_t len = 0;
        memcpy(tag, p + at, 4);
        for (int i = 7; i >= 0; i--) len = len << 8 | p[at + 4 + (size_t)i];
        const size_t end = at + 12 + (size_t)len + 4;
        for (size_t k = at; k < end; k++) {
            fv_checkpoint c;
            fv_err err = { 0 };
            p[k] ^= 0x5a;
            assert_int_equal(fv_checkpoint_parse(&c, file, &err), FV_FORMAT);
            if (!strstr(err.msg, tag)) fail_msg("byte %zu of section %s: %s", k - at, tag, err.msg);
            p[k] ^= 0x5a;
        }
        at = end;
    }
    assert_true(sections > 5);
    fv_release(NULL, p);
}

static void test_random_bit_flips_are_found(void **state)
{
    (void)state;
    fv_bytes file = written();
    uint8_t *p = (uint8_t *)file.p, *copy = malloc(file.len);
    fv_checkpoint c;
    fv_rng r = fv_rng_of(1, 0, 0, FV_RNG_TEST);
    memcpy(copy, p, file.len);
    for (int round = 0; round < 20000; round++) {
        const int flips = 1 + (int)fv_rng_below(&r, 64);
        for (int i = 0; i < flips; i++) {
            const uint32_t bit = fv_rng_below(&r, (uint32_t)(8 * file.len));
            p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        if (memcmp(p, copy, file.len) != 0) assert_int_not_equal(fv_checkpoint_parse(&c, file, NULL), FV_OK);
        memcpy(p, copy, file.len);
    }
    free(copy);
    fv_release(NULL, p);
}

static void test_later_version_is_named(void **state)
{
    (void)state;
    fv_bytes file = written();
    fv_checkpoint c;
    fv_err err = { 0 };
    ((uint8_t *)file.p)[8] = FV_CHECKPOINT_VERSION + 1;
    assert_int_equal(fv_checkpoint_parse(&c, file, &err), FV_UNSUP);
    assert_non_null(strstr(err.msg, "version 2"));
    fv_release(NULL, (void *)file.p);
}

static void touch(int64_t step)
{
    char path[200];
    assert_true(fv_checkpoint_path(path, sizeof path, folder, step));
    fclose(fopen(path, "w"));
}

static void test_folder_keeps_what_is_asked(void **state)
{
    (void)state;
    assert_int_equal(fv_checkpoint_newest(folder, INT64_MAX), -1);
    for (int64_t step = 9; step <= 12; step++) touch(step);
    assert_int_equal(fv_checkpoint_newest(folder, INT64_MAX), 12);
    assert_int_equal(fv_checkpoint_newest(folder, 12), 11);
    fv_checkpoint_keep(folder, 12, 10);
    assert_int_equal(fv_checkpoint_newest(folder, 12), 10);
    assert_int_equal(fv_checkpoint_newest(folder, 10), -1);
    fv_checkpoint_keep(folder, -1, -1);
    assert_int_equal(fv_checkpoint_newest(folder, INT64_MAX), -1);
}

static void test_unwritable_folder_leaves_nothing(void **state)
{
    (void)state;
    fv_writer history = { 0 };
    fv_checkpoint c = example(&history);
    fv_err err = { 0 };
    assert_int_equal(fv_checkpoint_write("/nonexistent/checkpoint-1.fvc", &c, NULL, &err), FV_CREATE);
    fv_writer_free(&history);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checkpoint_comes_back_as_written),
        cmocka_unit_test(test_checkpoint_cut_anywhere_is_refused),
        cmocka_unit_test(test_checkpoint_with_a_byte_more_is_refused),
        cmocka_unit_test(test_every_single_flipped_bit_is_found),
        cmocka_unit_test(test_flipped_byte_names_its_section),
        cmocka_unit_test(test_random_bit_flips_are_found),
        cmocka_unit_test(test_later_version_is_named),
        cmocka_unit_test(test_folder_keeps_what_is_asked),
        cmocka_unit_test(test_unwritable_folder_leaves_nothing),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, make_folder, remove_folder);
}
