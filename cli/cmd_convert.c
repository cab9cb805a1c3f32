/* cmd_convert.c -- weights of any format that is read, as a model file or NumPy's archive, under our names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <string.h>

typedef struct convert_args {
    cli_network net;
    bool explain;
} convert_args;
// clang-format off
const cli_option options_convert[] = {
    { "model",   0, CLI_TEXT,   offsetof(convert_args, net.model),   "NAME", "the network; default: what the file says, or fits", 0, 0 },
    { "classes", 0, CLI_INT,    offsetof(convert_args, net.classes), "N",    "classes of the network", 1, 1 << 20 },
    { "stem",    0, CLI_CHOICE, offsetof(convert_args, net.stem),    "imagenet|cifar", "first layers: for 224 pixels, or for 28 to 64", FV_STEM_IMAGENET, 0 },
    { "ema",     0, CLI_FLAG,   offsetof(convert_args, net.ema),     "",     "the moving averages of a checkpoint that has them", 0, 0 },
    { "explain", 0, CLI_FLAG,   offsetof(convert_args, explain),     "",     "show every name, in the file and in the network", 0, 0 },
    { 0 },
};
// clang-format on

typedef struct report {
    int64_t count[FV_MATCH_COUNT];
    cli_json *json; /* NULL: as lines */
    bool explain;
} report;

static const char *const words[FV_MATCH_COUNT] = {
    [FV_MATCH_SAME] = "same",       [FV_MATCH_RENAMED] = "renamed", [FV_MATCH_FRESH] = "fresh",
    [FV_MATCH_MISSING] = "missing", [FV_MATCH_EXTRA] = "extra",     [FV_MATCH_MISSHAPEN] = "misshapen",
};

static void on_match(void *user, const fv_match_line *line)
{
    report *r = user;
    r->count[line->kind]++;
    if (!r->explain) return;
    if (r->json) {
        json_open(r->json, NULL, '{');
        json_text(r->json, "kind", words[line->kind]);
        json_text(r->json, "tensor", line->tensor);
        json_text(r->json, "param", line->param);
        json_text(r->json, "why", line->why);
        json_close(r->json, '}');
        return;
    }
    printf("%-10s", words[line->kind]);
    if (line->tensor) cli_text(stdout, line->tensor);
    if (line->param && (!line->tensor || strcmp(line->tensor, line->param) != 0)) {
        printf("%s", line->tensor ? " -> " : "");
        cli_text(stdout, line->param);
    }
    printf("%s%s\n", line->why ? ": " : "", line->why ? line->why : "");
}

/* By what the file says of itself; else by what its tensors fit. */
static fv_status open_weights(fv_net **net, const cli *c, const convert_args *a, const char *in, report *r, fv_err *err)
{
    fv_net_opts o = { .weights = in,
                      .classes = a->net.classes,
                      .stem = (fv_stem)a->net.stem,
                      .ema = a->net.ema,
                      .match = on_match,
                      .match_user = r };
    const char *name = a->net.model;
    double share;
    fv_err first = { 0 };
    if (!name) {
        fv_net_opts own = o;
        own.weights = NULL;
        const fv_status s = fv_net_open(net, in, &own, &c->env, &first);
        if (s != FV_FORMAT) {
            *err = first;
            return s;
        }
        const fv_status guessed = fv_model_guess(&name, &share, in, &c->env, err);
        if (guessed != FV_OK) return guessed;
        if (share < 1) {
            snprintf(err->msg, sizeof err->msg,
                     "%s: name its network by --model; the closest is '%s', which %.0f %% fit", in, name, 100 * share);
            return err->status = FV_SHAPE;
        }
    }
    return fv_net_open(net, name, &o, &c->env, err);
}

static bool ends_in(const char *path, const char *tail)
{
    const size_t n = strlen(path), t = strlen(tail);
    return n > t && strcmp(path + n - t, tail) == 0;
}

static int64_t tensors(const report *r)
{
    return r->count[FV_MATCH_SAME] + r->count[FV_MATCH_RENAMED] + r->count[FV_MATCH_FRESH] + r->count[FV_MATCH_EXTRA] +
           r->count[FV_MATCH_MISSHAPEN];
}

static void tell(const report *r, const char *out)
{
    if (!r->json) {
        printf("%s: %lld tensors, %lld renamed\n", out, (long long)tensors(r), (long long)r->count[FV_MATCH_RENAMED]);
        return;
    }
    if (r->explain) json_close(r->json, ']');
    json_int(r->json, "tensors", tensors(r));
    for (int k = 0; k < (int)FV_MATCH_COUNT; k++) json_int(r->json, words[k], r->count[k]);
    json_text(r->json, "output", out);
    json_close(r->json, '}');
}

int cmd_convert(cli *c, int argc, char **argv)
{
    convert_args a = { 0 };
    cli_json json = { .out = stdout };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 2, 2);
    if (code < 0 && a.net.model) code = cli_check_model(c, a.net.model);
    if (code >= 0) return code;
    if (!ends_in(argv[1], ".safetensors") && !ends_in(argv[1], ".npz"))
        return cli_usage(c, "%s: the file to write ends in .safetensors or .npz", argv[1]);
    report r = { .json = c->json ? &json : NULL, .explain = a.explain };
    fv_err err = { 0 };
    fv_net *net = NULL;
    if (r.json) {
        json_open(r.json, NULL, '{');
        if (r.explain) json_open(r.json, "names", '[');
    }
    fv_status s = open_weights(&net, c, &a, argv[0], &r, &err);
    if (s == FV_OK) s = fv_net_save(net, argv[1], &err);
    fv_net_free(net);
    if (s == FV_OK || r.json) tell(&r, s == FV_OK ? argv[1] : NULL);
    return s == FV_OK ? 0 : cli_fail(&err);
}
