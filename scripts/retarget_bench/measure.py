"""What a moving rig does, as Blender evaluates it: nothing here asks the add-on.

A figure is known by the joints of its limbs and by how its bones are turned from rest. Source and target are brought
into this form each by its own way, and compared.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.kinematics import forward
from animepose_blender.skeleton import CONTACT_JOINTS, JOINTS, PARENTS, J
from animepose_blender.take import Take

SIDES = {"L": "left", "R": "right"}
LIMBS: dict[str, str] = {"upper_arm": "forearm", "forearm": "hand", "thigh": "shin", "shin": "foot"}
"""Limb → the slot at whose joint it ends."""
CONTACT_PROBABILITY = 0.5
HEEL_SHARE, TOE_SHARE, SOLE_SHARE, ANKLE_SHARE = 0.054, 0.235, 0.024, 0.108
"""Distances of heel and tip of the toes from the ankle, and of both and of the ankle from the floor, as parts of the
leg, in the skeleton's rest pose."""
STRAIGHT = 0.85
"""Cosine of how far outwards a foot may point."""
FORWARD, UP = np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure over F frames; world axes, metres. Keys are slots."""

    joints_m: dict[str, np.ndarray]
    """(F, 3) where each slot's bone begins."""
    turned: dict[str, np.ndarray]
    """(F, 3, 3) rotation of its bone from rest."""
    rest_m: dict[str, np.ndarray]
    """(3,) its joint at rest."""
    forward: np.ndarray
    """(3,) where the figure looks at rest."""
    headings: dict[str, np.ndarray]
    """Side → (3,) where its foot points at rest, level."""
    feet_m: np.ndarray
    """(F, 4, 3) left heel and toe, right heel and toe: points fixed in the feet, as high in them as the skeleton's
    joints, which is what a take's contacts speak of."""
    soles_m: np.ndarray
    """(F, 4, 3) the points below them that lie on the floor at rest."""


# The source.

_TAKE_JOINTS = {"pelvis": "pelvis", "head": "neck"} | {
    f"{slot}.{side[0].upper()}": f"{side}_{joint}"
    for side in ("left", "right")
    for slot, joint in {
        "upper_arm": "shoulder", "forearm": "elbow", "hand": "wrist", "thigh": "hip", "shin": "knee", "foot": "ankle",
    }.items()
}  # fmt: skip
_TAKE_BONES = {"pelvis": "pelvis", "head": "head_top"} | {
    f"{slot}.{side[0].upper()}": f"{side}_{joint}"
    for side in ("left", "right")
    for slot, joint in {
        "upper_arm": "elbow", "forearm": "wrist", "hand": "index_knuckle", "thigh": "knee", "shin": "ankle",
        "foot": "heel",
    }.items()
}  # fmt: skip


def figure_of_take(take: Take, person: int) -> Figure:
    """A person of a take, who is there in every frame."""
    lengths_m = take.bone_length_m[person].astype(np.float64)
    joints_m, turned = forward(
        take.rotations[person].astype(np.float64), take.root_world_m[person].astype(np.float64), lengths_m
    )
    rest_m, _ = forward(np.tile(quat.IDENTITY, (len(PARENTS), 1)), np.zeros(3), lengths_m)
    feet_m = joints_m[:, list(CONTACT_JOINTS)]
    height_m = rest_m[J["left_ankle"], 2] - rest_m[J["left_toe"], 2]  # 0.07 where the sole is 0.02 further down
    down_m = np.array([0.0, 0.0, -height_m * 2.0 / 7.0])
    ankles = np.repeat([J["left_heel"], J["right_heel"]], 2)
    return Figure(
        {slot: joints_m[:, J[joint]] for slot, joint in _TAKE_JOINTS.items()},
        {slot: quat.to_matrix(turned[:, J[joint]]) for slot, joint in _TAKE_BONES.items()},
        {slot: rest_m[J[joint]] for slot, joint in _TAKE_JOINTS.items()},
        FORWARD,
        {side: _level(rest_m[J[f"{word}_toe"]] - rest_m[J[f"{word}_heel"]], UP) for side, word in SIDES.items()},
        feet_m,
        feet_m + quat.rotate(turned[:, ankles], np.broadcast_to(down_m, feet_m.shape)),
    )


def take_joints_m(take: Take, person: int) -> dict[str, np.ndarray]:
    """Joint → (F, 3)."""
    return {name: take.joints_world_m[person, :, index].astype(np.float64) for index, name in enumerate(JOINTS)}


# Rigs, as Blender evaluates them.


