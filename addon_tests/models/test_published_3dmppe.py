"""The published checkpoints of 3DMPPE: what is converted answers as the release's structure does."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional

from addon_tests.models.published_checkpoints import JOINTS, LAYERS, published_tensors, written
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.own import load_own_file
from models.pose_net import PoseNet
from models.published_3dmppe import CONSTRUCTORS, convert
from models.root_net import RootNet

CPU = Device(torch.device("cpu"), torch.float32)


class Published:
    """The release's networks in evaluation, in bare functions of their tensors."""

    def __init__(self, tensors: dict[str, torch.Tensor]) -> None:
        self.t = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}

    def conv(self, name: str, x: torch.Tensor, stride: int = 1, padding: int = 0) -> torch.Tensor:
        return functional.conv2d(x, self.t[f"{name}.weight"], self.t.get(f"{name}.bias"), stride, padding)

    def norm(self, name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias, mean, var = (self.t[f"{name}.{e}"] for e in ("weight", "bias", "running_mean", "running_var"))
        return functional.batch_norm(x, mean, var, weight, bias)

    def backbone(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm("backbone.bn1", self.conv("backbone.conv1", x, 2, 3)).relu()
        x = functional.max_pool2d(x, 3, 2, 1)
        for index, (_, _, blocks, first) in enumerate(LAYERS, 1):
            for block in range(blocks):
                at, stride = f"backbone.layer{index}.{block}", first if block == 0 else 1
                skip = x
                if block == 0:
                    skip = self.norm(f"{at}.downsample.1", self.conv(f"{at}.downsample.0", x, stride))
                x = self.norm(f"{at}.bn1", self.conv(f"{at}.conv1", x)).relu()
                x = self.norm(f"{at}.bn2", self.conv(f"{at}.conv2", x, stride, 1)).relu()
                x = (self.norm(f"{at}.bn3", self.conv(f"{at}.conv3", x)) + skip).relu()
        return x

    def up(self, head: str, x: torch.Tensor) -> torch.Tensor:
        for index in (0, 3, 6):
            weight = self.t[f"{head}.deconv_layers.{index}.weight"]
            x = functional.conv_transpose2d(x, weight, stride=2, padding=1)
            x = self.norm(f"{head}.deconv_layers.{index + 1}", x).relu()
        return x

    def pose(self, x: torch.Tensor) -> torch.Tensor:
        heatmaps = self.conv("head.final_layer", self.up("head", self.backbone(x)))
        n, _, h, w = heatmaps.shape
        p = heatmaps.reshape(n, JOINTS, -1).softmax(-1).reshape(n, JOINTS, 64, h, w)
        z, y, x = (torch.arange(float(size)) for size in (64, h, w))
        return torch.stack([torch.einsum("njzyx,x->nj", p, x), torch.einsum("njzyx,y->nj", p, y),
                            torch.einsum("njzyx,z->nj", p, z)], -1)  # fmt: skip

    def root(self, x: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        features = self.backbone(x)
        heatmap = self.conv("root.xy_layer", self.up("root", features))
        n, _, h, w = heatmap.shape
        p = heatmap.flatten(1).softmax(-1).reshape(n, h, w)
        gamma = self.conv("root.depth_layer", features.mean((2, 3), keepdim=True)).flatten()
        y, x = torch.arange(float(h)), torch.arange(float(w))
        return torch.stack([torch.einsum("nyx,x->n", p, x), torch.einsum("nyx,y->n", p, y), gamma * k], -1)


@pytest.mark.parametrize("kind", ["pose_net", "root_net"])
def test_a_converted_checkpoint_answers_as_the_release_does(kind: str, tmp_path: Path) -> None:
    tensors = written(tmp_path / "snapshot_24.pth.tar", kind)
    target = tmp_path / "converted.safetensors"
    assert convert(tmp_path / "snapshot_24.pth.tar", target) == kind
    assert sorted(path.name for path in tmp_path.iterdir()) == ["converted.safetensors", "snapshot_24.pth.tar"]

    network = load_own_file(target, CONSTRUCTORS, CPU)
    pictures = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        if kind == "pose_net":
            answer, expected = network(pictures), Published(tensors).pose(pictures)
        else:
            k = torch.tensor([4000.0, 6500.0])
            answer, expected = network(pictures, k), Published(tensors).root(pictures, k)
    assert (expected.std(dim=0) > 3e-3).all()
    torch.testing.assert_close(answer, expected, rtol=1e-5, atol=3e-4)


def test_the_file_says_what_it_is(tmp_path: Path) -> None:
    written(tmp_path / "snapshot.pth.tar", "pose_net")
    convert(tmp_path / "snapshot.pth.tar", tmp_path / "pose.safetensors")
    with safe_open(tmp_path / "pose.safetensors", framework="pt") as file:
        words = file.metadata()
    assert words["network"] == "pose_net"
    config = json.loads(words["config"])
    assert (config["backbone"], config["joints"], config["depth_bins"], config["white"]) == ("resnet50", 2, 64, 255.0)
    network = load_own_file(tmp_path / "pose.safetensors", CONSTRUCTORS, CPU)
    assert isinstance(network, PoseNet)
    # The release's own formulas: a cell c is at pixel 4 c, counted from the first one's centre; (z / 64 * 2 - 1) m.
    joint = network.joints_2_5d(torch.tensor([[[10.0, 20.0, 48.0]]]))
    torch.testing.assert_close(joint, torch.tensor([[[40.5, 80.5, 0.5]]]))


def test_the_root_of_a_converted_network_is_where_the_release_puts_it(tmp_path: Path) -> None:
    written(tmp_path / "snapshot.pth.tar", "root_net")
    convert(tmp_path / "snapshot.pth.tar", tmp_path / "root.safetensors")
    network = load_own_file(tmp_path / "root.safetensors", CONSTRUCTORS, CPU)
    assert isinstance(network, RootNet)
    torch.testing.assert_close(network.pixels(torch.tensor([10.0, 20.0])), torch.tensor([40.5, 80.5]))


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("trapped",)


def without(kind: str, name: str) -> dict[str, torch.Tensor]:
    return {n: t for n, t in published_tensors(kind).items() if n != name}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: {"epoch": 3}, "network"),
        (lambda: [1, 2], "network"),
        (lambda: {"network": {"module.fc.weight": torch.zeros(3)}}, "head.final_layer"),
        (lambda: {"network": {"module.head.final_layer.weight": torch.zeros(65, 256, 1, 1)}}, "65 heatmaps"),
        (lambda: {"network": {"module.root.depth_layer.weight": torch.zeros(1, 512, 1, 1)}}, "and"),
        (lambda: {"network": without("root_net", "module.backbone.layer4.2.bn3.bias")}, "layer4.2.bn3.bias"),
        (lambda: {"network": {**published_tensors("root_net"), "module.extra.bias": torch.zeros(1)}}, "extra.bias"),
    ],
)
def test_another_layout_is_refused_and_nothing_is_written(content, words: str, tmp_path: Path) -> None:
    torch.save(content(), tmp_path / "snapshot.pth.tar")
    with pytest.raises(AnimePoseError, match=words) as error:
        convert(tmp_path / "snapshot.pth.tar", tmp_path / "out.safetensors")
    assert "3DMPPE" in error.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["snapshot.pth.tar"]


