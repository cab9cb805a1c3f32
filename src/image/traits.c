/* traits.c -- reads as much of JPEG, PNG and PNM headers as tells components and depth.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image/traits.h"

#include <string.h>

/* Segments up to the frame's header, SOF0 .. SOF15 but DHT, JPG and DAC. */
static fv_traits of_jpeg(fv_bytes file)
{
    fv_reader r = fv_reader_of(file);
    fv_read_skip(&r, 2);
    while (!r.failed) {
        while (!r.failed && fv_read_u8(&r) != 0xff) continue;
        uint8_t marker = fv_read_u8(&r);
        while (!r.failed && marker == 0xff) marker = fv_read_u8(&r);
        if (r.failed || marker == 0xda || marker == 0xd9) break;
        if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
        const uint16_t length = fv_read_u16be(&r);
        if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
            const uint8_t depth = fv_read_u8(&r);
            fv_read_skip(&r, 4);
            const uint8_t components = fv_read_u8(&r);
            return (fv_traits){ .cmyk = !r.failed && components == 4, .deep = !r.failed && depth > 8 };
        }
        fv_read_skip(&r, length < 2 ? 0 : length - 2u);
    }
    return (fv_traits){ 0 };
}

/* The third number of the header, behind "P5" and comments. */
static fv_traits of_pnm(fv_bytes file)
{
    size_t at = 2;
    int numbers = 0, v = 0;
    bool in_number = false;
    for (; at < file.len && numbers < 3; at++) {
        const uint8_t k = file.p[at];
        const bool digit = k >= '0' && k <= '9';
        if (k == '#') {
            while (at + 1 < file.len && file.p[at + 1] != '\n') at++;
        } else if (digit) {
            v = in_number ? v * 10 + (k - '0') : k - '0';
            if (v > 1 << 20) return (fv_traits){ 0 };
        } else if (in_number) {
            numbers++;
        }
        in_number = digit;
    }
    return (fv_traits){ .deep = numbers == 3 && v > 255 };
}

fv_traits fv_image_traits(fv_bytes file)
{
    if (file.len < 32) return (fv_traits){ 0 };
    if (memcmp(file.p, "\xff\xd8\xff", 3) == 0) return of_jpeg(file);
    if (memcmp(file.p, "\x89PNG\r\n\x1a\n", 8) == 0) return (fv_traits){ .deep = file.p[24] == 16 };
    if (file.p[0] == 'P' && strchr("2356", file.p[1])) return of_pnm(file);
    return (fv_traits){ 0 };
}
