/* cmd_eval.c -- accuracy on labelled pictures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <string.h>

typedef struct eval_args {
    cli_network net;
    const char *split, *report;
    double val_share, max_bad;
    uint64_t split_seed;
    float mean[3], std[3];
    int batch, workers, exif, order, tta, topk;
    bool per_class, confusion, calibration;
} eval_args;
// clang-format off
const cli_option options_eval[] = {
    NETWORK_OPTIONS(eval_args, net),
    NETWORK_LABELS_OPTION(eval_args, net),
    NETWORK_RANDOM_OPTION(eval_args, net),
    { "split",      0,   CLI_TEXT,   offsetof(eval_args, split),      "NAME",  "train, val or test (val, or test where there is none)", 0, 0 },
    { "val-share",  0,   CLI_REAL,   offsetof(eval_args, val_share),  "SHARE", "of a folder without splits that is val (0.2)", 0, 0.9 },
    { "split-seed", 0,   CLI_UINT64, offsetof(eval_args, split_seed), "N",     "of that split: train's --seed", 0, 0 },
    { "batch-size", 'b', CLI_INT,    offsetof(eval_args, batch),      "N",     "images of a run (32)", 1, 65536 },
    { "workers",    'j', CLI_INT,    offsetof(eval_args, workers),    "N",     "threads that decode pictures (1)", 1, 256 },
    { "mean",       0,   CLI_REAL3,  offsetof(eval_args, mean),       "A B C", "subtracted from x / 255", 0, 0 },
    { "std",        0,   CLI_REAL3,  offsetof(eval_args, std),        "A B C", "divides what is left", 0, 0 },
    { "order",      0,   CLI_CHOICE, offsetof(eval_args, order),      "rgb|bgr", "of the colours, and of --mean and --std", FV_RGB, 0 },
    { "exif",       0,   CLI_CHOICE, offsetof(eval_args, exif),       "apply|ignore", "orientation of photographs", FV_EXIF_APPLY, 0 },
    { "tta",        0,   CLI_CHOICE, offsetof(eval_args, tta),        "none|flip|five|ten", "mean over views: mirrored, five crops, both", FV_TTA_NONE, 0 },
    { "max-bad",    0,   CLI_REAL,   offsetof(eval_args, max_bad),    "SHARE", "unreadable pictures that are forgiven (0)", 0, 1 },
    { "topk",       0,   CLI_INT,    offsetof(eval_args, topk),       "K",     "also measure top-K", 1, 1 << 24 },
    { "per-class",  0,   CLI_FLAG,   offsetof(eval_args, per_class),  "",      "print precision, recall and F1 of each class", 0, 0 },
    { "calibration", 0,  CLI_FLAG,   offsetof(eval_args, calibration), "",     "print how often answers of each probability are right", 0, 0 },
    { "report",     0,   CLI_TEXT,   offsetof(eval_args, report),     "FILE",  "write all of it as an HTML page, with pictures", 0, 0 },
    { "confusion",  0,   CLI_FLAG,   offsetof(eval_args, confusion),  "",      "print the confusion matrix", 0, 0 },
    { 0 },
};
// clang-format on

static void on_progress(void *user, int64_t done, int64_t count)
{
    cli_progress *p = user;
    cli_progress_draw(p, done, count, "%" PRId64 "/%" PRId64, done, count);
}

static int64_t cell(const fv_metrics *m, int label, int predicted)
{
    return m->confusion[(size_t)label * (size_t)m->classes + (size_t)predicted];
}

static void class_name(char *out, size_t cap, const fv_data_info *d, int i)
{
    if (d->class_names && i < d->classes) snprintf(out, cap, "%s", d->class_names[i]);
    else snprintf(out, cap, "%d", i);
}

/* A name and its scores, in columns. */
static void score_line(const char *name, const fv_class_score *s)
{
    cli_text(stdout, name);
    const int gap = 24 - (int)strlen(name);
    printf("%*s %8" PRId64 " %8" PRId64 " %8" PRId64 " %10.2f %8.2f %8.2f\n", gap > 0 ? gap : 0, "", s->n, s->answered,
           s->correct, s->precision, s->recall, s->f1);
}

