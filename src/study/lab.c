/* lab.c -- the studies' table, running one, and the book of what it finds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "study/bench.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

static const fv_study_row *const topics[] = {
#define FV_TOPIC(topic) fv_studies_##topic,
#include "study/topics.def"
#undef FV_TOPIC
};
enum { TOPICS = sizeof topics / sizeof *topics };

static const fv_study_row *row_at(int i)
{
    for (int t = 0; t < TOPICS && i >= 0; t++)
        for (const fv_study_row *r = topics[t]; r->run; r++)
            if (i-- == 0) return r;
    return NULL;
}

const fv_study *fv_study_at(int i)
{
    const fv_study_row *r = row_at(i);
    return r ? &r->about : NULL;
}

const fv_study *fv_study_find(const char *name)
{
    for (int i = 0; fv_study_at(i); i++)
        if (strcmp(fv_study_at(i)->name, name) == 0) return fv_study_at(i);
    return NULL;
}

/* Letters to change, add or take away (Levenshtein 1966); names of up to 40 letters. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    int row[LONGEST + 1];
    const int n = (int)strnlen(b, LONGEST);
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 0; a[i]; i++) {
        int corner = row[0]++;
        for (int j = 1; j <= n; j++) {
            const int change = corner + (a[i] != b[j - 1]);
            corner = row[j];
            const int skip = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = change < skip ? change : skip;
        }
    }
    return row[n];
}

const char *fv_study_nearest(const char *name)
{
    const char *best = NULL;
    int least = 0;
    for (int i = 0; fv_study_at(i); i++) {
        const int d = distance(name, fv_study_at(i)->name);
        if (!best || d < least) best = fv_study_at(i)->name, least = d;
    }
    return best;
}

/* ---- the book ---- */

const char *fv_lab_text(fv_lab *l, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const char *copy = fv_arena_strdup(&l->book->arena, text);
    return copy ? copy : "";
}

static void write_down(fv_lab *l, fv_finding f)
{
    fv_lab_book *b = l->book;
    fv_err none = { 0 };
    f.what = fv_lab_text(l, "%s", f.what);
    if (fv_grow(l->env.heap, (void **)&b->finding, &b->finding_cap, b->nfinding + 1, sizeof f, &none) == FV_OK)
        b->finding[b->nfinding++] = f;
    else b->arena.failed = true;
}

void fv_lab_is(fv_lab *l, const char *what, double measured, double expected, double tolerance)
{
    write_down(l, (fv_finding){ what, FV_IS, measured, expected, tolerance, fabs(measured - expected) <= tolerance });
}

void fv_lab_below(fv_lab *l, const char *what, double measured, double bound)
{
    write_down(l, (fv_finding){ what, FV_BELOW, measured, bound, 0, measured < bound });
}

void fv_lab_above(fv_lab *l, const char *what, double measured, double bound)
{
    write_down(l, (fv_finding){ what, FV_ABOVE, measured, bound, 0, measured > bound });
}

void fv_lab_tell(fv_lab *l, const char *what, double measured)
{
    write_down(l, (fv_finding){ what, FV_TOLD, measured, 0, 0, true });
}

void fv_lab_plot(fv_lab *l, fv_study_plot plot)
{
    l->book->plot = plot;
}

void fv_lab_bars(fv_lab *l, const char *title, const char *y, const char *const *places)
{
    l->book->plot = (fv_study_plot){ .title = title, .y = y };
    l->book->places = places;
}

void fv_lab_curve(fv_lab *l, const char *name, bool published)
{
    fv_lab_book *b = l->book;
    fv_err none = { 0 };
    const fv_lab_points c = { .name = fv_lab_text(l, "%s", name), .published = published };
    if (fv_grow(l->env.heap, (void **)&b->curve, &b->curve_cap, b->ncurve + 1, sizeof c, &none) == FV_OK)
        b->curve[b->ncurve++] = c;
    else b->arena.failed = true;
}

void fv_lab_point(fv_lab *l, double x, double y)
{
    fv_lab_book *b = l->book;
    if (b->ncurve == 0) return;
    fv_lab_points *c = &b->curve[b->ncurve - 1];
    fv_err none = { 0 };
    if (fv_grow(l->env.heap, (void **)&c->xy, &c->cap, c->n + 1, 2 * sizeof *c->xy, &none) != FV_OK) {
        b->arena.failed = true;
        return;
    }
    c->xy[2 * c->n] = x;
    c->xy[2 * c->n++ + 1] = y;
}

bool fv_lab_small(const fv_lab *l)
{
    return l->opts.small;
}

const fv_env *fv_lab_env(const fv_lab *l)
{
    return &l->env;
}

