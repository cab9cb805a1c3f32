/* status.c -- status texts, and messages kept on the caller's stack.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *fv_version(void)
{
    return FV_VERSION;
}

const char *fv_status_text(fv_status s)
{
    static const char *const text[FV_STATUS_COUNT] = {
#define X(code, exit_code, words) [FV_##code] = words,
        FV_STATUS_MAP(X)
#undef X
    };
    return (unsigned)s < FV_STATUS_COUNT ? text[s] : "unknown status";
}

int fv_status_exit(fv_status s)
{
    static const uint8_t code[FV_STATUS_COUNT] = {
#define X(name, exit_code, words) [FV_##name] = exit_code,
        FV_STATUS_MAP(X)
#undef X
    };
    return (unsigned)s < FV_STATUS_COUNT ? code[s] : code[FV_BUG];
}

/* Messages quote names out of files: a line break or a terminal's escape must not survive in them, nor half a UTF-8
 * sequence where the text was cut. */
static void make_one_line(char *text)
{
    unsigned char *p = (unsigned char *)text;
    for (; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) *p = '?';
        if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) p[0] = p[1] = '?'; /* U+0080 .. U+009F */
    }
    const unsigned char *const end = p;
    unsigned char *lead = p;
    while (lead > (unsigned char *)text && (lead[-1] & 0xc0) == 0x80) lead--;
    if (lead == (unsigned char *)text || lead[-1] < 0xc0) return;
    lead--;
    const int want = *lead >= 0xf0 ? 4 : *lead >= 0xe0 ? 3 : 2;
    if (end - lead < want) *lead = 0;
}

fv_status fv_vfail(fv_err *err, fv_status s, const char *fmt, va_list ap)
{
    if (!err || err->status != FV_OK) return s;
    err->status = s;
    vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    make_one_line(err->msg);
    return s;
}

fv_status fv_fail(fv_err *err, fv_status s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fv_vfail(err, s, fmt, ap);
    va_end(ap);
    return s;
}

fv_status fv_context(fv_err *err, fv_status s, const char *fmt, ...)
{
    if (!err || s == FV_OK) return s;
    if (err->status == FV_OK) fv_fail(err, s, "%s", fv_status_text(s));
    char old[sizeof err->msg];
    memcpy(old, err->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n < 0) {
        memcpy(err->msg, old, sizeof old);
    } else if ((size_t)n + 3 < sizeof err->msg) {
        const size_t at = (size_t)n, room = sizeof err->msg - at - 3, len = strlen(old);
        const size_t keep = len < room ? len : room;
        memcpy(err->msg + at, ": ", 2);
        memcpy(err->msg + at + 2, old, keep);
        err->msg[at + 2 + keep] = 0;
    }
    make_one_line(err->msg);
    return s;
}

fv_status fv_fail_open(fv_err *err, bool writing, const char *path)
{
    const int e = errno;
    fv_status s = writing ? FV_CREATE : FV_NOINPUT;
    if (e == EIO || e == ENOSPC || e == EDQUOT || e == EMFILE || e == ENFILE) s = FV_IO;
    if (e == ENOMEM) s = FV_NOMEM;
    return fv_fail(err, s, "%s: %s", path, strerror(e));
}

fv_status fv_fail_io(fv_err *err, const char *doing, const char *path)
{
    const int e = errno;
    return fv_fail(err, FV_IO, "%s: cannot %s: %s", path, doing, strerror(e));
}
