/* study_page.c -- results as pages: one for each study, and one that lists them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "page/page.h"
#include "page/plot.h"
#include "study/bench.h"
#include <stdio.h>
#include <string.h>

static fv_tone tone_of(fv_verdict v)
{
    return v == FV_HOLDS ? FV_TONE_GOOD : v == FV_FAILS ? FV_TONE_BAD : FV_TONE_WARN;
}

static const char *words_of(fv_verdict v)
{
    return v == FV_HOLDS ? "holds" : v == FV_FAILS ? "does not hold" : "not run";
}

/* "Source: ..." as a paragraph. */
static void told(fv_writer *w, const char *what, const char *text)
{
    if (!text) return;
    fv_write_text(w, "<p><strong>");
    fv_html(w, what);
    fv_write_text(w, "</strong> ");
    fv_html(w, text);
    fv_write_text(w, "</p>\n");
}

/* ---- the plot ---- */

enum { MOST_CURVES = 16, MOST_GROUPS = 16 };

/* Ours and theirs of one name, and curves in their order, keep a colour each. */
static void lines(fv_writer *w, const fv_lab_book *b, double *xs, double *ys)
{
    fv_series series[MOST_CURVES];
    const int n = b->ncurve < MOST_CURVES ? (int)b->ncurve : MOST_CURVES;
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        const fv_lab_points *c = &b->curve[i];
        series[i] = (fv_series){ .name = c->name,
                                 .form = c->n > 40 ? FV_FORM_LINE : FV_FORM_BOTH,
                                 .published = c->published,
                                 .n = (int)c->n,
                                 .x = xs + at,
                                 .y = ys + at };
        for (size_t k = 0; k < c->n; k++, at++) xs[at] = c->xy[2 * k], ys[at] = c->xy[2 * k + 1];
    }
    fv_plot_write(w, &(fv_plot){ .title = b->plot.title,
                                 .x = { .title = b->plot.x, .log = b->plot.log_x },
                                 .y = { .title = b->plot.y, .log = b->plot.log_y },
                                 .nseries = n,
                                 .series = series });
}

/* Points 1 to the number of groups are bars. */
static void bars(fv_writer *w, const fv_lab_book *b, double *ys)
{
    fv_bar series[MOST_CURVES];
    const char *names[MOST_GROUPS];
    int groups = 0;
    const int n = b->ncurve < MOST_CURVES ? (int)b->ncurve : MOST_CURVES;
    while (groups < MOST_GROUPS && b->places[groups]) names[groups] = b->places[groups], groups++;
    for (int i = 0; i < n; i++) {
        const fv_lab_points *c = &b->curve[i];
        double *value = ys + (size_t)i * MOST_GROUPS;
        for (int k = 0; k < groups; k++) value[k] = (size_t)k < c->n ? c->xy[2 * k + 1] : 0.0 / 0.0;
        series[i] = (fv_bar){ .name = c->name, .published = c->published, .value = value };
    }
    fv_bars_write(w, &(fv_bars){ .title = b->plot.title,
                                 .axis = { .title = b->plot.y, .log = b->plot.log_y },
                                 .ngroups = groups,
                                 .nseries = n,
                                 .group = names,
                                 .series = series,
                                 .decimals = 2 });
}

static fv_status plot(fv_writer *w, const fv_lab_book *b, fv_err *err)
{
    size_t points = MOST_CURVES * MOST_GROUPS;
    double *x = NULL;
    if (b->ncurve == 0) return FV_OK;
    for (size_t i = 0; i < b->ncurve; i++) points += b->curve[i].n;
    FV_TRY(fv_alloc_zero(b->heap, (void **)&x, 2 * points * sizeof *x, err));
    if (b->places) bars(w, b, x);
    else lines(w, b, x, x + points);
    fv_release(b->heap, x);
    return FV_OK;
}

/* ---- findings ---- */

static void expected(fv_table *t, const fv_finding *f)
{
    if (f->relation == FV_BELOW) fv_cell_printf(t, "below %.6g", f->expected);
    else if (f->relation == FV_ABOVE) fv_cell_printf(t, "above %.6g", f->expected);
    else if (f->relation == FV_TOLD) fv_cell(t, "");
    else fv_cell_printf(t, f->tolerance > 0 ? "%.6g" : "%.12g", f->expected);
    if (f->relation == FV_IS && f->tolerance > 0) fv_cell_printf(t, "\xc2\xb1 %.2g", f->tolerance);
    else fv_cell(t, f->relation == FV_IS ? "exactly" : "");
}

