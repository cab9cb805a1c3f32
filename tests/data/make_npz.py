"""make_npz.py -- writes tests/data/npz/*: NumPy's archives for tests/unit/test_npz.c. Element i of array number k is k + i.

SPDX-License-Identifier: Apache-2.0"""
import pathlib
import numpy

OUT = pathlib.Path(__file__).parent / "npz"
OUT.mkdir(exist_ok=True)
arrays = {"a/weight": numpy.arange(24, dtype="<f4").reshape(2, 3, 2, 2), "b": (1 + numpy.arange(3)).astype("<f2"),
          "c": (2 + numpy.arange(300)).astype("<f8"), "d": numpy.array(3, dtype="<i8"), "e": numpy.zeros((0, 3), "<f4")}
numpy.savez(OUT / "stored.npz", **arrays)
numpy.savez_compressed(OUT / "packed.npz", **arrays)
