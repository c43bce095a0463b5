"""Where a heatmap points: the expected cell under the softmax of its values, which gradients pass through.

Reference: Sun, Xiao, Wei, Liang and Wei, "Integral human pose regression" (ECCV 2018), equation 2 (the expectation) and
equation 3 (taken axis by axis: marginals first, so that a three-dimensional heatmap costs three short sums).
"""

from __future__ import annotations

import torch


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
