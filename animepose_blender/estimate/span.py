"""One person in frames without absence: a first guess from single joints, then the solve over all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core import cameras, kinematics
from ..core import quaternions as quat
from ..core.armature_space import body_size
from ..skeleton import CONTACT_JOINTS, J
from .evidence import InFrames
from .fit.body import Pose, pose_of
from .fit.grounding import grounded
from .fit.rotations import rotations_of
from .fit.settings import MotionSettings
from .fit.solve import AGAIN, LEAST_HALF_LIFE_S, ROUGH, STEPS, Wishes, fit
from .fit.standing import believed, held
from .fit.stillness import still
from .fit.terms import Evidence as Known
from .fit.terms import lowest_heights_m
from .floor import SOLE_M, contacts, speeds_m_s, standing_feet
from .fuse import Ground, RootEvidence, depth_spread, from_depth, from_floor, from_size, fuse, spread_of
from .place import place_roots, root_sigma
from .smooth import HALF_LIFE_HZ_S, smooth_seen
from .solve import pose
from .view import View

DEPTH_CUTOFF_SHARE = 0.5
"""Along the view the network's error is several times larger than across it, so the first guess is smoothed more."""
PREDICTED_WEIGHT = 0.3
"""Weight of a predicted pose beside a seen one of 1, for the first guess."""
PREDICTED_SIGMA_M = 0.08
"""How far a predicted joint may be off, relative to the root."""
DEPTH_MAP_SIGMA = 0.03
"""How far a calibrated depth map is off at least, as a share of the depth."""
LOOKS_SIGMA = 0.12
"""How far off a network is at least that sees how far away somebody is by their looks, as a share: RootNet is off by so
much on rendered people whom it has not seen and who are mostly in sight, and in the same way for many frames."""
STILL_SIGMA_M = 0.003
"""How near what is held still stays to where it is held."""
DOUBTS = 2
"""Times that held feet are compared with where they are seen."""
DOUBTED = 0.2
"""Most that a contact's probability is where the foot, held, does not lie where it is seen."""
_UP = np.array([0.0, 0.0, 1.0])
_FEET = np.array([[J[f"{side}_{name}"] for name in ("ankle", "heel", "toe")] for side in ("left", "right")])


@dataclass(frozen=True, eq=False)
class Span:
    """n solved frames, world axes."""

    rotations: np.ndarray
    """(n, B, 4) local."""
    root_m: np.ndarray
    """(n, 3)"""
    joints_m: np.ndarray
    """(n, J, 3)"""
    sigma_m: np.ndarray
    """(n, 2) of the root, across the ray and along it."""
    contact: np.ndarray
    """(n, 4) probability."""


@dataclass(frozen=True, eq=False)
class Filled:
    """What stands in for frames in which nobody was seen; NaN in all others."""

    joints_m: np.ndarray
    """(n, J, 3) world axes."""
    sigma_m: np.ndarray
    """(n, 2) of the root."""

    def at(self, frames: np.ndarray) -> Filled:
        """Some frames of it."""
        return Filled(self.joints_m[frames], self.sigma_m[frames])


