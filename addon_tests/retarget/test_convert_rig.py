"""`convert --rig`: everybody of a take on a copy of a rig out of a .blend, without a window."""

from __future__ import annotations

import json

import bpy
import pytest

from animepose_blender import cli
from animepose_blender.core.synthetic import walking_take

from .rigs_in_blender import catalogued, fresh_scene


@pytest.fixture
def rig_file(tmp_path):
    """A .blend with a skinned Mixamo rig, and things that have nothing to do with it."""
    fresh_scene()
    rig = catalogued("mixamo").armature
    rig.name = "Hero"
    mesh = bpy.data.meshes.new("Skin")
    mesh.from_pydata([(0, 0, 1), (0.1, 0, 1), (0, 0, 1.1)], [], [(0, 1, 2)])
    skin = bpy.data.objects.new("Skin", mesh)
    skin.modifiers.new("Armature", "ARMATURE").object = rig
    skin.parent = rig
    skin.vertex_groups.new(name="mixamorig:LeftForeArm").add([0, 1, 2], 1.0, "REPLACE")
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    for one in (skin, lamp):
        bpy.context.scene.collection.objects.link(one)
    path = tmp_path / "hero.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    return path


def test_everybody_gets_a_copy_of_the_rig_and_the_exports_hold_the_rigs(rig_file, tmp_path):
    take = walking_take(people=2, frames=6).save(tmp_path / "walk.npz")
    out = tmp_path / "out"
    words = ["convert", str(take), "-o", str(out), "--rig", f"{rig_file}:Hero", "--export", "blend,glb"]
    assert cli.main(words) == 0
    (report,) = json.loads((out / "report.json").read_text())["clips"]
    assert report["status"] == "done" and report["results"][0]["rigs"] == {"hero": f"{rig_file}:Hero"}
    bpy.ops.wm.open_mainfile(filepath=str(out / "walk.blend"))
    objects = bpy.data.objects
    assert {o.name for o in objects if o.type == "ARMATURE"} == {"Person 1", "Person 2"}
    assert sum(o.type == "MESH" and o.name.startswith("Skin") for o in objects) == 2 and "Lamp" not in objects
    assert objects["Person 2"].animation_data.action is not None
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(out / "walk.glb"))
    bones = [o.data.bones for o in bpy.data.objects if o.type == "ARMATURE"]
    assert bones and all(any("LeftForeArm" in bone.name for bone in of) for of in bones)


@pytest.mark.parametrize("family", ["mixamo", ""])
def test_the_map_may_be_named_or_found(rig_file, tmp_path, family):
    take = walking_take(people=1, frames=4).save(tmp_path / "walk.npz")
    named = ["--map", family] if family else []
    assert cli.main(["convert", str(take), "-o", str(tmp_path / "out"), "--rig", str(rig_file), *named]) == 0


def test_a_rig_that_is_not_there_or_not_of_the_family_is_told(rig_file, tmp_path, capsys):
    take = walking_take(people=1, frames=4).save(tmp_path / "walk.npz")
    words = ["convert", str(take), "-o", str(tmp_path / "out")]
    assert cli.main([*words, "--rig", str(tmp_path / "no.blend")]) == 2
    assert cli.main([*words, "--rig", str(rig_file), "--map", "nonsense"]) == 2
    assert cli.main([*words, "--map", "mixamo"]) == 2
    assert cli.main([*words, "--rig", f"{rig_file}:Villain"]) == 3
    assert "its armatures are: Hero" in capsys.readouterr().err
    assert cli.main([*words, "--rig", str(rig_file), "--map", "rigify"]) == 3
    assert not (tmp_path / "out" / "walk.blend").exists()


def test_a_rig_whose_bones_are_doubtful_is_not_used_silently(tmp_path, capsys):
    fresh_scene()
    rig = catalogued("mixamo").armature
    for number, bone in enumerate(rig.data.bones):
        bone.name = f"bone {number}"
    path = tmp_path / "strange.blend"
    left = [b for b in rig.data.bones if b.parent is not None][:3]
    for bone in left:
        bone.name = f"{bone.name} right hand"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    take = walking_take(people=1, frames=4).save(tmp_path / "walk.npz")
    status = cli.main(["convert", str(take), "-o", str(tmp_path / "out"), "--rig", str(path)])
    assert status == 0 or "doubtful" in capsys.readouterr().err
