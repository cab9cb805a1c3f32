#!/usr/bin/env python3
"""make_parity_golden.py -- prints rows of test_parity.c: logits of torchvision's networks, in float64, under the
weight fill of that test. Usage: make_parity_golden.py [NAME...]; needs torch and torchvision.
SPDX-License-Identifier: Apache-2.0"""
import sys

import numpy as np
import torch
import torchvision

ROWS = {name: (name, {}) for name in [
    "mobilenet_v2", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0", "shufflenet_v2_x1_5", "shufflenet_v2_x2_0",
    "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "regnet_x_400mf", "regnet_y_400mf",
    "mnasnet1_0", "efficientnet_b0", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4"]}
ROWS.update({f"mobilenet_v2_{w * 100:03.0f}": ("mobilenet_v2", {"width_mult": w}) for w in (.35, .5, .75, 1.3, 1.4)})


def unit(t, n):
    """Elements 0 .. n - 1 of entry t: a hash of both, in [0, 1)."""
    h = (np.arange(n, dtype=np.uint64) + t * 0x9E3779B1) & 0xFFFFFFFF
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        h ^= h >> shift
        h = h * factor & 0xFFFFFFFF
    return h / 2.0**32


def fill(net):
    state = net.state_dict()
    for t, (key, w) in enumerate(state.items()):
        u = unit(t, w.numel())
        if key.endswith("num_batches_tracked"):
            continue
        if key.endswith("running_var"):
            u = .5 + u
        elif key.rsplit(".", 1)[0] + ".running_mean" in state and key.endswith(".weight"):
            u = .75 + .5 * u
        elif key.endswith(".bias") or w.dim() < 2:
            u = (u - .5) * .2
        else:
            u = (u - .5) * 2 * (3 / (w.numel() / w.shape[0]))**.5 * 2**.5
        w.copy_(torch.from_numpy(u.astype(np.float32)).reshape(w.shape))


def main():
    for name in sys.argv[1:] or ROWS:
        maker, options = ROWS[name]
        net = torchvision.models.get_model(maker, weights=None, **options).eval()
        fill(net)
        x = (2 * unit(999983, 3 * 224 * 224) - 1).astype(np.float32).astype(np.float64).reshape(1, 3, 224, 224)
        with torch.no_grad():
            y = net.double()(torch.from_numpy(x))[0].numpy()
        first = ", ".join(f"{v:.6g}" for v in y[:5])
        print(f'    {{ "{name}", {{ {first} }}, {y.sum():.7g}, {(y * y).sum()**.5:.7g}, {y.argmax()} }},', flush=True)


if __name__ == "__main__":
    main()
