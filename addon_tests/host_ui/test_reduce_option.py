"""The option "Reduce Keys": at import, on rigs, for everybody of a take; and offsets afterwards."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon_tests.retarget import rigs_in_blender
from addon_tests.rigs import catalogue
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import compat, jobs

FRAMES = 60
REDUCED = 3


def _settings() -> bpy.types.PropertyGroup:
    return bpy.context.scene.animepose_retarget


def _rig(family: str = "mixamo") -> bpy.types.Object:
    armature = rigs_in_blender.catalogued(family, catalogue.Variant()).armature
    armature.name = family
    return armature


def _keys(datablock: bpy.types.ID | bpy.types.Action) -> int:
    action = isinstance(datablock, bpy.types.Action)
    curves = compat.curves_of_action(datablock) if action else compat.curves_of(datablock)
    return sum(len(curve.keyframe_points) for curve in curves)


def _apart(one: bpy.types.Object, other: bpy.types.Object) -> float:
    """Metres between the ends of the bones of two armatures, at most."""
    worst = 0.0
    for frame in range(1, FRAMES + 1):
        bpy.context.scene.frame_set(frame)
        ends = [
            np.array([(p.matrix_world @ b.head, p.matrix_world @ b.tail) for b in p.pose.bones])
            for p in (a.evaluated_get(bpy.context.evaluated_depsgraph_get()) for a in (one, other))
        ]
        worst = max(worst, float(np.linalg.norm(ends[0] - ends[1], axis=-1).max()))
    return worst


@pytest.fixture
def take_path(tmp_path) -> str:
    return str(walking_take(people=2, frames=FRAMES, gaps=False).save(tmp_path / "walk.take.npz"))


@pytest.fixture
def dense(take_path) -> bpy.types.Object:
    """The take's first person, in the scene, with a key on every frame."""
    bpy.ops.animepose.import_take(filepath=take_path)
    return bpy.data.objects["Person 1"]


def test_a_take_is_imported_with_all_keys_or_with_fewer(take_path, dense):
    assert not bpy.context.scene.animepose.reduce_keys
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.animepose.import_take("EXEC_DEFAULT", True, filepath=take_path, reduce_keys=True) == {"FINISHED"}
    fewer = bpy.data.objects["Person 1.001"]
    assert REDUCED * _keys(fewer) < _keys(bpy.data.objects["Person 1"])
    assert _apart(bpy.data.objects["Person 1"], fewer) < 0.00501
    bpy.ops.ed.undo()
    assert "Person 1.001" not in bpy.data.objects
    bpy.ops.animepose.import_take(filepath=take_path, reduce_keys=True, within_mm=0.5, within_angle=0.003)
    assert _apart(bpy.data.objects["Person 1"], bpy.data.objects["Person 1.001"]) < 0.000501


def test_a_video_is_imported_with_fewer_keys(settings, start, follow):
    settings.reduce_keys, settings.within_mm = True, 3.0
    start(frames=FRAMES)
    follow()
    assert jobs.job.phase is jobs.Phase.DONE
    person = bpy.data.objects["Person 1"]
    frames = bpy.context.scene.frame_end
    assert REDUCED * _keys(person) < frames * len(compat.curves_of(person))


@pytest.mark.parametrize("result", ["ACTION", "STRIP"])
def test_a_rig_gets_fewer_keys(dense, result):
    settings = _settings()
    settings.source, settings.target, settings.result = dense, _rig(), result
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    all_keys = settings.recipe_of(settings.target).action
    settings.reduce_keys = True
    assert bpy.ops.animepose.retarget() == {"FINISHED"}
    assert REDUCED * _keys(settings.recipe_of(settings.target).action) < _keys(all_keys)


def test_everybody_gets_fewer_keys(take_path):
    settings = _settings()
    settings.take, settings.reduce_keys, bpy.context.scene.animepose.reduce_keys = take_path, True, True
    bpy.ops.animepose.scan_people()
    settings.people[0].rig = _rig()
    assert bpy.ops.animepose.assign_all() == {"FINISHED"}
    rig, mannequin = bpy.data.objects["mixamo"], bpy.data.objects["Person 2"]
    for one in (rig, mannequin):
        assert REDUCED * _keys(one) < FRAMES * len(compat.curves_of(one))


def test_offsets_work_after_a_reduced_retarget_and_its_keys_can_be_reduced_again(dense):
    settings, rig = _settings(), _rig()
    settings.source, settings.target = dense, rig
    settings.reduce_keys = True
    bpy.ops.animepose.retarget()
    few, recipe = _keys(rig), settings.recipe_of(rig)
    with pytest.raises(RuntimeError, match="No offset has been changed"):
        bpy.ops.animepose.reduce_result()
    recipe.offsets["arm.L"].turn_deg = (0.0, 25.0, 0.0)
    assert recipe.dense and not recipe.problem and _keys(rig) > REDUCED * few

    other = _rig()
    settings.target, settings.reduce_keys = other, False
    bpy.ops.animepose.retarget()
    settings.recipe_of(other).offsets["arm.L"].turn_deg = (0.0, 25.0, 0.0)
    assert not settings.recipe_of(other).dense
    assert _apart(rig, other) < 1e-5

    settings.target = rig
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.animepose.reduce_result("EXEC_DEFAULT", True) == {"FINISHED"}
    rig, other = bpy.data.objects["mixamo"], bpy.data.objects["mixamo.001"]
    assert _keys(rig) < 1.3 * few and not _settings().recipe_of(rig).dense
    assert _apart(rig, other) < 0.00501
    bpy.ops.ed.undo()
    rig = bpy.data.objects["mixamo"]
    assert _settings().recipe_of(rig).dense and _keys(rig) > REDUCED * few
    assert bpy.ops.animepose.reduce_result() == {"FINISHED"}
    assert bpy.ops.animepose.reset_offsets() == {"FINISHED"}
    assert _keys(rig) == few and not _settings().recipe_of(rig).dense
