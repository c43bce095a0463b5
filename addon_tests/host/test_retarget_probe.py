"""What controls follow is found by trying, foretells poses never tried, and trying leaves no trace."""

from __future__ import annotations

import dataclasses

import bpy
import numpy as np
from mathutils import Matrix

from addon_tests.host.retarget_rigs import (
    animate,
    editing,
    everything_but_animation,
    fresh_scene,
    make_rig,
    person_bones,
    person_map,
    pose_channels,
)
from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.controls import Controls
from animepose_blender.core.retarget.rig_map import RigMap
from animepose_blender.host.retarget import controls as host_controls
from animepose_blender.host.retarget import probe as probing
from animepose_blender.host.retarget.controls import controls_of
from animepose_blender.host.retarget.probe import Probed
from animepose_blender.host.retarget.read_rig import matrices_of, read_rig
from animepose_blender.host.retarget.wanted import switches_of, wanted_controls
from animepose_blender.rigs.family import Family, Ik, Property

SIDES = ("L", "R")


def drive(rig: bpy.types.Object, driver: bpy.types.Driver, expression: str) -> None:
    """Let the switch of the legs drive something."""
    variable = driver.variables.new()
    variable.name, driver.expression = "x", expression
    variable.targets[0].id, variable.targets[0].data_path = rig, 'pose.bones["root"]["leg_ik"]'


def control_rig() -> tuple[bpy.types.Object, RigMap, Family]:
    """A small control rig: FK controls that hang on helper bones with constraints, a switch, IK legs with poles."""
    bones = person_bones()
    for side, sign in (("L", 1.0), ("R", -1.0)):
        bones[f"socket.{side}"] = ((sign * 0.17, 0, 1.41), (sign * 0.17, 0, 1.51), "")
        bones[f"foot_space.{side}"] = ((sign * 0.1, 0.1, 0.3), (sign * 0.1, 0.3, 0.4), "root")
        bones[f"foot_ik.{side}"] = ((sign * 0.1, 0.02, 0.09), (sign * 0.1, -0.2, 0.09), f"foot_space.{side}")
        bones[f"knee_ik.{side}"] = ((sign * 0.1, -0.6, 0.5), (sign * 0.1, -0.7, 0.5), "")
        for name in ("thigh", "shin"):
            head, tail, _ = bones[f"{name}.{side}"]
            bones[f"ik_{name}.{side}"] = (head, tail, "pelvis" if name == "thigh" else f"ik_thigh.{side}")
        bones[f"toe_space.{side}"] = ((sign * 0.1, -0.12, 0.02), (sign * 0.1, -0.12, 0.1), "")
        bones[f"toe.{side}"] = (*bones[f"toe.{side}"][:2], f"toe_space.{side}")
        bones[f"upper_arm.{side}"] = (*bones[f"upper_arm.{side}"][:2], f"socket.{side}")
    rig = make_rig("Control rig", bones)
    with editing(rig):
        for side in SIDES:
            rig.data.edit_bones[f"ik_shin.{side}"].use_connect = True
    pose = rig.pose.bones
    pose["root"]["leg_ik"] = 0.0
    for side in SIDES:
        # Its place from the shoulder, its turns from the pelvis: two different controls are followed.
        socket = pose[f"socket.{side}"].constraints
        place, turn = socket.new("COPY_LOCATION"), socket.new("COPY_ROTATION")
        place.target = turn.target = rig
        place.subtarget, place.head_tail, turn.subtarget = f"shoulder.{side}", 1.0, "pelvis"
        turn.owner_space = turn.target_space = "POSE"
        ik = pose[f"ik_shin.{side}"].constraints.new("IK")
        ik.target = ik.pole_target = rig
        ik.subtarget, ik.pole_subtarget, ik.chain_count = f"foot_ik.{side}", f"knee_ik.{side}", 2
        # The toe hangs on the foot by FK, or on the IK control.
        space = pose[f"toe_space.{side}"].constraints.new("ARMATURE")
        for number, name in enumerate((f"foot.{side}", f"foot_ik.{side}")):
            space.targets.new()
            space.targets[number].target, space.targets[number].subtarget = rig, name
            drive(rig, space.targets[number].driver_add("weight").driver, ("1 - x", "x")[number])
        pose[f"foot_ik.{side}"].bone.use_local_location = False
    limbs = {
        f"leg.{side}": Ik(
            f"foot_ik.{side}", f"knee_ik.{side}",
            fk=(Property("root", "leg_ik", 0.0),), ik=(Property("root", "leg_ik", 1.0),),
        )
        for side in SIDES
    }  # fmt: skip
    return rig, person_map(), Family("test", "Test", {}, ik=limbs)


