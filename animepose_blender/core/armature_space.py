"""From the skeleton's local rotations to the basis rotations of an armature's pose bones, and the bones' rest.

Not every bone of the skeleton becomes a bone of the armature: the rigid ones (ears, nose, hips, palms, toes) keep the
identity, so their tails are fixed in their parents. An armature bone keeps the skeleton's rotation and may be *drawn*
elsewhere: the foot to the toe tip, the hand to the middle of the knuckles. Only its head has to be the joint it turns
about.

The algebra. Let G[j] be the global rotation of skeleton bone j (`core.kinematics`): it takes the rest pose's
directions to the pose's, so it is the identity at rest. Let M[j] be the rest orientation of the armature bone (the
rotation of Blender's `bone.matrix_local`), with Y along the bone. Turned by G[j] it must become the orientation P[j]
of the pose bone:

    P[j] = G[j] M[j]

Blender composes a pose bone with parent p from its basis rotation B[j] as

    P[j] = P[p] M[p]^-1 M[j] B[j] = G[p] M[j] B[j]

and so, since G[j] = G[p] R[j] (a rigid bone between the two adds nothing),

    B[j] = M[j]^-1 G[p]^-1 G[j] M[j] = M[j]^-1 R[j] M[j].

That is R[j] with its axis written in the bone's own axes: the scalar part stays, the vector part is turned by M[j]^-1.
The pelvis, without a parent, moves as well: x = head + M[0] location, so location = M[0]^-1 (x - head).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..skeleton import BONES, CONTACT_JOINTS, JOINT_COUNT, PARENTS, REST_JOINTS_M, REST_LENGTHS_M, RIGID, J
from .finger_space import NAMES, FingerBones, finger_bones
from .kinematics import forward
from .quaternions import IDENTITY

SHOWN: tuple[int, ...] = tuple(int(bone) for bone in np.flatnonzero(~RIGID))
"""(A,) the skeleton's bones that the armature has, in the skeleton's order; the pelvis comes first."""

SHOWN_NAMES: tuple[str, ...] = tuple(BONES[bone] for bone in SHOWN)

CONNECTED_STEMS = ("spine", "chest", "head", "forearm", "hand", "shin", "foot")
"""Bones whose head sticks to their parent's tail. The clavicles, upper arms and thighs stay loose, as in other rigs."""

PELVIS_LENGTH_PER_ABDOMEN = 0.6
"""The pelvis has no length of its own; it is drawn upwards, shorter than the abdomen that begins at the same place."""


@dataclass(frozen=True)
class RestBones:
    """The armature of one person at rest; A bones in the order of `SHOWN`, metres, armature axes, soles on z = 0."""

    head_m: np.ndarray
    """(A, 3)"""
    tail_m: np.ndarray
    """(A, 3)"""
    orientation: np.ndarray
    """(A, 3, 3) columns are the bone's X, Y (along the bone) and Z axes."""
    parent: tuple[int, ...]
    """(A,) index into the same list; -1 for the pelvis."""
    connected: tuple[bool, ...]
    """(A,)"""
    joints_m: np.ndarray
    """(J, 3) all joints of the rest pose."""
    fingers: FingerBones | None = None
    """None for a person whose fingers are not known."""


def body_size(lengths_m: np.ndarray) -> float:
    """How large a person with these (B,) bone lengths is; 1 for the skeleton's own 1.70 m."""
    return float(np.sum(lengths_m) / np.sum(REST_LENGTHS_M))


