/* names.c -- other libraries' names of tensors become ours: wrappers and prefixes are taken off, then rows of names.def
 * are tried in turn until the network has a parameter of that name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/names.h"
#include "base/status.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 300, CAPTURES = 4, DEEPEST = 8 };

/* What trainers put around the weights. `all`: a prefix of every name, not a dict beside others. */
static const struct wrapper {
    const char *word;
    bool ema, all;
} wrappers[] = {
    { "state_dict", false, false },  { "model_state_dict", false, false },
    { "model_state", false, false }, { "model", false, false },
    { "net", false, true },          { "network", false, true },
    { "params", false, false },      { "module", false, true },
    { "_orig_mod", false, true },    { "state_dict_ema", true, false },
    { "model_ema", true, false },    { "ema_state_dict", true, false },
    { "ema_model", true, false },    { "ema", true, false },
};
enum { WRAPPERS = sizeof wrappers / sizeof *wrappers };

static const struct row {
    const char *network, *pattern, *becomes;
} rows[] = {
#define FV_NAME(network, pattern, becomes) { network, pattern, becomes },
#include "weights/names.def"
#undef FV_NAME
};

typedef struct capture {
    const char *p;
    size_t n;
} capture;

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* '#' is a number; '*' is any text, and stands at the pattern's end only (its start is seen to by matches). */
static bool matches_here(const char *pattern, const char *text, capture *got, int n)
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            got[n] = (capture){ text, strlen(text) };
            return true;
        }
        if (*pattern == '#') {
            got[n] = (capture){ text, 0 };
            while (digit(text[got[n].n])) got[n].n++;
            if (!got[n].n) return false;
            text += got[n++].n;
        } else if (*text++ != *pattern) {
            return false;
        }
    }
    return !*text;
}

static bool matches(const char *pattern, const char *text, capture got[CAPTURES])
{
    if (*pattern != '*') return matches_here(pattern, text, got, 0);
    for (const char *t = text; *t; t++)
        if (matches_here(pattern + 1, t, got, 1)) {
            got[0] = (capture){ text, (size_t)(t - text) };
            return true;
        }
    return false;
}

/* $1 to $4 are the captures; $1+2 and $1-2 count on. False where the result is too long. */
static bool rewrite(const char *becomes, const capture got[CAPTURES], char out[LONGEST])
{
    size_t n = 0;
    for (; *becomes; becomes++) {
        if (*becomes != '$') {
            if (n + 1 >= LONGEST) return false;
            out[n++] = *becomes;
            continue;
        }
        const capture *c = &got[*++becomes - '1'];
        const bool counts = (becomes[1] == '+' || becomes[1] == '-') && digit(becomes[2]);
        int put;
        if (counts) {
            const long step = becomes[2] - '0';
            put = snprintf(out + n, LONGEST - n, "%ld", strtol(c->p, NULL, 10) + (becomes[1] == '+' ? step : -step));
            becomes += 2;
        } else {
            put = snprintf(out + n, LONGEST - n, "%.*s", (int)(c->n < LONGEST ? c->n : LONGEST), c->p);
        }
        if (put < 0 || (size_t)put >= LONGEST - n) return false;
        n += (size_t)put;
    }
    out[n] = 0;
    return true;
}

static int by_text(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static int by_pointed_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool fv_name_is_param(const fv_named_list *l, const char *name)
{
    return l->nparams && bsearch(name, l->params, l->nparams, sizeof *l->params, by_text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const fv_named *)a)->name, ((const fv_named *)b)->name);
}

const fv_named *fv_name_find(const fv_named_list *l, const char *name)
{
    const fv_named key = { .name = name };
    return l->count ? bsearch(&key, l->tensor, l->count, sizeof key, by_name) : NULL;
}

/* Rows apply one after the other, each to what those before it made, until the network knows the name. A name that
 * leads nowhere stays as it was. */
