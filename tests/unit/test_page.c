/* test_page.c -- pages are well formed whatever stands in them, need nothing but themselves, and their plots have round
 * ticks, every point, and labels that do not touch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "heap.h"
#include "page/plot.h"
#include "page/scale.h"
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char *text_of(fv_writer *w)
{
    assert_false(w->failed);
    fv_write_u8(w, 0);
    return (const char *)w->p;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++) n++;
    return n;
}

/* Elements nest, attributes are quoted, no < is left over. Void elements of HTML and <x/> stand alone. */
static void assert_well_formed(const char *p)
{
    char open[64][24];
    int depth = 0;
    if (strncmp(p, "<!doctype html>", 15) == 0) p += 15;
    while ((p = strchr(p, '<')) != NULL) {
        const bool end = p[1] == '/';
        char tag[24];
        const int n = (int)strspn(p + 1 + end, "abcdefghijklmnopqrstuvwxyz0123456789");
        assert_in_range(n, 1, 20);
        snprintf(tag, sizeof tag, "%.*s", n, p + 1 + end);
        const char *q = p + 1 + end + n;
        for (bool quoted = false; quoted || *q != '>'; q++) {
            assert_true(*q && *q != '<');
            quoted ^= *q == '"';
        }
        const bool alone = q[-1] == '/' || strcmp(tag, "meta") == 0 || strcmp(tag, "img") == 0;
        if (end) {
            assert_true(depth > 0);
            assert_string_equal(tag, open[--depth]);
        } else if (!alone) {
            assert_true(depth < 64);
            memcpy(open[depth++], tag, sizeof tag);
        }
        p = strcmp(tag, "style") == 0 && !end ? strstr(q, "</style>") : q;
    }
    assert_int_equal(depth, 0);
}

static const char nasty[] = "<b a=\"1\">&'\x01\xff z\xc3\xa4hlt";

static const double years[] = { 1, 2, 3, 4, NAN, 6 }, values[] = { 0.1, 40, -7, 123456, 5, 1e-7 };
static const char *const six[] = { "a", nasty, NULL, "d", "e", "f" };

static void everything(fv_writer *w)
{
    static const fv_column columns[] = {
        { nasty, false }, { "n", true }, { "p", true }, { "q", false }, { "r", false }
    };
    static const fv_series series[] = {
        { .name = nasty, .form = FV_FORM_BOTH, .n = 6, .x = years, .y = values, .label = six },
        { .name = "theirs", .form = FV_FORM_STEPS, .published = true, .n = 6, .x = years, .y = values },
    };
    static const fv_bar bar[] = { { "ours", false, 0, values }, { "theirs", true, 0, years } };
    static const char *const group[] = { "a",
                                         nasty,
                                         "a name that is so long that no plot of any width has room for it, not even "
                                         "one on a wide screen, whatever its letters look like",
                                         "d",
                                         "e",
                                         "f" };
    fv_page_head(w, nasty, nasty);
    fv_page_section(w, nasty);
    fv_page_text(w, "%s: %d", nasty, 5);
    fv_page_badge(w, FV_TONE_GOOD, nasty);
    fv_facts_open(w);
    fv_fact(w, nasty, "%s", nasty);
    fv_facts_close(w);
    fv_page_fold(w, true, "%s", nasty);
    fv_table t = fv_table_open(w, nasty, columns, 5);
    fv_cell(&t, nasty);
    fv_cell_number(&t, 1.25, 1);
    fv_cell_printf(&t, "%s %d", nasty, 3);
    fv_cell_badge(&t, FV_TONE_BAD, nasty);
    fv_cell_link(&t, nasty, nasty);
    fv_cell(&t, "a row that is not full");
    fv_table_close(&t);
    fv_page_unfold(w);
    fv_plot_write(w, &(fv_plot){ nasty, { .title = nasty, .unit = nasty }, { .title = "y" }, 2, series });
    fv_bars_write(w, &(fv_bars){ nasty, { .title = nasty, .unit = nasty }, 6, 2, group, bar, 1 });
    fv_pictures_open(w);
    fv_picture_add(w, &(fv_picture){ "image/png", { (const uint8_t *)"Man", 3 }, 8, 8, nasty, nasty, FV_TONE_BAD });
    fv_pictures_close(w);
    fv_heat_write(w, &(fv_heat){ .title = nasty,
                                 .row_title = nasty,
                                 .column_title = "b",
                                 .rows = 2,
                                 .columns = 3,
                                 .row = six + 3,
                                 .column = six + 3,
                                 .value = years });
    fv_page_foot(w);
}

