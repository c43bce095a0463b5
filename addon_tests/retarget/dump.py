"""Everything that RNA tells of an armature object and its data, as plain values: two dumps are equal, or it changed.

Left out is what a retarget is meant to change: the action and NLA tracks of the object, the channels of keyed bones,
and what Blender works out from them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from typing import Any

import bpy
from mathutils import Color, Euler, Matrix, Quaternion, Vector

Dump = dict[str, Any]

EVALUATED = {
    "PoseBone": {"matrix", "matrix_channel", "head", "tail", "length", "x_axis", "y_axis", "z_axis", "center"},
    "Object": {"bound_box", "is_evaluated", "dimensions"},
    "Constraint": {"error_location", "error_rotation", "is_valid"},
}
"""Worked out from channels, whatever keys say."""
ANIMATION = {
    "action",
    "action_slot",
    "action_slot_handle",
    "last_slot_identifier",
    "nla_tracks",
    "action_suitable_slots",
}
CHANNELS = {"location", "rotation_quaternion", "rotation_euler", "rotation_axis_angle", "matrix_basis"}
NO_ANIMATION = {
    "action_extrapolation": "HOLD", "action_blend_type": "REPLACE", "action_influence": 1.0, "use_nla": True,
    "use_tweak_mode": False, "use_pin": False, "action_tweak_storage": None, "action_slot_handle_tweak_storage": 0,
}  # fmt: skip
"""What an object without animation data has of it, once somebody makes it."""
COUNTERS = {"users", "tag", "session_uid", "is_runtime_data"}
"""How often others use a data-block: the object is linked to further scenes while Blender works."""
NAMED = {("Bone", "collections"), ("BoneCollection", "bones")}
"""Of what these hold the names are taken; it is dumped elsewhere, under a path of its own."""
UPWARD = {
    "parent",
    "child",
    "children",
    "children_recursive",
    "id_data",
    "rna_type",
    "bl_rna",
    "original",
    "parent_recursive",
}


def dump(armature: bpy.types.Object, keyed: Collection[str] = (), switches: Collection[tuple[str, str]] = ()) -> Dump:
    """Every property by its path.

    Args:
        keyed: names of bones whose channels may change.
        switches: bone and custom property that keys may change.
    """
    found: Dump = {}
    _walk(armature, "object", found, set())
    _walk(armature.data, "data", found, set())
    for owner, name in ((armature, "object"), (armature.data, "data")):
        if owner.animation_data is None:
            found.pop(f"{name}.animation_data", None)
            known = bpy.types.AnimData.bl_rna.properties.keys()
            found |= {f"{name}.animation_data.{key}": value for key, value in NO_ANIMATION.items() if key in known}
        else:
            # A driven value is worked out; its driver is compared.
            for driver in owner.animation_data.drivers:
                path = f"{name}.{_labelled(driver.data_path)}"
                found.pop(path, None)
                if path.endswith(".mute"):
                    found.pop(path.removesuffix("mute") + "enabled", None)  # the same, the other way round
    for bone in armature.pose.bones if armature.pose else ():
        path = f"object.pose.bones[{bone.name}]"
        if bone.name in keyed:
            for channel in CHANNELS:
                found.pop(f"{path}.{channel}", None)
    for bone_name, name in switches:
        found.pop(f"object.pose.bones[{bone_name}][{name}]", None)
    return found


def surroundings() -> Dump:
    """The state of the user's session that a retarget leaves alone."""
    context, scene = bpy.context, bpy.context.scene
    layer = context.view_layer
    found: Dump = {
        "scene": scene.name,
        "scenes": sorted(s.name for s in bpy.data.scenes),
        "frame": (scene.frame_current, scene.frame_subframe, scene.frame_start, scene.frame_end),
        "rate": (scene.render.fps, scene.render.fps_base),
        "mode": context.mode,
        "active": layer.objects.active.name if layer.objects.active else None,
        "selected": sorted(o.name for o in layer.objects if o.select_get(view_layer=layer)),
        "objects": sorted(o.name_full for o in bpy.data.objects),
        "armatures": sorted(a.name_full for a in bpy.data.armatures),
        "collections": {c.name_full: sorted(o.name_full for o in c.objects) for c in bpy.data.collections},
        "in_scenes": {s.name: sorted(o.name_full for o in s.collection.all_objects) for s in bpy.data.scenes},
        "layers": {},
    }
    _layers(layer.layer_collection, found["layers"])
    for o in layer.objects:
        found[f"hidden {o.name}"] = (o.hide_get(view_layer=layer), o.hide_viewport, o.hide_render, o.hide_select)
        if o.type == "ARMATURE" and o.pose is not None:
            found[f"bones {o.name}"] = sorted(b.name for b in o.pose.bones if _selected(b))
            found[f"active bone {o.name}"] = o.data.bones.active.name if o.data.bones.active else None
    return found


