/* cmd_features.c -- what a network makes of pictures before it names them: the classifier's input, or any named values,
 * as NumPy arrays with a row for each picture and a list of the pictures' names.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include "pictures.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct features_args {
    cli_network net;
    const char *list, *nodes, *output;
    int batch, exif;
    double max_bad;
} features_args;
// clang-format off
const cli_option options_features[] = {
    NETWORK_OPTIONS(features_args, net),
    NETWORK_RANDOM_OPTION(features_args, net),
    { "nodes",      0,   CLI_TEXT,   offsetof(features_args, nodes),   "A,B,...", "values that `fovea summary` lists, whole; default: the classifier's input, one vector", 0, 0 },
    { "output",     0,   CLI_TEXT,   offsetof(features_args, output),  "NAME",    "gives NAME.npy (NAME-NODE.npy for several nodes) and NAME.txt", 0, 0 },
    { "list",       0,   CLI_TEXT,   offsetof(features_args, list),    "FILE",    "a file with a picture's name on each line", 0, 0 },
    { "batch-size", 'b', CLI_INT,    offsetof(features_args, batch),   "N",       "pictures of a run (16)", 1, 4096 },
    { "max-bad",    0,   CLI_REAL,   offsetof(features_args, max_bad), "SHARE",   "unreadable pictures that are forgiven (0.01)", 0, 1 },
    { "exif",       0,   CLI_CHOICE, offsetof(features_args, exif),    "apply|ignore", "orientation of photographs", FV_EXIF_APPLY, 0 },
    { 0 },
};
// clang-format on

enum { MAX_NODES = 64, LONGEST_PATH = 4096 };

/* One node's array, as long as the pictures at first; n of its rows count. */
typedef struct node {
    const char *name;
    fv_shape shape;
    size_t row; /* floats of a picture */
    float *data;
    char path[LONGEST_PATH];
} node;

typedef struct extractor {
    cli *c;
    const features_args *a;
    fv_net *net;
    fv_plan *plan;
    fv_prep prep;
    size_t pixels;
    float *input, *logits;
    char *words; /* the nodes' names */
    node node[MAX_NODES];
    int nodes;
    bool pooled;       /* the default: a vector, whatever the size of the value */
    const char **file; /* of each row */
    size_t rows, bad;
    double seconds;
} extractor;

static const char *layer_name(int i, const void *of)
{
    fv_layer layer;
    return fv_net_layer(of, i, &layer) ? layer.name : NULL;
}

/* The value that the last layer with weights sees; dropout lets it through as it is. */
static const char *classifier_input(const fv_net *net)
{
    fv_layer layer;
    int last = 0;
    for (int i = 0; fv_net_layer(net, i, &layer); i++)
        if (layer.cost.params > 0) last = i;
    int i = last - 1;
    while (i > 0 && fv_net_layer(net, i, &layer) && strcmp(layer.op, "dropout") == 0) i--;
    return layer_name(i > 0 ? i : 0, net);
}

static int add_node(extractor *x, const char *name)
{
    int i = 0;
    const char *known;
    for (int k = 0; k < x->nodes; k++)
        if (strcmp(x->node[k].name, name) == 0) return cli_usage(x->c, "--nodes names '%s' twice", name);
    if (x->nodes == MAX_NODES) return cli_usage(x->c, "--nodes takes at most %d names", MAX_NODES);
    while ((known = layer_name(i, x->net)) != NULL && strcmp(known, name) != 0) i++;
    if (known) {
        x->node[x->nodes++].name = known;
        return -1;
    }
    known = cli_nearest(name, layer_name, x->net);
    if (known) return cli_usage(x->c, "the network has no value '%s'; did you mean '%s'?", name, known);
    return cli_usage(x->c, "the network has no value '%s'; 'fovea summary' lists them", name);
}

static int choose_nodes(extractor *x)
{
    if (!x->a->nodes) {
        x->pooled = true;
        return add_node(x, classifier_input(x->net));
    }
    x->words = strdup(x->a->nodes);
    if (!x->words) return cli_nomem(strlen(x->a->nodes));
    int code = -1;
    char *rest = NULL;
    for (char *w = strtok_r(x->words, ",", &rest); code < 0 && w; w = strtok_r(NULL, ",", &rest)) code = add_node(x, w);
    if (code < 0 && x->nodes == 0) code = cli_usage(x->c, "--nodes names none");
    return code;
}

