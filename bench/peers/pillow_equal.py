#!/usr/bin/env python3
"""pillow_equal.py LIBRARY [PICTURE|FOLDER ...] -- counts the bytes in which Fovea's 8-bit stages differ from Pillow's.

LIBRARY is libfovea.so. Pictures are made here in every mode and format (grey, grey + alpha, palette, RGB, RGBA, 16 bits,
CMYK; EXIF orientations), at random sizes, and those named are added. Each is decoded, and decoded, scaled to a shorter side
(bilinear and bicubic) and cropped, by both. Prints a line per kind and a total; exit code 1 where bytes differ.
Needs Pillow and NumPy. Pillow 11 and later may scale the rows first and then differ by design: see src/image/resize.c.
SPDX-License-Identifier: Apache-2.0"""
import collections
import ctypes
import io
import os
import random
import sys

import numpy as np
import PIL
from PIL import Image, ImageOps

from binding import Err, Prep, open_library

BILINEAR, BICUBIC, APPLY, IGNORE = 1, 2, 1, 2
FILTERS = {BILINEAR: Image.BILINEAR, BICUBIC: Image.BICUBIC}


def ours(library, data, size, resize, filter, exif):
    """The bytes that Fovea makes of a picture: x / 255 with mean 0 and std 1, times 255, is whole again."""
    h, w = size
    prep = Prep(h, w, 3, resize, filter, exif, (ctypes.c_float * 3)(0, 0, 0), (ctypes.c_float * 3)(1, 1, 1))
    out = np.empty((h, w, 3), np.float32)
    err = Err()
    status = library.fv_decode_image(data, ctypes.c_size_t(len(data)), b"picture", ctypes.byref(prep),
                                     out.ctypes.data_as(ctypes.c_void_p), None, ctypes.byref(err))
    if status:
        raise ValueError(err.msg.decode(errors="replace"))
    return np.rint(out * 255).astype(np.uint8)


def crop(image, size):
    h, w = size
    def begin(has, wants):  # torchvision pads what is too small by the lesser half first
        return int(round((has - wants) / 2.0)) if has >= wants else -((wants - has) // 2)

    top, left = begin(image.height, h), begin(image.width, w)
    return image.crop((left, top, left + w, top + h))


def theirs(data, exif):
    image = Image.open(io.BytesIO(data))
    if exif == APPLY:
        image = ImageOps.exif_transpose(image)
    return image.convert("RGB")


def shorter_side(image, side, filter):
    w, h = image.size
    if min(w, h) == side:
        return image
    to = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    return image.resize(to, FILTERS[filter])


def made(rng):
    """(kind, bytes) of generated pictures: smooth and noisy, every mode that a format writes."""
    for i in range(330):
        w, h = rng.randint(1, 300), rng.randint(1, 300)
        noise = np.random.default_rng(i).integers(0, 256, (h, w, 4), np.uint8)
        y, x = np.mgrid[0:h, 0:w]
        smooth = np.stack([x * 255 // max(w - 1, 1), y * 255 // max(h - 1, 1), (x + y) % 256, 255 - x % 256], 2)
        pixels = noise if i % 2 else smooth.astype(np.uint8)
        rgb = Image.fromarray(pixels[..., :3].copy())
        modes = {"L": ("PNG", "JPEG", "BMP", "PPM"), "LA": ("PNG",), "P": ("PNG", "BMP"), "RGB": ("PNG", "JPEG", "WEBP", "BMP", "PPM"),
                 "RGBA": ("PNG", "WEBP"), "1": ("PNG",), "CMYK": ("JPEG",), "I;16": ("PNG",), "EXIF": ("JPEG",)}
        mode = list(modes)[i % len(modes)]
        form = modes[mode][i // len(modes) % len(modes[mode])]
        options = {}
        if mode == "EXIF":
            exif = Image.Exif()
            exif[0x0112] = 1 + i // len(modes) % 8
            options["exif"], image = exif, rgb
        elif mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype(np.uint16) * (257 if i % 2 else 1))
        elif mode == "RGBA":
            image = Image.fromarray(pixels)
        elif mode == "P":
            image = rgb.quantize(rng.randint(2, 256))
        else:
            image = rgb.convert(mode)
        if form == "WEBP":
            options["lossless"] = bool(i % 3)
        out = io.BytesIO()
        image.save(out, form, **options)
        yield f"{form} {mode}", out.getvalue()


def named(arguments):
    for argument in arguments:
        for folder, _, files in os.walk(argument) if os.path.isdir(argument) else [(os.path.dirname(argument), 0, [os.path.basename(argument)])]:
            for name in sorted(files):
                if name.lower().endswith((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm")):
                    with open(os.path.join(folder, name), "rb") as file:
                        yield os.path.basename(folder) or ".", file.read(), name


class Tally:
    def __init__(self):
        self.pictures, self.bytes, self.differ, self.most, self.odd = 0, 0, 0, 0, []

    def add(self, name, a, b):
        d = np.abs(a.astype(int) - b.astype(int))
        self.bytes += d.size
        self.differ += int((d > 0).sum())
        self.most = max(self.most, int(d.max()))
        if d.any():
            self.odd.append(name)


def compare(library, kind, name, data, rng, tallies):
    try:
        references = {exif: theirs(data, exif) for exif in (APPLY, IGNORE)}
    except Exception:
        try:
            Image.open(io.BytesIO(data)).load()
        except Exception:
            references = None
    if references is None:
        tally = tallies["refused by Pillow"]
        tally.pictures += 1
        try:
            ours(library, data, (8, 8), 8, BILINEAR, APPLY)
            tally.odd.append(name)
            tally.differ += 1
        except ValueError:
            pass
        return
    try:
        ours(library, data, (8, 8), 0, BILINEAR, APPLY)
    except ValueError as refusal:  # told, and not a difference: Pillow forgives a wrong checksum, say
        tallies["refused by Fovea"].pictures += 1
        tallies["refused by Fovea"].odd.append(f"{name}: {refusal}")
        return
    tallies[kind].pictures += 1
    for exif, image in references.items():
        got = ours(library, data, (image.height, image.width), 0, BILINEAR, exif)
        tallies[kind].add(name, got, np.asarray(image))
    side, size = rng.randint(16, 256), (rng.randint(8, 224), rng.randint(8, 224))
    for filter in FILTERS:
        image = references[APPLY]
        if side * max(image.size) / min(image.size) > 16384:
            continue  # refused by Fovea, by design
        stage = "scaled, bicubic" if filter == BICUBIC else "scaled, bilinear"
        tallies[stage].pictures += 1
        want = crop(shorter_side(image, side, filter), size)
        tallies[stage].add(name, ours(library, data, size, side, filter, APPLY), np.asarray(want))


def main():
    library = open_library(sys.argv[1])
    rng = random.Random(1)
    tallies = collections.defaultdict(Tally)
    for i, (kind, data) in enumerate(made(rng)):
        compare(library, kind, f"made {i}", data, rng, tallies)
    for kind, data, name in named(sys.argv[2:]):
        compare(library, kind, name, data, rng, tallies)
    print(f"Pillow {PIL.__version__}")
    for kind in sorted(tallies):
        t = tallies[kind]
        odd = "  " + ", ".join(t.odd[:6]) if t.odd else ""
        print(f"{kind:18} {t.pictures:5} pictures {t.bytes:12} bytes {t.differ:10} differ, by {t.most} at most{odd}")
    differ = sum(t.differ for t in tallies.values())
    print(f"{sum(t.pictures for t in tallies.values())} comparisons, {differ} bytes differ")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
