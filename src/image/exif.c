/* exif.c -- the one EXIF fact that changes a picture: its orientation (TIFF 6.0 tag 274 in the first directory).
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <string.h>

enum { TAG_ORIENTATION = 0x112, TYPE_SHORT = 3, MAX_ENTRIES = 1000 };

typedef struct tiff {
    fv_reader r;
    bool big; /* big-endian */
} tiff;

static unsigned u16(tiff *t)
{
    return t->big ? fv_read_u16be(&t->r) : fv_read_u16le(&t->r);
}

static uint32_t u32(tiff *t)
{
    return t->big ? fv_read_u32be(&t->r) : fv_read_u32le(&t->r);
}

int fv_exif_orientation(fv_bytes block)
{
    tiff t = { .r = fv_reader_of(block) };
    const fv_bytes order = fv_read_bytes(&t.r, 2);
    if (order.len != 2) return 1;
    t.big = memcmp(order.p, "MM", 2) == 0;
    if (!t.big && memcmp(order.p, "II", 2) != 0) return 1;
    if (u16(&t) != 42) return 1;
    const uint32_t at = u32(&t);
    if (at < 8 || at > block.len) return 1;
    fv_read_skip(&t.r, at - 8);
    const unsigned n = u16(&t);
    for (unsigned i = 0; i < n && i < MAX_ENTRIES && !t.r.failed; i++) {
        const unsigned tag = u16(&t), type = u16(&t);
        const uint32_t count = u32(&t);
        const unsigned value = u16(&t);
        fv_read_skip(&t.r, 2);
        if (tag != TAG_ORIENTATION) continue;
        const bool sound = type == TYPE_SHORT && count == 1 && value >= 1 && value <= 8 && !t.r.failed;
        return sound ? (int)value : 1;
    }
    return 1;
}
