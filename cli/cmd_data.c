/* cmd_data.c -- pictures of a data set as files: as they are, and as training sees them; what is wrong with a data set.
 * SPDX-License-Identifier: Apache-2.0 */
#include "augment_options.h"
#include "output.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

typedef struct data_args {
    const char *split;
    int64_t count, start;
    int columns, workers, tiny;
    double imbalance;
    bool near;
    fv_train_opts train;
} data_args;
#define AT(field) offsetof(data_args, field)
// clang-format off
const cli_option options_data[] = {
    { "split",    0, CLI_TEXT,   AT(split),          "NAME", "export: train, val or test (train)", 0, 0 },
    { "count",    0, CLI_INT64,  AT(count),          "N",    "pictures to write (export: all, augment: 8)", 1, 1e9 },
    { "start",    0, CLI_INT64,  AT(start),          "I",    "the first one, counted from 0 (0)", 0, 1e9 },
    { "columns",  0, CLI_INT,    AT(columns),        "N",    "augment: epochs to show (8)", 1, 1000 },
    { "seed",     0, CLI_UINT64, AT(train.seed),     "N",    "augment: of all random numbers", 0, 0 },
    { "size",     0, CLI_INT,    AT(train.size),     "N",    "augment: height and width (224; small pictures: theirs)", 1, 4096 },
    { "channels", 0, CLI_INT,    AT(train.channels), "1|3",  "augment: channels (those of the data)", 1, 3 },
    { "workers",  'j', CLI_INT,  AT(workers),        "N",    "check: threads that look at pictures (all cores)", 1, 256 },
    { "tiny",     0, CLI_INT,    AT(tiny),           "N",    "check: tell pictures with a side below N pixels (32)", 1, 16384 },
    { "imbalance", 0, CLI_REAL,  AT(imbalance),      "R",    "check: tell a class R times as large as another (10)", 1, 1e9 },
    { "near",     0, CLI_FLAG,   AT(near),           "",     "check: pictures that are nearly the same, too (on); --no-near: only equal ones", 0, 0 },
    AUGMENT_OPTIONS(offsetof(data_args, train)),
    { 0 },
};
// clang-format on

static int export(const cli *c, const data_args *a, fv_data *data, const char *folder)
{
    fv_data_info info;
    fv_err err = { 0 };
    cli_json j = { .out = stdout };
    fv_data_describe(data, &info);
    const int64_t end = a->count && a->start + a->count < info.count ? a->start + a->count : info.count;
    if (c->json) json_open(&j, NULL, '[');
    for (int64_t i = a->start; i < end; i++) {
        char path[4096];
        int label = 0;
        if (snprintf(path, sizeof path, "%s/%s-%05" PRId64 ".png", folder, info.split, i) >= (int)sizeof path)
            return cli_usage(c, "the folder's name is too long");
        if (fv_data_export_png(data, i, path, &label, &err) != FV_OK) return cli_fail(&err);
        const char *name = info.class_names ? info.class_names[label] : NULL;
        if (c->json) {
            json_open(&j, NULL, '{');
            json_text(&j, "file", path);
            json_int(&j, "index", label);
            json_text(&j, "label", name);
            json_close(&j, '}');
        } else {
            cli_text(stdout, path);
            printf("  %d  ", label);
            cli_text(stdout, name ? name : "");
            printf("\n");
        }
    }
    if (c->json) json_close(&j, ']');
    return 0;
}

static int run_export(cli *c, const data_args *a, char **argv)
{
    fv_data *data = NULL;
    fv_err err = { 0 };
    int code;
    if (fv_data_open(&data, argv[0], &(fv_data_opts){ .split = a->split }, &c->env, &err) != FV_OK)
        return cli_fail(&err);
    if (mkdir(argv[1], 0777) != 0 && errno != EEXIST) {
        cli_say("%s: cannot create the folder: %s", argv[1], strerror(errno));
        code = fv_status_exit(FV_CREATE);
    } else {
        code = export(c, a, data, argv[1]);
    }
    fv_data_free(data);
    return code;
}

static int run_augment(cli *c, const data_args *a, char **argv)
{
    fv_train_opts o = a->train;
    fv_err err = { 0 };
    const fv_sheet sheet = { a->count ? (int)a->count : 8, a->columns ? a->columns : 8, a->start };
    o.data = argv[0];
    if (fv_augment_sheet(argv[1], &o, &sheet, &c->env, &err) != FV_OK) return cli_fail(&err);
    if (c->json) {
        cli_json j = { .out = stdout };
        json_open(&j, NULL, '{');
        json_text(&j, "file", argv[1]);
        json_close(&j, '}');
    } else {
        cli_text(stdout, argv[1]);
        printf("\n");
    }
    return 0;
}