def rest_bones(lengths_m: np.ndarray, hand_lengths_m: np.ndarray | None = None) -> RestBones:
    """The rest armature of a person with these (B,) bone lengths, in the T-pose of `skeleton.REST_DIRECTIONS`; with
    (2, 20) lengths of the hands' bones it has fingers."""
    at_rest = np.tile(IDENTITY, (JOINT_COUNT, 1))
    joints_m, _ = forward(at_rest, np.zeros(3), np.asarray(lengths_m, dtype=np.float64))
    feet = list(CONTACT_JOINTS)
    # Heel and toe lie inside the foot; what is between them and the floor grows with the person.
    sole_m = REST_JOINTS_M[feet, 2].min() * body_size(lengths_m)
    joints_m = joints_m - [0.0, 0.0, joints_m[feet, 2].min() - sole_m]

    wrists = [J["left_wrist"], J["right_wrist"]]
    fingers = None if hand_lengths_m is None else finger_bones(joints_m[wrists], np.asarray(hand_lengths_m, np.float64))

    shown = np.array(SHOWN)
    head_m = joints_m[np.maximum(PARENTS[shown], 0)]
    tail_m = joints_m[shown]
    for index, bone in enumerate(SHOWN_NAMES):
        stem, _, side = bone.partition(".")
        side = {"L": "left", "R": "right"}.get(side, "")
        if stem == "pelvis":
            tail_m[index] = head_m[index] + PELVIS_LENGTH_PER_ABDOMEN * (joints_m[J["spine"]] - joints_m[J["pelvis"]])
        elif stem == "hand":
            tail_m[index] = (joints_m[J[f"{side}_index_knuckle"]] + joints_m[J[f"{side}_pinky_knuckle"]]) / 2
            if fingers is not None:
                knuckles = [NAMES.index(f"{finger}_1.{bone[-1]}") for finger in ("index", "pinky")]
                tail_m[index] = fingers.head_m[knuckles].mean(axis=0)
        elif stem == "foot":
            tail_m[index] = joints_m[J[f"{side}_toe"]]

    along = tail_m - head_m
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    z = np.cross(_hinge_axes(), along)
    z /= np.linalg.norm(z, axis=-1, keepdims=True)
    parent = tuple(SHOWN.index(_shown_parent(bone)) if bone else -1 for bone in SHOWN)
    connected = tuple(name.split(".")[0] in CONNECTED_STEMS for name in SHOWN_NAMES)
    orientation = np.stack([np.cross(along, z), along, z], axis=-1)
    return RestBones(head_m, tail_m, orientation, parent, connected, joints_m, fingers)


def _shown_parent(bone: int) -> int:
    parent = int(PARENTS[bone])
    while RIGID[parent]:
        parent = int(PARENTS[parent])
    return parent


def _hinge_axes() -> np.ndarray:
    """(A, 3) the axis that each bone's local X comes closest to: a positive turn about it bends the joint.

    Blender mirrors a bone's axes as (x, y, z) -> (-Sx, Sy, Sz) with S the reflection in X; these axes do the same, so
    that copying a pose to the other side works.
    """
    axes = np.tile([1.0, 0.0, 0.0], (len(SHOWN), 1))
    for index, bone in enumerate(SHOWN_NAMES):
        stem, _, side = bone.partition(".")
        sign = -1.0 if side == "R" else 1.0
        if stem in ("shoulder", "upper_arm", "forearm"):
            axes[index] = (0.0, 0.0, -sign)  # elbows bend forward
        elif stem == "hand":
            axes[index] = (0.0, sign, 0.0)  # wrists bend towards the palm, which faces down
    return axes


def basis_rotations(rotations: np.ndarray, orientation: np.ndarray) -> np.ndarray:
    """Basis rotations of the pose bones, B = M^-1 R M.

    Args:
        rotations: (..., B, 4) the skeleton's local rotations, wxyz.
        orientation: (A, 3, 3) `RestBones.orientation`.
    Returns:
        (..., A, 4)
    """
    shown = rotations[..., list(SHOWN), :]
    vector = np.einsum("...ai,aij->...aj", shown[..., 1:], orientation)
    return np.concatenate([shown[..., :1], vector], axis=-1)


def pelvis_location_m(root_world_m: np.ndarray, rest: RestBones) -> np.ndarray:
    """(..., 3) location channels of the pelvis bone that put it at (..., 3) `root_world_m`."""
    return (root_world_m - rest.head_m[0]) @ rest.orientation[0]
