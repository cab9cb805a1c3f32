/* utf8.h -- one character of UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FV_UTF8_H
#define FV_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at p, 1 to 4; 0 where it is malformed or does not end within n. */
size_t fv_utf8(const uint8_t *p, size_t n);
/* Writes a code point (no surrogate, at most U+10FFFF); returns its bytes. */
size_t fv_utf8_put(uint8_t out[4], uint32_t point);

#endif
