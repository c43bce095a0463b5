"""How far the joints of a file are from those that Blender shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from .readers import READERS, Contents, Skeleton


@dataclass(frozen=True)
class Compared:
    """One skeleton of a file beside its armature."""

    person: str
    bones: int
    added: tuple[str, ...]
    """Bones that the armature does not have."""
    roots: tuple[str, ...]
    furthest_mm: float
    """Largest distance of a joint over all frames."""
    scale_off: float
    object_turn_deg: float


def evaluated_joints(armature: bpy.types.Object, frames: Sequence[int]) -> dict[str, np.ndarray]:
    """Bone → (F, 3) its head in the world, metres, as Blender shows the armature in the current scene."""
    scene, before = bpy.context.scene, bpy.context.scene.frame_current
    found = []
    for frame in frames:
        scene.frame_set(frame)
        posed = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
        assert posed.pose is not None
        flat = np.empty(16 * len(posed.pose.bones), dtype=np.float32)
        posed.pose.bones.foreach_get("matrix", flat)
        heads = flat.reshape(-1, 4, 4)[:, 3, :3].astype(np.float64)
        world = np.array(posed.matrix_world, dtype=np.float64)
        found.append(heads @ world[:3, :3].T + world[:3, 3])
    scene.frame_set(before)
    assert armature.pose is not None
    return dict(zip((bone.name for bone in armature.pose.bones), np.stack(found, axis=1), strict=True))


def plain(name: str) -> str:
    """A name as formats may change it."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def read(path: Path, frames: Sequence[int], rate: float) -> Contents:
    """A file at the times of some frames."""
    return READERS[path.suffix[1:]](path, len(frames), rate)


def compare(skeleton: Skeleton, person: str, joints_m: dict[str, np.ndarray]) -> Compared:
    """A skeleton beside the joints of the armature that it is made of; bones are found by name."""
    ours = {plain(name): at for name, at in joints_m.items()}
    known = [(number, plain(bone)) for number, bone in enumerate(skeleton.bones) if plain(bone) in ours]
    off_m = [np.linalg.norm(skeleton.joints_m[:, number] - ours[name], axis=-1).max() for number, name in known]
    added = tuple(bone for bone in skeleton.bones if plain(bone) not in ours)
    return Compared(
        person, len(skeleton.bones), added, tuple(skeleton.roots), float(1000 * max(off_m)), skeleton.scale_off,
        skeleton.object_turn_deg,
    )  # fmt: skip


def of_person(contents: dict[str, Contents], person: str) -> Skeleton:
    """The skeleton of a person among the files of one format (path → contents)."""
    for path, content in contents.items():
        for name, skeleton in content.skeletons.items():
            if plain(name) == plain(person) or (len(content.skeletons) == 1 and plain(person) in plain(path)):
                return skeleton
    raise KeyError(person)
