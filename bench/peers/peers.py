#!/usr/bin/env python3
"""Inference speed of fovea and of the engines that a user would take in its place, interleaved in one run, float32.

    peers.py [--library build/libfovea.so] [--networks A,B] [--batch 1,16] [--threads 1,2] [--engines fovea,openvino]
             [--rounds 15] [--seconds 0.15] [--isa avx2] [--memory] [--output build/peers.md] [--cache build/peers-cache]

`make bench-peers` makes a Python with all that it needs and runs it. Each cell (network, batch, threads) starts every
engine in a process of its own, on the same weights, and compares its logits with float64; in each round every engine
then runs one burst of --seconds, one after the other, each round beginning with another engine. The table has medians over
all runs and the ratio of the best peer's time to ours: above 1 fovea is faster. Cells are kept in a JSON file beside the
table; a run that was stopped goes on there. Fails where logits differ by more than 1e-2 of their root mean square.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import time

import engines
import export
import mask
import table
import worker

NETWORKS = ["alexnet", "vgg16", "googlenet", "resnet18", "resnet50", "resnext50_32x4d", "mobilenet_v1", "mobilenet_v2",
            "mobilenet_v3_large", "shufflenet_v1_g3", "shufflenet_v2_x1_0", "efficientnet_b0", "efficientnet_v2_s"]
# Float32 engines on networks whose own float32 error is below 1e-3 (error_torch.py); wrong weights give about 1.
AGREE = 1e-2
LEAST_ROUNDS = 5  # of a cell that takes longer than its rounds should, as its runs are longer than a burst


def measure(opt, cell):
    """{engine: its result, or {"missing": why}} of a cell."""
    task = {**cell, "size": opt.size, "cache": opt.cache, "isa": opt.isa, "mask": opt.mask, "library": opt.library}
    workers, got, times, cores = {}, {}, {}, {}
    try:
        for name in opt.engines:
            workers[name] = worker.Worker(name, task)
            times[name], cores[name] = [], []
        for name in opt.engines:
            got[name] = workers[name].answer()
        for name in opt.engines:
            if "missing" not in got[name]:
                got[name] = workers[name].ask("load")
        begin = time.monotonic()
        for r in range(opt.rounds):
            if r >= LEAST_ROUNDS and time.monotonic() - begin > 2 * opt.rounds * len(opt.engines) * opt.seconds:
                break
            turn = r % len(opt.engines)
            for name in opt.engines[turn:] + opt.engines[:turn]:
                if "missing" in got[name]:
                    continue
                burst = workers[name].burst(opt.seconds)
                if "missing" in burst:
                    got[name] = burst
                    continue
                times[name].append(burst["times"])
                cores[name].append(burst["cores"])
    finally:
        for w in workers.values():
            w.close()
    for name, result in got.items():
        if "missing" not in result:
            result["rounds_ms"] = [statistics.median(burst) for burst in times[name]]
            result["ms"] = min(result["rounds_ms"])
            result["median_ms"] = statistics.median(t for burst in times[name] for t in burst)
            result["cores"] = statistics.median(cores[name])
    return got


def processor():
    with open("/proc/cpuinfo") as f:
        names = [line.split(":")[1].strip() for line in f if line.startswith(("model name", "CPU part"))]
    return names[0] if names else "unknown processor"


def circumstances(opt):
    """What all cells of a file share."""
    with open(opt.library, "rb") as f:
        digest = hashlib.sha256(f.read()).hexdigest()[:12]
    return {"processor": processor(), "size": opt.size, "isa": opt.isa, "rounds": opt.rounds, "seconds": opt.seconds,
            "masked": bool(opt.mask), "fovea": digest,
            **{name: engines.version(name) for name in engines.ENGINES if engines.ENGINES[name].package}}


def read_results(path, now):
    if not os.path.exists(path):
        return {"circumstances": now, "cells": {}}
    with open(path) as f:
        results = json.load(f)
    changed = [k for k in now if results["circumstances"].get(k) != now[k]]
    if changed:
        sys.exit(f"{path} has cells of a run that differs in {', '.join(changed)}: remove it, or give another --output")
    return results


def write(path, text):
    with open(path + ".part", "w") as f:
        f.write(text)
    os.replace(path + ".part", path)


def key_of(cell):
    return "{network} batch {batch} threads {threads}".format(**cell)


def export_networks(opt):
    """In a process of its own: PyTorch stays out of this one."""
    for name in opt.networks:
        if not all(export.exported(opt.cache, name, opt.size, batch) for batch in opt.batch):
            print(f"exporting {name}", file=sys.stderr, flush=True)
            command = [sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "export.py")]
            command += ["--cache", opt.cache, "--size", str(opt.size), "--batch", ",".join(map(str, opt.batch)), name]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def names(text):
    return text.split(",")


def options():
    arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    usual = [name for name, row in engines.ENGINES.items() if row.usual]
    arg.add_argument("--library", default="build/libfovea.so")
    arg.add_argument("--networks", type=names, default=NETWORKS, help="separated by commas, as all lists here")
    arg.add_argument("--batch", type=export.numbers, default=[1, 16])
    arg.add_argument("--threads", type=export.numbers, default=[1, 2])
    arg.add_argument("--engines", type=names, default=usual, help=f"of {', '.join(engines.ENGINES)}")
    arg.add_argument("--size", type=int, default=224, help="rows and columns of the input")
    arg.add_argument("--rounds", type=int, default=15, help="at most")
    arg.add_argument("--seconds", type=float, default=0.15, help="of a burst; at least two runs")
    arg.add_argument("--isa", choices=engines.ISAS, default="best", help="no wider instructions, where an engine allows")
    arg.add_argument("--memory", action="store_true", help="a table of peak memory too")
    arg.add_argument("--output", default="build/peers.md", help="the table; its cells as JSON lie beside it")
    arg.add_argument("--cache", default="build/peers-cache", help="folder of the exported networks")
    opt = arg.parse_args()
    for name in opt.engines:
        if name not in engines.ENGINES:
            arg.error(f"no engine is called {name}: {', '.join(engines.ENGINES)}")
    if opt.rounds < 1 or min(opt.batch + opt.threads) < 1:
        arg.error("rounds, batches and threads are at least 1")
    opt.library, opt.cache = os.path.abspath(opt.library), os.path.abspath(opt.cache)
    opt.mask = mask.library(opt.isa, opt.cache)
    return opt


def disagreements(results, cells):
    """Lines on answers that are off, NaN among them."""
    return [f"{key}, {engines.ENGINES[name].title}: the logits differ by {r['difference']:.1e}"
            for key in cells for name, r in results["cells"].get(key, {}).items()
            if "missing" not in r and not r["difference"] < AGREE]


def main():
    opt = options()
    path = os.path.splitext(opt.output)[0] + ".json"
    results = read_results(path, circumstances(opt))
    export_networks(opt)
    cells = {key_of(c): c for c in ({"network": n, "batch": b, "threads": t}
             for n in opt.networks for b in opt.batch for t in opt.threads)}
    for key, cell in cells.items():
        if not all(name in results["cells"].get(key, {}) for name in opt.engines):
            print(key, file=sys.stderr, flush=True)
            results["cells"][key] = measure(opt, cell)
            write(path, json.dumps(results, indent=1) + "\n")
        write(opt.output, table.markdown(results, cells, opt))
    with open(opt.output) as f:
        print(f.read(), end="")
    off = disagreements(results, cells)
    for line in off:
        print(line, file=sys.stderr)
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
