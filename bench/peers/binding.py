"""The part of fovea.h that the comparisons need, through ctypes; its structures are compared with tools/abi.txt.
SPDX-License-Identifier: Apache-2.0"""
import ctypes
import os
from ctypes import POINTER, Structure, byref, c_bool, c_char, c_char_p, c_double, c_float, c_int, c_uint64, c_void_p

ABI = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../tools/abi.txt")
CPUS = ["best", "ref", "avx2", "avx512", "amx", "neon"]  # fv_cpu


class Prep(Structure):
    name = "fv_prep"
    _fields_ = [("h", c_int), ("w", c_int), ("channels", c_int), ("resize", c_int), ("filter", c_int), ("exif", c_int),
                ("mean", c_float * 3), ("std", c_float * 3), ("order", c_int), ("tta", c_int)]


class Err(Structure):
    name = "fv_err"
    _fields_ = [("status", c_int), ("msg", c_char * 500)]


class Env(Structure):
    name = "fv_env"
    _fields_ = [("heap", c_void_p), ("log", c_void_p), ("log_user", c_void_p), ("threads", c_int), ("cpu", c_int),
                ("exact", c_bool), ("low_memory", c_bool), ("autotune", c_bool), ("wisdom", c_char_p)]


class NetOpts(Structure):
    name = "fv_net_opts"
    _fields_ = [("weights", c_char_p), ("classes", c_int), ("size", c_int), ("channels", c_int), ("stem", c_int),
                ("drop_path", c_double), ("seed", c_uint64), ("no_weights", c_bool), ("names_file", c_char_p), ("ema", c_bool),
                ("strict", c_bool), ("low_memory", c_bool),
                ("match", c_void_p), ("match_user", c_void_p)]


class PlanOpts(Structure):
    name = "fv_plan_opts"
    _fields_ = [("mode", c_int), ("batch", c_int), ("h", c_int), ("w", c_int), ("threads", c_int), ("opt", c_int),
                ("opt_eps", c_double), ("alpha", c_double), ("betas", c_double * 2), ("wd", c_double),
                ("loss", c_int), ("bce_target_thresh", c_double), ("smoothing", c_double), ("clip", c_double),
                ("ema", c_double), ("gather", c_bool), ("grad_checkpointing", c_bool), ("keep", c_void_p), ("nkeep", c_int),
                ("gradients", c_bool)]


def agreed_layout(text, name):
    """[(field, offset)] and the size of a structure in tools/abi.txt; fields of inner structures stand further right."""
    fields, inside = [], False
    for line in text.splitlines():
        left, bar, right = line.partition("|")
        if not bar:
            continue
        if right == f" struct {name}":
            inside = True
        elif inside and right.startswith("   ") and right[3] != " " and left.split()[-1].isdigit():
            fields.append((right.split()[-1], int(left.split()[-1])))
        elif inside and "[sizeof=" in right:
            return fields, int(right.split("[sizeof=")[1].split(",")[0])
    return fields, None


def check_layouts():
    """The agreed layouts are checked against the header by `make check`; here these are checked against those."""
    with open(ABI) as f:
        text = f.read()
    for s in (Prep, Err, Env, NetOpts, PlanOpts):
        mine = [(field, getattr(s, field).offset) for field, _ in s._fields_], ctypes.sizeof(s)
        if mine != agreed_layout(text, s.name):
            raise RuntimeError(f"binding.py and tools/abi.txt differ in {s.name}")


def open_library(path):
    check_layouts()
    lib = ctypes.CDLL(os.path.abspath(path))
    lib.fv_version.restype = c_char_p
    lib.fv_net_open.argtypes = [POINTER(c_void_p), c_char_p, POINTER(NetOpts), POINTER(Env), POINTER(Err)]
    lib.fv_plan_new.argtypes = [POINTER(c_void_p), c_void_p, POINTER(PlanOpts), POINTER(Err)]
    lib.fv_run.argtypes, lib.fv_run.restype = [c_void_p, c_int, c_void_p, c_void_p], None
    return lib


def demand(status, err):
    if status:
        raise ValueError(err.msg.decode(errors="replace"))


class Plan:
    """A network and its plan, which the process keeps until it ends."""

    def __init__(self, lib, name, weights, size, batch, threads, cpu):
        self.lib, err, env = lib, Err(), Env(threads=threads, cpu=CPUS.index(cpu))
        net, self.plan = c_void_p(), c_void_p()
        opts = NetOpts(weights=weights.encode(), size=size)
        demand(lib.fv_net_open(byref(net), name.encode(), byref(opts), byref(env), byref(err)), err)
        opts = PlanOpts(batch=batch, threads=threads)
        demand(lib.fv_plan_new(byref(self.plan), net, byref(opts), byref(err)), err)

    def run(self, n, images, logits):
        self.lib.fv_run(self.plan, n, images.ctypes.data, logits.ctypes.data)


if __name__ == "__main__":
    check_layouts()
