/* session.c -- opening all that a training run works with. What can fail of it fails here, before the first step.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/session.h"
#include "base/cpu.h"
#include "base/log.h"
#include "train/recipe.h"
#include "train/statistics.h"
#include <string.h>
#include <sys/stat.h>

enum { SMALL_SIDE = 64 };

/* ---- data ---- */

static fv_status open_pair(fv_session *s, const char *path, fv_err *err)
{
    fv_data_opts o = {
        .split = "train", .val_share = s->o.val_share, .seed = s->o.seed, .names_file = s->o.names_file
    };
    FV_TRY(fv_data_open(&s->train, path, &o, &s->env, err));
    o.class_names = s->train->class_names;
    o.classes = s->train->classes;
    o.names_file = NULL;
    o.split = s->o.val_split ? s->o.val_split : "val";
    fv_err quiet = { 0 };
    const bool may_fall_back = !s->o.val_split;
    const fv_status first = fv_data_open(&s->val, path, &o, &s->env, may_fall_back ? &quiet : err);
    if (first == FV_OK || !may_fall_back) return first;
    if (first != FV_NOINPUT) return fv_fail(err, first, "%s", quiet.msg);
    o.split = "test";
    return fv_data_open(&s->val, path, &o, &s->env, err);
}

static void close_pair(fv_session *s)
{
    fv_data_free(s->train);
    fv_data_free(s->val);
    s->train = s->val = NULL;
}

/* A folder that has `train` and neither val nor test is split as if `train` were all there is. */
static fv_status open_data(fv_session *s, fv_err *err)
{
    fv_err why = { 0 };
    fv_status st = open_pair(s, s->o.data, &why);
    if (st == FV_NOINPUT && s->train && !s->o.val_split) {
        struct stat dir;
        const char *inner = fv_arena_printf(&s->arena, "%s/train", s->o.data);
        if (inner && stat(inner, &dir) == 0 && S_ISDIR(dir.st_mode)) {
            fv_log(&s->env, FV_LOG_INFO, "%s: neither val nor test there; %g %% of train is kept for validation",
                   s->o.data, 100 * s->o.val_share);
            close_pair(s);
            why = (fv_err){ 0 };
            st = open_pair(s, inner, &why);
        }
    }
    if (st != FV_OK) return fv_fail(err, st, "%s", why.msg);
    if (s->train->classes != s->val->classes)
        return fv_fail(err, FV_FORMAT, "%s: %d classes in training, %d in validation", s->o.data, s->train->classes,
                       s->val->classes);
    const fv_data *d = s->train;
    s->small = d->h > 0 && d->w > 0 && d->h <= SMALL_SIDE && d->w <= SMALL_SIDE;
    return FV_OK;
}

/* ---- options that the data decides ---- */

static void settle_options(fv_session *s)
{
    fv_train_opts *o = &s->o;
    const int side = s->train->h < s->train->w ? s->train->h : s->train->w;
    if (o->stem == FV_STEM_DEFAULT && s->small) o->stem = FV_STEM_CIFAR;
    if (o->size == 0 && s->small && o->stem == FV_STEM_CIFAR) o->size = side;
    if (o->size == 0 && o->progressive[1] > 0) o->size = (int)o->progressive[1];
    if (o->channels == 0) o->channels = s->train->channels;
    if (o->lr == 0 && o->lr_base > 0) o->lr = o->lr_base * o->batch * o->accum / o->lr_base_size;
    if (o->warmup_lr == -1) o->warmup_lr = o->lr / 100;
    if (o->flip == -1) o->flip = 0.5;
    if (o->max_bad == -1) o->max_bad = 0.01;
    if (o->threads <= 0) o->threads = s->env.threads > 0 ? s->env.threads : fv_cores();
    if (o->workers <= 0) o->workers = 1;
    s->env.threads = o->threads;
}

/* ---- network ---- */

