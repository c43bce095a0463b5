"""Rigs from other files, overrides, and rigs that are not shown: the motion gets onto them, and saves."""

from __future__ import annotations

from pathlib import Path

import bpy

from addon_tests.host.retarget_rigs import animate, fresh_scene, make_rig, person_bones, person_map
from addon_tests.host.test_retarget_run import AS_IT_IS, from_source, off_deg, source_rig
from animepose_blender.host import compat
from animepose_blender.host.retarget import run
from animepose_blender.host.retarget.run import Output


def library(folder: Path, animated: bool = False) -> str:
    """A file with a rig named Hero and its mesh in the collection Character; the rig is driven and constrained."""
    scene = fresh_scene()
    rig = make_rig("Hero", person_bones(20.0))
    if animated:
        animate(rig, every=8)
    mesh = bpy.data.objects.new("Hero mesh", bpy.data.meshes.new("Hero mesh"))
    mesh.parent = rig
    character = bpy.data.collections.new("Character")
    scene.collection.children.link(character)
    for one in (rig, mesh):
        character.objects.link(one)
    scene.collection.objects.unlink(rig)
    path = str(folder / "hero.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    return path


def linked(path: str, kind: str, name: str) -> bpy.types.ID:
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        setattr(wanted, kind, [name])
    return getattr(wanted, kind)[0]


def put_on(rig: bpy.types.Object, where: Output | None = None) -> run.Retargeted:
    source = bpy.data.objects.get("Source") or source_rig()
    prepared = run.prepare(bpy.context, from_source(source), rig, person_map())
    return run.apply(prepared, AS_IT_IS, where or Output())


def reopened(folder: Path) -> None:
    path = str(folder / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)


def assert_moves(name: str) -> None:
    rig = next(one for one in bpy.data.objects if one.name == name and one.library is None)
    assert off_deg(bpy.data.objects["Source"], rig) < 0.5


def test_a_linked_rig_gets_an_override(tmp_path: Path):
    path = library(tmp_path)
    scene = fresh_scene()
    rig = linked(path, "objects", "Hero")
    scene.collection.objects.link(rig)
    done = put_on(rig)
    assert done.rig != rig and done.rig.override_library.reference == rig
    assert any("override" in warning for warning in done.warnings)
    reopened(tmp_path)
    assert_moves("Hero")


def test_an_instanced_collection_gets_an_override_of_its_rig(tmp_path: Path):
    path = library(tmp_path, animated=True)
    scene = fresh_scene()
    character = linked(path, "collections", "Character")
    instance = bpy.data.objects.new("Character", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", character
    scene.collection.objects.link(instance)
    rig = character.objects["Hero"]
    done = put_on(rig)
    assert done.rig.override_library.reference == rig
    assert done.rig.name in [one.name for one in scene.objects if one.library is None]
    reopened(tmp_path)
    assert_moves("Hero")


def test_a_linked_collection_becomes_an_override_as_a_whole(tmp_path: Path):
    path = library(tmp_path)
    scene = fresh_scene()
    group = bpy.data.collections.new("Group")
    scene.collection.children.link(group)
    group.children.link(linked(path, "collections", "Character"))
    rig = group.children[0].objects["Hero"]
    done = put_on(rig)
    assert done.rig.override_library.reference == rig
    reopened(tmp_path)
    assert_moves("Hero")
    mesh = next(one for one in bpy.context.scene.objects if one.name == "Hero mesh" and one.library is None)
    assert mesh.parent.library is None and mesh.parent.name == "Hero"


def test_an_override_is_used_as_it_is_and_only_one_is_made(tmp_path: Path):
    path = library(tmp_path)
    scene = fresh_scene()
    rig = linked(path, "objects", "Hero")
    scene.collection.objects.link(rig)
    first = put_on(rig)
    count = len(bpy.data.objects)
    second = put_on(rig, Output("Strip", as_nla_strip=True))
    third = put_on(first.rig)
    assert first.rig == second.rig == third.rig and len(bpy.data.objects) == count
    assert third.warnings == []
    reopened(tmp_path)
    assert_moves("Hero")
    override = next(one for one in bpy.data.objects if one.name == "Hero" and one.library is None)
    assert [track.name for track in override.animation_data.nla_tracks] == ["Strip"]


def test_a_local_rig_of_the_same_name_is_left_alone(tmp_path: Path):
    path = library(tmp_path)
    scene = fresh_scene()
    own = make_rig("Hero", person_bones())
    rig = linked(path, "objects", "Hero")
    scene.collection.objects.link(rig)
    done = put_on(rig)
    assert done.rig not in (own, rig) and own.animation_data is None
    other = put_on(own)
    assert other.rig == own and compat.curves_of(own)


def test_hidden_and_excluded_rigs_are_keyed_and_stay_hidden():
    scene = fresh_scene()
    source = source_rig()
    away = bpy.data.collections.new("Away")
    scene.collection.children.link(away)
    layer = bpy.context.view_layer.layer_collection.children["Away"]
    for number in range(3):
        rig = make_rig(f"Rig {number}", person_bones(20.0))
        scene.collection.objects.unlink(rig)
        away.objects.link(rig)
        if number == 0:
            rig.hide_set(True)
        elif number == 1:
            rig.hide_viewport = True
        else:
            layer.exclude = True
        done = put_on(rig)
        assert any("hidden" in warning for warning in done.warnings), done.warnings
        if number == 2:
            assert layer.exclude
            layer.exclude = False
        else:
            assert not rig.visible_get()
        rig.hide_viewport = False
        rig.hide_set(False)
        assert off_deg(source, rig) < 0.5
