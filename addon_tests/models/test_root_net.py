"""RootNet: k, the depth and the root's pixel, loss, gradients."""

from __future__ import annotations

import pytest
import torch

from models.root_net import SMALL, Config, RootNet, prior_depth_m, root_loss, square_boxes

TINY = Config(backbone="small", width=16, input_px=64)


def test_k_is_the_worked_example() -> None:
    # A person of 2 m by 2 m in a box of 400 px, at f = 1500 px: 1500 * 2 / 400 m.
    k = prior_depth_m(torch.tensor([400.0**2]), torch.tensor([[1500.0, 1500.0]]))
    torch.testing.assert_close(k, torch.tensor([7.5]))
    # f_x and f_y enter by their geometric mean: sqrt(1000 * 1440) = 1200.
    k = prior_depth_m(torch.tensor([400.0**2, 200.0**2]), torch.tensor([[1000.0, 1440.0]] * 2))
    torch.testing.assert_close(k, torch.tensor([6.0, 12.0]))


def test_without_focal_length_k_is_the_depth_over_the_focal_length() -> None:
    area = torch.tensor([120.0**2, 333.0**2])
    torch.testing.assert_close(prior_depth_m(area) * 1500, prior_depth_m(area, torch.full((2, 2), 1500.0)))


def test_boxes_become_square_about_their_centres() -> None:
    boxes = torch.tensor([[10.0, 20.0, 40.0, 80.0], [0.0, 0.0, 100.0, 50.0]])
    expected = torch.tensor([[-20.0, 10.0, 100.0, 100.0], [-12.5, -37.5, 125.0, 125.0]])
    torch.testing.assert_close(square_boxes(boxes), expected)


@pytest.mark.parametrize(("batch", "size"), [(1, (64, 64)), (3, (64, 96)), (2, (75, 101))])
def test_every_batch_and_size_gets_an_answer(batch: int, size: tuple[int, int]) -> None:
    network = RootNet(TINY).eval()
    with torch.no_grad():
        roots = network(torch.randn(batch, 3, *size), torch.full((batch,), 5.0))
    assert roots.shape == (batch, 3)
    limits = torch.tensor([8.0 * -(-size[1] // 32), 8.0 * -(-size[0] // 32)])
    assert (roots[:, :2] >= 0).all() and (roots[:, :2] <= limits - 1).all()


def test_the_depth_is_k_times_what_the_picture_says_and_untrained_k_alone() -> None:
    network = RootNet(TINY).eval()
    pictures = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        near = network(pictures, torch.tensor([2.0, 3.0]))
        far = network(pictures, torch.tensor([8.0, 12.0]))
    torch.testing.assert_close(far[:, 2], 4 * near[:, 2])
    torch.testing.assert_close(far[:, :2], near[:, :2])
    torch.testing.assert_close(near[:, 2], torch.tensor([2.0, 3.0]), rtol=0.1, atol=0.0)


def test_pixels_and_cells_are_inverse() -> None:
    network = RootNet(TINY)
    torch.testing.assert_close(network.pixels(torch.tensor([[7.5, 0.0]])), torch.tensor([[32.0, 2.0]]))
    torch.testing.assert_close(network.cells(torch.tensor([[32.0, 2.0]])), torch.tensor([[7.5, 0.0]]))


def test_samples_without_depth_or_root_have_no_part_in_the_loss() -> None:
    roots = torch.zeros(3, 3, requires_grad=True)
    target = torch.tensor([[1.0, 1.0, 0.002], [1.0, 1.0, torch.nan], [torch.nan] * 3])
    loss = root_loss(roots, target, torch.tensor([1.0, 1.0, 0.0]), torch.tensor([1.0, 0.0, 1.0]))
    loss.backward()
    assert loss.item() == pytest.approx((1 + 1 + 2 + 1 + 1) / 9)
    assert roots.grad is not None and torch.isfinite(roots.grad).all()
    assert roots.grad[1, 2] == 0 and (roots.grad[2] == 0).all()


def test_gradients_reach_the_backbone_from_the_depth_and_from_the_pixel() -> None:
    torch.manual_seed(0)
    for axis in (0, 2):
        network = RootNet(TINY)
        network(torch.randn(2, 3, 64, 64), torch.full((2,), 4.0))[:, axis].sum().backward()
        gradient = next(network.backbone.parameters()).grad
        assert gradient is not None and torch.isfinite(gradient).all() and gradient.abs().max() > 0


def test_a_few_steps_on_two_pictures_reduce_the_loss() -> None:
    torch.manual_seed(0)
    network = RootNet(TINY)
    pictures, k = torch.randn(2, 3, 64, 64), torch.tensor([4.0, 4.0])
    target = torch.tensor([[3.0, 12.0, 3.0], [11.0, 5.0, 5.0]])
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(40):
        loss = root_loss(network(pictures, k), target, torch.ones(2), torch.ones(2), cells_to_a_metre=10.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_shipped_size_is_below_five_million_parameters() -> None:
    assert sum(p.numel() for p in RootNet(SMALL).parameters()) < 5_000_000
