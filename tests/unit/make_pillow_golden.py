"""make_pillow_golden.py FOLDER >tests/unit/pillow_golden.inc -- the size of each picture in FOLDER/pngsuite and
FOLDER/exif-orientation as Pillow decodes it (orientation applied, converted to RGB), and the CRC-32 of its bytes; PNG files
that Pillow refuses have a size of 0. Made with Pillow 10.4.0.

SPDX-License-Identifier: Apache-2.0"""
import pathlib
import sys
import zlib

from PIL import Image, ImageOps

root = pathlib.Path(sys.argv[1])
print("/* file, width, height, CRC-32 of the RGB bytes: by make_pillow_golden.py. SPDX-License-Identifier: Apache-2.0 */")
for path in sorted(root.glob("pngsuite/**/*.png")) + sorted(root.glob("exif-orientation/**/*.jpg")):
    try:
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
        w, h, crc = image.width, image.height, zlib.crc32(image.tobytes())
    except Exception:
        w = h = crc = 0
    print('{ "%s", %d, %d, 0x%08x },' % (path.relative_to(root), w, h, crc))
