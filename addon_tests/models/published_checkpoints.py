"""Random checkpoints of the layout of 3DMPPE's public release."""

from __future__ import annotations

from pathlib import Path

import torch

JOINTS = 2
LAYERS = ((64, 64, 3, 1), (256, 128, 4, 2), (512, 256, 6, 2), (1024, 512, 3, 2))


def published_tensors(kind: str, joints: int = JOINTS) -> dict[str, torch.Tensor]:
    """Random weights under the release's names, without the project's own network having a say."""
    random = torch.Generator().manual_seed(7)
    tensors: dict[str, torch.Tensor] = {}

    def conv(name: str, shape: tuple[int, ...], bias: bool = False) -> None:
        fan = shape[1] * shape[2] * shape[3]
        tensors[f"module.{name}.weight"] = torch.randn(shape, generator=random) * (2 / fan) ** 0.5
        if bias:
            tensors[f"module.{name}.bias"] = torch.randn(shape[0], generator=random) * 0.1 + 1

    def norm(name: str, channels: int, gain: float = 1.0) -> None:
        for end, low in (("weight", 0.8), ("bias", -0.1), ("running_mean", -0.1), ("running_var", 0.8)):
            values = torch.rand(channels, generator=random) * (0.4 if low > 0 else 0.2) + low
            tensors[f"module.{name}.{end}"] = values * gain if end == "weight" else values
        tensors[f"module.{name}.num_batches_tracked"] = torch.tensor(12)

    conv("backbone.conv1", (64, 3, 7, 7))
    norm("backbone.bn1", 64)
    for index, (inputs, width, blocks, _) in enumerate(LAYERS, 1):
        for block in range(blocks):
            at, c = f"backbone.layer{index}.{block}", inputs if block == 0 else 4 * width
            conv(f"{at}.conv1", (width, c, 1, 1))
            conv(f"{at}.conv2", (width, width, 3, 3))
            conv(f"{at}.conv3", (4 * width, width, 1, 1))
            norm(f"{at}.bn1", width)
            norm(f"{at}.bn2", width)
            norm(f"{at}.bn3", 4 * width, 0.2)
            if block == 0:
                conv(f"{at}.downsample.0", (4 * width, c, 1, 1))
                norm(f"{at}.downsample.1", 4 * width)
    head = "head" if kind == "pose_net" else "root"
    for index, c in enumerate((2048, 256, 256)):
        conv(f"{head}.deconv_layers.{3 * index}", (c, 256, 4, 4))
        norm(f"{head}.deconv_layers.{3 * index + 1}", 256)
    if kind == "pose_net":
        conv("head.final_layer", (joints * 64, 256, 1, 1), bias=True)
    else:
        conv("root.xy_layer", (1, 256, 1, 1), bias=True)
        conv("root.depth_layer", (1, 2048, 1, 1), bias=True)
    return tensors


def written(path: Path, kind: str, joints: int = JOINTS) -> dict[str, torch.Tensor]:
    """A checkpoint of the release's layout; returns the tensors in it."""
    tensors = published_tensors(kind, joints)
    torch.save({"epoch": 24, "network": tensors, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-5}]}}, path)
    return tensors
