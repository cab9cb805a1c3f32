/* status.h -- telling failures: the place that detects one formats it, each caller with knowledge adds context.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_STATUS_H
#define FV_STATUS_H
#include <fovea.h>

/* Records s and the text unless an earlier failure stands there; returns s, also when err is NULL. Texts are lower
 * case without a full stop: what failed, where, the numbers. */
fv_status fv_fail(fv_err *err, fv_status s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
fv_status fv_vfail(fv_err *err, fv_status s, const char *fmt, va_list ap);
/* Puts "text: " before the message; returns s. A text too long is cut. */
fv_status fv_context(fv_err *err, fv_status s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* FV_NOINPUT, FV_CREATE or FV_IO from errno of a failed open(2) for reading or writing; "path: strerror". */
fv_status fv_fail_open(fv_err *err, bool writing, const char *path);
fv_status fv_fail_io(fv_err *err, const char *doing, const char *path); /* FV_IO from errno */

#define FV_TRY(expr)                                                                                                   \
    do {                                                                                                               \
        const fv_status fv_s_ = (expr);                                                                                \
        if (fv_s_ != FV_OK) return fv_s_;                                                                              \
    } while (0)

#endif
