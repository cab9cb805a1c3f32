/* f_tar.c -- any bytes as a tar file.
 * Property: every member lies inside the file, members do not overlap, and the walk ends.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/tar.h"

#include <stdlib.h>
#include <string.h>

static fv_status read_at(void *user, uint64_t at, void *p, size_t n, fv_err *err)
{
    const fv_bytes *b = user;
    (void)err;
    if (at > b->len || n > b->len - at) abort(); /* asked for what is not there */
    memcpy(p, b->p + at, n);
    return FV_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static fv_tar_member m;
    fv_bytes b = { data, size };
    fv_tar t = { .read = read_at, .user = &b, .size = size };
    uint64_t end = 0, members = 0;
    for (bool more = true; fv_tar_next(&t, &m, &more, NULL) == FV_OK && more; members++) {
        if (m.at < end || m.at > size || m.size > size - m.at) abort();
        if (!memchr(m.name, 0, sizeof m.name)) abort();
        end = m.at + m.size;
        if (members > size / 512) abort();
    }
    return 0;
}
