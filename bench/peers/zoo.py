"""Torchvision's networks under fovea's names, with batch-norm statistics of data, and their weights as safetensors.
SPDX-License-Identifier: Apache-2.0"""
import json
import re
import struct
import subprocess

import torch
import torchvision

FAMILIES = ("resnet", "mobilenet_v2", "shufflenet_v2", "efficientnet")


def fovea_networks(fovea):
    """{name: input size} of the families that torchvision has too; its residual networks are those for ImageNet."""
    rows = json.loads(subprocess.run([fovea, "models", "--json"], check=True, capture_output=True).stdout)
    return {r["name"]: r["input_size"] for r in rows
            if r["family"] in FAMILIES and r["input_size"] > 32 and not r["name"].startswith("tf_")}


def network(name, size, seed=0):
    """A network as torchvision initialises it, whose running statistics are those of eight pictures of noise."""
    torch.manual_seed(seed)
    width = re.fullmatch(r"mobilenet_v2_(\d{3})", name)
    if width:
        net = torchvision.models.mobilenet_v2(weights=None, width_mult=int(width[1]) / 100)
    else:
        net = torchvision.models.get_model(name, weights=None)
    net.eval()  # without dropout and stochastic depth
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.train()
            m.momentum = 1
    with torch.no_grad():
        net(torch.randn(8, 3, size, size))
    return net.eval()


def save(net, path):
    """The state dict in the safetensors format: header length, header, data."""
    kinds = {torch.float32: "F32", torch.int64: "I64"}
    header, parts, at = {}, [], 0
    for key, w in net.state_dict().items():
        raw = w.contiguous().numpy().tobytes()
        header[key] = {"dtype": kinds[w.dtype], "shape": list(w.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(parts))
