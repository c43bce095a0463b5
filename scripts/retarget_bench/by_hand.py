"""What a user does without a retargeter: Copy Rotation on every bone, Copy Location on the hips, and bake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

WORLD, LOCAL = "WORLD", "LOCAL_OWNER_ORIENT"
"""In world axes, which is what is done most; or how bones are turned from their rest, in the target's own axes."""


def add_constraints(
    source: bpy.types.Object, target: bpy.types.Object, pairs: Mapping[str, str], hips: str, space: str = WORLD
) -> None:
    """Constraints on the target's bones.

    Args:
        pairs: bone of the target → bone of the source.
        hips: the target's bone that is moved as well.
    """
    assert target.pose is not None
    for ours, theirs in pairs.items():
        bone = target.pose.bones[ours]
        turn: Any = bone.constraints.new("COPY_ROTATION")
        turn.target, turn.subtarget = source, theirs
        turn.target_space = space
        turn.owner_space = "WORLD" if space == WORLD else "LOCAL"
        if ours == hips:
            move: Any = bone.constraints.new("COPY_LOCATION")
            move.target, move.subtarget = source, theirs


def bake(target: bpy.types.Object, frames: np.ndarray) -> bpy.types.Action:
    """Bake the constrained bones' visual transforms into an action, and take the constraints off."""
    layer = bpy.context.view_layer
    for other in list(layer.objects.selected):
        other.select_set(False)
    target.select_set(True)
    layer.objects.active = target
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.nla.bake(
        frame_start=int(frames[0]), frame_end=int(frames[-1]), step=1, only_selected=False, visual_keying=True,
        clear_constraints=True, use_current_action=False, bake_types={"POSE"},
    )  # fmt: skip
    bpy.ops.object.mode_set(mode="OBJECT")
    assert target.animation_data is not None
    assert target.animation_data.action is not None
    return target.animation_data.action
