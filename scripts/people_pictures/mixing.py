"""Poses that no recording has: limbs of several recorded poses on one body, and more bent than they were.

Motion capture walks and dances, its arms mostly hang; people in photographs climb and tumble. What is mixed may reach
into the body now and then: its truth is right all the same.
"""

from __future__ import annotations

import numpy as np
from scenes.mesh import Body
from scenes.mocap import SIDES
from scenes.motion import Motion, place
from scipy.spatial.transform import Rotation

LEAN_DEG, TWIST_DEG, NOD_DEG = 22.0, 15.0, 15.0
"""Deviations of what is added to the trunk and to the neck."""
LIFT_DEG, SWING_DEG, SPREAD_DEG = 40.0, 30.0, 18.0
"""Deviations of what is added to an upper arm about any axis, and to a thigh forwards or backwards and sideways."""
ELBOW_DEG, KNEE_DEG, MOST_DEG = 35.0, 40.0, 110.0
"""Deviations of what elbows and knees are bent further, one way only, and how far at most."""
_RIGHT, _FORWARD, _UP = np.array([1.0, 0, 0]), np.array([0, -1.0, 0]), np.array([0, 0, 1.0])


def mixed(rng: np.random.Generator, body: Body, motion: Motion, share: float) -> Motion:
    """The poses, a share of them mixed; who stood as high above the floor as before stands so still.

    Args:
        motion: F poses in no order, world axes, the body facing -Y at rest.
        share: of the poses, 0 to 1; at 0 nothing is drawn, so that a seed makes the same bank as without mixing.
    """
    count = len(motion.rotations)
    some = np.flatnonzero(rng.random(count) < share) if share else np.zeros(0, int)
    if not len(some):
        return motion
    rotations = motion.rotations[some].copy()
    whole = motion.rotations

    def below(name: str) -> np.ndarray:
        return np.flatnonzero(_descends(body, body.bone[name]))

    def add(name: str, frame_bone: str, turns: Rotation) -> None:
        """Turn a bone and all that hangs on it, in the axes of another one at rest."""
        frame = rotations[:, body.bone[frame_bone]]
        about = frame @ turns.as_matrix() @ np.swapaxes(frame, 1, 2)
        rotations[:, below(name)] = about[:, None] @ rotations[:, below(name)]

    def angles(deviation_deg: float, one_way: bool = False) -> np.ndarray:
        values = deviation_deg * rng.standard_normal(len(some))
        return np.radians(np.clip(np.abs(values) if one_way else values, -MOST_DEG, MOST_DEG))

    def about(axis: np.ndarray, radians: np.ndarray) -> Rotation:
        return Rotation.from_rotvec(radians[:, None] * (axis / np.linalg.norm(axis)))

    for side in SIDES:
        for limb, hangs_on in ((f"clavicle_{side}", "spine_03"), (f"thigh_{side}", "pelvis")):
            donor = whole[rng.integers(count, size=len(some))]
            here, there = rotations[:, body.bone[hangs_on]], donor[:, body.bone[hangs_on]]
            carried = here @ np.swapaxes(there, 1, 2)
            rotations[:, below(limb)] = carried[:, None] @ donor[:, below(limb)]
    add("spine_01", "pelvis", about(_RIGHT, angles(LEAN_DEG)) * about(_UP, angles(TWIST_DEG)))
    add("neck_01", "spine_03", _any_axis(rng, angles(NOD_DEG)))
    for side, outwards in zip(SIDES, (1.0, -1.0), strict=True):
        add(f"upperarm_{side}", "spine_03", _any_axis(rng, angles(LIFT_DEG)))
        add(f"thigh_{side}", "pelvis", about(_RIGHT, -angles(SWING_DEG)))
        add(f"thigh_{side}", "pelvis", about(outwards * _FORWARD, angles(SPREAD_DEG, one_way=True)))
        upper, fore, hand = (body.heads_m[body.bone[f"{n}_{side}"]] for n in ("upperarm", "lowerarm", "hand"))
        hinge = np.cross(fore - upper, hand - fore)
        add(f"lowerarm_{side}", f"upperarm_{side}", about(hinge, angles(ELBOW_DEG, one_way=True)))
        add(f"calf_{side}", f"thigh_{side}", about(_RIGHT, angles(KNEE_DEG, one_way=True)))
    thighs = [body.bone[f"thigh_{side}"] for side in SIDES]
    hips_m = motion.heads_m[some][:, thighs].mean(axis=1)
    placed = place(body, rotations, hips_m)
    lower = placed.heads_m[..., 2].min(axis=1) - motion.heads_m[some][..., 2].min(axis=1)
    heads_m = placed.heads_m - lower[:, None, None] * _UP
    all_rotations, all_heads = motion.rotations.copy(), motion.heads_m.copy()
    all_rotations[some], all_heads[some] = rotations, heads_m
    return Motion(all_rotations, all_heads)


def _any_axis(rng: np.random.Generator, radians: np.ndarray) -> Rotation:
    axes = rng.standard_normal((len(radians), 3))
    return Rotation.from_rotvec(radians[:, None] * axes / np.linalg.norm(axes, axis=1, keepdims=True))


def _descends(body: Body, first: int) -> np.ndarray:
    """(B,) whether a bone is this one or hangs on it."""
    inside = np.zeros(len(body.base.bones), bool)
    inside[first] = True
    for bone, parent in enumerate(body.base.parents):  # parents first
        inside[bone] |= parent >= 0 and inside[parent]
    return inside
