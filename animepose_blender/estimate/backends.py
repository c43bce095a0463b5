"""What the stages ask of a backend. A preset names one of each; any of them can be replaced on its own.

A region is a square of the picture that holds one person upright: `(center_x, center_y, size, angle)`, pixels and
radians; the square is turned clockwise (as seen, y down) by `angle`, so that the person's head points to its top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..core.fingers import REST_POINTS_M


@dataclass(frozen=True, eq=False)
class Candidates:
    """Places where a detector believes to see a person, best first."""

    region: np.ndarray
    """(N, 4) regions."""
    score: np.ndarray
    """(N,) 0 to 1."""


@dataclass(frozen=True, eq=False)
class Hands:
    """Both hands of a person in one frame, or, with one more leading axis, in N of them; the left one comes first."""

    points_px: np.ndarray
    """(2, 21, 2) in the whole picture, see `core.fingers`; NaN where the hand is not seen."""
    points_m: np.ndarray
    """(2, 21, 3) metric, relative to the middle of the hand, camera axes, as seen by a camera that looks straight at
    the hand (weak perspective); NaN where it is not seen."""
    score: np.ndarray
    """(2,) 0 to 1: that this is the person's left, and right, hand; 0 where it is not seen."""

    @classmethod
    def unseen(cls, *shape: int) -> Hands:
        """Hands of nobody; `shape` comes before the axes above."""
        points = np.full((*shape, 2, 21, 5), np.nan, dtype=np.float32)
        return cls(points[..., :2], points[..., 2:], np.zeros((*shape, 2), dtype=np.float32))

    def where(self, chosen: np.ndarray) -> Hands:
        """Those of a bool or index array over the first axis."""
        return Hands(self.points_px[chosen], self.points_m[chosen], self.score[chosen])

    def or_at_rest(self) -> np.ndarray:
        """(2, 21, 3) `points_m` with hands at rest for those not seen, so that all can be worked out in one go."""
        return np.where((self.score > 0)[..., None, None], self.points_m, REST_POINTS_M)


@dataclass(frozen=True, eq=False)
class HandFind:
    """What a network sees in a region as a hand."""

    points_px: np.ndarray
    """(21, 2) and `points_m` (21, 3): as in `Hands`."""
    points_m: np.ndarray
    presence: float
    """0 to 1: that there is a hand at all."""
    right: float
    """0 to 1: that it is a right hand."""


@dataclass(frozen=True, eq=False)
class PoseObservation:
    """One person seen in one frame, in BlazePose's L = 33 landmarks (see `landmarks` for other conventions)."""

    landmarks_px: np.ndarray
    """(L, 2) in the whole picture; NaN where the backend has no such point."""
    confidence: np.ndarray
    """(L,) 0 to 1: that the landmark is in the picture and not hidden."""
    landmarks_m: np.ndarray
    """(L, 3) metric, relative to the middle of the hips, camera axes, as seen by a camera that looks straight at the
    person (weak perspective); NaN where the backend has none."""
    region: np.ndarray
    """(4,) the region it was estimated in."""
    next_region: np.ndarray
    """(4,) the region that this pose asks for in the next frame."""
    mask: np.ndarray
    """(M, M) uint8, 0 to 255, over `region`."""
    box_px: np.ndarray
    """(4,) x0, y0, x1, y1 of the mask in the whole picture."""
    score: float
    """0 to 1: that there is a person at all."""
    colours: np.ndarray
    """(Z, 3) see `appearance.zone_colours`."""
    hands: Hands | None = None
    """None where nobody looked."""
    depth_per_focal: float = float("nan")
    """How far away the pelvis is by the person's looks, along the camera's axis, metres for each pixel of focal length;
    NaN where nobody says."""


class PersonDetector(Protocol):
    """Finds everybody in a picture."""

    def detect(self, rgb: np.ndarray, detail: int) -> Candidates:
        """Look for people in an (H, W, 3) uint8 picture: large ones at `detail` 0, smaller ones too at 1 and 2, each
        at several times the cost of the one before."""
        ...

    def detect_near(self, rgb: np.ndarray, regions: np.ndarray) -> Candidates:
        """Look only around (N, 4) regions, for people of about their size."""
        ...


class PoseEstimator(Protocol):
    """Finds the joints of people whose regions are known."""

    def estimate(
        self, rgb: np.ndarray, regions: np.ndarray, mattes: Sequence[np.ndarray | None] | None = None
    ) -> list[PoseObservation | None]:
        """One observation, or None where nobody is seen, for each of the (N, 4) regions of an (H, W, 3) picture.

        Args:
            rgb: the picture.
            regions: where to look.
            mattes: for each region what to hide in it, (M, M) uint8 over the region, 255 = hidden; None = nothing.
        """
        ...


class HandEstimator(Protocol):
    """Finds the points of hands whose regions are known."""

    def find_hands(self, rgb: np.ndarray, regions: np.ndarray) -> list[HandFind]:
        """One find, however unlikely, for each of the (N, 4) regions of an (H, W, 3) picture; the fingers of an open
        hand point to the top of its region, which is twice as large as the hand."""
        ...


def region_to_picture(region: np.ndarray, size: int) -> np.ndarray:
    """(2, 3) affine map from pixels of a `size` x `size` crop of the region to pixels of the picture.

    A crop pixel u is measured from the crop's centre, scaled by s = region size / crop size, turned by the angle and
    moved to the region's centre: x = c + s R(angle) (u - size / 2).
    """
    center, extent, angle = region[:2], region[2], region[3]
    c, s = np.cos(angle) * extent / size, np.sin(angle) * extent / size
    turn = np.array([[c, -s], [s, c]])
    return np.concatenate([turn, (center - turn @ np.full(2, size / 2))[:, None]], axis=1)


def region_cells(points_px: np.ndarray, regions: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Which cell of a `cells` x `cells` grid over each of (n, 4) regions the points (n, K, 2) fall into.

    Returns:
        (n, K, 2) column and row, clipped to the grid, and (n, K) whether the point lies inside; NaN never does.
    """
    cos, sin = np.cos(regions[:, 3]), np.sin(regions[:, 3])
    back = np.stack([np.stack([cos, sin], axis=-1), np.stack([-sin, cos], axis=-1)], axis=-2)
    share = (points_px - regions[:, None, :2]) @ np.swapaxes(back, -1, -2) / regions[:, None, 2:3] + 0.5
    inside = ((share >= 0) & (share < 1)).all(axis=-1)
    return np.floor(np.where(inside[..., None], share, 0.0) * cells).astype(int), inside


def region_overlap(a: np.ndarray, b: np.ndarray) -> float:
    """How much two regions speak of the same person: 1 at the same centre and size, 0 at two thirds of a radius apart
    or at twice the size."""
    distance = np.hypot(*(a[:2] - b[:2])) / (min(a[2], b[2]) * 0.33)
    ratio = abs(np.log2(a[2] / b[2]))
    return max(0.0, 1.0 - distance) * max(0.0, 1.0 - ratio)


def by_index(affine: np.ndarray) -> np.ndarray:
    """The (2, 3) affine map as OpenCV's warps want it.

    OpenCV counts pixels from the middle of the first one, ours lie at +0.5: x = A u + t in our pixels is, for indices
    x - h and u - h with h = 0.5, the map A (u - h) + (A h + t - h).
    """
    shifted = affine.copy()
    shifted[:, 2] += affine[:, :2] @ (0.5, 0.5) - 0.5
    return shifted
