/* bind.c -- a file's tensors into a network's parameters: match all of them first, copy only when everything fits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/bind.h"
#include "base/log.h"
#include "base/status.h"
#include "base/threads.h"
#include "graph/on_disk.h"
#include "weights/names.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAMED = 3 };

/* Classifiers beside the main one that published files carry, and that a network without them leaves out. */
static const char *const training_only[] = { "aux1.", "aux2.", "AuxLogits." };

/* Modules that a published state dict lists a second time: Megvii's squeeze and excitation. */
static const char *const listed_twice[] = { ".se_block." };

/* A count, and the first few of what it counts. */
typedef struct tally {
    size_t count;
    char text[140];
    size_t len;
} tally;

typedef struct binding {
    const fv_graph *graph;
    int classes;
    fv_bind_opts opts;
    fv_named_list named;
    const fv_stored **of_param; /* per parameter; NULL: keeps its value */
    size_t same;                /* parameters that have their tensor, counts left aside */
    tally renamed, missing, extra, misshapen, fresh;
    int fresh_aux; /* parameters of auxiliary classifiers that the file lacks */
} binding;

static void note(tally *t, const char *text)
{
    if (t->count++ < NAMED) {
        const int n = snprintf(t->text + t->len, sizeof t->text - t->len, "%s%.80s", t->len ? ", " : "", text);
        t->len += n < 0 ? 0 : (size_t)n;
        if (t->len >= sizeof t->text) t->len = sizeof t->text - 1;
    }
}

static void tell(const binding *b, fv_match kind, const fv_named *from, const char *to, const char *why)
{
    if (!b->opts.each) return;
    b->opts.each(b->opts.user, &(fv_match_line){ kind, from ? from->stored->name : NULL, to, why });
}

static bool same_dims(const fv_param *p, const fv_stored *t, int from)
{
    if (p->rank != t->rank) return false;
    for (int i = from; i < p->rank; i++)
        if (p->dim[i] != t->dim[i]) return false;
    return true;
}

/* A linear layer's weights may lie there as those of the convolution that it is, or the other way round. */
static bool same_matrix(const fv_param *p, const fv_stored *t)
{
    int64_t wide = 1, of_file = 1;
    if (!((p->rank == 2 && t->rank == 4) || (p->rank == 4 && t->rank == 2)) || p->dim[0] != t->dim[0]) return false;
    if (p->rank == 4 && (p->dim[2] != 1 || p->dim[3] != 1)) return false;
    for (int i = 1; i < p->rank; i++) wide *= p->dim[i];
    for (int i = 1; i < t->rank; i++)
        if (__builtin_mul_overflow(of_file, t->dim[i], &of_file)) return false;
    return wide == of_file;
}

static bool same_rest(const fv_param *p, const fv_stored *t)
{
    fv_stored as_wanted = *t;
    as_wanted.dim[0] = p->dim[0];
    return same_dims(p, t, 1) || same_matrix(p, &as_wanted);
}

