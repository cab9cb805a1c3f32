/* bind.c -- a file's tensors into a network's parameters: match all of them first, copy only when everything fits.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/bind.h"
#include "base/log.h"
#include "base/status.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED = 3 };

/* Classifiers beside the main one that published files carry, and that a network without them leaves out. */
static const char *const training_only[] = { "aux1.", "aux2.", "AuxLogits." };

/* A count, and the first few of what it counts. */
typedef struct tally {
    size_t count;
    char text[140];
    size_t len;
} tally;

typedef struct binding {
    fv_net *net;
    const fv_stored_list *list;
    const fv_stored **of_param; /* per parameter; NULL: keeps its value */
    size_t prefix;              /* bytes of "module." to step over in each of the file's names */
    bool new_head;
    tally missing, extra, misshapen, fresh;
} binding;

static void note(tally *t, const char *text)
{
    if (t->count++ < NAMED) {
        const int n = snprintf(t->text + t->len, sizeof t->text - t->len, "%s%.80s", t->len ? ", " : "", text);
        t->len += n < 0 ? 0 : (size_t)n;
        if (t->len >= sizeof t->text) t->len = sizeof t->text - 1;
    }
}

static const char *name_of(const binding *b, const fv_stored *t)
{
    return t->name + b->prefix;
}

/* DataParallel puts "module." before every name. */
static size_t common_prefix(const fv_stored_list *l)
{
    static const char prefix[] = "module.";
    for (size_t i = 0; i < l->count; i++)
        if (strncmp(l->tensor[i].name, prefix, sizeof prefix - 1) != 0) return 0;
    return sizeof prefix - 1;
}

/* Names are sorted, and stay so without a prefix that all have. */
static const fv_stored *find(const binding *b, const char *name)
{
    size_t low = 0, high = b->list->count;
    while (low < high) {
        const size_t mid = low + (high - low) / 2;
        const int order = strcmp(name_of(b, &b->list->tensor[mid]), name);
        if (order == 0) return &b->list->tensor[mid];
        if (order < 0) low = mid + 1;
        else high = mid;
    }
    return NULL;
}

static bool same_dims(const fv_param *p, const fv_stored *t, int from)
{
    if (p->rank != t->rank) return false;
    for (int i = from; i < p->rank; i++)
        if (p->dim[i] != t->dim[i]) return false;
    return true;
}

static void put_dims(char *out, size_t cap, const int64_t *dim, int rank)
{
    size_t n = (size_t)snprintf(out, cap, "[");
    for (int i = 0; i < rank && n < cap; i++)
        n += (size_t)snprintf(out + n, cap - n, "%s%" PRId64, i ? "," : "", dim[i]);
    if (n < cap) snprintf(out + n, cap - n, "]");
}

static void note_misshapen(binding *b, const fv_param *p, const fv_stored *t)
{
    char have[60], want[60], text[240];
    int64_t dim[4];
    for (int i = 0; i < p->rank; i++) dim[i] = p->dim[i];
    put_dims(have, sizeof have, t->dim, t->rank);
    put_dims(want, sizeof want, dim, p->rank);
    snprintf(text, sizeof text, "%.40s %s not %s", p->name, have, want);
    note(&b->misshapen, text);
}

/* Is this a weight of the classifier that other classes would fit? */
static bool head_of_other_classes(const binding *b, const fv_param *p, const fv_stored *t)
{
    const bool trained = p->kind == FV_PARAM_WEIGHT || p->kind == FV_PARAM_BIAS;
    return b->new_head && trained && p->rank > 0 && p->dim[0] == b->net->classes && t->rank == p->rank &&
           t->dim[0] != p->dim[0] && same_dims(p, t, 1);
}

