"""The panel "Retarget": one rig, the bone map, offsets that show at once, and everybody of a take in one go."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest

from addon_tests.retarget import rigs_in_blender
from addon_tests.retarget.dump import differences, dump, surroundings
from addon_tests.rigs import catalogue
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.core.retarget.settings import OFFSET_PARTS, OUTPUTS, ROOT_MODES, Settings
from animepose_blender.core.retarget.slots import MAIN, SLOTS
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.host import compat
from animepose_blender.host.retarget import live, map_list, maps, run, thumbnails

FRAMES = 24


def _settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.animepose_retarget


def _rig(family: str = "mixamo", name: str = "", **variant) -> bpy.types.Object:
    armature = rigs_in_blender.catalogued(family, catalogue.Variant(**variant)).armature
    armature.name = name or family
    return armature


def _stray_armature() -> bpy.types.Object:
    """A chain of three bones: no person."""
    armature = bpy.data.objects.new("Crane", bpy.data.armatures.new("Crane"))
    bpy.context.scene.collection.objects.link(armature)
    with rigs_in_blender.editing(armature) as bones:
        for number in range(3):
            bone = bones.new(f"link{number}")
            bone.head, bone.tail = (0, 0, number), (0, 0, number + 1)
    return armature


def _select(*objects: bpy.types.Object) -> None:
    for one in bpy.context.view_layer.objects:
        one.select_set(one in objects)
    bpy.context.view_layer.objects.active = objects[0] if objects else None


def _values(armature: bpy.types.Object) -> np.ndarray:
    """(C, F) what the curves of an armature say in each frame."""
    frames = range(1, FRAMES + 1)
    return np.array([[curve.evaluate(frame) for frame in frames] for curve in compat.curves_of(armature)])


@pytest.fixture
def take_path(tmp_path) -> str:
    """Three people; everybody has a picture of one colour."""
    take = walking_take(people=3, frames=FRAMES, gaps=False)
    take.extras["thumbnails"] = np.full((3, 96, 96, 3), 120, dtype=np.uint8)
    return str(take.save(tmp_path / "walk.take.npz"))


@pytest.fixture
def scanned(take_path) -> bpy.types.PropertyGroup:
    """The people of the take, which is not in the scene."""
    settings = _settings()
    settings.take = take_path
    assert bpy.ops.animepose.scan_people() == {"FINISHED"}
    return settings


@pytest.fixture
def imported(take_path) -> bpy.types.Object:
    """The take's first person, in the scene."""
    bpy.ops.animepose.import_take(filepath=take_path)
    return bpy.data.objects["Person 1"]


@pytest.fixture
def retargeted(imported) -> bpy.types.Object:
    """A rig with the motion of the first person."""
    rig, settings = _rig(), _settings()
    settings.source, settings.target = imported, rig
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    return rig


# One rig


def test_a_rig_gets_the_motion_in_a_new_action_and_keeps_its_own(imported):
    rig = _rig()
    before = bpy.data.actions.new("Mine")
    rig.animation_data_create().action = before
    _settings().source, _settings().target = imported, rig
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    assert rig.animation_data.action.name == "Person 1 on mixamo" and "Mine" in bpy.data.actions
    keyed = {curve.data_path.split('"')[1] for curve in compat.curves_of(rig)}
    assert {"mixamorig:Hips", "mixamorig:LeftArm", "mixamorig:RightFoot"} <= keyed


def test_retargeting_is_one_undo_step(imported):
    _settings().source, _settings().target = imported, _rig()
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.animepose.retarget("EXEC_DEFAULT", True) == {"FINISHED"}
    assert bpy.data.objects["mixamo"].animation_data.action is not None
    bpy.ops.ed.undo()
    assert bpy.data.objects["mixamo"].animation_data is None
    assert not _settings().recipes and "Person 1 on mixamo" not in bpy.data.actions
    bpy.ops.ed.redo()
    assert bpy.data.objects["mixamo"].animation_data.action.name == "Person 1 on mixamo"


