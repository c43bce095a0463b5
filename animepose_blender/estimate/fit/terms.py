"""The terms of the solve's cost: keypoints, lifted joints, root, floor, and what was solved before.

Each adds the Gauss-Newton quadratic of its squared residuals about the present joints. Residuals are metres over how
far the evidence may be off; what lies far out loses its weight (Geman and McClure, 1987).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core import cameras
from ...skeleton import CONTACT_JOINTS, J
from ..fuse import RootEvidence
from ..robust import geman_mcclure
from .quadratic import Quadratic

KEYPOINT_SIGMA_M = 0.03
"""How far the ray of a sure keypoint passes from its joint, for an adult."""
KEYPOINT_OUTLIER = 5.0
"""Distances, in sigmas, from which on a keypoint, a lifted joint or a root loses three quarters of its weight. For
rendered people 3 is better by 2 mm. On real footage keypoints are better than lifted joints: with 3 the feet of a
runner lie 8 % of her height off them, with 5 they lie 3 %."""
LIFTED_OUTLIER = 3.0
ROOT_OUTLIER = 3.0
BEST_USUAL_M = 0.02
"""Joints that are known better than to this are smoothed less than is asked for: the truth needs no smoothing."""
SURE_WEIGHT = 0.25
"""Weight from which on a keypoint counts as seen."""
STANDING_SIGMA_M = 0.006
"""How far above or below its level a foot in contact may be."""
STANDING_OUTLIER = 12.0
FLAT, STEEP = 0.04, 0.12
"""Sines of the angle under which the camera looks down on feet: at the one their height says nothing, at the other all
that it can."""
BELOW_SIGMA_M = 0.006
"""How far a joint may be below what it cannot go through."""
_CONTACT = list(CONTACT_JOINTS)
_ABOVE_FLOOR_M = {"wrist": 0.03, "knee": 0.05, "elbow": 0.04, "hip": 0.08, "shoulder": 0.06}
"""How far inside the body some joints are that may come to lie on the floor."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of one person in n frames, world axes."""

    time_s: np.ndarray
    """(n,)"""
    world_to_camera: np.ndarray
    """(n, 4, 4)"""
    rays: np.ndarray
    """(n, J, 2) of the keypoints; anything where their weight is 0."""
    ray_weight: np.ndarray
    """(n, J) 0 to 1."""
    lifted_m: np.ndarray
    """(n, J, 3) joints relative to the root; anything where their information is 0."""
    lifted_information: np.ndarray
    """(n, J, 3, 3) inverse covariance, 1/m^2."""
    root: Sequence[RootEvidence]
    """Of n frames each."""
    size: float
    """Of the person, 1 for an adult."""

    def off_keypoints_m(self, joints_m: np.ndarray) -> np.ndarray:
        """(n, J) how far joints (n, J, 3) lie off their keypoints, metres at their depth; NaN where not surely seen."""
        in_camera_m = cameras.transform(self.world_to_camera, joints_m)
        off_m = np.linalg.norm(in_camera_m[..., :2] - self.rays * in_camera_m[..., 2:], axis=-1)
        return np.where(self.ray_weight > SURE_WEIGHT, off_m, np.nan)

    def usual_information(self) -> float:
        """Of a joint across the view, 1/m^2: the median over frames and joints, `BEST_USUAL_M` at best."""
        # Along the view information is small, so that nearly all of the trace is that of two directions across it.
        lifted = np.trace(self.lifted_information[:, 1:], axis1=-2, axis2=-1) / 2
        seen = self.ray_weight[:, 1:] / (KEYPOINT_SIGMA_M * self.size) ** 2
        return min(float(np.median(lifted + seen)), (BEST_USUAL_M * self.size) ** -2)

    def centre_m(self) -> np.ndarray:
        """(n, 3) where the camera stands."""
        return -np.einsum("nji,nj->ni", self.world_to_camera[:, :3, :3], self.world_to_camera[:, :3, 3])

    def across_view(self, root_m: np.ndarray) -> np.ndarray:
        """(n, 3, 3) projection onto the plane across the view of the root (n, 3)."""
        ray = root_m - self.centre_m()
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True) + 1e-9
        return np.eye(3) - ray[:, :, None] * ray[:, None, :]

    def at(self, frames: slice) -> Evidence:
        """Some frames of it."""
        return Evidence(
            self.time_s[frames], self.world_to_camera[frames], self.rays[frames], self.ray_weight[frames],
            self.lifted_m[frames], self.lifted_information[frames],
            [e.at(frames) for e in self.root], self.size,
        )  # fmt: skip


