/* cmd_summary.c -- one network, layer by layer.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <string.h>

typedef struct summary_args {
    cli_network net;
} summary_args;
const cli_option options_summary[] = {
    NETWORK_SHAPE_OPTIONS(summary_args, net),
    { 0 },
};

static void shape_json(cli_json *j, const char *key, const int *dim, int rank)
{
    json_open(j, key, '[');
    for (int i = 0; i < rank; i++) json_int(j, NULL, dim[i]);
    json_close(j, ']');
}

static void layers_json(cli_json *j, const fv_net *net)
{
    fv_layer l;
    json_open(j, "layers", '[');
    for (int i = 0; fv_net_layer(net, i, &l); i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", l.name);
        json_text(j, "op", l.op);
        shape_json(j, "out", (int[]){ l.out.h, l.out.w, l.out.c }, 3);
        json_int(j, "params", l.params);
        json_int(j, "macs", l.macs);
        json_int(j, "receptive_field", l.receptive_field);
        json_int(j, "stride", l.stride);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void summary_json(const fv_net *net, const fv_net_info *info, const fv_plan_info *plan)
{
    cli_json j = { .out = stdout };
    fv_key key;
    json_open(&j, NULL, '{');
    json_text(&j, "name", info->name);
    json_text(&j, "family", info->family);
    json_int(&j, "classes", info->classes);
    shape_json(&j, "input", (int[]){ info->prep.h, info->prep.w, info->prep.channels }, 3);
    json_int(&j, "params", info->params);
    json_int(&j, "aux_params", info->aux_params);
    json_int(&j, "macs", info->macs);
    json_int(&j, "peak_activation_bytes", (int64_t)plan->activation_bytes);
    json_open(&j, "keys", '[');
    for (int i = 0; fv_net_key(net, i, &key); i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", key.name);
        shape_json(&j, "shape", key.dim, key.rank);
        json_text(&j, "dtype", key.dtype);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    layers_json(&j, net);
    json_close(&j, '}');
}

static int longest_name(const fv_net *net)
{
    int most = 20;
    fv_layer l;
    for (int i = 0; fv_net_layer(net, i, &l); i++)
        if (l.name && (int)strlen(l.name) > most) most = (int)strlen(l.name);
    return most;
}

static void summary_text(const fv_net *net, const fv_net_info *info, const fv_plan_info *plan)
{
    fv_layer l;
    const int wide = longest_name(net);
    printf("%-*s %-18s %14s %11s %13s %9s\n", wide, "layer", "op", "output", "parameters", "MACs", "sees px");
    for (int i = 0; fv_net_layer(net, i, &l); i++) {
        char out[40];
        snprintf(out, sizeof out, "%dx%dx%d", l.out.h, l.out.w, l.out.c);
        printf("%-*s %-18s %14s %11" PRId64 " %13" PRId64 " %9d\n", wide, l.name ? l.name : "", l.op, out, l.params,
               l.macs, l.receptive_field);
    }
    printf("\n%s (%s): %" PRId64 " parameters, %.3f GMAC at %d x %d x %d, %d classes\n", info->name,
           info->family ? info->family : "own", info->params, 1e-9 * (double)info->macs, info->prep.h, info->prep.w,
           info->prep.channels, info->classes);
    if (info->aux_params)
        printf("and %" PRId64 " parameters of auxiliary classifiers, which only training uses\n", info->aux_params);
    printf("activations of one image: %.2f MiB in %d steps\n", (double)plan->activation_bytes / 1048576.0, plan->steps);
}

int cmd_summary(cli *c, int argc, char **argv)
{
    summary_args a = { 0 };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 1, 1);
    if (code >= 0) return code;
    a.net.model = argv[0];
    a.net.no_weights = true; /* nothing here depends on them */
    code = cli_open_network(c, &a.net, false, &net);
    if (code >= 0) return code;
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .mode = FV_INFER, .batch = 1 }, &err) != FV_OK) {
        code = cli_fail(&err);
    } else {
        fv_net_info info;
        fv_plan_info made;
        fv_net_describe(net, &info);
        fv_plan_describe(plan, &made);
        (c->json ? summary_json : summary_text)(net, &info, &made);
        code = 0;
    }
    fv_plan_free(plan);
    fv_net_free(net);
    return code;
}
