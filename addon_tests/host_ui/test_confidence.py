"""How sure the take is, on the bones: colours that change no data, keyed properties, and the next doubt of a bone."""

from __future__ import annotations

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from addon_tests.retarget import rigs_in_blender  # noqa: E402
from addon_tests.rigs import catalogue  # noqa: E402
from animepose_blender.core.armature_space import SHOWN_NAMES  # noqa: E402
from animepose_blender.core.review.confidence import DASHES, KEY_TOLERANCE, look_of  # noqa: E402
from animepose_blender.core.synthetic import walking_take  # noqa: E402
from animepose_blender.host import compat  # noqa: E402
from animepose_blender.host.confidence import overlay, people  # noqa: E402
from animepose_blender.host.confidence.curve import bars_of  # noqa: E402
from animepose_blender.host.confidence.keys import path_of  # noqa: E402
from animepose_blender.skeleton import J  # noqa: E402
from animepose_blender.take import State  # noqa: E402

FRAMES = 60


@pytest.fixture
def take_path(tmp_path) -> str:
    """Two people; the left wrist of the first is unsure in the frames 21 to 30, the right knee of the second in 41 to
    45, and the second is predicted in the last ten."""
    take = walking_take(2, FRAMES, gaps=False)
    take.joint_confidence[:] = 0.95
    take.joint_confidence[0, 20:30, J["left_wrist"]] = 0.2
    take.joint_confidence[1, 40:45, J["right_knee"]] = 0.1
    take.state[1, 50:] = State.PREDICTED
    take.joint_confidence[1, 50:] = 0
    return str(take.save(tmp_path / "walk.take.npz"))


@pytest.fixture
def scene(addon, take_path):
    """Both were imported; the first one's armature is active, and the current frame is 1."""
    assert bpy.ops.animepose.import_take(filepath=take_path) == {"FINISHED"}
    select(bpy.data.objects["Person 1"])
    bpy.context.scene.frame_set(1)
    bpy.ops.ed.undo_push(message="ready")
    return bpy.context.scene


@pytest.fixture
def mixamo(scene):
    """A Mixamo rig that got the motion of the first person."""
    rig = rigs_in_blender.catalogued("mixamo", catalogue.Variant()).armature
    settings = scene.animepose_retarget
    assert bpy.ops.animepose.scan_people() == {"FINISHED"}
    settings.people[0].rig = rig
    settings.people[1].choice = "IGNORE"
    assert bpy.ops.animepose.assign_all() == {"FINISHED"}
    return rig


def select(rig):
    for one in bpy.context.view_layer.objects:
        one.select_set(one == rig)
    bpy.context.view_layer.objects.active = rig


def pose(rig, *bones):
    """Pose Mode with some bones selected."""
    select(rig)
    bpy.ops.object.mode_set(mode="POSE")
    for posed in rig.pose.bones:
        holder = posed if "select" in bpy.types.PoseBone.bl_rna.properties else posed.bone
        holder.select = posed.name in bones


def drawn():
    return overlay.bones_now(bpy.context.scene, bpy.context.view_layer)


def curves(rig):
    return {c.data_path: c for c in compat.curves_of(rig) if c.data_path.endswith('["confidence"]')}


def state_of(rig):
    return sorted((c.data_path, c.array_index, len(c.keyframe_points)) for c in compat.curves_of(rig)), [
        (bone.name, bone.get("confidence")) for bone in rig.pose.bones if "confidence" in bone
    ]


def test_bones_are_drawn_where_they_are_in_the_colours_of_their_confidence(scene):
    scene.frame_set(25)
    lines, colours, widths = drawn()
    assert len(lines) == 2 * len(SHOWN_NAMES)
    rig = bpy.data.objects["Person 1"]
    low, high = (look_of(np.array([value])) for value in (0.2, 0.95))
    for name, look in (("forearm.L", low), ("hand.L", low), ("forearm.R", high), ("head", high)):
        ends = np.array([rig.matrix_world @ rig.pose.bones[name].head, rig.matrix_world @ rig.pose.bones[name].tail])
        (at,) = np.flatnonzero(np.abs(lines - ends).max(axis=(1, 2)) < 1e-5)
        np.testing.assert_allclose(colours[at], look[0][0], atol=1e-6)
        assert abs(widths[at] - look[1][0]) <= 1


