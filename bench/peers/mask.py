"""CPUs that engines see without AVX-512: mask_cpuid.c, compiled and tried.
SPDX-License-Identifier: Apache-2.0"""
import os
import platform
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mask_cpuid.c")


def library(isa, folder):
    """The library to be preloaded; None: this CPU or kernel cannot hide instructions, or none are to be hidden."""
    if isa != "avx2" or platform.machine() != "x86_64" or sys.platform != "linux":
        return None
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(os.path.abspath(folder), "mask_cpuid.so")
    built = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", path, SOURCE], stderr=subprocess.DEVNULL)
    tried = built.returncode == 0 and subprocess.run(["true"], env={**os.environ, "LD_PRELOAD": path}).returncode == 0
    return path if tried else None
