"""What an import promises of fingers: they move as the take says, take their own collections, and leave others alone.

Plain functions and asserts, so that `run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import bpy
import numpy as np

from animepose_blender.core import finger_space, fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.core.armature_space import SHOWN_NAMES, rest_bones
from animepose_blender.core.kinematics import forward
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat, exports, import_take
from animepose_blender.skeleton import J
from animepose_blender.take import State, Take

TENTH_MM, MILLIMETRE = 1e-4, 1e-3


def grasping_take(frames: int = 12, gaps: bool = False) -> Take:
    """Two people; the first one's hands open and close, the second one's are never seen."""
    take = walking_take(people=2, frames=frames, gaps=gaps)
    share = np.linspace(0.0, 1.0, frames)[:, None, None, None]
    fist = fingers.LIMITS_RAD[:, :, 1] * 0.8
    angles = np.broadcast_to(fingers.REST_CURL_RAD, (2, frames, 2, 15, 2)).copy()
    angles[0] = (1 - share) * fingers.REST_CURL_RAD + share * fist
    lengths_m = np.stack([fingers.REST_LENGTHS_M * (1.0, 0.92)[person] for person in (0, 1)])
    confidence = np.zeros((2, frames, 2))
    confidence[0] = 0.9
    extras = {
        "hand_keypoints_px": np.full((2, frames, 2, 21, 2), np.nan, np.float32),
        "hand_confidence": confidence.astype(np.float32),
        "hand_rotations": fingers.rotations(angles).astype(np.float32),
        "hand_bone_length_m": np.repeat(lengths_m[:, None], 2, axis=1).astype(np.float32),
    }
    return dataclasses.replace(take, extras=extras)


def imported(take: Take) -> import_take.ImportedTake:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_take.import_take(bpy.context, take, None)


def expected_points_m(take: Take, person: int, frame: int) -> np.ndarray:
    """(2, 21, 3) points of both hands in the world."""
    rotations, root_m = take.rotations[person, frame], take.root_world_m[person, frame]
    joints_m, turned = forward(rotations.astype(float), root_m.astype(float), take.bone_length_m[person].astype(float))
    palms = turned[[J["left_index_knuckle"], J["right_index_knuckle"]]]
    wrists_m = joints_m[[J["left_wrist"], J["right_wrist"]]]
    local, lengths_m = take.extras["hand_rotations"][person, frame], take.extras["hand_bone_length_m"][person]
    return fingers.forward(local.astype(float), palms, wrists_m, lengths_m.astype(float))[0]


def bone_ends_m(armature: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    bones = [evaluated.pose.bones[name] for name in finger_space.NAMES]
    return np.array([bone.head[:] for bone in bones]), np.array([bone.tail[:] for bone in bones])


def test_finger_bones_lie_where_the_takes_hands_have_them() -> None:
    take = grasping_take()
    result = imported(take)
    for frame in (0, 5, 11):
        bpy.context.scene.frame_set(1 + frame)
        for person, armature in enumerate(result.armatures):
            points_m = expected_points_m(take, person, frame)
            heads_m, tails_m = bone_ends_m(armature)
            assert np.abs(tails_m - points_m[:, fingers.ENDS].reshape(-1, 3)).max() < TENTH_MM
            assert np.abs(heads_m - points_m[:, fingers.PARENTS[fingers.ENDS]].reshape(-1, 3)).max() < TENTH_MM


def test_fingers_hang_on_the_hands_and_bend_about_their_local_x() -> None:
    armature = imported(grasping_take()).armatures[0]
    rest = rest_bones(
        walking_take(people=2, frames=2, gaps=False).bone_length_m[0], np.tile(fingers.REST_LENGTHS_M, (2, 1))
    )
    assert rest.fingers is not None
    mirror = np.diag([-1.0, 1.0, 1.0])
    for index, name in enumerate(finger_space.NAMES):
        bone = armature.data.bones[name]
        assert bone.parent.name == finger_space.PARENT_NAMES[index]
        assert bone.use_connect == (not name.split(".")[0].endswith("1"))
        assert armature.pose.bones[name].rotation_mode == "QUATERNION"
        assert np.allclose(np.array(bone.matrix_local.to_3x3()), rest.fingers.orientation[index], atol=1e-4), name
        if name.endswith(".L"):
            other = rest.fingers.orientation[finger_space.NAMES.index(name[:-1] + "R")]
            assert np.allclose(other, mirror @ rest.fingers.orientation[index] @ mirror, atol=1e-6), name
        x, y, _ = rest.fingers.orientation[index].T
        assert np.cross(x, y)[2] < -0.4, name


def test_hands_that_were_never_seen_are_relaxed_and_have_one_key_a_channel() -> None:
    armature = imported(grasping_take()).armatures[1]
    keys = {}
    for curve in compat.curves_of(armature):
        name = curve.data_path.split('"')[1]
        if name in finger_space.NAMES:
            keys.setdefault(name, []).append(len(curve.keyframe_points))
    assert set(keys) == set(finger_space.NAMES)
    assert all(counts == [1, 1, 1, 1] for counts in keys.values())
    bpy.context.scene.frame_set(4)
    turn = armature.pose.bones["middle_2.L"].rotation_quaternion
    assert abs(turn.angle - fingers.REST_CURL_RAD[7, 0]) < 1e-4 and turn.axis[0] > 0.999


def test_fingers_have_collections_of_their_own() -> None:
    armature = imported(grasping_take()).armatures[0]
    names = {
        name: {b.name for b in armature.data.collections[name].bones} for name in ("Left Fingers", "Right Fingers")
    }
    assert names["Left Fingers"] == set(fingers.BONES[0])
    assert names["Right Fingers"] == set(fingers.BONES[1])


def test_a_take_without_hands_makes_no_finger_bones() -> None:
    armature = imported(walking_take(people=1, frames=4)).armatures[0]
    assert {bone.name for bone in armature.data.bones} == set(SHOWN_NAMES)
    assert {collection.name for collection in armature.data.collections} == {"Spine", "Left", "Right"}


def test_the_mannequins_fingers_follow_their_bones() -> None:
    take = grasping_take()
    mannequin = imported(take).mannequins[0]
    assert {group.name for group in mannequin.vertex_groups} == set(SHOWN_NAMES) | set(finger_space.NAMES)
    bpy.context.scene.frame_set(12)
    evaluated = mannequin.evaluated_get(bpy.context.evaluated_depsgraph_get())
    vertices_m = np.array([vertex.co[:] for vertex in evaluated.data.vertices])
    points_m = expected_points_m(take, 0, 11)
    group = mannequin.vertex_groups["index_3.R"].index
    own = [v.index for v in mannequin.data.vertices if any(g.group == group for g in v.groups)]
    middle_m = points_m[1, [7, 8]].mean(axis=0)
    assert np.linalg.norm(vertices_m[own].mean(axis=0) - middle_m) < 0.004


def test_exports_carry_the_fingers(tmp_path: Path) -> None:
    take = grasping_take(frames=20)
    result = imported(take)
    assert (take.state == State.OBSERVED).all()
    files = exports.export("fbx", tmp_path / "grasp", result)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="io_scene_fbx")
    bpy.context.scene.render.fps = 30
    bpy.ops.import_scene.fbx(filepath=files[0], anim_offset=0.0)
    bpy.context.scene.frame_set(20)
    armature = bpy.data.objects["Person 1"]
    points_m = expected_points_m(take, 0, 19)
    for side, letter in enumerate("LR"):
        head_m = np.array((armature.matrix_world @ armature.pose.bones[f"ring_3.{letter}"].head)[:])
        assert np.linalg.norm(head_m - points_m[side, 15]) < MILLIMETRE


def test_quaternions_of_fingers_stay_on_one_side_of_the_sphere() -> None:
    armature = imported(grasping_take()).armatures[0]
    for name in finger_space.NAMES:
        curves = [c for c in compat.curves_of(armature) if c.data_path == f'pose.bones["{name}"].rotation_quaternion']
        turns = np.array([[curve.evaluate(frame) for curve in curves] for frame in range(1, 13)])
        assert (np.sum(turns[1:] * turns[:-1], axis=-1) > 0.9).all()
        assert np.allclose(np.linalg.norm(quat.normalize(turns), axis=-1), 1)
