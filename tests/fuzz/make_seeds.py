"""make_seeds.py -- writes tests/fuzz/seeds/f_NAME/*, small valid inputs from which the fuzz targets start. Needs nothing
but Python.

SPDX-License-Identifier: Apache-2.0"""
import gzip
import io
import json
import pathlib
import struct
import tarfile
import zipfile
import zlib

ROOT = pathlib.Path(__file__).parent / "seeds"


def seed(target, name, data):
    folder = ROOT / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def bmp(bits, w, h, rows, palette=b"", compression=0, masks=b""):
    at = 54 + len(masks) + len(palette)
    head = struct.pack("<2sIIIIiiHHIIIIII", b"BM", at + len(rows), 0, at, 40, w, h, 1, bits, compression, 0, 0, 0, 0, 0)
    return head + masks + palette + rows


def png(kind, depth, w, h, rows, extra=b"", interlace=0):
    def chunk(tag, body):
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, interlace))
    palette = chunk(b"PLTE", extra) if extra else b""
    return b"\x89PNG\r\n\x1a\n" + head + palette + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def jpeg(orientation=0):
    """8 x 8 grey pixels, one DC difference of 0 and an end of block: two bits, filled up with ones."""
    def segment(marker, body):
        return struct.pack(">BBH", 0xff, marker, len(body) + 2) + body
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0) + b"\0\0\0\0"
    one_code = b"\x01" + bytes(15) + b"\0"
    return (b"\xff\xd8" + (segment(0xe1, b"Exif\0\0" + tiff) if orientation else b"") +
            segment(0xdb, b"\0" + b"\x01" * 64) + segment(0xc0, struct.pack(">BHHB", 8, 8, 8, 1) + b"\x01\x11\0") +
            segment(0xc4, b"\0" + one_code) + segment(0xc4, b"\x10" + one_code) +
            segment(0xda, b"\x01\x01\0\0\x3f\0") + b"\x3f\xff\xd9")


def webp_chunk(tag, body):
    return tag + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def pictures():
    seed("f_image", "true24.bmp", bmp(24, 2, 2, bytes(range(16))))
    seed("f_image", "packed16.bmp", bmp(16, 2, -1, b"\0\xf8\x10\x84", b"", 3, struct.pack("<III", 0xf800, 0x7e0, 0x1f)))
    seed("f_image", "palette4.bmp", bmp(4, 3, 1, b"\x12\x30\0\0", bytes(64)))
    seed("f_image", "rgb.png", png(2, 8, 2, 2, b"\0" + bytes(6) + b"\x01" + bytes(range(6))))
    seed("f_image", "palette.png", png(3, 2, 3, 1, b"\0\x1b", bytes(range(12))))
    seed("f_image", "grey16.png", png(0, 16, 1, 1, b"\0\x12\x34"))
    seed("f_image", "alpha.png", png(6, 8, 1, 2, b"\0\1\2\3\4\x02\1\1\1\1"))
    seed("f_image", "interlaced.png", png(0, 8, 2, 2, b"\0\1\0\2\0\3\4", b"", 1))
    seed("f_image", "grey.jpg", jpeg())
    seed("f_image", "turned.jpg", jpeg(6))
    seed("f_image", "runs8.bmp", bmp(8, 5, 2, bytes([5, 1, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 1, 0, 0, 1]), bytes(1024), 1))
    dot = bytes.fromhex("524946461a000000574542505650384c0d0000002f00000010071011118888fe0700")
    seed("f_image", "dot.webp", dot)
    moving = webp_chunk(b"VP8X", b"\x02" + bytes(9)) + webp_chunk(b"ANIM", bytes(6)) + webp_chunk(b"ANMF", bytes(16) + dot[12:])
    seed("f_image", "moving.webp", b"RIFF" + struct.pack("<I", 4 + len(moving)) + b"WEBP" + moving)
    for name, text in {"bits.pbm": b"P1 3 1\n1 0 1\n", "text.pgm": b"P2\n# c\n2 1 15\n0 15\n", "text.ppm": b"P3 1 1 9 1 2 3",
                       "packed.pbm": b"P4 9 1\n\xaa\x80", "bytes.pgm": b"P5 2 1 255\n\1\2", "wide.ppm": b"P6 1 1 65535\n" + bytes(6)}.items():
        seed("f_image", name, text)


def texts():
    value = {"a": [1, -2.5e3, True, None], "b": {"c": "\u00e9\U0001f600\n\"\\"}, "": []}
    seed("f_json", "mixed.json", json.dumps(value).encode())
    seed("f_json", "plain.json", json.dumps(value, ensure_ascii=False, indent=1).encode())
    wisdom = {"fovea_wisdom": 1, "variants": 1, "choices": {"A CPU|conv2d|8x8x3>8x8x16 k3x3|n1 t2": 4, "order": 0}}
    seed("f_wisdom", "choices.json", json.dumps(wisdom).encode())
    seed("f_json", "number.json", b" 9223372036854775807 ")
    seed("f_json", "nested.json", b"[" * 31 + b"]" * 31)


