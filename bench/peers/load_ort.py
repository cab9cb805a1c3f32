#!/usr/bin/env python3
"""From a weight file to a network that is ready to run: fovea and ONNX Runtime, each in a process of its own.

    load_ort.py [--fovea build/fovea] [--threads 2] [--rounds 5] [--low-memory] [--cold] [NAME]

Needs torch, torchvision, onnx, onnxruntime and safetensors or numpy from pip. The network (default vgg16, 528 MiB) gets
random weights. fovea: load_ms (opening, matching the weights) plus plan_ms (packing them from the file) of `fovea bench`; ONNX Runtime:
creating a session with all optimisations. The files are in the page cache for both, and before each timed process another
touches 3 GiB and ends: on a virtual machine that gives free memory back to its host, what is then timed is the engine and
not the host's page faults (--cold leaves that out). Interleaved; medians over the rounds.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time


def touch_memory():
    if os.fork() == 0:
        block = mmap.mmap(-1, 3 << 30)
        for page in range(0, len(block), 4096):
            block[page] = 1
        os._exit(0)
    os.wait()


def create_session(path, threads):
    import onnxruntime
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    start = time.perf_counter()
    onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])
    print(1e3 * (time.perf_counter() - start))


def export(name, folder):
    import torch
    import torchvision
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)().eval()
    torch.save(net.state_dict(), os.path.join(folder, "net.pth"))
    torch.onnx.export(net, torch.zeros(1, 3, 224, 224), os.path.join(folder, "net.onnx"), opset_version=13, dynamo=False)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("name", nargs="?", default="vgg16")
    p.add_argument("--fovea", default="build/fovea")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--low-memory", action="store_true", help="fovea without Winograd's weights")
    p.add_argument("--cold", action="store_true", help="do not touch memory first")
    p.add_argument("--session", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.session:
        return create_session(a.session, a.threads)
    with tempfile.TemporaryDirectory() as folder:
        onnx, weights = os.path.join(folder, "net.onnx"), os.path.join(folder, "net.safetensors")
        export(a.name, folder)
        subprocess.run([a.fovea, "convert", os.path.join(folder, "net.pth"), weights, "--model", a.name], check=True,
                       stdout=subprocess.DEVNULL)
        ours, theirs, load = [], [], []
        prepare = (lambda: None) if a.cold else touch_memory
        for _ in range(a.rounds):
            prepare()
            out = subprocess.run([a.fovea, "bench", "--model", a.name, "--weights", weights, "--batch-size", "1", "--threads",
                                  str(a.threads), "--json"] + ["--low-memory"] * a.low_memory, check=True, capture_output=True, text=True).stdout
            r = json.loads(out)
            load.append(r["load_ms"])
            ours.append(r["load_ms"] + r["plan_ms"])
            prepare()
            out = subprocess.run([sys.executable, __file__, "--session", onnx, "--threads", str(a.threads)], check=True,
                                 capture_output=True, text=True).stdout
            theirs.append(float(out.split()[-1]))
        size = os.path.getsize(weights) / 2**20
        t, o = statistics.median(theirs), statistics.median(ours)
        print("%s, file of %.0f MiB, %d threads: fovea %.0f ms (load %.0f); ONNX Runtime session %.0f ms; ratio %.2f"
              % (a.name, size, a.threads, o, statistics.median(load), t, t / o))


main()