/* Weights that somebody trained come with the numbers they were trained with. */
static void settle_prep(fv_session *s)
{
    fv_prep *p = &s->net->prep;
    s->o.size = p->h;
    if (s->o.exif) p->exif = s->o.exif;
    if (s->small) p->resize = s->train->h == p->h && s->train->w == p->w ? 0 : p->h;
    if (s->o.weights || s->net->has_weights) return;
    const float grey[2] = { 0.449f, 0.226f }; /* of ImageNet's pictures in grey */
    for (int c = 0; p->channels == 1 && c < 3; c++) {
        p->mean[c] = grey[0];
        p->std[c] = grey[1];
    }
    if (s->small) fv_picture_statistics(s->train, p);
}

static uint32_t keys_checksum(const fv_graph *g)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < g->nparam; i++) {
        crc = fv_crc32c(crc, g->param[i].name, strlen(g->param[i].name) + 1);
        for (int k = 0; k < g->param[i].rank; k++) crc = fv_crc32c(crc, &g->param[i].dim[k], sizeof(int));
    }
    return crc;
}

/* Batch statistics of one value would be that value and no deviation. */
static fv_status check_norms(fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op != FV_OP_BATCHNORM || n->shape.h * n->shape.w > 1) continue;
        s->single_pixel_norm = true;
        if (s->o.batch == 1)
            return fv_fail(err, FV_ARG, "%s: batch-norm over a single value; the batch must have 2 pictures or more",
                           n->name);
    }
    return FV_OK;
}

static fv_status open_net(fv_session *s, fv_err *err)
{
    const fv_net_opts o = { .weights = s->o.weights,
                            .classes = s->train->classes,
                            .size = s->o.size,
                            .channels = s->o.channels,
                            .stem = s->o.stem,
                            .drop_path = s->o.drop_path == 0  ? -1
                                         : s->o.drop_path < 0 ? 0
                                                              : s->o.drop_path,
                            .seed = s->o.seed };
    FV_TRY(fv_net_open(&s->net, s->o.model, &o, &s->env, err));
    if (s->net->classes != s->train->classes)
        return fv_fail(err, FV_SHAPE, "'%s' has %d classes, the data %d", s->net->name, s->net->classes,
                       s->train->classes);
    settle_prep(s);
    fv_recipe_settle_crop(&s->o, s->small);
    if (s->o.new_head) FV_TRY(fv_session_new_head(s, err));
    s->keys = keys_checksum(s->net->graph);
    if (s->train->class_names) FV_TRY(fv_net_name_classes(s->net, s->train->class_names, s->train->classes, err));
    return check_norms(s, err);
}

/* ---- plans, loaders, memory ---- */

static bool has_op(const fv_graph *g, fv_op_id op)
{
    for (size_t i = 0; i < g->nnode; i++)
        if (g->node[i].op == op) return true;
    return false;
}

static fv_status check_drops(const fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    if ((s->o.drop > 0 || s->o.progressive_drop[1] > 0) && !has_op(g, FV_OP_DROPOUT))
        return fv_fail(err, FV_ARG, "'%s' has no dropout whose chance could be set", s->net->name);
    if (s->o.drop_path > 0 && !has_op(g, FV_OP_DROP_PATH))
        return fv_fail(err, FV_ARG, "'%s' has no residual branches to leave out", s->net->name);
    return FV_OK;
}

static fv_status open_plans(fv_session *s, fv_err *err)
{
    fv_plan_request rq = { .batch = s->o.batch, .h = s->net->prep.h, .w = s->net->prep.w };
    FV_TRY(fv_threads_new(&s->pool, s->o.threads, s->env.heap, err));
    rq.pool = s->pool;
    rq.cpu = fv_env_features(&s->env);
    FV_TRY(fv_plan_make(&s->judge, s->net, &rq, err));
    FV_TRY(check_drops(s, err));
    FV_TRY(fv_session_rules(s, err));
    return fv_session_open_stages(s, err);
}