def test_programs_in_a_checkpoint_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"network": published_tensors("root_net"), "optimizer": Trap()}, "snapshot.pth.tar")
    with pytest.raises(AnimePoseError, match=r"plain values: .*mkdir") as error:
        convert(tmp_path / "snapshot.pth.tar", tmp_path / "out.safetensors")
    assert not (tmp_path / "trapped").exists()
    assert "state_dict" in error.value.remedy


def test_numbers_of_numpy_do_no_harm(tmp_path: Path) -> None:
    content = {
        "epoch": np.int64(24),
        "network": published_tensors("root_net"),
        "optimizer": {"param_groups": [{"lr": np.float64(1e-5), "momentum": np.float32(0.9)}]},
    }
    torch.save(content, tmp_path / "snapshot.pth.tar")
    assert convert(tmp_path / "snapshot.pth.tar", tmp_path / "out.safetensors") == "root_net"


def test_half_precision_takes_half_the_place_and_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    tensors = written(tmp_path / "snapshot.pth.tar", "root_net")
    convert(tmp_path / "snapshot.pth.tar", tmp_path / "whole.safetensors")
    convert(tmp_path / "snapshot.pth.tar", tmp_path / "half.safetensors", torch.float16)
    whole, half = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("whole", "half"))
    assert half == pytest.approx(whole / 2, rel=0.01)
    assert isinstance(load_own_file(tmp_path / "half.safetensors", CONSTRUCTORS, CPU), RootNet)

    tensors["module.backbone.bn1.running_var"][0] = 1e6
    torch.save({"network": tensors}, tmp_path / "snapshot.pth.tar")
    with pytest.raises(AnimePoseError, match="float16"):
        convert(tmp_path / "snapshot.pth.tar", tmp_path / "other.safetensors", torch.float16)


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all"])
def test_what_is_no_checkpoint_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "snapshot.pth.tar").write_bytes(content)
    with pytest.raises(AnimePoseError):
        convert(tmp_path / "snapshot.pth.tar", tmp_path / "out.safetensors")
    with pytest.raises(AnimePoseError, match="cannot be read"):
        convert(tmp_path / "missing.pth.tar", tmp_path / "out.safetensors")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    written(tmp_path / "snapshot.pth.tar", "root_net")
    with pytest.raises(AnimePoseError, match="cannot be written"):
        convert(tmp_path / "snapshot.pth.tar", tmp_path / "missing" / "out.safetensors")


def test_the_release_of_older_torch_is_read_too(tmp_path: Path) -> None:
    tensors = {n: t for n, t in published_tensors("root_net").items() if not n.endswith("num_batches_tracked")}
    path = tmp_path / "snapshot.pth.tar"
    torch.save({"network": tensors}, path, _use_new_zipfile_serialization=False)
    assert convert(path, tmp_path / "root.safetensors") == "root_net"
    assert isinstance(load_own_file(tmp_path / "root.safetensors", CONSTRUCTORS, CPU), nn.Module)
