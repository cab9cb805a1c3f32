/* tuning.c -- how the update treats each parameter: what is frozen, what does not decay, and rates that fall with the
 * distance from the classifier (Howard, Ruder 2018, section 3.2: discriminative fine-tuning).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "train/session.h"
#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

/* ---- the classifier: what makes the output and the auxiliary outputs last ---- */

static void mark_maker(const fv_graph *g, int value, bool *head)
{
    const fv_node *n = &g->node[value];
    while (n->nparam == 0 && n->nin > 0) n = &g->node[n->in[0]];
    for (int k = 0; k < n->nparam; k++) head[n->param[k]] = true;
}

static bool *find_head(fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    bool *head = fv_arena_alloc(&s->arena, g->nparam);
    if (!head) fv_fail(err, FV_NOMEM, "no memory for %zu parameters", g->nparam);
    if (!head) return NULL;
    mark_maker(g, g->output, head);
    for (int k = 0; k < g->naux; k++) mark_maker(g, g->aux[k].value, head);
    return head;
}

fv_status fv_session_new_head(fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    const bool *head = find_head(s, err);
    const char *first = NULL;
    size_t fresh = 0, kept = 0;
    if (!head) return FV_NOMEM;
    for (size_t i = 0; i < g->nparam; i++) {
        if (g->param[i].floats == 0) continue;
        if (head[i]) fv_net_init_param(s->net, s->o.seed, i);
        if (head[i] && !first) first = g->param[i].name;
        *(head[i] ? &fresh : &kept) += 1;
    }
    fv_log(&s->env, FV_LOG_INFO, "%zu tensors are those of %s; the classifier starts afresh (%s and %zu more)", kept,
           s->o.weights, first ? first : "-", fresh ? fresh - 1 : 0);
    return FV_OK;
}

/* ---- freezing ---- */

static bool matches(const char *patterns, const char *key)
{
    char one[200];
    for (const char *at = patterns; at && *at;) {
        const size_t len = strcspn(at, ",");
        if (len < sizeof one) {
            memcpy(one, at, len);
            one[len] = 0;
            if (fnmatch(one, key, 0) == 0) return true;
        }
        at += len + (at[len] == ',');
    }
    return false;
}

static fv_status freeze(fv_session *s, fv_param_rule *rule, const bool *head, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    size_t frozen = 0, left = 0;
    for (size_t i = 0; i < g->nparam; i++) {
        if (g->param[i].kind >= FV_PARAM_RUNNING) continue;
        const bool still = matches(s->o.freeze, g->param[i].name) || (s->o.freeze_body && !head[i]);
        if (still) rule[i].rate = 0;
        *(still ? &frozen : &left) += 1;
    }
    if (s->o.freeze && frozen == 0)
        return fv_fail(err, FV_ARG, "freeze: no key of '%s' is like '%s'", s->net->name, s->o.freeze);
    if (left == 0) return fv_fail(err, FV_ARG, "all of '%s' is frozen: nothing is left to train", s->net->name);
    if (frozen > 0) fv_log(&s->env, FV_LOG_INFO, "%zu tensors are frozen, %zu are trained", frozen, left);
    return FV_OK;
}

/* ---- layers ---- */

static bool has_digit(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (isdigit((unsigned char)s[i])) return true;
    return false;
}

/* How much of a key names its layer, which is a block where there are blocks: "layer1.0" of "layer1.0.conv1.weight",
 * "features.3" of "features.3.conv.0.0.weight", the module itself where nothing before it has a number. */
static size_t layer_name(const char *key)
{
    const char *weight = strrchr(key, '.');
    if (!weight) return strlen(key);
    const size_t module = (size_t)(weight - key);
    size_t end = 0;
    for (size_t at = 0; at < module;) {
        const size_t len = strcspn(key + at, ".");
        const bool own = at + len >= module, numbered = has_digit(key + at, len);
        if (own || (end > 0 && (!numbered || strncmp(key + at, "branch", 6) == 0))) break;
        if (numbered) end = at + len;
        at += len + 1;
    }
    return end > 0 ? end : module;
}

static bool same_layer(const char *a, const char *b)
{
    const size_t n = layer_name(a);
    return n == layer_name(b) && memcmp(a, b, n) == 0;
}

/* Does the layer that begins with parameter i have more than norms? */
static bool weighs(const fv_graph *g, size_t i)
{
    const char *name = g->param[i].name;
    for (; i < g->nparam && same_layer(name, g->param[i].name); i++)
        if (g->param[i].kind == FV_PARAM_WEIGHT || g->param[i].kind == FV_PARAM_BIAS) return true;
    return false;
}

/* A norm by itself belongs to the layer before it; auxiliary classifiers are no layers. */
int fv_session_layers(const fv_graph *g, int *layer)
{
    int count = 0;
    for (size_t i = 0; i < g->nparam; i++) {
        const bool goes_on = i > 0 && same_layer(g->param[i].name, g->param[i - 1].name);
        if (i == 0 || (!goes_on && !g->param[i].aux && weighs(g, i))) count++;
        layer[i] = count - 1;
    }
    return count;
}

static fv_status decay_rates(fv_session *s, fv_param_rule *rule, const bool *head, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    int *layer = fv_arena_alloc(&s->arena, g->nparam * sizeof *layer);
    if (!layer) return fv_fail(err, FV_NOMEM, "no memory for %zu parameters", g->nparam);
    const int last = fv_session_layers(g, layer) - 1;
    for (size_t i = 0; i < g->nparam; i++)
        rule[i].rate *= head[i] || g->param[i].aux ? 1 : pow(s->o.layer_decay, last - layer[i]);
    return FV_OK;
}

/* ---- weight decay ---- */

static bool is_depthwise(const fv_graph *g, size_t param)
{
    for (size_t i = 0; i < g->nnode; i++) {
        const fv_node *n = &g->node[i];
        if (n->op == FV_OP_CONV2D && n->nparam > 0 && n->param[0] == (int)param)
            return n->attr.conv.groups > 1 && g->param[param].dim[1] == 1;
    }
    return false;
}

static bool decays(const fv_session *s, size_t i)
{
    const fv_graph *g = s->net->graph;
    if (s->o.wd_exempt == FV_WD_NONE) return true;
    return g->param[i].kind == FV_PARAM_WEIGHT && !(s->o.wd_exempt == FV_WD_DEPTHWISE && is_depthwise(g, i));
}

fv_status fv_session_rules(fv_session *s, fv_err *err)
{
    const fv_graph *g = s->net->graph;
    fv_param_rule *rule = fv_arena_alloc(&s->arena, g->nparam * sizeof *rule);
    const bool *head = find_head(s, err);
    if (!rule || !head) return fv_fail(err, FV_NOMEM, "no memory for %zu parameters", g->nparam);
    for (size_t i = 0; i < g->nparam; i++) {
        const bool bias = g->param[i].kind == FV_PARAM_BIAS || g->param[i].kind == FV_PARAM_SHIFT;
        rule[i] = (fv_param_rule){ .rate = bias ? s->o.bias_lr : 1, .wd = decays(s, i) ? s->o.wd : 0 };
    }
    if (s->o.layer_decay < 1) FV_TRY(decay_rates(s, rule, head, err));
    FV_TRY(freeze(s, rule, head, err));
    s->rule = rule;
    return FV_OK;
}
