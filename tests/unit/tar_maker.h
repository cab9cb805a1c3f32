/* tar_maker.h -- tar files for tests, member by member.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_TEST_TAR_MAKER_H
#define FV_TEST_TAR_MAKER_H
#include "unit/scratch.h"

typedef struct tar_maker {
    uint8_t p[1 << 17];
    size_t n;
} tar_maker;

static inline void tar_sum(uint8_t *h)
{
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A header alone; returns it. */
static inline uint8_t *tar_header(tar_maker *t, const char *name, char type, size_t size)
{
    uint8_t *h = t->p + t->n;
    assert_true(t->n + 512 <= sizeof t->p);
    memset(h, 0, 512);
    snprintf((char *)h, 100, "%s", name);
    snprintf((char *)h + 100, 8, "0000644");
    snprintf((char *)h + 124, 12, "%011o", (unsigned)size);
    h[156] = (uint8_t)type;
    memcpy(h + 257,
           "ustar\0"
           "00",
           8);
    tar_sum(h);
    t->n += 512;
    return h;
}

static inline void tar_bytes(tar_maker *t, const void *p, size_t n)
{
    const size_t padded = (n + 511) / 512 * 512;
    assert_true(t->n + padded <= sizeof t->p);
    memset(t->p + t->n, 0, padded);
    memcpy(t->p + t->n, p, n);
    t->n += padded;
}

static inline void tar_add(tar_maker *t, const char *name, const void *p, size_t n)
{
    tar_header(t, name, '0', n);
    tar_bytes(t, p, n);
}

static inline void tar_text(tar_maker *t, const char *name, const char *text)
{
    tar_add(t, name, text, strlen(text));
}

static inline void tar_end(tar_maker *t)
{
    tar_bytes(t, (const uint8_t[1024]){ 0 }, 1024);
}

#endif