static void test_pages_are_well_formed_and_need_nothing_else(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    everything(&w);
    const char *html = text_of(&w);
    assert_well_formed(html);
    assert_null(strstr(html, "<b a="));
    assert_int_equal(count(html, "http"), 0);
    assert_int_equal(count(html, "<script"), 0);
    assert_int_equal(count(html, "url("), 0);
    assert_true(count(html, "prefers-color-scheme") == 1 && count(html, "max-width:640px") >= 1);
    fv_writer_free(&w);
}

static void test_text_is_escaped(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_html(&w, "a<b>&\"'\n\x02\xc3\xa4\xed\xa0\x80");
    fv_html(&w, NULL);
    assert_string_equal(text_of(&w),
                        "a&lt;b&gt;&amp;&quot;&#39;\n\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    fv_writer_free(&w);
}

static void test_pictures_become_data(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *digits;
    } known[] = {
        { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" }, { "\xff\xfe\xfd", "//79" }
    }; /* RFC 4648 10 */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char want[64];
        fv_writer w = { 0 };
        fv_picture_add(&w, &(fv_picture){ .type = "image/x",
                                          .file = { (const uint8_t *)known[i].bytes, strlen(known[i].bytes) } });
        snprintf(want, sizeof want, "src=\"data:image/x;base64,%s\"", known[i].digits);
        assert_non_null(strstr(text_of(&w), want));
        fv_writer_free(&w);
    }
}

static void ticks_text(char *out, fv_axis a, double low, double high, int most)
{
    fv_range r = fv_range_none();
    fv_range_add(&r, low, a.log);
    fv_range_add(&r, high, a.log);
    const fv_scale s = fv_scale_fit(&a, r, most);
    *out = 0;
    for (int i = 0; i < s.nticks; i++) {
        char one[FV_TICK_TEXT];
        fv_tick_text(one, &s, s.tick[i]);
        sprintf(out + strlen(out), "%s%s", i ? " " : "", one);
        assert_true(fv_scale_holds(&s, s.tick[i]));
    }
    assert_in_range(s.nticks, 2, most + 2);
}

static void test_ticks_are_round(void **state)
{
    (void)state;
    static const struct {
        fv_axis axis;
        double low, high;
        int most;
        const char *ticks;
    } rows[] = {
        { { .zero = true }, 3, 97, 5, "0 20 40 60 80 100" },
        { { 0 }, 0.61, 0.78, 5, "0.60 0.65 0.70 0.75 0.80" },
        { { 0 }, -12, 31, 5, "-20 -10 0 10 20 30 40" },
        { { .zero = true }, 0, 250000, 5, "0 50k 100k 150k 200k 250k" },
        { { .zero = true }, 0, 2.5e6, 5, "0 0.5M 1.0M 1.5M 2.0M 2.5M" },
        { { .low = 60, .high = 85 }, 3, 1e9, 5, "60 65 70 75 80 85" },
        { { .log = true }, 1, 1000, 6, "1 10 100 1000" },
        { { .log = true }, 2, 90, 8, "2 5 10 20 50" },
        { { .log = true }, 1e-9, 1e9, 5, "1e-05 1 100k" },
        { { .log = true }, 40, 60, 6, "40 50 60" },
        { { 0 }, 5, 5, 4, "4.5 5.0 5.5" },
    };
    char got[400];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ticks_text(got, rows[i].axis, rows[i].low, rows[i].high, rows[i].most);
        assert_string_equal(got, rows[i].ticks);
    }
}