def test_who_is_predicted_is_grey_and_dashed_and_who_is_hidden_is_not_drawn(scene):
    scene.frame_set(55)
    lines, colours, _ = drawn()
    assert len(lines) == (1 + DASHES) * len(SHOWN_NAMES)
    assert (np.ptp(colours[:, :3], axis=1) < 0.05).sum() == DASHES * len(SHOWN_NAMES)
    bpy.data.objects["Person 2"].hide_set(True)
    assert len(drawn()[0]) == len(SHOWN_NAMES)
    scene.frame_set(FRAMES + 5)
    assert not len(drawn()[0])


def test_a_rig_that_got_the_motion_has_the_colours_of_its_person(mixamo):
    scene = bpy.context.scene
    scene.frame_set(25)
    found = {person.rig_name: person for person in people.people_in(scene)[0]}
    assert {*found} >= {mixamo.name, "Person 2"}
    person = found[mixamo.name]
    confidence = dict(zip(person.drawn, person.confidence(person.drawn, slice(24, 25))[0], strict=True))
    low = {bone for bone, value in confidence.items() if value < 0.5}
    assert {bone.split(":")[-1] for bone in low} == {"LeftForeArm", "LeftHand"}


def test_a_rigs_controls_for_hands_and_feet_are_known_and_what_is_drawn_moves_with_the_limbs(scene, take_path):
    rig = rigs_in_blender.catalogued("rigify", catalogue.Variant()).armature
    settings = scene.animepose_retarget
    settings.output = "ik"
    bpy.ops.animepose.scan_people()
    settings.people[0].rig, settings.people[1].choice = rig, "IGNORE"
    assert bpy.ops.animepose.assign_all() == {"FINISHED"}
    (person,) = (one for one in people.people_in(scene)[0] if one.rig_name == rig.name)
    assert person.slots["hand_ik.L"] == "hand.L" and person.slots["forearm_fk.L"] == "forearm.L"
    assert "hand_ik.L" not in person.drawn


def test_showing_and_hiding_changes_no_data_and_leaves_no_handlers(scene):
    handlers = {name: list(getattr(bpy.app.handlers, name)) for name in overlay._HANDLERS}
    assert bpy.ops.animepose.show_confidence() == {"FINISHED"} and overlay.is_shown()
    assert bpy.ops.animepose.show_confidence() == {"FINISHED"} and not overlay.is_shown()
    assert handlers == {name: list(getattr(bpy.app.handlers, name)) for name in overlay._HANDLERS}
    bpy.ops.animepose.show_confidence()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert not overlay.is_shown()


def test_without_anybody_it_says_so(addon):
    with pytest.raises(RuntimeError, match="Nobody in the scene"):
        bpy.ops.animepose.show_confidence()


def test_who_comes_goes_or_is_undone_is_drawn_or_not(scene, take_path):
    bpy.ops.animepose.show_confidence()
    bpy.data.objects.remove(bpy.data.objects["Person 2"])
    drawn()
    assert len(drawn()[0]) == len(SHOWN_NAMES)
    bpy.ops.ed.undo_push(message="removed")
    bpy.ops.ed.undo()
    assert len(drawn()[0]) == 2 * len(SHOWN_NAMES)
    overlay.hide()


def test_edits_of_the_review_count(scene):
    bpy.ops.animepose.review_take()
    scene.frame_set(1)
    review = bpy.context.scene.animepose_review
    review.active, review.other = 0, "2"
    scene.frame_set(25)
    assert bpy.ops.animepose.swap_people() == {"FINISHED"}
    low = look_of(np.array([0.2]))[0][0]
    lines, colours, _ = drawn()
    rig = bpy.data.objects["Person 2"]
    ends = np.array([rig.pose.bones["hand.L"].head, rig.pose.bones["hand.L"].tail])
    (at,) = np.flatnonzero(np.abs(lines - ends).max(axis=(1, 2)) < 1e-5)
    np.testing.assert_allclose(colours[at], low, atol=1e-6)


