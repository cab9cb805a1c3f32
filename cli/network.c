/* network.c -- opens the network that the options name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int cli_check_model(const cli *c, const char *model)
{
    if (!model) return cli_usage(c, "--model is missing");
    if (fv_model_find(model) || access(model, F_OK) == 0) return -1;
    if (strchr(model, '/') || strchr(model, '.')) { /* meant as a file */
        cli_say("%s: no such model file", model);
        return fv_status_exit(FV_NOINPUT);
    }
    const char *near = fv_model_nearest(model);
    if (near) return cli_usage(c, "there is no network '%s'; did you mean '%s'?", model, near);
    return cli_usage(c, "there is no network '%s'", model);
}

/* $XDG_CACHE_HOME/fovea/wisdom.json, made as far as its folder (XDG Base Directory Specification); NULL: there is no place. */
static const char *usual_wisdom(cli *c)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    char folder[sizeof c->wisdom - 16];
    int len = -1;
    if (cache && cache[0] == '/') len = snprintf(folder, sizeof folder, "%s", cache);
    else if (home && home[0] == '/') len = snprintf(folder, sizeof folder, "%s/.cache", home);
    if (len < 0 || (size_t)len + sizeof "/fovea" > sizeof folder) return NULL;
    mkdir(folder, 0700);
    memcpy(folder + len, "/fovea", sizeof "/fovea");
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) return NULL;
    snprintf(c->wisdom, sizeof c->wisdom, "%s/wisdom.json", folder);
    return c->wisdom;
}

static void set_tuning(cli *c, const cli_network *a)
{
    c->env.autotune = a->autotune || a->wisdom;
    c->env.wisdom = a->wisdom;
    if (!c->env.autotune || a->wisdom) return;
    c->env.wisdom = usual_wisdom(c);
    if (!c->env.wisdom) cli_say("there is no folder for caches: the timings of --autotune are not kept");
}

int cli_open_network(cli *c, const cli_network *a, bool need_weights, fv_net **net)
{
    fv_err err = { 0 };
    const int code = cli_check_model(c, a->model);
    if (code >= 0) return code;
    if (a->channels == 2) return cli_usage(c, "--channels is 1 or 3");
    if (need_weights && fv_model_find(a->model) && !a->weights && !a->random_weights)
        return cli_usage(c, "'%s' has no weights: give --weights FILE, or a model file, or --random-weights", a->model);
    c->env.threads = a->threads;
    c->env.low_memory = a->low_memory;
    set_tuning(c, a);
    const fv_net_opts opts = { .weights = a->weights,
                               .classes = a->classes,
                               .size = a->size,
                               .channels = a->channels,
                               .stem = (fv_stem)a->stem,
                               .no_weights = a->no_weights,
                               .ema = a->ema,
                               .strict = a->strict,
                               .low_memory = !a->trains,
                               .seed = a->seed,
                               .names_file = a->labels };
    return fv_net_open(net, a->model, &opts, &c->env, &err) == FV_OK ? -1 : cli_fail(&err);
}
