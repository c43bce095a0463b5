"""Depth maps: what a backend gives, what is kept of them, and depth without one.

A depth map of a single camera is good in order and in change and poor in scale, so of each map only samples over the
people are kept, and one scale and shift for the clip bring them to metres (`calibrate`). The preset `offline` has no
such network; it takes the depth of each pixel of a person from the solved skeleton (`silhouette_points`).
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

from ..skeleton import PARENTS
from .backends import PoseObservation, region_to_picture

GRID = 32
"""Pixels along each side of a silhouette, the coarse mask that is kept of everybody in every frame."""
DEPTH_EVERY_S = 0.1
"""Time between depth maps: people come no faster nearer, and a map costs more than anything else."""
FLESH_M = 0.09
"""Half the thickness of a body around its bones, on the mean over trunk and limbs."""
MAX_PAIRS = 5000
"""Pairs of samples that a first guess at the scale is made from."""
LEFT = 0.75
"""Of the differences in depth between and of people, as much at most may be left beside what maps explain."""
EXACT = 0.02
"""Differences that count as none, as shares."""
FEWEST_LOOKS = 3
"""Frames in which a network has seen somebody, at least, to believe it about their size."""
_CHUNK = 50_000
"""Pixels worked on at once."""


class DepthEstimator(Protocol):
    """Gives the depth of every pixel."""

    metric: bool
    """Whether depths are metres along the camera's axis; otherwise only their order and proportions count."""

    def estimate(self, rgb: np.ndarray) -> np.ndarray:
        """(h, w) float32 depth along the camera's axis for an (H, W, 3) uint8 picture; h and w may be smaller."""
        ...


def sample_depth(depth: np.ndarray, observation: PoseObservation, size: tuple[int, int]) -> float:
    """Median depth over the middle of a person's mask; NaN where the mask is empty.

    The median lets go of the rim, where a depth map runs from the person to the background.

    Args:
        depth: (h, w).
        observation: the person.
        size: (W, H) of the picture.
    """
    mask = observation.mask
    if not mask.any():
        return float("nan")
    core = cv2.erode(mask, np.ones((5, 5), np.uint8))
    rows, columns = np.nonzero((core if core.any() else mask) > 127)
    to_picture = region_to_picture(observation.region, mask.shape[0])
    pixels = np.stack([columns, rows], axis=-1) @ to_picture[:, :2].T + to_picture[:, 2]
    scale = np.array([depth.shape[1] / size[0], depth.shape[0] / size[1]])
    index = np.floor(pixels * scale).astype(int)
    inside = ((index >= 0) & (index < (depth.shape[1], depth.shape[0]))).all(axis=-1)
    values = depth[index[inside, 1], index[inside, 0]]
    return float(np.median(values)) if len(values) else float("nan")


def calibrate(
    sampled: np.ndarray, depth_m: np.ndarray, *, metric: bool, person: np.ndarray | None = None
) -> np.ndarray:
    """Samples of depth maps brought to the scale of the solve: one scale for the clip, and one shift where the map is
    relative.

    Args:
        sampled: (n,) from `sample_depth`, of all people and frames; NaN = none.
        depth_m: (n,) the same people's depth from geometry.
        person: (n,) whose; None = all of one.
    Returns:
        (n,) metres; NaN where there is no sample, everywhere where there are too few, they say the opposite, or
        nothing about who is how far away.
    """
    known = np.isfinite(sampled) & np.isfinite(depth_m)
    if known.sum() < 3:
        return np.full(len(sampled), np.nan)
    x, y, shift = sampled[known], depth_m[known], 0.0
    if metric or np.ptp(x) < 1e-6 * max(abs(x).max(), 1e-9):
        scale = float(np.median(y / np.where(abs(x) > 1e-9, x, np.nan)))
    else:
        rows = np.stack([x, np.ones(len(x))], axis=-1)
        # From the median slope of pairs (Theil and Sen): a wall far behind would draw a first fit by squares to itself.
        pairs = np.random.default_rng(0).integers(len(x), size=(2, MAX_PAIRS))
        run, rise = np.diff(x[pairs], axis=0)[0], np.diff(y[pairs], axis=0)[0]
        apart = np.abs(run) > 1e-6 * np.ptp(x)
        scale = float(np.median(rise[apart] / run[apart])) if apart.any() else 0.0
        shift = float(np.median(y - scale * x))
        for _ in range(5):
            residual = np.abs(rows @ (scale, shift) - y)
            w = np.sqrt(1 / (1 + (residual / (2 * np.median(residual) + 1e-9)) ** 2))
            scale, shift = np.linalg.lstsq(rows * w[:, None], y * w, rcond=None)[0]
    calibrated = scale * sampled + shift
    if not scale > 0 or not _tells(calibrated[known], y, None if person is None else person[known]):
        return np.full(len(sampled), np.nan)
    return calibrated