def add_keypoints(quadratic: Quadratic, evidence: Evidence, joints_m: np.ndarray) -> None:
    """The projections of joints (n, J, 3) lie on their keypoints, measured in metres at the joints' depth.

    Whether somebody is larger or nearer is settled by the root's evidence: keypoints move no root along the view.
    """
    turn, shift = evidence.world_to_camera[:, :3, :3], evidence.world_to_camera[:, :3, 3]
    x, y, z = np.moveaxis(joints_m @ np.swapaxes(turn, 1, 2) + shift[:, None], -1, 0)
    # Behind or at the camera a keypoint says nothing.
    before = z > 0.1
    z = np.where(before, z, 1.0)
    offset = np.stack([x - evidence.rays[..., 0] * z, y - evidence.rays[..., 1] * z], axis=-1)
    sigma = KEYPOINT_SIGMA_M * evidence.size
    weight = before * evidence.ray_weight * geman_mcclure((offset**2).sum(-1) / sigma**2, KEYPOINT_OUTLIER) / sigma**2
    # Derivatives of (x/z, y/z) times z by the joint, in the world's axes.
    across = turn[:, None, :2] - np.stack([x / z, y / z], axis=-1)[..., None] * turn[:, None, 2:3]
    weighted = np.swapaxes(across, -1, -2) * weight[..., None, None]
    quadratic.seen += weighted @ across
    quadratic.seen_slope += (weighted @ offset[..., None])[..., 0]


def add_lifted(quadratic: Quadratic, evidence: Evidence, relative_m: np.ndarray) -> None:
    """Joints relative to the root (n, J, 3) are where they were lifted to."""
    offset = relative_m - evidence.lifted_m
    pushed = (evidence.lifted_information @ offset[..., None])[..., 0]
    weight = geman_mcclure((pushed * offset).sum(-1), LIFTED_OUTLIER)[..., None]
    quadratic.relative += weight[..., None] * evidence.lifted_information
    quadratic.relative_slope += weight * pushed


def add_root(quadratic: Quadratic, evidence: Evidence, root_m: np.ndarray) -> None:
    """The root (n, 3) is where size, depth and others' places say."""
    for known in evidence.root:
        offset = root_m - known.root_m
        pushed = np.einsum("nij,nj->ni", known.information, offset)
        weight = geman_mcclure((pushed * offset).sum(-1), ROOT_OUTLIER)
        quadratic.where[:, 0] += weight[:, None, None] * known.information
        quadratic.where_slope[:, 0] += weight[:, None] * pushed


def add_standing(
    quadratic: Quadratic, evidence: Evidence, feet_m: np.ndarray, contact: np.ndarray, level_m: np.ndarray
) -> None:
    """Feet (n, 4, 3) that are in contact (n, 4) are at the height (4,) of what they stand on.

    Seen from nearly the height that they stand at, their height would tell all of the distance, and does not.
    """
    height = feet_m[..., 2] - level_m
    centre_m = evidence.centre_m()[:, None]
    slope = (centre_m[..., 2] - level_m) / (np.linalg.norm(feet_m - centre_m, axis=-1) + 1e-9)
    steep = np.clip((slope - FLAT) / (STEEP - FLAT), 0.0, 1.0)
    weight = steep * contact * geman_mcclure((height / STANDING_SIGMA_M) ** 2, STANDING_OUTLIER) / STANDING_SIGMA_M**2
    quadratic.where[:, _CONTACT, 2, 2] += weight
    quadratic.where_slope[:, _CONTACT, 2] += weight * height


def add_floor(quadratic: Quadratic, joints_m: np.ndarray, lowest_m: np.ndarray) -> None:
    """No joint (n, J, 3) is below the height (J,) that it cannot go under."""
    below = np.minimum(joints_m[..., 2] - lowest_m, 0.0)
    weight = (below < 0) / BELOW_SIGMA_M**2
    quadratic.where[..., 2, 2] += weight
    quadratic.where_slope[..., 2] += weight * below


def add_solved(
    quadratic: Quadratic, root_m: np.ndarray, relative_m: np.ndarray, solved_root_m: np.ndarray,
    solved_relative_m: np.ndarray, weight: float,
) -> None:  # fmt: skip
    """The first frames are as they were solved before, (m, 3) and (m, J, 3)."""
    same = slice(0, len(solved_root_m))
    quadratic.where[same, 0] += weight * np.eye(3)
    quadratic.where_slope[same, 0] += weight * (root_m[same] - solved_root_m)
    quadratic.relative[same] += weight * np.eye(3)
    quadratic.relative_slope[same] += weight * (relative_m[same] - solved_relative_m)


def lowest_heights_m(floor_m: float, size: float) -> np.ndarray:
    """(J,) heights that joints cannot go under over a floor whose standing foot joints are at `floor_m`."""
    lowest = np.full(len(J), floor_m)
    for name, joint in J.items():
        lowest[joint] += size * _ABOVE_FLOOR_M.get(name.rpartition("_")[2], 0.0)
    return lowest
