"""Square crops of people, many people of many pictures at once, as the project's own networks were trained with them.

A square lies about the middle of a person's box; its side is the longer one of the box times a margin (Moon et al.,
2019). Where people are large, pixels are averaged first, so that nothing flickers; what lies beyond the picture is 0
after normalisation. Pixel centres lie at +0.5, in pictures and in crops.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from models.backbones import normalised
from models.root_net import BOX_MARGIN

SMALLEST_PX = 1.0
"""Side of a square, at least."""
SHRINKS = 1.4
"""Pixels of the picture to one of the crop up to which they are interpolated as they are; the training's, too."""


@dataclass(frozen=True, eq=False)
class Squares:
    """Where N people are cut out of their pictures."""

    centre_px: np.ndarray
    """(N, 2)"""
    side_px: np.ndarray
    """(N,)"""

    def __len__(self) -> int:
        return len(self.side_px)

    def part(self, part: slice | np.ndarray) -> Squares:
        """Some of them."""
        return Squares(self.centre_px[part], self.side_px[part])

    def to_picture(self, points_px: np.ndarray, size_px: int) -> np.ndarray:
        """Pixels (N, K, 2) of crops of size_px x size_px in the picture, float64."""
        scale = (self.side_px / size_px)[:, None, None]
        return (points_px - size_px / 2) * scale + self.centre_px[:, None]


def squares_around(boxes_px: np.ndarray, margin: float = BOX_MARGIN) -> Squares:
    """Squares about boxes (N, 4) x0, y0, x1, y1."""
    boxes = np.asarray(boxes_px, dtype=np.float64).reshape(-1, 4)
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=SMALLEST_PX / margin) * margin
    return Squares((boxes[:, :2] + boxes[:, 2:]) / 2, side)


def cut_out(
    pictures: torch.Tensor, picture: np.ndarray, squares: Squares, size_px: int, white: float = 1.0
) -> torch.Tensor:
    """The crops.

    Args:
        pictures: (B, H, W, 3) uint8.
        picture: (N,) the picture of each person.
        squares: of N people.
        size_px: S, side of the crops.
        white: as in `backbones.normalised`.
    Returns:
        (N, 3, S, S) float32 on the same device, normalised.
    """
    crops = torch.zeros((len(squares), 3, size_px, size_px), device=pictures.device)
    # A level is a picture halved so many times; twice as many places as pixels are looked at where that is too sharp.
    shrinks = squares.side_px / size_px
    level = np.floor(np.log2(np.maximum(shrinks / SHRINKS, 1.0))).astype(int)
    finer = np.where(shrinks > SHRINKS, 2, 1)
    groups = np.stack([np.asarray(picture, dtype=np.int64), level, finer], axis=1)
    for number, deep, fine in np.unique(groups, axis=0).tolist():
        rows = np.flatnonzero((groups == (number, deep, fine)).all(axis=1))
        part, first = _part(pictures[number], squares.part(rows), 2**deep)
        picture_part = normalised(part.permute(2, 0, 1)[None].float().div_(255), white)
        for _ in range(deep):
            picture_part = _halved(picture_part)
        crops[rows] = _sampled(picture_part, first, 2**deep, squares.part(rows), size_px, fine)
    return crops


def _part(picture: torch.Tensor, squares: Squares, pixel_px: int) -> tuple[torch.Tensor, np.ndarray]:
    """What squares need of a picture (H, W, 3), and the x, y of its first pixel, which stays where halving pairs it."""
    half = squares.side_px[:, None] / 2
    # Two pixels more: interpolation looks beside the outermost places.
    low = np.floor((squares.centre_px - half).min(axis=0) / pixel_px - 2) * pixel_px
    high = np.ceil((squares.centre_px + half).max(axis=0) / pixel_px + 2) * pixel_px
    size = np.array([picture.shape[1], picture.shape[0]])
    low, high = np.clip(low, 0, (size - 1) // pixel_px * pixel_px).astype(int), np.clip(high, 1, size).astype(int)
    return picture[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)], low


def _halved(picture: torch.Tensor) -> torch.Tensor:
    """(1, 3, H, W) with pixels twice as wide; an odd last one is averaged with nothing, which is 0, as all beyond."""
    height, width = picture.shape[-2:]
    return functional.avg_pool2d(functional.pad(picture, (0, width % 2, 0, height % 2)), 2)


def _sampled(
    picture: torch.Tensor, first_px: np.ndarray, pixel_px: int, squares: Squares, size_px: int, finer: int
) -> torch.Tensor:
    """(n, 3, S, S) crops of n squares from a part (1, 3, h, w) of a picture, which begins at x, y of the whole one and
    whose pixels are so many of the whole one's wide; the mean of finer x finer places a pixel."""
    steps = size_px * finer
    share = (np.arange(steps) + 0.5) / steps - 0.5
    grids = []
    for axis, length in ((0, picture.shape[-1]), (1, picture.shape[-2])):
        place = squares.centre_px[:, axis, None] - first_px[axis] + share * squares.side_px[:, None]
        grids.append(torch.from_numpy((2 * place / (pixel_px * length) - 1).astype(np.float32)).to(picture.device))
    across, down = grids
    grid = torch.stack(torch.broadcast_tensors(across[:, None, :], down[:, :, None]), dim=-1)
    sampled = functional.grid_sample(picture.expand(len(squares), -1, -1, -1), grid, align_corners=False)
    return functional.avg_pool2d(sampled, finer) if finer > 1 else sampled


def fitted_size(height: int, width: int, longer_px: int) -> tuple[int, int]:
    """Height and width of a picture whose longer side is made so long, proportions kept."""
    scale = longer_px / max(height, width)
    return max(1, math.floor(height * scale + 0.5)), max(1, math.floor(width * scale + 0.5))
