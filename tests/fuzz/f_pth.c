/* f_pth.c -- fuzz target: PyTorch's checkpoints, both forms. Every tensor of an accepted file has as many bytes as its shape
 * says, in the file or in the arena; memory stays below twice the file's length and a bit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "weights/format.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Live bytes and their peak; each block tells its size in its first 64 bytes. */
typedef struct meter {
    size_t live, peak;
} meter;

static void *take(void *user, size_t bytes)
{
    meter *m = user;
    char *p = aligned_alloc(64, bytes + 64);
    if (!p) return NULL;
    memcpy(p, &bytes, sizeof bytes);
    m->live += bytes;
    if (m->live > m->peak) m->peak = m->live;
    return p + 64;
}

static void give(void *user, void *p)
{
    size_t bytes;
    memcpy(&bytes, (char *)p - 64, sizeof bytes);
    ((meter *)user)->live -= bytes;
    free((char *)p - 64);
}

static void check(bool holds)
{
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    meter m = { 0 };
    const fv_allocator heap = { take, give, &m };
    fv_arena a = { .heap = &heap };
    fv_stored_list l;
    fv_err err = { 0 };
    const fv_weight_format *f = n && p[0] == 'P' ? &fv_pth : &fv_pth_legacy;
    const fv_status s = f->read((fv_bytes){ .p = p, .len = n }, &l, &a, &err);
    check(s == FV_OK ? err.status == FV_OK : (err.status == s && err.msg[0] && l.count == 0));
    check(m.peak <= 2 * n + (3 << 20)); /* the arena rounds up to chunks of a megabyte */
    unsigned sum = 0;
    for (size_t i = 0; i < l.count; i++) {
        const fv_stored *t = &l.tensor[i];
        size_t bytes = (size_t)fv_dtype_bits(t->dtype) / 8;
        for (int k = 0; k < t->rank; k++) bytes *= (size_t)t->dim[k];
        check(bytes == t->data.len && (i == 0 || strcmp(t[-1].name, t->name) < 0));
        for (size_t k = 0; k < t->data.len; k++) sum += t->data.p[k];
    }
    (void)sum;
    fv_arena_free(&a);
    check(m.live == 0);
    return 0;
}