static void put_dims(char *out, size_t cap, const int64_t *dim, int rank)
{
    size_t n = (size_t)snprintf(out, cap, "[");
    for (int i = 0; i < rank && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%" PRId64, i ? "," : "", dim[i]);
    if (n < cap) snprintf(out + n, cap - n, "]");
}

static void note_misshapen(binding *b, const fv_param *p, const fv_named *from)
{
    char have[60], want[60], shapes[130], text[240];
    const fv_stored *t = from->stored;
    int64_t dim[4];
    for (int i = 0; i < p->rank; i++) dim[i] = p->dim[i];
    put_dims(have, sizeof have, t->dim, t->rank);
    put_dims(want, sizeof want, dim, p->rank);
    snprintf(shapes, sizeof shapes, "%s not %s", have, want);
    snprintf(text, sizeof text, "%.40s %s", p->name, shapes);
    note(&b->misshapen, text);
    tell(b, FV_MATCH_MISSHAPEN, from, p->name, shapes);
}

/* Is this a weight of the classifier that other classes would fit? */
static bool head_of_other_classes(const binding *b, const fv_param *p, const fv_stored *t)
{
    const bool trained = p->kind == FV_PARAM_WEIGHT || p->kind == FV_PARAM_BIAS;
    return b->opts.new_head && trained && p->rank > 0 && p->dim[0] == b->classes && t->rank >= p->rank &&
           t->dim[0] != p->dim[0] && same_rest(p, t);
}

static void match_param(binding *b, size_t i)
{
    const fv_param *p = &b->graph->param[i];
    const fv_named *from = fv_name_find(&b->named, p->name);
    const fv_stored *t = from ? from->stored : NULL;
    const bool count = p->kind == FV_PARAM_COUNT;
    b->of_param[i] = t;
    if (!t) {
        if (count) return;
        if (p->aux) {
            b->fresh_aux++;
            tell(b, FV_MATCH_MISSING, NULL, p->name, "of an auxiliary classifier that the file lacks");
            return;
        }
        note(&b->missing, p->name);
        tell(b, FV_MATCH_MISSING, NULL, p->name, NULL);
    } else if (head_of_other_classes(b, p, t)) {
        b->of_param[i] = NULL;
        b->same++;
        note(&b->fresh, p->name);
        tell(b, FV_MATCH_FRESH, from, p->name, "of other classes");
    } else if (count ? t->data.len * 8 != (size_t)fv_dtype_bits(t->dtype) : !same_dims(p, t, 0) && !same_matrix(p, t)) {
        note_misshapen(b, p, from);
    } else {
        b->same += !count;
        if (from->renamed) note(&b->renamed, p->name);
        tell(b, from->renamed ? FV_MATCH_RENAMED : FV_MATCH_SAME, from, p->name, NULL);
    }
}

static bool left_out(const char *name)
{
    for (size_t k = 0; k < sizeof training_only / sizeof *training_only; k++)
        if (strncmp(name, training_only[k], strlen(training_only[k])) == 0) return true;
    for (size_t k = 0; k < sizeof listed_twice / sizeof *listed_twice; k++)
        if (strstr(name, listed_twice[k])) return true;
    return false;
}

/* Tensors that no parameter takes: of an unknown name, or a second one of a known one. */
static void find_extras(binding *b)
{
    const fv_named_list *l = &b->named;
    for (size_t i = 0; i < l->count; i++) {
        const fv_named *t = &l->tensor[i];
        const bool known = fv_name_is_param(l, t->name);
        const bool again = known && i && strcmp(t[-1].name, t->name) == 0;
        if ((known && !again) || (!known && left_out(t->name))) continue;
        note(&b->extra, t->name);
        tell(b, FV_MATCH_EXTRA, t, NULL, again ? "a second tensor of that name" : NULL);
    }
}

static void append(char *text, size_t cap, const tally *t, const char *what)
{
    if (!t->count) return;
    const size_t n = strlen(text);
    snprintf(text + n, cap - n, "%s%zu %s (%s%s)", n ? "; " : "", t->count, what, t->text,
             t->count > NAMED ? ", ..." : "");
}

static fv_status verdict(const binding *b, const char *network, fv_err *err)
{
    char text[480] = "";
    append(text, sizeof text, &b->missing, "missing");
    append(text, sizeof text, &b->extra, "extra");
    append(text, sizeof text, &b->misshapen, "misshapen");
    if (text[0]) return fv_fail(err, FV_SHAPE, "weights do not fit '%.60s': %s", network, text);
    for (size_t i = 0; i < b->graph->nparam; i++) {
        const fv_stored *t = b->of_param[i];
        if (!t) continue;
        const bool count = b->graph->param[i].kind == FV_PARAM_COUNT;
        if (count ? t->dtype != FV_DTYPE_I64 : !fv_dtype_floating(t->dtype))
            return fv_fail(err, FV_UNSUP, "tensor '%.100s': elements of type %s", t->name, fv_dtype_name(t->dtype));
    }
    return FV_OK;
}

/* Weights are copied in slices of the net's block, so that one large tensor keeps all threads busy. */
enum { SLICE = 1 << 18, BLOCK = 1 << 12, MOST_THREADS = 16 };
typedef struct slices {
    const binding *b;
    fv_net *net;
    size_t bad[MOST_THREADS], first[MOST_THREADS]; /* weights that are not finite, the first parameter with one */
} slices;

static size_t not_finite(const float *w, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += !isfinite(w[i]);
    return bad;
}

/* Floats [from, to) of parameter i, in blocks that are still in the cache when they are looked at. Those that stay in the
 * file are only looked at. */
static void copy_part(slices *s, int thread, size_t i, size_t from, size_t to)
{
    const fv_stored *t = s->b->of_param[i];
    const size_t size = (size_t)fv_dtype_bits(t->dtype) / 8;
    const bool stays = fv_net_waits(s->net, (int)i);
    float *w = s->net->weights + s->net->graph->param[i].at, look[BLOCK];
    if (stays && !s->b->opts.strict) return;
    for (size_t at = from; at < to; at += BLOCK) {
        const size_t n = to - at < BLOCK ? to - at : BLOCK;
        float *out = stays ? look : w + at;
        fv_dtype_floats(t->dtype, (fv_bytes){ t->data.p + at * size, n * size }, out);
        const size_t bad = not_finite(out, n);
        if (bad && (!s->bad[thread] || i < s->first[thread])) s->first[thread] = i;
        s->bad[thread] += bad;
    }
}

static void copy_slices(void *user, int thread, int begin, int end)
{
    slices *s = user;
    const fv_graph *g = s->net->graph;
    const size_t low = (size_t)begin * SLICE, high = (size_t)end * SLICE;
    for (size_t i = 0; i < g->nparam; i++) {
        const fv_param *p = &g->param[i];
        if (!s->b->of_param[i] || p->at >= high || p->at + p->floats <= low) continue;
        const size_t from = low > p->at ? low - p->at : 0;
        copy_part(s, thread, i, from, high - p->at < p->floats ? high - p->at : p->floats);
    }
}

/* What is plainly in the file may stay there; what its format keeps in another order was put right in the arena. */
static fv_status leave_on_disk(const binding *b, fv_net *net, fv_err *err)
{
    const fv_bytes file = b->opts.file;
    FV_TRY(fv_on_disk_new(net, b->opts.leave_in, b->opts.path, err));
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_stored *t = b->of_param[i];
        const uintptr_t at = t ? (uintptr_t)t->data.p : 0, begin = (uintptr_t)file.p;
        const bool plain = t && net->graph->param[i].floats && at >= begin && at - begin < file.len;
        if (plain)
            net->on_disk->param[i] =
                (fv_stretch){ .at = at - begin, .dtype = t->dtype, .in_file = true, .waiting = true };
    }
    return FV_OK;
}

