"""The skeleton: joints, the tree they hang in, the rest pose, and its forward direction.

Axes of the rest pose are Blender's for a character: +X is the person's left, -Y is where it looks, +Z is up.
The rest pose is a T-pose with the palms down and the feet on z = 0.

Every joint but the pelvis is the tail of exactly one bone, so joints and bones share an index and a parent:
bone `j` runs from joint `PARENTS[j]` to joint `j`. Its local rotation is relative to bone `PARENTS[j]`, and the
forward kinematics (`core.kinematics.forward`) are

    G[0] = R[0]                     G[j] = G[PARENTS[j]] * R[j]
    x[0] = root                     x[j] = x[PARENTS[j]] + G[j] * (length[j] * REST_DIRECTIONS[j])

so that the identity for every bone, lengths `REST_LENGTHS_M` and root `REST_JOINTS_M[0]` give `REST_JOINTS_M`.
"""

from __future__ import annotations

import numpy as np

JOINTS: tuple[str, ...] = (
    "pelvis", "spine", "chest", "neck", "head_top", "nose",
    "left_ear", "right_ear",
    "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow",
    "left_wrist", "right_wrist",
    "left_index_knuckle", "right_index_knuckle",
    "left_pinky_knuckle", "right_pinky_knuckle",
    "left_hip", "right_hip",
    "left_knee", "right_knee",
    "left_ankle", "right_ankle",
    "left_heel", "right_heel",
    "left_toe", "right_toe",
)  # fmt: skip
"""Pelvis is the middle of the hips, neck the base of the neck between the shoulders, spine and chest lie a third and
two thirds of the way between them, toe is the tip of the big toe, and a knuckle is where finger and palm meet."""

J: dict[str, int] = {name: index for index, name in enumerate(JOINTS)}
JOINT_COUNT: int = len(JOINTS)

_PARENT_OF: dict[str, str] = {
    "spine": "pelvis", "chest": "spine", "neck": "chest", "head_top": "neck",
    "nose": "head_top", "ear": "head_top",
    "shoulder": "neck", "elbow": "shoulder", "wrist": "elbow",
    "index_knuckle": "wrist", "pinky_knuckle": "index_knuckle",
    "hip": "pelvis", "knee": "hip", "ankle": "knee", "heel": "ankle", "toe": "heel",
}  # fmt: skip


def _parent(name: str) -> int:
    if name == "pelvis":
        return -1
    side, _, stem = name.partition("_")
    if side not in ("left", "right"):
        return J[_PARENT_OF[name]]
    parent = _PARENT_OF[stem]
    return J[parent] if parent in J else J[f"{side}_{parent}"]


PARENTS: np.ndarray = np.array([_parent(name) for name in JOINTS], dtype=np.int64)
"""(J,) index of each joint's parent, always smaller than its own; -1 for the pelvis."""

MIRROR: np.ndarray = np.array(
    [
        J[name.replace("left_", "right_") if name.startswith("left_") else name.replace("right_", "left_")]
        for name in JOINTS
    ],
    dtype=np.int64,
)
"""(J,) index of the joint on the other side of the body; a joint of the middle is its own mirror."""

_BONE_STEMS: dict[str, str] = {
    "pelvis": "pelvis", "spine": "abdomen", "chest": "spine", "neck": "chest", "head_top": "head", "nose": "nose",
    "ear": "ear", "shoulder": "shoulder", "elbow": "upper_arm", "wrist": "forearm",
    "index_knuckle": "hand", "pinky_knuckle": "palm",
    "hip": "hip", "knee": "thigh", "ankle": "shin", "heel": "foot", "toe": "toe",
}  # fmt: skip


def _bone(name: str) -> str:
    side, _, stem = name.partition("_")
    return f"{_BONE_STEMS[stem]}.{side[0].upper()}" if side in ("left", "right") else _BONE_STEMS[name]


BONES: tuple[str, ...] = tuple(_bone(name) for name in JOINTS)
"""(J,) the bone that ends at each joint, in Blender's left/right convention; bone 0 turns the pelvis itself."""

