"""What an import shows besides people: boxes, floor, and where somebody is predicted or gone.

Plain functions and asserts, so that `run_in_blender.py` can run the same tests inside any Blender.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import bpy
import numpy as np

from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat, import_take, presence
from animepose_blender.host.boxes import DASH_M, bars
from animepose_blender.host.curves import FILLED_IN
from animepose_blender.host.floor import MOST_CELLS, grid
from animepose_blender.host.import_take import ImportedTake, ImportOptions
from animepose_blender.take import State, Take

DEFAULTS = ImportOptions()


def do_import(take: Take, options: ImportOptions = DEFAULTS) -> ImportedTake:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return import_take.import_take(bpy.context, take, None, options)


def floors(result: ImportedTake) -> list[bpy.types.Object]:
    return [one for one in result.collection.objects if one.name.endswith("floor")]


def test_boxes_match_the_take_under_a_moving_camera_and_are_switched_off_unless_wanted():
    take = walking_take(people=2, frames=30, moving_camera=True)
    result = do_import(take, ImportOptions(show_boxes=True))
    shown_states = set()
    for frame in range(30):
        bpy.context.scene.frame_set(1 + frame)
        for person in range(2):
            state = take.state[person, frame]
            shown = [b for b in result.boxes if b.name.startswith(f"Person {person + 1}") and not b.hide_viewport]
            assert len(shown) == (state != State.ABSENT)
            assert all(box.name.endswith("predicted") == (state == State.PREDICTED) for box in shown)
            shown_states.add(int(state))
            for box in shown:
                corners_m = np.array([np.array(box.matrix_world) @ [*v.co, 1.0] for v in box.data.vertices])
                camera_m = (np.linalg.inv(take.camera_to_world[frame]) @ corners_m.T).T[:, :3]
                expected = take.box_camera_m[person, frame]
                assert np.allclose(np.r_[camera_m.min(0), camera_m.max(0)], expected, atol=1e-4)
    assert len(shown_states) == 3
    child = result.collection.children[0]
    assert set(child.objects) == set(result.boxes) and not child.hide_viewport and child.hide_render
    assert do_import(take).collection.children[0].hide_viewport


def test_boxes_have_their_persons_colour_and_there_is_one_where_none_is_predicted():
    result = do_import(walking_take(people=2, frames=6, gaps=False))
    assert [box.name for box in result.boxes] == ["Person 1 box", "Person 2 box"]
    for box, armature in zip(result.boxes, result.armatures, strict=True):
        assert box.data.materials[0].diffuse_color[:] == armature.color[:] == box.color[:]
    take = walking_take(frames=6, gaps=False)
    boxless = dataclasses.replace(take, box_camera_m=np.full_like(take.box_camera_m, np.nan))
    assert not do_import(boxless).boxes


def test_bars_are_of_even_thickness_and_dashes_as_long_as_their_gaps():
    size_m = np.array([0.6, 0.5, 1.8])
    lower, upper = bars(size_m, dashed=False)
    assert len(lower) == 12 and np.isclose(lower.min(), -0.5) and np.isclose(upper.max(), 0.5)
    thickness_m = np.sort((upper - lower) * size_m, axis=1)[:, :2]
    assert np.ptp(thickness_m) < 1e-9
    lower, upper = bars(size_m, dashed=True)
    upright = np.argmax((upper - lower) * size_m, axis=1) == 2
    at_one_edge = upright & (lower[:, :2] < -0.49).all(axis=1)
    ends_m = np.sort(np.c_[lower[at_one_edge, 2], upper[at_one_edge, 2]] * size_m[2], axis=0)
    assert np.isclose(ends_m[0, 0], -0.9) and np.isclose(ends_m[-1, 1], 0.9)
    assert all(np.isclose(b[0] - a[1], a[1] - a[0]) for a, b in pairwise(ends_m))
    assert abs((ends_m[0, 1] - ends_m[0, 0]) - DASH_M) < 0.2 * DASH_M


def test_keys_of_predicted_frames_are_of_a_type_of_their_own():
    take = walking_take(people=2, frames=60)
    for person, armature in enumerate(do_import(take).armatures):
        present = take.state[person] != State.ABSENT
        predicted = (take.state[person] == State.PREDICTED)[present]
        assert predicted.any() and not predicted.all()
        for curve in compat.curves_of(armature):
            points = curve.keyframe_points
            if len(points) > 1:
                assert [point.type == FILLED_IN for point in points] == predicted.tolist()
            else:
                assert points[0].type == "KEYFRAME"


def test_keys_show_once_an_armature_is_selected_and_are_not_selected_themselves():
    # Timeline and dope sheet show the keys of selected bones only; a selected key looks the same whatever its type is.
    for armature in do_import(walking_take(people=2, frames=12)).armatures:
        bones = armature.pose.bones if bpy.app.version >= (5, 0, 0) else armature.data.bones
        assert all(bone.select for bone in bones)
        for curve in compat.curves_of(armature):
            for point in curve.keyframe_points:
                assert not (point.select_control_point or point.select_left_handle or point.select_right_handle)


def test_an_armatures_bones_are_hidden_exactly_while_its_person_is_absent_and_it_stays_selected():
    take = walking_take(people=2, frames=60)
    result = do_import(take)
    for armature in result.armatures:
        armature.select_set(True)
    for frame in range(60):
        bpy.context.scene.frame_set(1 + frame)
        for person, armature in enumerate(result.armatures):
            present = bool(take.state[person, frame] != State.ABSENT)
            assert {collection.is_visible for collection in armature.data.collections} == {present}
            assert armature.select_get() and not armature.hide_viewport
    always = do_import(walking_take(frames=8, gaps=False)).armatures[0]
    assert always.data.animation_data is None


def test_markers_say_what_becomes_of_whom_and_are_made_only_if_wanted():
    take = walking_take(people=2, frames=20, gaps=False)
    take.state[0, 5:9] = State.PREDICTED
    take.state[1, :5] = State.ABSENT
    do_import(take)
    assert not bpy.context.scene.timeline_markers
    bpy.ops.wm.read_factory_settings(use_empty=True)
    labels = presence.state_labels(["Anna", "Ben"], np.arange(1.0, 21.0), take.state)
    assert labels == {1: "Ben absent", 6: "Anna predicted, Ben seen", 10: "Anna seen"}
    do_import(walking_take(people=2, frames=60), ImportOptions(add_markers=True))
    markers = bpy.context.scene.timeline_markers
    assert len(markers) >= 6 and not any(marker.select for marker in markers)
    assert markers[0].frame == 1 and markers[0].name == "Person 2 absent"


def test_a_failure_takes_the_markers_away_again_and_leaves_those_of_the_user():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, real = bpy.context.scene, import_take.add_markers
    scene.timeline_markers.new("mine", frame=400)

    def add_and_fail(*arguments: object) -> None:
        real(*arguments)
        raise MemoryError("made up")

    import_take.add_markers = add_and_fail
    try:
        import_take.import_take(bpy.context, walking_take(people=2), None, ImportOptions(add_markers=True))
    except MemoryError:
        pass
    else:
        raise AssertionError("the failure was swallowed")
    finally:
        import_take.add_markers = real
    assert [marker.name for marker in scene.timeline_markers] == ["mine"]


def test_the_floor_lies_at_zero_reaches_beyond_everybody_and_disturbs_nothing():
    take = walking_take(people=3, frames=90)
    (floor,) = floors(do_import(take))
    points_m = np.array([floor.matrix_world @ vertex.co for vertex in floor.data.vertices])
    assert (points_m[:, 2] == 0).all() and all(polygon.normal.z > 0.99 for polygon in floor.data.polygons)
    joints_m = take.joints_world_m[..., :2].reshape(-1, 2)
    assert (points_m[:, :2].min(0) < np.nanmin(joints_m, 0) - 0.9).all()
    assert (points_m[:, :2].max(0) > np.nanmax(joints_m, 0) + 0.9).all()
    assert np.allclose(points_m, np.round(points_m))
    assert floor.hide_render and floor.hide_select and floor.display_type == "WIRE" and floor.is_shadow_catcher
    assert floor.show_all_edges
    assert not floors(do_import(take, ImportOptions(make_floor=False)))


def test_a_floor_under_very_long_paths_has_larger_cells_and_no_more_of_them():
    for length_m in (3.0, 70.0, 900.0, 1e5):
        low, high, cells = grid(np.array([[0.3, -2.0, 0.0], [0.3 + length_m, 5.0, 1.0], [np.nan] * 3]))
        assert cells.max() <= MOST_CELLS and low[0] <= -0.7 and high[0] >= length_m + 1.3
        edge_m = (high - low) / cells
        assert np.isclose(edge_m[0], edge_m[1]) and np.isclose(np.round(low / edge_m), low / edge_m).all()


def test_the_uncertainty_of_the_root_is_noted_on_the_armature_where_the_take_has_it():
    take = walking_take(people=2, frames=10)
    assert import_take.PROPERTY_ROOT_SIGMA not in do_import(take).armatures[0]
    sigma_m = np.full((2, 10, 2), (0.05, 0.4), dtype=np.float32)
    sigma_m[take.state == State.ABSENT] = np.nan
    armature = do_import(dataclasses.replace(take, extras={"root_sigma_m": sigma_m})).armatures[1]
    assert np.allclose(armature[import_take.PROPERTY_ROOT_SIGMA][:], (0.05, 0.4))