typedef struct check_run {
    cli *c;
    cli_json j;
    cli_progress progress;
} check_run;

static void on_finding(void *user, const fv_data_finding *f)
{
    check_run *r = user;
    cli_progress_clear(&r->progress);
    if (r->c->json) {
        json_open(&r->j, NULL, '{');
        json_text(&r->j, "kind", f->kind);
        json_text(&r->j, "split", f->split);
        json_text(&r->j, "file", f->file);
        json_int(&r->j, "sample", f->sample);
        json_text(&r->j, "other_split", f->other_split);
        json_text(&r->j, "other", f->other);
        json_int(&r->j, "other_sample", f->other_sample);
        json_text(&r->j, "text", f->text);
        json_close(&r->j, '}');
        return;
    }
    printf("%-15s ", f->kind);
    const bool names_it = f->file && strncmp(f->text, f->file, strlen(f->file)) == 0;
    if (f->file && !names_it) {
        cli_text(stdout, f->file);
        if (f->packed) printf(" [%" PRId64 "]", f->sample);
        printf(": ");
    }
    cli_text(stdout, f->text);
    printf("\n");
}

static void on_progress(void *user, int64_t done, int64_t count)
{
    check_run *r = user;
    cli_progress_draw(&r->progress, done, count, "looking at %" PRId64 "/%" PRId64, done, count);
}

static int run_check(cli *c, const data_args *a, char **argv)
{
    check_run r = { .c = c, .j.out = stdout, .progress = cli_progress_new() };
    const fv_data_check_opts o = { .workers = a->workers,
                                   .tiny = a->tiny,
                                   .imbalance = a->imbalance,
                                   .no_near = !a->near,
                                   .seed = a->train.seed,
                                   .found = on_finding,
                                   .progress = on_progress,
                                   .user = &r };
    fv_data_checked all;
    fv_err err = { 0 };
    c->progress = &r.progress;
    if (c->json) {
        json_open(&r.j, NULL, '{');
        json_open(&r.j, "findings", '[');
    }
    const fv_status s = fv_data_check(&all, argv[0], &o, &c->env, &err);
    cli_progress_clear(&r.progress);
    c->progress = NULL;
    if (c->json) {
        json_close(&r.j, ']');
        json_int(&r.j, "pictures", all.pictures);
        json_open(&r.j, "splits", '[');
        for (int i = 0; i < all.splits; i++) {
            json_open(&r.j, NULL, '{');
            json_text(&r.j, "split", all.split[i]);
            json_int(&r.j, "count", all.count[i]);
            json_close(&r.j, '}');
        }
        json_close(&r.j, ']');
        json_bool(&r.j, "clean", s == FV_OK && all.findings == 0);
        json_close(&r.j, '}');
    }
    if (s != FV_OK) return cli_fail(&err);
    if (!c->json)
        printf("%" PRId64 " pictures in %d split%s, %" PRId64 " finding%s\n", all.pictures, all.splits,
               all.splits == 1 ? "" : "s", all.findings, all.findings == 1 ? "" : "s");
    return all.findings > 0 ? fv_status_exit(FV_FAILED) : 0;
}

static const struct action {
    const char *name;
    int (*run)(cli *c, const data_args *a, char **argv);
    int arguments;
} actions[] = {
    { "export", run_export, 2 },
    { "augment", run_augment, 2 },
    { "check", run_check, 1 },
    { 0 },
};

static const char *action_name(int i, const void *of)
{
    (void)of;
    return actions[i].name;
}

int cmd_data(cli *c, int argc, char **argv)
{
    data_args a = { .near = true };
    int n = 0;
    fv_train_defaults(&a.train);
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 1, 3);
    if (code >= 0) return code;
    for (const struct action *x = actions; x->name; x++) {
        if (strcmp(x->name, argv[0]) != 0) continue;
        code = cli_expect(c, n - 1, x->arguments, x->arguments);
        return code < 0 ? x->run(c, &a, argv + 1) : code;
    }
    const char *near = cli_nearest(argv[0], action_name, NULL);
    return cli_usage(c, "there is no 'data %s'; did you mean 'data %s'?", argv[0], near ? near : "export");
}