def solve_span(
    given: InFrames,
    own: View,
    ground: Ground,
    lengths_m: np.ndarray,
    motion: MotionSettings,
    filled: Filled | None,
    *,
    rough: bool = False,
) -> Span:
    """Solve n frames without absence.

    Args:
        given: what was seen.
        own: the view in these frames.
        ground: below the person.
        lengths_m: (B,) bone lengths.
        motion: the user's wishes.
        filled: what stands in where nobody was seen.
        rough: to a few millimetres, for what is to be solved again.
    """
    size = body_size(lengths_m)
    target_m, weight, turn_weight, sigma_m = given.relative_m, given.weight, given.confidence, given.sigma_m
    predicted = np.zeros(len(target_m), dtype=bool)
    if filled is not None:
        predicted = np.isfinite(filled.joints_m[:, 0, 0])
        target_m = np.where(predicted[:, None, None], filled.joints_m - filled.joints_m[:, :1], target_m)
        weight = np.where(predicted[:, None], PREDICTED_WEIGHT, weight)
        turn_weight = np.where(predicted[:, None], PREDICTED_WEIGHT, turn_weight)
        sigma_m = np.where(predicted[:, None, None], PREDICTED_SIGMA_M * size, sigma_m)
    start, known_roots = _first_guess(given, own, ground, lengths_m, motion, (target_m, weight, turn_weight))
    if filled is not None and predicted.any():
        at = np.flatnonzero(predicted)
        known_roots.append(from_size(at, filled.joints_m[at, 0], own.centre_m[at], filled.sigma_m[at], len(target_m)))
        root_m = fuse(known_roots, own.time_s)
        start = Pose(root_m, start.directions, start.orientations, lengths_m)

    known = Known(
        own.time_s,
        own.world_to_camera,
        np.nan_to_num(cameras.rays(given.keypoints_px, own.intrinsics)),
        np.where(np.isfinite(given.keypoints_px).all(axis=-1), given.keypoint_confidence, 0.0) ** 2,
        np.nan_to_num(target_m),
        _information(sigma_m, given.ray, np.isfinite(target_m).all(axis=-1)),
        known_roots,
        size,
    )
    joints_m = start.relative_m() + start.root_m[:, None]
    on_floor = motion.floor == "flat"
    contact = contacts(joints_m, own.time_s, own.centre_m, ground.level_m if on_floor else np.inf)
    told = np.isfinite(given.contact)
    contact = np.where(told, np.nan_to_num(given.contact), contact)
    firmly = held(
        contact, own.time_s, motion.foot_lock, speeds_m_s(joints_m[:, CONTACT_JOINTS], own.time_s, own.centre_m)
    )
    # Nobody sees whether predicted feet stand; held, they would keep the person from where they are predicted to be.
    firmly[predicted] = 0.0
    wishes = Wishes(
        motion.smoothness_s,
        firmly,
        np.full(4, ground.level_m) if on_floor else None,
        min(ground.level_m, SOLE_M * size) if on_floor else None,
    )
    solved = fit(known, start, wishes, ROUGH if rough else STEPS)
    # A foot that is let go may show that another moment's hold is wrong, too.
    for _ in range(DOUBTS if motion.foot_lock == "auto" and not rough else 0):
        doubted = ~believed(wishes.held, _feet_off_m(known, solved), size) & (wishes.held > 0)
        if not doubted.any():
            break
        wishes = replace(wishes, held=np.where(doubted, 0.0, wishes.held))
        contact = np.where(doubted, np.minimum(contact, DOUBTED), contact)
        solved = fit(known, solved, wishes, AGAIN)
    if motion.hold_still_m > 0:
        solved = _held_still(solved, known, wishes, motion.hold_still_m)
    if motion.foot_lock == "grounding" and wishes.floor_m is not None:
        solved = grounded(solved, own.time_s, lowest_heights_m(wishes.floor_m, size))
    rotations = rotations_of(solved, turn_weight, own.time_s)
    joints_m, _ = kinematics.forward(rotations, solved.root_m, lengths_m)
    return Span(rotations, solved.root_m, joints_m, spread_of(known_roots, given.ray), contact)


