"""make_pth.py -- writes tests/data/pth/*: checkpoints of PyTorch (2.x) for tests/unit/test_pth.c. Element i of tensor
number k in a file is k + i, in the order of its indices, whatever its strides are.

SPDX-License-Identifier: Apache-2.0"""
import argparse
import collections
import pathlib
import torch

OUT = pathlib.Path(__file__).parent / "pth"


def counting(k, *shape, dtype=torch.float32):
    n = 1
    for d in shape:
        n *= d
    return (torch.arange(n) + k).reshape(shape).to(dtype)


def tensors():
    shared = counting(7, 2, 5)
    return collections.OrderedDict([
        ("a.weight", counting(0, 2, 3, 2, 2)),
        ("b.half", counting(1, 3, dtype=torch.float16)),
        ("c.brain", counting(2, 3, dtype=torch.bfloat16)),
        ("d.double", counting(3, 2, 2, dtype=torch.float64)),
        ("e.count", torch.tensor(4)),
        ("f.turned", counting(5, 6, 4).t().contiguous().t()),
        ("g.last", counting(6, 2, 3, 2, 2).contiguous(memory_format=torch.channels_last)),
        ("h.row", shared[0]),
        ("i.row", shared[1]),
        ("j.column", counting(9, 3, 1).expand(3, 2)),
        ("k.parameter", torch.nn.Parameter(counting(10, 4))),
        ("l.empty", torch.zeros(0, 3)),
        ("m.bytes", counting(12, 3, dtype=torch.uint8)),
    ])


def main():
    OUT.mkdir(exist_ok=True)
    t = tensors()
    torch.save(t, OUT / "zip.pth")
    torch.save(t, OUT / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(t, OUT / "zip4.pth", pickle_protocol=4)
    torch.save(t, OUT / "legacy4.pth", _use_new_zipfile_serialization=False, pickle_protocol=4)
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    best = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.zeros(1, 3, 8, 8)).sum().backward()
    best.step()
    torch.save({"epoch": 3, "state_dict": {"module." + k: v for k, v in net.state_dict().items()},
                "optimizer": best.state_dict(), "best_acc1": 91.5, "name": "net"}, OUT / "trainer.pth")
    torch.save({"args": argparse.Namespace(lr=0.1), "state_dict": t}, OUT / "namespace.pth")


torch.manual_seed(0)
main()