def test_the_rig_and_everything_around_it_stay_as_they_are(imported):
    rig = _rig("rigify", rolls=1)
    _settings().source, _settings().target, _settings().use_doubtful = imported, rig, True
    _select(imported)
    bpy.ops.object.mode_set(mode="POSE")
    bpy.context.scene.frame_set(5)
    bones = [bone.name for bone in rig.data.bones]
    before, around = dump(rig, bones), surroundings()
    bpy.ops.animepose.retarget()
    assert not differences(before, dump(rig, bones)) and not differences(around, surroundings())
    assert bpy.context.mode == "POSE" and rig.animation_data.action is not None


def test_the_result_may_be_a_strip_above_the_action(imported):
    rig, settings = _rig(), _settings()
    settings.source, settings.target, settings.result = imported, rig, "STRIP"
    bpy.ops.animepose.retarget()
    assert rig.animation_data.action is None
    assert [strip.action.name for track in rig.animation_data.nla_tracks for strip in track.strips] == [
        "Person 1 on mixamo"
    ]
    assert settings.recipe_of(rig).action.name == "Person 1 on mixamo"


def test_the_operator_says_what_is_missing(imported):
    rig, settings = _rig(), _settings()
    for source, target, said in (
        (None, rig, "that the motion comes from"),
        (imported, None, "that gets the motion"),
        (imported, imported, "the same armature"),
    ):
        settings.source, settings.target = source, target
        with pytest.raises(RuntimeError, match=said):
            bpy.ops.animepose.retarget()
    settings.source, settings.target = imported, rig
    _select(rig)
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Leave Edit Mode"):
        bpy.ops.animepose.retarget()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert rig.animation_data is None


def test_only_armatures_can_be_chosen():
    mesh = bpy.data.objects.new("Cube", bpy.data.meshes.new("Cube"))
    bpy.context.scene.collection.objects.link(mesh)
    for name in ("source", "target"):
        with pytest.raises(TypeError):  # Blender's own, from the poll of the pointer
            setattr(_settings(), name, "Cube")
    assert not maps_poll(mesh)


def maps_poll(candidate: bpy.types.Object) -> bool:
    from animepose_blender.host.retarget.properties import _is_armature

    return _is_armature(_settings(), candidate)


def test_a_rig_that_is_no_persons_is_refused_and_left_alone(imported):
    crane, settings = _stray_armature(), _settings()
    settings.source, settings.target = imported, crane
    for settings.use_doubtful in (False, True):
        with pytest.raises(RuntimeError, match="Crane does not look like a person"):
            bpy.ops.animepose.retarget()
    assert crane.animation_data is None and not settings.recipes


def test_a_rig_without_half_of_its_bones_is_not_used_silently(imported):
    rig, settings = _rig(), _settings()
    with rigs_in_blender.editing(rig) as bones:
        for bone in [bone for bone in bones if "Right" in bone.name or "Leg" in bone.name]:
            bones.remove(bone)
    settings.source, settings.target = imported, rig
    with pytest.raises(RuntimeError, match=r"does not look like a person|is not sure"):
        bpy.ops.animepose.retarget()
    assert rig.animation_data is None


def test_a_doubtful_main_bone_is_asked_about(imported):
    rig, settings = _rig(), _settings()
    settings.source, settings.target = imported, rig
    entry = settings.map_of(rig)
    entry.slots["forearm.R"].score = 0.3
    with pytest.raises(RuntimeError, match=r"not sure: Forearm R.*Use Doubtful Maps"):
        bpy.ops.animepose.retarget()
    assert rig.animation_data is None
    settings.use_doubtful = True
    assert bpy.ops.animepose.retarget() == {"FINISHED"}


def test_rigs_of_the_same_name_are_told_apart(imported, tmp_path):
    far = _rig(name="Hero", legs=1.1)
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {far})
    bpy.data.objects.remove(far)
    with bpy.data.libraries.load(library, link=True) as (_, here):
        here.objects = ["Hero"]
    linked = here.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    own, settings = _rig(name="Hero"), _settings()
    assert own.name == linked.name
    settings.source, settings.target = imported, own
    bpy.ops.animepose.retarget()
    settings.target = linked
    assert {entry.rig.library is None for entry in settings.maps} == {True, False}
    bpy.ops.animepose.retarget()
    override = settings.target
    assert override.override_library is not None and override.animation_data.action != own.animation_data.action
    assert settings.map_of(override) is not None and settings.recipe_of(override) is not None
    override_recipe = settings.recipe_of(override)
    before = _values(override)
    override_recipe.offsets["head"].turn_deg = (0, 0, 20)
    assert not override_recipe.problem and not np.array_equal(before, _values(override))


