/* cmd_compare.c -- networks side by side, measured on this machine, and the best within a budget.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct compare_args {
    const char *budget, *html;
    int batch, size, threads;
    double seconds;
} compare_args;
// clang-format off
const cli_option options_compare[] = {
    { "budget",     0,   CLI_TEXT, offsetof(compare_args, budget),  "BOUNDS", "name the best within, as \"latency<10ms,params<5M\"; also throughput, macs, memory, access, top1, size", 0, 0 },
    { "html",       0,   CLI_TEXT, offsetof(compare_args, html),    "FILE",   "write a page with accuracy against latency as well", 0, 0 },
    { "batch-size", 'b', CLI_INT,  offsetof(compare_args, batch),   "N",      "images at once, for the throughput; default 8", 1, 1024 },
    { "size",       0,   CLI_INT,  offsetof(compare_args, size),    "N",      "height and width of the input; no accuracy is published for another than the network's own", 1, 16384 },
    { "seconds",    0,   CLI_REAL, offsetof(compare_args, seconds), "S",      "to measure each network for, about, after warming up; default 0.5", 0.001, 3600 },
    { "threads",    0,   CLI_INT,  offsetof(compare_args, threads), "N",      "threads; default: the cores this process may use", 1, 1024 },
    { 0 },
};
// clang-format on
enum { MOST_NAMED = 10 };

static bool show_progress(void *user, int done, int count, const char *name)
{
    cli_progress *p = user;
    if (name) cli_progress_draw(p, done, count, "measuring %s", name);
    else cli_progress_clear(p);
    return true;
}

static void one_json(cli_json *j, const fv_compared *r)
{
    json_open(j, NULL, '{');
    json_text(j, "name", r->name);
    json_text(j, "family", r->model ? r->model->family : NULL);
    json_int(j, "input_size", r->size);
    json_int(j, "params", r->cost.params);
    json_int(j, "macs", r->cost.macs);
    json_int(j, "memory_access", r->cost.memory_access);
    json_real(j, "latency_ms", r->latency_ms);
    json_real(j, "images_per_s", r->images_per_s);
    if (r->bytes) json_int(j, "memory_bytes", (int64_t)r->bytes);
    else json_real(j, "memory_bytes", NAN);
    json_real(j, "top1", r->top1 > 0 ? r->top1 : NAN);
    json_text(j, "source", r->top1 > 0 && r->model ? r->model->source : NULL);
    json_bool(j, "within", r->within);
    json_bool(j, "front", r->front);
    json_close(j, '}');
}

static void compare_json(const fv_comparison *c)
{
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_text(&j, "cpu", fv_cpu_name(c->cpu));
    json_int(&j, "threads", c->threads);
    json_int(&j, "batch_size", c->batch);
    json_text(&j, "budget", c->budget);
    json_open(&j, "models", '[');
    for (int i = 0; i < c->n; i++) one_json(&j, &c->row[i]);
    json_close(&j, ']');
    json_open(&j, "best", '[');
    for (int i = 0, named = 0; i < c->n && named < MOST_NAMED; i++)
        if (c->row[i].within && ++named) json_text(&j, NULL, c->row[i].name);
    json_close(&j, ']');
    json_close(&j, '}');
}

static void number(double v, int wide, int decimals)
{
    if (isfinite(v)) printf(" %*.*f", wide, decimals, v);
    else printf(" %*s", wide, "-");
}

static void compare_text(const fv_comparison *c)
{
    int wide = 7, named = 0;
    for (int i = 0; i < c->n; i++)
        if ((int)strlen(c->row[i].name) > wide) wide = (int)strlen(c->row[i].name);
    printf("%-*s %6s %7s %10s %9s %9s %9s %9s %8s  %s\n", wide, "network", "input", "top-1 %", "latency ms", "images/s",
           "params M", "MACs M", "access M", "MiB", "");
    for (int i = 0; i < c->n; i++) {
        const fv_compared *r = &c->row[i];
        if (c->budget && !r->within && c->n > 2 * MOST_NAMED) continue; /* of many, only those asked for */
        printf("%-*s %6d", wide, r->name, r->size);
        number(r->top1 > 0 ? r->top1 : NAN, 7, 2);
        number(r->latency_ms, 10, 2);
        number(r->images_per_s, 9, 1);
        number(1e-6 * (double)r->cost.params, 9, 2);
        number(1e-6 * (double)r->cost.macs, 9, 1);
        number(1e-6 * (double)r->cost.memory_access, 9, 1);
        number(r->bytes ? (double)r->bytes / 1048576.0 : NAN, 8, 1);
        printf("  %s\n", r->front ? "front" : r->within ? "" : "beyond the budget");
    }
    printf("\n%s, %d threads; images/s in batches of %d; top-1 as published\n", fv_cpu_name(c->cpu), c->threads,
           c->batch);
    if (!c->budget) return;
    for (int i = 0; i < c->n && named < MOST_NAMED; i++)
        if (c->row[i].within) printf("%s%s", named++ ? ", " : "best within the budget: ", c->row[i].name);
    printf("%s", named ? "\n" : "");
}

int cmd_compare(cli *c, int argc, char **argv)
{
    compare_args a = { 0 };
    fv_comparison got;
    fv_err err = { 0 };
    fv_budget budget;
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0 && fv_budget_parse(&budget, a.budget, &err) != FV_OK) code = cli_fail(&err);
    for (int i = 0; i < n && code < 0; i++) code = cli_check_model(c, argv[i]);
    if (code >= 0) return code;
    cli_progress bar = cli_progress_new();
    const fv_compare_opts opts = { .model = (const char *const *)argv,
                                   .nmodels = n,
                                   .batch = a.batch,
                                   .size = a.size,
                                   .seconds = a.seconds,
                                   .budget = a.budget,
                                   .progress = show_progress,
                                   .user = &bar };
    c->env.threads = a.threads;
    c->progress = &bar;
    if (fv_compare(&got, &opts, &c->env, &err) != FV_OK) return cli_fail(&err);
    code = 0;
    if (a.html && fv_comparison_page(&got, a.html, &c->env, &err) != FV_OK) code = cli_fail(&err);
    else (c->json ? compare_json : compare_text)(&got);
    bool any = !a.budget;
    for (int i = 0; i < got.n; i++) any |= got.row[i].within;
    if (code == 0 && !any) {
        cli_say("no network is within %s", a.budget);
        code = fv_status_exit(FV_FAILED);
    }
    fv_comparison_free(&got, &c->env);
    return code;
}
