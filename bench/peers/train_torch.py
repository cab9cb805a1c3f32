#!/usr/bin/env python3
"""Training speed and memory of fovea and PyTorch, interleaved in one run.

    train_torch.py [--fovea build/fovea] [--threads 2] [--rounds 3] [--no-compile] [CASE...]

`make bench-peers-train` makes a Python with all that it needs and runs it. Each round times `fovea bench --train` without
and with --grad-checkpointing, PyTorch eager with channels_last and PyTorch compiled (torch.compile), each in a process of
its own: forward, backward, SGD with momentum 0.9 on generated data, two
steps to warm up, then at least 7 steps or 4 seconds. The table has the medians over rounds, the ratio of PyTorch's better
time to ours (above 1 fovea is faster) and of our peak memory to that of the same PyTorch (below 1 fovea takes less); then
the same two with --grad-checkpointing.
SPDX-License-Identifier: Apache-2.0"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

# size, batch, classes, fovea's arguments
CASES = {
    "resnet20": (32, 128, 10, ["--model", "resnet20"]),
    "resnet18_cifar": (32, 128, 10, ["--model", "resnet18", "--stem", "cifar", "--size", "32", "--classes", "10"]),
    **{name: (224, 32, 1000, ["--model", name])
       for name in ("resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "shufflenet_v2_x1_0")},
}


def network(case):
    import torch
    from torch import nn
    from torch.nn import functional as F

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
                x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.grow, self.grow))
            return F.relu(y + x, inplace=True)

    if case == "resnet20":
        blocks, c = [], 16
        for stage, out in enumerate((16, 32, 64)):
            for i in range(3):
                blocks.append(Block(c, out, 2 if stage and i == 0 else 1))
                c = out
        stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
        return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))
    import torchvision

    if case == "resnet18_cifar":
        net = torchvision.models.resnet18(weights=None, num_classes=10)
        net.conv1, net.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
        return net
    return torchvision.models.get_model(case, weights=None)


def time_torch(case, compiled, threads):
    """In a process of its own: milliseconds of a step, peak MiB."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    size, batch, classes, _ = CASES[case]
    net = network(case).to(memory_format=torch.channels_last).train()
    x = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    y = torch.randint(0, classes, (batch,))
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    loss = torch.nn.CrossEntropyLoss()
    run = torch.compile(net) if compiled else net

    def step():
        start = time.perf_counter()
        sgd.zero_grad(set_to_none=True)
        loss(run(x), y).backward()
        sgd.step()
        return (time.perf_counter() - start) * 1e3

    for _ in range(2):
        step()
    times, end = [], time.perf_counter() + 4
    while time.perf_counter() < end or len(times) < 7:
        times.append(step())
    return statistics.median(times), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def time_fovea(case, fovea, threads, *more):
    _, batch, _, arguments = CASES[case]
    command = [fovea, "bench", "--train", "--json", "--batch-size", str(batch), "--threads", str(threads), *arguments, *more]
    got = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return got["median_ms"], got["peak_rss_mib"]


def other(case, kind, threads):
    command = [sys.executable, __file__, "--worker", kind, "--threads", str(threads), case]
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    return tuple(json.loads(done.stdout.splitlines()[-1]))


def main():
    arg = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arg.add_argument("--fovea", default="build/fovea")
    arg.add_argument("--threads", type=int, default=2)
    arg.add_argument("--rounds", type=int, default=3)
    arg.add_argument("--no-compile", action="store_true")
    arg.add_argument("--worker", help=argparse.SUPPRESS)
    arg.add_argument("case", nargs="*")
    opt = arg.parse_args()
    cases = opt.case or list(CASES)
    unknown = [c for c in cases if c not in CASES]
    if unknown:
        sys.exit(f"no case is called {unknown[0]}: {', '.join(CASES)}")
    if opt.worker:
        print(json.dumps(time_torch(cases[0], opt.worker == "compiled", opt.threads)))
        return
    kinds = ["eager"] if opt.no_compile else ["eager", "compiled"]
    print("| network | size | batch | fovea ms | torch eager ms | compiled ms | speed | fovea MiB | torch MiB | memory | "
          "checkpointed: speed | memory |")
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    ratios = []
    for case in cases:
        ours, less, theirs = [], [], {k: [] for k in kinds}
        for _ in range(opt.rounds):
            ours.append(time_fovea(case, opt.fovea, opt.threads))
            less.append(time_fovea(case, opt.fovea, opt.threads, "--grad-checkpointing"))
            for k in kinds:
                theirs[k].append(other(case, k, opt.threads))
        ms, mib = (statistics.median(v) for v in zip(*ours))
        less_ms, less_mib = (statistics.median(v) for v in zip(*less))
        torch = {k: tuple(statistics.median(v) for v in zip(*theirs[k])) for k in kinds}
        best = min(torch.values())
        compiled = f"{torch['compiled'][0]:.1f}" if "compiled" in torch else "-"
        ratios.append((best[0] / ms, mib / best[1], best[0] / less_ms, less_mib / best[1]))
        print(f"| {case} | {CASES[case][0]} | {CASES[case][1]} | {ms:.1f} | {torch['eager'][0]:.1f} | {compiled} | "
              f"{best[0] / ms:.2f} | {mib:.0f} | {best[1]:.0f} | {mib / best[1]:.2f} | "
              f"{best[0] / less_ms:.2f} | {less_mib / best[1]:.2f} |", flush=True)
    speed, memory, less_speed, less_memory = (statistics.geometric_mean(v) for v in zip(*ratios))
    print(f"| geometric mean | | | | | | {speed:.2f} | | | {memory:.2f} | {less_speed:.2f} | {less_memory:.2f} |")


if __name__ == "__main__":
    main()
