"""Rigs as real armatures in Blender: from plain data, from Rigify's generator, and MakeHuman's on their mesh's joints.

Every rig stands with its soles on z = 0 of its own axes and looks along -Y of the world, unless a variant says
otherwise.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import radians
from pathlib import Path

import bpy
import numpy as np
from mathutils import Euler, Matrix

from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.skeleton import REST_JOINTS_M, J

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ANIMEPOSE_DATA", ROOT.parent / "shared" / "data"))
"""The folder with `humans` and `mocap`."""
WITHOUT_DATA = f"there is no {DATA / 'humans'}; name the folder that holds it with ANIMEPOSE_DATA"
MAKEHUMAN = ("mixamo", "cmu_mb", "game_engine", "rigify")
EULERS = ("XYZ", "ZXY", "YZX", "XZY", "YXZ", "ZYX")

_SIDED = {
    "upper_arm": "upper_arm", "forearm": "forearm", "hand": "hand", "thigh": "thigh", "shin": "shin", "foot": "foot",
    "toe": "toe",
}  # fmt: skip
RIGIFY_DEFORM: dict[str, str] = {"pelvis": "DEF-spine", "spine_1": "DEF-spine.001", "head": "DEF-spine.006"} | {
    f"{slot}.{side}": f"DEF-{bone}.{side}" for slot, bone in _SIDED.items() for side in "LR"
}
"""Slot → the bone of a generated Rigify rig that moves the mesh there."""


@dataclass(frozen=True, eq=False)
class Rig:
    """An armature in the scene, and where to look for its joints."""

    armature: bpy.types.Object
    joints: dict[str, str]
    """Slot → the deforming bone that begins at the slot's joint."""
    rig_map: RigMap | None = None
    """What is known to be right; None leaves it to the add-on."""
    foot_m: tuple[float, float] | None = None
    """How far behind the ankle the heel is, and ahead of it the tip of the toes."""

    @property
    def pose(self) -> bpy.types.Pose:
        assert self.armature.pose is not None
        return self.armature.pose


@contextmanager
def editing(armature: bpy.types.Object) -> Iterator[bpy.types.ArmatureEditBones]:
    """The bones of an armature of the scene in Edit Mode."""
    view_layer = bpy.context.view_layer
    view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    try:
        yield armature.data.edit_bones
    finally:
        bpy.ops.object.mode_set(mode="OBJECT")


def fresh_scene() -> bpy.types.Scene:
    """An empty file; what was in it is gone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def build(data: Armature, rig_map: RigMap | None = None, name: str = "Rig") -> Rig:
    """A plain rig from data: the object gets the data's `to_world`."""
    armature = bpy.data.objects.new(name, bpy.data.armatures.new(name))
    bpy.context.scene.collection.objects.link(armature)
    with editing(armature) as bones:
        for index, bone_name in enumerate(data.names):
            bone = bones.new(bone_name)
            bone.head, bone.tail = data.heads[index].tolist(), data.tails[index].tolist()
            bone.align_roll(data.rest[index, :3, 2].tolist())
            if data.parents[index] >= 0:
                bone.parent = bones[data.names[data.parents[index]]]
            bone.use_deform = bool(data.deform[index])
    armature.matrix_world = Matrix(data.to_world.tolist())
    bpy.context.view_layer.update()
    return Rig(armature, dict(rig_map.bones) if rig_map else {}, rig_map)


def catalogued(family: str, variant: catalogue.Variant = catalogue.PLAIN) -> Rig:
    """A family's rig out of the catalogue, as a real armature."""
    known = catalogue.rig(family, variant)
    heel, ankle, toe = (REST_JOINTS_M[J[f"left_{joint}"]] for joint in ("heel", "ankle", "toe"))
    foot_m = float(heel[1] - ankle[1]), float(ankle[1] - toe[1])
    return replace(build(known.armature, known.rig_map, family), foot_m=foot_m)


def makehuman(name: str, stature_m: float = 1.75, **shape: float) -> Rig:
    """One of MakeHuman's rigs on the joints of a shaped body: `MAKEHUMAN`."""
    if str(ROOT / "scripts") not in sys.path:
        sys.path.insert(0, str(ROOT / "scripts"))
    from scenes import rigged
    from scenes.makehuman_rigs import read_rig
    from scenes.mesh import Shape, load_base, shape_body

    body = shape_body(load_base(DATA / "humans"), Shape(stature_m, shape.pop("gender", 0.5), **shape))
    armature = rigged.add_rig(bpy.context.scene, name, read_rig(body, name))
    bpy.context.view_layer.update()
    return Rig(armature, MAKEHUMAN_JOINTS[name], foot_m=_foot(armature, MAKEHUMAN_JOINTS[name]))


