"""An animation curve and its value at any time, as Blender computes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONSTANT, LINEAR, BEZIER = 0, 1, 2
SAME_FRAME = 1e-4
"""A time this near to a key has the key's value, in frames; Blender's evaluation searches keys so."""
_STEPS = 64
"""At most, to find the place on a segment; Newton's method needs about five, halving needs fifty."""


@dataclass(frozen=True, eq=False)
class Curve:
    """K keys of one channel."""

    frames: np.ndarray
    """(K,) increasing."""
    values: np.ndarray
    """(K,)"""
    left: np.ndarray
    """(K, 2) left handles: frame, value."""
    right: np.ndarray
    """(K, 2)"""
    interpolation: np.ndarray
    """(K,) int, from this key to the next: `CONSTANT`, `LINEAR` or `BEZIER`."""

    def __post_init__(self) -> None:
        count = len(self.frames)
        shapes = {"values": (count,), "left": (count, 2), "right": (count, 2), "interpolation": (count,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} is {getattr(self, name).shape}, expected {shape}")
        if not count:
            raise ValueError("a curve needs a key")
        if (np.diff(self.frames) <= 0).any():
            raise ValueError("the keys' frames do not increase")

    @property
    def aligned(self) -> np.ndarray:
        """(K,) bool: both handles lie on one straight line through the key, as Blender's type ALIGNED has them; for
        the others FREE is right."""
        key = np.stack([self.frames, self.values], axis=1)
        before, after = key - self.left, self.right - key
        size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        return np.abs(cross) <= 1e-6 * np.maximum(size, 1e-12)


def from_slopes(
    frames: np.ndarray,
    values: np.ndarray,
    slopes_in: np.ndarray,
    slopes_out: np.ndarray,
    interpolation: np.ndarray | None = None,
) -> Curve:
    """A curve whose handles reach over a third of the way to the next key.

    Time then runs evenly along each segment, and the value is the cubic of Hermite's form.

    Args:
        frames, values: (K,)
        slopes_in, slopes_out: (K,) value a frame, before and after each key.
        interpolation: (K,); all `BEZIER` if left out.
    """
    step = np.diff(frames) / 3.0
    reach_in, reach_out = np.append(step[:1], step), np.append(step, step[-1:])
    if len(frames) == 1:
        reach_in = reach_out = np.ones(1)
    left = np.stack([frames - reach_in, values - slopes_in * reach_in], axis=1)
    right = np.stack([frames + reach_out, values + slopes_out * reach_out], axis=1)
    kinds = np.full(len(frames), BEZIER) if interpolation is None else np.asarray(interpolation)
    return Curve(np.asarray(frames, np.float64), np.asarray(values, np.float64), left, right, kinds)


def evaluate(curve: Curve, frames: np.ndarray) -> np.ndarray:
    """Values of a curve that goes on level beyond its ends.

    Args:
        curve: handles that reach beyond the neighbouring key are shortened for drawing, as Blender does it, without
            changing the curve.
        frames: (N,) any times, in frames.
    Returns:
        (N,)
    Reference: Blender's `evaluate_fcurve` and `BKE_fcurve_correct_bezpart` (source/blender/blenkernel/intern/
        fcurve.cc); own code.
    """
    at = np.asarray(frames, dtype=np.float64)
    keys, values = curve.frames, curve.values
    if len(keys) == 1:
        return np.full(at.shape, values[0])
    start = np.clip(np.searchsorted(keys, at, side="right") - 1, 0, len(keys) - 2)
    end = start + 1
    share = np.clip((at - keys[start]) / (keys[end] - keys[start]), 0.0, 1.0)
    result = values[start] + share * (values[end] - values[start])
    kind = curve.interpolation[start]
    result = np.where(kind == CONSTANT, values[start], result)
    bent = (kind == BEZIER) & (share > 0) & (share < 1)
    if bent.any():
        result[bent] = _bezier(curve, start[bent], at[bent])
    for key in (start, end):
        result = np.where(np.abs(at - keys[key]) < SAME_FRAME, values[key], result)
    return np.where(at <= keys[0], values[0], np.where(at >= keys[-1], values[-1], result))


def _bezier(curve: Curve, start: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(N,) values at (N,) times inside the segments that begin at (N,) keys."""
    ends = np.stack([curve.frames, curve.values], axis=1)
    first, last = ends[start], ends[start + 1]
    length = (last - first)[:, :1]
    out, back = curve.right[start] - first, last - curve.left[start + 1]
    # A handle ends at the other key's time at the latest: time never runs backwards.
    out, back = (way * np.minimum(1.0, length / np.maximum(np.abs(way[:, :1]), 1e-30)) for way in (out, back))
    points = np.stack([first, first + out, last - back, last])
    x = (points[..., 0] - first[:, 0]) / length[:, 0]
    share = _share(x, (at - first[:, 0]) / length[:, 0])
    return _cubic(points[..., 1], share)


def _cubic(points: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N,) Bernstein's form with (4, N) points."""
    rest = 1.0 - share
    return (
        rest**3 * points[0] + 3 * rest**2 * share * points[1] + 3 * rest * share**2 * points[2] + share**3 * points[3]
    )


def _share(x: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(N,) the parameter at which (4, N) rising cubics are (N,) `wanted`: Newton's steps, halving where they leave
    the bracket."""
    low, high = np.zeros_like(wanted), np.ones_like(wanted)
    share = wanted.copy()
    for _ in range(_STEPS):
        miss = _cubic(x, share) - wanted
        if np.abs(miss).max() < 1e-14:
            break
        low, high = np.where(miss < 0, share, low), np.where(miss < 0, high, share)
        rest = 1.0 - share
        slope = 3 * (rest**2 * (x[1] - x[0]) + 2 * rest * share * (x[2] - x[1]) + share**2 * (x[3] - x[2]))
        step = share - miss / np.where(slope > 1e-12, slope, np.inf)
        share = np.where((step > low) & (step < high) & (slope > 1e-12), step, (low + high) / 2)
    return share
