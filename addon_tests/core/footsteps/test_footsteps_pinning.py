"""What pinning changes of a walk: where feet stand they do; modes; and a change as channels of bones."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.footsteps import modes, pinning, spans
from animepose_blender.core.footsteps.rekey import Controls, Posed, rekeyed
from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.core.retarget.figures import figure_of
from animepose_blender.core.retarget.motion import Motion
from animepose_blender.core.retarget.take_motion import motion_of
from animepose_blender.core.synthetic import walking_take

FRAMES = np.arange(1.0, 61.0)


def _walk() -> Motion:
    return motion_of(walking_take(1, 60, gaps=False), 0)


def _changed(motion: Motion, change: pinning.Change) -> Motion:
    """The motion with a change: legs by forward kinematics from the hips."""
    index, rest_m = motion.index, motion.rest_head_m
    turned, head_m = motion.turned.copy(), motion.head_m + change.shift_m[:, None]
    for slot, turn in change.turned.items():
        turned[:, index[slot]] = quat.multiply(turn, motion.turned[:, index[slot]])
    for side in "LR":
        leg = [index[f"{slot}.{side}"] for slot in ("thigh", "shin", "foot")]
        for above, below in itertools.pairwise(leg):
            head_m[:, below] = head_m[:, above] + quat.rotate(turned[:, above], rest_m[below] - rest_m[above])
    return dataclasses.replace(motion, turned=turned, head_m=head_m)


def _pinned(motion: Motion, steps: list[Footstep]) -> tuple[Motion, pinning.Change]:
    contact, told = spans.to_contact(spans.stand_in(steps, FRAMES), motion.held, motion.time_s)
    change = pinning.pinned(motion, figure_of(motion), contact, told, 0.0)
    assert change is not None
    return _changed(motion, change), change


def test_a_foot_stands_where_somebody_says_so_though_it_swings():
    motion = _walk()
    free = np.flatnonzero(~modes.standing_feet(motion.held, motion.time_s)[:, LEFT])
    swing = free[(free > 25) & (free < 43)]
    step = Footstep(int(swing[2]) + 1, int(swing[-3]) + 1, LEFT)
    inside = slice(step.start - 1, step.end)
    assert np.ptp(motion.sole_m[inside, 0], axis=0).max() > 0.3
    after, change = _pinned(motion, [step])
    assert np.ptp(after.sole_m[inside, 0], axis=0).max() < 1e-6
    ankle_m = motion.head_m[:, motion.index["foot.L"]] + change.ankle_m["leg.L"]
    assert np.abs(after.head_m[:, after.index["foot.L"]] - ankle_m).max() < 1e-6


def test_standing_feet_hang_together_over_a_moment_between_heel_and_toes():
    contact = np.zeros((60, 4))
    contact[10:20, 2], contact[21:30, 3] = 1.0, 1.0
    stands = modes.standing_feet(contact, FRAMES / 30)
    assert spans.from_stands(stands, FRAMES) == [Footstep(11, 30, RIGHT)]


def test_always_one_foot_stands_and_it_is_the_lower_one():
    motion = _walk()
    none = np.zeros((60, 2), dtype=bool)
    stands, part = modes.one_stands(none, motion.sole_m, motion.time_s, 0.85)
    assert (stands.sum(axis=1) == 1).all() and part.any(axis=-1).all()
    low_m = motion.sole_m[..., 2].min(axis=-1)
    assert (low_m[stands] <= low_m[~stands] + 0.06).all()
    # No flicker: the foot changes as often as somebody who walks two seconds makes steps.
    assert 2 <= np.count_nonzero(np.diff(stands[:, 0])) <= 5
    told = np.tile([True, False], (60, 1))
    assert np.array_equal(modes.one_stands(told, motion.sole_m, motion.time_s, 0.85)[0], told)


def test_on_the_ground_the_lowest_sole_is_on_the_floor_in_every_frame():
    motion = _walk()
    jump_m = 0.3 * np.sin(np.linspace(0, 3 * np.pi, 60))
    motion = dataclasses.replace(motion, head_m=motion.head_m + jump_m[:, None, None] * [0, 0, 1])
    up_m = modes.grounded_m(motion.sole_m, motion.time_s, 0.02)
    lowest_m = (motion.sole_m[..., 2] + up_m[:, None, None]).min(axis=(1, 2))
    assert np.abs(lowest_m - 0.02).max() <= modes.GROUNDED_M + 1e-9


def test_a_floor_is_where_feet_come_lowest():
    motion = _walk()
    raised = dataclasses.replace(motion, head_m=motion.head_m + [0, 0, 1.5])
    nobody = np.zeros((60, 4))
    assert abs(pinning.floor_of(motion, motion.held, 0.85)) < 0.02 and pinning.floor_of(motion, nobody, 0.85) == 0.0
    assert abs(pinning.floor_of(raised, motion.held, 0.85) - 1.5) < 0.03
    assert abs(pinning.floor_of(raised, nobody, 0.85) - 1.5) < 0.03
    # Who stands on a wall most of the time and jumps down has the floor below.
    wall_m = np.where(np.arange(60) < 50, 1.5, 0.0)[:, None, None] * [0, 0, 1]
    jumps = dataclasses.replace(motion, head_m=motion.head_m + wall_m)
    assert abs(pinning.floor_of(jumps, motion.held, 0.85)) < 0.02


def _legs(rng: np.random.Generator, frames: int) -> tuple[Controls, Posed]:
    """A pelvis, a thigh and a foot on it, an IK foot and its pole, in any poses."""
    parents = np.array([-1, 0, 1, -1, -1])
    controls = Controls(
        ("hips", "up", "foot", "ik", "pole"),
        ("pelvis", "thigh.L", "foot.L", "foot.R", "shin.R"),
        ("joint", "joint", "joint", "ik", "pole"),
        parents, parents, np.array([False, True, True, True, False]), np.array([True, False, False, True, True]),
    )  # fmt: skip
    turns = quat.normalize(rng.normal(size=(2, 5, frames, 4)))
    places = rng.normal(size=(3, 5, frames, 3))
    places[1, 1:3] = 0.0
    return controls, Posed(turns[0], places[0], turns[1], places[1], places[2], 0.01)


def test_a_change_of_nothing_gives_the_same_channels(rng):
    controls, posed = _legs(rng, 8)
    change = pinning.lifted(np.zeros(8))
    for key in rekeyed(controls, posed, change):
        number = controls.names.index(key.name)
        if key.rotation is not None:
            assert np.abs(np.abs(np.sum(key.rotation * posed.basis[number], axis=-1)) - 1).max() < 1e-12
        if key.location is not None:
            assert np.abs(key.location - posed.location[number]).max() < 1e-9


def test_bones_turn_by_what_is_told_and_their_parents_do_not_show_in_it(rng):
    controls, posed = _legs(rng, 8)
    still = np.tile(quat.IDENTITY, (8, 1))
    turn, foot_turn = quat.normalize(rng.normal(size=(2, 8, 4)))
    way_m = rng.normal(size=(8, 3))
    change = pinning.Change(
        way_m,
        {"thigh.L": turn, "foot.L": foot_turn},
        {"leg.L": way_m, "leg.R": way_m},
        {"leg.L": still, "leg.R": still},
    )
    keys = {key.name: key for key in rekeyed(controls, posed, change)}
    carried = [quat.multiply(posed.orientation[n], quat.conjugate(posed.basis[n])) for n in range(5)]
    # The thigh hangs on hips that do not turn; the foot on a thigh that does.
    thigh = quat.multiply(carried[1], keys["up"].rotation)
    assert _apart(thigh, quat.multiply(turn, posed.orientation[1])) < 1e-6
    foot = quat.multiply(quat.multiply(turn, carried[2]), keys["foot"].rotation)
    assert _apart(foot, quat.multiply(foot_turn, posed.orientation[2])) < 1e-6
    for name, number in (("hips", 0), ("ik", 3), ("pole", 4)):
        moved_m = posed.scale * quat.rotate(carried[number], keys[name].location - posed.location[number])
        assert np.abs(moved_m - way_m).max() < 1e-9, name


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(np.abs(np.sum(a * b, axis=-1)) - 1).max())