def _first_guess(
    given: InFrames, own: View, ground: Ground, lengths_m: np.ndarray, motion: MotionSettings,
    targets: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> tuple[Pose, list[RootEvidence]]:  # fmt: skip
    """Each joint smoothed alone, bones laid through them, and the root put where most is known to say it is."""
    target_m, weight, turn_weight = targets
    cutoff_hz = HALF_LIFE_HZ_S / max(motion.smoothness_s, LEAST_HALF_LIFE_S)
    smoothed_m = smooth_seen(target_m, weight, given.ray, own.time_s, cutoff_hz, DEPTH_CUTOFF_SHARE * cutoff_hz)
    nowhere = np.zeros((len(target_m), 3))
    _, turned = kinematics.forward(pose(smoothed_m, turn_weight, own.time_s), nowhere, lengths_m)
    known = _root_evidence(given, own, ground, smoothed_m, motion.floor == "flat")
    root_m = fuse(known, own.time_s)
    return pose_of(quat.to_matrix(turned), root_m, lengths_m), known


def _root_evidence(
    given: InFrames, own: View, ground: Ground, relative_m: np.ndarray, on_floor: bool
) -> list[RootEvidence]:
    """All that is known of the roots from joints (n, J, 3).

    Not from a skeleton of the person's bones: limbs that are lifted too flat look as long as they should in the
    picture, and would be too large there with bones of their true lengths.
    """
    count = len(relative_m)
    in_camera_m = np.einsum("nji,nkj->nki", own.camera_to_world[:, :3, :3], relative_m)
    root_camera_m, variance = place_roots(in_camera_m, given.keypoints_px, given.keypoint_confidence, own.intrinsics)
    at = np.flatnonzero(np.isfinite(root_camera_m).all(axis=-1))
    root_m = cameras.transform(own.camera_to_world[at], root_camera_m[at, None])[:, 0]
    seen, sigma_m = own.at(at), root_sigma(root_camera_m[at], variance[at])
    known = [from_size(at, root_m, seen.centre_m, sigma_m, count)]
    if on_floor:
        feet = standing_feet(at, relative_m[at], root_m, given.confidence[at], seen.time_s, seen.camera_to_world, _UP)
        known.append(from_floor(feet, ground, count))
    for depth_m, least in ((given.depth_m[at], DEPTH_MAP_SIGMA), (given.looks_depth_m[at], LOOKS_SIGMA)):
        if np.isfinite(depth_m).any():
            axis = seen.camera_to_world[:, :3, 2]
            spread = depth_spread(depth_m, np.sum((root_m - seen.centre_m) * axis, axis=-1))
            known.append(from_depth(at, root_m, seen.centre_m, axis, depth_m, max(least, spread), count))
    return [*known, *given.further]


def _information(sigma_m: np.ndarray, ray: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(n, J, 3, 3) of joints known to (n, J, 2) across and along a ray (n, 3)."""
    across, along = np.moveaxis(np.where(known[..., None], sigma_m, 1.0), -1, 0) ** -2.0
    outer = (ray[:, :, None] * ray[:, None, :])[:, None]
    information = across[..., None, None] * (np.eye(3) - outer) + along[..., None, None] * outer
    return known[..., None, None] * information


def _feet_off_m(known: Known, solved: Pose) -> np.ndarray:
    """(n, 2) mean distance of ankle, heel and toe from their keypoints, left and right; NaN where none is seen."""
    off_m = known.off_keypoints_m(solved.relative_m() + solved.root_m[:, None])[:, _FEET]
    seen = np.isfinite(off_m)
    count = seen.sum(axis=-1)
    return np.where(count > 0, np.where(seen, off_m, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan)


def _held_still(solved: Pose, known: Known, wishes: Wishes, dead_zone_m: float) -> Pose:
    """Solved again about joints and roots of which what hardly moves is held."""
    information = np.eye(3) / STILL_SIGMA_M**2
    root_m = still(solved.root_m[:, None], known.time_s, dead_zone_m)[:, 0]
    relative_m = still(solved.relative_m(), known.time_s, dead_zone_m)
    everywhere = np.broadcast_to(information, (*relative_m.shape, 3))
    target = Known(
        known.time_s, known.world_to_camera, known.rays, np.zeros_like(known.ray_weight), relative_m, everywhere,
        [RootEvidence(root_m, everywhere[:, 0])], known.size,
    )  # fmt: skip
    return fit(target, solved, wishes, AGAIN)
