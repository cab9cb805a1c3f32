/* cmd_models.c -- lists the networks by family, what others call them, and the weights that were published for them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "network.h"
#include "output.h"
#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

typedef struct models_args {
    const char *filter, *family;
    bool aliases, published;
} models_args;
// clang-format off
const cli_option options_models[] = {
    { "filter",    0, CLI_TEXT, offsetof(models_args, filter),    "PATTERN", "only names, families and aliases that hold PATTERN, or match it with * and ?", 0, 0 },
    { "family",    0, CLI_TEXT, offsetof(models_args, family),    "NAME",    "only this family", 0, 0 },
    { "aliases",   0, CLI_FLAG, offsetof(models_args, aliases),   "",        "also what other libraries call them", 0, 0 },
    { "published", 0, CLI_FLAG, offsetof(models_args, published), "",        "published weights instead, as Markdown", 0, 0 },
    { 0 },
};
// clang-format on

static bool matches(const char *text, const char *pattern)
{
    if (!strpbrk(pattern, "*?[")) return strstr(text, pattern) != NULL;
    return fnmatch(pattern, text, 0) == 0;
}

static bool shown(const fv_model *m, const models_args *a)
{
    const char *network, *alias;
    if (a->family && strcmp(m->family, a->family) != 0) return false;
    if (!a->filter || matches(m->name, a->filter) || matches(m->family, a->filter)) return true;
    for (int i = 0; (alias = fv_model_alias_at(i, &network)) != NULL; i++)
        if (strcmp(network, m->name) == 0 && matches(alias, a->filter)) return true;
    return false;
}

static void one_json(cli_json *j, const fv_model *m)
{
    const char *network, *alias;
    json_open(j, NULL, '{');
    json_text(j, "name", m->name);
    json_text(j, "family", m->family);
    json_int(j, "input_size", m->size);
    json_int(j, "classes", m->classes);
    json_int(j, "params", m->params);
    json_int(j, "macs", m->macs);
    json_real(j, "top1", m->top1 > 0 ? m->top1 : 0.0 / 0.0);
    json_text(j, "source", m->source);
    json_open(j, "aliases", '[');
    for (int i = 0; (alias = fv_model_alias_at(i, &network)) != NULL; i++)
        if (strcmp(network, m->name) == 0) json_text(j, NULL, alias);
    json_close(j, ']');
    json_open(j, "weights", '[');
    for (int i = 0; fv_published_at(i); i++)
        if (strcmp(fv_published_at(i)->network, m->name) == 0) json_text(j, NULL, fv_published_at(i)->file);
    json_close(j, ']');
    json_close(j, '}');
}

static int list_json(const models_args *a)
{
    cli_json j = { .out = stdout };
    int count = 0;
    json_open(&j, NULL, '[');
    for (int i = 0; fv_model_at(i); i++) {
        if (!shown(fv_model_at(i), a)) continue;
        one_json(&j, fv_model_at(i));
        count++;
    }
    json_close(&j, ']');
    return count;
}

static void one_text(const fv_model *m, bool aliases)
{
    const char *network, *alias, *lead = "    also ";
    printf("  %-33s %5d %13" PRId64 " %8.3f ", m->name, m->size, m->params, 1e-9 * (double)m->macs);
    if (m->top1 > 0) printf("%7.2f  %s\n", m->top1, m->source ? m->source : "");
    else printf("%7s\n", "-");
    if (!aliases) return;
    for (int i = 0; (alias = fv_model_alias_at(i, &network)) != NULL; i++)
        if (strcmp(network, m->name) == 0) {
            printf("%s%s", lead, alias);
            lead = ", ";
        }
    if (lead[0] == ',') printf("\n");
}

static int list_text(const models_args *a)
{
    const char *family = "";
    int count = 0;
    for (int i = 0; fv_model_at(i); i++) {
        const fv_model *m = fv_model_at(i);
        if (!shown(m, a)) continue;
        if (strcmp(family, m->family) != 0)
            printf("%s%-35s %5s %13s %8s %7s  %s\n", count ? "\n" : "", m->family, "input", "parameters", "GMAC",
                   "top-1 %", "measured by");
        family = m->family;
        one_text(m, a->aliases);
        count++;
    }
    return count;
}

static void percent(double p)
{
    if (p > 0) printf(" %.3f |", p);
    else printf(" - |");
}

static const char *const colours[] = { [FV_NORM_IMAGENET] = "ImageNet",
                                       [FV_NORM_UNIT] = "-1 to 1",
                                       [FV_NORM_BYTES] = "0 to 255, BGR",
                                       [FV_NORM_CAFFE] = "Caffe, BGR" };

/* One table row per weights; doc/WEIGHTS.md is made of them. */
static int list_published(const models_args *a)
{
    int count = 0;
    for (int i = 0; fv_published_at(i); i++) {
        const fv_published *p = fv_published_at(i);
        const fv_model *m = fv_model_find(p->network);
        if (!m || !shown(m, a)) continue;
        if (count++ == 0)
            printf("| network | weights | file | publisher | shorter side | crop | filter | colours | top-1 | top-5 |\n"
                   "|---|---|---|---|---|---|---|---|---|---|\n");
        printf("| `%s` | %s | `%s` | %s | %d | %d | %s | %s |", p->network, p->weights, p->file, p->publisher,
               p->resize, p->size, p->filter == FV_BICUBIC ? "bicubic" : "bilinear", colours[p->norm]);
        percent(p->top1);
        percent(p->top5);
        printf("\n");
    }
    return count;
}

static const char *family_name(int i, const void *of)
{
    (void)of;
    return fv_model_at(i) ? fv_model_at(i)->family : NULL;
}

static int check_family(const cli *c, const char *family)
{
    for (int i = 0; fv_model_at(i); i++)
        if (strcmp(fv_model_at(i)->family, family) == 0) return -1;
    const char *near = cli_nearest(family, family_name, NULL);
    if (near) return cli_usage(c, "there is no family '%s'; did you mean '%s'?", family, near);
    return cli_usage(c, "there is no family '%s'", family);
}

int cmd_models(cli *c, int argc, char **argv)
{
    models_args a = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 0, 0);
    if (code < 0 && a.family) code = check_family(c, a.family);
    if (code >= 0) return code;
    const int count = c->json ? list_json(&a) : a.published ? list_published(&a) : list_text(&a);
    if (count > 0 || c->json) return 0;
    cli_say("no network%s matches '%s'", a.published ? " with published weights" : "", a.filter ? a.filter : "");
    return fv_status_exit(FV_FAILED);
}
