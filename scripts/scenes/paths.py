"""Camera paths: still, panning, dollying and hand-held, as plain data, and the cameras they give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .camera import Camera, look_at
from .rotations import turn_about

Point = tuple[float, float, float]

EASE_S = 0.25
"""Corners of a path are rounded over about this time: nobody starts or stops a camera in one frame."""
TREMOR_S, SWAY_S = 0.10, 0.35
"""Time constants of a hand-held camera's shake; half of its size each."""


@dataclass(frozen=True)
class CameraPath:
    """Where a camera stands and looks.

    Attributes:
        eye: places it goes through at even times, metres; a single one stays.
        target: places in the middle of its picture, likewise.
        shake_deg, shake_m: standard deviations of a hand-held camera's rotation about each axis, and of its place.
    """

    eye: tuple[Point, ...]
    target: tuple[Point, ...]
    shake_deg: float = 0.0
    shake_m: float = 0.0

    @property
    def moves(self) -> bool:
        return len(self.eye) > 1 or len(self.target) > 1 or self.shake_deg > 0 or self.shake_m > 0


def _along(points: tuple[Point, ...], frames: int, rate: float) -> np.ndarray:
    """(F, 3) at even times through the points, with rounded corners."""
    if len(points) == 1:
        return np.repeat(np.array(points, dtype=float), frames, axis=0)
    at = np.linspace(0.0, len(points) - 1.0, frames)
    line = np.stack([np.interp(at, np.arange(len(points)), axis) for axis in np.array(points, dtype=float).T], axis=1)
    return gaussian_filter1d(line, EASE_S * rate, axis=0, mode="nearest")


def _shake(rng: np.random.Generator, frames: int, rate: float) -> np.ndarray:
    """(F, 3) smooth noise of standard deviation 1."""
    total = np.zeros((frames, 3))
    for time_s in (TREMOR_S, SWAY_S):
        # Longer than the clip, so that its ends are like its middle.
        noise = gaussian_filter1d(rng.normal(size=(frames + 400, 3)), time_s * rate, axis=0)[200:-200]
        total += np.sqrt(0.5) * noise * np.sqrt(2.0 * np.sqrt(np.pi) * time_s * rate)
    return total


def cameras(
    path: CameraPath, size_px: tuple[int, int], focal_px: float, frames: int, rate: float, seed: int
) -> list[Camera]:
    """One camera a frame."""
    rng = np.random.default_rng(seed)
    eye, target = _along(path.eye, frames, rate), _along(path.target, frames, rate)
    if path.shake_m > 0:
        eye = eye + path.shake_m * _shake(rng, frames, rate)
    tilt = np.radians(path.shake_deg) * (_shake(rng, frames, rate) if path.shake_deg > 0 else np.zeros((frames, 3)))
    made = []
    for where, at, angles in zip(eye, target, tilt, strict=True):
        level = look_at(where, at, size_px, focal_px)
        pose = level.camera_to_world.copy()
        angle = np.linalg.norm(angles)
        if angle > 0:
            pose[:3, :3] = pose[:3, :3] @ turn_about(angles / angle, angle)
        made.append(Camera(size_px, focal_px, pose))
    return made


def focal_px(horizontal_deg: float, width_px: int) -> float:
    """Focal length of a horizontal field of view."""
    return float(width_px / 2 / np.tan(np.radians(horizontal_deg) / 2))
