"""Backbones: what they answer, how large they are, and whose checkpoints load."""

from __future__ import annotations

import pytest
import torch

from models.backbones import BACKBONES, backbone, normalised


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("size", [(64, 96), (51, 77)])
def test_features_have_strides_4_to_32_at_any_size(name: str, size: tuple[int, int]) -> None:
    network = backbone(name).eval()
    with torch.no_grad():
        features = network(torch.randn(2, 3, *size))
    strides = (4, 8, 16, 32)
    expected = [(2, c, -(-size[0] // s), -(-size[1] // s)) for c, s in zip(network.channels, strides, strict=True)]
    assert [tuple(f.shape) for f in features] == expected


def test_resnet50_has_the_published_parameters_and_torchvisions_names() -> None:
    state = backbone("resnet50").state_dict()
    counted = sum(p.numel() for p in backbone("resnet50").parameters())
    # 25 557 032 with the classifier of 2048 x 1000 + 1000, as published.
    assert counted == 25_557_032 - 2_049_000
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer1.0.downsample.0.weight"].shape == (256, 64, 1, 1)
    assert state["layer1.0.downsample.1.running_mean"].shape == (256,)
    assert state["layer4.2.conv3.weight"].shape == (2048, 512, 1, 1)
    assert state["layer3.5.bn2.running_var"].shape == (256,)
    assert len([name for name in state if not name.endswith("num_batches_tracked")]) == 265


def test_small_backbone_is_small() -> None:
    assert sum(p.numel() for p in backbone("small").parameters()) < 5_000_000


def test_unknown_backbone_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="vgg16"):
        backbone("vgg16")


def test_normalised_pictures_have_mean_0_and_deviation_1_where_imagenet_has() -> None:
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert normalised(grey).abs().max() < 1e-6
    torch.testing.assert_close(normalised(grey / 255, white=255.0), normalised(grey))
