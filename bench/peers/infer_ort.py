#!/usr/bin/env python3
"""Inference speed of fovea and ONNX Runtime on torchvision's networks, interleaved in one run.

    infer_ort.py [--fovea build/fovea] [--batch-size 1,8] [--threads 1,2] [--rounds 5] [NAME...]

Needs torch, torchvision, onnx and onnxruntime from pip. Each network is exported with batch-norm statistics that come
from data, and its weights are given to fovea; first the answers are compared. Each round then times one `fovea bench` and
ONNX Runtime (CPU provider, all optimisations), each in a process of its own, so that no other engine's threads wait
spinning meanwhile: two runs to warm up, then the median over at least 7 runs and 2 seconds. The table has the medians over
rounds, and the ratio of ONNX Runtime's to ours: above 1 fovea is faster.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime

NETWORKS = ["resnet18", "resnet50", "mobilenet_v2", "shufflenet_v2_x1_0", "efficientnet_b0"]
# Two float32 engines on networks whose own float32 error is below 1e-3 (error_torch.py); wrong weights give about 1.
AGREE = 1e-2


def session(path, threads):
    o = onnxruntime.SessionOptions()
    o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
    o.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    o.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(path, o, providers=["CPUExecutionProvider"])


def time_session(path, threads, inputs):
    """What `fovea bench` does, milliseconds."""
    s = session(path, threads)
    x = {s.get_inputs()[0].name: np.load(inputs)}
    for _ in range(2):
        s.run(None, x)
    times, end = [], time.perf_counter() + 2
    while time.perf_counter() < end or len(times) < 7:
        start = time.perf_counter()
        s.run(None, x)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def ort_ms(files, threads):
    command = [sys.executable, __file__, "--time", files["onnx"], files["x"], str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True).stdout)


def fovea_ms(opt, name, files, size, batch, threads):
    command = [opt.fovea, "bench", "--model", name, "--weights", files["weights"], "--size", str(size), "--json"]
    command += ["--batch-size", str(batch), "--threads", str(threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["median_ms"]


def export(name, size, batch, folder):
    """The network as ONNX and safetensors, and an input; torch is needed in this step only."""
    files = {k: os.path.join(folder, f) for k, f in
             {"onnx": "net.onnx", "weights": "w.safetensors", "x": "x.npy", "y": "y.npy"}.items()}
    code = ("import sys, numpy, torch, zoo; name, size, batch, onnx, weights, x = sys.argv[1:]; size = int(size);"
            "net = zoo.network(name, size); zoo.save(net, weights); a = torch.randn(int(batch), 3, size, size);"
            "numpy.save(x, a.numpy()); torch.onnx.export(net, (a,), onnx, opset_version=17, dynamo=False)")
    command = [sys.executable, "-c", code, name, str(size), str(batch), files["onnx"], files["weights"], files["x"]]
    subprocess.run(command, check=True, capture_output=True, cwd=os.path.dirname(os.path.abspath(__file__)))
    return files


def difference(opt, name, files, size):
    command = [opt.fovea, "run", "--model", name, "--weights", files["weights"], "--size", str(size)]
    command += ["--input", files["x"], "--output", files["y"], "--layout", "nchw"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    s = session(files["onnx"], 1)
    theirs = s.run(None, {s.get_inputs()[0].name: np.load(files["x"])})[0]
    return np.linalg.norm(np.load(files["y"]) - theirs) / np.linalg.norm(theirs)


def compare(opt, name, size, batch, files):
    """A line of the table for each number of threads."""
    off = difference(opt, name, files, size)
    if not off < AGREE:
        sys.exit(f"{name}: the answers differ by {off:.2e}")
    for threads in opt.threads:
        ours, theirs = [], []
        for _ in range(opt.rounds):
            ours.append(fovea_ms(opt, name, files, size, batch, threads))
            theirs.append(ort_ms(files, threads))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"| {name} | {batch} | {threads} | {a:.2f} | {b:.2f} | {b / a:.2f} | {off:.1e} |", flush=True)


def numbers(text):
    return [int(n) for n in text.split(",")]


def main():
    if sys.argv[1:2] == ["--time"]:
        print(time_session(sys.argv[2], int(sys.argv[4]), sys.argv[3]))
        return
    arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arg.add_argument("networks", nargs="*", metavar="NAME", default=NETWORKS)
    arg.add_argument("--fovea", default="build/fovea")
    arg.add_argument("--batch-size", type=numbers, default=[1], help="one or more, separated by commas")
    arg.add_argument("--threads", type=numbers, default=[1], help="likewise")
    arg.add_argument("--size", type=int, default=224)
    arg.add_argument("--rounds", type=int, default=5)
    opt = arg.parse_args()
    opt.fovea = os.path.abspath(opt.fovea)
    print(f"fovea and ONNX Runtime {onnxruntime.__version__}, {opt.size} pixels, medians of {opt.rounds} rounds\n")
    print("| network | batch | threads | fovea ms | ONNX Runtime ms | ratio | answers differ by |\n" + "|---" * 7 + "|")
    for name in opt.networks:
        for batch in opt.batch_size:
            with tempfile.TemporaryDirectory() as folder:
                compare(opt, name, opt.size, batch, export(name, opt.size, batch, folder))


if __name__ == "__main__":
    main()
