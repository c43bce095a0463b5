"""Loops of people: their ends meet, and their feet stand at the seam as anywhere."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.footstep_rigs import known, mixamo, person, registered
from addon_tests.host.retarget_rigs import evaluated_matrices
from animepose_blender.core.footsteps.spans import Footstep
from animepose_blender.host import compat
from animepose_blender.host.cleanup.loop import loop_motion
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.cleanup.standing import standing_of
from animepose_blender.host.footsteps import session
from animepose_blender.host.footsteps.properties import footsteps_of
from animepose_blender.host.retarget.read_rig import read_rig

FRAMES = 150
STILL_MM = 5.0


def looped(rig: bpy.types.Object, in_place: bool = False, longest_s: float = 1.6) -> bpy.types.Action:
    return loop_motion(bpy.context, rig, Scope(), 0.6, longest_s, 0.2, in_place)[0]


def poses(rig: bpy.types.Object, frame: float) -> np.ndarray:
    """(N, 4, 4)"""
    bpy.context.scene.frame_set(int(frame))
    return np.array(list(evaluated_matrices(rig).values()))


def uneven(rig: bpy.types.Object) -> None:
    """A limp: the second half of the walk stands a little elsewhere, so that a seam has something to mend."""
    for curve in compat.curves_of(rig):
        if "shin" in curve.data_path and len(curve.keyframe_points) > 1:
            for point in curve.keyframe_points:
                point.co[1] += 0.04 * np.sin(point.co[0] / 19)
            curve.update()


def slides_mm(rig: bpy.types.Object, last: int) -> tuple[float, float]:
    """How far a standing foot gets from frame to frame: at most within the loop, and over its seam."""
    standing = standing_of(bpy.context, rig, read_rig(bpy.context, rig), (1, last))
    sole_m = standing.motion.sole_m
    stands = (standing.firm > 0.5).reshape(-1, 2, 2).any(axis=-1)
    both = stands[1:] & stands[:-1]
    inside = np.linalg.norm(np.diff(sole_m, axis=0), axis=-1).min(axis=-1)[both].max()
    # The next cycle is the first one moved on: as the pelvis is.
    first, end = (poses(rig, frame) for frame in (1, last))
    index = list(evaluated_matrices(rig)).index(standing.moving.bones["pelvis"])
    on = end[index] @ np.linalg.inv(first[index])
    following = sole_m[1] @ on[:3, :3].T + on[:3, 3]
    over = np.linalg.norm(following - sole_m[-1], axis=-1).min(axis=-1)[stands[-1] & stands[1]]
    return 1000 * inside, 1000 * over.max(initial=0.0)


def test_feet_stand_within_a_loop_and_over_its_seam():
    with registered():
        for made, found in ((person, False), (person, True), (mixamo, True)):
            rig = made(FRAMES)
            uneven(rig)
            if found:
                session.find(bpy.context, rig)
            action = looped(rig)
            last = round(action.frame_end)
            inside, over = slides_mm(rig, last)
            assert inside < STILL_MM and over < STILL_MM, (made, found, inside, over)


def test_a_loop_in_place_ends_as_it_begins():
    with registered():
        rig = person(FRAMES)
        uneven(rig)
        action = looped(rig, in_place=True)
        last = round(action.frame_end)
        assert np.abs(poses(rig, last) - poses(rig, 1)).max() < 1e-3
        before, first = poses(rig, last - 1), poses(rig, 1)
        steps = [np.linalg.norm((b - a)[:, :3, 3], axis=-1).max() for a, b in
                 ((before, first), (first, poses(rig, 2)))]  # fmt: skip
        assert max(steps) < 2.5 * min(steps) + 0.01


def test_the_footsteps_of_the_motion_are_those_of_its_loop():
    with registered():
        rig = person(FRAMES)
        session.find(bpy.context, rig)
        old = rig.animation_data.action
        action = looped(rig)
        last = round(action.frame_end)
        assert action != old and action.animepose_footsteps.base not in (None, old.animepose_footsteps.base)
        steps = known(rig)
        assert {step.foot for step in steps} == {0, 1} and steps[0].start < 4 and steps[-1].end <= last
        kept = footsteps_of(rig)
        assert kept is not None and kept.mode == "never"
        inside, over = slides_mm(rig, last)
        assert inside < STILL_MM and over < STILL_MM
        session.change(bpy.context, rig, [Footstep(1, 5, 0)])
        session.set_mode(bpy.context, rig, "auto")
        assert known(rig) == [Footstep(1, 5, 0)]


def test_what_is_no_person_loops_as_ever():
    with registered():
        rig = person(FRAMES)
        for bone in rig.data.bones:
            bone.name = f"b{hash(bone.name) % 9973}"
        rig.pop("animepose_person", None)
        assert looped(rig).use_cyclic and footsteps_of(rig) is None
