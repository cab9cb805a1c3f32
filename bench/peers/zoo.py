"""Networks in PyTorch under fovea's names -- torchvision's where it has them, else written here with fovea's names of
tensors -- with batch-norm statistics of data, and their weights as safetensors.
SPDX-License-Identifier: Apache-2.0"""
import json
import re
import struct
import subprocess

import torch
import torchvision
from torch import nn
from torch.nn import functional as F

FAMILIES = ("resnet", "mobilenet_v2", "shufflenet_v2", "efficientnet")


def fovea_networks(fovea):
    """{name: input size} of the families that torchvision has too; its residual networks are those for ImageNet."""
    rows = json.loads(subprocess.run([fovea, "models", "--json"], check=True, capture_output=True).stdout)
    return {r["name"]: r["input_size"] for r in rows
            if r["family"] in FAMILIES and r["input_size"] > 32 and not r["name"].startswith("tf_")}


class Separable(nn.Module):
    """MobileNet V1, section 3.1: each channel by itself, then the channels of each pixel."""

    def __init__(self, c, out, stride):
        super().__init__()
        self.conv_dw, self.bn1 = nn.Conv2d(c, c, 3, stride, 1, groups=c, bias=False), nn.BatchNorm2d(c)
        self.conv_pw, self.bn2 = nn.Conv2d(c, out, 1, bias=False), nn.BatchNorm2d(out)

    def forward(self, x):
        return F.relu6(self.bn2(self.conv_pw(F.relu6(self.bn1(self.conv_dw(x))))))


class MobileNetV1(nn.Module):
    """Table 1, with ReLU6 as released and timm's names of tensors."""

    def __init__(self):
        super().__init__()
        self.conv_stem, self.bn1, c = nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), 32
        stages = []
        for out, repeat, stride in ((64, 1, 1), (128, 2, 2), (256, 2, 2), (512, 6, 2), (1024, 2, 2)):
            strides = [stride] + [1] * (repeat - 1)
            stages.append(nn.Sequential(*(Separable(out if i else c, out, s) for i, s in enumerate(strides))))
            c = out
        self.blocks, self.classifier = nn.Sequential(*stages), nn.Linear(c, 1000)

    def forward(self, x):
        x = self.blocks(F.relu6(self.bn1(self.conv_stem(x))))
        return self.classifier(x.mean((2, 3)))


class ShuffleUnit(nn.Module):
    """ShuffleNet V1, figure 2 (b) and, with stride 2, (c). The convolution that sees the stem is not grouped."""

    def __init__(self, c, out, groups, first, stride):
        super().__init__()
        mid, self.stride, self.groups = out // 4, stride, groups
        new = out - c if stride == 2 else out
        self.branch_main_1 = nn.Sequential(
            nn.Conv2d(c, mid, 1, groups=1 if first else groups, bias=False), nn.BatchNorm2d(mid), nn.ReLU(),
            nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid))
        self.branch_main_2 = nn.Sequential(nn.Conv2d(mid, new, 1, groups=groups, bias=False), nn.BatchNorm2d(new))

    def forward(self, x):
        y = self.branch_main_1[:3](x)
        n, c, h, w = y.shape
        y = y.view(n, self.groups, c // self.groups, h, w).transpose(1, 2).reshape(n, c, h, w)
        y = self.branch_main_2(self.branch_main_1[3:](y))
        if self.stride == 1:
            return F.relu(x + y)
        return torch.cat([F.avg_pool2d(x, 3, 2, 1), F.relu(y)], 1)


class ShuffleNetV1(nn.Module):
    """Table 1, column g = 3, with the authors' names of tensors; their classifier has no bias."""

    def __init__(self, groups=3, outs=(240, 480, 960)):
        super().__init__()
        self.first_conv, c = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU()), 24
        units = []
        for out, repeat in zip(outs, (4, 8, 4)):
            for i in range(repeat):
                units.append(ShuffleUnit(c, out, groups, not units, 1 if i else 2))
                c = out
        self.features = nn.Sequential(*units)
        self.classifier = nn.Sequential(nn.Linear(c, 1000, bias=False))

    def forward(self, x):
        x = self.features(F.max_pool2d(self.first_conv(x), 3, 2, 1))
        return self.classifier(x.mean((2, 3)))


def googlenet():
    return torchvision.models.googlenet(weights=None, aux_logits=False, init_weights=False)


OWN = {"mobilenet_v1": MobileNetV1, "shufflenet_v1_g3": ShuffleNetV1, "googlenet": googlenet}


def build(name):
    """The network as its definition initialises it."""
    width = re.fullmatch(r"mobilenet_v2_(\d{3})", name)
    if width:
        return torchvision.models.mobilenet_v2(weights=None, width_mult=int(width[1]) / 100)
    return OWN[name]() if name in OWN else torchvision.models.get_model(name, weights=None)


def network(name, size, seed=0):
    """A network with factors and shifts of batch norm near one and zero, and running statistics of pictures of noise."""
    torch.manual_seed(seed)
    net = build(name).eval()  # without dropout and stochastic depth
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.uniform_(m.weight, 0.8, 1.2)
            nn.init.uniform_(m.bias, -0.1, 0.1)
            m.train()
            m.momentum = 1
    with torch.no_grad():
        net(torch.randn(8, 3, size, size))
    return net.eval()


KINDS = {torch.float32: "F32", torch.int64: "I64"}


def save(net, path):
    """The state dict in the safetensors format: header length, header, data."""
    header, parts, at = {}, [], 0
    for key, w in net.state_dict().items():
        raw = w.contiguous().numpy().tobytes()
        header[key] = {"dtype": KINDS[w.dtype], "shape": list(w.shape), "data_offsets": [at, at + len(raw)]}
        parts.append(raw)
        at += len(raw)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(parts))


def load(name, path):
    """The network with the weights that `save` wrote, ready to run; nothing is initialised for it."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    (length,) = struct.unpack_from("<Q", data)
    kinds, state = {text: dtype for dtype, text in KINDS.items()}, {}
    for key, t in json.loads(data[8:8 + length]).items():
        dtype, (begin, end) = kinds[t["dtype"]], t["data_offsets"]
        count = (end - begin) // dtype.itemsize
        state[key] = torch.frombuffer(data, dtype=dtype, count=count, offset=8 + length + begin).reshape(t["shape"])
    with torch.device("meta"):
        net = build(name)
    net.load_state_dict(state, assign=True)
    return net.eval()