static void match_param(binding *b, size_t i)
{
    const fv_param *p = &b->net->graph->param[i];
    const fv_stored *t = find(b, p->name);
    b->of_param[i] = t;
    if (!t) {
        if (p->kind != FV_PARAM_COUNT) note(&b->missing, p->name);
    } else if (head_of_other_classes(b, p, t)) {
        b->of_param[i] = NULL;
        note(&b->fresh, p->name);
    } else if (p->kind == FV_PARAM_COUNT ? t->data.len * 8 != (size_t)fv_dtype_bits(t->dtype) : !same_dims(p, t, 0)) {
        note_misshapen(b, p, t);
    }
}

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static int by_pointed_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void find_extras(binding *b, const char **names)
{
    const fv_graph *g = b->net->graph;
    for (size_t i = 0; i < g->nparam; i++) names[i] = g->param[i].name;
    if (g->nparam) qsort(names, g->nparam, sizeof *names, by_pointed_text);
    for (size_t i = 0; i < b->list->count; i++) {
        const char *name = name_of(b, &b->list->tensor[i]);
        bool known = g->nparam && bsearch(name, names, g->nparam, sizeof *names, by_text);
        for (size_t k = 0; k < sizeof training_only / sizeof *training_only; k++)
            known = known || strncmp(name, training_only[k], strlen(training_only[k])) == 0;
        if (!known) note(&b->extra, name);
    }
}

static void append(char *text, size_t cap, const tally *t, const char *what)
{
    if (!t->count) return;
    const size_t n = strlen(text);
    snprintf(text + n, cap - n, "%s%zu %s (%s%s)", n ? "; " : "", t->count, what, t->text,
             t->count > NAMED ? ", ..." : "");
}

static fv_status verdict(const binding *b, fv_err *err)
{
    char text[480] = "";
    append(text, sizeof text, &b->missing, "missing");
    append(text, sizeof text, &b->extra, "extra");
    append(text, sizeof text, &b->misshapen, "misshapen");
    if (text[0]) return fv_fail(err, FV_SHAPE, "weights do not fit '%.60s': %s", b->net->name, text);
    for (size_t i = 0; i < b->net->graph->nparam; i++) {
        const fv_stored *t = b->of_param[i];
        if (!t) continue;
        const bool count = b->net->graph->param[i].kind == FV_PARAM_COUNT;
        if (count ? t->dtype != FV_DTYPE_I64 : !fv_dtype_floating(t->dtype))
            return fv_fail(err, FV_UNSUP, "tensor '%.100s': elements of type %s", t->name, fv_dtype_name(t->dtype));
    }
    return FV_OK;
}

static size_t not_finite(const float *w, size_t n)
{
    size_t bad = 0;
    for (size_t i = 0; i < n; i++) bad += !isfinite(w[i]);
    return bad;
}

static void copy_all(const binding *b)
{
    fv_net *net = b->net;
    size_t bad = 0;
    const char *first = "";
    for (size_t i = 0; i < net->graph->nparam; i++) {
        const fv_param *p = &net->graph->param[i];
        const fv_stored *t = b->of_param[i];
        if (!t) continue;
        if (p->kind == FV_PARAM_COUNT) {
            memcpy(&net->batches_tracked, t->data.p, sizeof net->batches_tracked);
            continue;
        }
        fv_dtype_floats(t->dtype, t->data, net->weights + p->at);
        const size_t n = not_finite(net->weights + p->at, p->floats);
        if (n && !bad) first = p->name;
        bad += n;
    }
    if (bad) fv_log(&net->env, FV_LOG_WARN, "%zu weights are not finite, the first in '%s'", bad, first);
    if (b->fresh.count)
        fv_log(&net->env, FV_LOG_INFO, "classifier for %d classes starts afresh: %s%s", net->classes, b->fresh.text,
               b->fresh.count > NAMED ? ", ..." : "");
    net->has_weights = true;
}

fv_status fv_bind(fv_net *net, const fv_stored_list *list, bool new_head, fv_err *err)
{
    binding b = { .net = net, .list = list, .prefix = common_prefix(list), .new_head = new_head };
    fv_arena a = { .heap = net->env.heap };
    const size_t n = net->graph->nparam;
    const char **names = fv_arena_alloc(&a, n * sizeof *names);
    b.of_param = fv_arena_alloc(&a, n * sizeof *b.of_param);
    fv_status s = a.failed ? fv_fail(err, FV_NOMEM, "no memory to match %zu parameters", n) : FV_OK;
    if (s == FV_OK) {
        for (size_t i = 0; i < n; i++) match_param(&b, i);
        find_extras(&b, names);
        s = verdict(&b, err);
    }
    if (s == FV_OK) copy_all(&b);
    fv_arena_free(&a);
    return s;
}