def test_a_bvh_file_can_be_the_source(imported, tmp_path):
    bvh = str(tmp_path / "walk.bvh")
    _select(imported)
    bpy.ops.export_anim.bvh(filepath=bvh, frame_start=1, frame_end=FRAMES)
    settings = _settings()
    assert bpy.ops.animepose.load_bvh(filepath=bvh) == {"FINISHED"}
    assert settings.source not in (None, imported)
    settings.target, settings.use_doubtful = _rig(), True
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    (tmp_path / "text.bvh").write_text("no motion")
    with pytest.raises(RuntimeError, match=r"text\.bvh"):
        bpy.ops.animepose.load_bvh(filepath=str(tmp_path / "text.bvh"))


def test_every_choice_of_the_transfer_can_be_made():
    properties = _settings().bl_rna.properties
    assert tuple(properties["root"].enum_items.keys()) == ROOT_MODES
    assert tuple(properties["output"].enum_items.keys()) == OUTPUTS
    assert _settings().settings({}) == Settings()


# The bone map


def test_a_chosen_rig_gets_its_map_at_once():
    rig, settings = _rig("unreal4") if "unreal4" in catalogue.families() else _rig(), _settings()
    settings.target = rig
    entry = settings.map_of(rig)
    assert [slot.name for slot in entry.slots] == list(SLOTS) and entry.title and not maps.doubtful_main(entry)
    assert set(MAIN) <= {slot.name for slot in entry.slots if slot.bone}


def test_what_the_user_chooses_is_certain_and_takes_the_bone_from_other_places():
    rig, settings = _rig(), _settings()
    settings.target = rig
    entry = settings.map_of(rig)
    entry.slots["head"].score = 0.2
    entry.slots["head"].bone = "mixamorig:Neck"
    assert (entry.slots["head"].bone, entry.slots["head"].score) == ("mixamorig:Neck", 1.0)
    assert entry.slots["neck_1"].bone == "" and not maps.is_doubtful(entry.slots["neck_1"])
    entry.slots["head"].bone = ""
    assert maps.is_doubtful(entry.slots["head"]) and "head" in maps.doubtful_main(entry)
    assert bpy.ops.animepose.detect_bones() == {"FINISHED"}
    assert entry.slots["head"].bone == "mixamorig:Head" and entry.slots["neck_1"].bone == "mixamorig:Neck"


def test_doubtful_places_can_be_listed_alone():
    rig, settings = _rig(), _settings()
    settings.target = rig
    entry = settings.map_of(rig)
    entry.slots["forearm.R"].score, entry.slots["head"].bone = 0.4, ""

    class Shown:
        bitflag_filter_item, filter_name = 1, ""

    def listed() -> list[str]:
        flags, _ = map_list.ANIMEPOSE_UL_bone_map.filter_items(Shown(), bpy.context, entry, "slots")
        return [slot.name for slot, flag in zip(entry.slots, flags) if flag]

    assert listed() == list(SLOTS)
    settings.only_doubtful = True
    assert listed() == ["head", "forearm.R"]
    settings.only_doubtful, Shown.filter_name = False, "toe"
    assert listed() == ["toe.L", "toe.R"]


@pytest.mark.parametrize("renaming", ["", "numbers"])
def test_a_map_is_mirrored_by_name_or_by_place(renaming):
    known = catalogue.rig("mixamo")
    rig, settings = _rig(), _settings()
    settings.target = rig
    entry = settings.map_of(rig)
    if renaming:
        names = {bone.name: f"bone {number}" for number, bone in enumerate(rig.data.bones)}
        for bone in rig.data.bones:
            bone.name = names[bone.name]
        left = {slot: names[bone] for slot, bone in known.truth.items()}
    else:
        left = dict(known.truth)
    maps.fill_map(entry, RigMap({slot: bone for slot, bone in left.items() if not slot.endswith(".R")}))
    assert bpy.ops.animepose.mirror_map() == {"FINISHED"}
    assert {slot.name: slot.bone for slot in entry.slots if slot.bone} == left


