"""PoseNet: soft-argmax, 2.5D output, loss, gradients."""

from __future__ import annotations

import pytest
import torch

from models.pose_net import SMALL, Config, PoseNet, place_loss, pose_loss
from models.soft_argmax import cell_around_peak, expected_cell, shares, soft_argmax

TINY = Config(backbone="small", joints=3, depth_bins=4, width=16, input_px=64)


def gaussian(dims: tuple[int, ...], centre_xyz: tuple[float, ...], sigma: float) -> torch.Tensor:
    axes = torch.meshgrid(*(torch.arange(float(n)) for n in dims), indexing="ij")
    squares = sum((axis - c) ** 2 for axis, c in zip(reversed(axes), centre_xyz, strict=True))
    return -torch.as_tensor(squares) / (2 * sigma**2)


@pytest.mark.parametrize("centre", [(20.0, 30.0, 12.0), (17.3, 40.6, 25.8), (9.5, 9.5, 9.5)])
def test_soft_argmax_lands_at_the_centre_of_a_gaussian(centre: tuple[float, ...]) -> None:
    heatmap = gaussian((40, 56, 48), centre, 1.5)
    answer = soft_argmax(torch.stack([heatmap, heatmap.flip(2)])[None])
    assert answer.shape == (1, 2, 3)
    assert (answer[0, 0] - torch.tensor(centre)).abs().max() < 0.05
    assert (answer[0, 1] - torch.tensor([47 - centre[0], *centre[1:]])).abs().max() < 0.05


def test_soft_argmax_in_two_dimensions_is_x_then_y_and_holds_in_half_precision() -> None:
    heatmap = gaussian((20, 30), (22.4, 6.7), 2.0)[None, None]
    for answer in (soft_argmax(heatmap), soft_argmax(heatmap.half()), soft_argmax(heatmap.double())):
        assert (answer[0, 0] - torch.tensor([22.4, 6.7])).abs().max() < 0.05


def test_around_the_peak_one_of_two_places_is_chosen_and_the_depth_is_that_of_all() -> None:
    likely, unlikely = gaussian((16, 48, 48), (10.0, 20.0, 4.0), 1.5), gaussian((16, 48, 48), (40.0, 20.0, 4.0), 1.5)
    weights = shares(torch.logaddexp(likely, unlikely - 0.4)[None, None])
    assert 18 < expected_cell(weights)[0, 0, 0] < 30
    assert (cell_around_peak(weights, 8.0)[0, 0] - torch.tensor([10.0, 20.0, 4.0])).abs().max() < 0.1
    assert (cell_around_peak(weights.sum(2), 8.0)[0, 0] - torch.tensor([10.0, 20.0])).abs().max() < 0.1


@pytest.mark.parametrize("centre", [(20.0, 30.0, 12.0), (17.3, 40.6, 25.8), (2.0, 45.0, 1.0)])
def test_around_the_peak_of_one_place_is_the_expectation(centre: tuple[float, ...]) -> None:
    weights = shares(gaussian((40, 56, 48), centre, 1.5)[None, None])
    difference = cell_around_peak(weights, 8.0) - expected_cell(weights)
    assert difference.abs().max() < 0.1


