/* wisdom.h -- what timing has found out about a machine, kept in a file: for each problem the number of a variant.
 *
 * {"fovea_wisdom": 1, "variants": V, "choices": {"KEY": number, ...}}. A file of another version, or that is no such text,
 * is not used. Bounded: at most FV_WISDOM_MOST choices, keys shorter than FV_WISDOM_KEY.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_WISDOM_H
#define FV_WISDOM_H
#include "base/alloc.h"
#include "base/bytes.h"

enum { FV_WISDOM_MOST = 20000, FV_WISDOM_KEY = 256, FV_WISDOM_BYTES = 8 << 20, FV_WISDOM_CHOICES = 64 };

typedef struct fv_choice {
    const char *key;
    int number; /* from 0, below FV_WISDOM_CHOICES */
} fv_choice;
typedef struct fv_wisdom {
    fv_arena arena;
    fv_choice *choice;
    size_t n, cap;
} fv_wisdom; /* zero but for arena.heap before use */

/* FV_FORMAT where the text is not what the head of this file says; w then holds nothing. */
fv_status fv_wisdom_parse(fv_wisdom *w, fv_bytes text, int variants, fv_err *err);
fv_status fv_wisdom_read(fv_wisdom *w, const char *path, int variants, fv_err *err); /* no file: nothing is known */
/* As one step or not at all. */
fv_status fv_wisdom_write(const fv_wisdom *w, const char *path, int variants, fv_err *err);
int fv_wisdom_find(const fv_wisdom *w, const char *key); /* -1: unknown */
/* Nothing more is kept where it is full. */
fv_status fv_wisdom_put(fv_wisdom *w, const char *key, int number, fv_err *err);
void fv_wisdom_free(fv_wisdom *w);

#endif
