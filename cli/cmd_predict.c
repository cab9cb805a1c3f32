/* cmd_predict.c -- the most likely classes of pictures, as text, CSV or JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include "pictures.h"
#include <stdlib.h>
#include <string.h>

typedef struct predict_args {
    cli_network net;
    const char *list;
    int topk, batch, exif, order, tta;
    bool csv;
    float mean[3], std[3];
} predict_args;
// clang-format off
const cli_option options_predict[] = {
    NETWORK_OPTIONS(predict_args, net),
    NETWORK_LABELS_OPTION(predict_args, net),
    NETWORK_RANDOM_OPTION(predict_args, net),
    { "topk",       0,   CLI_INT,    offsetof(predict_args, topk),  "N",     "classes to name (5)", 1, 1000 },
    { "list",       0,   CLI_TEXT,   offsetof(predict_args, list),  "FILE",  "a file with a picture's name on each line", 0, 0 },
    { "csv",        0,   CLI_FLAG,   offsetof(predict_args, csv),   "",      "print file,rank,index,label,p", 0, 0 },
    { "batch-size", 'b', CLI_INT,    offsetof(predict_args, batch), "N",     "pictures of a run (16)", 1, 4096 },
    { "mean",       0,   CLI_REAL3,  offsetof(predict_args, mean),  "A B C", "subtracted from x / 255", 0, 0 },
    { "std",        0,   CLI_REAL3,  offsetof(predict_args, std),   "A B C", "divides what is left", 0, 0 },
    { "order",      0,   CLI_CHOICE, offsetof(predict_args, order), "rgb|bgr", "of the colours, and of --mean and --std", FV_RGB, 0 },
    { "exif",       0,   CLI_CHOICE, offsetof(predict_args, exif),  "apply|ignore", "orientation of photographs", FV_EXIF_APPLY, 0 },
    { "tta",        0,   CLI_CHOICE, offsetof(predict_args, tta),   "none|flip|five|ten", "mean over views: mirrored, five crops, both", FV_TTA_NONE, 0 },
    { 0 },
};
// clang-format on

/* What one run needs; answers are printed as they come, so that memory does not grow with the number of pictures. */
typedef struct predictor {
    cli *c;
    const predict_args *a;
    fv_net *net;
    fv_plan *plan;
    fv_prep prep;
    int classes, views;
    size_t pixels; /* floats of a picture: of all its views */
    float *input, *logits;
    const char **file; /* of each picture in the batch */
    fv_top *top;
    cli_json json;
    int worst; /* exit code so far */
} predictor;

/* RFC 4180: quotes are doubled. */
static void csv_text(const char *text)
{
    fputc('"', stdout);
    for (; *text; text++) {
        if (*text == '"') fputc('"', stdout);
        fputc(*text, stdout);
    }
    fputc('"', stdout);
}

static void answer_json(predictor *p, const char *file, int k)
{
    json_open(&p->json, NULL, '{');
    json_text(&p->json, "file", file);
    json_open(&p->json, "top", '[');
    for (int i = 0; i < k; i++) {
        json_open(&p->json, NULL, '{');
        json_int(&p->json, "index", p->top[i].index);
        json_text(&p->json, "label", p->top[i].label);
        json_real(&p->json, "p", p->top[i].p);
        json_close(&p->json, '}');
    }
    json_close(&p->json, ']');
    json_close(&p->json, '}');
}

static void answer(predictor *p, const char *file, int k)
{
    if (p->c->json) {
        answer_json(p, file, k);
        return;
    }
    for (int i = 0; p->a->csv && i < k; i++) {
        csv_text(file);
        printf(",%d,%d,", i + 1, p->top[i].index);
        csv_text(p->top[i].label ? p->top[i].label : "");
        printf(",%.6g\n", p->top[i].p);
    }
    if (p->a->csv) return;
    cli_text(stdout, file);
    printf("\n");
    for (int i = 0; i < k; i++) {
        printf("  %6.2f %%  ", 100.0 * p->top[i].p);
        if (p->top[i].label) cli_text(stdout, p->top[i].label);
        else printf("class %d", p->top[i].index);
        printf("\n");
    }
}

