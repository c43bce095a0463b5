"""Confidence as an animated custom property of bones, for the Graph Editor, drivers and exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from ...core.review.confidence import linear_keys
from ...errors import AnimePoseError
from .. import compat
from ..curves import enum_value
from ..import_plan import frames_in
from ..retarget.read_curves import bone_path
from ..retarget.write import refuse_busy
from .people import Chosen

PROPERTY = "confidence"
DESCRIPTION = "How sure the take is of this bone, 0 to 1; 0 = not seen"
"""By which a property is known as ours."""


def path_of(bone: str) -> str:
    """RNA path of a bone's confidence."""
    return f'{bone_path(bone)}["{PROPERTY}"]'


def key_confidence(scene: bpy.types.Scene, chosen: Chosen) -> tuple[int, list[str]]:
    """Key the confidence of a person's bones in the armature's action, linear between as few keys as stay close.

    Returns:
        How many bones got keys, and the bones that did not since they have such a property, a driver or a locked curve
        of their own.
    Raises:
        AnimePoseError: before any change, if the armature or its action cannot be keyed.
    """
    rig, person = chosen.rig, chosen.person
    refuse_unwritable(rig)
    driven = {curve.data_path for curve in rig.animation_data.drivers} if rig.animation_data is not None else set()
    before = {curve.data_path: curve for curve in compat.curves_of(rig)}
    locked = {path for path, curve in before.items() if curve.lock}
    taken = [bone for bone in chosen.bones if path_of(bone) in driven | locked or _is_foreign(rig.pose.bones[bone])]
    bones = [bone for bone in chosen.bones if bone not in taken]
    if not bones:
        return 0, taken
    frames = frames_in(scene, person.take)
    values = np.ascontiguousarray(person.confidence(bones).T, dtype=np.float64)
    keyed = linear_keys(frames, values)
    _make_room(rig)
    now = scene.frame_current_final
    for bone, own, keys in zip(bones, values, keyed, strict=True):
        posed = rig.pose.bones[bone]
        posed[PROPERTY] = float(np.interp(now, frames, own))
        posed.id_properties_ui(PROPERTY).update(
            min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, default=0.0, description=DESCRIPTION
        )
        path = path_of(bone)
        curve = before.get(path) or compat.new_curve(rig, path, 0, bone)
        _fill(curve, frames[keys], own[keys])
    rig.update_tag()  # what Blender evaluates has no such properties yet
    return len(bones), taken


def remove_confidence(rig: bpy.types.Object, bones: Sequence[str]) -> tuple[int, list[str]]:
    """Take the properties that `key_confidence` made, and their curves, from some bones.

    Returns:
        How many bones had one, and the bones whose curve is locked and stays.
    Raises:
        AnimePoseError: before any change, if the armature or its action cannot be changed.
    """
    curves = {curve.data_path: curve for curve in compat.curves_of(rig)}
    ours = [bone for bone in bones if _is_ours(rig.pose.bones[bone], curves)]
    if not ours:
        return 0, []
    refuse_unwritable(rig)
    locked = []
    for bone in ours:
        curve = curves.get(path_of(bone))
        if curve is not None and curve.lock:
            locked.append(bone)
            continue
        if curve is not None:
            compat.remove_curve(rig, curve)
        if PROPERTY in rig.pose.bones[bone]:
            del rig.pose.bones[bone][PROPERTY]
    rig.update_tag()
    return len(ours) - len(locked), locked


def refuse_unwritable(rig: bpy.types.Object) -> None:
    """Make sure that an armature's bones can get properties, and its action curves.

    Raises:
        AnimePoseError: if they cannot.
    """
    if not rig.is_editable:
        raise AnimePoseError(f"{rig.name} is linked from another file.", "Make a library override of it first.")
    refuse_busy(rig)
    animation = rig.animation_data
    action = animation.action if animation is not None else None
    if action is None:
        return
    if not action.is_editable or action.override_library is not None:
        raise AnimePoseError(f"The action {action.name} is linked from another file.", "Make it single-user first.")
    if compat.has_slots() and animation.action_slot is None:
        raise AnimePoseError(
            f"{rig.name} plays no slot of the action {action.name}.", "Choose a slot in the Action Editor."
        )


def _is_foreign(posed: bpy.types.PoseBone) -> bool:
    """Whether a bone has a property of that name that somebody else made."""
    return PROPERTY in posed and posed.id_properties_ui(PROPERTY).as_dict().get("description") != DESCRIPTION


def _is_ours(posed: bpy.types.PoseBone, curves: Mapping[str, bpy.types.FCurve]) -> bool:
    """Whether a bone has what `key_confidence` makes: of a library override a file keeps the curve alone."""
    return not _is_foreign(posed) if PROPERTY in posed else path_of(posed.name) in curves


def _make_room(rig: bpy.types.Object) -> None:
    """An action with room for curves, where there is none yet."""
    animation = rig.animation_data_create()
    if animation.action is None:
        compat.ActionCurves(rig, f"{rig.name} confidence")
    elif compat.has_slots() and not any(len(layer.strips) for layer in animation.action.layers):
        layers = animation.action.layers
        (layers[0] if len(layers) else layers.new("Layer")).strips.new(type="KEYFRAME")


def _fill(curve: bpy.types.FCurve, frames: np.ndarray, values: np.ndarray) -> None:
    """Key a curve anew at (N,) frames; a constant one once."""
    if np.ptp(values) == 0:
        frames, values = frames[:1], values[:1]
    points = curve.keyframe_points
    points.clear()
    points.add(len(frames))
    points.foreach_set("co", np.stack([frames, values], axis=1).astype(np.float32).ravel())
    points.foreach_set("interpolation", np.full(len(frames), enum_value("interpolation", "LINEAR"), dtype=np.int32))
    for part in ("select_control_point", "select_left_handle", "select_right_handle"):
        points.foreach_set(part, np.zeros(len(frames), dtype=bool))
    curve.update()
