"""The legs of a control rig over time without evaluating it in every frame: forward kinematics over its controls.

What controls follow is known from trying (`retarget.probe`). Whether they follow nothing else, in this action, is
looked up in a few frames, which are evaluated; where it does not fit, all frames have to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from ...core import quaternions as quat
from ...core.retarget import euler
from ...core.retarget.armature import Armature
from ...core.retarget.rig_map import RigMap
from ...core.retarget.slots import LIMB_SLOTS
from ...core.retarget.two_bone import reach
from ..retarget.probe import Probed
from ..retarget.read_curves import bone_path, channels_at, rotation_property
from ..retarget.sample import evaluated_poses

LOOKED_UP = 6
"""Frames that are evaluated."""
OFF_SHARE, OFF_RAD, KNEE_SHARE = 5e-4, np.radians(0.3), 0.02
"""How far hips and ankles may be off, parts of the rig's height (1 mm), how far feet may be turned, and knees off: IK
shortens legs a little, and nothing is pinned by where knees are."""


def posed_by_graph(
    rig: bpy.types.Object, probed: Probed, curves: dict[tuple[str, int], bpy.types.FCurve], frames: np.ndarray
) -> np.ndarray:
    """(C, F, 4, 4) pose matrices of controls, armature axes and units, without scale."""
    controls = probed.controls
    turned: list[np.ndarray] = []
    place: list[np.ndarray] = []
    still, nowhere = np.tile(quat.IDENTITY, (len(frames), 1)), np.zeros((len(frames), 3))
    for number, name in enumerate(controls.names):
        posed, path = rig.pose.bones[name], bone_path(name)
        rotation = rotation_property(posed.rotation_mode)
        basis = channels_at(f"{path}.{rotation}", np.array(getattr(posed, rotation)), curves, frames)
        way = channels_at(f"{path}.location", np.array(posed.location), curves, frames)
        above, base = int(controls.rotation_parent[number]), int(controls.location_parent[number])
        carried = quat.multiply(still if above < 0 else turned[above], controls.rotation_offset[number])
        offset = np.broadcast_to(controls.location_offset[number], (len(frames), 3))
        head = offset if base < 0 else place[base] + quat.rotate(turned[base], offset)
        way = quat.rotate(quat.conjugate(probed.location_turn[number]), np.broadcast_to(way, nowhere.shape))
        place.append(head + quat.rotate(carried, way))
        turned.append(quat.multiply(carried, euler.from_channels(basis, posed.rotation_mode)))
    poses = np.tile(np.eye(4), (len(turned), len(frames), 1, 1))
    poses[..., :3, :3], poses[..., :3, 3] = quat.to_matrix(np.stack(turned)), np.stack(place)
    return poses


def slot_poses(
    armature: Armature, rig_map: RigMap, probed: Probed, poses: np.ndarray, by_ik: Sequence[str]
) -> dict[str, np.ndarray] | None:
    """Slot → (F, 4, 4) poses of the map's bones: of the legs over time, of others at rest; None if that takes more.

    Args:
        poses: of the controls, as `posed_by_graph` gives them.
    """
    controls = probed.controls
    of_control = {name: poses[number] for number, name in enumerate(controls.names)}
    frames = poses.shape[1]
    made = {
        slot: of_control.get(bone, np.broadcast_to(armature.rest[armature.index[bone]], (frames, 4, 4)))
        for slot, bone in rig_map.bones.items()
        if slot != "root"
    }
    for leg in by_ik:
        held = {kind: n for n, (slot, kind) in enumerate(zip(controls.slots, controls.kinds, strict=True))
                if slot in LIMB_SLOTS[leg] and kind in ("ik", "pole")}  # fmt: skip
        if "ik" not in held or "pole" not in held or rig_map.bones[LIMB_SLOTS[leg][0]] not in of_control:
            return None
        made |= _bent(armature, rig_map, leg, controls.rest[held["ik"]], poses[held["ik"]], poses[held["pole"]],
                      made[LIMB_SLOTS[leg][0]][:, :3, 3])  # fmt: skip
    return made


def _bent(
    armature: Armature,
    rig_map: RigMap,
    leg: str,
    rest: np.ndarray,
    end: np.ndarray,
    pole: np.ndarray,
    hip: np.ndarray,
) -> dict[str, np.ndarray]:
    """A leg that IK moves: the foot rigidly with its control, the knee towards the pole."""
    slots = LIMB_SLOTS[leg]
    resting = np.array([armature.rest[armature.index[rig_map.bones[slot]]] for slot in slots])
    foot = end @ (np.linalg.inv(rest) @ resting[2])
    segments = np.diff(resting[:, :3, 3], axis=0)
    ankle = foot[:, :3, 3]
    at_rest = _plane(segments.sum(axis=0), segments[0])
    turn = quat.from_matrix(_plane(ankle - hip, pole[:, :3, 3] - hip) @ np.swapaxes(at_rest, -1, -2))
    both = reach(hip, np.stack([turn, turn], axis=1), np.broadcast_to(segments, (len(hip), 2, 3)), ankle)
    made = {slots[2]: foot}
    head = hip
    for number in (0, 1):
        matrix = np.tile(np.eye(4), (len(hip), 1, 1))
        matrix[:, :3, :3] = quat.to_matrix(both[:, number]) @ resting[number, :3, :3]
        matrix[:, :3, 3] = head
        made[slots[number]] = matrix
        head = head + quat.rotate(both[:, number], np.broadcast_to(segments[number], head.shape))
    return made


def _plane(down: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """(..., 3, 3) columns: along a leg, to where its knee points, and square to both."""
    along = down / np.linalg.norm(down, axis=-1, keepdims=True)
    across = aside - along * np.sum(aside * along, axis=-1, keepdims=True)
    across = across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
    return np.stack([along, across, np.cross(along, across)], axis=-1)


def fits(
    rig: bpy.types.Object,
    armature: Armature,
    shown_by: Mapping[str, str],
    controls: Sequence[str],
    made: Mapping[str, np.ndarray],
    poses: np.ndarray,
    rig_map: RigMap,
    frames: np.ndarray,
) -> bool:
    """Whether controls and legs stand where Blender has them, in a few frames.

    Args:
        shown_by: slot → the bone that shows it (`source_map`).
        controls: C names, and `poses` (C, F, 4, 4) of them.
        made: slot → (F, 4, 4), as `slot_poses` gives them.
    """
    looked_up = np.unique(np.linspace(0, len(frames) - 1, LOOKED_UP).astype(int))
    legs = [slot for leg in LIMB_SLOTS if leg.startswith("leg") for slot in LIMB_SLOTS[leg]]
    bones = [armature.index[name] for name in (*controls, *(shown_by[slot] for slot in legs))]
    shown = evaluated_poses(rig, bones, frames[looked_up])
    height = float(np.ptp(armature.heads, axis=0).max())
    there, here = shown[: len(controls)], poses[:, looked_up]
    if np.linalg.norm(there[..., :3, 3] - here[..., :3, 3], axis=-1).max() > OFF_SHARE * height:
        return False
    if euler.angle_between(euler.rotations_of(there), euler.rotations_of(here)).max() > OFF_RAD:
        return False
    for slot, matrices in zip(legs, shown[len(controls) :], strict=True):
        mine = made[slot][looked_up]
        off = np.linalg.norm(matrices[:, :3, 3] - mine[:, :3, 3], axis=-1).max()
        if off > height * (KNEE_SHARE if slot.startswith("shin") else OFF_SHARE):
            return False
        if slot.startswith("foot"):
            mine_turned, turned = (
                quat.multiply(euler.rotations_of(one), quat.conjugate(euler.rotations_of(armature.rest[bone])))
                for one, bone in (
                    (mine, armature.index[rig_map.bones[slot]]), (matrices, armature.index[shown_by[slot]])
                )
            )  # fmt: skip
            if euler.angle_between(mine_turned, turned).max() > OFF_RAD:
                return False
    return True
