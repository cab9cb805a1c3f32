/* utf8.c -- one character of UTF-8, RFC 3629 section 4.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

size_t fv_utf8(const uint8_t *p, size_t n)
{
    if (n == 0) return 0;
    if (p[0] < 0x80) return 1;
    const size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < len) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0)) return 0; /* overlong; surrogate */
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)) return 0; /* overlong; past U+10FFFF */
    return len;
}

size_t fv_utf8_put(uint8_t out[4], uint32_t point)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    const size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--, point >>= 6) out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)((0xf00u >> len & 0xff) | point);
    return len;
}