static bool rename_one(const fv_named_list *l, const char *network, const char *name, char out[LONGEST])
{
    char text[LONGEST], next[LONGEST];
    capture got[CAPTURES];
    if (strlen(name) >= LONGEST || fv_name_is_param(l, name)) return false;
    snprintf(text, sizeof text, "%s", name);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strncmp(network, rows[i].network, strlen(rows[i].network)) != 0) continue;
        if (!matches(rows[i].pattern, text, got) || !rewrite(rows[i].becomes, got, next)) continue;
        memcpy(text, next, sizeof text);
        if (fv_name_is_param(l, text)) {
            memcpy(out, text, sizeof text);
            return true;
        }
    }
    return false;
}

/* ---- wrappers ---- */

static bool begins(const char *name, const char *word)
{
    const size_t n = strlen(word);
    return strncmp(name, word, n) == 0 && name[n] == '.';
}

/* A count of averaged steps stands beside the averages, with no prefix. */
static bool counts_steps(const char *name)
{
    return strcmp(name, "n_averaged") == 0;
}

static bool wraps(const fv_named_list *l, const fv_stored_list *list, const char *prefix, const struct wrapper *w)
{
    const size_t n = strlen(prefix);
    size_t inside = 0, outside = 0;
    for (size_t i = 0; i < l->nparams; i++)
        if (begins(l->params[i], w->word)) return false; /* the network's own module of that name */
    for (size_t i = 0; i < list->count; i++) {
        const char *name = list->tensor[i].name;
        if (strncmp(name, prefix, n) != 0) continue;
        if (begins(name + n, w->word)) inside++;
        else if (!counts_steps(name + n)) outside++;
    }
    return inside && !(w->all && outside);
}

/* Takes wrappers off until none is left; *averages tells whether one held moving averages. */
static void find_prefix(const fv_named_list *l, const fv_stored_list *list, bool ema, char prefix[LONGEST],
                        bool *averages)
{
    *averages = false;
    prefix[0] = 0;
    for (int depth = 0; depth < DEEPEST; depth++) {
        const struct wrapper *plain = NULL, *average = NULL;
        for (int i = 0; i < WRAPPERS; i++) {
            const struct wrapper **best = wrappers[i].ema ? &average : &plain;
            if (!*best && wraps(l, list, prefix, &wrappers[i])) *best = &wrappers[i];
        }
        const struct wrapper *w = average && (!plain || (ema && !*averages)) ? average : plain;
        if (!w) return;
        *averages = *averages || w->ema;
        const size_t n = strlen(prefix);
        snprintf(prefix + n, LONGEST - n, "%s.", w->word);
    }
}

fv_status fv_name_all(fv_named_list *out, const fv_graph *g, const char *network, const fv_stored_list *list, bool ema,
                      fv_arena *a, fv_err *err)
{
    char prefix[LONGEST], name[LONGEST];
    bool averages;
    *out = (fv_named_list){ .nparams = g->nparam };
    out->params = fv_arena_alloc(a, g->nparam * sizeof *out->params);
    out->tensor = fv_arena_alloc(a, list->count * sizeof *out->tensor);
    if (a->failed) return fv_fail(err, FV_NOMEM, "no memory to match %zu tensors", list->count);
    for (size_t i = 0; i < g->nparam; i++) out->params[i] = g->param[i].name;
    if (g->nparam) qsort(out->params, g->nparam, sizeof *out->params, by_pointed_text);
    find_prefix(out, list, ema, prefix, &averages);
    if (ema && !averages) return fv_fail(err, FV_FORMAT, "holds no moving averages of the weights");
    out->averages = averages && !ema;
    out->prefix = fv_arena_strdup(a, prefix);
    const size_t n = strlen(prefix);
    for (size_t i = 0; i < list->count; i++) {
        const fv_stored *t = &list->tensor[i];
        if (strncmp(t->name, prefix, n) != 0) {
            out->beside++;
            continue;
        }
        fv_named *to = &out->tensor[out->count];
        *to = (fv_named){ .name = t->name + n, .stored = t };
        if (counts_steps(to->name)) continue;
        to->renamed = rename_one(out, network, to->name, name);
        if (to->renamed) to->name = fv_arena_strdup(a, name);
        out->count++;
    }
    if (a->failed) return fv_fail(err, FV_NOMEM, "no memory to match %zu tensors", list->count);
    if (out->count) qsort(out->tensor, out->count, sizeof *out->tensor, by_name);
    return FV_OK;
}
