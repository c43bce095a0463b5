"""Where a heatmap points: the expected cell under the softmax of its values, which gradients pass through.

Reference: Sun, Xiao, Wei, Liang and Wei, "Integral human pose regression" (ECCV 2018), equation 2 (the expectation) and
equation 3 (taken axis by axis: marginals first, so that a three-dimensional heatmap costs three short sums).
"""

from __future__ import annotations

import torch
from torch.nn import functional

PEAK_CELLS = 3.0
"""Deviation of the Gaussian that heatmaps are smoothed with before their highest place counts as their peak."""


def shares(heatmaps: torch.Tensor) -> torch.Tensor:
    """The softmax of every heatmap over all of its cells.

    Args:
        heatmaps: (N, J, *dims), unnormalised (logits).
    Returns:
        The same shape, float32 or wider; each sums to 1.
    """
    # In half precision neither the sum of a softmax nor an expectation over cells would hold.
    values = heatmaps.float() if heatmaps.dtype in (torch.float16, torch.bfloat16) else heatmaps
    return values.flatten(2).softmax(dim=-1).unflatten(-1, heatmaps.shape[2:])


def expected_cell(weights: torch.Tensor) -> torch.Tensor:
    """Expected cell of `shares`; cell 0 of an axis is at 0.0, its last of n at n - 1.

    Args:
        weights: (N, J, *dims); dims (H, W) or (D, H, W), any number.
    Returns:
        (N, J, len(dims)) cells, the last axis of dims first: (x, y) or (x, y, z).
    """
    dims = weights.shape[2:]
    answers = []
    for axis in reversed(range(len(dims))):
        others = [2 + other for other in range(len(dims)) if other != axis]
        marginal = weights.sum(dim=others) if others else weights
        answers.append(marginal @ torch.arange(dims[axis], dtype=weights.dtype, device=weights.device))
    return torch.stack(answers, dim=-1)


def soft_argmax(heatmaps: torch.Tensor) -> torch.Tensor:
    """Expected cell of every heatmap: `expected_cell` of its `shares`."""
    return expected_cell(shares(heatmaps))


def cell_around_peak(weights: torch.Tensor, window_cells: float) -> torch.Tensor:
    """Expected cell within a Gaussian window about the highest place in the picture.

    Where a limb may be at two places, the expectation over all lies between them, where it certainly is not; the window
    decides for one. Along z the expectation is over all: there a heatmap has one peak.

    Args:
        weights: (N, J, H, W) or (N, J, D, H, W) `shares`.
        window_cells: deviation of the window.
    Returns:
        as `expected_cell`.
    """
    plane = weights.sum(dim=2) if weights.ndim == 5 else weights
    height, width = plane.shape[-2:]
    peak = _smoothed(plane, PEAK_CELLS).flatten(2).argmax(dim=-1)
    down = _window(height, peak // width, window_cells, plane)
    across = _window(width, peak % width, window_cells, plane)
    seen = plane * down[..., :, None] * across[..., None, :]
    inside = expected_cell(seen / seen.sum(dim=(-2, -1), keepdim=True))
    return torch.cat([inside, expected_cell(weights)[..., 2:]], dim=-1)


def pointed_cell(weights: torch.Tensor, window_cells: float) -> torch.Tensor:
    """`cell_around_peak` of `shares`, or `expected_cell` where the window is 0."""
    return cell_around_peak(weights, window_cells) if window_cells else expected_cell(weights)


def _window(cells: int, middle: torch.Tensor, deviation: float, like: torch.Tensor) -> torch.Tensor:
    """(N, J, cells) with 1 at the middle (N, J)."""
    place = torch.arange(cells, dtype=like.dtype, device=like.device)
    return (-0.5 * ((place - middle[..., None]) / deviation) ** 2).exp()


def _smoothed(plane: torch.Tensor, deviation: float) -> torch.Tensor:
    """(N, J, H, W) convolved with a Gaussian, which ends where it is a hundredth."""
    reach = round(3 * deviation)
    kernel = (-0.5 * (torch.arange(-reach, reach + 1, dtype=plane.dtype, device=plane.device) / deviation) ** 2).exp()
    maps = plane.flatten(0, 1)[:, None]
    maps = functional.conv2d(maps, kernel[None, None, :, None], padding=(reach, 0))
    return functional.conv2d(maps, kernel[None, None, None, :], padding=(0, reach))[:, 0].unflatten(0, plane.shape[:2])