def test_a_map_is_saved_and_loaded(tmp_path):
    rig, settings = _rig(), _settings()
    settings.target = rig
    entry, path = settings.map_of(rig), str(tmp_path / "map.json")
    entry.slots["toe.L"].bone = ""
    full = maps.read_map(entry)
    assert bpy.ops.animepose.save_map(filepath=path) == {"FINISHED"} and RigMap.load(path) == full
    assert bpy.ops.animepose.clear_map() == {"FINISHED"}
    assert not any(slot.bone for slot in entry.slots)
    with pytest.raises(RuntimeError, match="map is empty"):
        bpy.ops.animepose.save_map(filepath=path)
    assert bpy.ops.animepose.load_map(filepath=path) == {"FINISHED"} and maps.read_map(entry) == full
    settings.target = _stray_armature()
    with pytest.raises(RuntimeError, match="none of the bones of this map"):
        bpy.ops.animepose.load_map(filepath=path)
    Path(path).write_text("{}")
    with pytest.raises(RuntimeError, match="not a rig map"):
        bpy.ops.animepose.load_map(filepath=path)


def test_a_map_that_names_bones_the_rig_has_lost_says_so(imported):
    rig, settings = _rig(), _settings()
    settings.source, settings.target = imported, rig
    rig.data.bones["mixamorig:Head"].name = "Skull"
    with pytest.raises(RuntimeError, match=r"names mixamorig:Head, which the rig does not have.*Detect"):
        bpy.ops.animepose.retarget()


def test_removed_rigs_are_forgotten():
    rig, settings = _rig(), _settings()
    settings.target = rig
    settings.target = _rig("mixamo", "Second")
    _select(rig)
    bpy.ops.object.delete()
    bpy.ops.animepose.detect_bones()
    assert [entry.rig.name for entry in settings.maps] == ["Second"]
    assert "mixamo" not in bpy.data.objects or not bpy.data.objects["mixamo"].users


def test_a_rig_that_was_deleted_is_not_used(imported):
    rig, settings = _rig(), _settings()
    settings.source, settings.target = imported, rig
    _select(rig)
    bpy.ops.object.delete()
    with pytest.raises(RuntimeError, match=r"Choose the rig|was removed from the scene"):
        bpy.ops.animepose.retarget()


# Offsets


def test_an_offset_shows_at_once_and_is_taken_back_exactly(retargeted):
    recipe, before = _settings().recipe_of(retargeted), _values(retargeted)
    action, actions = retargeted.animation_data.action, len(bpy.data.actions)
    recipe.offsets["arm.L"].turn_deg = (0.0, 25.0, 0.0)
    turned = _values(retargeted)
    assert np.abs(turned - before).max() > 0.05
    recipe.offsets["hand.L"].move_cm = (3.0, 0.0, 0.0)
    assert not np.array_equal(_values(retargeted), turned)
    assert retargeted.animation_data.action == action and len(bpy.data.actions) == actions and not recipe.problem
    assert bpy.ops.animepose.reset_offsets() == {"FINISHED"}
    np.testing.assert_allclose(_values(retargeted), before, atol=1e-6)
    with pytest.raises(RuntimeError, match="no offset to take back"):
        bpy.ops.animepose.reset_offsets()


def test_an_offset_belongs_to_the_undo_step_of_its_slider(retargeted):
    bpy.ops.ed.undo_push(message="before")
    before = _values(retargeted)
    _settings().recipe_of(retargeted).offsets["head"].turn_deg = (20.0, 0.0, 0.0)
    bpy.ops.ed.undo_push(message="slider")
    turned = _values(retargeted)
    bpy.ops.ed.undo()
    rig = bpy.data.objects["mixamo"]
    np.testing.assert_array_equal(_values(rig), before)
    assert _settings().recipe_of(rig).offsets["head"].is_zero
    assert not live._prepared
    _settings().recipe_of(rig).offsets["head"].turn_deg = (20.0, 0.0, 0.0)
    np.testing.assert_allclose(_values(rig), turned, atol=1e-6)


