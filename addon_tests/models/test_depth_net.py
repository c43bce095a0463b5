"""DepthNet: planes give their exact depths, the loss is what it says, and the network learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.backbones import backbone
from models.depth_net import DepthNet, PlanarGuidance, local_depth, scale_invariant_loss, unit_normal


def plane_depth(normal: np.ndarray, distance: float, focal: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Depth of a plane normal · X = distance along rays (x, y, focal)."""
    return distance * focal / (normal[0] * x + normal[1] * y + normal[2] * focal)


@pytest.mark.parametrize("ratio", [8, 4, 2])
def test_planar_layer_gives_the_exact_depth_of_a_plane_seen_by_a_camera(ratio: int) -> None:
    focal, rows, columns = 90.0, 32, 48
    normal = np.array([0.3, -0.5, 0.9]) / np.linalg.norm([0.3, -0.5, 0.9])
    x, y = np.meshgrid(np.arange(columns) + 0.5 - columns / 2, np.arange(rows) + 0.5 - rows / 2)
    expected = plane_depth(normal, 4.0, focal, x, y)
    # In a cell of k pixels with its centre at (cx, cy) the plane's coefficients are those of its rays.
    cx, cy = np.meshgrid(
        (np.arange(columns // ratio) + 0.5) * ratio - columns / 2, (np.arange(rows // ratio) + 0.5) * ratio - rows / 2
    )
    there = np.stack(
        [
            np.full_like(cx, normal[0] * ratio / focal),
            np.full_like(cx, normal[1] * ratio / focal),
            normal[2] + (normal[0] * cx + normal[1] * cy) / focal,
        ],
        -1,
    )
    length = np.linalg.norm(there, axis=-1)
    unit = there / length[..., None]
    tilt, turn = np.arccos(unit[..., 2]), np.arctan2(unit[..., 1], unit[..., 0])
    normals = unit_normal(torch.tensor(tilt)[None], torch.tensor(turn)[None])
    np.testing.assert_allclose(normals[0].numpy(), unit, atol=1e-12)
    depth = local_depth(normals, torch.tensor(4.0 / length)[None], ratio)
    np.testing.assert_allclose(depth[0].numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("ratio", [8, 4, 2])
def test_planar_guidance_stays_within_depths_and_passes_gradients(ratio: int) -> None:
    torch.manual_seed(0)
    layer = PlanarGuidance(16, ratio, 10.0)
    features = torch.randn(2, 16, 3, 5, requires_grad=True)
    depth = layer(features * 5)
    assert depth.shape == (2, 1, 3 * ratio, 5 * ratio)
    assert 0 <= depth.min() and depth.max() <= 10.0
    depth.mean().backward()
    assert features.grad is not None and features.grad.isfinite().all() and features.grad.abs().sum() > 0


def test_loss_is_zero_at_the_truth_and_has_finite_gradients_there() -> None:
    truth = torch.rand(2, 6, 7) * 5 + 1
    guess = truth.clone().requires_grad_()
    loss = scale_invariant_loss(guess, truth)
    assert loss < 1e-4
    loss.backward()
    assert guess.grad is not None and guess.grad.isfinite().all()


def test_loss_ignores_a_common_scale_only_when_told_to() -> None:
    torch.manual_seed(1)
    truth, guess = torch.rand(2, 6, 7) * 5 + 1, torch.rand(2, 6, 7) * 5 + 1
    one = scale_invariant_loss(guess, truth, scale_share=1.0)
    assert torch.allclose(one, scale_invariant_loss(guess * 1.7, truth, scale_share=1.0), rtol=1e-4)
    assert torch.isclose(
        scale_invariant_loss(truth * 1.7, truth, scale_share=0.85, alpha=10.0),
        torch.tensor(10 * np.sqrt(0.15) * np.log(1.7), dtype=torch.float32),
        rtol=1e-4,
    )


def test_loss_is_the_published_form() -> None:
    torch.manual_seed(2)
    truth, guess = torch.rand(1, 6, 7) * 5 + 1, torch.rand(1, 6, 7) * 5 + 1
    g = guess.log() - truth.log()
    count = g.numel()
    expected = 10 * (g.square().sum() / count - 0.85 / count**2 * g.sum() ** 2).sqrt()
    assert torch.isclose(scale_invariant_loss(guess, truth), expected, rtol=1e-4)


def test_pixels_without_truth_do_not_count() -> None:
    torch.manual_seed(3)
    truth = torch.rand(2, 6, 8) * 5 + 1
    guess = (torch.rand(2, 6, 8) * 5 + 1).requires_grad_()
    holes = truth.clone()
    holes[:, :3, :2] = 0
    holes[:, :3, 2] = torch.nan
    holes[:, :3, 3:] = torch.inf
    valid = torch.ones(2, 6, 8, dtype=torch.bool)
    valid[:, 3, :] = False
    loss = scale_invariant_loss(guess, holes, valid)
    assert torch.isclose(loss, scale_invariant_loss(guess[:, 4:], truth[:, 4:]), rtol=1e-5)
    loss.backward()
    assert guess.grad is not None and guess.grad.isfinite().all() and (guess.grad[:, :4] == 0).all()


def test_a_picture_without_any_truth_adds_nothing() -> None:
    truth = torch.rand(2, 6, 7) * 5 + 1
    guess = truth.flip(2).clone().requires_grad_()
    alone = scale_invariant_loss(guess[:1], truth[:1])
    truth[1] = 0
    assert torch.isclose(scale_invariant_loss(guess, truth), alone)
    none = scale_invariant_loss(guess, torch.zeros_like(truth))
    none.backward()
    assert none == 0 and guess.grad is not None and guess.grad.isfinite().all()


@pytest.mark.parametrize(("height", "width"), [(64, 96), (51, 77), (33, 32)])
def test_any_size_of_picture_gives_metres_for_each_pixel(height: int, width: int) -> None:
    net = DepthNet(backbone("small")).eval()
    with torch.no_grad():
        depth = net(torch.rand(1, 3, height, width))
    assert depth.shape == (1, height, width)
    assert 0 <= depth.min() and depth.max() <= net.config.max_depth_m


def test_depth_net_is_small() -> None:
    assert sum(p.numel() for p in DepthNet(backbone("small")).parameters()) < 6_000_000


def test_every_parameter_learns_and_the_loss_falls_on_two_pictures() -> None:
    torch.manual_seed(4)
    net = DepthNet(backbone("small"))
    pictures = torch.rand(2, 3, 64, 64) * 0.1
    truth = torch.full((2, 64, 64), 8.0)
    for i, (x, y) in enumerate([(8, 16), (32, 24)]):
        pictures[i, :, y : y + 32, x : x + 20] += 0.8
        truth[i, y : y + 32, x : x + 20] = 3.0
    optimiser = torch.optim.Adam(net.parameters(), 2e-3)
    history = []
    for _ in range(25):
        loss = scale_invariant_loss(net(pictures), truth)
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
        optimiser.step()
        history.append(loss.item())
    assert min(history[-3:]) < 0.6 * history[0]
