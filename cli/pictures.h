/* pictures.h -- the pictures that arguments name: files, folders, lists, standard input.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_PICTURES_H
#define CLI_PICTURES_H
#include "options.h"

typedef struct cli_pictures {
    char **file; /* "-" is standard input */
    size_t count, cap;
} cli_pictures;

/* Adds a file, a folder's pictures (all levels, sorted), @LIST's lines, or "-". Returns -1 or an exit code. */
int cli_pictures_add(cli_pictures *p, const char *argument);
int cli_pictures_add_list(cli_pictures *p, const char *file);
void cli_pictures_free(cli_pictures *p);
/* One picture, prepared; "-" is read from standard input. */
fv_status cli_picture_load(const char *file, const fv_prep *prep, float *input, const fv_env *env, fv_err *err);

#endif