static fv_status judge(const slices *s, bool strict, const fv_net *net, fv_err *err)
{
    const fv_graph *g = net->graph;
    size_t bad = 0, first = g->nparam;
    for (int t = 0; t < MOST_THREADS; t++) {
        bad += s->bad[t];
        if (s->bad[t] && s->first[t] < first) first = s->first[t];
    }
    if (!bad) return FV_OK;
    if (strict)
        return fv_fail(err, FV_FORMAT, "%zu weights are not finite, the first in '%s'", bad, g->param[first].name);
    fv_log(&net->env, FV_LOG_WARN, "%zu weights are not finite, the first in '%s'", bad, g->param[first].name);
    return FV_OK;
}

static fv_status copy_all(const binding *b, fv_net *net, fv_err *err)
{
    const fv_graph *g = net->graph;
    const int units = (int)((g->floats + SLICE - 1) / SLICE);
    slices s = { .b = b, .net = net };
    fv_threads *pool = NULL;
    int threads = net->env.threads ? net->env.threads : fv_cores();
    if (threads > MOST_THREADS) threads = MOST_THREADS;
    if (b->opts.leave_in) FV_TRY(leave_on_disk(b, net, err));
    if (units > 1 && threads > 1) FV_TRY(fv_threads_new(&pool, threads, net->env.heap, err));
    fv_threads_run(pool, units, copy_slices, &s);
    fv_threads_free(pool);
    for (size_t i = 0; i < g->nparam; i++) {
        const fv_stored *t = b->of_param[i];
        if (g->param[i].kind == FV_PARAM_COUNT && t)
            memcpy(&net->batches_tracked, t->data.p, sizeof net->batches_tracked);
        if (g->param[i].floats && !t && b->opts.fresh) fv_net_init_param(net, b->opts.seed, i);
    }
    FV_TRY(judge(&s, b->opts.strict, net, err));
    net->has_weights = true;
    net->fresh_aux = b->fresh_aux;
    return FV_OK;
}

