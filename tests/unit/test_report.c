/* test_report.c -- which pictures a report keeps, within bounds, and that its page holds what it was given.
 * SPDX-License-Identifier: Apache-2.0 */
#include "unit/scratch.h"

#include "base/alloc.h"
#include "eval/report.h"
#include "image/pixels.h"
#include <math.h>

static const fv_prep one_pixel = { .h = 1, .w = 1, .channels = 3, .std = { 1, 1, 1 } };

/* Adds an answer of probability p to a picture whose red says which it was. */
static void add(fv_gallery *g, int label, int predicted, double p, int64_t sample)
{
    const float x[3] = { (float)(sample % 256) / 255.0f, 0, 1 };
    const fv_answer a = {
        .label = label, .predicted = predicted, .rank = label != predicted, .p = p, .p_label = 1 - p
    };
    assert_int_equal(fv_gallery_add(g, &a, sample, x, NULL), FV_OK);
}

static void test_surest_mistakes_are_kept_in_order(void **state)
{
    (void)state;
    fv_gallery *g = calloc(1, sizeof *g);
    g->prep = one_pixel;
    g->classes = 10;
    for (int i = 0; i < 100; i++) add(g, 3, 5, 0.5 + (i * 37 % 100) / 250.0, i); /* every hundredth once, mixed up */
    for (int i = 0; i < 50; i++) add(g, 4, 4, 0.99, 200 + i);                    /* right ones are no mistakes */
    assert_int_equal(g->nworst, FV_WORST);
    for (int i = 0; i < FV_WORST; i++) {
        const fv_shot *s = &g->worst[i];
        assert_true(s->p == 0.5 + (99 - i) / 250.0 && s->label == 3 && s->predicted == 5);
        assert_true(s->sample * 37 % 100 == 99 - i);
        assert_true(s->im.h == 1 && s->im.w == 1 && s->im.px[0] == s->sample && s->im.px[2] == 255);
    }
    fv_gallery_clear(g);
    free(g);
}

static void test_cells_keep_the_telling_ones(void **state)
{
    (void)state;
    fv_gallery *g = calloc(1, sizeof *g);
    g->prep = one_pixel;
    g->classes = 3;
    for (int i = 0; i < 20; i++) add(g, 1, 1, 0.4 + i / 100.0, i), add(g, 1, 2, 0.4 + i / 100.0, 100 + i);
    const fv_shots *right = fv_gallery_cell(g, 1, 1), *wrong = fv_gallery_cell(g, 1, 2);
    assert_true(right && right->n == FV_CELL_SHOTS && right->seen == 20);
    assert_true(right->shot[0].sample == 0 && right->shot[5].sample == 5); /* least sure first */
    assert_true(wrong->shot[0].sample == 119 && wrong->shot[5].sample == 114);
    assert_null(fv_gallery_cell(g, 2, 1));
    fv_gallery_clear(g);
    free(g);
}

/* 1000 classes: 300 cells met once each, in between one that is met again and again. It stays; the others take turns. */
static void test_frequent_cells_outlast_rare_ones(void **state)
{
    (void)state;
    fv_gallery *g = calloc(1, sizeof *g);
    g->prep = one_pixel;
    g->classes = 1000;
    for (int i = 0; i < 300; i++) {
        add(g, i, i + 1, 0.7, i);
        add(g, 7, 990, 0.8, 1000 + i);
        add(g, i, i, 0.9, i); /* right answers have no cells here */
    }
    assert_int_equal(g->ncells, FV_CELLS);
    const fv_shots *often = fv_gallery_cell(g, 7, 990);
    assert_true(often && often->seen == 300 && often->n == FV_CELL_SHOTS);
    assert_non_null(fv_gallery_cell(g, 299, 300));
    assert_null(fv_gallery_cell(g, 299, 299));
    fv_gallery_clear(g);
    free(g);
}

static void test_large_pictures_become_small_ones(void **state)
{
    (void)state;
    fv_gallery *g = calloc(1, sizeof *g);
    float *x = calloc(200 * 100, sizeof *x);
    for (int i = 0; i < 200 * 100; i++) x[i] = 0.25f;
    g->prep = (fv_prep){ .h = 100, .w = 200, .channels = 1, .mean = { 0.5f }, .std = { 0.5f } };
    g->classes = 2;
    const fv_answer a = { .label = 0, .predicted = 1, .p = 0.6 };
    assert_int_equal(fv_gallery_add(g, &a, 0, x, NULL), FV_OK);
    const fv_image *im = &g->worst[0].im;
    assert_true(im->w == FV_SHOT_SIDE && im->h == FV_SHOT_SIDE / 2 && im->c == 1);
    assert_int_equal(im->px[0], 159); /* 255 * (0.25 * 0.5 + 0.5) = 159.4 */
    fv_gallery_clear(g);
    free(g), free(x);
}