def differences(before: Dump, after: Dump) -> list[str]:
    """What is not bit for bit the same, in words."""
    lines = []
    for path in sorted(before.keys() | after.keys()):
        a, b = before.get(path, "(nothing)"), after.get(path, "(nothing)")
        if a != b:
            lines.append(f"{path}: {a!r} -> {b!r}")
    return lines


def _selected(bone: bpy.types.PoseBone) -> bool:
    return bool(bone.select if "select" in bpy.types.PoseBone.bl_rna.properties else bone.bone.select)


def _layers(layer: bpy.types.LayerCollection, found: dict[str, Any]) -> None:
    found[layer.collection.name_full] = (layer.exclude, layer.hide_viewport, layer.holdout, layer.is_visible)
    for child in layer.children:
        _layers(child, found)


def _labelled(data_path: str) -> str:
    """The path under which a walk finds what a driver's `data_path` names; an element of an array is the array."""
    return re.sub(r"\[\d+\]$", "", data_path).replace('["', "[").replace('"]', "]")


def _plain(value: Any) -> Any:
    """A value that compares bit for bit: floats as they are, NaN by name."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value
    if isinstance(value, (Vector, Euler, Quaternion, Color)):
        order = (value.order,) if isinstance(value, Euler) else ()
        return (type(value).__name__, *order, *(_plain(v) for v in value))
    if isinstance(value, Matrix):
        return ("Matrix", *(_plain(v) for row in value for v in row))
    if isinstance(value, (str, int, bool, bytes)) or value is None:
        return value
    if isinstance(value, bpy.types.ID):
        return ("ID", value.id_type, value.name_full)
    if isinstance(value, set):
        return tuple(sorted(value))
    if hasattr(value, "to_dict"):
        return repr(sorted(value.to_dict().items()))
    if hasattr(value, "__len__"):
        return tuple(_plain(v) for v in value)
    return repr(value)


def _walk(thing: Any, path: str, found: Dump, seen: set[int]) -> None:
    """Put the properties of an RNA struct into `found`, and of all that it owns."""
    if thing.as_pointer() in seen:
        return
    seen.add(thing.as_pointer())
    kind = thing.bl_rna.identifier
    evaluated = EVALUATED["Constraint"] if isinstance(thing, bpy.types.Constraint) else EVALUATED.get(kind, set())
    skipped = UPWARD | evaluated | (ANIMATION if kind == "AnimData" else set()) | COUNTERS
    for prop in thing.bl_rna.properties:
        name = prop.identifier
        if name in skipped:
            continue
        here = f"{path}.{name}"
        try:
            value = getattr(thing, name)
        except (AttributeError, TypeError, ValueError) as error:
            found[here] = type(error).__name__
            continue
        if prop.type == "POINTER":
            if value is None or isinstance(value, bpy.types.ID):
                found[here] = _plain(value)
            elif _belongs(thing, value):
                _walk(value, here, found, seen)
            else:
                found[here] = getattr(value, "name", repr(value))
        elif prop.type == "COLLECTION":
            for number, item in enumerate(value):
                label = getattr(item, "name", None) or str(number)
                if isinstance(item, bpy.types.ID) or (kind, name) in NAMED or not _belongs(thing, item):
                    found[f"{here}[{number}]"] = _plain(item) if isinstance(item, bpy.types.ID) else label
                else:
                    _walk(item, f"{here}[{label}]", found, seen)
        else:
            found[here] = _plain(value)
    # Most kinds have no custom properties.
    try:
        names = list(thing.keys())
    except TypeError:
        return
    for name in names:
        found[f"{path}[{name}]"] = _plain(thing[name])
        try:
            found[f"{path}[{name}].ui"] = repr(sorted(thing.id_properties_ui(name).as_dict().items()))
        except TypeError:
            continue  # groups and data-blocks have none


def _belongs(owner: Any, thing: Any) -> bool:
    """Whether a struct lives in the same data-block: others are named, not entered."""
    return thing.id_data == owner.id_data