def test_offsets_work_in_a_file_that_was_saved_and_loaded(retargeted, tmp_path):
    _settings().recipe_of(retargeted).offsets["head"].turn_deg = (20.0, 0.0, 0.0)
    turned = _values(retargeted)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    rig, recipe = bpy.data.objects["mixamo"], _settings().recipe_of(bpy.data.objects["mixamo"])
    assert not live._prepared and len(recipe.offsets) == len(OFFSET_PARTS)
    recipe.offsets["foot.L"].move_cm = (0.0, 0.0, 2.0)
    assert not recipe.problem and not np.array_equal(_values(rig), turned)
    recipe.offsets["foot.L"].move_cm = (0.0, 0.0, 0.0)
    np.testing.assert_allclose(_values(rig), turned, atol=1e-5)


def test_offsets_stay_when_the_rig_is_retargeted_again(retargeted):
    recipe, before = _settings().recipe_of(retargeted), _values(retargeted)
    recipe.offsets["head"].turn_deg = (20.0, 0.0, 0.0)
    turned = _values(retargeted)
    bpy.ops.animepose.retarget()
    assert len(_settings().recipes) == 1
    np.testing.assert_allclose(_values(retargeted), turned, atol=1e-6)
    bpy.ops.animepose.reset_offsets()
    np.testing.assert_allclose(_values(retargeted), before, atol=1e-6)


def test_an_offset_without_its_result_or_its_source_says_why_it_does_nothing(retargeted, imported):
    recipe = _settings().recipe_of(retargeted)
    bpy.data.objects.remove(imported)
    live.forget()
    recipe.offsets["head"].turn_deg = (20.0, 0.0, 0.0)
    assert "is gone" in recipe.problem
    bpy.data.actions.remove(retargeted.animation_data.action)
    recipe.offsets["head"].turn_deg = (10.0, 0.0, 0.0)
    assert "result is gone" in recipe.problem


def test_no_more_than_a_few_retargets_are_kept_in_memory(imported):
    settings = _settings()
    settings.source = imported
    for number in range(live.KEPT + 2):
        settings.target = _rig(name=f"Rig {number}")
        bpy.ops.animepose.retarget()
    assert len(live._prepared) == live.KEPT and len(settings.recipes) == live.KEPT + 2


# People


def test_people_are_listed_with_how_long_they_are_seen(scanned, take_path):
    assert [(person.name, person.choice) for person in scanned.people] == [
        (f"Person {number}", "MANNEQUIN") for number in (1, 2, 3)
    ]
    assert [person.seconds for person in scanned.people] == pytest.approx([FRAMES / 30] * 3)
    assert scanned.scanned_take == take_path


def test_people_are_those_of_the_active_object_or_of_the_only_take(imported, tmp_path):
    settings = _settings()
    bpy.context.view_layer.objects.active = None
    assert bpy.ops.animepose.scan_people() == {"FINISHED"} and len(settings.people) == 3
    other = str(walking_take(people=1, frames=5).save(tmp_path / "other.take.npz"))
    bpy.ops.animepose.import_take(filepath=other)
    _select()
    bpy.context.view_layer.active_layer_collection = bpy.context.view_layer.layer_collection
    with pytest.raises(RuntimeError, match="several takes"):
        bpy.ops.animepose.scan_people()
    _select(imported)
    bpy.ops.animepose.scan_people()
    assert len(settings.people) == 3
    layers = bpy.context.view_layer.layer_collection.children
    _select()
    bpy.context.view_layer.active_layer_collection = layers["other (take)"] if "other (take)" in layers else layers[1]
    bpy.ops.animepose.scan_people()
    assert len(settings.people) == 1