static void flush_batch(predictor *p, int n)
{
    if (n == 0) return;
    fv_run(p->plan, n * p->views, p->input, p->logits);
    for (int i = 0; i < n; i++) {
        float *logits = p->logits + (size_t)i * (size_t)p->views * (size_t)p->classes;
        if (p->views > 1) fv_mean_of_views(logits, p->classes, p->views);
        const int k = fv_topk(p->net, logits, p->a->topk, p->top);
        if (k < 0) {
            cli_say("%s: invalid: the network's answer is not a finite number", p->file[i]);
            p->worst = fv_status_exit(FV_BUG);
            continue;
        }
        answer(p, p->file[i], k);
    }
}

static void predict_all(predictor *p, const cli_pictures *pictures)
{
    int n = 0;
    if (p->c->json) {
        json_open(&p->json, NULL, '{');
        json_open(&p->json, "results", '[');
    } else if (p->a->csv) {
        printf("file,rank,index,label,p\n");
    }
    for (size_t i = 0; i < pictures->count; i++) {
        fv_err err = { 0 };
        const char *file = pictures->file[i];
        if (cli_picture_load(file, &p->prep, p->input + (size_t)n * p->pixels, &p->c->env, &err) != FV_OK) {
            const int code = cli_fail(&err); /* one unreadable picture does not keep the others waiting */
            if (p->worst == 0) p->worst = code;
            continue;
        }
        p->file[n++] = file;
        if (n < p->a->batch) continue;
        flush_batch(p, n);
        n = 0;
    }
    flush_batch(p, n);
    if (p->c->json) {
        json_close(&p->json, ']');
        json_close(&p->json, '}');
    }
}

static int predict(cli *c, predict_args *a, fv_net *net, const cli_pictures *pictures)
{
    fv_net_info info;
    fv_err err = { 0 };
    fv_net_describe(net, &info);
    const int views = fv_views((fv_tta)a->tta);
    a->batch = a->batch > views ? a->batch / views : 1; /* as many inputs as without views */
    if ((size_t)a->batch > pictures->count) a->batch = (int)pictures->count;
    predictor p = { .c = c, .a = a, .net = net, .prep = info.prep, .classes = info.classes, .json.out = stdout };
    p.views = views;
    p.prep.tta = (fv_tta)a->tta;
    if (a->exif) p.prep.exif = (fv_exif)a->exif;
    if (a->order) p.prep.order = (fv_order)a->order;
    if (a->std[0] != 0) {
        memcpy(p.prep.mean, a->mean, sizeof a->mean);
        memcpy(p.prep.std, a->std, sizeof a->std);
    }
    p.pixels = (size_t)p.prep.h * (size_t)p.prep.w * (size_t)p.prep.channels * (size_t)views;
    if (fv_plan_new(&p.plan, net, &(fv_plan_opts){ .batch = a->batch * views }, &err) != FV_OK) return cli_fail(&err);
    p.input = fv_plan_images(p.plan);
    p.logits = calloc((size_t)(a->batch * views) * (size_t)p.classes, sizeof *p.logits);
    p.file = calloc((size_t)a->batch, sizeof *p.file);
    p.top = calloc((size_t)a->topk, sizeof *p.top);
    if (p.logits && p.file && p.top) predict_all(&p, pictures);
    else p.worst = cli_nomem((size_t)(a->batch * views) * (size_t)p.classes * sizeof *p.logits);
    free(p.logits);
    free(p.file);
    free(p.top);
    fv_plan_free(p.plan);
    return p.worst;
}

int cmd_predict(cli *c, int argc, char **argv)
{
    predict_args a = { .topk = 5 };
    cli_pictures pictures = { 0 };
    fv_net *net = NULL;
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, a.list ? 0 : 1, argc);
    if (code < 0 && (a.std[0] != 0) != (a.mean[0] != 0 || a.std[0] != 0)) code = cli_usage(c, "--mean goes with --std");
    if (!a.batch) a.batch = a.net.low_memory ? 1 : 16;
    if (code < 0) code = cli_open_network(c, &a.net, true, &net);
    if (code < 0 && a.list) code = cli_pictures_add_list(&pictures, a.list);
    for (int i = 0; code < 0 && i < n; i++) code = cli_pictures_add(&pictures, argv[i]);
    if (code < 0 && pictures.count == 0) {
        cli_say("%s: the list names no pictures", a.list ? a.list : argv[0]);
        code = fv_status_exit(FV_NOINPUT);
    }
    if (code < 0) code = predict(c, &a, net, &pictures);
    cli_pictures_free(&pictures);
    fv_net_free(net);
    return code;
}