/* NAME.npy or NAME-NODE.npy; a slash in a node's name would be a folder. */
static int name_files(extractor *x)
{
    const char *out = x->a->output;
    size_t len = strlen(out);
    if (len > 4 && strcmp(out + len - 4, ".npy") == 0) len -= 4;
    for (int i = 0; i < x->nodes; i++) {
        node *n = &x->node[i];
        const int w = x->nodes == 1 ? snprintf(n->path, sizeof n->path, "%.*s.npy", (int)len, out)
                                    : snprintf(n->path, sizeof n->path, "%.*s-%s.npy", (int)len, out, n->name);
        if (w < 0 || (size_t)w >= sizeof n->path) return cli_usage(x->c, "--output is too long");
        for (char *p = n->path + len; *p; p++)
            if (*p == '/') *p = '_';
    }
    return -1;
}

/* The plan, and memory for all rows. */
static int prepare(extractor *x, size_t pictures)
{
    const char *keep[MAX_NODES];
    fv_err err = { 0 };
    fv_net_info info;
    const int batch = (size_t)x->a->batch < pictures ? x->a->batch : (int)pictures;
    fv_net_describe(x->net, &info);
    x->prep = info.prep;
    if (x->a->exif) x->prep.exif = (fv_exif)x->a->exif;
    x->pixels = (size_t)x->prep.h * (size_t)x->prep.w * (size_t)x->prep.channels;
    for (int i = 0; i < x->nodes; i++) keep[i] = x->node[i].name;
    const fv_plan_opts o = { .batch = batch, .keep = keep, .nkeep = x->nodes };
    if (fv_plan_new(&x->plan, x->net, &o, &err) != FV_OK) return cli_fail(&err);
    for (int i = 0; i < x->nodes; i++) {
        node *n = &x->node[i];
        fv_plan_value(x->plan, n->name, &n->shape);
        if (x->pooled) n->shape.h = n->shape.w = 1;
        n->row = (size_t)n->shape.h * (size_t)n->shape.w * (size_t)n->shape.c;
        n->data = calloc(pictures, n->row * sizeof *n->data);
        if (!n->data) return cli_nomem(pictures * n->row * sizeof *n->data);
    }
    x->input = calloc((size_t)batch * x->pixels, sizeof *x->input);
    x->logits = calloc((size_t)batch * (size_t)info.classes, sizeof *x->logits);
    x->file = calloc(pictures, sizeof *x->file);
    return x->input && x->logits && x->file ? -1 : cli_nomem((size_t)batch * x->pixels * sizeof *x->input);
}

/* The mean of each channel over `area` pixels. */
static void pool(float *out, const float *in, size_t area, size_t channels)
{
    for (size_t c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t i = 0; i < area; i++) sum += (double)in[i * channels + c];
        out[c] = (float)(sum / (double)area);
    }
}

/* Runs the n pictures that wait; their names stand at x->file[x->rows ...]. */
static void flush_batch(extractor *x, size_t n)
{
    if (n == 0) return;
    fv_run(x->plan, (int)n, x->input, x->logits);
    for (int k = 0; k < x->nodes; k++) {
        const node *v = &x->node[k];
        fv_shape s;
        const float *from = fv_plan_value(x->plan, v->name, &s);
        const size_t area = (size_t)s.h * (size_t)s.w, whole = area * (size_t)s.c;
        for (size_t i = 0; i < n; i++) {
            float *to = v->data + (x->rows + i) * v->row;
            if (x->pooled) pool(to, from + i * whole, area, (size_t)s.c);
            else memcpy(to, from + i * whole, whole * sizeof *to);
        }
    }
    x->rows += n;
}

static int extract(extractor *x, const cli_pictures *pictures)
{
    cli_progress bar = cli_progress_new();
    const double start = cli_now();
    const size_t batch = (size_t)x->a->batch < pictures->count ? (size_t)x->a->batch : pictures->count;
    size_t n = 0;
    x->c->progress = &bar;
    for (size_t i = 0; i < pictures->count; i++) {
        fv_err err = { 0 };
        if (cli_picture_load(pictures->file[i], &x->prep, x->input + n * x->pixels, &x->c->env, &err) != FV_OK) {
            cli_progress_clear(&bar);
            cli_fail(&err);
            x->bad++;
        } else {
            x->file[x->rows + n++] = pictures->file[i];
        }
        if (n == batch) {
            flush_batch(x, n);
            n = 0;
        }
        cli_progress_draw(&bar, (int64_t)i + 1, (int64_t)pictures->count, "%zu of %zu pictures", i + 1,
                          pictures->count);
    }
    flush_batch(x, n);
    cli_progress_clear(&bar);
    x->c->progress = NULL;
    x->seconds = cli_now() - start;
    if (x->rows > 0 && (double)x->bad <= x->a->max_bad * (double)pictures->count) return -1;
    cli_say("%zu of %zu pictures cannot be read (--max-bad %g): nothing is written", x->bad, pictures->count,
            x->a->max_bad);
    return fv_status_exit(FV_FORMAT);
}

