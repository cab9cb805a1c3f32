"""make_pixel_golden.py >tests/unit/pixel_golden.inc -- the CRC-32 of made pictures after each change, as Pillow computes it:
kind, value, bilinear or not, width, height, channels. Made with Pillow 13.0.0.

SPDX-License-Identifier: Apache-2.0"""
import zlib

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

FILL = (124, 116, 104)


def picture(w, h, c):
    """A field of colours that both ends of the range occur in; test_pixel_ops.c makes the same."""
    i = np.arange(w * h * c, dtype=np.uint32)
    x = i * np.uint32(2654435761) ^ (i // np.uint32(c * 5)) * np.uint32(40503)
    noise = (x >> np.uint32(24)).astype(np.int64)
    ramp = (i // np.uint32(c)).astype(np.int64) * 200 // (w * h)
    px = (30 + ramp + noise % 25).astype(np.uint8)
    return Image.fromarray(px.reshape(h, w, 3) if c == 3 else px.reshape(h, w))


def colours():
    """Each of 2^24 colours once."""
    i = np.arange(1 << 24, dtype=np.uint32)
    return Image.fromarray(np.stack([i >> 16, i >> 8 & 255, i & 255], 1).astype(np.uint8).reshape(4096, 4096, 3))


def fill(im):
    return FILL if im.mode == "RGB" else FILL[0]


def affine(im, m, filt):
    return im.transform(im.size, Image.AFFINE, m, resample=filt, fillcolor=fill(im))


def hue(im, v):
    if im.mode != "RGB":
        return im
    h, s, val = im.convert("HSV").split()
    turned = np.array(h, dtype=np.uint8) + np.array(int(v * 255)).astype(np.uint8)
    return Image.merge("HSV", (Image.fromarray(turned), s, val)).convert("RGB")


def solarize_add(im, v):
    table = [min(255, i + int(v)) if i < 128 else i for i in range(256)]
    return im.point(table * len(im.getbands()))


OPS = {
    "SHEAR_X": lambda im, v, f: affine(im, (1, v, 0, 0, 1, 0), f),
    "SHEAR_Y": lambda im, v, f: affine(im, (1, 0, 0, v, 1, 0), f),
    "TRANSLATE_X": lambda im, v, f: affine(im, (1, 0, v, 0, 1, 0), f),
    "TRANSLATE_Y": lambda im, v, f: affine(im, (1, 0, 0, 0, 1, v), f),
    "ROTATE": lambda im, v, f: im.rotate(v, resample=f, fillcolor=fill(im)),
    "BRIGHTNESS": lambda im, v, f: ImageEnhance.Brightness(im).enhance(v),
    "COLOR": lambda im, v, f: ImageEnhance.Color(im).enhance(v),
    "CONTRAST": lambda im, v, f: ImageEnhance.Contrast(im).enhance(v),
    "SHARPNESS": lambda im, v, f: ImageEnhance.Sharpness(im).enhance(v),
    "HUE": lambda im, v, f: hue(im, v),
    "POSTERIZE": lambda im, v, f: ImageOps.posterize(im, int(v)),
    "SOLARIZE": lambda im, v, f: ImageOps.solarize(im, v),
    "SOLARIZE_ADD": lambda im, v, f: solarize_add(im, v),
    "AUTO_CONTRAST": lambda im, v, f: ImageOps.autocontrast(im),
    "EQUALIZE": lambda im, v, f: ImageOps.equalize(im),
    "INVERT": lambda im, v, f: ImageOps.invert(im),
}
VALUES = {
    "SHEAR_X": (0.3, -0.27, 0.99, 0), "SHEAR_Y": (0.3, -0.11, 0.99), "TRANSLATE_X": (7, -3.6, 0.5), "TRANSLATE_Y": (5, -4.4),
    "ROTATE": (30, -27, 4.5, 135, 90, 180, 270, 360), "BRIGHTNESS": (0, 0.1, 0.55, 1, 1.9), "COLOR": (0, 0.1, 0.73, 1, 1.9),
    "CONTRAST": (0, 0.1, 0.55, 1, 1.9), "SHARPNESS": (0, 0.1, 0.64, 1, 1.9), "HUE": (0, 0.1, -0.5, 0.37, -0.03),
    "POSTERIZE": (1, 2, 4, 7, 8), "SOLARIZE": (0, 26, 127.5, 255, 256), "SOLARIZE_ADD": (0, 33, 110),
    "AUTO_CONTRAST": (0,), "EQUALIZE": (0,), "INVERT": (0,),
}
SIZES = ((32, 32, 3), (61, 37, 3), (28, 28, 1), (2, 5, 3), (224, 160, 3), (1, 1, 3))


def row(op, v, smooth, im, big):
    out = OPS[op](im, v, Image.BILINEAR if smooth else Image.NEAREST)
    assert out.size == im.size and out.mode == im.mode
    shape = "4096, 4096, 3, true" if big else "%d, %d, %d, false" % (im.width, im.height, len(im.getbands()))
    print("{ FV_PIXEL_%s, %r, %s, %s, 0x%08x }," % (op, v, str(smooth).lower(), shape, zlib.crc32(out.tobytes())))


print("/* kind, v, bilinear, width, height, channels, all colours, CRC-32: by make_pixel_golden.py. "
      "SPDX-License-Identifier: Apache-2.0 */")
for name, values in VALUES.items():
    places = name.startswith(("SHEAR", "TRANSLATE", "ROTATE"))
    for w, h, c in SIZES:
        for value in values:
            for bilinear in (False, True) if places else (False,):
                row(name, value, bilinear, picture(w, h, c), False)
for value in (0, 0.1, -0.37):
    row("HUE", value, False, colours(), True)
row("COLOR", 1.37, False, colours(), True)