/* Every byte comes back, in either order of colours. */
static void test_restored_pictures_are_what_they_were(void **state)
{
    (void)state;
    uint8_t px[256 * 3], back[256 * 3];
    float x[256 * 3];
    for (int i = 0; i < 256 * 3; i++) px[i] = (uint8_t)(i * 7 + i / 256);
    fv_prep p = {
        .h = 16, .w = 16, .channels = 3, .mean = { 0.485f, 0.456f, 0.406f }, .std = { 0.229f, 0.224f, 0.225f }
    };
    const fv_image im = { .h = 16, .w = 16, .c = 3, .px = px };
    fv_image out = { .h = 16, .w = 16, .c = 3, .px = back };
    for (int order = FV_RGB; order <= FV_BGR; order++) {
        p.order = (fv_order)order;
        memset(back, 0, sizeof back);
        fv_image_normalise(x, &im, &p);
        fv_image_restore(&out, x, &p);
        assert_memory_equal(px, back, sizeof px);
    }
}

/* ---- the page ---- */

static const char *file_of(const fv_data *d, int64_t i)
{
    (void)d, (void)i;
    return "folder/<b>.png";
}

static int occurrences(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word)) n++;
    return n;
}

static void test_page_holds_what_it_was_given(void **state)
{
    static const char *const names[] = { "ant", "b<e>e", "cat" };
    static const fv_source source = { .name = "fake", .file = file_of };
    char path[600];
    int64_t confusion[9] = { 4, 1, 0, 2, 3, 0, 0, 0, 5 };
    const fv_epoch epochs[2] = { { .epoch = 1, .top1 = 60, .eval_loss = 1 },
                                 { .epoch = 2, .top1 = 80, .eval_loss = 0.5 } };
    fv_metrics m = { .n = 15, .correct = 12, .top1 = 80, .classes = 3, .confusion = confusion };
    const fv_data d = { .source = &source, .count = 15, .classes = 3, .class_names = names };
    const char *settings =
        "{\"lr\": 0.125, \"data\": \"a&b\", \"weights\": null, \"scale\": [0.08, 1], \"nesterov\": true}";
    fv_gallery *g = calloc(1, sizeof *g);
    g->prep = one_pixel;
    g->classes = 3;
    add(g, 0, 1, 0.75, 3), add(g, 1, 0, 0.875, 4), add(g, 2, 2, 0.5, 5);
    const fv_report r = { .title = "<net>",
                          .data = &d,
                          .epoch = epochs,
                          .nepochs = 2,
                          .epochs = 9,
                          .metrics = &m,
                          .gallery = g,
                          .settings = { (const uint8_t *)settings, strlen(settings) },
                          .threads = 1 };
    snprintf(path, sizeof path, "%s/report.html", scratch_dir(state));
    fv_bytes page;
    assert_int_equal(fv_report_write(&r, path, NULL, NULL), FV_OK);
    assert_int_equal(fv_file_read(&page, path, 1 << 20, NULL, NULL), FV_OK);
    char *text = calloc(1, page.len + 1);
    memcpy(text, page.p, page.len);
    assert_int_equal(occurrences(text, "<h1>&lt;net&gt;</h1>"), 1);
    assert_non_null(strstr(text, "80.00 % (epoch 2)"));
    assert_non_null(strstr(text, "b&lt;e&gt;e, taken for ant"));
    assert_non_null(strstr(text, "87.5 % against 12.5 %; no. 4, &lt;b&gt;.png"));
    assert_null(strstr(text, "<b>"));
    assert_non_null(strstr(text, "<td>0.125</td>"));
    assert_true(strstr(text, "a&amp;b") && strstr(text, "<td>0.08, 1</td>") && strstr(text, "<td>yes</td>"));
    assert_null(strstr(text, "weights</td>")); /* not given */
    fv_writer png = { 0 };
    const bool pictures = fv_image_encode_png(&png, &g->worst[0].im, NULL) == FV_OK;
    fv_writer_free(&png);
    assert_int_equal(occurrences(text, "data:image/png;base64,iVBOR"), pictures ? 5 : 0);
    /* A link and a target for each cell with pictures. */
    assert_int_equal(occurrences(text, "href=\"#cell-"), 3);
    assert_int_equal(occurrences(text, "id=\"cell-"), 3);
    assert_true(strstr(text, "href=\"#cell-0-1\"") && strstr(text, "id=\"cell-0-1\"") &&
                strstr(text, "id=\"cell-2-2\""));
    assert_null(strstr(text, "http")); /* nothing from elsewhere */
    assert_null(strstr(text, "<script"));
    free(text);
    fv_release(NULL, (void *)page.p);
    fv_gallery_clear(g);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surest_mistakes_are_kept_in_order),
        cmocka_unit_test(test_cells_keep_the_telling_ones),
        cmocka_unit_test(test_frequent_cells_outlast_rare_ones),
        cmocka_unit_test(test_large_pictures_become_small_ones),
        cmocka_unit_test(test_restored_pictures_are_what_they_were),
        cmocka_unit_test_setup_teardown(test_page_holds_what_it_was_given, scratch_make, scratch_drop),
    };
    return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
