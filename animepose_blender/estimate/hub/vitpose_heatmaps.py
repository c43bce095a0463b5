"""From heatmaps to keypoints, between pixels, as `VitPoseImageProcessor` of `transformers` does it, in batches.

A keypoint lies at the maximum of its heatmap, moved by the first and second derivatives of the blurred heatmap's
logarithm, which is a parabola where the heatmap is a bell (Zhang et al., "Distribution-Aware Coordinate Representation
for Human Pose Estimation", CVPR 2020, with the kernel of ViTPose). The blurred heatmap is worked out only around the
maximum. Places are counted from the middle of a heatmap's first pixel.
"""

from __future__ import annotations

from functools import lru_cache

import torch

SIGMA, RADIUS = 0.8, 5
"""Of the blur, in pixels of the heatmap (kernel 11)."""
LOWEST, HIGHEST = 0.001, 50.0
"""Blurred values are brought between these before the logarithm."""
EPSILON = float(torch.finfo(torch.float32).eps)
"""Added to the second derivatives, so that a flat heatmap has an inverse."""
LONGEST_STEP = 1.5
"""Pixels of the heatmap. A bell's step is shorter than one in x and in y; a longer one comes of a heatmap that has no
bell, and goes astray."""


def peaks(heatmaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The first of each heatmap's largest values.

    Args:
        heatmaps: (N, K, h, w) float32.
    Returns:
        (N, K, 2) int64 x and y, and (N, K) the values.
    """
    score, index = heatmaps.flatten(2).max(dim=-1)
    width = heatmaps.shape[-1]
    return torch.stack([index % width, index // width], dim=-1), score


def steps(heatmaps: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """How far keypoints lie from pixels of their heatmaps, as the processor has it, however far.

    Args:
        heatmaps: (N, K, h, w) float32.
        at: (N, K, 2) int64 x and y.
    Returns:
        (N, K, 2) pixels of the heatmap; float64, float32 where the device has no other (MPS).
    """
    height, width = heatmaps.shape[-2:]
    around = torch.arange(-RADIUS - 1, RADIUS + 2, device=heatmaps.device)
    columns, rows = (_mirrored(at[..., k, None] + around, size) for k, size in ((0, width), (1, height)))
    index = rows[..., :, None] * width + columns[..., None, :]
    exact = torch.float32 if heatmaps.device.type == "mps" else torch.float64
    patch = heatmaps.flatten(2).gather(2, index.flatten(2)).view(index.shape).to(exact)
    blur = _blur(heatmaps.device, exact)
    # Beyond the rim the processor repeats the blurred heatmap's outermost pixels; blurring the mirrored one does too.
    # Rounded to float32 where it rounds, which tells where a heatmap is nearly flat.
    f = ((blur @ patch).float().to(exact) @ blur.T).float().clamp(LOWEST, HIGHEST).log()
    middle = f[..., 1, 1]
    slope_x = 0.5 * (f[..., 1, 2] - f[..., 1, 0])
    slope_y = 0.5 * (f[..., 2, 1] - f[..., 0, 1])
    xx = f[..., 1, 2] - 2 * middle + f[..., 1, 0]
    yy = f[..., 2, 1] - 2 * middle + f[..., 0, 1]
    xy = 0.5 * (
        f[..., 2, 2] - f[..., 1, 2] - f[..., 2, 1] + 2 * middle - f[..., 1, 0] - f[..., 0, 1] + f[..., 0, 0]
    )  # fmt: skip
    slope_x, slope_y, xx, yy, xy = (one.to(exact) for one in (slope_x, slope_y, xx, yy, xy))
    xx, yy = xx + EPSILON, yy + EPSILON
    step = torch.stack([xy * slope_y - yy * slope_x, xy * slope_x - xx * slope_y], dim=-1)
    return step / (xx * yy - xy * xy)[..., None]


def keypoints_of(heatmaps: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Keypoints and how sure the network is of them.

    They are the processor's wherever a heatmap has a bell. Where a step would lead astray, and where no value is above
    0, which the processor answers with a place outside, the keypoint is the middle of the maximum's pixel.

    Args:
        heatmaps: (N, K, h, w) float32.
    Returns:
        (N, K, 2) x and y in the heatmap; and (N, K) the heatmap's largest value, brought between 0 and 1: the networks
        learned heatmaps whose bells are 1 high, and give less the less they are sure.
    """
    at, score = peaks(heatmaps)
    step = steps(heatmaps, at)
    # Also where they are not numbers, of which every comparison is false.
    straight = (step.norm(dim=-1) <= LONGEST_STEP) & (score > 0)
    return at + torch.where(straight[..., None], step, 0.0), torch.where(score > 0, score, 0.0).clamp(0.0, 1.0)


def _mirrored(index: torch.Tensor, size: int) -> torch.Tensor:
    """Indices beyond the rims as those of the mirror image, in which the outermost pixel is doubled."""
    index = index % (2 * size)
    return torch.minimum(index, 2 * size - 1 - index)


@lru_cache(maxsize=4)
def _blur(device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """(3, 2 RADIUS + 3) weights that make a pixel of the blurred heatmap, and its two neighbours, of pixels around."""
    distance = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    weight = torch.exp(-0.5 * (distance / SIGMA) ** 2)
    rows = torch.zeros(3, 2 * RADIUS + 3, dtype=torch.float64)
    for k in range(3):
        rows[k, k : k + len(weight)] = weight / weight.sum()
    return rows.to(device, dtype)
