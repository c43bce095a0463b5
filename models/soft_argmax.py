"""Where a heatmap points: the expected cell under the softmax of its values, which gradients pass through.

Reference: Sun, Xiao, Wei, Liang and Wei, "Integral human pose regression" (ECCV 2018), equation 2 (the expectation) and
equation 3 (taken axis by axis: marginals first, so that a three-dimensional heatmap costs three short sums).
"""

from __future__ import annotations

import torch


def soft_argmax(heatmaps: torch.Tensor) -> torch.Tensor:
    """Expected cell of every heatmap; cell 0 of an axis is at 0.0, its last of n at n - 1.

    Args:
        heatmaps: (N, J, *dims), unnormalised (logits); dims (H, W) or (D, H, W), any number.
    Returns:
        (N, J, len(dims)) cells as float32 or wider, the last axis of dims first: (x, y) or (x, y, z).
    """
    dims = heatmaps.shape[2:]
    # In half precision neither the sum of a softmax nor an expectation over cells would hold.
    values = heatmaps.float() if heatmaps.dtype in (torch.float16, torch.bfloat16) else heatmaps
    weights = values.flatten(2).softmax(dim=-1).unflatten(-1, dims)
    answers = []
    for axis in reversed(range(len(dims))):
        others = [2 + other for other in range(len(dims)) if other != axis]
        marginal = weights.sum(dim=others) if others else weights
        answers.append(marginal @ torch.arange(dims[axis], dtype=values.dtype, device=values.device))
    return torch.stack(answers, dim=-1)
