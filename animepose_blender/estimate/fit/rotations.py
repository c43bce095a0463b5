"""From the solved directions to rotations of all bones: exactly the same joints, with the twist that limbs show.

A bone's direction is solved; how it is twisted about itself moves no joint and is found here. The spine shares the turn
from hips to shoulders. An upper arm or thigh twists so that its hinge plane is that of elbow or knee; where the limb is
straight the plane is unknown, and for legs the foot tells it; a forearm twists so that the back of the hand faces where
it is seen to.
"""

from __future__ import annotations

import numpy as np

from ...core import kinematics
from ...core import quaternions as quat
from ...core.swing_twist import slerp, swing, twist, twist_angle
from ...skeleton import BONE_COUNT, PARENTS, REST_DIRECTIONS, J
from ..smooth import smooth_angle
from ..solve import HINGES, TWIST_CUTOFF_HZ
from .body import PARTS, Pose

FOOT_SAYS = 0.15
"""What the foot counts, beside the sine of the knee's bend, for the plane of the knee."""
_X, _Y, _Z = np.eye(3)


def rotations_of(pose: Pose, confidence: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """(n, B, 4) local rotations whose forward kinematics give the pose's joints.

    Args:
        pose: n frames.
        confidence: (n, J) of the joints.
        time_s: (n,).
    """
    count = len(pose.root_m)
    turned = np.broadcast_to(quat.IDENTITY, (count, BONE_COUNT, 4)).copy()
    for part in PARTS:
        if part.rigid:
            turned[:, [part.carrier, *part.bones]] = quat.from_matrix(pose.orientations[part.carrier])[:, None]
    pelvis = turned[:, 0]
    relative_m = pose.relative_m()
    chest = _about(
        pose.directions[:, J["neck"]], relative_m[:, J["left_shoulder"]] - relative_m[:, J["right_shoulder"]]
    )
    for name, share in (("spine", 1 / 3), ("chest", 2 / 3), ("neck", 1.0)):
        facing = slerp(pelvis, chest, share)
        turned[:, J[name]] = _along(facing, pose.directions[:, J[name]], J[name])
    for side in ("left", "right"):
        for name in ("shoulder", "elbow", "wrist", "knee", "ankle"):
            joint = J[f"{side}_{name}"]
            turned[:, joint] = swing(turned[:, PARENTS[joint]], REST_DIRECTIONS[joint], pose.directions[:, joint])
            if name in ("elbow", "knee"):
                _twist_into_hinge(turned, pose, confidence, time_s, f"{side}_{name}")
        _pronate(turned, confidence, time_s, side)
    return quat.unroll(kinematics.to_local(turned))


def _about(up: np.ndarray, across: np.ndarray) -> np.ndarray:
    """(n, 4) whose Z runs along `up` and whose X is as near to `across` as that allows."""
    x = across - up * np.sum(across * up, axis=-1, keepdims=True)
    x /= np.linalg.norm(x, axis=-1, keepdims=True) + 1e-9
    return quat.from_matrix(np.stack([x, np.cross(up, x), up], axis=-1))


def _along(rotation: np.ndarray, direction: np.ndarray, bone: int) -> np.ndarray:
    """The rotation turned the short way so that it carries the bone along its direction."""
    return swing(rotation, REST_DIRECTIONS[bone], direction)


def _twist_into_hinge(turned: np.ndarray, pose: Pose, confidence: np.ndarray, time_s: np.ndarray, name: str) -> None:
    joint = J[name]
    lower_name, rest_normal = HINGES[name]
    rest = REST_DIRECTIONS[joint]
    rest_normal = rest_normal - rest * (rest @ rest_normal)
    # Its length is the sine of the bend: a straight limb says nothing about its twist.
    normal = np.cross(pose.directions[:, joint], pose.directions[:, J[lower_name]])
    weight = np.sum(normal**2, axis=-1)
    if name.endswith("knee"):
        foot = turned[:, J[name.replace("knee", "heel")]]
        normal = normal + FOOT_SAYS * quat.rotate(foot, np.broadcast_to(_X, normal.shape))
        weight = weight + FOOT_SAYS**2
    angle = twist_angle(turned[:, joint], rest, rest_normal, normal)
    weight = weight * confidence[:, [joint, J[lower_name]]].min(axis=1)
    turned[:, joint] = twist(turned[:, joint], rest, smooth_angle(angle, weight, time_s, TWIST_CUTOFF_HZ))


def _pronate(turned: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, side: str) -> None:
    """Twist the forearm so that its back faces where the back of the hand does."""
    wrist, hand = J[f"{side}_wrist"], [J[f"{side}_{n}_knuckle"] for n in ("index", "pinky")]
    back = quat.rotate(turned[:, hand[0]], np.broadcast_to(_Z, (len(turned), 3)))
    angle = twist_angle(turned[:, wrist], REST_DIRECTIONS[wrist], _Z, back)
    smoothed = smooth_angle(angle, confidence[:, hand].min(axis=1), time_s, TWIST_CUTOFF_HZ)
    turned[:, wrist] = twist(turned[:, wrist], REST_DIRECTIONS[wrist], smoothed)