fv_status fv_lab_progress(fv_lab *l, double done, fv_err *err)
{
    if (l->opts.progress && !l->opts.progress(l->opts.user, &l->row->about, done))
        return fv_fail(err, FV_INTERRUPTED, "stopped");
    return FV_OK;
}

/* ---- running one ---- */

/* The first findings in a line: enough to see what it was about. */
static const char *in_short(fv_lab *l)
{
    enum { MOST = 5 };
    char text[360];
    const fv_lab_book *b = l->book;
    int at = 0;
    text[0] = 0;
    for (size_t i = 0; i < b->nfinding && i < MOST; i++) {
        const double v = b->finding[i].measured;
        const char *fmt = v == floor(v) && fabs(v) < 1e15 ? "%s%s %.0f" : "%s%s %.6g";
        const int n = snprintf(text + at, sizeof text - (size_t)at, fmt, i ? "; " : "", b->finding[i].what, v);
        if (n < 0 || (size_t)n >= sizeof text - (size_t)at - 30) {
            text[at] = 0;
            return fv_lab_text(l, "%s; %d more", text, (int)(b->nfinding - i));
        }
        at += n;
    }
    return b->nfinding > MOST ? fv_lab_text(l, "%s; %d more", text, (int)b->nfinding - MOST)
                              : fv_lab_text(l, "%s", text);
}

/* A study that judges nothing shows nothing. */
static fv_verdict judge(const fv_lab_book *b)
{
    int judged = 0;
    for (size_t i = 0; i < b->nfinding; i++) {
        if (!b->finding[i].holds) return FV_FAILS;
        judged += b->finding[i].relation != FV_TOLD;
    }
    return judged ? FV_HOLDS : FV_FAILS;
}

static void close_lab(fv_lab *l)
{
    while (l->nowned > 0) {
        const fv_lab_owned o = l->owned[--l->nowned];
        o.release(l, o.p);
    }
    fv_release(l->env.heap, l->owned);
    fv_threads_free(l->pool);
}

static fv_status run(fv_lab *l, fv_study_result *r, fv_err *err)
{
    fv_err why = { 0 };
    const double start = fv_clock();
    const int threads = l->env.threads > 0 ? l->env.threads : fv_cores();
    FV_TRY(fv_threads_new(&l->pool, threads, l->env.heap, err));
    fv_status s = fv_lab_progress(l, 0, &why);
    if (s == FV_OK) s = l->row->run(l, &why);
    r->seconds = fv_clock() - start;
    if (s == FV_NOINPUT) {
        r->verdict = FV_NOT_RUN;
        r->why_not = fv_lab_text(l, "%s", why.msg);
        r->measured = "";
    } else if (s != FV_OK) {
        return fv_fail(err, s, "study '%s': %s", l->row->about.name, why.msg[0] ? why.msg : fv_status_text(s));
    } else {
        r->verdict = judge(l->book);
        r->measured = in_short(l);
    }
    r->findings = l->book->finding;
    r->nfindings = (int)l->book->nfinding;
    return l->book->arena.failed ? fv_fail(err, FV_NOMEM, "no memory for a study's findings") : FV_OK;
}

fv_status fv_study_run(fv_study_result **out, const fv_study *study, const fv_study_opts *opts, const fv_env *env,
                       fv_err *err)
{
    fv_lab l = { .env = env ? *env : (fv_env){ 0 }, .opts = opts ? *opts : (fv_study_opts){ 0 } };
    void *p = NULL, *q = NULL;
    *out = NULL;
    for (int i = 0; row_at(i) && !l.row; i++)
        if (&row_at(i)->about == study) l.row = row_at(i);
    if (!l.row) return fv_fail(err, FV_ARG, "no such study");
    fv_status s = fv_alloc_zero(l.env.heap, &p, sizeof(fv_study_result), err);
    if (s == FV_OK) s = fv_alloc_zero(l.env.heap, &q, sizeof(fv_lab_book), err);
    if (s != FV_OK) {
        fv_release(l.env.heap, p);
        return s;
    }
    fv_study_result *r = p;
    l.book = r->book = q;
    l.book->heap = l.book->arena.heap = l.env.heap;
    r->study = study;
    s = run(&l, r, err);
    close_lab(&l);
    if (s != FV_OK) {
        fv_study_free(r);
        return s;
    }
    *out = r;
    return FV_OK;
}

void fv_study_free(fv_study_result *r)
{
    if (!r) return;
    fv_lab_book *b = r->book;
    const fv_allocator *heap = b->heap;
    for (size_t i = 0; i < b->ncurve; i++) fv_release(heap, b->curve[i].xy);
    fv_release(heap, b->curve);
    fv_release(heap, b->finding);
    fv_arena_free(&b->arena);
    fv_release(heap, b);
    fv_release(heap, r);
}
