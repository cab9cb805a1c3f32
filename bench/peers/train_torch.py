#!/usr/bin/env python3
"""Training speed of fovea and PyTorch on the CIFAR residual networks, interleaved in one run.

    train_torch.py [--fovea build/fovea] [--depth 20] [--batch-size 128] [--threads 2] [--rounds 5]

Needs torch from pip. Each round times one `fovea bench --train` and as many seconds of PyTorch steps (forward, backward,
SGD with momentum 0.9 and weight decay, channels_last, generated data); the medians and their ratio are printed.
SPDX-License-Identifier: Apache-2.0"""
import argparse, json, os, statistics, subprocess, time

arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
arg.add_argument("--fovea", default="build/fovea")
arg.add_argument("--depth", type=int, default=20)
arg.add_argument("--batch-size", type=int, default=128)
arg.add_argument("--threads", type=int, default=2)
arg.add_argument("--rounds", type=int, default=5)
opt = arg.parse_args()
os.environ["OMP_NUM_THREADS"] = str(opt.threads)
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(opt.threads)


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut subsamples and pads channels with zeros (option A)."""

    def __init__(self, c, out, stride):
        super().__init__()
        self.stride, self.grow = stride, (out - c) // 2
        self.conv1, self.bn1 = nn.Conv2d(c, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        if self.stride != 1 or self.grow:
            x = F.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, self.grow, self.grow))
        return F.relu(y + x, inplace=True)


def network(depth):
    blocks, c = [], 16
    for stage, out in enumerate((16, 32, 64)):
        for i in range((depth - 2) // 6):
            blocks.append(Block(c, out, 2 if stage and i == 0 else 1))
            c = out
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


net = network(opt.depth).to(memory_format=torch.channels_last).train()
x = torch.randn(opt.batch_size, 3, 32, 32).to(memory_format=torch.channels_last)
y = torch.randint(0, 10, (opt.batch_size,))
sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
loss = nn.CrossEntropyLoss()


def step():
    sgd.zero_grad(set_to_none=True)
    loss(net(x), y).backward()
    sgd.step()


def torch_ms(seconds=2.0):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 7:
        t = time.perf_counter()
        step()
        times.append((time.perf_counter() - t) * 1e3)
    return statistics.median(times)


def fovea_ms():
    command = [opt.fovea, "bench", "--model", f"resnet{opt.depth}", "--train", "--json",
               "--batch-size", str(opt.batch_size), "--threads", str(opt.threads)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["median_ms"]


for _ in range(3):
    step()
ours, theirs = [], []
for r in range(opt.rounds):
    ours.append(fovea_ms())
    theirs.append(torch_ms())
    print(f"round {r + 1}: fovea {ours[-1]:.1f} ms, torch {theirs[-1]:.1f} ms", flush=True)
a, b, n = statistics.median(ours), statistics.median(theirs), opt.batch_size
print(f"resnet{opt.depth}, batch {n}, {opt.threads} threads: fovea {n / a * 1e3:.0f} images/s, "
      f"torch {torch.__version__} {n / b * 1e3:.0f} images/s, ratio {b / a:.2f}")
