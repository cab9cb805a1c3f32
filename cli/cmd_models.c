/* cmd_models.c -- lists the networks, and one network's layers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <inttypes.h>
#include <string.h>

typedef struct models_args {
    const char *filter;
} models_args;
const cli_option options_models[] = {
    { "filter", 0, CLI_TEXT, offsetof(models_args, filter), "TEXT", "only names and families that hold TEXT", 0, 0 },
    { 0 },
};

static bool shown(const fv_model *m, const char *filter)
{
    return !filter || strstr(m->name, filter) || strstr(m->family, filter);
}

static void models_json(const char *filter)
{
    cli_json j = { .out = stdout };
    json_open(&j, NULL, '[');
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        if (!shown(m, filter)) continue;
        json_open(&j, NULL, '{');
        json_text(&j, "name", m->name);
        json_text(&j, "family", m->family);
        json_int(&j, "input_size", m->size);
        json_int(&j, "params", m->params);
        json_int(&j, "macs", m->macs);
        json_real(&j, "top1", m->top1 > 0 ? m->top1 : 0.0 / 0.0);
        json_close(&j, '}');
    }
    json_close(&j, ']');
}

int cmd_models(cli *c, int argc, char **argv)
{
    models_args a = { 0 };
    int n = 0, count = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 0, 0);
    if (code >= 0) return code;
    if (c->json) {
        models_json(a.filter);
        return 0;
    }
    const char *family = "";
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        if (!shown(m, a.filter)) continue;
        if (strcmp(family, m->family) != 0)
            printf("%s%s\n  %-24s %6s %12s %10s %8s\n", count ? "\n" : "", m->family, "name", "input", "parameters",
                   "GMAC", "top-1 %");
        family = m->family;
        printf("  %-24s %6d %12" PRId64 " %10.3f ", m->name, m->size, m->params, 1e-9 * (double)m->macs);
        if (m->top1 > 0) printf("%8.2f\n", m->top1);
        else printf("%8s\n", "-");
        count++;
    }
    if (count == 0) {
        cli_say("no network's name holds '%s'", a.filter ? a.filter : "");
        return fv_status_exit(FV_FAILED);
    }
    return 0;
}
