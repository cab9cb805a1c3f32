/* csv.h -- rows of text files: comma-separated as in RFC 4180, tab-separated, or a path and a label with blanks between.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_CSV_H
#define FV_CSV_H
#include "base/bytes.h"

enum { FV_CSV_COLUMNS = 64 };

/* Zero it, set text and separator; the span must outlive it. buf must hold text.len + FV_CSV_COLUMNS bytes. */
typedef struct fv_csv {
    fv_bytes text;
    char separator; /* ' ': the last blank divides path and label */
    char *buf;
    size_t at;
    int64_t line;                      /* of the row just read, from 1 */
    const char *field[FV_CSV_COLUMNS]; /* in buf, valid until the next row */
    int fields;
} fv_csv;

/* The next row that is not blank; *more false at the end. FV_FORMAT names the line. */
fv_status fv_csv_next(fv_csv *c, bool *more, fv_err *err);

#endif
