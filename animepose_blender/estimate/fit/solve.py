"""The solve: the pose of every frame that explains all evidence best, moves smoothly, and stands where it stands.

Minimises over roots and directions of the bones of all frames, with one set of bone lengths,

    sum of robust squares of: keypoints, lifted joints, roots, the height of standing feet, what is below the floor,
    joints beyond their limits
    + lambda (integral of |root''|^2 + integral of |(joint - root)''|^2) + sum of the steps of standing feet,

by Gauss and Newton's method. Long clips are solved in windows that overlap: the beginning of each is held where the one
before put it, so that time and memory stay in proportion to the frames, and the seam is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...skeleton import CONTACT_JOINTS, JOINT_COUNT
from ..smooth import HALF_LIFE_HZ_S, second_difference_bands
from .body import Pose
from .limits import add_limits
from .quadratic import Quadratic, Ties, step_of
from .terms import (
    Evidence,
    add_floor,
    add_keypoints,
    add_lifted,
    add_root,
    add_solved,
    add_standing,
    lowest_heights_m,
)

LEAST_HALF_LIFE_S = 0.002
"""Without any smoothing directions that nothing tells would be undefined."""
ROOT_REFERENCE_SIGMA_M = 0.0075
"""A root known to this is smoothed by the half-life asked for; all joints together tell it about so well across the
view. Along it, where it is known much worse, it is smoothed more."""
HOLD_SIGMA_M = 0.001
"""How far a standing foot may move from one frame to the next at 30 Hz."""
HOLD_HZ = 30.0
STEPS, AGAIN, ROUGH = 5, 3, 2
"""Steps at most; when solved again from near by; and to a few millimetres, for a first look."""
SMALL_STEP = 1e-3
"""Metres and radians; smaller steps end the search."""
LARGEST_STEP = 0.4
WINDOW, OVERLAP, HELD = 240, 48, 16
SEAM_SIGMA_M = 0.0005


@dataclass(frozen=True, eq=False)
class Wishes:
    """What is asked of the motion, beside what was seen."""

    half_life_s: float
    held: np.ndarray
    """(n, 4) how firmly heels and toes are held, see `standing`."""
    level_m: np.ndarray | None
    """(4,) height of standing foot joints; None = nothing is drawn to a floor."""
    floor_m: float | None
    """Height that foot joints cannot go under; None = there is no floor."""


def fit(evidence: Evidence, start: Pose, wishes: Wishes, steps: int | None = None) -> Pose:
    """The best pose in all n frames.

    Args:
        evidence: of n frames in a row.
        start: near it.
        wishes: smoothness, contacts, floor.
        steps: at most; `STEPS` by default.
    """
    steps = STEPS if steps is None else steps
    count = len(evidence.time_s)
    if count <= WINDOW + OVERLAP:
        return _fit_window(evidence, start, wishes, None, steps)
    done: list[Pose] = []
    before: Pose | None = None
    for first in range(0, count, WINDOW):
        begin = max(0, first - OVERLAP)
        frames = slice(begin, min(count, first + WINDOW))
        own = Wishes(wishes.half_life_s, wishes.held[frames], wishes.level_m, wishes.floor_m)
        solved = _fit_window(evidence.at(frames), start.at(frames), own, before, steps)
        # Of the frames that two windows share the first are the earlier window's, and held in the later one.
        done.append(solved.at(slice(HELD // 2 if before is not None else 0, None)))
        if before is not None:
            done[-2] = done[-2].at(slice(0, len(done[-2].root_m) - OVERLAP + HELD // 2))
        before = solved.at(slice(len(solved.root_m) - OVERLAP, None))
    return _joined(done)


def _fit_window(evidence: Evidence, start: Pose, wishes: Wishes, before: Pose | None, steps: int) -> Pose:
    relative_ties, root_ties = _smoothness(evidence, wishes.half_life_s)
    contact_ties = _holding(evidence.time_s, wishes.held)
    standing = wishes.held.reshape(-1, 2, 2).max(axis=-1)
    lowest_m = None if wishes.floor_m is None else lowest_heights_m(wishes.floor_m, evidence.size)
    feet = list(CONTACT_JOINTS)
    held = None
    if before is not None:
        held = before.root_m[:HELD], before.relative_m()[:HELD]
    pose = start
    for _ in range(steps):
        relative_m = pose.relative_m()
        joints_m = relative_m + pose.root_m[:, None]
        quadratic = Quadratic.nothing(len(joints_m))
        add_keypoints(quadratic, evidence, joints_m)
        add_lifted(quadratic, evidence, relative_m)
        add_root(quadratic, evidence, pose.root_m)
        if wishes.level_m is not None:
            add_standing(quadratic, evidence, joints_m[:, feet], wishes.held, wishes.level_m)
        if lowest_m is not None:
            add_floor(quadratic, joints_m, lowest_m)
        add_limits(quadratic, pose, relative_m, standing)
        if held is not None:
            add_solved(quadratic, pose.root_m, relative_m, *held, weight=1 / SEAM_SIGMA_M**2)
        quadratic.relative_slope += relative_ties.times(relative_m)
        quadratic.where_slope[:, :1] += root_ties.times(pose.root_m[:, None])
        quadratic.where_slope[:, feet] += contact_ties.times(joints_m[:, feet])
        step = step_of(
            quadratic, relative_ties, root_ties, contact_ties, pose.jacobian(), evidence.across_view(pose.root_m)
        )
        pose = pose.stepped(np.clip(step, -LARGEST_STEP, LARGEST_STEP))
        if np.abs(step).max() < SMALL_STEP:
            break
    return pose


def _smoothness(evidence: Evidence, half_life_s: float) -> tuple[Ties, Ties]:
    """Of the joints relative to the root, and of the root.

    A joint known as well as they usually are across the view is smoothed by the half-life asked for; what is known
    worse than that, more.
    """
    time_s, size, count = evidence.time_s, evidence.size, len(evidence.time_s)
    if count < 3:
        nothing = np.zeros((count, 1)), np.zeros((max(0, count - 1), 1)), np.zeros((0, 1))
        return Ties(*(np.repeat(n, JOINT_COUNT, axis=1) for n in nothing)), Ties(*nothing)
    cutoff_hz = HALF_LIFE_HZ_S / max(half_life_s, LEAST_HALF_LIFE_S)
    bands = second_difference_bands(time_s, cutoff_hz)[:, :, None]
    five = bands[2], bands[1, 1:], bands[0, 2:]
    relative = [np.repeat(b * evidence.usual_information(), JOINT_COUNT, axis=1) for b in five]
    # The root is not relative to itself.
    for band in relative:
        band[:, 0] = 0.0
    return Ties(*relative), Ties(*(b / (ROOT_REFERENCE_SIGMA_M * size) ** 2 for b in five))


def _holding(time_s: np.ndarray, held: np.ndarray) -> Ties:
    count = len(time_s)
    if count < 2:
        return Ties(np.zeros((count, 4)), np.zeros((0, 4)), np.zeros((0, 4)))
    # Slow steps are as costly as quick ones, whatever the frame rate.
    frames = np.diff(time_s)[:, None] * HOLD_HZ
    weight = np.minimum(held[1:], held[:-1]) / (HOLD_SIGMA_M * frames) ** 2
    same = np.zeros((count, 4))
    same[1:] += weight
    same[:-1] += weight
    return Ties(same, -weight, np.zeros((max(0, count - 2), 4)))


def _joined(parts: list[Pose]) -> Pose:
    return Pose(
        np.concatenate([p.root_m for p in parts]),
        np.concatenate([p.directions for p in parts]),
        {key: np.concatenate([p.orientations[key] for p in parts]) for key in parts[0].orientations},
        parts[0].lengths_m,
    )