static void test_a_scale_maps_its_ends(void **state)
{
    (void)state;
    fv_scale s = { .log = true, .low = 1, .high = 100, .from = 50, .to = 250 };
    assert_true(fabs(fv_scale_at(&s, 10) - 150) < 1e-9 && fabs(fv_scale_at(&s, 1) - 50) < 1e-9);
    assert_true(isnan(fv_scale_at(&s, 0)) && isnan(fv_scale_at(&s, -1)) && isnan(fv_scale_at(&s, NAN)));
    s = (fv_scale){ .low = -1, .high = 1, .from = 100, .to = 0 };
    assert_true(fv_scale_at(&s, 0) == 50 && fv_scale_at(&s, 1) == 0);
}

/* Labels of a crowd: those drawn touch neither each other nor the edge; points without room keep their hint. */
static void test_labels_do_not_touch(void **state)
{
    (void)state;
    enum { N = 60 };
    double x[N], y[N];
    char names[N][24];
    const char *label[N];
    for (int i = 0; i < N; i++) {
        x[i] = 1 + (i * 37 % N) * 0.3;
        y[i] = 60 + (i * 23 % N) * 0.35;
        snprintf(names[i], sizeof names[i], "network_%d<&", i);
        label[i] = names[i];
    }
    const fv_series s = { .name = "s", .form = FV_FORM_POINTS, .n = N, .x = x, .y = y, .label = label };
    fv_writer w = { 0 };
    fv_plot_write(&w, &(fv_plot){ "crowd", { .title = "ms", .log = true }, { .title = "%" }, 1, &s });
    const char *p = text_of(&w);
    assert_int_equal(count(p, "<circle class=\"dot\" r=\"4\" cx=\""), 2 * N + 2); /* two widths, two legends */
    assert_int_equal(count(p, "</title></circle>"), 2 * N);
    double left[2 * N], right[2 * N], at[2 * N], width = 860;
    int n = 0, first = 0, drawn = 0;
    for (const char *q = p; (q = strpbrk(q, "<")) != NULL; q++) {
        if (strncmp(q, "<svg class=\"narrow\"", 19) == 0) drawn = n, first = n, width = 372;
        if (sscanf(q, "<text class=\"halo\" x=\"%lf\" y=\"%lf\">", &left[n], &at[n]) != 2) continue;
        char name[40];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(strchr(q, '>') + 1, "&"), strchr(q, '>') + 1);
        right[n] = left[n] + fv_text_px(name, 12) + fv_text_px("<&", 12);
        assert_true(left[n] >= 0 && right[n] <= width);
        for (int k = first; k < n; k++)
            assert_true(fabs(at[k] - at[n]) > 13 || right[k] <= left[n] + 0.2 || right[n] <= left[k] + 0.2);
        n++;
    }
    assert_true(drawn > 20 && n - drawn > 10);
    fv_writer_free(&w);
}

/* Right of the lower point its own step leaves, so its label stands elsewhere. */
static void test_labels_go_out_of_the_way_of_lines(void **state)
{
    (void)state;
    const double x[] = { 1, 10 }, y[] = { 60, 70 };
    const char *const label[] = { "first", "second" };
    const fv_series s[] = { { .form = FV_FORM_STEPS, .n = 2, .x = x, .y = y },
                            { .form = FV_FORM_POINTS, .n = 2, .x = x, .y = y, .label = label } };
    fv_writer w = { 0 };
    fv_plot_write(&w, &(fv_plot){ "t", { .title = "x" }, { .title = "y" }, 2, s });
    const char *html = text_of(&w), *dot = strstr(html, "<circle class=\"dot\" r=\"4\" cx=\""),
               *text = strstr(html, ">first</text>");
    double cx, cy, left, base;
    assert_true(dot && text);
    while (text[-1] != '<') text--;
    assert_int_equal(sscanf(dot, "<circle class=\"dot\" r=\"4\" cx=\"%lf\" cy=\"%lf\"", &cx, &cy), 2);
    assert_int_equal(sscanf(text, "text class=\"halo\" x=\"%lf\" y=\"%lf\"", &left, &base), 2);
    assert_true(fabs(base - 4 - cy) >= 7 || left + fv_text_px("first", 12) < cx);
    fv_writer_free(&w);
}

