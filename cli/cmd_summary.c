/* cmd_summary.c -- one network, layer by layer: sizes, costs, what each layer sees.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <string.h>

typedef struct summary_args {
    cli_network net;
    const char *layers, *html;
    int batch;
    bool dot;
} summary_args;
// clang-format off
const cli_option options_summary[] = {
    NETWORK_SHAPE_OPTIONS(summary_args, net),
    { "batch-size", 'b', CLI_INT, offsetof(summary_args, batch),  "N",    "images at once, for the bytes; default 1", 1, 1 << 20 },
    { "layers",     0,   CLI_TEXT, offsetof(summary_args, layers), "LIST", "instead of MODEL: layers such as \"conv7/2p3:64 pool3/2p1 conv3p1*2\"; also dw, avg, gap, fc, d2, g4, same, ceil, 299x299x3", 0, 0 },
    { "html",       0,   CLI_TEXT, offsetof(summary_args, html),   "FILE", "write a page with a picture of the network as well", 0, 0 },
    { "dot",        0,   CLI_FLAG, offsetof(summary_args, dot),    "",     "print the graph for Graphviz instead", 0, 0 },
    { 0 },
};
// clang-format on

/* What is shown: the network, and a plan for its memory. */
typedef struct view {
    const fv_net *net;
    fv_net_info info;
    fv_plan_info plan;
    fv_cost cost;
    int batch;
} view;

static int64_t moved_bytes(const fv_cost *c, int batch)
{
    return 4 * (c->moved * batch + (c->moved ? c->stored : 0));
}

static void shape_json(cli_json *j, const char *key, const int *dim, int rank)
{
    json_open(j, key, '[');
    for (int i = 0; i < rank; i++) json_int(j, NULL, dim[i]);
    json_close(j, ']');
}

static void cost_json(cli_json *j, const fv_cost *c, int batch)
{
    json_int(j, "params", c->params);
    json_int(j, "macs", c->macs);
    json_int(j, "memory_access", c->memory_access);
    json_int(j, "access_bytes", moved_bytes(c, batch));
    json_int(j, "activation_bytes", 4 * c->out * batch);
}