def _foot(armature: bpy.types.Object, joints: dict[str, str]) -> tuple[float, float]:
    """Of a rig that looks along -Y and whose toe bones end at the tip; the heel lies a quarter as far behind."""
    bones = armature.data.bones
    ahead_m = bones[joints["foot.L"]].head_local.y - bones[joints["toe.L"]].tail_local.y
    return 0.25 * ahead_m, ahead_m


def _sides(pattern: str, sides: Sequence[str], stems: dict[str, str]) -> dict[str, str]:
    return {
        f"{slot}.{side}": pattern.format(side=theirs, bone=bone)
        for side, theirs in zip("LR", sides, strict=True)
        for slot, bone in stems.items()
    }


_MIXAMO = {
    "upper_arm": "Arm", "forearm": "ForeArm", "hand": "Hand", "thigh": "UpLeg", "shin": "Leg", "foot": "Foot",
    "toe": "ToeBase",
}  # fmt: skip
_ENGINE = {
    "upper_arm": "upperarm", "forearm": "lowerarm", "hand": "hand", "thigh": "thigh", "shin": "calf", "foot": "foot",
    "toe": "ball",
}  # fmt: skip
MAKEHUMAN_JOINTS: dict[str, dict[str, str]] = {
    "mixamo": {"pelvis": "mixamorig:Hips", "spine_1": "mixamorig:Spine", "head": "mixamorig:Head"}
    | _sides("mixamorig:{side}{bone}", ("Left", "Right"), _MIXAMO),
    "cmu_mb": {"pelvis": "Hips", "spine_1": "LowerBack", "head": "Head"}
    | _sides("{side}{bone}", ("Left", "Right"), _MIXAMO),
    "game_engine": {"pelvis": "pelvis", "spine_1": "spine_01", "head": "head"} | _sides("{bone}_{side}", "lr", _ENGINE),
    "rigify": {"pelvis": "spine", "spine_1": "spine.001", "head": "spine.006"}
    | _sides("{bone}.{side}", "LR", {slot: slot for slot in _ENGINE}),
}
"""Rig → slot → bone, for measuring; the add-on is to find its own map."""

_GENERATED: dict[str, Path] = {}


def rigify(basic: bool = False) -> Rig:
    """Rigify's human, generated from its metarig as a user does it; made once a process and kept in a file.

    Args:
        basic: the metarig without a face and fingers.
    """
    key = "basic" if basic else "human"
    if key not in _GENERATED:
        _GENERATED[key] = _generate(basic)
    with bpy.data.libraries.load(str(_GENERATED[key]), link=False) as (theirs, ours):
        ours.objects = [name for name in theirs.objects if not name.startswith("WGT-")]
    armature = next(o for o in ours.objects if o is not None and o.type == "ARMATURE")
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.update()
    return Rig(armature, dict(RIGIFY_DEFORM), foot_m=_foot(armature, RIGIFY_DEFORM))


_GENERATE = """
import sys
import bpy
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.preferences.addon_enable(module="rigify")
getattr(bpy.ops.object, sys.argv[-2])()
bpy.ops.pose.rigify_generate()
rig = bpy.context.object
rig.name = "Rigify"
bpy.data.libraries.write(sys.argv[-1], {rig}, fake_user=False)
"""


