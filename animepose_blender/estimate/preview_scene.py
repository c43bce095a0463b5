"""The scene of a take over its picture: a grid on the floor, and everybody's 3D box."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..core import cameras
from ..take import State, Take

SPACING_M = 1.0
MARGIN_M = 2.0
"""How far the grid reaches beyond where people go."""
MOST_LINES = 40
"""Lines of the grid in each direction at most; where people go farther, it is made coarser."""
PARTS = 24
"""Pieces of a line of the grid, each of which is drawn or not: parts of it may lie behind the camera."""
NEAREST_M = 0.3
STRENGTH = 0.35
_EDGES = [(a, b) for a in range(8) for b in range(a + 1, 8) if (a ^ b).bit_count() == 1]
_CORNER = np.array([[(k >> axis & 1) * 3 + axis for axis in range(3)] for k in range(8)])


@dataclass(frozen=True, eq=False)
class SceneOverlay:
    """What is drawn, see `of`."""

    grid_world_m: np.ndarray
    """(L, PARTS, 3) points along lines on the floor."""
    box_camera_m: np.ndarray
    """(P, F, 6)"""
    predicted: np.ndarray
    """(P, F) bool"""
    world_to_camera: np.ndarray
    intrinsics: np.ndarray
    """(F, 3, 3) of the picture that is drawn on."""

    @classmethod
    def of(cls, take: Take, scale: tuple[float, float]) -> SceneOverlay:
        """The grid and boxes of a take, for its picture shrunk by `scale` (x, y)."""
        places = take.root_world_m[..., :2].reshape(-1, 2).astype(np.float64)
        places = places[np.isfinite(places).all(axis=-1)]
        low, high = places.min(axis=0) - MARGIN_M, places.max(axis=0) + MARGIN_M
        step_m = SPACING_M * max(1.0, np.ceil((high - low).max() / SPACING_M / MOST_LINES))
        low, high = np.floor(low / step_m) * step_m, np.ceil(high / step_m) * step_m
        share = np.linspace(0, 1, PARTS)
        lines = []
        for axis in (0, 1):
            for at in np.arange(low[axis], high[axis] + step_m / 2, step_m):
                line = np.zeros((PARTS, 3))
                line[:, axis], line[:, 1 - axis] = at, low[1 - axis] + share * (high - low)[1 - axis]
                lines.append(line)
        return cls(
            np.stack(lines),
            take.box_camera_m,
            take.state == State.PREDICTED,
            cameras.invert(take.camera_to_world),
            take.intrinsics * np.array([[scale[0]], [scale[1]], [1.0]]),
        )

    def draw(
        self, picture: np.ndarray, frame: int, colours: tuple[tuple[int, int, int], ...], boxes: bool = True
    ) -> None:
        """Draw the floor and, if wanted, the boxes of a frame onto an (H, W, 3) uint8 RGB picture, in place."""
        width = max(1, round(max(picture.shape) / 900))
        layer = picture.copy()
        points_m = cameras.transform(self.world_to_camera[frame], self.grid_world_m)
        _lines(layer, points_m, self.intrinsics[frame], (235, 235, 235), width)
        picture[:] = cv2.addWeighted(layer, STRENGTH, picture, 1 - STRENGTH, 0)
        for person, box_m in enumerate(self.box_camera_m[:, frame] if boxes else ()):
            if np.isfinite(box_m).all():
                colour = colours[person % len(colours)]
                if self.predicted[person, frame]:
                    colour = (200, 200, 200)
                corners = box_m[_CORNER].astype(np.float64)
                edges = corners[np.array(_EDGES)]
                _lines(picture, edges, self.intrinsics[frame], colour, width)


def _lines(
    picture: np.ndarray, points_m: np.ndarray, intrinsics: np.ndarray, colour: tuple[int, int, int], width: int
) -> None:
    """Lines through (L, n, 3) points in camera axes, as far as they lie before the camera."""
    limit = 20 * max(picture.shape)
    for line in points_m:
        ahead = line[:, 2] > NEAREST_M
        pixels = cameras.project(line, intrinsics) - 0.5
        for k in np.flatnonzero(ahead[1:] & ahead[:-1]):
            ends = pixels[k : k + 2]
            if np.abs(ends).max() < limit:
                a, b = (tuple(int(v) for v in np.round(end * 16)) for end in ends)
                cv2.line(picture, a, b, colour, width, cv2.LINE_AA, 4)