def test_without_a_take_or_without_people_the_list_stays_as_it_is(scanned, tmp_path):
    scanned.take = str(tmp_path / "none.npz")
    with pytest.raises(RuntimeError, match="no take at"):
        bpy.ops.animepose.scan_people()
    empty = walking_take(people=1, frames=5)
    empty.state[:] = 0
    scanned.take = str(empty.save(tmp_path / "empty.take.npz"))
    with pytest.raises(RuntimeError, match="shows nobody"):
        bpy.ops.animepose.scan_people()
    scanned.take = "//walk.take.npz"
    with pytest.raises(RuntimeError, match=r"relative to the \.blend file, which is not saved"):
        bpy.ops.animepose.scan_people()
    scanned.take = ""
    with pytest.raises(RuntimeError, match="no take in the scene"):
        bpy.ops.animepose.scan_people()
    assert len(scanned.people) == 3


def test_a_take_without_pictures_shows_plain_icons(tmp_path):
    _settings().take = str(walking_take(people=1, frames=5).save(tmp_path / "plain.take.npz"))
    bpy.ops.animepose.scan_people()
    assert not thumbnails._pictures and thumbnails.icon_of(_settings().scanned_take, 1) > 0


def test_the_people_of_a_trial_run_have_pictures(start, follow):
    start(people=2, frames=5)
    follow()
    assert bpy.ops.animepose.scan_people() == {"FINISHED"}
    colours = {tuple(picture.image_pixels_float[:3]) for picture in thumbnails._pictures.values()}
    assert len(_settings().people) == len(colours) == 2


def test_choices_stay_when_the_same_take_is_scanned_again(scanned):
    scanned.people[1].choice = "IGNORE"
    scanned.people[2].rig = _rig()
    bpy.ops.animepose.scan_people()
    assert [person.choice for person in scanned.people] == ["MANNEQUIN", "IGNORE", "RIG"]
    assert scanned.people[2].rig.name == "mixamo"


def test_pictures_are_made_when_scanning_and_loading_and_freed_with_the_add_on(scanned, tmp_path):
    import animepose_blender

    scanned_path = scanned.scanned_take
    names = {f"{scanned.scanned_take}:{number}" for number in (1, 2, 3)}
    assert set(thumbnails._pictures) == names
    picture = thumbnails._pictures[min(names)]
    assert tuple(picture.image_size) == (96, 96) and picture.image_pixels_float[0] == pytest.approx(120 / 255)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.wm.read_homefile(use_empty=True)
    assert not thumbnails._pictures
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert set(thumbnails._pictures) == names
    animepose_blender.unregister()
    assert thumbnails._pictures is None and thumbnails.icon_of(scanned_path, 1) > 0
    animepose_blender.register()


def test_everybody_gets_where_they_belong_in_one_undo_step(scanned):
    first, second = _rig(name="A"), _rig("rigify", name="B")
    scanned.people[0].rig = first
    scanned.people[1].rig = second
    scanned.use_doubtful = True
    scanned.people[2].choice = "IGNORE"
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.animepose.assign_all("EXEC_DEFAULT", True) == {"FINISHED"}
    scene = bpy.context.scene
    assert scene.camera is not None and scene.frame_end == FRAMES and scene.render.fps == 30
    assert _settings().target.name == "A"
    assert [bpy.data.objects[name].animation_data.action.name for name in "AB"] == ["Person 1 on A", "Person 2 on B"]
    assert not any(one.name.startswith("Person") for one in bpy.data.objects)
    bpy.ops.ed.undo()
    assert {one.name for one in bpy.data.objects} == {"A", "B"} and bpy.context.scene.camera is None
    assert bpy.data.objects["A"].animation_data is None and not bpy.data.actions
    bpy.ops.ed.redo()
    assert bpy.data.objects["B"].animation_data.action.name == "Person 2 on B"


def test_who_gets_no_rig_becomes_a_mannequin_or_is_left_out(scanned):
    scanned.people[0].rig = _rig()
    scanned.people[1].choice = "IGNORE"
    bpy.ops.animepose.assign_all()
    made = {one.name for one in bpy.data.objects if one.name.startswith("Person") and "box" not in one.name}
    assert made == {"Person 3", "Person 3 mannequin"}


