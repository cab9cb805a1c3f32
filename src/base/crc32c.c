/* crc32c.c -- CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), as in iSCSI, RFC 3720 appendix B.4, and the
 * CRC-32 of zip archives (reflected polynomial 0xedb88320), APPNOTE 4.4.7.
 * Long texts take eight bytes a step by tables that are built on the stack for each call (2048 steps), so that there
 * is neither a generated table in the source nor a global to fill.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

enum { TABLE_PAYS = 4096 };
static const uint32_t castagnoli = 0x82f63b78, zip = 0xedb88320;

static uint32_t one_byte(uint32_t poly, uint32_t crc)
{
    for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (poly & (0u - (crc & 1)));
    return crc;
}

static uint32_t by_bits(uint32_t poly, uint32_t crc, const uint8_t *p, size_t n)
{
    while (n--) crc = one_byte(poly, crc ^ *p++);
    return crc;
}

/* t[k][b]: what byte b does to the remainder when k more bytes follow it. */
static uint32_t by_eights(uint32_t poly, uint32_t crc, const uint8_t *p, size_t n)
{
    uint32_t t[8][256];
    for (uint32_t b = 0; b < 256; b++) t[0][b] = one_byte(poly, b);
    for (int k = 1; k < 8; k++)
        for (int b = 0; b < 256; b++) t[k][b] = t[k - 1][b] >> 8 ^ t[0][t[k - 1][b] & 255];
    for (; n >= 8; p += 8, n -= 8) {
        const uint32_t x = crc ^ (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = t[7][x & 255] ^ t[6][x >> 8 & 255] ^ t[5][x >> 16 & 255] ^ t[4][x >> 24];
        crc ^= t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^ t[0][p[7]];
    }
    return by_bits(poly, crc, p, n);
}

static uint32_t crc_of(uint32_t poly, uint32_t crc, const void *p, size_t n)
{
    return ~(n < TABLE_PAYS ? by_bits(poly, ~crc, p, n) : by_eights(poly, ~crc, p, n));
}

uint32_t fv_crc32c(uint32_t crc, const void *p, size_t n)
{
    return crc_of(castagnoli, crc, p, n);
}

uint32_t fv_crc32(uint32_t crc, const void *p, size_t n)
{
    return crc_of(zip, crc, p, n);
}