static void per_class_text(const fv_metrics *m, const fv_data_info *d)
{
    fv_class_score macro, weighted;
    printf("\n%-24s %8s %8s %8s %10s %8s %8s\n", "class", "images", "answers", "right", "precision", "recall", "F1");
    for (int i = 0; i < m->classes; i++) {
        char name[200];
        const fv_class_score s = fv_score_class(m, i);
        class_name(name, sizeof name, d, i);
        score_line(name, &s);
    }
    fv_score_means(m, &macro, &weighted);
    score_line("macro mean", &macro);
    score_line("weighted mean", &weighted);
}

static void calibration_text(const fv_metrics *m)
{
    printf("\n%-15s %8s %8s %8s %10s\n", "probability", "images", "right", "mean p", "accuracy");
    for (int i = 0; i < FV_BINS; i++) {
        const fv_bin *b = &m->bin[i];
        if (b->n == 0) continue;
        printf("%.3f to %.3f  %8" PRId64 " %8" PRId64 " %8.3f %8.2f %%\n", (double)i / FV_BINS, (i + 1.0) / FV_BINS,
               b->n, b->correct, b->p, 100.0 * (double)b->correct / (double)b->n);
    }
    printf("calibration error: expected %.4f, largest %.4f\n", m->ece, m->mce);
}

static void eval_text(const fv_metrics *m, const fv_data_info *d, const eval_args *a)
{
    fv_class_score macro, weighted;
    fv_score_means(m, &macro, &weighted);
    printf("top-1 %.2f %%, top-5 %.2f %%, loss %.4f: %" PRId64 " of %" PRId64 " right, %.1f images/s\n", m->top1,
           m->top5, m->loss, m->correct, m->n, m->images_per_s);
    if (a->topk) printf("top-%d %.2f %%\n", m->k, m->topk);
    printf("means over the classes: precision %.2f %%, recall %.2f %%, F1 %.2f %%; calibration error (ECE) %.4f\n",
           macro.precision, macro.recall, macro.f1, m->ece);
    if (a->per_class) per_class_text(m, d);
    if (a->calibration) calibration_text(m);
    if (!a->confusion) return;
    printf("\nconfusion: a row per label, a column per answer\n");
    for (int i = 0; i < m->classes; i++)
        for (int j = 0; j < m->classes; j++) printf("%6" PRId64 "%s", cell(m, i, j), j + 1 < m->classes ? " " : "\n");
}

static void shares_json(cli_json *j, const fv_class_score *s)
{
    json_real(j, "precision", s->precision);
    json_real(j, "recall", s->recall);
    json_real(j, "f1", s->f1);
}

static void classes_json(cli_json *j, const fv_metrics *m, const fv_data_info *d)
{
    fv_class_score means[2];
    json_open(j, "classes", '[');
    for (int i = 0; i < m->classes; i++) {
        char name[200];
        const fv_class_score s = fv_score_class(m, i);
        class_name(name, sizeof name, d, i);
        json_open(j, NULL, '{');
        json_text(j, "name", name);
        json_int(j, "n", s.n);
        json_int(j, "answered", s.answered);
        json_int(j, "correct", s.correct);
        shares_json(j, &s);
        json_close(j, '}');
    }
    json_close(j, ']');
    fv_score_means(m, &means[0], &means[1]);
    for (int i = 0; i < 2; i++) {
        json_open(j, i == 0 ? "macro" : "weighted", '{');
        shares_json(j, &means[i]);
        json_close(j, '}');
    }
}