static void findings(fv_writer *w, const fv_study_result *r)
{
    static const fv_column columns[] = {
        { "Finding", false }, { "Measured", true }, { "Expected", true }, { "Give or take", true }, { "Verdict", false }
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    fv_page_section(w, "Findings");
    fv_table t = fv_table_open(w, NULL, columns, COLUMNS);
    for (int i = 0; i < r->nfindings; i++) {
        const fv_finding *f = &r->findings[i];
        fv_cell(&t, f->what);
        fv_cell_printf(&t, f->relation == FV_IS && f->tolerance == 0 ? "%.12g" : "%.6g", f->measured);
        expected(&t, f);
        if (f->relation == FV_TOLD) fv_cell(&t, "told only");
        else fv_cell_badge(&t, f->holds ? FV_TONE_GOOD : FV_TONE_BAD, f->holds ? "holds" : "does not");
    }
    fv_table_close(&t);
}

fv_status fv_study_page(const fv_study_result *r, const char *path, const char *index, fv_err *err)
{
    fv_writer w = { .heap = r->book->heap };
    const fv_study *s = r->study;
    fv_page_head(&w, s->name, s->claim);
    fv_write_text(&w, "<p>");
    fv_page_badge(&w, tone_of(r->verdict), words_of(r->verdict));
    if (r->verdict == FV_NOT_RUN) fv_html(&w, " "), fv_html(&w, r->why_not);
    else fv_html_printf(&w, " %d findings in %.2f s", r->nfindings, r->seconds);
    fv_write_text(&w, "</p>\n");
    told(&w, "Told loosely:", s->loose);
    told(&w, "Source:", s->source);
    told(&w, "How it is run:", s->how);
    told(&w, "Expected:", s->expected);
    fv_status st = FV_OK;
    if (r->verdict != FV_NOT_RUN) {
        told(&w, "Measured:", r->measured);
        st = plot(&w, r->book, err);
        findings(&w, r);
    }
    fv_page_section(&w, "Why it matters");
    told(&w, "", s->why);
    if (index) {
        fv_write_text(&w, "<p><a href=\"");
        fv_html(&w, index);
        fv_write_text(&w, "\">All studies</a></p>\n");
    }
    fv_page_foot(&w);
    if (st == FV_OK) st = fv_page_save(&w, path, err);
    fv_writer_free(&w);
    return st;
}

/* ---- the list ---- */

static const char *const kinds[] = {
    [FV_STUDY_EXACT] = "exact", [FV_STUDY_MEASURED] = "measured", [FV_STUDY_TIMED] = "timed"
};

static void topic(fv_writer *w, const fv_study_result *const *r, int n, const char *name)
{
    static const fv_column columns[] = {
        { "Study", false }, { "Verdict", false }, { "Kind", false }, { "Seconds", true }, { "Claim", false }
    };
    enum { COLUMNS = sizeof columns / sizeof *columns };
    char href[80];
    fv_page_section(w, name);
    fv_table t = fv_table_open(w, NULL, columns, COLUMNS);
    for (int i = 0; i < n; i++) {
        if (strcmp(r[i]->study->topic, name) != 0) continue;
        snprintf(href, sizeof href, "%s.html", r[i]->study->name);
        fv_cell_link(&t, href, r[i]->study->name);
        fv_cell_badge(&t, tone_of(r[i]->verdict), words_of(r[i]->verdict));
        fv_cell(&t, kinds[r[i]->study->kind]);
        fv_cell_number(&t, r[i]->seconds, 2);
        fv_cell(&t, r[i]->study->claim);
    }
    fv_table_close(&t);
}

fv_status fv_study_index(const fv_study_result *const *r, int n, const char *path, fv_err *err)
{
    if (n < 1) return fv_fail(err, FV_ARG, "no studies to list");
    fv_writer w = { .heap = r[0]->book->heap };
    int held = 0, failed = 0;
    double seconds = 0;
    for (int i = 0; i < n; i++) {
        held += r[i]->verdict == FV_HOLDS, failed += r[i]->verdict == FV_FAILS;
        seconds += r[i]->seconds;
    }
    fv_page_head(&w, "What the literature claims, run here",
                 "Each claim is run by the library's own graphs, operations and networks on this machine.");
    fv_facts_open(&w);
    fv_fact(&w, "hold", "%d", held);
    fv_fact(&w, "do not hold", "%d", failed);
    fv_fact(&w, "not run", "%d", n - held - failed);
    fv_fact(&w, "seconds", "%.0f", seconds);
    fv_facts_close(&w);
    for (int i = 0; i < n; i++) {
        bool seen = false;
        for (int k = 0; k < i; k++) seen |= strcmp(r[k]->study->topic, r[i]->study->topic) == 0;
        if (!seen) topic(&w, r, n, r[i]->study->topic);
    }
    fv_page_text(&w, "Architecture search itself is not among the studies: it takes thousands of hours.");
    fv_page_foot(&w);
    const fv_status s = fv_page_save(&w, path, err);
    fv_writer_free(&w);
    return s;
}
