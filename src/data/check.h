/* check.h -- looking through a data set for what spoils training: the parts of fv_data_check.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CHECK_H
#define FV_CHECK_H
#include "data/source.h"

enum { FV_CHECK_SPLITS = 3, FV_THUMB = 16 };

/* What was seen of a picture. */
typedef struct fv_seen {
    uint64_t pixels[2], gist; /* a hash of the pixels; bits that say where it grows darker */
    uint8_t thumb[FV_THUMB * FV_THUMB];
    int64_t sample;
    int label, split;
    bool bad, tiny, cmyk, deep, flat; /* flat: too even for the gist to mean anything */
} fv_seen;

typedef struct fv_check {
    fv_data_check_opts o;
    fv_env env;
    fv_data *data[FV_CHECK_SPLITS];
    int splits;
    fv_seen *seen;
    size_t n;
    fv_data_checked *out;
} fv_check;

/* Tells the host of a finding; b may be NULL. */
void fv_check_tell(fv_check *c, const char *kind, const fv_seen *a, const fv_seen *b, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
const char *fv_check_class(const fv_check *c, int label, char *buf, size_t cap); /* its name or number */

fv_status fv_check_pairs(fv_check *c, fv_err *err);                     /* equal and nearly equal pictures */
fv_status fv_check_classes(fv_check *c, const char *path, fv_err *err); /* counts, names and their order */

#endif
