"""A figure mirrored in its own middle begins where it did, looks the same way, and its sides change places."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.footstep_rigs import FRAMES, known, mixamo, person, registered, rigify
from addon_tests.host.retarget_rigs import error_of, evaluated_matrices
from animepose_blender.core.reshape.mirror import Plane
from animepose_blender.core.reshape.other_side import flip_name
from animepose_blender.host import compat
from animepose_blender.host.cleanup.mirror import mirror_motion
from animepose_blender.host.cleanup.mirror_plane import own_plane
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.footsteps import session
from animepose_blender.host.retarget.read_rig import read_rig

WHOLE = Scope()
SHOWN = range(1, FRAMES + 1, 9)


def heads(rig: bpy.types.Object) -> dict[str, np.ndarray]:
    """Bone → (F, 3) its head in the world."""
    shown = []
    for frame in SHOWN:
        bpy.context.scene.frame_set(frame)
        shown.append(evaluated_matrices(rig))
    return {name: np.array([one[name][:3, 3] for one in shown]) for name in shown[0]}


def plane_of(rig: bpy.types.Object) -> Plane:
    keyed = {c.data_path.split('"')[1] for c in compat.curves_of(rig) if c.data_path.startswith("pose.")}
    return own_plane(bpy.context, rig, read_rig(bpy.context, rig), keyed).plane


def mirror(rig: bpy.types.Object, plane: str = "FIGURE", scope: Scope = WHOLE) -> None:
    mirror_motion(bpy.context, [rig], scope, plane)


def placed(rig: bpy.types.Object) -> None:
    """Somewhere, turned and scaled."""
    rig.location, rig.rotation_euler, rig.scale = (1.5, -2.0, 0.3), (0.0, 0.0, 0.7), (1.2, 1.2, 1.2)


def test_a_figure_stays_in_its_place_and_its_sides_change():
    with registered():
        for made, pelvis in ((person, "pelvis"), (mixamo, "mixamorig:pelvis")):
            rig = made()
            placed(rig)
            if made is mixamo:  # what the figure hangs on may stand anywhere
                rig.pose.bones["mixamorig:root"].location = (0.3, 0.1, 0.2)
                rig.pose.bones["mixamorig:root"].rotation_mode = "XYZ"
                rig.pose.bones["mixamorig:root"].rotation_euler = (0.1, 0.5, -0.2)
            before, plane = heads(rig), plane_of(rig)
            mirror(rig)
            after = heads(rig)
            for name in before:
                if "root" not in name:
                    off = np.abs(after[flip_name(name)] - plane.image(before[name])).max()
                    assert off < 2e-3, (name, off)
            assert np.abs(after[pelvis][0] - before[pelvis][0]).max() < 1e-3
            ways = [(course[pelvis][2] - course[pelvis][0])[:2] for course in (before, after)]
            angle = np.degrees(np.arccos(np.dot(*ways) / np.prod([np.linalg.norm(way) for way in ways])))
            assert angle < 25
            mirror(rig)
            again = heads(rig)
            assert max(np.abs(again[name] - before[name]).max() for name in before) < 0.02


def test_a_control_rig_is_mirrored_by_its_root():
    for output in ("fk", "ik"):
        with registered():
            rig = rigify(output)
            before, plane = heads(rig), plane_of(rig)
            mirror(rig)
            after = heads(rig)
            for name in ("ORG-foot.L", "ORG-hand.L", "ORG-shin.R", "ORG-spine"):
                assert np.abs(after[flip_name(name)] - plane.image(before[name])).max() < 0.01, (output, name)


def test_footsteps_change_their_feet_and_the_motion_under_them_is_mirrored_too():
    with registered():
        rig = person()
        session.find(bpy.context, rig)
        steps = known(rig)
        session.set_mode(bpy.context, rig, "never")
        plain = heads(rig)
        session.set_mode(bpy.context, rig, "auto")
        before, plane = heads(rig), plane_of(rig)
        for across in ("FIGURE", "RIG"):
            mirror(rig, across)
            plane_now = plane if across == "FIGURE" else Plane(np.array([1.0, 0, 0]), np.zeros(3))
            swapped = sorted((step.start, step.end, 1 - step.foot) for step in steps)
            assert [(step.start, step.end, step.foot) for step in known(rig)] == swapped
            after = heads(rig)
            assert np.abs(after["foot.R"] - plane_now.image(before["foot.L"])).max() < 2e-3
            session.set_mode(bpy.context, rig, "never")
            assert np.abs(heads(rig)["foot.R"] - plane_now.image(plain["foot.L"])).max() < 2e-3
            session.set_mode(bpy.context, rig, "auto")
            assert np.abs(heads(rig)["foot.R"] - after["foot.R"]).max() < 5e-3
            steps, before = known(rig), heads(rig)
            session.set_mode(bpy.context, rig, "never")
            plain = heads(rig)
            session.set_mode(bpy.context, rig, "auto")


def test_what_has_no_middle_is_said():
    with registered():
        rig = person()
        bpy.ops.object.select_all(action="DESELECT")
        rig.select_set(True)
        bpy.context.view_layer.objects.active = rig
        bpy.ops.object.mode_set(mode="POSE")
        for posed in rig.pose.bones:
            (posed if hasattr(posed, "select") else posed.bone).select = posed.name == "foot.L"
        assert "Only some bones" in str(error_of(lambda: mirror(rig)))
        bpy.ops.object.mode_set(mode="OBJECT")
        rig.keyframe_insert("location", frame=1)
        rig.location = (1, 0, 0)
        rig.keyframe_insert("location", frame=40)
        assert "itself moves" in str(error_of(lambda: mirror(rig)))
