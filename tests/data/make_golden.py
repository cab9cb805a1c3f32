"""make_golden.py -- prints the hashes in tests/unit/test_resize.c: Pillow (9.5) resizes a picture made of arithmetic.

Pixel byte i of the picture is (i * 2654435761 mod 2^32) >> 24. The hash is CRC-32 of the result's bytes (zlib).
SPDX-License-Identifier: Apache-2.0"""
import zlib
from PIL import Image

ROWS = [(97, 61, 3, 40, 33, None), (97, 61, 1, 150, 61, None), (97, 61, 3, 97, 20, None), (50, 80, 3, 31, 200, None),
        (64, 64, 1, 7, 5, None), (97, 61, 3, 24, 24, (3.25, 2.5, 77.75, 60.0)), (97, 61, 1, 97, 61, (1, 0, 96, 61))]

for w, h, c, to_w, to_h, box in ROWS:
    data = bytes((i * 2654435761 % 2**32) >> 24 for i in range(w * h * c))
    im = Image.frombytes("RGB" if c == 3 else "L", (w, h), data)
    crc = [zlib.crc32(im.resize((to_w, to_h), f, box=box).tobytes()) for f in (Image.BILINEAR, Image.BICUBIC)]
    b = box or (0, 0, w, h)
    print("    { %d, %d, %d, %d, %d, { %s, %s, %s, %s }, 0x%08x, 0x%08x }," % (w, h, c, to_w, to_h, *["%sf" % float(x) for x in b], *crc)
          if box else "    { %d, %d, %d, %d, %d, { 0, 0, %d, %d }, 0x%08x, 0x%08x }," % (w, h, c, to_w, to_h, w, h, *crc))
