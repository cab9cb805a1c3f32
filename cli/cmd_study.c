/* cmd_study.c -- the literature's claims, run here: their list, one of them, or all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "output.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct study_args {
    bool all;
    const char *data, *html;
    int threads;
} study_args;
// clang-format off
const cli_option options_study[] = {
    { "all",     0, CLI_FLAG, offsetof(study_args, all),     "",     "run all of them, or those whose names are given", 0, 0 },
    { "data",    0, CLI_TEXT, offsetof(study_args, data),    "DATA", "pictures to train on (Fashion-MNIST, Debian's dataset-fashion-mnist)", 0, 0 },
    { "html",    0, CLI_TEXT, offsetof(study_args, html),    "FILE", "also write a page with the plot; of several studies: a folder with an index", 0, 0 },
    { "threads", 0, CLI_INT,  offsetof(study_args, threads), "N",    "threads (all cores); timed studies use one", 1, 4096 },
    { 0 },
};
// clang-format on

typedef struct show {
    cli *c;
    cli_progress progress;
    int number, count;
} show;

/* ---- the list ---- */

static const char *const kinds[] = {
    [FV_STUDY_EXACT] = "exact", [FV_STUDY_MEASURED] = "measured", [FV_STUDY_TIMED] = "timed"
};

static void list_text(void)
{
    const char *topic = "";
    double seconds = 0;
    int count = 0;
    for (const fv_study *s; (s = fv_study_at(count)); count++) {
        if (strcmp(topic, s->topic) != 0) printf("%s%s\n", count ? "\n" : "", s->topic);
        topic = s->topic;
        seconds += s->seconds;
        printf("  %-28s %6.4g s  %-8s  %s\n", s->name, s->seconds, kinds[s->kind], s->claim);
    }
    printf(
        "\n%d studies, about %.0f minutes in all on two cores; 'fovea study NAME' runs one, 'fovea study --all' all.\n"
        "Architecture search itself is not among them.\n",
        count, ceil(seconds / 60));
}

static void about_json(cli_json *j, const fv_study *s)
{
    json_text(j, "name", s->name);
    json_text(j, "topic", s->topic);
    json_text(j, "kind", kinds[s->kind]);
    json_text(j, "claim", s->claim);
    json_text(j, "loose", s->loose);
    json_text(j, "source", s->source);
    json_text(j, "how", s->how);
    json_text(j, "expected", s->expected);
}