def foretold(controls: Controls, probed: Probed, basis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(C, 4) orientations and (C, 3) heads by the contract of `Controls`, for (C, 4, 4) basis matrices."""
    turns, orientation, heads = euler.rotations_of(basis), [], []
    for number in range(len(controls.names)):
        turning, moving = controls.rotation_parent[number], controls.location_parent[number]
        base = quat.IDENTITY if turning < 0 else orientation[turning]
        carried = quat.multiply(base, controls.rotation_offset[number])
        head = controls.location_offset[number]
        if moving >= 0:
            head = heads[moving] + quat.rotate(orientation[moving], head)
        if controls.keys_location[number]:
            axes = quat.multiply(carried, quat.conjugate(probed.location_turn[number]))
            head = head + quat.rotate(axes, basis[number, :3, 3])
        orientation.append(quat.multiply(carried, turns[number]))
        heads.append(head)
    return np.array(orientation), np.array(heads)


def assert_foretells(rig: bpy.types.Object, rig_map: RigMap, family: Family | None, output: str) -> Controls:
    armature = read_rig(bpy.context, rig)
    probed = controls_of(bpy.context, rig, armature, rig_map, family, output)
    controls = probed.controls
    assert not probed.warnings, probed.warnings
    wanted = {one.name: one for one in wanted_controls(rig, rig_map, family, output)}
    assert set(controls.names) == set(wanted)
    bones = np.array([armature.index[name] for name in controls.names])
    with probing.copy_at_hand(rig, switches_of(rig, rig_map, family, output)) as (copy, view_layer):
        present = np.array([copy.pose.bones[name].matrix_basis for name in controls.names])
        in_turn = [wanted[name] for name in controls.names]
        neutral = probing._neutral(present, in_turn)
        basis = probing._random_pose(armature, bones, in_turn, neutral, np.random.default_rng(77))
        for name, matrix in zip(controls.names, basis, strict=True):
            copy.pose.bones[name].matrix_basis = Matrix(matrix)
        view_layer.update()
        shown = matrices_of(copy.evaluated_get(view_layer.depsgraph).pose.bones, "matrix")[bones]
    orientation, heads = foretold(controls, probed, basis)
    assert np.degrees(euler.angle_between(orientation, euler.rotations_of(shown)).max()) < 0.02
    assert np.abs(heads - shown[:, :3, 3]).max() < 2e-4
    return controls


def followed(controls: Controls, name: str) -> tuple[str, str]:
    number = controls.names.index(name)
    names = (*controls.names, "")
    return names[controls.rotation_parent[number]], names[controls.location_parent[number]]


def test_control_rigs_are_understood_in_fk():
    fresh_scene()
    rig, rig_map, family = control_rig()
    controls = assert_foretells(rig, rig_map, family, "fk")
    assert followed(controls, "upper_arm.L") == ("pelvis", "shoulder.L")
    assert followed(controls, "toe.L") == ("foot.L", "foot.L")
    assert followed(controls, "pelvis") == ("", "")
    assert "root" not in controls.names and "foot_ik.L" not in controls.names


def test_control_rigs_are_understood_in_ik():
    fresh_scene()
    rig, rig_map, family = control_rig()
    controls = assert_foretells(rig, rig_map, family, "ik")
    kinds = dict(zip(controls.names, controls.kinds, strict=True))
    assert kinds["foot_ik.L"] == "ik" and kinds["knee_ik.R"] == "pole" and kinds["thigh.L"] == "joint"
    keyed = dict(zip(controls.names, zip(controls.keys_rotation, controls.keys_location, strict=True), strict=True))
    assert keyed["thigh.L"] == (False, False) and keyed["foot_ik.L"] == (True, True)
    assert keyed["knee_ik.L"] == (False, True) and keyed["pelvis"] == (True, True) and keyed["head"] == (True, False)


def test_trying_leaves_everything_as_it_was():
    scene = fresh_scene()
    rig, rig_map, family = control_rig()
    animate(rig)
    rig.animation_data.nla_tracks.new().strips.new("Strip", 1, rig.animation_data.action)
    rig.pose.bones["hand.L"]["own"] = 3
    scene.frame_set(7)
    rig.pose.bones["head"].location = (0.1, 0.2, 0.3)
    before = everything_but_animation(rig), pose_channels(rig), rig.pose.bones["root"]["leg_ik"]
    blocks = {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "scenes", "actions", "armatures")}
    for output in ("fk", "ik"):
        controls_of(bpy.context, rig, read_rig(bpy.context, rig), rig_map, family, output)
    assert (everything_but_animation(rig), pose_channels(rig), rig.pose.bones["root"]["leg_ik"]) == before
    assert {kind: len(getattr(bpy.data, kind)) for kind in blocks} == blocks


def test_what_is_worked_out_of_plain_rigs_is_what_trying_finds():
    fresh_scene()
    rig = make_rig("Plain", person_bones(30.0), rolls_deg=31)
    bones = {slot: bone for slot, bone in person_map().bones.items() if slot not in ("spine_1", "shoulder.L")}
    rig_map = RigMap(bones)
    rig.pose.bones["spine"].rotation_mode = "XYZ"
    rig.pose.bones["spine"].rotation_euler = (0.4, 0.1, 0)
    rig.pose.bones["root"].location = (0.3, 0.1, 0)
    armature = read_rig(bpy.context, rig)
    worked_out = controls_of(bpy.context, rig, armature, rig_map, None, "fk")
    tried = probing.probe(rig, armature, wanted_controls(rig, rig_map, None, "fk"), ())
    for name in worked_out.controls.names:
        a, b = worked_out.controls.names.index(name), tried.controls.names.index(name)
        assert followed(worked_out.controls, name) == followed(tried.controls, name), name
        one, other = worked_out.controls, tried.controls
        assert euler.angle_between(one.rotation_offset[a], other.rotation_offset[b]) < 1e-3, name
        assert np.abs(one.location_offset[a] - other.location_offset[b]).max() < 1e-4, name
    assert_foretells(rig, rig_map, None, "fk")


def test_odd_ways_of_inheriting_and_present_poses_are_heeded():
    fresh_scene()
    rig = make_rig("Odd", person_bones(30.0))
    data = rig.data.bones
    data["head"].use_inherit_rotation = False
    data["pelvis"].use_local_location = False
    data["forearm.L"].inherit_scale = "NONE"
    rig.pose.bones["hand.R"].location = (0.02, 0.01, 0.0)
    rig.pose.bones["root"].rotation_mode = "XYZ"
    rig.pose.bones["root"].rotation_euler = (0.0, 0.6, 0)
    controls = assert_foretells(rig, person_map(), None, "fk")
    assert followed(controls, "head") == ("", "neck")


def test_hidden_rigs_and_rigs_in_rest_position_are_tried_as_well():
    fresh_scene()
    rig, rig_map, family = control_rig()
    rig.hide_viewport, rig.data.pose_position = True, "REST"
    assert_foretells(rig, rig_map, family, "ik")
    assert rig.hide_viewport and rig.data.pose_position == "REST" and len(bpy.data.armatures) == 1


def test_poses_that_stretch_the_rig_now_do_not_mislead():
    fresh_scene()
    rig, rig_map, family = control_rig()
    rig.pose.bones["foot_ik.L"].location = (0.3, 2.0, 1.0)
    rig.pose.bones["pelvis"].location = (0.0, 5.0, 0.0)
    rig.pose.bones["hand.L"].scale = (0.0, 0.0, 0.0)
    assert_foretells(rig, rig_map, family, "ik")


def test_what_follows_nothing_rigidly_is_told():
    fresh_scene()
    rig = make_rig("Half", person_bones())
    half = rig.pose.bones["neck"].constraints.new("COPY_ROTATION")
    half.target, half.subtarget, half.influence, half.mix_mode = rig, "hand.L", 0.5, "ADD"
    probed = controls_of(bpy.context, rig, read_rig(bpy.context, rig), person_map(), None, "fk")
    assert len(probed.warnings) == 1 and "neck" in probed.warnings[0]
    assert len(probed.controls.names) == len(person_map().bones) - 1


def test_bones_that_a_constraint_holds_are_told():
    fresh_scene()
    rig = make_rig("Held", person_bones())
    with editing(rig):
        rig.data.edit_bones["shin.L"].use_connect = True
    ik = rig.pose.bones["shin.L"].constraints.new("IK")
    ik.target, ik.subtarget, ik.chain_count = rig, "root", 2
    probed = controls_of(bpy.context, rig, read_rig(bpy.context, rig), person_map(), None, "fk")
    assert len(probed.warnings) == 1 and "Constraints hold" in probed.warnings[0]
    assert "thigh.L" in probed.warnings[0] and "shin.L" in probed.warnings[0]


def test_a_rig_that_changed_is_tried_again():
    fresh_scene()
    rig, rig_map, family = control_rig()
    armature = read_rig(bpy.context, rig)
    first = controls_of(bpy.context, rig, armature, rig_map, family, "fk")
    assert controls_of(bpy.context, rig, armature, rig_map, family, "fk") is first
    rig.pose.bones["socket.L"].constraints[1].mute = True
    again = controls_of(bpy.context, rig, armature, rig_map, family, "fk")
    assert followed(again.controls, "upper_arm.L") == ("", "shoulder.L")
    assert len(host_controls._probed) <= host_controls._REMEMBERED


def test_switches_that_a_rig_lacks_are_left_out():
    fresh_scene()
    rig, rig_map, family = control_rig()
    more = dataclasses.replace(family, properties=(Property("root", "no_such", 1.0), Property("gone", "leg_ik", 1.0)))
    assert {one.name for one in switches_of(rig, rig_map, more, "ik")} == {"leg_ik"}
    assert [one.value for one in switches_of(rig, rig_map, more, "fk")] == [0.0, 0.0]
