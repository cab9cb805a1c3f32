/* f_csv.c -- any bytes as rows of a list, by each separator.
 * Property: the fields of a row are strings inside the buffer, and all rows together are no longer than the text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

static void walk(const uint8_t *data, size_t size, char separator)
{
    const size_t room = size + FV_CSV_COLUMNS;
    fv_csv c = { .text = { data, size }, .separator = separator, .buf = malloc(room) };
    size_t total = 0;
    if (!c.buf) return;
    for (bool more = true; fv_csv_next(&c, &more, NULL) == FV_OK && more;) {
        if (c.fields < 1 || c.fields > FV_CSV_COLUMNS) abort();
        for (int i = 0; i < c.fields; i++) {
            if (c.field[i] < c.buf || c.field[i] >= c.buf + room) abort();
            total += strlen(c.field[i]);
        }
    }
    if (total > size) abort();
    free(c.buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    walk(data, size, ',');
    walk(data, size, '\t');
    walk(data, size, ' ');
    return 0;
}
