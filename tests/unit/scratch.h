/* scratch.h -- a folder of files for one test, removed after it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_SCRATCH_H
#define FV_TEST_SCRATCH_H
#define _GNU_SOURCE /* nftw; include this first */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static inline int scratch_make(void **state)
{
    char *dir = strdup("/tmp/fovea-test-XXXXXX");
    *state = dir;
    return dir && mkdtemp(dir) ? 0 : -1;
}

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

static inline int scratch_drop(void **state)
{
    const int failed = nftw(*state, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return failed;
}

static inline const char *scratch_dir(void **state)
{
    return *state;
}

/* Writes dir/name, making the folders in name. */
static inline void scratch_write(const char *dir, const char *name, const void *p, size_t n)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (char *s = path + strlen(dir) + 1; (s = strchr(s, '/')) != NULL; s++) {
        *s = 0;
        mkdir(path, 0777);
        *s = '/';
    }
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

#endif
