"""MakeHuman's rigs on a body of any shape: where their bones are, and which of them move which vertex.

A rig's file says of each bone's ends which vertices of the base mesh they hang on. Weights are those of the rig that
the body was loaded with (`mesh.RIG`), handed on bone by bone: they cover the helpers that carry clothes as well.

Reference: MakeHuman community assets, `rigs/standard` and `rigs/rigify`, CC0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from animepose_blender.errors import AnimePoseError

from .mesh import Body
from .rotations import smoothstep

FILES = {
    "mixamo": "standard/rig.mixamo.json",
    "cmu_mb": "standard/rig.cmu_mb.json",
    "game_engine": "standard/rig.game_engine.json",
    "rigify": "rigify/rig.human.json",
    "rigify_toes": "rigify/rig.human_toes.json",
}
"""Rig → its file below `humans/rigs`."""

_SIDES = {"l": "Left", "r": "Right"}
_FINGERS = {"thumb": "Thumb", "index": "Index", "middle": "Middle", "ring": "Ring", "pinky": "Pinky"}
_NUMBERS = ("1", "2", "3")

TO_MIXAMO: dict[str, str] = (
    {
        "Root": "Hips", "pelvis": "Hips", "spine_01": "Spine", "spine_02": "Spine1", "spine_03": "Spine2",
        "neck_01": "Neck", "head": "Head",
    }
    | {
        f"{ours}_{s}": f"{side}{theirs}"
        for s, side in _SIDES.items()
        for ours, theirs in {
            "clavicle": "Shoulder", "upperarm": "Arm", "lowerarm": "ForeArm", "hand": "Hand",
            "thigh": "UpLeg", "calf": "Leg", "foot": "Foot", "ball": "ToeBase",
        }.items()
    }
    | {
        f"{finger}_0{n}_{s}": f"{side}Hand{theirs}{n}"
        for s, side in _SIDES.items()
        for finger, theirs in _FINGERS.items()
        for n in _NUMBERS
    }
)  # fmt: skip
"""Bone of the body's own rig → bone of the Mixamo rig, without its prefix."""

TO_RIGIFY: dict[str, tuple[str, ...]] = (
    {
        "Root": ("spine",), "pelvis": ("spine",), "spine_01": ("spine.001",), "spine_02": ("spine.001",),
        "spine_03": ("spine.002", "spine.003"), "neck_01": ("spine.004", "spine.005"), "head": ("spine.006",),
    }
    | {
        f"{ours}_{s}": tuple(bone.format(s.upper()) for bone in theirs)
        for s in _SIDES
        for ours, theirs in {
            "clavicle": ("shoulder.{}",), "hand": ("hand.{}",), "foot": ("foot.{}",), "ball": ("toe.{}",),
            "upperarm": ("upper_arm.{}", "upper_arm.{}.001"), "lowerarm": ("forearm.{}", "forearm.{}.001"),
            "thigh": ("thigh.{}", "thigh.{}.001"), "calf": ("shin.{}", "shin.{}.001"),
        }.items()
    }
    | {
        f"{finger}_0{n}_{s}": (f"{'' if finger == 'thumb' else 'f_'}{finger}.0{n}.{s.upper()}",)
        for s in _SIDES
        for finger in _FINGERS
        for n in _NUMBERS
    }
)  # fmt: skip
"""Bone of the body's own rig → the deforming bones of a generated Rigify rig that share its place, without DEF-."""


@dataclass(frozen=True)
class RigBone:
    """A bone at rest; metres, Z up."""

    name: str
    parent: str
    head_m: np.ndarray
    tail_m: np.ndarray
    roll_rad: float
    aligned: str
    """`z` or `x`: the bone's own axis that is turned to the world's, instead of the roll; else empty."""
    connected: bool


def read_rig(body: Body, rig: str) -> list[RigBone]:
    """The bones of a rig on a body, parents first.

    Args:
        rig: a key of `FILES`.
    Raises:
        AnimePoseError: if the file is missing.
    """
    path = body.base.folder / "rigs" / FILES[rig]
    if not path.is_file():
        raise AnimePoseError(f"The rig {path} is missing.", "Name the folder that holds `humans` with --data.")
    content = json.loads(Path(path).read_text())
    # Older files hold nothing but the bones.
    bones: dict[str, Any] = content.get("bones", content)
    done: dict[str, RigBone] = {}
    while len(done) < len(bones):
        for name, bone in bones.items():
            if name not in done and (bone["parent"] or "") in ("", *done):
                done[name] = _bone(body, name, bone)
    return list(done.values())


def _bone(body: Body, name: str, bone: dict[str, Any]) -> RigBone:
    strategy = bone.get("roll_strategy") or ""
    return RigBone(
        name, bone["parent"] or "", _end(body, bone["head"]), _end(body, bone["tail"]), float(bone["roll"]),
        {"ALIGN_Z_WORLD_Z": "z", "ALIGN_X_WORLD_X": "x"}.get(strategy, ""), bool(bone.get("use_connect")),
    )  # fmt: skip


def _end(body: Body, end: dict[str, Any]) -> np.ndarray:
    strategy = end["strategy"]
    if strategy == "CUBE":
        return body.centre(end["cube_name"])
    if strategy == "VERTEX":
        return body.vertices_m[end["vertex_index"]]
    if strategy == "MEAN":
        return body.vertices_m[end["vertex_indices"]].mean(axis=0)
    return np.array([body.vertices_m[vertex, axis] for axis, vertex in enumerate(end["vertex_indices"])])  # XYZ


def weights_of(body: Body, vertices: np.ndarray, takers: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    """Weights of another rig's bones.

    Where two bones share the place of one, the second takes over in the middle, softly.

    Args:
        vertices: (n,) vertices of the base mesh.
        takers: bone of the body's own rig → the bones that take its weight.
    Returns:
        Bone → (n,) weights; they sum to 1 over the bones.
    """
    base = body.base
    found: dict[str, np.ndarray] = {}
    for bone, names in takers.items():
        weight = (base.weights * (base.weight_bones == body.bone[bone])).sum(axis=1)[vertices]
        if len(names) == 1:
            shares = [np.ones_like(weight)]
        else:
            start, end = body.heads_m[body.bone[bone]], _far_end(body, bone)
            line = end - start
            along = (body.vertices_m[vertices] - start) @ line / (line @ line)
            second = smoothstep((along - 0.3) / 0.4)
            shares = [1.0 - second, second]
        for name, share in zip(names, shares, strict=True):
            found[name] = found.get(name, np.zeros(len(vertices))) + weight * share
    return found


def _far_end(body: Body, bone: str) -> np.ndarray:
    """The chest of that rig ends below the neck, so a bone ends where the next one of its chain begins."""
    following = {"spine_03": "neck_01", "neck_01": "head"}.get(bone)
    return body.tails_m[body.bone[bone]] if following is None else body.heads_m[body.bone[following]]