static void calibration_json(cli_json *j, const fv_metrics *m)
{
    json_real(j, "ece", m->ece);
    json_real(j, "mce", m->mce);
    json_open(j, "bins", '[');
    for (int i = 0; i < FV_BINS; i++) {
        json_open(j, NULL, '{');
        json_real(j, "above", (double)i / FV_BINS);
        json_int(j, "n", m->bin[i].n);
        json_int(j, "correct", m->bin[i].correct);
        json_real(j, "p", m->bin[i].p);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void eval_json(const fv_metrics *m, const fv_data_info *d, const eval_args *a)
{
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_text(&j, "split", d->split);
    json_int(&j, "n", m->n);
    json_int(&j, "correct", m->correct);
    json_real(&j, "top1", m->top1);
    json_real(&j, "top5", m->top5);
    if (a->topk) json_int(&j, "k", m->k);
    if (a->topk) json_real(&j, "topk", m->topk);
    json_real(&j, "loss", m->loss);
    json_real(&j, "images_per_s", m->images_per_s);
    json_int(&j, "bad", m->nbad);
    classes_json(&j, m, d);
    calibration_json(&j, m);
    if (a->confusion) {
        json_open(&j, "confusion", '[');
        for (int i = 0; i < m->classes; i++) {
            json_open(&j, NULL, '[');
            for (int k = 0; k < m->classes; k++) json_int(&j, NULL, cell(m, i, k));
            json_close(&j, ']');
        }
        json_close(&j, ']');
    }
    json_close(&j, '}');
}

/* The split that was asked for; else val, or test where the data have no val. */
static fv_status open_data(fv_data **data, const char *path, const eval_args *a, const fv_net_info *net,
                           const fv_env *env, fv_err *err)
{
    fv_data_opts o = { .split = a->split ? a->split : "val", .val_share = a->val_share, .seed = a->split_seed };
    if (net->class_names) o.class_names = net->class_names, o.classes = net->classes;
    const fv_status s = fv_data_open(data, path, &o, env, err);
    if (a->split || s != FV_NOINPUT) return s;
    fv_err second = { 0 };
    o.split = "test";
    const fv_status t = fv_data_open(data, path, &o, env, &second);
    if (t != FV_NOINPUT) *err = second; /* else the first complaint stands */
    return t;
}

/* Where the data name no classes, the model may. */
static fv_data_info classes_of(const fv_data *data, const fv_net *net)
{
    fv_data_info info;
    fv_net_info own;
    fv_data_describe(data, &info);
    fv_net_describe(net, &own);
    if (!info.class_names && info.classes == own.classes) info.class_names = own.class_names;
    return info;
}

static int evaluate(cli *c, const eval_args *a, fv_net *net, fv_data *data)
{
    fv_err err = { 0 };
    fv_metrics m = { 0 };
    cli_progress progress = cli_progress_new();
    fv_eval_opts o = { .prep.exif = (fv_exif)a->exif,
                       .prep.order = (fv_order)a->order,
                       .prep.tta = (fv_tta)a->tta,
                       .batch = a->batch || !a->net.low_memory ? a->batch : 1,
                       .workers = a->workers,
                       .max_bad = a->max_bad,
                       .topk = a->topk,
                       .report = a->report,
                       .progress = on_progress,
                       .user = &progress };
    memcpy(o.prep.mean, a->mean, sizeof a->mean);
    memcpy(o.prep.std, a->std, sizeof a->std);
    c->progress = &progress;
    const fv_status s = fv_evaluate(&m, net, data, &o, &err);
    cli_progress_clear(&progress);
    c->progress = NULL;
    for (int64_t i = 0; m.bad && i < m.nbad; i++) {
        if (strncmp(m.bad[i].reason, m.bad[i].file, strlen(m.bad[i].file)) == 0)
            cli_say("%s", m.bad[i].reason); /* which names the file already */
        else cli_say("%s: %s", m.bad[i].file, m.bad[i].reason);
    }
    int code = 0;
    if (s != FV_OK) {
        code = cli_fail(&err);
    } else {
        const fv_data_info info = classes_of(data, net);
        (c->json ? eval_json : eval_text)(&m, &info, a);
    }
    fv_metrics_free(&m);
    return code;
}

int cmd_eval(cli *c, int argc, char **argv)
{
    eval_args a = { 0 };
    fv_net *net = NULL;
    fv_data *data = NULL;
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 1, 1);
    if (code < 0) code = cli_open_network(c, &a.net, true, &net);
    if (code >= 0) return code;
    fv_net_info info;
    fv_net_describe(net, &info);
    code = open_data(&data, argv[0], &a, &info, &c->env, &err) == FV_OK ? evaluate(c, &a, net, data) : cli_fail(&err);
    fv_data_free(data);
    fv_net_free(net);
    return code;
}
