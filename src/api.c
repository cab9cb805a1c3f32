/* api.c -- opening networks: a name or a model file becomes a graph, the graph a net, the file its weights.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "data/imagenet.h"
#include "data/sources.h"
#include "graph/branch.h"
#include "graph/net.h"
#include "models/published.h"
#include "weights/config.h"
#include "weights/model_file.h"
#include <math.h>
#include <string.h>

enum { MAX_MODEL_BYTES_LOG2 = 36, MAX_CONFIG_BYTES = 16 << 20 };

/* What is known before a graph can be built: from the options, then the file's metadata, then the config.json beside it,
 * then what is known of published weights, then the model's row. */
typedef struct request {
    const fv_model *model;
    fv_net_opts opts;
    fv_model_meta meta; /* of the weights file */
    fv_stored_list list;
    fv_config config; /* beside it; architecture NULL: there is none */
    const char *path; /* of the weights file, and */
    fv_file handle;
    fv_bytes file;  /* p NULL: none */
    fv_arena arena; /* of the metadata */
} request;

/* What becomes of x / 255, by fv_norm; Caffe's means are those of its models (Simonyan, Zisserman 2014). */
static const struct colours {
    fv_order order;
    float mean[3], std[3];
    float grey_mean, grey_std; /* of pictures with one channel */
} colours[] = {
    [FV_NORM_IMAGENET] = { FV_RGB, { 0.485f, 0.456f, 0.406f }, { 0.229f, 0.224f, 0.225f }, 0.5f, 0.25f },
    [FV_NORM_UNIT] = { FV_RGB, { 0.5f, 0.5f, 0.5f }, { 0.5f, 0.5f, 0.5f }, 0.5f, 0.5f },
    [FV_NORM_BYTES] = { FV_BGR, { 0, 0, 0 }, { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f }, 0, 1 / 255.0f },
    [FV_NORM_CAFFE] = { FV_BGR,
                        { 103.939f / 255, 116.779f / 255, 123.68f / 255 },
                        { 1 / 255.0f, 1 / 255.0f, 1 / 255.0f },
                        117.4f / 255,
                        1 / 255.0f },
};

/* Pre-processing where the file tells none: as the publisher of these weights says, else as the network's row. */
static fv_prep default_prep(const request *rq)
{
    const fv_model *m = rq->model;
    const bool small = rq->opts.stem == FV_STEM_CIFAR;
    const int size = rq->opts.size ? rq->opts.size : m->size;
    const fv_published *w = rq->opts.weights ? fv_published_as(m->name, rq->opts.weights) : NULL;
    fv_prep p = { .h = size, .w = size, .filter = w ? w->filter : m->filter, .exif = FV_EXIF_APPLY };
    p.channels = rq->opts.channels ? rq->opts.channels : 3;
    p.resize = small ? size : (int)lround((double)(w ? w->resize : m->resize) * size / (w ? w->size : m->size));
    const struct colours *n = &colours[w ? w->norm : m->norm];
    p.order = n->order;
    for (int c = 0; c < 3; c++) {
        p.mean[c] = p.channels == 3 ? n->mean[c] : n->grey_mean;
        p.std[c] = p.channels == 3 ? n->std[c] : n->grey_std;
    }
    return p;
}

/* What timm's config.json says goes before what is known of the network and of published weights. */
static void apply_config(fv_prep *p, const request *rq)
{
    const fv_config *c = &rq->config;
    const bool sized = c->h && !rq->opts.size;
    const int was = p->h;
    if (sized) p->h = c->h, p->w = c->w;
    const int side = p->h < p->w ? p->h : p->w;
    if (c->crop_pct > 0) p->resize = (int)floor(side / c->crop_pct);
    else if (sized) p->resize = (int)lround((double)p->resize * side / was);
    if (c->filter) p->filter = c->filter;
    for (int k = 0; k < p->channels; k++) {
        if (c->has_mean) p->mean[k] = c->mean[k];
        if (c->has_std) p->std[k] = c->std[k];
    }
}

