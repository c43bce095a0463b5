"""Pictures at the size and in the numbers that networks want, as Pillow and `transformers` would give them.

The networks were trained on pictures that Pillow made smaller. Its filters widen when they shrink (no aliasing), and
its arithmetic is whole numbers: coefficients of 22 bits, rounding to 8 bits between the two passes. The same is done
here, to the last bit, on any device; on a CPU Pillow itself is the fastest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from ...errors import AnimePoseError

BILINEAR, BICUBIC = 2, 3
"""Pillow's numbers for filters, which is how `resample` in preprocessor_config.json names them."""
_BITS = 22
"""Of a coefficient: 255 times the sum of their sizes, at most 1.5, stays below 2^31."""
_SUPPORT = {BILINEAR: 1.0, BICUBIC: 2.0}


def resized(pictures: torch.Tensor, height: int, width: int, resample: int = BILINEAR) -> torch.Tensor:
    """Pictures at another size, as `PIL.Image.resize` gives them.

    Args:
        pictures: (B, H, W, 3) uint8.
        height, width: the new size.
        resample: `BILINEAR` or `BICUBIC`.
    Returns:
        (B, 3, height, width) uint8 on the same device.
    Raises:
        AnimePoseError: if the filter is another one.
    """
    if resample not in _SUPPORT:
        raise AnimePoseError(
            f"The model wants pictures resized by Pillow's filter {resample!r}; only 2 and 3 are known.",
            "Choose another model.",
        )
    if pictures.shape[1:3] == (height, width):
        return pictures.permute(0, 3, 1, 2).contiguous()
    if pictures.device.type == "cpu":
        return _resized_by_pillow(pictures, height, width, resample)
    return resized_on_device(pictures, height, width, resample)


def resized_on_device(pictures: torch.Tensor, height: int, width: int, resample: int) -> torch.Tensor:
    """`resized` by torch, for devices that Pillow does not reach."""
    passes = ((3, width), (2, height))
    result = pictures.permute(0, 3, 1, 2).contiguous()
    for axis, size in reversed(passes) if _height_first(pictures, height, width) else passes:
        result = _pass(result, axis, size, resample)
    return result


def normalised(
    pictures: torch.Tensor,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    rescale: float | None = 1 / 255,
) -> torch.Tensor:
    """(B, 3, h, w) float32 `(pictures * rescale - mean) / std` of (B, 3, h, w) pictures, uint8 or float; what is None
    is left out."""
    scale = np.full(3, 1.0 if rescale is None else rescale) / (1.0 if std is None else np.asarray(std))
    shift = np.zeros(3) if mean is None else -np.asarray(mean) / (1.0 if std is None else np.asarray(std))
    columns = torch.tensor(np.stack([scale, shift])[..., None, None], dtype=torch.float32, device=pictures.device)
    return pictures.to(torch.float32, copy=True).mul_(columns[0]).add_(columns[1])


def _resized_by_pillow(pictures: torch.Tensor, height: int, width: int, resample: int) -> torch.Tensor:
    """`resized` on a CPU."""
    result = np.empty((len(pictures), 3, height, width), dtype=np.uint8)
    for k, picture in enumerate(pictures.numpy()):
        small = Image.fromarray(picture).resize((width, height), Image.Resampling(resample))
        result[k] = np.asarray(small).transpose(2, 0, 1)
    return torch.from_numpy(result)


def _height_first(pictures: torch.Tensor, height: int, width: int) -> bool:
    """Whether Pillow (from 13 on) shrinks the height before the width: found by trying 10 000 sizes."""
    rows, columns = pictures.shape[1] - height, pictures.shape[2] - width
    return rows > 0 and rows > 2 * columns


def _pass(pictures: torch.Tensor, axis: int, size: int, resample: int) -> torch.Tensor:
    """One of the two passes, along an axis of (B, 3, H, W) uint8 pictures."""
    if pictures.shape[axis] == size:
        return pictures
    taps, weights = _taps_on(pictures.shape[axis], size, resample, pictures.device)
    shape = (-1, 1) if axis == 2 else (-1,)
    total = None
    for place, weight in zip(taps, weights, strict=True):
        part = pictures.index_select(axis, place) * weight.view(shape)
        total = part + (1 << (_BITS - 1)) if total is None else total.add_(part)
    assert total is not None
    return total.bitwise_right_shift_(_BITS).clamp_(0, 255).to(torch.uint8)


@lru_cache(maxsize=32)
def _taps_on(old: int, new: int, resample: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """`_taps` on a device."""
    taps, weights = _taps(old, new, resample)
    return torch.from_numpy(taps).to(device), torch.from_numpy(weights).to(device)


def _taps(old: int, new: int, resample: int) -> tuple[np.ndarray, np.ndarray]:
    """What each new pixel is made of, as in Pillow's Resample.c (`precompute_coeffs`, `normalize_coeffs_8bpc`).

    Returns:
        (K, new) int64 indices of old pixels and (K, new) int32 weights of `_BITS` bits; 0 for places of no use.
    """
    step = old / new
    stretch = max(step, 1.0)
    reach = _SUPPORT[resample] * stretch
    middle = (np.arange(new) + 0.5) * step
    first = np.maximum((middle - reach + 0.5).astype(np.int64), 0)
    last = np.minimum((middle + reach + 0.5).astype(np.int64), old)
    place = first[:, None] + np.arange(2 * math.ceil(reach) + 1)
    weight = _filter((place - middle[:, None] + 0.5) * (1.0 / stretch), resample) * (place < last[:, None])
    # Pillow adds one after the other; numpy's sum would add in pairs, and round differently.
    weight *= 1.0 / weight.cumsum(axis=1)[:, -1:]
    whole = np.trunc(weight * (1 << _BITS) + np.where(weight < 0, -0.5, 0.5)).astype(np.int32)
    used = int((last - first).max())
    return np.minimum(place, old - 1).T[:used].copy(), whole.T[:used].copy()


def _filter(x: np.ndarray, resample: int) -> np.ndarray:
    """Pillow's triangle, or its cubic with a = -0.5, at distances of pixels."""
    x = np.abs(x)
    if resample == BILINEAR:
        return np.where(x < 1.0, 1.0 - x, 0.0)
    a = -0.5
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))