def arrays():
    for name, version, descr, shape, data in (("floats.npy", 1, "<f4", "(2, 2)", 16), ("doubles.npy", 2, "<f8", "(1,)", 8),
                                              ("scalar.npy", 1, "<f4", "()", 4), ("bytes.npy", 3, "|u1", "(2, 1, 3)", 6)):
        head = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)).encode()
        head += b" " * (-(len(head) + (11 if version == 1 else 13)) % 64) + b"\n"
        size = struct.pack("<H" if version == 1 else "<I", len(head))
        seed("f_npy", name, b"\x93NUMPY" + bytes([version, 0]) + size + head + bytes(data))
    for name, tensors, meta in (("two.safetensors", {"w": ("F32", [2, 2], 16), "b": ("F16", [2], 4)}, None),
                                ("meta.safetensors", {"n": ("I64", [], 8)}, {"fovea.network": "resnet20", "note": "\u00e9"}),
                                ("empty.safetensors", {"e": ("BF16", [0, 3], 0)}, None)):
        head, at = {}, 0
        if meta:
            head["__metadata__"] = meta
        for key, (dtype, shape, size) in tensors.items():
            head[key] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(head).encode()
        text += b" " * (-len(text) % 8)
        seed("f_safetensors", name, struct.pack("<Q", len(text)) + text + bytes(at))


def sets():
    labels = struct.pack(">II", 0x801, 3) + b"\0\1\2"
    images = struct.pack(">IIII", 0x803, 2, 2, 2) + bytes(range(8))
    seed("f_idx", "labels.idx", labels)
    seed("f_idx", "images.idx", images)
    seed("f_idx", "images.idx.gz", gzip.compress(images, 9, mtime=0))
    seed("f_cifar", "ten.bin", b"\x03" + bytes(3072))
    seed("f_cifar", "hundred.bin", b"\x03\x21" + bytes(3072))


def shards():
    for name, form in (("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as t:
            for key, body in {"a/0.pgm": b"P5 1 1 255\n\1", "a/0.cls": b"1", ("d" * 60 + "/") * (2 if name == "ustar" else 3) + "1.txt": b"x"}.items():
                info = tarfile.TarInfo(key)
                info.size = len(body)
                t.addfile(info, io.BytesIO(body))
            link = tarfile.TarInfo("l.cls")
            link.type, link.linkname = tarfile.SYMTYPE, "a/0.cls"
            t.addfile(link)
        tar = out.getvalue()[:-8192 if len(out.getvalue()) > 10240 else -6144]
        seed("f_tar", name + ".tar", tar)
        seed("f_gunzip", name + ".tar.gz", gzip.compress(tar, 9, mtime=0))
    seed("f_gunzip", "two.tar.gz", gzip.compress(tar[:700], 9, mtime=0) + gzip.compress(tar[700:], 1, mtime=0) + bytes(9))
    seed("f_csv", "quoted.csv", b'\xef\xbb\xbfpath,label,split\r\n"a ""b"".jpg",cat,train\r\n\r\n"c,d.jpg","two\nlines",val\r\n')
    seed("f_csv", "plain.tsv", b"a.jpg\t1\nb.jpg\t0")
    seed("f_csv", "blank.txt", b"with blanks.jpg  3\n\none.jpg\t4\n")


def npy(descr, shape, data):
    head = ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (descr, shape)).encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + data


def archives():
    for name, method in (("stored.npz", zipfile.ZIP_STORED), ("packed.npz", zipfile.ZIP_DEFLATED)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as z:
            for key, body in {"w.npy": npy("<f4", "(2, 2)", bytes(16)), "dir/b.npy": npy("<f2", "(3,)", bytes(6))}.items():
                z.writestr(zipfile.ZipInfo(key), body, method)
        seed("f_npz", name, out.getvalue())


def metadata():
    config = {"architecture": "resnet20", "num_classes": 2, "label_names": ["cat", "dog"],
              "pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 0.9, "crop_mode": "center", "interpolation": "bicubic",
                                 "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25], "tag": None}}
    prep = {"h": 8, "w": 8, "channels": 3, "resize": 9, "filter": "bicubic", "exif": "ignore", "mean": [0.5] * 3, "std": [1] * 3}
    for name, value in (("config", config), ("prep", prep), ("names", ["a", "caf\u00e9", "b"]), ("classes", 3)):
        seed("f_meta", name + ".json", json.dumps(value).encode())


def checkpoints():
    for path in sorted((ROOT.parent.parent / "data" / "pth").glob("*.pth")):
        seed("f_pth", path.name, path.read_bytes())


pictures()
texts()
arrays()
sets()
shards()
archives()
metadata()
checkpoints()