def test_a_take_that_is_gone_is_told(scene, take_path):
    import os

    os.remove(take_path)
    with pytest.raises(RuntimeError, match="no take"):
        bpy.ops.animepose.show_confidence()


def test_the_curve_has_the_least_of_each_pixel_and_leaves_out_who_is_absent(scene):
    (person,) = (one for one in people.people_in(scene)[0] if one.rig_name == "Person 1")
    frames = np.arange(1.0, FRAMES + 1)
    bars, colours = bars_of(person, "forearm.L", frames, 600.0)
    assert len(bars) == FRAMES and bars[0, 0] == 0 and bars[-1, 2] == pytest.approx(600)
    np.testing.assert_allclose(bars[20:30, 3], 0.2, atol=1e-6)
    bars, _ = bars_of(person, "forearm.L", frames, 7.0)
    assert len(bars) == 7 and (bars[:, 3] < 0.5).sum() in (2, 3)
    (other,) = (one for one in people.people_in(scene)[0] if one.rig_name == "Person 2")
    _, colours = bars_of(other, "head", frames, 600.0)
    assert (np.ptp(colours[50:, :3], axis=1) < 0.05).all() and (np.ptp(colours[:50, :3], axis=1) > 0.05).all()


def test_confidence_is_keyed_for_the_selected_bones_and_follows_the_take(scene):
    rig = bpy.data.objects["Person 1"]
    pose(rig, "forearm.L", "head")
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    made = curves(rig)
    assert {*made} == {path_of("forearm.L"), path_of("head")}
    (person,) = (one for one in people.people_in(scene)[0] if one.rig_name == "Person 1")
    truth = person.confidence(["forearm.L"])[:, 0]
    curve = made[path_of("forearm.L")]
    values = [curve.evaluate(frame) for frame in range(1, FRAMES + 1)]
    assert np.abs(np.array(values) - truth).max() <= KEY_TOLERANCE + 1e-6
    assert len(curve.keyframe_points) == 6 and len(made[path_of("head")].keyframe_points) == 1
    assert curve.group.name == "forearm.L" and {point.interpolation for point in curve.keyframe_points} == {"LINEAR"}
    scene.frame_set(25)
    assert rig.pose.bones["forearm.L"]["confidence"] == pytest.approx(0.2, abs=1e-5)


def test_all_bones_are_keyed_where_none_is_selected_and_keying_twice_is_keying_once(scene):
    rig = bpy.data.objects["Person 1"]
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    once = state_of(rig)
    assert len(curves(rig)) == len(SHOWN_NAMES) and not curves(bpy.data.objects["Person 2"])
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    assert state_of(rig) == once


def test_removing_leaves_nothing_and_takes_nothing_else(scene):
    rig = bpy.data.objects["Person 1"]
    before = state_of(rig)
    bpy.ops.animepose.key_confidence()
    pose(rig, "head")
    assert bpy.ops.animepose.remove_confidence() == {"FINISHED"}
    assert path_of("head") not in curves(rig) and len(curves(rig)) == len(SHOWN_NAMES) - 1
    pose(rig)
    assert bpy.ops.animepose.remove_confidence() == {"FINISHED"}
    assert state_of(rig) == before
    assert bpy.ops.animepose.remove_confidence() == {"CANCELLED"}


def test_a_curve_whose_property_is_lost_is_removed_as_well(scene):
    rig = bpy.data.objects["Person 1"]
    bpy.ops.animepose.key_confidence()
    del rig.pose.bones["head"]["confidence"]  # as Blender does with those of library overrides
    assert bpy.ops.animepose.remove_confidence() == {"FINISHED"} and not curves(rig)


def test_one_undo_takes_the_keys_back_and_redo_brings_them_again(scene):
    before = state_of(bpy.data.objects["Person 1"])
    bpy.ops.animepose.key_confidence()
    bpy.ops.ed.undo_push(message="keyed")
    after = state_of(bpy.data.objects["Person 1"])
    bpy.ops.ed.undo()
    assert state_of(bpy.data.objects["Person 1"]) == before
    bpy.ops.ed.redo()
    assert state_of(bpy.data.objects["Person 1"]) == after


