"""A recording's motion on a MakeHuman rig: rest poses aligned, limbs solved.

The recording rests in a T-pose, the body in an A-pose. So

    R_bone = R_joint A_bone          A_bone = frame(recording at rest) frame(body at rest)^-1

where a frame is a limb's direction and one more axis (the elbow's hinge, the line across the knuckles, sideways for
legs), which settles the twist. The torso, the head and the feet rest alike in both: A is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .mesh import Body
from .mocap import SIDES, Recording
from .rotations import frame, halfway, swing, turn_about, unit

TORSO = {
    "pelvis": ("hip", "hip"), "spine_01": ("hip", "abdomen"), "spine_02": ("abdomen", "chest"),
    "spine_03": ("chest", "chest"), "neck_01": ("neck", "neck"), "head": ("head", "head"),
}  # fmt: skip
"""Each torso bone turns half-way between two joints of the recording, whose spine bends in fewer places."""

REACH = 0.998
"""A leg or arm is never solved straighter than this share of its length: at 1 its hinge would be undefined."""


@dataclass(frozen=True)
class Motion:
    """A moving rig.

    Attributes:
        rotations: (F, B, 3, 3) world rotation of each bone, identity in the body's rest pose.
        heads_m: (F, B, 3) world position of each bone's head.
    """

    rotations: np.ndarray
    heads_m: np.ndarray


def moved(motion: Motion, turn_rad: float, shift_m: np.ndarray) -> Motion:
    """The motion turned about the vertical through the origin, then shifted by (3,) metres."""
    about = turn_about(np.array([0.0, 0.0, 1.0]), np.array(turn_rad))
    return Motion(about @ motion.rotations, motion.heads_m @ about.T + shift_m)


def place(body: Body, rotations: np.ndarray, root_m: np.ndarray) -> Motion:
    """Bone heads from bone rotations: each head keeps its place on its parent.

    Args:
        rotations: (F, B, 3, 3).
        root_m: (F, 3) where the point between the hip joints is.
    """
    base = body.base
    heads = np.zeros((*rotations.shape[:2], 3))
    pelvis = body.bone["pelvis"]
    hips = 0.5 * (body.heads_m[body.bone["thigh_l"]] + body.heads_m[body.bone["thigh_r"]])
    for bone, parent in enumerate(base.parents):
        if bone == pelvis:
            heads[:, bone] = root_m + rotations[:, bone] @ (body.heads_m[bone] - hips)
        elif parent >= 0:
            heads[:, bone] = heads[:, parent] + rotations[:, parent] @ (body.heads_m[bone] - body.heads_m[parent])
    return Motion(rotations, heads)


def _alignments(body: Body, recording: Recording) -> dict[str, tuple[str, np.ndarray]]:
    """For each limb bone the joint that turns it and its A, (3, 3)."""

    def mesh(name: str) -> np.ndarray:
        return body.heads_m[body.bone[name]]

    def cap(name: str) -> np.ndarray:
        return recording.rest[recording.index(name)]

    sideways = np.array([1.0, 0.0, 0.0])
    found: dict[str, tuple[str, np.ndarray]] = {}
    for s in SIDES:
        upper, fore = mesh(f"lowerarm_{s}") - mesh(f"upperarm_{s}"), mesh(f"hand_{s}") - mesh(f"lowerarm_{s}")
        upper_c, fore_c = cap(f"{s}ForeArm") - cap(f"{s}Shldr"), cap(f"{s}Hand") - cap(f"{s}ForeArm")
        hinge, hinge_c = np.cross(upper, fore), recording.elbow_hinge.get(s, np.cross(upper_c, fore_c))
        pairs = {
            f"upperarm_{s}": (f"{s}Shldr", upper, hinge, upper_c, hinge_c),
            f"lowerarm_{s}": (f"{s}ForeArm", fore, hinge, fore_c, hinge_c),
            f"hand_{s}": (
                f"{s}Hand",
                mesh(f"middle_01_{s}") - mesh(f"hand_{s}"), mesh(f"index_01_{s}") - mesh(f"pinky_01_{s}"),
                cap(f"{s}Mid1") - cap(f"{s}Hand"), cap(f"{s}Index1") - cap(f"{s}Pinky1"),
            ),
            f"thigh_{s}": (
                f"{s}Thigh",
                mesh(f"calf_{s}") - mesh(f"thigh_{s}"), sideways,
                cap(f"{s}Shin") - cap(f"{s}Thigh"), sideways,
            ),
            f"calf_{s}": (
                f"{s}Shin", mesh(f"foot_{s}") - mesh(f"calf_{s}"), sideways, cap(f"{s}Foot") - cap(f"{s}Shin"), sideways
            ),
        }  # fmt: skip
        for bone, (joint, a, a2, c, c2) in pairs.items():
            found[bone] = (joint, frame(c, c2) @ frame(a, a2).T)
        found[f"clavicle_{s}"] = (f"{s}Collar", np.eye(3))
        found[f"foot_{s}"] = (f"{s}Foot", recording.foot_align.get(s, np.eye(3)))
    return found


def turn(body: Body, recording: Recording) -> np.ndarray:
    """(F, B, 3, 3) world rotations of the rig's bones that show the recording's pose; fingers and toes follow."""
    rotations = np.broadcast_to(np.eye(3), (len(recording.positions), len(body.base.bones), 3, 3)).copy()
    alignments = _alignments(body, recording)
    for bone, parent in enumerate(body.base.parents):
        name = body.base.bones[bone]
        if name in TORSO:
            a, b = (recording.rotations[:, recording.index(joint)] for joint in TORSO[name])
            rotations[:, bone] = halfway(a, b)
        elif name in alignments:
            joint, align = alignments[name]
            rotations[:, bone] = recording.rotations[:, recording.index(joint)] @ align
        elif parent >= 0:
            rotations[:, bone] = rotations[:, parent]
    return rotations


def follow(body: Body, rotations: np.ndarray, bone: str) -> None:
    """Let everything below `bone` turn with it, in place: fingers with the hand."""
    below = {body.bone[bone]}
    for index, parent in enumerate(body.base.parents):
        if parent in below:
            below.add(index)
            rotations[:, index] = rotations[:, body.bone[bone]]


def solve_limb(
    body: Body, rotations: np.ndarray, start_m: np.ndarray, target_m: np.ndarray, upper: str, lower: str, end: str
) -> None:
    """Turn two bones so that their end reaches a target (F, 3), in place; bend and twist stay as near as they can.

    The middle joint lies on the circle of points at the right distance from both ends; of these, the one nearest to
    where it was. With p the unit vector across the line to the target, along the old bend:

        m = start + a (cos(alpha) u + sin(alpha) p)       cos(alpha) = (a^2 + d^2 - b^2) / (2 a d)
    """
    i, j, k = (body.bone[name] for name in (upper, lower, end))
    first, second = body.heads_m[j] - body.heads_m[i], body.heads_m[k] - body.heads_m[j]
    a, b = np.linalg.norm(first), np.linalg.norm(second)
    old_first, old_second = rotations[:, i] @ first, rotations[:, j] @ second
    along = target_m - start_m
    d = np.clip(np.linalg.norm(along, axis=1, keepdims=True), 1.02 * abs(a - b), REACH * (a + b))
    u = unit(along)
    # Of a nearly straight limb the bend says little, so the old lower bone is bent a little further along the
    # direction that the upper bone's own rest hinge gives.
    hinge = rotations[:, i] @ unit(np.cross(first, second))
    bend = old_first - old_second * (a / b) + 0.1 * a * np.cross(old_first / a, hinge)
    p = unit(bend - np.sum(bend * u, axis=1, keepdims=True) * u)
    cos = np.clip((a * a + d * d - b * b) / (2 * a * d), -1.0, 1.0)
    middle = a * (cos * u + np.sqrt(1 - cos * cos) * p)
    rotations[:, i] = swing(old_first, middle) @ rotations[:, i]
    rotations[:, j] = swing(old_second, d * u - middle) @ rotations[:, j]