BONE_COUNT: int = len(BONES)

RIGID: np.ndarray = np.array(
    [stem in ("nose", "ear", "palm", "hip", "toe") for stem in (bone.split(".")[0] for bone in BONES)]
)
"""(B,) bool; bones that keep the identity, since nothing seen from outside turns them against their parent: the face
points follow the head, the hips the pelvis, the pinky knuckle the hand and the toe the foot (`foot` runs from ankle to
heel and carries the rotation of the whole foot)."""

_REST_LEFT: dict[str, tuple[float, float, float]] = {
    "pelvis": (0.0, 0.0, 0.92), "spine": (0.0, 0.0, 1.085), "chest": (0.0, 0.0, 1.25), "neck": (0.0, 0.0, 1.415),
    "head_top": (0.0, -0.02, 1.70), "nose": (0.0, -0.13, 1.555),
    "ear": (0.075, -0.015, 1.565),
    "shoulder": (0.175, 0.0, 1.385), "elbow": (0.455, 0.0, 1.385), "wrist": (0.705, 0.0, 1.385),
    "index_knuckle": (0.795, -0.03, 1.385), "pinky_knuckle": (0.78, 0.03, 1.385),
    "hip": (0.095, 0.0, 0.92), "knee": (0.095, -0.01, 0.505), "ankle": (0.095, 0.01, 0.09),
    "heel": (0.095, 0.055, 0.02), "toe": (0.11, -0.185, 0.02),
}  # fmt: skip


def _rest(name: str) -> tuple[float, float, float]:
    side, _, stem = name.partition("_")
    if side not in ("left", "right"):
        return _REST_LEFT[name]
    x, y, z = _REST_LEFT[stem]
    return (x if side == "left" else -x), y, z


REST_JOINTS_M: np.ndarray = np.array([_rest(name) for name in JOINTS])
"""(J, 3) joints of the rest pose of a person 1.70 m tall; metres, origin on the floor below the pelvis."""

_segments = REST_JOINTS_M - REST_JOINTS_M[PARENTS]
_segments[0] = 0.0
REST_LENGTHS_M: np.ndarray = np.linalg.norm(_segments, axis=1)
"""(B,) bone lengths of the rest pose; the pelvis's own is 0."""

REST_DIRECTIONS: np.ndarray = np.divide(
    _segments, REST_LENGTHS_M[:, None], out=np.zeros_like(_segments), where=REST_LENGTHS_M[:, None] > 0
)
"""(B, 3) unit direction of each bone in the rest pose; zero for the pelvis."""

CONTACT_JOINTS: tuple[int, ...] = (J["left_heel"], J["left_toe"], J["right_heel"], J["right_toe"])
"""The joints that `Take.contact` speaks of, in its order."""

for _array in (PARENTS, MIRROR, RIGID, REST_JOINTS_M, REST_LENGTHS_M, REST_DIRECTIONS):
    _array.setflags(write=False)

# Keypoint conventions of detectors and data sets. Each maps a joint of ours to the source points whose mean it is; a
# joint that is missing from a map is not in that convention.


def _sided(**pairs: str) -> dict[str, tuple[str, ...]]:
    """Both sides of maps such as `ear="{s}_ear"`, where {s} is left or right, {S} Left or Right, {i} l or r."""
    result = {}
    for side in ("left", "right"):
        for joint, name in pairs.items():
            result[f"{side}_{joint}"] = (name.format(s=side, S=side.title(), i=side[0], I=side[0].upper()),)
    return result


_LIMBS = _sided(
    ear="{s}_ear", shoulder="{s}_shoulder", elbow="{s}_elbow", wrist="{s}_wrist",
    hip="{s}_hip", knee="{s}_knee", ankle="{s}_ankle",
)  # fmt: skip
_MIDDLES = {
    "nose": ("nose",),
    "pelvis": ("left_hip", "right_hip"),
    "neck": ("left_shoulder", "right_shoulder"),
}