def test_of_a_take_that_is_in_the_scene_nothing_is_imported_twice(imported, take_path):
    settings = _settings()
    _select(imported)
    bpy.ops.animepose.scan_people()
    settings.people[0].rig = _rig()
    count, camera = len(bpy.data.objects), bpy.context.scene.camera
    assert bpy.ops.animepose.assign_all() == {"FINISHED"}
    assert len(bpy.data.objects) == count and bpy.context.scene.camera == camera
    aside = bpy.data.collections["walk (take) replaced"]
    assert aside.hide_viewport and aside.hide_render
    assert {one.name for one in aside.objects} == {"Person 1", "Person 1 mannequin"}
    assert "Person 2" in bpy.data.collections["walk (take)"].objects
    bpy.ops.animepose.assign_all()
    assert len(bpy.data.collections) == 3 and len(bpy.data.objects) == count
    settings.people[0].choice = "MANNEQUIN"
    bpy.ops.animepose.assign_all()
    assert "Person 1 mannequin" in bpy.data.collections["walk (take)"].objects and not aside.objects
    for one in (imported, bpy.data.objects["Person 1 mannequin"]):
        bpy.data.objects.remove(one)
    bpy.ops.animepose.assign_all()
    assert "Person 1" in bpy.data.objects and len(bpy.data.cameras) == 1


def test_replaced_people_may_stay_shown(imported):
    settings = _settings()
    bpy.ops.animepose.scan_people()
    settings.people[0].rig, settings.set_aside = _rig(), False
    bpy.ops.animepose.assign_all()
    assert "Person 1" in bpy.data.collections["walk (take)"].objects


def test_the_selected_rigs_are_given_out_from_left_to_right(scanned):
    right, left = _rig(name="Right", place_m=(2.0, 0.0, 0.0)), _rig(name="Left", place_m=(-1.0, 0.0, 0.0))
    scanned.people[1].choice = "IGNORE"
    _select(right, left)
    assert bpy.ops.animepose.assign_in_order() == {"FINISHED"}
    assert [(one.choice, one.rig.name if one.rig else "") for one in scanned.people] == [
        ("RIG", "Left"), ("IGNORE", ""), ("RIG", "Right")
    ]  # fmt: skip
    assert all(scanned.map_of(rig) is not None for rig in (left, right))
    _select()
    with pytest.raises(RuntimeError, match="Select the rigs"):
        bpy.ops.animepose.assign_in_order()


def test_an_assignment_that_cannot_be_done_changes_nothing_and_says_why(scanned):
    rig = _rig()
    before = {one.name for one in bpy.data.objects}
    scanned.people[0].choice = "RIG"
    with pytest.raises(RuntimeError, match="Person 1 has no rig"):
        bpy.ops.animepose.assign_all()
    scanned.people[0].rig = scanned.people[1].rig = rig
    with pytest.raises(RuntimeError, match="have the same rig, mixamo"):
        bpy.ops.animepose.assign_all()
    scanned.people[1].choice = "IGNORE"
    scanned.map_of(rig).slots["hand.L"].score = 0.1
    with pytest.raises(RuntimeError, match="not sure: Hand L"):
        bpy.ops.animepose.assign_all()
    scanned.map_of(rig).slots["hand.L"].score = 1.0
    scanned.people[2].rig = _stray_armature()
    with pytest.raises(RuntimeError, match="Crane does not look like a person"):
        bpy.ops.animepose.assign_all()
    assert {one.name for one in bpy.data.objects} == before | {"Crane"} and rig.animation_data is None
    for person in scanned.people:
        person.choice = "IGNORE"
    with pytest.raises(RuntimeError, match="Everybody is ignored"):
        bpy.ops.animepose.assign_all()