static void layers_json(cli_json *j, const view *v)
{
    fv_layer l;
    json_open(j, "layers", '[');
    for (int i = 0; fv_net_layer(v->net, i, &l); i++) {
        json_open(j, NULL, '{');
        json_text(j, "name", l.name);
        json_text(j, "op", l.op);
        json_text(j, "detail", l.detail);
        shape_json(j, "in", l.input, l.inputs);
        shape_json(j, "out", (int[]){ l.out.h, l.out.w, l.out.c }, 3);
        cost_json(j, &l.cost, v->batch);
        json_int(j, "receptive_field", l.receptive_field);
        json_int(j, "receptive_field_w", l.receptive_field_w);
        json_int(j, "stride", l.stride);
        json_int(j, "stride_w", l.stride_w);
        json_bool(j, "aux", l.aux);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void operators_json(cli_json *j, const view *v)
{
    fv_operator all;
    json_open(j, "operators", '[');
    for (int i = 0; fv_net_operator(v->net, i, &all); i++) {
        json_open(j, NULL, '{');
        json_text(j, "op", all.op);
        json_int(j, "layers", all.layers);
        cost_json(j, &all.cost, v->batch);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void summary_json(const view *v)
{
    cli_json j = { .out = stdout };
    fv_key key;
    json_open(&j, NULL, '{');
    json_text(&j, "name", v->info.name);
    json_text(&j, "family", v->info.family);
    json_int(&j, "classes", v->info.classes);
    shape_json(&j, "input", (int[]){ v->info.prep.h, v->info.prep.w, v->info.prep.channels }, 3);
    json_int(&j, "batch_size", v->batch);
    cost_json(&j, &v->cost, v->batch);
    json_int(&j, "aux_params", v->info.aux_params);
    json_int(&j, "peak_activation_bytes", (int64_t)v->plan.activation_bytes);
    json_int(&j, "total_bytes", (int64_t)v->plan.total_bytes);
    json_open(&j, "keys", '[');
    for (int i = 0; fv_net_key(v->net, i, &key); i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", key.name);
        shape_json(&j, "shape", key.dim, key.rank);
        json_text(&j, "dtype", key.dtype);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    layers_json(&j, v);
    operators_json(&j, v);
    json_close(&j, '}');
}

static const char *size_text(char out[40], const fv_shape *s)
{
    snprintf(out, 40, "%dx%dx%d", s->h, s->w, s->c);
    return out;
}

/* "21", or rows x columns where they differ. */
static const char *sides_text(char out[40], int h, int w)
{
    if (h == w) snprintf(out, 40, "%d", h);
    else snprintf(out, 40, "%dx%d", h, w);
    return out;
}

static const char *op_text(char out[96], const fv_layer *l)
{
    snprintf(out, 96, l->detail[0] ? "%s %s" : "%s", l->op, l->detail);
    return out;
}

static double mib(int64_t bytes)
{
    return (double)bytes / 1048576.0;
}

static void layers_text(const view *v)
{
    fv_layer l;
    char out[40], sees[40], step[40], op[96];
    int name = 12, what = 8;
    for (int i = 0; fv_net_layer(v->net, i, &l); i++) {
        if ((int)strlen(l.name) > name) name = (int)strlen(l.name);
        if ((int)strlen(op_text(op, &l)) > what) what = (int)strlen(op);
    }
    printf("%-*s %-*s %13s %11s %12s %11s %9s %8s %8s %6s\n", name, "layer", what, "operator", "output", "parameters",
           "MACs", "access", "MiB moved", "MiB made", "sees px", "step");
    for (int i = 0; fv_net_layer(v->net, i, &l); i++)
        printf("%-*s %-*s %13s %11" PRId64 " %12" PRId64 " %11" PRId64 " %9.3f %8.3f %8s %6s%s\n", name, l.name, what,
               op_text(op, &l), size_text(out, &l.out), l.cost.params, l.cost.macs, l.cost.memory_access,
               mib(moved_bytes(&l.cost, v->batch)), mib(4 * l.cost.out * v->batch),
               sides_text(sees, l.receptive_field, l.receptive_field_w), sides_text(step, l.stride, l.stride_w),
               l.aux ? "  auxiliary" : "");
}

static double share(int64_t part, int64_t all)
{
    return all ? 100.0 * (double)part / (double)all : 0;
}

static void operators_text(const view *v)
{
    fv_operator all;
    printf("\n%-12s %6s %12s %6s %14s %6s %13s %6s %9s\n", "operator", "layers", "parameters", "%", "MACs", "%",
           "access", "%", "MiB moved");
    for (int i = 0; fv_net_operator(v->net, i, &all); i++) {
        const fv_cost *c = &all.cost, *of = &v->cost;
        printf("%-12s %6d %12" PRId64 " %6.2f %14" PRId64 " %6.2f %13" PRId64 " %6.2f %9.3f\n", all.op, all.layers,
               c->params, share(c->params, of->params), c->macs, share(c->macs, of->macs), c->memory_access,
               share(c->memory_access, of->memory_access), mib(moved_bytes(c, v->batch)));
    }
}

static void summary_text(const view *v)
{
    const fv_net_info *i = &v->info;
    const char *images = v->batch == 1 ? "image" : "images";
    layers_text(v);
    operators_text(v);
    printf("\n%s", i->name);
    if (i->family) printf(" (%s)", i->family);
    printf(": %" PRId64 " parameters, %.3f GMAC at %d x %d x %d, %d classes\n", i->params, 1e-9 * (double)i->macs,
           i->prep.h, i->prep.w, i->prep.channels, i->classes);
    if (i->aux_params)
        printf("and %" PRId64 " parameters of auxiliary classifiers, which only training uses\n", i->aux_params);
    printf("memory access of one image, layer by layer: %" PRId64 " values and weights; of %d %s: %.2f MiB\n",
           v->cost.memory_access, v->batch, images, mib(moved_bytes(&v->cost, v->batch)));
    printf("activations of %d %s: %.2f MiB made, %.2f MiB at once in a plan of %d steps\n", v->batch, images,
           mib(4 * v->cost.out * v->batch), mib((int64_t)v->plan.activation_bytes), v->plan.steps);
}

/* A string of Graphviz: quotes and backslashes escaped. */
static void dot_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar((unsigned char)*text < 0x20 ? ' ' : *text);
    }
}

static void summary_dot(const view *v)
{
    fv_layer l;
    char op[96], out[40];
    fputs("digraph \"", stdout);
    dot_text(v->info.name);
    fputs("\" {\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=10];\n", stdout);
    for (int i = 0; fv_net_layer(v->net, i, &l); i++) {
        printf("  n%d [label=\"", i);
        dot_text(l.name);
        fputs("\\n", stdout);
        dot_text(op_text(op, &l));
        printf("\\n%s\"%s];\n", size_text(out, &l.out), l.aux ? ", color=grey" : "");
        for (int k = 0; k < l.inputs; k++) printf("  n%d -> n%d;\n", l.input[k], i);
    }
    fputs("}\n", stdout);
}

static int open_net(cli *c, const summary_args *a, fv_net **net)
{
    fv_err err = { 0 };
    if (!a->layers) return cli_open_network(c, &a->net, false, net);
    if (a->net.channels == 0 || a->net.channels == 1 || a->net.channels == 3)
        return fv_net_of_layers(net, a->layers, a->net.size, a->net.channels, &c->env, &err) == FV_OK ? -1
                                                                                                      : cli_fail(&err);
    return cli_usage(c, "--channels is 1 or 3");
}

int cmd_summary(cli *c, int argc, char **argv)
{
    summary_args a = { .batch = 1 };
    view v = { 0 };
    fv_net *net = NULL;
    fv_plan *plan = NULL;
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, a.layers ? 0 : 1, a.layers ? 0 : 1);
    if (code < 0 && a.dot && c->json) code = cli_usage(c, "--dot and --json are two forms of the same");
    if (code >= 0) return code;
    a.net.model = argv[0];
    a.net.no_weights = true; /* nothing here depends on them */
    code = open_net(c, &a, &net);
    if (code >= 0) return code;
    if (fv_plan_new(&plan, net, &(fv_plan_opts){ .mode = FV_INFER, .batch = a.batch }, &err) != FV_OK) {
        code = cli_fail(&err);
    } else {
        v = (view){ .net = net, .batch = a.batch };
        fv_net_describe(net, &v.info);
        fv_plan_describe(plan, &v.plan);
        fv_net_cost(net, &v.cost);
        if (a.html && fv_net_page(net, a.batch, &v.plan, a.html, &err) != FV_OK) code = cli_fail(&err);
        else (a.dot ? summary_dot : c->json ? summary_json : summary_text)(&v), code = 0;
    }
    fv_plan_free(plan);
    fv_net_free(net);
    return code;
}