COCO_17: tuple[str, ...] = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip

HALPE_26: tuple[str, ...] = COCO_17 + (
    "head", "neck", "hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel",
    "right_heel",
)  # fmt: skip

COCO_WHOLEBODY_133: tuple[str, ...] = (
    COCO_17
    + ("left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel")
    + tuple(f"face_{i}" for i in range(68))
    + tuple(f"left_hand_{i}" for i in range(21))
    + tuple(f"right_hand_{i}" for i in range(21))
)

SYNTHPOSE_52: tuple[str, ...] = COCO_17 + (
    "sternum", "right_acromion", "left_acromion", "right_outer_elbow", "left_outer_elbow", "right_inner_elbow",
    "left_inner_elbow", "right_outer_wrist", "left_outer_wrist", "right_inner_wrist", "left_inner_wrist",
    "right_front_hip", "left_front_hip", "right_back_hip", "left_back_hip", "right_outer_knee", "left_outer_knee",
    "right_inner_knee", "left_inner_knee", "right_outer_ankle", "left_outer_ankle", "right_inner_ankle",
    "left_inner_ankle", "right_small_toe", "left_small_toe", "right_toe", "left_toe", "right_big_toe", "left_big_toe",
    "left_heel", "right_heel", "vertebra_c7", "vertebra_l2", "vertebra_t11", "vertebra_t6",
)  # fmt: skip

BLAZEPOSE_33: tuple[str, ...] = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
    "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky", "left_index", "right_index", "left_thumb",
    "right_thumb", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel",
    "right_heel", "left_foot_index", "right_foot_index",
)  # fmt: skip

HUMAN36M_17: tuple[str, ...] = (
    "hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "spine", "thorax", "nose",
    "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist",
)  # fmt: skip

MUPOTS_17: tuple[str, ...] = (
    "head_top", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head",
)  # fmt: skip

HUMAN36M_18: tuple[str, ...] = (
    "pelvis", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "torso", "neck", "nose",
    "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow", "right_wrist", "thorax",
)  # fmt: skip

MUCO_21: tuple[str, ...] = (
    "head_top", "thorax", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "pelvis", "spine", "head",
    "right_hand", "left_hand", "right_toe", "left_toe",
)  # fmt: skip

_BODY_OF_12 = {joint: names for joint, names in _LIMBS.items() if not joint.endswith("ear")}

KEYPOINT_MAPS: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {
    "animepose_28": (JOINTS, {name: (name,) for name in JOINTS}),
    "coco_17": (COCO_17, {**_MIDDLES, **_LIMBS}),
    "halpe_26": (
        HALPE_26,
        {**_LIMBS, "nose": ("nose",), "pelvis": ("hip",), "neck": ("neck",), "head_top": ("head",)}
        | _sided(heel="{s}_heel", toe="{s}_big_toe"),
    ),
    "synthpose_52": (SYNTHPOSE_52, {**_MIDDLES, **_LIMBS} | _sided(heel="{s}_heel", toe="{s}_big_toe")),
    # In the 21-point hands 5 and 17 are the knuckles of index and little finger.
    "coco_wholebody_133": (
        COCO_WHOLEBODY_133,
        {**_MIDDLES, **_LIMBS}
        | _sided(heel="{s}_heel", toe="{s}_big_toe", index_knuckle="{s}_hand_5", pinky_knuckle="{s}_hand_17"),
    ),
    "blazepose_33": (
        BLAZEPOSE_33,
        {**_MIDDLES, **_LIMBS}
        | _sided(index_knuckle="{s}_index", pinky_knuckle="{s}_pinky", heel="{s}_heel", toe="{s}_foot_index"),
    ),
    "human36m_17": (
        HUMAN36M_17,
        {**_BODY_OF_12, "pelvis": ("hip",), "neck": ("thorax",), "head_top": ("head",), "nose": ("nose",)},
    ),
    "mupots_17": (MUPOTS_17, {**_BODY_OF_12, "pelvis": ("pelvis",), "neck": ("neck",), "head_top": ("head_top",)}),
    # Its neck is the thorax of human36m_17; its thorax, the middle of the shoulders, was added by 3DMPPE.
    "human36m_18": (
        HUMAN36M_18,
        {**_BODY_OF_12, "pelvis": ("pelvis",), "neck": ("neck",), "head_top": ("head",), "nose": ("nose",)},
    ),
    # Its thorax is the neck of mupots_17; its hands are their ends, where no joint of ours is.
    "muco_21": (
        MUCO_21,
        {**_BODY_OF_12, "pelvis": ("pelvis",), "neck": ("thorax",), "head_top": ("head_top",)} | _sided(toe="{s}_toe"),
    ),
}
"""Convention → its own point names in order, and the map. Sources: the COCO, Halpe, COCO-WholeBody, SynthPose (model
card; its markers renamed), MediaPipe, Human3.6M (17 joints, VideoPose3D's order) and MuPoTS-3D documentation; the
public release of 3DMPPE (Human3.6M with 18 joints, MuCo-3DHP with 21)."""