static fv_prep prep_of(const request *rq)
{
    fv_prep p = rq->meta.prep.h ? rq->meta.prep : default_prep(rq);
    if (!rq->meta.prep.h && rq->config.architecture) apply_config(&p, rq);
    if (rq->meta.prep.h && rq->opts.size && rq->opts.size != p.h) {
        p.resize = p.resize ? (int)lround((double)p.resize * rq->opts.size / p.h) : 0;
        p.h = p.w = rq->opts.size;
    }
    return p;
}

static fv_status build_graph(fv_graph **out, const request *rq, const fv_prep *prep, int classes, const fv_env *env,
                             fv_err *err)
{
    fv_graph *g = NULL;
    FV_TRY(fv_graph_new(&g, env, err));
    const fv_build b = { .classes = classes, .stem = rq->opts.stem, .drop_path = rq->opts.drop_path };
    const fv_val image = fv_input(g, "image", prep->h, prep->w, prep->channels);
    fv_output(g, rq->model->build(g, image, rq->model->cfg, &b));
    fv_spread_depth(g);
    const fv_status s = fv_graph_check(g, err);
    if (s != FV_OK) {
        fv_graph_free(g);
        return fv_context(err, s, "cannot build '%s'", rq->model->name);
    }
    *out = g;
    return FV_OK;
}

static fv_status describe_net(fv_net *net, const request *rq, const fv_prep *prep, fv_err *err)
{
    net->prep = *prep;
    net->stem = rq->opts.stem;
    net->family = fv_arena_strdup(&net->arena, rq->model->family);
    if (!net->family) return fv_fail(err, FV_NOMEM, "no memory for a name");
    if (!rq->file.p) {
        if (!rq->opts.no_weights) fv_net_init(net, rq->opts.seed);
        return FV_OK;
    }
    const fv_bind_opts how = { .new_head = rq->opts.classes != 0,
                               .ema = rq->opts.ema,
                               .strict = rq->opts.strict,
                               .fresh = true,
                               .seed = rq->opts.seed,
                               .each = rq->opts.match,
                               .user = rq->opts.match_user,
                               .file = rq->file,
                               .leave_in = rq->opts.low_memory ? &rq->handle : NULL,
                               .path = rq->path };
    if (rq->config.class_names && rq->config.classes == net->classes)
        FV_TRY(fv_net_name_classes(net, rq->config.class_names, net->classes, err));
    return fv_model_file_bind(net, &rq->meta, &rq->list, &how, err);
}

/* The caller's names of the classes instead of the weights'. */
static fv_status name_classes(fv_net *net, const char *file, fv_err *err)
{
    fv_data list = { .env = net->env, .arena.heap = net->env.heap };
    const char *const *names = NULL;
    int n = 0;
    fv_status s = fv_data_read_names(&list, file, &names, &n, err);
    if (s == FV_OK && !names) s = fv_fail(err, FV_NOINPUT, "no such file of class names");
    if (s == FV_OK) s = fv_net_name_classes(net, names, n, err);
    fv_arena_free(&list.arena);
    return s == FV_OK ? s : fv_context(err, s, "%s", file);
}

static fv_status open_net(fv_net **out, const request *rq, const fv_env *env, fv_err *err)
{
    int classes = rq->opts.classes ? rq->opts.classes : rq->meta.classes;
    if (!classes) classes = rq->config.classes;
    if (!classes) classes = rq->model->classes;
    const fv_prep prep = prep_of(rq);
    fv_graph *g = NULL;
    fv_net *net;
    if (classes < 1 || classes > 1 << 20) return fv_fail(err, FV_ARG, "%d classes", classes);
    FV_TRY(build_graph(&g, rq, &prep, classes, env, err));
    const bool zero = !rq->file.p && rq->opts.no_weights; /* else initialisers or the file set every weight */
    FV_TRY((zero ? fv_net_new : fv_net_new_unset)(&net, g, rq->model->name, env, err));
    const fv_status s = describe_net(net, rq, &prep, err);
    if (s != FV_OK) {
        fv_net_free(net);
        return s;
    }
    if (!zero && !net->on_disk) fv_net_zero_gaps(net);
    *out = net;
    return FV_OK;
}