def sample(armature: bpy.types.Object, frames: np.ndarray, scene: bpy.types.Scene | None = None) -> np.ndarray:
    """(F, N, 4, 4) world matrices of all pose bones, in the order of `armature.pose.bones`.

    Args:
        scene: one whose view layer shows the armature; the context's by default.
    """
    scene = scene or bpy.context.scene
    assert scene is not None
    layer = scene.view_layers[0]
    assert armature.pose is not None
    layer.update()  # a new scene has nothing evaluated yet
    assert layer.depsgraph is not None
    flat = np.empty(len(armature.pose.bones) * 16)
    found = np.empty((len(frames), len(armature.pose.bones), 4, 4))
    for number, frame in enumerate(frames):
        whole = int(np.floor(frame))
        scene.frame_set(whole, subframe=float(frame - whole))
        evaluated = armature.evaluated_get(layer.depsgraph)
        assert evaluated.pose is not None
        evaluated.pose.bones.foreach_get("matrix", flat)
        # Blender hands matrices out column by column.
        local = flat.reshape(-1, 4, 4).transpose(0, 2, 1)
        found[number] = np.array(evaluated.matrix_world) @ local
    return found


def rest_world(armature: bpy.types.Object) -> np.ndarray:
    """(N, 4, 4) world matrices of all bones at rest."""
    local = np.array([np.array(bone.bone.matrix_local) for bone in armature.pose.bones])  # type: ignore[union-attr]
    return np.array(armature.matrix_world) @ local


def _rotations(matrices: np.ndarray) -> np.ndarray:
    """(..., 3, 3) without scale."""
    m = matrices[..., :3, :3]
    return m / np.linalg.norm(m, axis=-2, keepdims=True)


def figure_of_rig(
    armature: bpy.types.Object, joints: dict[str, str], frames: np.ndarray, foot_m: tuple[float, float] | None = None
) -> Figure:
    """A rig over some frames of the scene.

    Args:
        joints: slot → the deforming bone that begins at its joint; toes may be missing.
        foot_m: how far behind the ankle the heel is, and ahead of it the tip of the toes; None = in the proportion of
            the skeleton's rest pose. Bones seldom tell.
    """
    assert armature.pose is not None
    place = {bone.name: index for index, bone in enumerate(armature.pose.bones)}
    rest, moving = rest_world(armature), sample(armature, frames)
    index = {slot: place[bone] for slot, bone in joints.items()}
    turned = _rotations(moving) @ np.swapaxes(_rotations(rest), -1, -2)
    rest_m = {slot: rest[i, :3, 3] for slot, i in index.items()}
    # Rigs are built along their object's axes; heads are carried forward.
    axes = np.array(armature.matrix_world)[:3, :3].T
    axes = np.concatenate([axes, -axes]) / np.linalg.norm(axes[0])
    up = axes[np.argmax(axes @ (rest_m["head"] - rest_m["pelvis"]))]
    ahead = _unit(np.cross(rest_m["thigh.L"] - rest_m["thigh.R"], up))
    floor_m = np.array(armature.matrix_world)[:3, 3]
    low_m = rest_m["foot.L"] - ANKLE_SHARE * _leg(rest_m, "L") * up
    if abs((floor_m - low_m) @ up) > ANKLE_SHARE * _leg(rest_m, "L"):
        floor_m = low_m  # the object's origin is elsewhere
    feet, soles, headings = [], [], {}
    for side in SIDES:
        ends = [rest_m[f"toe.{side}"]] if f"toe.{side}" in rest_m else []
        headings[side] = (
            _level(ends[0] - rest_m[f"foot.{side}"], up) if ends else _own_heading(armature, joints, side, up, ahead)
        )
        for point_m, carrier in _sole(joints, rest_m, side, headings[side], foot_m):
            point_m = point_m - up * ((point_m - floor_m) @ up)
            i = place[carrier]
            for points, height_m in ((soles, 0.0), (feet, SOLE_SHARE * _leg(rest_m, side))):
                fixed = np.linalg.inv(rest[i]) @ np.append(point_m + height_m * up, 1.0)
                points.append((moving[:, i] @ fixed)[:, :3])
    return Figure(
        {slot: moving[:, i, :3, 3] for slot, i in index.items()},
        {slot: turned[:, i] for slot, i in index.items()},
        rest_m,
        ahead,
        headings,
        np.stack(feet, axis=1),
        np.stack(soles, axis=1),
    )


def _own_heading(
    armature: bpy.types.Object, joints: dict[str, str], side: str, up: np.ndarray, ahead: np.ndarray
) -> np.ndarray:
    """Of a foot without toes: along the bone, unless that points anywhere."""
    bone = armature.data.bones[joints[f"foot.{side}"]]  # type: ignore[union-attr]
    along = np.array(bone.matrix_local)[:3, 1]
    heading = _level(np.array(armature.matrix_world)[:3, :3] @ along, up)
    return heading if heading @ ahead > STRAIGHT else ahead


def _level(vector: np.ndarray, up: np.ndarray) -> np.ndarray:
    return _unit(vector - (vector @ up) * up)


def _sole(
    joints: dict[str, str],
    rest_m: dict[str, np.ndarray],
    side: str,
    ahead: np.ndarray,
    foot_m: tuple[float, float] | None,
) -> list[tuple[np.ndarray, str]]:
    """Heel and toe at rest, and the bone that carries each; heights do not matter yet."""
    foot, ankle_m, leg_m = joints[f"foot.{side}"], rest_m[f"foot.{side}"], _leg(rest_m, side)
    behind_m, ahead_m = foot_m or (HEEL_SHARE * leg_m, TOE_SHARE * leg_m)
    return [(ankle_m - behind_m * ahead, foot), (ankle_m + ahead_m * ahead, joints.get(f"toe.{side}", foot))]