/* What was done without having been asked for. */
static void say(const binding *b, const fv_env *env)
{
    const fv_named_list *l = &b->named;
    if (b->fresh.count)
        fv_log(env, FV_LOG_INFO, "classifier for %d classes starts afresh: %s%s", b->classes, b->fresh.text,
               b->fresh.count > NAMED ? ", ..." : "");
    if (l->averages) fv_log(env, FV_LOG_INFO, "the file holds moving averages only: they are taken");
    if (l->beside)
        fv_log(env, FV_LOG_INFO, "read '%s' of the file; %zu tensors beside it are left out", l->prefix, l->beside);
    if (b->renamed.count)
        fv_log(env, FV_LOG_INFO, "%zu tensors had another library's names (%s%s)", b->renamed.count, b->renamed.text,
               b->renamed.count > NAMED ? ", ..." : "");
}

static fv_status match(binding *b, const char *network, const fv_stored_list *list, fv_arena *a, fv_err *err)
{
    FV_TRY(fv_name_all(&b->named, b->graph, network, list, b->opts.ema, a, err));
    b->of_param = fv_arena_alloc(a, b->graph->nparam * sizeof *b->of_param);
    if (!b->of_param) return fv_fail(err, FV_NOMEM, "no memory to match %zu parameters", b->graph->nparam);
    for (size_t i = 0; i < b->graph->nparam; i++) match_param(b, i);
    find_extras(b);
    return FV_OK;
}

fv_status fv_bind(fv_net *net, const fv_stored_list *list, const fv_bind_opts *opts, fv_err *err)
{
    binding b = { .graph = net->graph, .classes = net->classes, .opts = opts ? *opts : (fv_bind_opts){ 0 } };
    fv_arena a = { .heap = net->env.heap };
    fv_status s = match(&b, net->name, list, &a, err);
    if (s == FV_OK) s = verdict(&b, net->name, err);
    if (s == FV_OK) s = copy_all(&b, net, err);
    if (s == FV_OK) say(&b, &net->env);
    fv_arena_free(&a);
    return s;
}

double fv_bind_share(const fv_graph *g, const char *network, const fv_stored_list *list, const fv_allocator *heap)
{
    binding b = { .graph = g, .classes = g->node[g->output].shape.c, .opts = { .new_head = true } };
    fv_arena a = { .heap = heap };
    double share = 0;
    if (match(&b, network, list, &a, NULL) == FV_OK) {
        size_t all = b.extra.count;
        for (size_t i = 0; i < g->nparam; i++) all += g->param[i].kind != FV_PARAM_COUNT;
        share = all ? (double)b.same / (double)all : 0;
    }
    fv_arena_free(&a);
    return share;
}
