"""What differs between Blender 4.2 and 5.2; found by what there is, and by the version only where nothing shows it.

| what                 | up to 4.3        | 4.4, 4.5                        | 5.0 and later      |
|----------------------|------------------|---------------------------------|--------------------|
| where curves live    | `action.fcurves` | slot, layer, strip, channel bag | the same           |
| group of a new curve | `action_group=`  | `curve.group =`                 | the same           |
| whether selected     | `bone.select`    | the same                        | `pose_bone.select` |
| nodes of a material  | `use_nodes` off  | the same                        | always on          |
| rotated movie files  | shown lying      | shown upright                   | shown upright      |
"""

from __future__ import annotations

from typing import Any

import bpy


class ActionCurves:
    """An action of one data-block, and the one place where its curves are made."""

    def __init__(self, datablock: bpy.types.ID, name: str, *, assign: bool = True) -> None:
        """Make an action and remember where curves for `datablock` go; assign it, now or by `assign_action`."""
        self.action = bpy.data.actions.new(name)
        self._home: Any = self.action
        if has_slots():
            slot = self.action.slots.new(id_type=datablock.id_type, name=datablock.name)
            strip = self.action.layers.new("Layer").strips.new(type="KEYFRAME")
            self._home = strip.channelbag(slot, ensure=True)
        if assign:
            assign_action(datablock.animation_data_create(), self.action)

    def new(self, data_path: str, index: int = 0, group: str = "") -> bpy.types.FCurve:
        """A new, empty curve."""
        curve = self._home.fcurves.new(data_path, index=index)
        if group:
            curve.group = self._home.groups.get(group) or self._home.groups.new(group)
        return curve


def has_slots() -> bool:
    """Whether actions have slots (4.4 and later)."""
    return "slots" in bpy.types.Action.bl_rna.properties


def assign_action(user: bpy.types.AnimData | bpy.types.NlaStrip, action: bpy.types.Action) -> None:
    """Let animation data or an NLA strip play an action of one slot."""
    user.action = action
    if has_slots():
        user.action_slot = action.slots[0]


def swap_action(animation: bpy.types.AnimData, action: bpy.types.Action) -> None:
    """Let animation data play a copy of its action, by the slot of the same name."""
    slot = slot_name(animation)
    animation.action = action
    if slot:
        animation.action_slot = action.slots[slot]


def slot_name(animation: bpy.types.AnimData) -> str:
    """Identifier of the slot that animation data plays; empty if there is none."""
    slot = getattr(animation, "action_slot", None)
    return slot.identifier if slot is not None else ""


def curves_of_action(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """The curves of an action of one slot, such as `ActionCurves` makes."""
    if not has_slots():
        return list(action.fcurves)
    strips = [strip for layer in action.layers for strip in layer.strips if strip.type == "KEYFRAME"]
    bags = [strip.channelbag(slot) for strip in strips for slot in action.slots]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def curves_of(datablock: bpy.types.ID) -> list[bpy.types.FCurve]:
    """The curves that move a data-block; empty if there are none."""
    animation = datablock.animation_data
    if animation is None or animation.action is None:
        return []
    return curves_of_slot(animation.action, slot_name(animation))


def curves_of_slot(action: bpy.types.Action, slot: str) -> list[bpy.types.FCurve]:
    """The curves of one slot of an action, given by its identifier; all of them where actions have no slots."""
    if not has_slots():
        return list(action.fcurves)
    if not slot:
        return []
    strips = [strip for layer in action.layers for strip in layer.strips if strip.type == "KEYFRAME"]
    bags = [strip.channelbag(action.slots[slot]) for strip in strips]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def new_curve(datablock: bpy.types.ID, data_path: str, index: int, group: str) -> bpy.types.FCurve:
    """A new, empty curve in the action that a data-block plays already."""
    animation = datablock.animation_data
    home: Any = animation.action
    if has_slots():
        strips = [strip for layer in home.layers for strip in layer.strips if strip.type == "KEYFRAME"]
        home = strips[0].channelbag(animation.action_slot, ensure=True)
    curve = home.fcurves.new(data_path, index=index)
    curve.group = home.groups.get(group) or home.groups.new(group)
    return curve


def remove_curve(datablock: bpy.types.ID, curve: bpy.types.FCurve) -> None:
    """Take one of `curves_of` a data-block away."""
    animation = datablock.animation_data
    if not has_slots():
        animation.action.fcurves.remove(curve)
        return
    strips = [strip for layer in animation.action.layers for strip in layer.strips if strip.type == "KEYFRAME"]
    for bag in (strip.channelbag(animation.action_slot) for strip in strips):
        if bag is not None and any(other == curve for other in bag.fcurves):
            bag.fcurves.remove(curve)
            return


def select_bones(armature: bpy.types.Object) -> None:
    """Select all bones, as they are then selected in Pose Mode."""
    in_pose = "select" in bpy.types.PoseBone.bl_rna.properties
    for bone in armature.pose.bones if in_pose else armature.data.bones:
        bone.select = True


def selected_bones(armature: bpy.types.Object) -> list[str]:
    """Names of the bones that are selected in Pose Mode and can be seen."""
    in_pose = "select" in bpy.types.PoseBone.bl_rna.properties
    return [
        posed.name
        for posed in armature.pose.bones
        if (posed if in_pose else posed.bone).select and _is_visible(posed, in_pose)
    ]


def visible_bones(armature: bpy.types.Object) -> list[str]:
    """Names of the bones that can be seen in Pose Mode."""
    in_pose = "select" in bpy.types.PoseBone.bl_rna.properties
    return [posed.name for posed in armature.pose.bones if _is_visible(posed, in_pose)]


def _is_visible(posed: bpy.types.PoseBone, in_pose: bool) -> bool:
    collections = posed.bone.collections
    shown = not len(collections) or any(one.is_visible_effectively for one in collections)
    return shown and not (posed if in_pose else posed.bone).hide


def turns_clips_upright() -> bool:
    """Whether Blender heeds the rotation that phones write into their movie files (seen: 4.3 does not, 5.0 does)."""
    return bpy.app.version >= (4, 4, 0)


def new_material(name: str, rgba: tuple[float, float, float, float], roughness: float) -> bpy.types.Material:
    """A plain material that looks the same in Solid view and when rendered."""
    material = bpy.data.materials.new(name)
    material.diffuse_color = rgba
    material.roughness = roughness
    if material.node_tree is None:
        material.use_nodes = True
    for node in material.node_tree.nodes:
        if node.type == "BSDF_PRINCIPLED":
            node.inputs["Base Color"].default_value = rgba
            node.inputs["Roughness"].default_value = roughness
    return material