/* The config.json beside weights that do not know their network themselves. One of another network than the caller's is
 * left aside: it was not written for these weights, or not for this use of them. */
static fv_status read_config(request *rq, const fv_env *env, fv_err *err)
{
    const char *slash = strrchr(rq->path, '/');
    const int folder = slash ? (int)(slash - rq->path) + 1 : 0;
    const char *path = fv_arena_printf(&rq->arena, "%.*sconfig.json", folder, rq->path);
    fv_bytes text;
    fv_err none = { 0 };
    if (!path) return fv_fail(err, FV_NOMEM, "no memory for a path");
    const fv_status found = fv_file_read(&text, path, MAX_CONFIG_BYTES, env->heap, &none);
    if (found == FV_NOINPUT) return FV_OK;
    if (found != FV_OK) return fv_fail(err, found, "%s", none.msg);
    const fv_status s = fv_config_read(&rq->config, text, &rq->arena, err);
    fv_release(env->heap, (void *)(uintptr_t)text.p);
    if (s != FV_OK) return fv_context(err, s, "%s", path);
    const fv_model *of = fv_model_find(rq->config.architecture);
    if (rq->model && rq->config.architecture && of != rq->model) {
        fv_log(env, FV_LOG_INFO, "%s: is of '%.60s', not of '%s', and is left aside", path, rq->config.architecture,
               rq->model->name);
        rq->config = (fv_config){ 0 };
    }
    return FV_OK;
}

static fv_status read_weights(request *rq, const char *path, const fv_env *env, fv_err *err)
{
    rq->path = path;
    FV_TRY(fv_file_open(&rq->handle, path, (size_t)1 << MAX_MODEL_BYTES_LOG2, err));
    FV_TRY(fv_file_view(&rq->file, &rq->handle, path, err));
    const fv_status s = fv_model_file_open(&rq->meta, &rq->list, rq->file, &rq->arena, err);
    if (s != FV_OK) return fv_context(err, s, "%s", path);
    if (!rq->meta.network) FV_TRY(read_config(rq, env, err));
    if (!rq->opts.stem) rq->opts.stem = rq->meta.stem;
    if (!rq->opts.channels && rq->meta.prep.h) rq->opts.channels = rq->meta.prep.channels;
    if (!rq->opts.channels) rq->opts.channels = rq->config.channels;
    return FV_OK;
}

/* `model` names a network, or a file that knows its network. */
static fv_status find_model(request *rq, const char *model, const fv_env *env, fv_err *err)
{
    rq->model = fv_model_find(model);
    if (rq->model) return rq->opts.weights ? read_weights(rq, rq->opts.weights, env, err) : FV_OK;
    if (!strchr(model, '/') && !strchr(model, '.'))
        return fv_fail(err, FV_ARG, "no network is called '%s'; the nearest is '%s'", model, fv_model_nearest(model));
    if (rq->opts.weights) return fv_fail(err, FV_ARG, "'%s' is a model file: it takes no other weights", model);
    FV_TRY(read_weights(rq, model, env, err));
    const char *network = rq->meta.network ? rq->meta.network : rq->config.architecture;
    if (!network)
        return fv_fail(err, FV_FORMAT, "%s: does not say which network it is of: name it, and give the file as weights",
                       model);
    rq->model = fv_model_find(network);
    if (!rq->model) return fv_fail(err, FV_UNSUP, "%s: of an unknown network '%.200s'", model, network);
    if (!rq->meta.network) rq->opts.weights = model; /* whose name may be a published one */
    return FV_OK;
}

