"""Where the root is: everything that is known of it, weighed by how well it is known in each direction.

A person's size in the picture gives their place across the view to a centimetre and their distance to some five per
cent; a standing foot on a known floor gives the distance, too, the better the steeper the camera looks down; a depth
map gives its changes. Each is a point with an information matrix (the inverse of its covariance), wide along the ray,
and the path is the one that fits them best and accelerates little: a linear system with seven bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .floor import StandingFeet
from .motion_filter import measurement_noise
from .robust import geman_mcclure
from .smooth import second_difference_bands, solve_blocks

CUTOFF_HZ = 5.0
"""Half gain for what is known to `REFERENCE_SIGMA_M`: keeps a fast dance step, takes the network's shiver. What is
known a hundred times worse is smoothed at a tenth of that."""
REFERENCE_SIGMA_M = 0.015
ROUNDS = 3
"""Rounds of reweighting."""
OUTLIER = 3.0
"""Distance in standard deviations at which evidence loses three quarters of its weight."""
FOOT_SIGMA_M = 0.025
"""How far a foot's ray passes from the foot."""
REACH_SIGMA_M = 0.10
"""How far off the estimator's distance from root to foot is along the view."""
LEAST_SLOPE = 0.05
"""Sine of the angle between ray and floor below which a foot says nothing of its distance."""
UNKNOWN_SIGMA_M = 100.0
"""Where nothing is known; finite, since predictors carry it on."""
MAD_TO_SIGMA = 1.4826
"""From the median absolute deviation to the standard deviation of a normal distribution."""
FARTHEST = 2.0
"""A foot's ray that meets the floor this many times farther away than the foot seems is not believed."""


@dataclass(frozen=True, eq=False)
class RootEvidence:
    """One kind of knowledge of a root in F frames."""

    root_m: np.ndarray
    """(F, 3) still axes; anything where the information is 0."""
    information: np.ndarray
    """(F, 3, 3) inverse covariance, 1/m^2."""

    def at(self, frames: slice | np.ndarray) -> RootEvidence:
        """Some frames of it."""
        return RootEvidence(self.root_m[frames], self.information[frames])


def from_size(
    frame: np.ndarray, root_m: np.ndarray, centre_m: np.ndarray, sigma_m: np.ndarray, count: int
) -> RootEvidence:
    """Roots (n, 3) that put a person of known size onto the rays, with (n, 2) sigmas across and along."""
    information = np.linalg.inv(measurement_noise(root_m, centre_m, sigma_m))
    return _spread(frame, root_m, information, count)


@dataclass(frozen=True)
class Ground:
    """What one person stands on."""

    level_m: float
    """Height of their standing feet's joints, world axes."""
    tilt_sigma_rad: float
    """How far the way up may be off."""


def from_floor(feet: StandingFeet, ground: Ground, count: int) -> RootEvidence:
    """Roots from where the ray of a standing foot meets the floor that the person stands on.

    Args:
        feet: of one person, world axes.
        ground: below them.
        count: F.
    """
    foot_m = feet.ray_m + feet.root_to_foot_m
    distance = np.linalg.norm(foot_m, axis=-1)
    height_m = feet.centre_m[:, 2] - ground.level_m
    slope = -foot_m[:, 2] / distance
    usable = (slope > LEAST_SLOPE) & (height_m > 0)
    stretch = height_m / np.where(usable, slope * distance, 1.0)
    usable &= (stretch < FARTHEST) & (stretch > 1 / FARTHEST)
    stretch = np.where(usable, stretch, 1.0)
    root_m = feet.centre_m + foot_m * stretch[:, None] - feet.root_to_foot_m
    slope = np.where(usable, slope, 1.0)
    far = distance * stretch
    sigma = np.sqrt((FOOT_SIGMA_M / slope) ** 2 + REACH_SIGMA_M**2 + (ground.tilt_sigma_rad * far / slope) ** 2)
    # How surely the foot stands, at most as sure as that the surest of this person's does.
    sure = feet.weight / feet.weight.max(initial=1e-9)
    ray = foot_m / distance[:, None]
    along = (usable * sure / sigma**2)[:, None, None] * ray[:, :, None] * ray[:, None, :]
    return _spread(feet.frame, root_m, along, count)


