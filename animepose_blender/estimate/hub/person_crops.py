"""Crops of people, as `VitPoseImageProcessor` of `transformers` cuts them, many people of many pictures at once.

A crop holds a person's box, grown by a quarter and to the network's proportions. The middle of the crop's first pixel
lies on the crop's left (top) rim, that of the last one on its right (bottom) rim (Huang et al., "The Devil is in the
Details: Delving into Unbiased Data Processing for Human Pose Estimation", CVPR 2020).

Here places in pictures are counted as the processor does: from the middle of the first pixel. Our own lie half a pixel
further; the caller adds and takes it off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

_PADDING = np.float32(1.25)
_UNIT = 200.0
"""Pixels that the processor measures sizes in."""


@dataclass(frozen=True, eq=False)
class Crops:
    """Where N people are cut out; float32, rounded where the processor rounds."""

    centre: np.ndarray
    """(N, 2) x, y in their pictures, counted from the middle of the first pixel."""
    extent: np.ndarray
    """(N, 2) width and height in pixels of the picture."""

    def to_picture(self, places: np.ndarray, width: int, height: int) -> np.ndarray:
        """Places (N, K, 2) on a grid of width x height points, the outermost of which lie on the crop's rim, in the
        picture; float64."""
        scale = self.extent.astype(np.float64) / (width - 1, height - 1)
        return places * scale[:, None] + (self.centre - 0.5 * self.extent.astype(np.float64))[:, None]


def crops_around(boxes: np.ndarray, width: int, height: int) -> Crops:
    """Crops for boxes (N, 4) x0, y0, x1, y1, counted from the middle of the first pixel, and for an input of
    width x height pixels."""
    size = boxes[:, 2:] - boxes[:, :2]
    aspect = width / height
    wide = size[:, 0] > aspect * size[:, 1]
    grown = np.stack(
        [np.where(wide, size[:, 0], size[:, 1] * aspect), np.where(wide, size[:, 0] / aspect, size[:, 1])], axis=-1
    )
    extent = (grown / _UNIT).astype(np.float32) * _PADDING * np.float32(_UNIT)
    return Crops((boxes[:, :2] + size * 0.5).astype(np.float32), extent)


def cut_out(pictures: torch.Tensor, picture: np.ndarray, crops: Crops, width: int, height: int) -> torch.Tensor:
    """The crops, interpolated between four pixels and rounded as `scipy.ndimage.affine_transform` does; what is
    outside the picture is black.

    Exact where the device has float64. Where it has not (MPS), a value within 1e-4 of one half may be rounded to the
    other side.

    Args:
        pictures: (B, H, W, 3) uint8.
        picture: (N,) the picture of each person.
        crops: of N people.
        width, height: of the result.
    Returns:
        (N, 3, height, width) uint8 on the same device.
    """
    near, far, share, seen = [], [], [], []
    for axis, (count, old) in enumerate(((width, pictures.shape[2]), (height, pictures.shape[1]))):
        place = _places(crops.centre[:, axis], crops.extent[:, axis], count)
        first = np.floor(place)
        seen.append((place >= 0) & (place <= old - 1))
        near.append(np.clip(first, 0, old - 1).astype(np.int64))
        far.append(np.clip(first + 1, 0, old - 1).astype(np.int64))
        share.append(place - first)
    device = pictures.device
    exact = torch.float32 if device.type == "mps" else torch.float64
    columns = torch.from_numpy(np.stack([near[0], far[0]])).to(device)
    rows = torch.from_numpy(np.stack([near[1], far[1]]) + np.asarray(picture)[:, None] * pictures.shape[1]).to(device)
    right, down = (torch.from_numpy(one).to(device, exact) for one in share)
    inside = [torch.from_numpy(one).to(device) for one in seen]
    result = torch.empty((len(picture), height, width, 3), dtype=torch.uint8, device=device)
    # One at a time on a CPU, whose caches hold one; all at once on a GPU.
    at_once = 1 if device.type == "cpu" else max(len(picture), 1)
    for start in range(0, len(picture), at_once):
        part = slice(start, start + at_once)
        values = _between(pictures, rows[:, part], columns[:, part], right[part], down[part])
        values *= inside[1][part, :, None, None] & inside[0][part, None, :, None]
        result[part] = values.add_(0.5).to(torch.uint8)
    return result.permute(0, 3, 1, 2)


def _places(centre: np.ndarray, extent: np.ndarray, count: int) -> np.ndarray:
    """(N, count) where in the picture the pixels of crops lie along one axis; float64.

    The processor builds the map from picture to crop in float32, and inverts it in float64.
    """
    wide, middle = extent.astype(np.float64), centre.astype(np.float64)
    scale = (count - 1) / wide
    shift = (scale * (0.5 * wide - middle)).astype(np.float32).astype(np.float64)
    scale = scale.astype(np.float32).astype(np.float64)
    return np.arange(count) / scale[:, None] - (shift / scale)[:, None]


def _between(
    pictures: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor, right: torch.Tensor, down: torch.Tensor
) -> torch.Tensor:
    """(n, h, w, 3) values between pixels.

    Args:
        pictures: (B, H, W, 3) uint8.
        rows: (2, n, h) above and below, counted through all pictures.
        columns: (2, n, w) to the left and to the right.
        right: (n, w) and `down` (n, h), how far from the one to the other, 0 to 1.
    """
    pixels, stride = pictures.reshape(-1, 3), pictures.shape[2]
    shape = (rows.shape[1], rows.shape[2], columns.shape[2], 3)

    def taken(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        index = row[:, :, None] * stride + column[:, None, :]
        return pixels.index_select(0, index.reshape(-1)).view(shape).to(right.dtype)

    def across(row: torch.Tensor) -> torch.Tensor:
        left = taken(row, columns[0])
        return taken(row, columns[1]).sub_(left).mul_(right[:, None, :, None]).add_(left)

    above = across(rows[0])
    return across(rows[1]).sub_(above).mul_(down[:, :, None, None]).add_(above)
