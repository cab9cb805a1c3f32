/* pictures.c -- the pictures that arguments name.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pictures.h"
#include "output.h"
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int push(cli_pictures *p, const char *file)
{
    if (p->count == p->cap) {
        const size_t cap = p->cap ? 2 * p->cap : 64;
        char **grown = realloc(p->file, cap * sizeof *grown);
        if (!grown) return cli_nomem(cap * sizeof *grown);
        p->file = grown;
        p->cap = cap;
    }
    p->file[p->count] = strdup(file);
    if (!p->file[p->count]) return cli_nomem(strlen(file));
    p->count++;
    return -1;
}

void cli_pictures_free(cli_pictures *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->file[i]);
    free(p->file);
    *p = (cli_pictures){ 0 };
}

/* In a folder only what is called a picture counts; a file named outright is always tried. */
static bool called_picture(const char *name)
{
    static const char *const endings[] = { "jpg", "jpeg", "png", "webp", "bmp", "ppm", "pgm", "pnm" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot + 1, endings[i]) == 0) return true;
    return false;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_folder(cli_pictures *p, const char *folder)
{
    char *path = strdup(folder);
    FTS *walk = path ? fts_open((char *const[]){ path, NULL }, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    const size_t before = p->count;
    int code = walk ? -1 : cli_nomem(0);
    for (FTSENT *e;
         code < 0 && (e = fts_read(walk));) { /* fts tells loops of links as FTS_DC and does not enter them */
        if (e->fts_info == FTS_F && called_picture(e->fts_name)) code = push(p, e->fts_path);
        if (e->fts_info == FTS_DNR) cli_say("%s: %s", e->fts_path, strerror(e->fts_errno));
    }
    if (walk) fts_close(walk);
    free(path);
    if (code < 0 && p->count == before) {
        cli_say("%s: there are no pictures in this folder", folder);
        code = fv_status_exit(FV_NOINPUT);
    }
    return code;
}

int cli_pictures_add_list(cli_pictures *p, const char *file)
{
    FILE *list = fopen(file, "r");
    if (!list) {
        cli_say("%s: cannot open the list: %s", file, strerror(errno));
        return fv_status_exit(FV_NOINPUT);
    }
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int code = -1;
    while (code < 0 && (len = getline(&line, &cap, list)) >= 0) {
        while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r')) line[--len] = 0;
        if (len > 0) code = push(p, line);
    }
    if (code < 0 && ferror(list)) {
        cli_say("%s: cannot read the list: %s", file, strerror(errno));
        code = fv_status_exit(FV_IO);
    }
    free(line);
    fclose(list);
    return code;
}

int cli_pictures_add(cli_pictures *p, const char *argument)
{
    struct stat st;
    if (argument[0] == '@' && argument[1]) return cli_pictures_add_list(p, argument + 1);
    if (strcmp(argument, "-") != 0 && stat(argument, &st) == 0 && S_ISDIR(st.st_mode)) return add_folder(p, argument);
    return push(p, argument);
}

enum { LONGEST_PICTURE = 64 << 20 };

static fv_status load_stdin(const fv_prep *prep, float *input, const fv_env *env, fv_err *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0, cap = 0;
    fv_status s = FV_OK;
    while (s == FV_OK && !feof(stdin)) {
        if (len == cap) {
            cap = cap ? 2 * cap : 1 << 16;
            uint8_t *grown = cap <= 2 * (size_t)LONGEST_PICTURE ? realloc(bytes, cap) : NULL;
            if (!grown) {
                *err = (fv_err){ FV_FORMAT, "standard input: more than 64 MiB, or than there is memory" };
                s = FV_FORMAT;
                break;
            }
            bytes = grown;
        }
        len += fread(bytes + len, 1, cap - len, stdin);
        if (ferror(stdin)) {
            *err = (fv_err){ FV_IO, "standard input: cannot be read" };
            s = FV_IO;
        }
    }
    if (s == FV_OK) s = fv_decode_image(bytes, len, "standard input", prep, input, env, err);
    free(bytes);
    return s;
}

fv_status cli_picture_load(const char *file, const fv_prep *prep, float *input, const fv_env *env, fv_err *err)
{
    if (strcmp(file, "-") == 0) return load_stdin(prep, input, env, err);
    return fv_load_image(file, prep, input, env, err);
}