def test_a_failure_at_the_last_rig_gives_the_others_their_actions_back(scanned, monkeypatch):
    first, second = _rig(name="A"), _rig(name="B")
    mine = bpy.data.actions.new("Mine")
    first.animation_data_create().action = mine
    scanned.people[0].rig, scanned.people[1].rig = first, second
    good = run.apply

    def fail_at_b(prepared, *rest):
        if prepared.rig == second:
            raise AnimePoseError("B cannot be keyed.")
        return good(prepared, *rest)

    monkeypatch.setattr(run, "apply", fail_at_b)
    with pytest.raises(RuntimeError, match="B cannot be keyed"):
        bpy.ops.animepose.assign_all()
    assert first.animation_data.action == mine and second.animation_data is None
    assert [action.name for action in bpy.data.actions] == ["Mine"] and not scanned.recipes
    assert {one.name for one in bpy.data.objects} == {"A", "B"} and bpy.context.scene.frame_end == 250


@pytest.fixture
def linked_pair(tmp_path) -> list[bpy.types.Object]:
    """Two rigs of one linked collection."""
    group = bpy.data.collections.new("Characters")
    for name in "AB":
        rig = _rig(name=name)
        bpy.context.scene.collection.objects.unlink(rig)
        group.objects.link(rig)
    library = str(tmp_path / "library.blend")
    bpy.data.libraries.write(library, {group})
    bpy.data.batch_remove([group, *group.objects])
    with bpy.data.libraries.load(library, link=True) as (_, here):
        here.collections = ["Characters"]
    bpy.context.scene.collection.children.link(here.collections[0])
    return list(here.collections[0].objects)


def test_rigs_of_a_linked_collection_are_overridden_together_and_once(scanned, linked_pair):
    scanned.people[0].rig, scanned.people[1].rig = linked_pair
    scanned.people[2].choice = "IGNORE"
    bpy.ops.animepose.assign_all()
    local = [one for one in bpy.context.scene.objects if one.type == "ARMATURE"]
    assert sorted(one.name for one in local) == ["A", "B"] and all(one.override_library for one in local)
    assert [person.rig.animation_data.action.name for person in scanned.people[:2]] == [
        "Person 1 on A", "Person 2 on B"
    ]  # fmt: skip


def test_a_failure_leaves_linked_rigs_as_they_were(scanned, linked_pair, monkeypatch):
    def fail(*_: object) -> None:
        raise AnimePoseError("It cannot be keyed.")

    scanned.people[0].rig, scanned.people[1].rig = linked_pair
    around = {one.name_full for one in bpy.context.scene.objects}
    monkeypatch.setattr(run, "apply", fail)
    with pytest.raises(RuntimeError, match="cannot be keyed"):
        bpy.ops.animepose.assign_all()
    assert {one.name_full for one in bpy.context.scene.objects} == around
    assert not any(one.override_library for one in bpy.data.objects)
    assert [person.rig for person in scanned.people[:2]] == linked_pair


def test_doubtful_rigs_are_named_in_the_list_and_lead_to_their_map(scanned):
    from animepose_blender.host.retarget.people_list import problem_of

    rig = _rig()
    scanned.people[0].rig = rig
    assert problem_of(scanned, scanned.people[0]) == ""
    scanned.map_of(rig).slots["hand.L"].score = 0.1
    assert "not sure: Hand L" in problem_of(scanned, scanned.people[0])
    bpy.ops.animepose.show_bone_map(person=0)
    assert scanned.target == rig and scanned.only_doubtful


def test_a_linked_scene_is_refused(imported, tmp_path):
    library = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(library))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(library), link=True) as (there, here):
        here.scenes = there.scenes
    bpy.context.window.scene = next(scene for scene in bpy.data.scenes if scene.library)
    for name in ("retarget", "scan_people", "assign_all", "detect_bones", "load_bvh"):
        with pytest.raises(RuntimeError, match="linked from another file"):
            getattr(bpy.ops.animepose, name)()


def test_nothing_is_left_behind_after_unregistering():
    import animepose_blender

    handlers = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers) if name[0] != "_"]
    handlers = [one for one in handlers if isinstance(one, list)]
    animepose_blender.unregister()
    assert not any("animepose" in getattr(one, "__module__", "") for listed in handlers for one in listed)
    assert not hasattr(bpy.types.Scene, "animepose_retarget") and not live._prepared
    assert not hasattr(bpy.types, "ANIMEPOSE_PT_retarget")
    animepose_blender.register()
    assert _settings().root == "auto"
