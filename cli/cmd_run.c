/* cmd_run.c -- an array through a network: no pre-processing, logits out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <stdlib.h>

typedef struct run_args {
    cli_network net;
    const char *input, *output;
    int layout; /* 1: nchw */
} run_args;
const cli_option options_run[] = {
    NETWORK_OPTIONS(run_args, net),
    { "input", 0, CLI_TEXT, offsetof(run_args, input), "X.npy", "float32 array of four dimensions", 0, 0 },
    { "output", 0, CLI_TEXT, offsetof(run_args, output), "Y.npy", "logits, [n, classes]", 0, 0 },
    { "layout", 0, CLI_CHOICE, offsetof(run_args, layout), "nhwc|nchw", "order of the input's dimensions (nhwc)", 0,
      0 },
    { 0 },
};

enum { BATCH = 32 }; /* images of one fv_run; the answers do not depend on it */

/* A copy of planes n, c, h, w as n, h, w, c; NULL without memory. */
static float *to_nhwc(const fv_array *a)
{
    const size_t images = (size_t)a->dim[0], c = (size_t)a->dim[1], area = (size_t)a->dim[2] * (size_t)a->dim[3];
    float *out = malloc((images * c * area + 1) * sizeof *out);
    if (!out) return NULL;
    for (size_t n = 0; n < images; n++)
        for (size_t i = 0; i < area; i++)
            for (size_t k = 0; k < c; k++) out[(n * area + i) * c + k] = a->data[(n * c + k) * area + i];
    return out;
}

/* Runs all images; the array's height and width make the plan. Returns -1 or an exit code. */
static int run_all(fv_array *y, fv_net *net, const float *x, fv_shape s, int most, double *ms)
{
    fv_err err = { 0 };
    fv_plan *plan = NULL;
    fv_net_info info;
    fv_net_describe(net, &info);
    if (info.prep.channels != s.c) {
        cli_say("the array has %d channels, '%s' takes %d", s.c, info.name, info.prep.channels);
        return fv_status_exit(FV_SHAPE);
    }
    const size_t bytes = (size_t)s.n * (size_t)info.classes * sizeof(float);
    const int batch = s.n < most ? s.n : most;
    *y = (fv_array){ .rank = 2, .dim = { s.n, info.classes }, .data = malloc(bytes) };
    if (!y->data) return cli_nomem(bytes);
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .batch = batch, .h = s.h, .w = s.w }, &err) != FV_OK)
        return cli_fail(&err);
    const size_t pixels = (size_t)s.h * (size_t)s.w * (size_t)s.c;
    const double start = cli_now();
    for (int i = 0; i < s.n; i += batch)
        fv_run(plan, s.n - i < batch ? s.n - i : batch, x + (size_t)i * pixels,
               y->data + (size_t)i * (size_t)info.classes);
    *ms = 1e3 * (cli_now() - start);
    fv_plan_free(plan);
    return -1;
}

static int report(const cli *c, const run_args *a, const fv_array *y, double ms)
{
    fv_err err = { 0 };
    if (fv_npy_write(y, a->output, &err) != FV_OK) return cli_fail(&err);
    if (!c->json) {
        printf("%d images, %d classes, %.3f ms: %s\n", y->dim[0], y->dim[1], ms, a->output);
        return 0;
    }
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_text(&j, "input", a->input);
    json_text(&j, "output", a->output);
    json_real(&j, "ms", ms);
    json_int(&j, "n", y->dim[0]);
    json_int(&j, "classes", y->dim[1]);
    json_close(&j, '}');
    return 0;
}

/* The network takes its channels, and a square input its size, from the array. */
static int through(cli *c, run_args *a, const fv_array *x)
{
    const bool nchw = a->layout == 1;
    const int *d = x->dim;
    const fv_shape s = nchw ? (fv_shape){ d[0], d[2], d[3], d[1] } : (fv_shape){ d[0], d[1], d[2], d[3] };
    fv_net *net = NULL;
    double ms = 0;
    if (fv_model_find(a->net.model ? a->net.model : "") && !a->net.channels) a->net.channels = s.c;
    if (fv_model_find(a->net.model ? a->net.model : "") && !a->net.size && s.h == s.w) a->net.size = s.h;
    int code = cli_open_network(c, &a->net, false, &net);
    if (code >= 0) return code;
    float *turned = nchw ? to_nhwc(x) : NULL;
    fv_array y = { 0 };
    code = nchw && !turned ? cli_nomem(0)
                           : run_all(&y, net, nchw ? turned : x->data, s, a->net.low_memory ? 1 : BATCH, &ms);
    if (code < 0) code = report(c, a, &y, ms);
    free(y.data);
    free(turned);
    fv_net_free(net);
    return code;
}

int cmd_run(cli *c, int argc, char **argv)
{
    run_args a = { 0 };
    fv_array x = { 0 };
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 0, 0);
    if (code < 0) code = cli_check_model(c, a.net.model);
    if (code >= 0) return code;
    if (!a.input || !a.output) return cli_usage(c, "--%s is missing", a.input ? "output" : "input");
    if (fv_npy_read(&x, a.input, &c->env, &err) != FV_OK) return cli_fail(&err);
    bool whole = x.rank == 4;
    for (int i = 0; i < x.rank; i++) whole = whole && x.dim[i] > 0;
    if (whole) {
        code = through(c, &a, &x);
    } else {
        cli_say("%s: wants four dimensions (%s) that are not 0, and has %d", a.input,
                a.layout ? "n, c, h, w" : "n, h, w, c", x.rank);
        code = fv_status_exit(FV_SHAPE);
    }
    fv_array_free(&x, &c->env);
    return code;
}
