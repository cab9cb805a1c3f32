#!/usr/bin/env python3
"""How far the logits of fovea and of PyTorch in float32 lie from those of PyTorch in float64, on the same weights.

    error_torch.py [--fovea build/fovea] [--size N] [--images 4] [NAME...]

Needs torch and torchvision from pip. Networks: all of torchvision's that fovea has, or those named; with statistics of
batch norm that come from data, as trained networks have them. Prints a Markdown table of relative errors,
|y - y64| / |y64| over all logits, and of the ratio of ours to PyTorch's (or to 1e-5 where PyTorch's is smaller, which no
user can tell apart). Fails where a ratio exceeds 5.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

import zoo

FLOOR, BOUND = 1e-5, 5


def errors(name, size, opt, folder):
    """Relative errors of PyTorch and of fovea in float32."""
    weights, inputs, outputs = (os.path.join(folder, f) for f in ("w.safetensors", "x.npy", "y.npy"))
    net = zoo.network(name, size)
    zoo.save(net, weights)
    x = torch.randn(opt.images, 3, size, size)
    np.save(inputs, x.numpy())
    command = [opt.fovea, "run", "--model", name, "--weights", weights, "--input", inputs, "--output", outputs]
    subprocess.run(command + ["--layout", "nchw", "--size", str(size)], check=True, stdout=subprocess.DEVNULL)
    with torch.no_grad():
        theirs = net(x).double().numpy()
        truth = net.double()(x.double()).numpy()
    ours = np.load(outputs).astype(np.float64)
    return [np.linalg.norm(y - truth) / np.linalg.norm(truth) for y in (theirs, ours)]


def main():
    arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arg.add_argument("networks", nargs="*", metavar="NAME")
    arg.add_argument("--fovea", default="build/fovea")
    arg.add_argument("--size", type=int, help="of the input; default: each network's own")
    arg.add_argument("--images", type=int, default=4)
    opt = arg.parse_args()
    sizes = zoo.fovea_networks(opt.fovea)
    worst = 0
    print("| network | input | PyTorch float32 | fovea | ratio |\n|---|---|---|---|---|")
    for name in opt.networks or sizes:
        size = opt.size or sizes[name]
        with tempfile.TemporaryDirectory() as folder:
            theirs, ours = errors(name, size, opt, folder)
        ratio = ours / max(theirs, FLOOR)
        worst = max(worst, ratio)
        print(f"| {name} | {size} | {theirs:.2e} | {ours:.2e} | {ratio:.2f} |", flush=True)
    print(f"\nworst ratio {worst:.2f}, allowed {BOUND}")
    return not worst <= BOUND


if __name__ == "__main__":
    sys.exit(main())
