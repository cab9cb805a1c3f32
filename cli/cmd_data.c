/* cmd_data.c -- pictures of a data set as files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "options.h"
#include "output.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

typedef struct data_args {
    const char *split;
    int64_t count, start;
} data_args;
const cli_option options_data[] = {
    { "split", 0, CLI_TEXT, offsetof(data_args, split), "NAME", "train, val or test (train)", 0, 0 },
    { "count", 0, CLI_INT64, offsetof(data_args, count), "N", "pictures to write (all)", 1, 1e9 },
    { "start", 0, CLI_INT64, offsetof(data_args, start), "I", "the first one, counted from 0 (0)", 0, 1e9 },
    { 0 },
};

static int export(const cli *c, const data_args *a, fv_data *data, const char *folder)
{
    fv_data_info info;
    fv_err err = { 0 };
    cli_json j = { .out = stdout };
    fv_data_describe(data, &info);
    const int64_t end = a->count && a->start + a->count < info.count ? a->start + a->count : info.count;
    if (c->json) json_open(&j, NULL, '[');
    for (int64_t i = a->start; i < end; i++) {
        char path[4096];
        int label = 0;
        if (snprintf(path, sizeof path, "%s/%s-%05" PRId64 ".png", folder, info.split, i) >= (int)sizeof path)
            return cli_usage(c, "the folder's name is too long");
        if (fv_data_export_png(data, i, path, &label, &err) != FV_OK) return cli_fail(&err);
        const char *name = info.class_names ? info.class_names[label] : NULL;
        if (c->json) {
            json_open(&j, NULL, '{');
            json_text(&j, "file", path);
            json_int(&j, "index", label);
            json_text(&j, "label", name);
            json_close(&j, '}');
        } else {
            cli_text(stdout, path);
            printf("  %d  ", label);
            cli_text(stdout, name ? name : "");
            printf("\n");
        }
    }
    if (c->json) json_close(&j, ']');
    return 0;
}

int cmd_data(cli *c, int argc, char **argv)
{
    data_args a = { 0 };
    fv_data *data = NULL;
    fv_err err = { 0 };
    int n = 0;
    int code = cli_parse(c, &a, argc, argv, &n);
    if (code < 0) code = cli_expect(c, n, 3, 3);
    if (code < 0 && strcmp(argv[0], "export") != 0)
        code = cli_usage(c, "'data' can export, not '%s'; did you mean 'export'?", argv[0]);
    if (code >= 0) return code;
    if (fv_data_open(&data, argv[1], &(fv_data_opts){ .split = a.split }, &c->env, &err) != FV_OK)
        return cli_fail(&err);
    if (mkdir(argv[2], 0777) != 0 && errno != EEXIST) {
        cli_say("%s: cannot create the folder: %s", argv[2], strerror(errno));
        code = fv_status_exit(FV_CREATE);
    } else {
        code = export(c, &a, data, argv[2]);
    }
    fv_data_free(data);
    return code;
}