def sizes_by_looks(looks_m: np.ndarray, depth_m: np.ndarray, person: np.ndarray) -> np.ndarray:
    """(P, 2) how many times as large as an average adult people are, by a network that sees how far away they are, and
    how much that changes from frame to frame, as the spread of its logarithm; NaN of whom it says too little. The focal
    length does not matter: both depths grow with it.

    Args:
        looks_m: (N,) depths by the network; NaN = none.
        depth_m: (N,) at which they would be as average adults.
        person: (N,) who each is, -1 for nobody.
    """
    known = (looks_m > 0) & (depth_m > 0)
    sizes = np.full((int(person.max(initial=-1)) + 1, 2), np.nan)
    for number in range(len(sizes)):
        own = known & (person == number)
        if own.sum() >= FEWEST_LOOKS:
            ratio = np.log(looks_m[own] / depth_m[own])
            sizes[number] = np.exp(np.median(ratio)), _spread(ratio)
    return sizes


def _tells(found_m: np.ndarray, depth_m: np.ndarray, person: np.ndarray | None) -> bool:
    """Whether (n,) depths of maps explain where people are, between them or in their own motion: with them, less is
    left of the differences than without. A network that sees no sense in the picture says much the same everywhere."""
    log_found, log_depth = np.log(np.maximum(found_m, 1e-3)), np.log(np.maximum(depth_m, 1e-3))
    own = np.zeros(len(depth_m), int) if person is None else person
    steady = np.stack([log_found, log_depth])
    for number in np.unique(own):
        steady[:, own == number] -= np.median(steady[:, own == number], axis=1, keepdims=True)
    return any(
        _spread(found - depth) < max(LEFT * _spread(depth), EXACT)
        for found, depth in ((log_found, log_depth), (steady[0], steady[1]))
    )


def _spread(values: np.ndarray) -> float:
    """Half the width of the middle two thirds."""
    low, high = np.percentile(values, [16, 84])
    return float(high - low) / 2


def silhouette_points(
    silhouettes: np.ndarray, regions: np.ndarray, joints_camera_m: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """The middle of the body behind each pixel of people's silhouettes, from the solved skeleton.

    The depth of a pixel is that of the nearest point, in the picture, of the nearest bone.

    Args:
        silhouettes: (n, GRID, GRID) bool over the regions.
        regions: (n, 4), see `backends`.
        joints_camera_m: (n, J, 3).
        intrinsics: (n, 3, 3).
    Returns:
        (n, GRID * GRID, 3) camera axes; NaN outside the silhouette.
    """
    person, row, column = np.nonzero(silhouettes)
    points = np.full((len(silhouettes), GRID * GRID, 3), np.nan)
    for start in range(0, len(person), _CHUNK):
        part = slice(start, start + _CHUNK)
        cell = np.stack([column[part], row[part]], axis=-1)
        own = person[part]
        points[own, row[part] * GRID + column[part]] = _points(own, cell, regions, joints_camera_m, intrinsics)
    return points


def _points(
    person: np.ndarray, cell: np.ndarray, regions: np.ndarray, joints_camera_m: np.ndarray, intrinsics: np.ndarray
) -> np.ndarray:
    """(m, 3) for pixels (m, 2) of the silhouettes of people (m,)."""
    offset = (cell + 0.5) / GRID - 0.5
    cos, sin = np.cos(regions[:, 3])[person], np.sin(regions[:, 3])[person]
    turned = np.stack([cos * offset[:, 0] - sin * offset[:, 1], sin * offset[:, 0] + cos * offset[:, 1]], axis=-1)
    pixels = regions[person, :2] + regions[person, 2, None] * turned
    focal, centre = intrinsics[:, (0, 1), (0, 1)], intrinsics[:, :2, 2]
    ray = ((pixels - centre[person]) / focal[person]).astype(np.float32)
    flat = (joints_camera_m[..., :2] / joints_camera_m[..., 2:]).astype(np.float32)
    start = flat[:, PARENTS[1:]]
    along = flat[:, 1:] - start
    square = np.sum(along**2, axis=-1) + 1e-9
    from_start = ray[:, None] - start[person]
    share = (np.einsum("mbk,mbk->mb", from_start, along[person]) / square[person]).clip(0, 1)
    distance = np.sum((from_start - share[..., None] * along[person]) ** 2, axis=-1)
    nearest = np.argmin(distance, axis=-1)
    share = share[np.arange(len(person)), nearest]
    z = joints_camera_m[..., 2]
    near, far = z[person, PARENTS[1:][nearest]], z[person, nearest + 1]
    depth_m = near + share * (far - near)
    return np.concatenate([ray * depth_m[:, None], depth_m[:, None]], axis=-1)