/* The names, a line each, through a file that takes its place when it is whole. */
static int write_names(const extractor *x, const char *path)
{
    char part[LONGEST_PATH + 8];
    snprintf(part, sizeof part, "%s.part", path);
    FILE *out = fopen(part, "w");
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < x->rows; i++) {
        cli_text(out, x->file[i]);
        fputc('\n', out);
    }
    if (out) ok = !ferror(out);
    if (out) ok = fclose(out) == 0 && ok;
    if (ok) ok = rename(part, path) == 0;
    if (ok) return -1;
    cli_say("%s: cannot write: %s", path, strerror(errno));
    remove(part);
    return fv_status_exit(out ? FV_IO : FV_CREATE);
}

static void names_path(const extractor *x, char *path)
{
    const char *out = x->a->output;
    size_t len = strlen(out);
    if (len > 4 && strcmp(out + len - 4, ".npy") == 0) len -= 4;
    snprintf(path, LONGEST_PATH, "%.*s.txt", (int)len, out);
}

static void report(const extractor *x, const char *names)
{
    if (!x->c->json) {
        for (int i = 0; i < x->nodes; i++) {
            const fv_shape s = x->node[i].shape;
            printf("%s: %s of %zu pictures, %d x %d x %d\n", x->node[i].path, x->node[i].name, x->rows, s.h, s.w, s.c);
        }
        printf("%s: their names; %zu could not be read\n", names, x->bad);
        return;
    }
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '{');
    json_int(&j, "n", (int64_t)x->rows);
    json_int(&j, "bad", (int64_t)x->bad);
    json_real(&j, "images_per_s", (double)x->rows / x->seconds);
    json_text(&j, "files", names);
    json_open(&j, "nodes", '[');
    for (int i = 0; i < x->nodes; i++) {
        json_open(&j, NULL, '{');
        json_text(&j, "name", x->node[i].name);
        json_text(&j, "file", x->node[i].path);
        json_int(&j, "h", x->node[i].shape.h);
        json_int(&j, "w", x->node[i].shape.w);
        json_int(&j, "c", x->node[i].shape.c);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
}

static int write_all(const extractor *x)
{
    char names[LONGEST_PATH];
    fv_err err = { 0 };
    for (int i = 0; i < x->nodes; i++) {
        const node *n = &x->node[i];
        fv_array y = { .rank = 4, .dim = { (int)x->rows, n->shape.h, n->shape.w, n->shape.c }, .data = n->data };
        if (n->shape.h == 1 && n->shape.w == 1) y = (fv_array){ 2, { (int)x->rows, n->shape.c }, n->data };
        if (fv_npy_write(&y, n->path, &err) != FV_OK) return cli_fail(&err);
    }
    names_path(x, names);
    const int code = write_names(x, names);
    if (code < 0) report(x, names);
    return code;
}

static void release(extractor *x)
{
    for (int i = 0; i < x->nodes; i++) free(x->node[i].data);
    free(x->words);
    free(x->input);
    free(x->logits);
    free(x->file);
    fv_plan_free(x->plan);
    fv_net_free(x->net);
    free(x);
}

int cmd_features(cli *c, int argc, char **argv)
{
    features_args a = { .max_bad = 0.01 };
    cli_pictures pictures = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, a.list ? 0 : 1, argc);
    if (code < 0 && !a.output) code = cli_usage(c, "--output is missing");
    if (code >= 0) return code;
    if (!a.batch) a.batch = a.net.low_memory ? 1 : 16;
    extractor *x = calloc(1, sizeof *x);
    if (!x) return cli_nomem(sizeof *x);
    x->c = c;
    x->a = &a;
    code = cli_open_network(c, &a.net, true, &x->net);
    if (code < 0) code = choose_nodes(x);
    if (code < 0) code = name_files(x);
    if (code < 0 && a.list) code = cli_pictures_add_list(&pictures, a.list);
    for (int i = 0; code < 0 && i < n; i++) code = cli_pictures_add(&pictures, argv[i]);
    if (code < 0 && pictures.count == 0) {
        cli_say("%s: the list names no pictures", a.list ? a.list : argv[0]);
        code = fv_status_exit(FV_NOINPUT);
    }
    if (code < 0) code = prepare(x, pictures.count);
    if (code < 0) code = extract(x, &pictures);
    if (code < 0) code = write_all(x);
    cli_pictures_free(&pictures);
    release(x);
    return code < 0 ? 0 : code;
}
