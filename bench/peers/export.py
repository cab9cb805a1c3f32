#!/usr/bin/env python3
"""Writes networks for all engines, with the same weights.

    export.py [--cache build/peers-cache] [--size 224] [--batch 1,16] NAME...

Into CACHE/NAME-SIZE: net.safetensors, batchN.onnx (opset 17, a fixed batch), net.param and net.bin (ncnn's, of the ONNX
file with one image, by pnnx, in float32), x.npy (pictures of noise) and y.npy (PyTorch's logits of them in float64).
What is there already stays. A network's folder must go when its definition in zoo.py changes.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

IMAGES = 5  # of x.npy; a batch repeats them, whose number divides none of its usual parts


def numbers(text):
    return [int(n) for n in text.split(",")]


def paths(cache, name, size, batch):
    """Absolute names of the files of a network for a batch."""
    folder = os.path.abspath(os.path.join(cache, f"{name}-{size}"))
    files = {"weights": "net.safetensors", "onnx": f"batch{batch}.onnx", "param": "net.param", "bin": "net.bin",
             "x": "x.npy", "y": "y.npy"}
    return {kind: os.path.join(folder, file) for kind, file in files.items()}


def whole(path, write):
    """write(path beside it), then the rename: a file that is there is complete."""
    if not os.path.exists(path):
        part = os.path.join(os.path.dirname(path), "part-" + os.path.basename(path))
        write(part)
        os.replace(part, path)


def write_onnx(net, size, batch, path):
    import torch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that traces is called old; it writes the plainer graph
        torch.onnx.export(net, (torch.zeros(batch, 3, size, size),), path, opset_version=17, dynamo=False,
                          input_names=["input"], output_names=["output"])


def write_answers(net, x, path):
    import torch
    net = net.double()
    with torch.inference_mode():
        y = np.concatenate([net(torch.from_numpy(x[i:i + 1]).double()).numpy() for i in range(len(x))])
    with open(path, "wb") as f:
        np.save(f, y)


def write_ncnn(files, size):
    """pnnx comes with its package and lies beside this Python."""
    pnnx = os.path.join(os.path.dirname(sys.executable), "pnnx")
    with tempfile.TemporaryDirectory(dir=os.path.dirname(files["param"])) as folder:
        # It writes more files, named after its input, beside that.
        model = os.path.join(folder, "net.onnx")
        os.symlink(files["onnx"], model)
        subprocess.run([pnnx, model, f"inputshape=[1,3,{size},{size}]f32", "fp16=0"], check=True, cwd=folder,
                       capture_output=True)
        for kind in ("bin", "param"):
            os.replace(os.path.join(folder, f"net.ncnn.{kind}"), files[kind])


def write_input(size, path):
    x = np.random.default_rng(1).standard_normal((IMAGES, 3, size, size), np.float32)
    with open(path, "wb") as f:
        np.save(f, x)


def export(cache, name, size, batches):
    import zoo
    files = paths(cache, name, size, 1)
    os.makedirs(os.path.dirname(files["x"]), exist_ok=True)
    whole(files["x"], lambda path: write_input(size, path))
    whole(files["weights"], lambda path: zoo.save(zoo.network(name, size), path))
    net = zoo.load(name, files["weights"])
    for batch in sorted({1, *batches}):
        whole(paths(cache, name, size, batch)["onnx"], lambda path: write_onnx(net, size, batch, path))
    if not os.path.exists(files["param"]):
        write_ncnn(files, size)
    whole(files["y"], lambda path: write_answers(net, np.load(files["x"]), path))


def exported(cache, name, size, batch):
    wanted = {**paths(cache, name, size, batch), "onnx1": paths(cache, name, size, 1)["onnx"]}
    return all(os.path.exists(path) for path in wanted.values())


def main():
    arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arg.add_argument("networks", nargs="+", metavar="NAME")
    arg.add_argument("--cache", default="build/peers-cache")
    arg.add_argument("--size", type=int, default=224)
    arg.add_argument("--batch", type=numbers, default=[1, 16])
    opt = arg.parse_args()
    for name in opt.networks:
        if not all(exported(opt.cache, name, opt.size, batch) for batch in opt.batch):
            export(opt.cache, name, opt.size, opt.batch)
        print(name, flush=True)


if __name__ == "__main__":
    main()
