/* f_gunzip.c -- any bytes as a gzip file that holds a tar.
 * Property: the bytes at any place that was reached are the same as on the way, whatever states were kept and in whatever
 * order they are asked for; a tar whose size is not known gives the members of one whose size is; all of it ends.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memfd_create */
#include "base/alloc.h"
#include "data/gunzip.h"
#include "data/tar.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static fv_file file_of(const uint8_t *data, size_t size)
{
    struct stat st;
    fv_file f = { .fd = memfd_create("fuzz", MFD_CLOEXEC), .size = size };
    if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size || fstat(f.fd, &st) != 0) abort();
    f.seconds = st.st_mtim.tv_sec;
    f.nanoseconds = st.st_mtim.tv_nsec;
    return f;
}

static fv_status read_seen(void *user, uint64_t at, void *p, size_t n, fv_err *err)
{
    return fv_gunzip_seen(user, at, p, n, err);
}

static fv_status reach(void *user, uint64_t to, uint64_t *size, fv_err *err)
{
    return fv_gunzip_reach(user, to, size, err);
}

static fv_status read_plain(void *user, uint64_t at, void *p, size_t n, fv_err *err)
{
    (void)err;
    memcpy(p, (const uint8_t *)user + at, n);
    return FV_OK;
}

/* Both walk on: the same members, up to where the unpacking fails. */
static void compare_members(fv_gunzip_walk *w, uint8_t *plain, uint64_t size)
{
    static fv_tar_member a, b;
    fv_tar way = { .read = read_seen, .reach = reach, .user = w };
    fv_tar known = { .read = read_plain, .user = plain, .size = size };
    for (bool more = true, also; more;) {
        const fv_status s = fv_tar_next(&way, &a, &more, NULL);
        if (s != FV_OK || !more) return;
        if (fv_tar_next(&known, &b, &also, NULL) != FV_OK || !also) abort();
        if (a.at != b.at || a.size != b.size || a.regular != b.regular || strcmp(a.name, b.name) != 0) abort();
        if (a.at > size || a.size > size - a.at) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fv_gunzip *g;
    fv_gunzip_walk *w;
    uint64_t end = 0;
    if (fv_gunzip_new(&g, 500, 5, NULL, NULL) != FV_OK) return 0; /* a build without zlib */
    fv_file f = file_of(data, size);
    if (fv_gunzip_begin(&w, g, 0, &f, "", NULL) != FV_OK) abort();
    fv_gunzip_reach(w, UINT64_MAX, &end, NULL);
    if (end / 1032 > size) abort();
    uint8_t *plain = malloc(end + 1), piece[100];
    if (!plain) abort();
    if (fv_gunzip_seen(w, 0, plain, end, NULL) != FV_OK) abort();
    for (uint64_t i = 0; i < 20 && end > 0; i++) {
        const uint64_t at = i * 7907 % end, n = end - at < sizeof piece ? end - at : sizeof piece;
        if (fv_gunzip_at(g, 0, &f, at, piece, n, "", NULL) != FV_OK || memcmp(piece, plain + at, n) != 0) abort();
    }
    fv_gunzip_end(w);
    fv_gunzip_free(g);
    if (fv_gunzip_new(&g, 77, 3, NULL, NULL) != FV_OK) abort();
    if (fv_gunzip_begin(&w, g, 0, &f, "", NULL) != FV_OK) abort();
    compare_members(w, plain, end);
    fv_gunzip_end(w);
    fv_gunzip_free(g);
    free(plain);
    fv_file_close(&f);
    return 0;
}