def _generate(basic: bool) -> Path:
    """Generate in a process of its own: Rigify leaves much behind in the file where it works."""
    folder = tempfile.mkdtemp(prefix="animepose_rigify_")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "rig.blend"
    operator = "armature_basic_human_metarig_add" if basic else "armature_human_metarig_add"
    # Inside a real Blender there is no Python that knows bpy but Blender itself.
    blender = bpy.app.binary_path
    start = [blender, "-b", "--factory-startup", "--python-expr"] if blender else [sys.executable, "-c"]
    command = [*start, _GENERATE, *(["--"] if blender else []), operator, str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return path


def metarig() -> Rig:
    """Rigify's human before it is generated: a plain armature."""
    bpy.ops.preferences.addon_enable(module="rigify")
    bpy.ops.object.armature_human_metarig_add()
    joints = {slot: bone.removeprefix("DEF-") for slot, bone in RIGIFY_DEFORM.items()}
    return Rig(bpy.context.object, joints, foot_m=_foot(bpy.context.object, joints))


# Variants: what animators' files do to a rig. All leave it where it stood in the world, or say where it is now.


def scaled(rig: Rig, units: float) -> Rig:
    """The same rig with `units` of its own to a metre, and its object scaled back."""
    with editing(rig.armature) as bones:
        connected = [bone.name for bone in bones if bone.use_connect]
        for bone in bones:
            bone.use_connect = False
        for bone in bones:
            z = bone.z_axis.copy()
            bone.head, bone.tail = bone.head * units, bone.tail * units
            bone.align_roll(z)
        for name in connected:
            bones[name].use_connect = True
    rig.armature.scale = [value / units for value in rig.armature.scale]
    bpy.context.view_layer.update()
    return rig


def lying_data(rig: Rig) -> Rig:
    """The rig as files with Y up bring it: bones turned by +90 degrees about X, the object turned back by -90."""
    turn = Matrix.Rotation(radians(90.0), 4, "X")
    with editing(rig.armature) as bones:
        connected = [bone.name for bone in bones if bone.use_connect]
        for bone in bones:
            bone.use_connect = False
        for bone in bones:
            bone.matrix = turn @ bone.matrix
        for name in connected:
            bones[name].use_connect = True
    rig.armature.matrix_world = rig.armature.matrix_world @ turn.inverted()
    bpy.context.view_layer.update()
    return rig


def rolled(rig: Rig, seed: int = 3) -> Rig:
    """Every bone rolled about itself by an angle of its own."""
    random = np.random.default_rng(seed)
    with editing(rig.armature) as bones:
        for bone in bones:
            bone.roll += float(random.uniform(-3.0, 3.0))
    return rig


def on_a_turned_empty(rig: Rig, turn_deg: Sequence[float] = (0.0, 0.0, 120.0)) -> Rig:
    """The rig as a child of an empty that is turned and stands elsewhere; the rig turns and moves with it."""
    empty = bpy.data.objects.new("Holder", None)
    bpy.context.scene.collection.objects.link(empty)
    empty.location = (1.5, -0.7, 0.0)
    empty.rotation_euler = [radians(angle) for angle in turn_deg]
    rig.armature.parent = empty
    bpy.context.view_layer.update()
    return rig


def with_eulers(rig: Rig) -> Rig:
    """Every bone with Euler angles, the orders by turns; at its rest pose still."""
    for index, bone in enumerate(rig.pose.bones):
        bone.rotation_mode = EULERS[index % len(EULERS)]
    return rig


def renamed(rig: Rig, prefix: str = "chr01|") -> Rig:
    """Every bone with a prefix that no family knows."""
    names = {bone.name: f"{prefix}{bone.name}" for bone in rig.armature.data.bones}
    for old, new in names.items():
        rig.armature.data.bones[old].name = new
    rig_map = rig.rig_map and RigMap({s: names[b] for s, b in rig.rig_map.bones.items()}, {}, "")
    return replace(rig, joints={slot: names[bone] for slot, bone in rig.joints.items()}, rig_map=rig_map)


def posed(rig: Rig, turns_deg: dict[str, tuple[float, float, float]]) -> Rig:
    """The rig with a pose applied as its rest pose (Apply Pose as Rest Pose).

    Args:
        turns_deg: slot → Euler angles about the world's axes.
    """
    to_world = rig.armature.matrix_world.to_3x3().normalized()
    bpy.context.view_layer.objects.active = rig.armature
    bpy.ops.object.mode_set(mode="POSE")
    for slot, angles in turns_deg.items():
        bone = rig.pose.bones[rig.joints[slot]]
        turn = Euler([radians(a) for a in angles]).to_matrix()
        local = to_world.inverted() @ turn @ to_world
        place = bone.matrix.translation.copy()
        bone.matrix = Matrix.Translation(place) @ (local @ bone.matrix.to_3x3()).to_4x4()
        bpy.context.view_layer.update()
    bpy.ops.pose.armature_apply(selected=False)
    bpy.ops.object.mode_set(mode="OBJECT")
    return rig


T_POSE_FROM_A = {f"upper_arm.{side}": (0.0, sign * -45.0, 0.0) for side, sign in (("L", 1.0), ("R", -1.0))}
A_POSE_FROM_T = {f"upper_arm.{side}": (0.0, sign * 45.0, 0.0) for side, sign in (("L", 1.0), ("R", -1.0))}
