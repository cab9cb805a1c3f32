/* tar.c -- POSIX.1-1988 ustar headers, GNU's long names and base-256 sizes, POSIX.1-2001 pax records (path, size).
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/tar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, MAX_PAX = 1 << 16, MAX_EXTENSIONS = 1 << 16 };

/* What headers before a member's own say of it. */
typedef struct said {
    char name[FV_TAR_NAME];
    bool named, sized, sparse;
    uint64_t size;
} said;

static fv_status damaged(const fv_tar *t, const char *what, fv_err *err)
{
    return fv_fail(err, FV_FORMAT, "%s at byte %" PRIu64, what, t->at);
}

/* Octal digits among blanks, or, where the first bit is set, a big-endian number. */
static bool number(const uint8_t *p, size_t n, uint64_t *out)
{
    uint64_t v = 0;
    if (p[0] & 0x80) {
        for (size_t i = 0; i < n; i++) {
            if (v >> 55) return false;
            v = v << 8 | (i == 0 ? p[i] & 0x7f : p[i]);
        }
        *out = v;
        return true;
    }
    size_t i = 0;
    while (i < n && p[i] == ' ') i++;
    for (; i < n && p[i] >= '0' && p[i] <= '7'; i++) v = v << 3 | (uint64_t)(p[i] - '0'); /* 12 digits: 36 bits */
    *out = v;
    return i == n || p[i] == ' ' || p[i] == 0;
}

static bool checksum_is_right(const uint8_t *h)
{
    uint64_t want = 0, sum = 0;
    int64_t signed_sum = 0; /* some old tars added signed bytes */
    for (int i = 0; i < BLOCK; i++) {
        const uint8_t k = i >= 148 && i < 156 ? ' ' : h[i];
        sum += k;
        signed_sum += (int8_t)k;
    }
    return number(h + 148, 8, &want) && (want == sum || (int64_t)want == signed_sum);
}

static bool zeros(const uint8_t *h)
{
    for (int i = 0; i < BLOCK; i++)
        if (h[i]) return false;
    return true;
}

static void name_of(char out[FV_TAR_NAME], const uint8_t *h)
{
    const bool ustar = memcmp(h + 257, "ustar\0", 6) == 0; /* GNU's has "ustar " and no prefix */
    const int prefix = ustar ? (int)strnlen((const char *)h + 345, 155) : 0;
    snprintf(out, FV_TAR_NAME, "%.*s%s%.*s", prefix, (const char *)h + 345, prefix ? "/" : "",
             (int)strnlen((const char *)h, 100), (const char *)h);
}

/* "LENGTH KEY=VALUE\n", the length counting all of it. */
static bool pax_record(const char **p, const char *end, said *s)
{
    size_t len = 0;
    const char *q = *p;
    for (; q < end && *q >= '0' && *q <= '9' && len <= MAX_PAX; q++) len = len * 10 + (size_t)(*q - '0');
    if (q == end || *q != ' ' || len > (size_t)(end - *p) || len < (size_t)(q - *p) + 3) return false;
    const char *stop = *p + len - 1, *key = q + 1, *equal = memchr(key, '=', (size_t)(stop - key));
    if (*stop != '\n' || !equal) return false;
    const size_t klen = (size_t)(equal - key), vlen = (size_t)(stop - equal) - 1;
    *p = stop + 1;
    if (klen == 4 && memcmp(key, "path", 4) == 0) {
        if (vlen >= FV_TAR_NAME) return false;
        memcpy(s->name, equal + 1, vlen);
        s->name[vlen] = 0;
        s->named = true;
    }
    if (klen == 4 && memcmp(key, "size", 4) == 0) {
        s->size = 0;
        for (const char *d = equal + 1; d < stop; d++) {
            if (*d < '0' || *d > '9' || s->size > UINT64_MAX / 100) return false;
            s->size = s->size * 10 + (uint64_t)(*d - '0');
        }
        s->sized = vlen > 0;
    }
    s->sparse |= klen > 11 && memcmp(key, "GNU.sparse.", 11) == 0;
    return true;
}

