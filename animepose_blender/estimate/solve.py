"""Joint positions to a skeleton that moves: rotations for every frame, as the first guess of the solve."""

from __future__ import annotations

import numpy as np

from ..core import kinematics
from ..core import quaternions as quat
from ..core.swing_twist import fit, slerp, swing, twist, twist_angle
from ..skeleton import BONE_COUNT, PARENTS, REST_DIRECTIONS, REST_JOINTS_M, J
from .smooth import smooth_angle

TWIST_CUTOFF_HZ = 3.0
"""Twist is seen only while a limb is bent, so it is smoothed more than the joints are."""

_X, _Y, _Z = np.eye(3)

# Hinge normals in the rest pose, from which a bend turns: an elbow bends forward (-Y) and a knee backward (+Y), so
# the normal, upper x lower, is X x -Y = -Z at the left elbow, -X x -Y = Z at the right one, -Z x Y = X at the knees.
HINGES = {
    "left_elbow": ("left_wrist", -_Z),
    "right_elbow": ("right_wrist", _Z),
    "left_knee": ("left_ankle", _X),
    "right_knee": ("right_ankle", _X),
}


def stature_m(lengths_m: np.ndarray) -> float:
    """Height of a person of bone lengths (B,) who stands as in the rest pose, soles included."""
    upright = np.broadcast_to(quat.IDENTITY, (BONE_COUNT, 4))
    joints_m, _ = kinematics.forward(upright, np.zeros(3), lengths_m)
    feet_m = joints_m[[J["left_heel"], J["right_heel"]], 2].mean()
    above_feet = REST_JOINTS_M[J["head_top"], 2] - REST_JOINTS_M[J["left_heel"], 2]
    return float((joints_m[J["head_top"], 2] - feet_m) * REST_JOINTS_M[J["head_top"], 2] / above_feet)


def pose(joints_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Rotations of all bones for all frames, by analytic swing and hinge twist.

    The pelvis turns with the line of the hips and the trunk, the chest with the line of the shoulders, the spine
    between them shares the difference; the head fits ears, nose and crown, hands and feet fit their points. Arms and
    legs swing onto their direction; an upper arm or thigh twists so that its hinge plane is that of elbow or knee, a
    forearm so that the palm faces where it is seen to face.

    Args:
        joints_m: (F, J, 3) smoothed, in axes fixed in time; finite.
        confidence: (F, J).
        time_s: (F,).
    Returns:
        (F, B, 4) local rotations in the axes of `joints_m`.
    """
    frames = len(joints_m)
    turned = np.broadcast_to(quat.IDENTITY, (frames, BONE_COUNT, 4)).copy()

    def at(name: str) -> np.ndarray:
        return joints_m[:, J[name]]

    trunk = at("neck") - at("pelvis")
    turned[:, J["pelvis"]] = pelvis = _facing(at("left_hip") - at("right_hip"), trunk)
    chest = _facing(at("left_shoulder") - at("right_shoulder"), trunk)
    turned[:, J["spine"]], turned[:, J["chest"]] = slerp(pelvis, chest, 1 / 3), slerp(pelvis, chest, 2 / 3)
    turned[:, J["neck"]] = chest

    head = [J[n] for n in ("head_top", "nose", "left_ear", "right_ear")]
    turned[:, head] = _fit_points(joints_m, "neck", head)[:, None]
    for side in ("left", "right"):
        hand = [J[f"{side}_{n}"] for n in ("index_knuckle", "pinky_knuckle")]
        foot = [J[f"{side}_{n}"] for n in ("heel", "toe")]
        turned[:, J[f"{side}_hip"]] = pelvis
        for joint in ("shoulder", "elbow", "wrist", "knee", "ankle"):
            _swing_and_hinge(turned, joints_m, confidence, time_s, f"{side}_{joint}")
        palm = _fit_points(joints_m, f"{side}_wrist", hand)
        turned[:, J[f"{side}_wrist"]] = _pronate(
            turned[:, J[f"{side}_wrist"]], palm, f"{side}_wrist", confidence[:, hand].min(axis=1), time_s
        )
        turned[:, hand] = palm[:, None]
        turned[:, foot] = _fit_points(joints_m, f"{side}_ankle", foot)[:, None]
    return quat.unroll(kinematics.to_local(turned))


def _facing(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rotation whose X runs along `across` and whose Z is as near to `up` as that allows."""
    x = across / (np.linalg.norm(across, axis=-1, keepdims=True) + 1e-9)
    y = np.cross(up, x)
    y /= np.linalg.norm(y, axis=-1, keepdims=True) + 1e-9
    return quat.from_matrix(np.stack([x, y, np.cross(x, y)], axis=-1))


def _fit_points(joints_m: np.ndarray, base: str, points: list[int]) -> np.ndarray:
    """Rotation of a part of the body that moves as one, from its points relative to its base."""
    rest = REST_JOINTS_M[points] - REST_JOINTS_M[J[base]]
    observed = joints_m[:, points] - joints_m[:, J[base], None]
    # Directions count, not sizes, which differ between people.
    observed = observed / (np.linalg.norm(observed, axis=-1, keepdims=True) + 1e-9)
    rest = rest / np.linalg.norm(rest, axis=-1, keepdims=True)
    return fit(rest, observed, np.ones(len(points)))


def _swing_and_hinge(
    turned: np.ndarray, joints_m: np.ndarray, confidence: np.ndarray, time_s: np.ndarray, name: str
) -> None:
    """Point one limb bone along its observed direction and twist it into the plane of the joint at its end."""
    joint = J[name]
    parent, rest = PARENTS[joint], REST_DIRECTIONS[joint]
    direction = joints_m[:, joint] - joints_m[:, parent]
    turned[:, joint] = swing(turned[:, parent], rest, direction)
    if name not in HINGES:
        return
    lower_name, rest_normal = HINGES[name]
    lower = joints_m[:, J[lower_name]] - joints_m[:, joint]
    rest_normal = rest_normal - rest * (rest @ rest_normal)
    normal = np.cross(direction, lower)
    lengths = np.linalg.norm(direction, axis=-1) * np.linalg.norm(lower, axis=-1) + 1e-9
    # The sine of the bend: a straight limb says nothing about its twist.
    bend = np.linalg.norm(normal, axis=-1) / lengths
    weight = bend**2 * confidence[:, [joint, J[lower_name]]].min(axis=1)
    angle = twist_angle(turned[:, joint], rest, rest_normal, normal)
    turned[:, joint] = twist(turned[:, joint], rest, smooth_angle(angle, weight, time_s, TWIST_CUTOFF_HZ))


def _pronate(
    forearm: np.ndarray, palm: np.ndarray, name: str, confidence: np.ndarray, time_s: np.ndarray
) -> np.ndarray:
    """Twist the forearm so that the back of the hand faces where the palm's fit says."""
    observed = quat.rotate(palm, np.broadcast_to(_Z, (len(palm), 3)))
    angle = twist_angle(forearm, REST_DIRECTIONS[J[name]], _Z, observed)
    return twist(forearm, REST_DIRECTIONS[J[name]], smooth_angle(angle, confidence, time_s, TWIST_CUTOFF_HZ))