def _leg(rest_m: dict[str, np.ndarray], side: str) -> float:
    hip_m, knee_m, ankle_m = (rest_m[f"{slot}.{side}"] for slot in ("thigh", "shin", "foot"))
    return float(np.linalg.norm(ankle_m - knee_m) + np.linalg.norm(knee_m - hip_m))


# Comparisons.


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Between unit vectors; exact for small angles too."""
    return np.degrees(2.0 * np.arctan2(np.linalg.norm(a - b, axis=-1), np.linalg.norm(a + b, axis=-1)))


def limb_errors_deg(source: Figure, target: Figure) -> dict[str, np.ndarray]:
    """Limb → (F,) angle between its direction in the source and in the target."""
    return {
        f"{limb}.{side}": _angle_deg(*(_direction(f, limb, side) for f in (source, target)))
        for limb in LIMBS
        for side in SIDES
    }


def _direction(figure: Figure, limb: str, side: str) -> np.ndarray:
    return _unit(figure.joints_m[f"{LIMBS[limb]}.{side}"] - figure.joints_m[f"{limb}.{side}"])


def twist_errors_deg(source: Figure, target: Figure) -> dict[str, np.ndarray]:
    """Limb → (F,) how far it is turned about itself against the source.

    At rest a limb's front is where the figure looks, made square to the limb. Arms that are lowered from a T-pose to an
    A-pose keep their front, so the rest poses may differ.
    """
    found = {}
    for limb in LIMBS:
        for side in SIDES:
            fronts, directions = [], []
            for figure in (source, target):
                slot = f"{limb}.{side}"
                rest = _unit(figure.rest_m[f"{LIMBS[limb]}.{side}"] - figure.rest_m[slot])
                front = _unit(figure.forward - (figure.forward @ rest) * rest)
                fronts.append(np.einsum("fij,j->fi", figure.turned[slot], front))
                directions.append(_direction(figure, limb, side))
            onto = quat.between(directions[1], directions[0])
            there = quat.rotate(onto, fronts[1])
            here, there = (_across(front, directions[0]) for front in (fronts[0], there))
            found[f"{limb}.{side}"] = _angle_deg(here, there)
    return found


def _across(vectors: np.ndarray, axes: np.ndarray) -> np.ndarray:
    return _unit(vectors - np.sum(vectors * axes, axis=-1, keepdims=True) * axes)


def foot_errors_deg(source: Figure, target: Figure) -> np.ndarray:
    """(F, 2) angle between where the source's and the target's feet point to."""
    return np.stack(
        [
            _angle_deg(*(np.einsum("fij,j->fi", f.turned[f"foot.{side}"], f.headings[side]) for f in (source, target)))
            for side in SIDES
        ],
        axis=1,
    )


@dataclass(frozen=True)
class FootFigures:
    """What feet do while the source says that they stand; millimetres."""

    slide_mm_frame: float
    """Mean way of a standing point between two frames."""
    drift_mm: float
    """Mean over stands of the farthest a point gets from its place, which is the median of the stand."""
    drift_worst_mm: float
    """95th percentile of the same over all standing points."""
    below_mm: float
    """Mean depth below the floor over all frames and points."""
    below_worst_mm: float


def foot_figures(figure: Figure, contact: np.ndarray) -> FootFigures:
    """Figures of feet while contacts (F, 4) say that they stand."""
    feet_m = figure.feet_m
    stands = contact >= CONTACT_PROBABILITY
    steps_mm = 1000.0 * np.linalg.norm(np.diff(feet_m, axis=0), axis=-1)
    both = stands[1:] & stands[:-1]
    spans, points = [], []
    for point in range(4):
        for first, last in runs(stands[:, point]):
            at = feet_m[first:last, point]
            away = 1000.0 * np.linalg.norm(at - np.median(at, axis=0), axis=-1)
            spans.append(float(away.max()))
            points.append(away)
    below = 1000.0 * np.maximum(-figure.soles_m[..., 2], 0.0)
    return FootFigures(
        float(steps_mm[both].mean()) if both.any() else 0.0,
        float(np.mean(spans)) if spans else 0.0,
        float(np.percentile(np.concatenate(points), 95)) if points else 0.0,
        float(below.mean()),
        float(below.max()),
    )


def runs(flags: np.ndarray, shortest: int = 3) -> list[tuple[int, int]]:
    """First and one past the last frame of every run of true flags that is long enough."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= shortest]


def mean_of(errors: dict[str, np.ndarray]) -> float:
    return float(np.mean([e.mean() for e in errors.values()]))


def worst_of(errors: dict[str, np.ndarray]) -> float:
    return float(max(e.max() for e in errors.values()))