static void test_long_curves_keep_their_extremes(void **state)
{
    (void)state;
    enum { N = 100000 };
    static double x[N], y[N];
    for (int i = 0; i < N; i++) x[i] = i, y[i] = i == 77777 ? 10 : i == 33333 ? -10 : i % 2;
    const fv_series s = { .form = FV_FORM_LINE, .n = N, .x = x, .y = y };
    fv_writer w = { 0 };
    fv_plot_write(&w, &(fv_plot){ NULL, { 0 }, { 0 }, 1, &s });
    assert_true(w.len < 120000);
    const char *p = strstr(text_of(&w), "class=\"curve\" d=\"");
    double least = 1e9, most = 0, px, py;
    for (const char *q = p + 17; *q != '"'; q += 1 + strcspn(q + 1, "LM\""))
        if (sscanf(q + 1, "%lf %lf", &px, &py) == 2) least = fmin(least, py), most = fmax(most, py);
    assert_true(most - least > 300); /* the axes are 380 pixels high */
    fv_writer_free(&w);
}

static void test_heat_cells_are_coloured_by_share(void **state)
{
    (void)state;
    fv_writer w = { 0 };
    fv_heat_write(&w, &(fv_heat){ .title = "t", .rows = 1, .columns = 4, .value = (double[]){ 0, 5, 10, NAN } });
    const char *p = text_of(&w);
    assert_non_null(
        strstr(p, "<td>0</td><td style=\"--v:50%\">5</td><td class=\"full\" style=\"--v:100%\">10</td><td></td>"));
    fv_writer_free(&w);
}

static void test_numbers_have_points_in_every_locale(void **state)
{
    (void)state;
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) {
        printf("SKIPPED numbers in a locale with commas: de_DE.UTF-8 is not installed\n");
        skip();
    }
    fv_writer w = { 0 };
    char tick[FV_TICK_TEXT];
    fv_html_number(&w, 1.5, 2);
    fv_svg_put(&w, " ", 2.25);
    fv_short_text(tick, 0.125);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(tick, "0.125");
    assert_string_equal(text_of(&w), "1.50 2.3");
    fv_writer_free(&w);
}

static void test_every_failed_allocation_fails_the_page(void **state)
{
    (void)state;
    for (int left = 0;; left++) {
        test_heap heap;
        fv_err err = { 0 };
        fv_writer w = { .heap = test_heap_init(&heap, left) };
        everything(&w);
        const bool failed = w.failed;
        if (failed) assert_int_equal(fv_page_save(&w, "/nowhere/page.html", &err), FV_NOMEM);
        fv_writer_free(&w);
        assert_int_equal(heap.live, 0);
        if (!failed) break;
        assert_true(left < 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_are_well_formed_and_need_nothing_else),
        cmocka_unit_test(test_text_is_escaped),
        cmocka_unit_test(test_pictures_become_data),
        cmocka_unit_test(test_ticks_are_round),
        cmocka_unit_test(test_a_scale_maps_its_ends),
        cmocka_unit_test(test_labels_do_not_touch),
        cmocka_unit_test(test_labels_go_out_of_the_way_of_lines),
        cmocka_unit_test(test_long_curves_keep_their_extremes),
        cmocka_unit_test(test_heat_cells_are_coloured_by_share),
        cmocka_unit_test(test_numbers_have_points_in_every_locale),
        cmocka_unit_test(test_every_failed_allocation_fails_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
