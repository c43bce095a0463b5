"""What an import promises: the scene moves as the take says, and nothing else changes.

Plain functions and asserts, so that `run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import bpy
import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.armature_space import SHOWN, SHOWN_NAMES, rest_bones
from animepose_blender.core.kinematics import forward
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.host import compat, import_take, rollback
from animepose_blender.host.import_take import ImportedTake, ImportOptions
from animepose_blender.host.properties import OPTION_NAMES
from animepose_blender.skeleton import BONE_COUNT, PARENTS, RIGID, J
from animepose_blender.take import State, Take

TENTH_MM = 1e-4
DEFAULTS = ImportOptions()


def fresh_scene() -> bpy.types.Scene:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene


def do_import(take: Take, options: ImportOptions = DEFAULTS, path: str | None = None) -> ImportedTake:
    return import_take.import_take(bpy.context, take, path, options)


def error_of(call: Callable[[], object]) -> AnimePoseError:
    try:
        call()
    except AnimePoseError as error:
        return error
    raise AssertionError("no AnimePoseError was raised")


def wild_take() -> Take:
    """Every bone turned at random, differently in every frame; left and right of unequal length; off the origin."""
    take = walking_take(people=2, frames=12, gaps=False)
    random = np.random.default_rng(7)
    rotations = quat.normalize(random.normal(size=take.rotations.shape))
    rotations[:, :, RIGID] = quat.IDENTITY
    root_m = random.normal(scale=3.0, size=take.root_world_m.shape)
    lengths_m = take.bone_length_m * random.uniform(0.6, 1.5, size=take.bone_length_m.shape)
    joints_m, _ = forward(rotations, root_m, lengths_m[:, None])
    return dataclasses.replace(
        take, rotations=rotations, root_world_m=root_m, bone_length_m=lengths_m, joints_world_m=joints_m
    )


def evaluated_bones(armature: bpy.types.Object) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    matrix = np.array(evaluated.matrix_world)
    return {
        bone.name: tuple(matrix[:3, :3] @ np.array(end) + matrix[:3, 3] for end in (bone.head, bone.tail))
        for bone in evaluated.pose.bones
    }


def assert_pose_is(armature: bpy.types.Object, joints_m: np.ndarray) -> None:
    bones = evaluated_bones(armature)
    assert set(bones) == set(SHOWN_NAMES)
    for name, bone in zip(SHOWN_NAMES, SHOWN, strict=True):
        head, tail = bones[name]
        assert np.abs(head - joints_m[max(PARENTS[bone], 0)]).max() < TENTH_MM, name
        stem, _, side = name.partition(".")
        side = {"L": "left", "R": "right", "": ""}[side]
        if stem == "hand":
            expected = (joints_m[J[f"{side}_index_knuckle"]] + joints_m[J[f"{side}_pinky_knuckle"]]) / 2
        elif stem == "foot":
            expected = joints_m[J[f"{side}_toe"]]
        elif stem == "pelvis":
            continue
        else:
            expected = joints_m[bone]
        assert np.abs(tail - expected).max() < TENTH_MM, name


def test_heads_and_tails_are_the_takes_joints():
    scene = fresh_scene()
    take = wild_take()
    result = do_import(take)
    for frame in (0, 3, 11):
        scene.frame_set(1 + frame)
        for person, armature in enumerate(result.armatures):
            assert_pose_is(armature, take.joints_world_m[person, frame])


def test_bones_turn_as_the_take_says_about_their_own_length_too():
    scene = fresh_scene()
    take = wild_take()
    armature = do_import(take).armatures[0]
    _, turned = forward(take.rotations[0], take.root_world_m[0], take.bone_length_m[0])
    scene.frame_set(6)
    evaluated = armature.evaluated_get(bpy.context.evaluated_depsgraph_get())
    for name, bone in zip(SHOWN_NAMES, SHOWN, strict=True):
        rest = np.array(armature.data.bones[name].matrix_local)[:3, :3]
        posed = np.array(evaluated.pose.bones[name].matrix)[:3, :3]
        assert np.abs(posed @ rest.T - quat.to_matrix(turned[5, bone])).max() < 1e-4, name


def test_the_rest_pose_is_the_persons_own_t_pose_at_the_origin():
    fresh_scene()
    take = wild_take()
    for person, armature in enumerate(do_import(take).armatures):
        assert np.allclose(np.array(armature.matrix_world), np.eye(4))
        rest = rest_bones(take.bone_length_m[person])
        for index, name in enumerate(SHOWN_NAMES):
            bone = armature.data.bones[name]
            assert np.allclose(np.array(bone.head_local), rest.head_m[index], atol=1e-5)
            assert np.allclose(np.array(bone.tail_local), rest.tail_m[index], atol=1e-5)
            assert np.allclose(np.array(bone.matrix_local.to_3x3()), rest.orientation[index], atol=1e-4), name
            assert armature.pose.bones[name].rotation_mode == "QUATERNION"
            assert bone.use_connect == rest.connected[index]


def test_the_mannequin_follows_its_bones():
    scene = fresh_scene()
    take = wild_take()
    result = do_import(take)
    scene.frame_set(9)
    graph = bpy.context.evaluated_depsgraph_get()
    for armature, mannequin in zip(result.armatures, result.mannequins, strict=True):
        rest_m = np.array([v.co for v in mannequin.data.vertices])
        mesh = mannequin.evaluated_get(graph).to_mesh()
        posed_m = np.array([v.co for v in mesh.vertices])
        bones = armature.evaluated_get(graph).pose.bones
        group_of = [v.groups[0].group for v in mannequin.data.vertices]
        assert all(len(v.groups) == 1 for v in mannequin.data.vertices)
        for vertex in range(0, len(rest_m), 97):
            name = mannequin.vertex_groups[group_of[vertex]].name
            matrix = np.array(bones[name].matrix) @ np.linalg.inv(np.array(armature.data.bones[name].matrix_local))
            expected = matrix[:3, :3] @ rest_m[vertex] + matrix[:3, 3]
            assert np.abs(posed_m[vertex] - expected).max() < TENTH_MM


def test_keys_lie_only_where_the_person_is_present_and_poses_are_held_over_gaps():
    fresh_scene()
    take = walking_take(people=2, frames=60)
    for person, armature in enumerate(do_import(take).armatures):
        present = np.flatnonzero(take.state[person] != State.ABSENT)
        gap = np.flatnonzero(np.diff(present) > 1)
        for curve in compat.curves_of(armature):
            frames = [point.co[0] for point in curve.keyframe_points]
            if len(frames) == 1:
                continue
            assert frames == (present + 1).tolist()
            holding = [i for i, point in enumerate(curve.keyframe_points) if point.interpolation == "CONSTANT"]
            assert holding == gap.tolist()
            assert all(p.interpolation in ("LINEAR", "CONSTANT") for p in curve.keyframe_points)


def test_only_the_pelvis_moves_nothing_is_scaled_and_still_channels_have_one_key():
    fresh_scene()
    armature = do_import(walking_take(frames=40)).armatures[0]
    curves = compat.curves_of(armature)
    paths = {curve.data_path for curve in curves}
    assert not any("scale" in path for path in paths)
    assert [path for path in paths if "location" in path] == ['pose.bones["pelvis"].location']
    assert len(curves) == 3 + 4 * len(SHOWN_NAMES)
    for curve in curves:
        values = {round(point.co[1], 5) for point in curve.keyframe_points}
        assert len(curve.keyframe_points) == 1 or len(values) > 1, curve.data_path
    assert any(len(curve.keyframe_points) == 1 for curve in curves)


def test_quaternions_stay_on_one_side_of_the_sphere_across_gaps_too():
    fresh_scene()
    take = walking_take(people=1, frames=80)
    flipped = take.rotations * np.where(np.arange(80) % 3 == 0, -1.0, 1.0)[None, :, None, None]
    armature = do_import(dataclasses.replace(take, rotations=flipped)).armatures[0]
    channels: dict[str, dict[int, np.ndarray]] = {}
    for curve in compat.curves_of(armature):
        if curve.data_path.endswith("rotation_quaternion"):
            values = np.array([point.co[1] for point in curve.keyframe_points])
            channels.setdefault(curve.data_path, {})[curve.array_index] = values
    assert len(channels) == len(SHOWN_NAMES)
    for quaternion in channels.values():
        longest = max(len(values) for values in quaternion.values())
        q = np.stack([np.resize(quaternion[i], longest) for i in range(4)], axis=-1)
        assert (np.sum(q[1:] * q[:-1], axis=-1) > 0).all()
        assert np.allclose(np.linalg.norm(q, axis=-1), 1.0, atol=1e-5)


def test_a_mannequin_is_hidden_exactly_while_its_person_is_absent():
    scene = fresh_scene()
    take = walking_take(people=2, frames=60)
    result = do_import(take)
    for frame in range(60):
        scene.frame_set(1 + frame)
        for person, mannequin in enumerate(result.mannequins):
            absent = bool(take.state[person, frame] == State.ABSENT)
            assert mannequin.hide_viewport == absent and mannequin.hide_render == absent


def test_somebody_never_seen_is_left_out_with_a_warning():
    fresh_scene()
    take = walking_take(people=2, frames=10, gaps=False)
    state = take.state.copy()
    state[0] = State.ABSENT
    result = do_import(dataclasses.replace(take, state=state))
    assert [armature.name for armature in result.armatures] == ["Person 2"]
    assert any("Person 1" in warning for warning in result.warnings)


def test_frame_rate_and_range_follow_the_clip_and_keys_lie_on_whole_frames():
    scene = fresh_scene()
    take = walking_take(frames=50, fps=Fraction(30000, 1001), gaps=False)
    milliseconds = dataclasses.replace(take, frame_time_s=np.round(take.frame_time_s, 3) + 4.0)
    result = do_import(milliseconds)
    assert (scene.render.fps, round(scene.render.fps_base, 6)) == (30, 1.001)
    assert (scene.frame_start, scene.frame_end) == result.frame_range == (1, 50)
    curve = compat.curves_of(result.armatures[0])[0]
    assert [point.co[0] for point in curve.keyframe_points] == list(range(1, 51))


def test_a_variable_frame_rate_survives_as_keys_between_frames():
    scene = fresh_scene()
    take = walking_take(frames=40, gaps=False)
    steps_s = np.where(np.arange(40) % 4 == 0, 0.05, 0.03)
    times_s = np.cumsum(steps_s) - steps_s[0]
    armature = do_import(dataclasses.replace(take, frame_time_s=times_s)).armatures[0]
    frames = [point.co[0] for point in compat.curves_of(armature)[0].keyframe_points]
    assert np.allclose(frames, 1 + times_s * 30, atol=1e-4)
    scene.frame_set(int(frames[20] // 1), subframe=float(frames[20] % 1))
    assert_pose_is(armature, take.joints_world_m[0, 20])


def test_at_the_scenes_own_rate_the_motion_keeps_its_speed():
    scene = fresh_scene()
    scene.render.fps, scene.frame_start, scene.frame_end = 24, 7, 99
    take = walking_take(frames=61, fps=30, gaps=False)
    result = do_import(take, ImportOptions(set_frame_rate=False, set_frame_range=False))
    assert (scene.render.fps, scene.frame_start, scene.frame_end) == (24, 7, 99)
    points = compat.curves_of(result.armatures[0])[0].keyframe_points
    assert points[0].co[0] == 1.0 and abs(points[-1].co[0] - (1 + 2.0 * 24)) < 1e-4
    assert result.frame_range == (1, 49)


def test_every_option_off_makes_armatures_only_and_leaves_the_scene_alone():
    scene = fresh_scene()
    resolution = (scene.render.resolution_x, scene.render.resolution_y)
    nothing = ImportOptions(**dict.fromkeys(OPTION_NAMES, False))
    result = do_import(walking_take(), nothing)
    assert result.camera is None and scene.camera is None and not result.mannequins
    assert (scene.render.resolution_x, scene.render.resolution_y) == resolution
    assert len(result.armatures) == 1
    assert list(result.collection.objects) == result.armatures and not scene.timeline_markers


def test_only_the_people_who_are_asked_for_are_imported():
    fresh_scene()
    take = walking_take(people=3, gaps=False)
    result = do_import(take, ImportOptions(people=(3, 1)))
    assert [armature.name for armature in result.armatures] == ["Person 1", "Person 3"]
    assert [armature["animepose_person_id"] for armature in result.armatures] == [1, 3]
    assert not any("left out" in warning for warning in result.warnings)
    fresh_scene()
    result = do_import(take, ImportOptions(people=()))
    assert result.armatures == [] and result.camera is not None and bpy.context.scene.frame_end == 60
    assert [one.name for one in result.collection.objects if one.type == "MESH"] == ["walk (take) floor"]
    assert "no person 7" in error_of(lambda: do_import(take, ImportOptions(people=(7,)))).message


def test_selection_active_object_mode_and_frame_stay_as_they_are():
    for mode in ("OBJECT", "EDIT", "POSE"):
        scene = fresh_scene()
        bpy.ops.object.armature_add()
        mine = bpy.context.object
        other = bpy.data.objects.new("other", None)
        scene.collection.objects.link(other)
        bpy.ops.object.mode_set(mode=mode)
        scene.frame_set(33)
        before = [thing.name for thing in bpy.context.view_layer.objects.selected]
        result = do_import(walking_take(people=2))
        assert bpy.context.view_layer.objects.active == mine and mine.mode == mode
        assert [thing.name for thing in bpy.context.view_layer.objects.selected] == before
        assert scene.frame_current == 33 and bpy.context.scene == scene and len(bpy.data.scenes) == 1
        assert all(armature.mode == "OBJECT" for armature in result.armatures)


def count_data() -> dict[str, int]:
    return {kind: len(getattr(bpy.data, kind)) for kind in (*rollback.DATA, "scenes", "workspaces", "node_groups")}


def test_a_take_that_cannot_be_imported_changes_nothing():
    scene = fresh_scene()
    before = count_data()
    take = walking_take(frames=5, gaps=False)
    nobody = dataclasses.replace(take, state=np.zeros_like(take.state))
    assert "nobody" in error_of(lambda: do_import(nobody)).message
    lengths_m = take.bone_length_m.copy()
    lengths_m[0, J["left_knee"]] = 0.0
    assert "thigh.L" in error_of(lambda: do_import(dataclasses.replace(take, bone_length_m=lengths_m))).message
    sizeless = dataclasses.replace(take, source={**take.source, "size": None})
    assert "[width, height]" in error_of(lambda: do_import(sizeless)).message
    assert do_import(sizeless, ImportOptions(make_camera=False)).camera is None
    scene = fresh_scene()
    error_of(lambda: do_import(sizeless))
    assert count_data() == before and scene.camera is None


def test_a_failure_midway_removes_what_was_made():
    scene = fresh_scene()
    scene.render.fps = 25
    scene.timeline_markers.new("mine", frame=7)
    before, real = count_data(), import_take.make_mannequin

    def fails(*_: object) -> None:
        raise MemoryError("made up")

    import_take.make_mannequin = fails
    try:
        do_import(walking_take(people=2, frames=10))
    except MemoryError:
        pass
    else:
        raise AssertionError("the failure was swallowed")
    finally:
        import_take.make_mannequin = real
    assert count_data() == before
    assert scene.render.fps == 25 and scene.camera is None and scene.frame_end == 250


def test_it_survives_saving_and_loading(tmp_path: Path):
    fresh_scene()
    take = walking_take(people=2, frames=30)
    do_import(take, path=str(tmp_path / "take.npz"))
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "scene.blend"))
    scene = bpy.context.scene
    collection = bpy.data.collections["walk (take)"]
    assert collection["animepose_take"] == str(tmp_path / "take.npz") and collection["animepose_schema_version"] == 1
    armature = bpy.data.objects["Person 2"]
    assert armature["animepose_person_id"] == 2 and armature.name in collection.objects
    assert scene.camera.name in collection.objects and "Person 1 mannequin" in collection.objects
    scene.frame_set(15)
    assert_pose_is(armature, take.joints_world_m[1, 14])


def test_a_second_import_stands_beside_the_first():
    scene = fresh_scene()
    first, second = do_import(walking_take(people=2, frames=20)), do_import(walking_take(people=2, frames=20))
    assert first.collection != second.collection and len(scene.collection.children) == 2
    assert not set(first.armatures) & set(second.armatures)
    actions = {a.animation_data.action for a in first.armatures + second.armatures}
    assert len(actions) == 4


def test_bones_that_mirror_each_other_have_mirrored_axes_and_positive_bends():
    take = walking_take(frames=1, gaps=False)
    rest = rest_bones(take.bone_length_m[0])
    mirror = np.diag([-1.0, 1.0, 1.0])
    for index, name in enumerate(SHOWN_NAMES):
        if name.endswith(".L"):
            other = rest.orientation[SHOWN_NAMES.index(name[:-1] + "R")]
            assert np.allclose(other, mirror @ rest.orientation[index] @ mirror, atol=1e-6), name
    # A positive turn about local X: the forearm comes forward, the shin goes back, the hand bends to the palm (down).
    ways = {"forearm": (0, -1, 0), "shin": (0, 1, 0), "hand": (0, 0, -1), "spine": (0, -1, 0), "head": (0, -1, 0)}
    for index, name in enumerate(SHOWN_NAMES):
        way = ways.get(name.split(".")[0])
        if way is None:
            continue
        x, y, _ = rest.orientation[index].T
        assert np.dot(np.cross(x, y), way) > 0.9, name
    assert len(SHOWN) == BONE_COUNT - int(RIGID.sum())