static fv_status open_val_loader(fv_session *s, fv_err *err)
{
    const fv_loader_opts o = { .prep = s->net->prep, .batch = s->o.batch, .workers = s->o.workers, .seed = s->o.seed };
    return fv_loader_new(&s->val_loader, s->val, &o, err);
}

static fv_status take_memory(fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    const size_t logits = (size_t)s->o.batch * (size_t)s->net->classes;
    for (size_t i = 0; i < FV_STATES * g->nparam; i++)
        if (fv_plan_state_of(s->learn, (int)(i / g->nparam), (int)(i % g->nparam)))
            s->state_floats += g->param[i % g->nparam].floats;
    s->bad_bytes = (size_t)(s->train->count + 7) / 8;
    if (s->o.mixup > 0 || s->o.cutmix > 0)
        FV_TRY(fv_alloc_or(s->env.heap, (void **)&s->targets, logits * sizeof(float), err));
    FV_TRY(fv_alloc_or(s->env.heap, (void **)&s->logits, logits * sizeof(float), err));
    FV_TRY(fv_alloc_or(s->env.heap, (void **)&s->states, s->state_floats * sizeof(float), err));
    FV_TRY(fv_alloc_zero(s->env.heap, (void **)&s->gallery, sizeof *s->gallery, err));
    s->gallery->prep = s->net->prep;
    s->gallery->classes = s->net->classes;
    s->gallery->heap = s->env.heap;
    return fv_alloc_zero(s->env.heap, (void **)&s->bad, s->bad_bytes, err);
}

static void settle_steps(fv_session *s)
{
    const fv_train_opts *o = &s->o;
    s->epoch_steps = (fv_loader_batches(s->train_loader) + o->accum - 1) / o->accum;
    s->steps = s->epoch_steps * o->epochs;
    if (o->max_steps > 0 && o->max_steps < s->steps) s->steps = o->max_steps;
    s->schedule = (fv_schedule){ .kind = o->sched,
                                 .lr = o->lr,
                                 .epoch_steps = s->epoch_steps,
                                 .steps = s->steps,
                                 .warmup_epochs = o->warmup_epochs,
                                 .warmup_lr = o->warmup_lr,
                                 .decay_epochs = o->decay_epochs,
                                 .decay_rate = o->decay_rate,
                                 .power = o->decay_power,
                                 .min_lr = o->min_lr };
    (void)fv_schedule_milestones(&s->schedule, o->milestones, NULL); /* checked before */
}

fv_status fv_session_open(fv_session *s, fv_err *err)
{
    s->arena.heap = s->identity.heap = s->env.heap;
    s->saved = s->saved_before = -1;
    FV_TRY(open_data(s, err));
    settle_options(s);
    FV_TRY(open_net(s, err));
    FV_TRY(open_plans(s, err));
    FV_TRY(open_val_loader(s, err));
    FV_TRY(fv_session_class_weights(s, err));
    FV_TRY(take_memory(s, err));
    settle_steps(s);
    fv_data_info info;
    fv_data_describe(s->train, &info);
    fv_recipe_identity(&s->identity, &s->o, &info);
    if (s->env.exact) fv_write_printf(&s->identity, "exact true\n");
    return s->identity.failed ? fv_fail(err, FV_NOMEM, "no memory for the options' text") : FV_OK;
}

void fv_session_close(fv_session *s)
{
    const fv_allocator *heap = s->env.heap;
    fv_loader_free(s->train_loader);
    fv_loader_free(s->val_loader);
    fv_plan_free(s->learn);
    fv_plan_free(s->judge);
    fv_threads_free(s->pool);
    fv_net_free(s->net);
    close_pair(s);
    fv_release(heap, s->targets);
    fv_release(heap, s->logits);
    fv_release(heap, s->states);
    fv_release(heap, s->bad);
    fv_metrics_free(&s->metrics);
    if (s->gallery) fv_gallery_clear(s->gallery);
    fv_release(heap, s->gallery);
    fv_release(NULL, s->epochs);
    fv_writer_free(&s->identity);
    fv_events_free(&s->events);
    fv_arena_free(&s->arena);
}