def from_keypoints(convention: str, points: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of another convention in ours.

    Args:
        convention: a key of `KEYPOINT_MAPS`.
        points: (..., N, D) in that convention's order; NaN = not observed.
        confidence: (..., N).
    Returns:
        (..., J, D) and (..., J). A joint made of several points is their mean and has the smallest of their
        confidences; one that the convention lacks, or whose points are not observed, is NaN with confidence 0.
    Raises:
        ValueError: if N is not the convention's number of points.
    """
    names, sources = KEYPOINT_MAPS[convention]
    if points.shape[-2] != len(names) or confidence.shape != points.shape[:-1]:
        raise ValueError(
            f"{convention} has {len(names)} points; got points {points.shape}, confidence {confidence.shape}"
        )
    place = {name: index for index, name in enumerate(names)}
    joints = np.full((*points.shape[:-2], JOINT_COUNT, points.shape[-1]), np.nan, dtype=points.dtype)
    joint_confidence = np.zeros(joints.shape[:-1], dtype=confidence.dtype)
    for joint, of in sources.items():
        indices = [place[name] for name in of]
        joints[..., J[joint], :] = points[..., indices, :].mean(axis=-2)
        joint_confidence[..., J[joint]] = confidence[..., indices].min(axis=-1)
    joint_confidence[np.isnan(joints).any(axis=-1)] = 0
    return joints, joint_confidence


MOCAP_NAMES: dict[str, tuple[str, ...]] = {
    "pelvis": ("hip", "Hips", "root", "CC_Base_Hip", "pelvis"),
    "chest": ("chest", "Spine1", "thorax", "CC_Base_Spine02"),
    "neck": ("neck", "Neck", "lowerneck", "CC_Base_NeckTwist01"),
} | {
    f"{side}_{joint}": tuple(n.format(S=side.title(), i=side[0], I=side[0].upper()) for n in names)
    for side in ("left", "right")
    for joint, names in {
        "shoulder": ("{i}Shldr", "{S}Arm", "{i}humerus", "CC_Base_{I}_Upperarm"),
        "elbow": ("{i}ForeArm", "{S}ForeArm", "{i}radius", "CC_Base_{I}_Forearm"),
        "wrist": ("{i}Hand", "{S}Hand", "{i}hand", "CC_Base_{I}_Hand"),
        "hip": ("{i}Thigh", "{S}UpLeg", "{i}femur", "CC_Base_{I}_Thigh"),
        "knee": ("{i}Shin", "{S}Leg", "{i}tibia", "CC_Base_{I}_Calf"),
        "ankle": ("{i}Foot", "{S}Foot", "{i}foot", "CC_Base_{I}_Foot"),
    }.items()
}
"""Joint → the names under which BVH files and the CMU recordings (three skeletons) have a joint at that place."""