def test_what_is_somebody_elses_stays(scene):
    rig = bpy.data.objects["Person 1"]
    rig.pose.bones["head"]["confidence"] = 7
    rig.pose.bones["foot.L"]["confidence"] = 0.5
    rig.pose.bones["foot.L"].driver_add('["confidence"]').driver.expression = "1.0"
    bpy.ops.animepose.key_confidence()
    assert len(curves(rig)) == len(SHOWN_NAMES) - 2 and rig.pose.bones["head"]["confidence"] == 7
    curves(rig)[path_of("chest")].lock = True
    assert bpy.ops.animepose.remove_confidence() == {"FINISHED"}
    assert {*curves(rig)} == {path_of("chest")} and rig.pose.bones["head"]["confidence"] == 7


def test_an_armature_without_an_action_gets_one_and_an_empty_action_its_curves(scene):
    rig = bpy.data.objects["Person 1"]
    rig.animation_data.action = None
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    assert len(compat.curves_of(rig)) == len(SHOWN_NAMES)
    rig.animation_data.action = bpy.data.actions.new("empty")
    if compat.has_slots() and rig.animation_data.action_slot is None:
        rig.animation_data.action_slot = rig.animation_data.action.slots.new(id_type="OBJECT", name=rig.name)
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    assert len(compat.curves_of(rig)) == len(SHOWN_NAMES)


def test_what_cannot_be_keyed_is_told_and_nothing_changes(scene):
    camera = scene.camera
    select(camera)
    assert not bpy.ops.animepose.key_confidence.poll() and not bpy.ops.animepose.remove_confidence.poll()
    stray = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    scene.collection.objects.link(stray)
    select(stray)
    with pytest.raises(RuntimeError, match="Nothing is known"):
        bpy.ops.animepose.key_confidence()
    rig = bpy.data.objects["Person 1"]
    select(rig)
    strip = rig.animation_data.nla_tracks.new().strips.new("strip", 1, rig.animation_data.action)
    if compat.has_slots():
        strip.action_slot = rig.animation_data.action.slots[0]
    rig.animation_data.action = None
    rig.animation_data.use_tweak_mode = True
    with pytest.raises(RuntimeError, match="tweak mode"):
        bpy.ops.animepose.key_confidence()
    assert not any("confidence" in bone for bone in rig.pose.bones)


def test_keys_of_a_control_rig_are_on_its_controls(mixamo):
    select(mixamo)
    assert bpy.ops.animepose.key_confidence() == {"FINISHED"}
    (path,) = (path for path in curves(mixamo) if "LeftForeArm" in path)
    assert curves(mixamo)[path].evaluate(25) == pytest.approx(0.2, abs=0.03)


def test_the_next_doubt_is_that_of_the_selected_bones(scene):
    first, second = bpy.data.objects["Person 1"], bpy.data.objects["Person 2"]
    pose(first, "forearm.L", "head")
    assert bpy.ops.animepose.jump_to_doubt() == {"FINISHED"} and scene.frame_current == 21
    assert bpy.ops.animepose.jump_to_doubt() == {"CANCELLED"} and scene.frame_current == 21
    bpy.ops.object.mode_set(mode="OBJECT")
    pose(second, "shin.R")
    assert bpy.ops.animepose.jump_to_doubt() == {"FINISHED"} and scene.frame_current == 41
    scene.frame_set(55)
    assert bpy.ops.animepose.jump_to_doubt(backwards=True) == {"FINISHED"} and scene.frame_current == 41
    pose(second, "head")
    assert bpy.ops.animepose.jump_to_doubt(backwards=True) == {"CANCELLED"}


def test_with_all_bones_selected_or_none_doubts_are_those_of_the_take(scene):
    rig = bpy.data.objects["Person 1"]
    assert not bpy.ops.animepose.jump_to_doubt.poll()
    pose(rig)
    with pytest.raises(RuntimeError, match="No take is being reviewed"):
        bpy.ops.animepose.jump_to_doubt()
    bpy.ops.animepose.review_take()
    for bones in ((), SHOWN_NAMES):
        pose(rig, *bones)
        scene.frame_set(1)
        assert bpy.ops.animepose.jump_to_doubt() == {"CANCELLED"}  # the mean of the joints is nowhere low