/* The row of the zoo that the tensors fit best; NULL where a graph cannot be built. */
static const fv_model *closest(const fv_stored_list *list, double *share, const fv_env *env)
{
    const fv_env quiet = { .heap = env->heap };
    const fv_model *best = NULL;
    *share = 0;
    for (int i = 0; fv_model_at(i) && *share < 1; i++) {
        request rq = { .model = fv_model_at(i) };
        const fv_prep prep = default_prep(&rq);
        fv_graph *g = NULL;
        if (build_graph(&g, &rq, &prep, rq.model->classes, &quiet, NULL) != FV_OK) continue;
        const double fits = fv_bind_share(g, rq.model->name, list, env->heap);
        if (fits > *share) *share = fits, best = rq.model;
        fv_graph_free(g);
    }
    return best;
}

fv_status fv_model_guess(const char **name, double *share, const char *weights, const fv_env *env, fv_err *err)
{
    const fv_env e = env ? *env : (fv_env){ 0 };
    fv_arena a = { .heap = e.heap };
    fv_bytes file = { 0 };
    fv_stored_list list;
    *name = NULL;
    *share = 0;
    fv_status s = fv_file_map(&file, weights, (size_t)1 << MAX_MODEL_BYTES_LOG2, err);
    if (s == FV_OK) {
        s = fv_weights_read(file, &list, &a, err);
        if (s != FV_OK) fv_context(err, s, "%s", weights);
    }
    if (s == FV_OK) {
        const fv_model *best = closest(&list, share, &e);
        *name = best ? best->name : NULL;
        if (!best) s = fv_fail(err, FV_SHAPE, "%s: fits no network", weights);
    }
    fv_file_unmap(file);
    fv_arena_free(&a);
    return s;
}

/* Weights that do not fit are mostly another network's: says which one's. */
static void name_closest(const request *rq, const fv_env *env, fv_err *err)
{
    enum { HALF = 50 };
    double share;
    const fv_model *best = closest(&rq->list, &share, env);
    if (best && best != rq->model && 100 * share > HALF)
        fv_context(err, FV_SHAPE, share == 1 ? "weights of '%s'" : "closest to '%s'", best->name);
}

fv_status fv_net_open(fv_net **out, const char *model, const fv_net_opts *opts, const fv_env *env, fv_err *err)
{
    const fv_env e = env ? *env : (fv_env){ 0 };
    request rq = { .opts = opts ? *opts : (fv_net_opts){ 0 }, .handle.fd = -1, .arena = { .heap = e.heap } };
    *out = NULL;
    if (!model) return fv_fail(err, FV_ARG, "no network is named");
    fv_status s = find_model(&rq, model, &e, err);
    if (s == FV_OK) {
        s = open_net(out, &rq, &e, err);
        if (s == FV_SHAPE && rq.file.p && err) name_closest(&rq, &e, err);
        if (s != FV_OK && rq.file.p) fv_context(err, s, "%s", rq.path);
        if (s == FV_OK && rq.opts.names_file) s = name_classes(*out, rq.opts.names_file, err);
        if (s != FV_OK) {
            fv_net_free(*out);
            *out = NULL;
        }
    }
    fv_file_unmap(rq.file);
    fv_file_close(&rq.handle);
    fv_arena_free(&rq.arena);
    return s;
}

fv_status fv_net_of_graph(fv_net **out, fv_graph *g, const char *name, const fv_prep *prep, uint64_t seed,
                          const fv_env *env, fv_err *err)
{
    FV_TRY(fv_net_new(out, g, name, env, err));
    if (prep) (*out)->prep = *prep;
    fv_net_init(*out, seed);
    return FV_OK;
}

void fv_net_describe(const fv_net *net, fv_net_info *info)
{
    const char *const *names = net->class_names;
    if (!names && net->classes == FV_IMAGENET_CLASSES) names = fv_imagenet_names;
    *info = (fv_net_info){ .name = net->name,
                           .family = net->family,
                           .classes = net->classes,
                           .params = fv_graph_params(net->graph),
                           .macs = fv_graph_macs(net->graph),
                           .prep = net->prep,
                           .class_names = names,
                           .stem = net->stem,
                           .has_weights = net->has_weights,
                           .aux_params = fv_graph_aux_params(net->graph) };
}