/* The bytes of a header that speaks of the next member. */
static fv_status read_said(fv_tar *t, char type, uint64_t at, uint64_t size, said *s, fv_err *err)
{
    char text[MAX_PAX];
    if (type == 'L') {
        const size_t n = size < FV_TAR_NAME ? (size_t)size : FV_TAR_NAME;
        if (n == FV_TAR_NAME && size > FV_TAR_NAME) return damaged(t, "a name that is too long", err);
        FV_TRY(t->read(t->user, at, s->name, n, err));
        s->name[n < FV_TAR_NAME ? n : FV_TAR_NAME - 1] = 0;
        s->named = true;
        return FV_OK;
    }
    if (size > sizeof text) return damaged(t, "extended headers that are too long", err);
    FV_TRY(t->read(t->user, at, text, (size_t)size, err));
    for (const char *p = text; p < text + size;)
        if (!pax_record(&p, text + size, s)) return damaged(t, "an extended header that is damaged", err);
    return FV_OK;
}

/* Afterwards n bytes from `at` are there, or else the size is the true one. No sum is near 2^64: sizes are below 2^63. */
static fv_status reach(fv_tar *t, uint64_t at, uint64_t n, fv_err *err)
{
    return t->reach && at + n > t->size ? t->reach(t->user, at + n, &t->size, err) : FV_OK;
}

/* Blocks of a sparse file's map follow its header; each says whether another one does. */
static fv_status skip_map(fv_tar *t, const uint8_t *h, uint64_t *at, fv_err *err)
{
    uint8_t block[BLOCK];
    bool more = h[482] != 0;
    for (int i = 0; more; i++) {
        FV_TRY(reach(t, *at, BLOCK, err));
        if (t->size - *at < BLOCK || i == MAX_EXTENSIONS) return damaged(t, "a sparse file that is damaged", err);
        FV_TRY(t->read(t->user, *at, block, BLOCK, err));
        *at += BLOCK;
        more = block[504] != 0;
    }
    return FV_OK;
}

fv_status fv_tar_next(fv_tar *t, fv_tar_member *m, bool *more, fv_err *err)
{
    said s = { 0 };
    uint8_t h[BLOCK];
    *more = false;
    for (;;) {
        FV_TRY(reach(t, t->at, BLOCK, err));
        if (t->at >= t->size) return FV_OK; /* some writers leave out the blocks of zeros */
        if (t->size - t->at < BLOCK) return damaged(t, "cut", err);
        FV_TRY(t->read(t->user, t->at, h, BLOCK, err));
        if (zeros(h)) {
            t->at = t->size;
            t->reach = NULL; /* what lies behind does not count */
            return FV_OK;
        }
        uint64_t size = 0, at = t->at + BLOCK;
        const char type = (char)h[156];
        if (!checksum_is_right(h)) return damaged(t, "a header whose checksum is wrong", err);
        if (!number(h + 124, 12, &size)) return damaged(t, "a size that is no number", err);
        const bool about = type == 'L' || type == 'x' || type == 'K' || type == 'g';
        if (type == 'S') FV_TRY(skip_map(t, h, &at, err));
        if (s.sized && !about) size = s.size;
        /* Links and folders have no bytes, whatever their size says. */
        if (type >= '1' && type <= '6') size = 0;
        FV_TRY(reach(t, at, size, err));
        if (size > t->size - at) return damaged(t, "cut: a member that is longer than the file is left", err);
        if (type == 'L' || type == 'x') FV_TRY(read_said(t, type, at, size, &s, err));
        t->at = at + size + -size % BLOCK;
        if (about) continue;
        m->at = at;
        m->size = size;
        m->regular = (type == '0' || type == 0 || type == '7') && !s.sparse;
        if (s.named) memcpy(m->name, s.name, sizeof s.name);
        else name_of(m->name, h);
        *more = true;
        return FV_OK;
    }
}