static void list_json(void)
{
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_open(&j, "studies", '[');
    for (int i = 0; fv_study_at(i); i++) {
        json_open(&j, NULL, '{');
        about_json(&j, fv_study_at(i));
        json_real(&j, "seconds", fv_study_at(i)->seconds);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
}

/* ---- results ---- */

static void finding_text(const fv_finding *f)
{
    printf("  %-4s %-62s %12.6g", f->relation == FV_TOLD ? "" : f->holds ? "ok" : "NOT", f->what, f->measured);
    if (f->relation == FV_BELOW) printf("  below %.6g", f->expected);
    else if (f->relation == FV_ABOVE) printf("  above %.6g", f->expected);
    else if (f->relation == FV_IS && f->tolerance > 0) printf("  %.6g +- %.2g", f->expected, f->tolerance);
    else if (f->relation == FV_IS) printf("  %.12g", f->expected);
    putchar('\n');
}

static const char *verdict(const fv_study_result *r)
{
    return r->verdict == FV_HOLDS ? "holds" : r->verdict == FV_FAILS ? "does NOT hold" : "not run";
}

static void one_text(const fv_study_result *r)
{
    const fv_study *s = r->study;
    printf("%s (%s)\n\nclaim:    %s\n", s->name, s->topic, s->claim);
    if (s->loose) printf("loosely:  %s\n", s->loose);
    printf("source:   %s\nhow:      %s\nexpected: %s\n", s->source, s->how, s->expected);
    if (r->verdict == FV_NOT_RUN) {
        printf("not run:  %s\n\n%s\n", r->why_not, s->why);
        return;
    }
    printf("measured: %s\nverdict:  %s (%d findings, %.2f s)\n\n", r->measured, verdict(r), r->nfindings, r->seconds);
    for (int i = 0; i < r->nfindings; i++) finding_text(&r->findings[i]);
    printf("\n%s\n", s->why);
}

static void findings_json(cli_json *j, const fv_study_result *r)
{
    static const char *const relations[] = { "is", "below", "above", "told" };
    json_open(j, "findings", '[');
    for (int i = 0; i < r->nfindings; i++) {
        const fv_finding *f = &r->findings[i];
        json_open(j, NULL, '{');
        json_text(j, "what", f->what);
        json_text(j, "relation", relations[f->relation]);
        json_real(j, "measured", f->measured);
        if (f->relation != FV_TOLD) json_real(j, "expected", f->expected);
        if (f->relation == FV_IS) json_real(j, "tolerance", f->tolerance);
        json_bool(j, "holds", f->holds);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void one_json(cli_json *j, const fv_study_result *r)
{
    json_open(j, NULL, '{');
    about_json(j, r->study);
    json_text(j, "measured", r->verdict == FV_NOT_RUN ? NULL : r->measured);
    if (r->verdict == FV_NOT_RUN) {
        json_text(j, "holds", NULL);
        json_text(j, "not_run", r->why_not);
    } else {
        json_bool(j, "holds", r->verdict == FV_HOLDS);
    }
    json_real(j, "seconds", r->seconds);
    json_text(j, "why", r->study->why);
    findings_json(j, r);
    json_close(j, '}');
}

/* ---- running ---- */

static bool progress(void *user, const fv_study *study, double done)
{
    show *s = user;
    cli_progress_draw(&s->progress, (int64_t)(1000 * (s->number + done)), 1000 * (int64_t)s->count,
                      "%d of %d  %s %3.0f %%", s->number + 1, s->count, study->name, 100 * done);
    return true;
}

/* Which studies: of the names, or all. Gives their number; NULL in *wrong: none is wrong. */
static int choose(const fv_study **list, int most, char **names, int n, const char **wrong)
{
    int count = 0;
    *wrong = NULL;
    for (int i = 0; n == 0 && fv_study_at(i) && count < most; i++) list[count++] = fv_study_at(i);
    for (int i = 0; i < n && count < most; i++) {
        list[count] = fv_study_find(names[i]);
        if (!list[count]) *wrong = names[i];
        else count++;
    }
    return count;
}

static void line(const fv_study_result *r)
{
    printf("%-28s %-14s %7.2f s  %s\n", r->study->name, verdict(r), r->seconds,
           r->verdict == FV_NOT_RUN ? r->why_not : r->measured);
    fflush(stdout);
}

/* One page, or a folder of them with their index. Gives -1, or the exit code. */
static int pages(fv_study_result *const *r, int n, const char *where)
{
    char path[4096];
    fv_err err = { 0 };
    fv_status s = FV_OK;
    if (n == 1) s = fv_study_page(r[0], where, NULL, &err);
    else if (mkdir(where, 0777) != 0 && errno != EEXIST) {
        cli_say("cannot make the folder '%s': %s", where, strerror(errno));
        return fv_status_exit(FV_CREATE);
    }
    for (int i = 0; n > 1 && i < n && s == FV_OK; i++) {
        snprintf(path, sizeof path, "%s/%s.html", where, r[i]->study->name);
        s = fv_study_page(r[i], path, "index.html", &err);
    }
    if (n > 1 && s == FV_OK) {
        snprintf(path, sizeof path, "%s/index.html", where);
        s = fv_study_index((const fv_study_result *const *)r, n, path, &err);
    }
    return s == FV_OK ? -1 : cli_fail(&err);
}

static int summary(const cli *c, fv_study_result *const *r, int n)
{
    int held = 0, failed = 0;
    for (int i = 0; i < n; i++) held += r[i]->verdict == FV_HOLDS, failed += r[i]->verdict == FV_FAILS;
    if (c->json) {
        cli_json j = { .out = stdout };
        json_open(&j, NULL, '{');
        json_open(&j, "studies", '[');
        for (int i = 0; i < n; i++) one_json(&j, r[i]);
        json_close(&j, ']');
        json_int(&j, "hold", held);
        json_int(&j, "fail", failed);
        json_int(&j, "not_run", n - held - failed);
        json_close(&j, '}');
    } else if (n == 1) {
        one_text(r[0]);
    } else {
        printf("\n%d hold, %d do not, %d not run\n", held, failed, n - held - failed);
    }
    if (failed) return fv_status_exit(FV_FAILED);
    return n == 1 && r[0]->verdict == FV_NOT_RUN ? fv_status_exit(FV_NOINPUT) : 0;
}

static int run(cli *c, const study_args *a, const fv_study *const *list, int n)
{
    show s = { .c = c, .progress = cli_progress_new(), .count = n };
    const fv_study_opts opts = { .data = a->data, .progress = progress, .user = &s };
    fv_study_result **r = calloc((size_t)n, sizeof *r);
    fv_err err = { 0 };
    int done = 0;
    if (!r) return cli_nomem(sizeof *r * (size_t)n);
    c->progress = &s.progress;
    c->env.threads = a->threads;
    while (done < n && fv_study_run(&r[done], list[done], &opts, &c->env, &err) == FV_OK) {
        cli_progress_clear(&s.progress);
        if (!c->json && n > 1) line(r[done]);
        s.number = ++done;
    }
    cli_progress_clear(&s.progress);
    c->progress = NULL;
    int code = done < n ? cli_fail(&err) : a->html ? pages(r, n, a->html) : -1;
    if (code < 0) code = summary(c, r, n);
    for (int i = 0; i < done; i++) fv_study_free(r[i]);
    free(r);
    return code;
}

int cmd_study(cli *c, int argc, char **argv)
{
    enum { MOST = 400 };
    const fv_study *list[MOST];
    const char *wrong;
    study_args a = { 0 };
    int n = 0;
    const int code = cli_parse(c, &a, argc, argv, &n);
    if (code >= 0) return code;
    if (n == 0 && !a.all) {
        if (c->json) list_json();
        else list_text();
        return 0;
    }
    const int count = choose(list, MOST, argv, n, &wrong);
    if (wrong) return cli_usage(c, "there is no study '%s'; did you mean '%s'?", wrong, fv_study_nearest(wrong));
    return run(c, &a, list, count);
}