def from_depth(
    frame: np.ndarray, root_m: np.ndarray, centre_m: np.ndarray, axis: np.ndarray, depth_m: np.ndarray,
    sigma: float | np.ndarray, count: int,
) -> RootEvidence:  # fmt: skip
    """Roots moved along their rays to (n,) calibrated depths of a depth map, good to a share `sigma`; NaN = none.

    Args:
        frame: (n,).
        root_m: (n, 3) still axes.
        centre_m: (n, 3) where the camera stands.
        axis: (n, 3) the camera's axis.
        depth_m: (n,) along the axis.
        sigma: share of the depth, one or (n,).
        count: F.
    """
    known = np.isfinite(depth_m) & (depth_m > 0)
    ray = root_m - centre_m
    stretch = np.where(known, depth_m, 1.0) / np.sum(ray * axis, axis=-1)
    direction = ray / np.linalg.norm(ray, axis=-1, keepdims=True)
    spread_m = sigma * np.where(known, depth_m, 1.0)
    along = (known / spread_m**2)[:, None, None] * direction[:, :, None] * direction[:, None, :]
    return _spread(frame, centre_m + ray * np.where(known, stretch, 1.0)[:, None], along, count)


def depth_spread(depth_m: np.ndarray, expected_m: np.ndarray) -> float:
    """How much depths of a depth map differ from those by size, as a share, beside a factor that stays: a map whose
    changes are others than a person's own says little of that person.

    Args:
        depth_m: (n,) calibrated; NaN = none.
        expected_m: (n,) by size.
    """
    known = np.isfinite(depth_m) & (depth_m > 0) & (expected_m > 0)
    if not known.any():
        return 0.0
    ratio = np.log(depth_m[known] / expected_m[known])
    return float(MAD_TO_SIGMA * np.median(np.abs(ratio - np.median(ratio))))


def fuse(evidence: list[RootEvidence], time_s: np.ndarray) -> np.ndarray:
    """The path that fits all evidence best and accelerates little.

    Minimises sum_k sum_t (x_t - y_kt)' W_kt (x_t - y_kt) + lambda integral |x''|^2, with Geman and McClure's weights on
    what lies far off, and fills gaps with the straightest curve.

    Args:
        evidence: of F frames each, with information in at least two of them.
        time_s: (F,).
    Returns:
        (F, 3).
    """
    if len(time_s) < 3:
        total = np.sum([e.information for e in evidence], axis=0) + 1e-9 * np.eye(3)
        each = [np.einsum("fij,fj->fi", e.information, e.root_m) for e in evidence]
        return np.linalg.solve(total, np.sum(each, axis=0)[..., None])[..., 0]
    bands = second_difference_bands(time_s, CUTOFF_HZ) / REFERENCE_SIGMA_M**2
    known = np.concatenate([e.root_m[e.information.any(axis=(1, 2))] for e in evidence])
    middle = np.median(known, axis=0) if len(known) else np.zeros(3)
    weights = [np.ones(len(time_s)) for _ in evidence]
    path = np.zeros((len(time_s), 3))
    for _ in range(ROUNDS):
        scaled = [w[:, None, None] * e.information for w, e in zip(weights, evidence, strict=True)]
        right = [np.einsum("fij,fj->fi", own, e.root_m - middle) for own, e in zip(scaled, evidence, strict=True)]
        path = solve_blocks(bands, np.sum(scaled, axis=0), np.sum(right, axis=0)) + middle
        weights = [
            geman_mcclure(np.einsum("fi,fij,fj->f", path - e.root_m, e.information, path - e.root_m), OUTLIER)
            for e in evidence
        ]
    return path


def spread_of(evidence: list[RootEvidence], ray: np.ndarray) -> np.ndarray:
    """(F, 2) how far the fused root may be off across the ray (F, 3) and along it; `UNKNOWN_SIGMA_M` at most.

    Errors of one kind of evidence last for many frames, so neighbours do not make each other surer.
    """
    total = np.sum([e.information for e in evidence], axis=0)
    along = np.einsum("fi,fij,fj->f", ray, total, ray)
    across = (np.trace(total, axis1=1, axis2=2) - along) / 2
    return 1 / np.sqrt(np.maximum(np.stack([across, along], axis=-1), UNKNOWN_SIGMA_M**-2))


def _spread(frame: np.ndarray, root_m: np.ndarray, information: np.ndarray, count: int) -> RootEvidence:
    roots, known = np.zeros((count, 3)), np.zeros((count, 3, 3))
    roots[frame], known[frame] = root_m, information
    return RootEvidence(roots, known)
