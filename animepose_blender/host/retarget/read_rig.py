"""An armature object as data: its bones at rest, and where the object stands in the world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import bpy
import numpy as np

from ...core.retarget.armature import Armature
from ...errors import AnimePoseError
from .. import compat

SCALE_TOLERANCE = 1e-3
"""Part by which the scales of the axes may differ, and cosine between them."""


@contextmanager
def scene_with(rig: bpy.types.Object) -> Iterator[bpy.types.Scene]:
    """A scene that exists for a moment, to evaluate an armature (or what carries one) in.

    There, it is evaluated whatever hides it in the user's scene, and no frame of the user's changes. What Blender
    evaluates in a scene without a window is not written back to the objects.
    """
    scene = bpy.data.scenes.new("AnimePose reading")
    viewer = bpy.data.objects.new("AnimePose reading", None)
    try:
        # Drivers may read the rate; time runs in it.
        render = bpy.context.scene.render
        scene.render.fps, scene.render.fps_base = render.fps, render.fps_base
        scene.collection.objects.link(rig)
        # Of hidden objects Blender evaluates only what something shown depends on: here, the last bone of every chain.
        scene.collection.objects.link(viewer)
        ends = [bone.name for bone in rig.data.bones if not bone.children] if rig.type == "ARMATURE" else [""]
        for name in ends:
            constraint = viewer.constraints.new("COPY_TRANSFORMS")
            constraint.target, constraint.subtarget = rig, name
        yield scene
    finally:
        bpy.data.objects.remove(viewer)
        bpy.data.scenes.remove(scene)


def refuse_unusable(rig: bpy.types.Object | None) -> bpy.types.Object:
    """The object, if it is an armature that can be read.

    Raises:
        AnimePoseError: if it is none, has no bones, or is in Edit Mode.
    """
    if rig is None or rig.type != "ARMATURE":
        what = "Nothing" if rig is None else f"{rig.name}, which is no armature,"
        raise AnimePoseError(f"{what} is chosen as the rig.", "Choose an armature.")
    if rig.data.is_editmode:
        raise AnimePoseError(
            f"{rig.name} is in Edit Mode, where its bones are not up to date.", "Leave Edit Mode first."
        )
    if not len(rig.data.bones):
        raise AnimePoseError(f"{rig.name} has no bones.", "Choose an armature with the bones of a person.")
    return rig


def read_rig(context: bpy.types.Context, rig: bpy.types.Object) -> Armature:
    """The armature at rest; `to_world` is that of the current frame.

    Raises:
        AnimePoseError: see `refuse_unusable` and `refuse_skewed`.
    """
    refuse_unusable(rig)
    bones = rig.data.bones
    if rig.pose is None or len(rig.pose.bones) != len(bones):
        # A rig that was never shown has no pose yet; Blender makes it when it first evaluates the rig.
        with scene_with(rig) as scene:
            scene.view_layers[0].update()
    names = tuple(bone.name for bone in bones)
    index = {name: number for number, name in enumerate(names)}
    parents = np.array([-1 if bone.parent is None else index[bone.parent.name] for bone in bones], dtype=np.int64)
    lengths = np.empty(len(names), dtype=np.float32)
    bones.foreach_get("length", lengths)
    deform = np.empty(len(names), dtype=bool)
    bones.foreach_get("use_deform", deform)
    return Armature(
        names, parents, matrices_of(bones, "matrix_local"), lengths.astype(np.float64),
        world_matrices(context, rig, None), deform,
    )  # fmt: skip


def matrices_of(bones: bpy.types.bpy_prop_collection, name: str) -> np.ndarray:
    """(N, 4, 4) a matrix property of bones; Blender hands its columns one after the other."""
    flat = np.empty(16 * len(bones), dtype=np.float32)
    bones.foreach_get(name, flat)
    return flat.reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)


def world_matrices(
    context: bpy.types.Context, rig: bpy.types.Object, frames: np.ndarray | None, *, own_action: bool = True
) -> np.ndarray:
    """Where the object stands.

    Args:
        context: its scene's current frame counts where `frames` is None.
        rig: the object; its parents are evaluated with it.
        frames: (F,) frame numbers, or None for the current frame alone.
        own_action: whether the rig's own action moves the object; if it is about to be replaced, it does not.
    Returns:
        (4, 4) where the object stands still, else (F, 4, 4).
    Raises:
        AnimePoseError: see `refuse_skewed`.
    """
    matrices = np.array([_standing(rig)]) if _stands_still(rig, own_action) else None
    if matrices is None:
        times = np.array([context.scene.frame_current_final]) if frames is None else frames
        matrices = _evaluated_world(rig, times, own_action)
    refuse_skewed(rig, matrices)
    still = np.abs(matrices - matrices[:1]).max() < 1e-6
    return matrices[0] if still else matrices


def _in_parent(one: bpy.types.Object) -> np.ndarray:
    """(4, 4) an object in its parent's axes, from its channels: `matrix_world` is that of the last evaluation, which a
    hidden object may never have had."""
    own = np.array(one.matrix_basis, dtype=np.float64)
    return own if one.parent is None else np.array(one.matrix_parent_inverse, dtype=np.float64) @ own


def _standing(one: bpy.types.Object) -> np.ndarray:
    """(4, 4) world matrix of an object that stands still."""
    return _in_parent(one) if one.parent is None else _standing(one.parent) @ _in_parent(one)


def _evaluated_world(rig: bpy.types.Object, frames: np.ndarray, own_action: bool) -> np.ndarray:
    """(F, 4, 4)"""
    # What moves may be far above; a cart is evaluated sooner than the figure that stands on it.
    mover, carried = rig, np.eye(4)
    while mover.parent_type == "OBJECT" and mover.parent is not None and _moved_by_nothing(mover, own_action):
        mover, carried = mover.parent, _in_parent(mover) @ carried
    reader = mover
    if mover is rig and not own_action and rig.animation_data is not None:
        reader = rig.copy()
        reader.animation_data.action = None
    matrices = np.empty((len(frames), 4, 4))
    try:
        with scene_with(reader) as scene:
            for number, frame in enumerate(frames):
                set_frame(scene, float(frame))
                matrices[number] = reader.evaluated_get(scene.view_layers[0].depsgraph).matrix_world
    finally:
        if reader is not mover:
            bpy.data.objects.remove(reader)
    return matrices @ carried


def set_frame(scene: bpy.types.Scene, frame: float) -> None:
    """Go to a frame or between two."""
    whole = int(np.floor(frame))
    scene.frame_set(whole, subframe=frame - whole)


def _stands_still(one: bpy.types.Object, own_action: bool = True) -> bool:
    """Whether nothing could move an object or its parents."""
    if not _moved_by_nothing(one, own_action):
        return False
    return one.parent is None or (one.parent_type == "OBJECT" and _stands_still(one.parent))


def _moved_by_nothing(one: bpy.types.Object, own_action: bool = True) -> bool:
    """Whether an object stays where its channels and its parent put it. Keys of its bones do not count."""
    if len(one.constraints) or one.rigid_body is not None:
        return False
    animation = one.animation_data
    if animation is None:
        return True
    strips = [strip for track in animation.nla_tracks for strip in track.strips]
    if any(strip.action is None for strip in strips):
        return False
    curves = compat.curves_of(one) if own_action else []
    for strip in strips:
        curves += compat.curves_of_action(strip.action)
    return all(curve.data_path.startswith("pose.") for curve in (*curves, *animation.drivers))


def refuse_skewed(rig: bpy.types.Object, matrices: np.ndarray) -> None:
    """Make sure that matrices turn, move and scale all axes alike.

    Args:
        matrices: (..., 4, 4)
    Raises:
        AnimePoseError: if one mirrors, skews, flattens, or scales one axis more than another.
    """
    linear = matrices[..., :3, :3]
    scales = np.linalg.norm(linear, axis=-2)
    if scales.min() < 1e-9:
        raise AnimePoseError(f"{rig.name} is scaled to nothing.", "Give the object a scale above 0.")
    unit = linear / scales[..., None, :]
    if (np.linalg.det(linear) < 0).any():
        raise AnimePoseError(f"{rig.name} is mirrored by a negative scale.", "Apply the object's scale.")
    uneven = (scales.max(-1) / scales.min(-1) - 1.0).max() > SCALE_TOLERANCE
    skewed = np.abs(np.swapaxes(unit, -1, -2) @ unit - np.eye(3)).max() > SCALE_TOLERANCE
    if uneven or skewed:
        shown = ", ".join(f"{scale:.3g}" for scale in scales.reshape(-1, 3)[0])
        raise AnimePoseError(
            f"{rig.name} is {'scaled unevenly' if uneven else 'skewed'} (scale {shown}), its parents included.",
            "Apply the object's scale, or give all axes the same.",
        )