def test_soft_argmax_gradient_is_right() -> None:
    heatmaps = torch.randn(2, 2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(soft_argmax, heatmaps)


@pytest.mark.parametrize(("batch", "size"), [(1, (64, 64)), (3, (96, 64)), (2, (75, 101))])
def test_every_batch_and_size_gets_an_answer_within_the_heatmap(batch: int, size: tuple[int, int]) -> None:
    network = PoseNet(TINY).eval()
    with torch.no_grad():
        cells = network(torch.randn(batch, 3, *size))
    assert cells.shape == (batch, 3, 3)
    limits = torch.tensor([8.0 * -(-size[1] // 32), 8.0 * -(-size[0] // 32), 4.0])
    assert (cells >= 0).all() and (cells <= limits - 1).all()


def test_half_the_range_away_from_the_root_is_the_outer_edge_of_the_bins() -> None:
    network = PoseNet(Config(backbone="small", width=16, depth_bins=64, depth_range_m=2.0))
    cells = torch.tensor([[[0.0, 63.0, 31.5], [31.5, 31.5, -0.5], [31.5, 31.5, 63.5]]])
    expected = torch.tensor([[[2.0, 254.0, 0.0], [128.0, 128.0, -1.0], [128.0, 128.0, 1.0]]])
    torch.testing.assert_close(network.joints_2_5d(cells), expected)
    torch.testing.assert_close(network.cells(expected), cells)


def test_samples_without_depth_and_invisible_joints_have_no_part_in_the_loss() -> None:
    cells = torch.zeros(2, 3, 3, requires_grad=True)
    target = torch.ones(2, 3, 3)
    target[1, :, 2] = torch.nan
    target[0, 1] = torch.nan
    visible = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    loss = pose_loss(cells, target, visible, torch.tensor([1.0, 0.0]))
    loss.backward()
    assert loss.item() == pytest.approx((2 * 3 + 3 * 2) / 18)
    assert cells.grad is not None and torch.isfinite(cells.grad).all()
    assert (cells.grad[1, :, 2] == 0).all() and (cells.grad[0, 1] == 0).all() and (cells.grad[0, 0] != 0).all()


def test_gradients_reach_the_first_layer_of_the_backbone() -> None:
    torch.manual_seed(0)
    network = PoseNet(TINY)
    cells = network(torch.randn(2, 3, 64, 64))
    pose_loss(cells, torch.zeros_like(cells), torch.ones(2, 3), torch.ones(2)).backward()
    gradient = next(network.backbone.parameters()).grad
    assert gradient is not None and torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_a_few_steps_on_two_pictures_reduce_the_loss() -> None:
    torch.manual_seed(0)
    network = PoseNet(TINY)
    pictures = torch.randn(2, 3, 64, 64)
    target = torch.rand(2, 3, 3) * torch.tensor([15.0, 15.0, 3.0])
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = pose_loss(network(pictures), target, torch.ones(2, 3), torch.ones(2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_shipped_size_is_below_five_million_parameters() -> None:
    assert sum(p.numel() for p in PoseNet(SMALL).parameters()) < 5_000_000


def test_the_published_size_is_that_of_simple_baselines_with_heatmaps_of_64_depths() -> None:
    head = 16 * (2048 + 256 + 256) * 256 + 3 * 2 * 256 + 257 * 28 * 64
    with torch.device("meta"):
        assert sum(p.numel() for p in PoseNet().parameters()) == 23_508_032 + head


def gaussian_volume(middle: tuple[float, float, float], dims: tuple[int, int, int] = (8, 12, 10)) -> torch.Tensor:
    """Shares (1, 1, D, H, W) about (x, y, z) cells."""
    z, y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in dims), indexing="ij")
    square = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 + (z - middle[2]) ** 2
    return shares((-0.5 * square / 1.5**2)[None, None])


ALL, WITH_DEPTH = torch.ones(1, 1), torch.ones(1)


def test_place_loss_is_least_where_the_joint_is() -> None:
    target = torch.tensor([[[4.0, 7.0, 3.0]]])
    right = place_loss(gaussian_volume((4.0, 7.0, 3.0)), target, ALL, WITH_DEPTH)
    for wrong in ((5.0, 7.0, 3.0), (4.0, 5.0, 3.0), (4.0, 7.0, 4.5)):
        assert place_loss(gaussian_volume(wrong), target, ALL, WITH_DEPTH) > right + 0.05


def test_place_loss_prefers_two_places_to_their_middle() -> None:
    target = torch.tensor([[[2.0, 6.0, 4.0]]])
    both = (gaussian_volume((2.0, 6.0, 4.0)) + gaussian_volume((8.0, 6.0, 4.0))) / 2
    middle = gaussian_volume((5.0, 6.0, 4.0))
    assert place_loss(both, target, ALL, WITH_DEPTH) < place_loss(middle, target, ALL, WITH_DEPTH)


def test_place_loss_ignores_what_is_not_known() -> None:
    volume = gaussian_volume((4.0, 7.0, 3.0)).requires_grad_()
    unknown = torch.full((1, 1, 3), torch.nan)
    loss = place_loss(volume, unknown, torch.zeros(1, 1), WITH_DEPTH)
    loss.backward()
    assert loss == 0
    assert volume.grad is not None and (volume.grad == 0).all()
    at, deeper = torch.tensor([[[4.0, 7.0, 3.0]]]), torch.tensor([[[4.0, 7.0, 6.0]]])
    flat = torch.zeros(1)
    assert place_loss(volume, at, ALL, flat) == place_loss(volume, deeper, ALL, flat)
