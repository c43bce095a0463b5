"""Reduction keeps its bound, keeps what must be kept, and needs few keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import armature_space
from animepose_blender.core import quaternions as quat
from animepose_blender.core.keyframes import kept, world
from animepose_blender.core.keyframes.curve import CONSTANT, evaluate
from animepose_blender.core.keyframes.reduction import Reduced, reduce_bones, reduce_channels
from animepose_blender.core.keyframes.world import Track, World
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.armature import Armature
from animepose_blender.core.synthetic import walking_take

FRAMES = np.arange(1.0, 121.0)


def _armature(scale: float = 1.0) -> Armature:
    """A trunk, two arms of three bones each, a leg; bones bent against each other."""
    parents = np.array([-1, 0, 1, 2, 3, 1, 5, 6, 0, 8])
    count = len(parents)
    turns = quat.from_matrix(np.eye(3)) * np.ones((count, 1))
    turns[1:, 1:] = np.random.default_rng(4).normal(0, 0.3, (count - 1, 3))
    rest = np.tile(np.eye(4), (count, 1, 1))
    lengths = np.linspace(0.4, 0.1, count) / scale
    for bone, parent in enumerate(parents):
        rest[bone, :3, :3] = quat.to_matrix(quat.normalize(turns[bone]))
        if parent >= 0:
            rest[bone, :3, 3] = rest[parent, :3, 3] + lengths[parent] * rest[parent, :3, 1]
    to_world = np.diag([scale, scale, scale, 1.0])
    to_world[:3, :3] = to_world[:3, :3] @ quat.to_matrix(quat.normalize(np.array([1.0, 0.3, 0.2, -0.4])))
    names = tuple(f"bone{number}" for number in range(count))
    return Armature(names, parents, rest, lengths, to_world, np.ones(count, dtype=bool))


def _smooth(rng: np.random.Generator, count: int, channels: int, slowest: float) -> np.ndarray:
    """(F, C) sums of waves, the longer the larger."""
    at = np.arange(count)[:, None, None] / slowest
    waves = np.arange(1, 7)
    phase, size = rng.uniform(0, 2 * np.pi, (channels, 6)), rng.normal(size=(channels, 6)) / waves**1.5
    return (size * np.sin(2 * np.pi * at * waves + phase)).sum(-1)


def _tracks(rng: np.random.Generator, armature: Armature, frames: np.ndarray, kind: str = "QUATERNION") -> list[Track]:
    tracks = []
    for bone in range(len(armature.names)):
        vector = 0.6 * _smooth(rng, len(frames), 3, 90.0)
        turned = quat.unroll(quat.normalize(np.concatenate([np.ones_like(vector[:, :1]), vector / 2], axis=1)))
        values = turned
        if kind == "AXIS_ANGLE":
            values = euler.to_axis_angle(turned[:, None])[:, 0]
        elif kind != "QUATERNION":
            values = euler.from_quaternion(turned, kind)
        tracks.append(Track(bone, kind, values))
    location = 0.5 * _smooth(rng, len(frames), 3, 120.0) / armature.scale
    return [*tracks, Track(0, "location", location)]


def _drawn(reduced: Reduced, tracks: Sequence[Track], frames: np.ndarray) -> list[Track]:
    return [
        replace(track, values=np.stack([evaluate(curve, frames) for curve in own], axis=1))
        for track, own in zip(tracks, reduced.curves)
    ]


@pytest.mark.parametrize("family", ["waves", "noise", "steps", "walk"])
def test_a_thousand_random_curves_stay_within_their_bounds(rng, family):
    for count in (2, 3, 40, 130, 200):
        made = {
            "waves": lambda n: _smooth(rng, n, 50, 60.0),
            "noise": lambda n: rng.normal(size=(n, 50)),
            "steps": lambda n: np.repeat(rng.normal(size=(n // 8 + 1, 50)), 8, axis=0)[:n],
            "walk": lambda n: rng.normal(size=(n, 50)).cumsum(axis=0),
        }[family](count)
        bounds = 10 ** rng.uniform(-3, 0, 50)
        frames = np.cumsum(rng.uniform(0.4, 2.0, count))
        reduced = reduce_channels(frames, list(made.T[..., None]), bounds)
        for values, bound, (curve,) in zip(made.T, bounds, reduced.curves):
            assert np.abs(evaluate(curve, frames) - values).max() <= bound
            # Between two frames a curve stays by its samples: at most an overshoot of what the samples' own slopes do.
            low, high = np.minimum(values[1:], values[:-1]), np.maximum(values[1:], values[:-1])
            between = evaluate(curve, (frames[1:] + frames[:-1]) / 2)
            over = bound + np.ptp(values)
            assert ((between > low - over) & (between < high + over)).all()


@pytest.mark.parametrize("kind", ["QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE"])
@pytest.mark.parametrize("shared", [True, False])
def test_no_joint_is_farther_off_than_allowed(rng, kind, shared):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES, kind)
    reduced = reduce_bones(armature, tracks, FRAMES, 5.0, 2.0, shared=shared)
    way_mm, turn_deg = world.errors(World(armature, tracks), tracks, _drawn(reduced, tracks, FRAMES))
    assert way_mm.max() <= 5.0
    assert turn_deg.max() <= 2.0
    assert reduced.key_count < len(FRAMES) * 43 / 4


def test_the_bound_holds_between_frames_too(rng):
    armature = _armature()
    fine = np.arange(1.0, 120.5, 0.5)
    truth = _tracks(rng, armature, fine)
    tracks = [replace(track, values=track.values[::2]) for track in truth]
    reduced = reduce_bones(armature, tracks, FRAMES, 4.0, 2.0)
    truth = [replace(track, values=track.values[: 2 * len(FRAMES) - 1]) for track in truth]
    drawn = _drawn(reduced, tracks, fine[: 2 * len(FRAMES) - 1])
    way_mm, _ = world.errors(World(armature, truth), truth, drawn)
    # Between two samples the motion is not known better than this; least of all at the clip's ends.
    assert way_mm[3:-3:2].max() <= 1.2 * 4.0
    assert way_mm[1::2].max() <= 5.0


def test_centimetres_and_scaled_objects_are_measured_in_the_world(rng):
    for scale in (1.0, 0.01):
        armature = _armature(scale)
        tracks = _tracks(np.random.default_rng(5), armature, FRAMES)
        reduced = reduce_bones(armature, tracks, FRAMES, 5.0)
        way_mm, _ = world.errors(World(armature, tracks), tracks, _drawn(reduced, tracks, FRAMES))
        assert 2.0 < way_mm.max() <= 5.0


def test_stricter_bones_and_frames_are_heeded(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    tolerance_mm = np.full((len(FRAMES), len(armature.names)), 8.0)
    tolerance_mm[40:60, 9] = 1.0
    reduced = reduce_bones(armature, tracks, FRAMES, tolerance_mm, 5.0)
    drawn = _drawn(reduced, tracks, FRAMES)
    both = World(armature, tracks)
    a, b = (both.pose(*both.basis(np.stack([world.padded(t.values) for t in ts]))) for ts in (tracks, drawn))
    apart_mm = 1000 * world.moved(a.tails, b.tails)
    assert apart_mm[9, 40:60].max() <= 1.0
    assert 1.0 < apart_mm.max() <= 8.0


def test_scaled_bones_are_measured(rng):
    armature = _armature()
    tracks = [*_tracks(rng, armature, FRAMES), Track(1, "scale", 1 + 0.2 * _smooth(rng, len(FRAMES), 3, 80.0))]
    reduced = reduce_bones(armature, tracks, FRAMES, 5.0)
    way_mm, turn_deg = world.errors(World(armature, tracks), tracks, _drawn(reduced, tracks, FRAMES))
    assert way_mm.max() <= 5.0 and turn_deg.max() <= 2.0


def test_channels_of_a_bone_share_their_frames_and_own_keys_are_fewer(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    shared, own = (reduce_bones(armature, tracks, FRAMES, shared=choice) for choice in (True, False))
    for track, samples in zip(tracks, shared.samples):
        assert all(np.array_equal(each, samples[0]) for each in samples), track
    assert np.array_equal(shared.samples[0][0], shared.samples[-1][0])
    assert own.key_count < shared.key_count


def test_wanted_frames_keep_their_keys_and_values(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    contact = np.zeros((len(FRAMES), 4), dtype=bool)
    contact[20:45, 0] = contact[71:90, 2] = True
    keep = kept.boundaries(contact)
    for shared in (True, False):
        reduced = reduce_bones(armature, tracks, FRAMES, 10.0, keep=keep, shared=shared)
        for track, curves, samples in zip(tracks, reduced.curves, reduced.samples):
            for channel, (curve, at) in enumerate(zip(curves, samples)):
                assert np.isin([0, 20, 44, 71, 89, 119], at).all()
                places = np.searchsorted(at, [20, 44, 71, 89])
                np.testing.assert_allclose(curve.values[places], track.values[[20, 44, 71, 89], channel], atol=1e-9)


def test_single_bones_may_keep_frames(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    keep = np.zeros((len(FRAMES), len(armature.names)), dtype=bool)
    keep[50:56, 4] = True
    reduced = reduce_bones(armature, tracks, FRAMES, 10.0, keep=keep)
    assert np.isin(np.arange(50, 56), reduced.samples[4][0]).all()
    assert not np.isin(np.arange(50, 56), reduced.samples[9][0]).all()


def test_large_turning_points_are_kept():
    armature = _armature()
    angle = 1.2 * np.cos(2 * np.pi * np.arange(120) / 30)
    values = np.stack([np.cos(angle / 2), np.sin(angle / 2), 0 * angle, 0 * angle], axis=1)
    reduced = reduce_bones(armature, [Track(2, "QUATERNION", values)], FRAMES, 20.0, 10.0)
    assert np.isin([15, 30, 45, 60, 75, 90, 105], reduced.samples[0][1]).all()


def test_standstills_are_held_and_exact(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    stopped = tracks[3].values.copy()
    stopped[30:60] = stopped[30]
    tracks[3] = replace(tracks[3], values=stopped)
    reduced = reduce_bones(armature, tracks, FRAMES)
    at, curve = reduced.samples[3][1], reduced.curves[3][1]
    assert not np.isin(np.arange(31, 59), at).any()
    assert curve.interpolation[np.searchsorted(at, 30)] == CONSTANT
    np.testing.assert_allclose(evaluate(curve, np.arange(31.0, 60.25, 0.25)), stopped[30, 1], atol=1e-9)


def test_values_hold_over_gaps_and_jump_after_them(rng):
    armature = _armature()
    frames = np.concatenate([np.arange(1.0, 41.0), np.arange(90.0, 140.0)])
    tracks = _tracks(rng, armature, frames)
    hold = np.zeros(len(frames), dtype=bool)
    hold[39] = True
    reduced = reduce_bones(armature, tracks, frames, hold=hold)
    curve = reduced.curves[2][1]
    assert evaluate(curve, np.array([40.0, 60.0, 89.5])) == pytest.approx(tracks[2].values[39, 1])
    assert evaluate(curve, np.array([90.0])) == pytest.approx(tracks[2].values[40, 1])
    way_mm, _ = world.errors(World(armature, tracks), tracks, _drawn(reduced, tracks, frames))
    assert way_mm.max() <= 5.0


def test_what_never_changes_has_one_key(rng):
    armature = _armature()
    still = np.tile([1.0, 0.0, 0.0, 0.0], (len(FRAMES), 1))
    turning = _tracks(rng, armature, FRAMES)[2]
    flat = replace(turning, values=turning.values * [1, 1, 0, 1])
    reduced = reduce_bones(armature, [Track(1, "QUATERNION", still), flat], FRAMES)
    assert [len(curve.frames) for curve in reduced.curves[0]] == [1, 1, 1, 1]
    assert len(reduced.curves[1][2].frames) == 1
    assert len(reduced.curves[1][1].frames) > 1


def test_handles_are_aligned_where_the_motion_is_smooth(rng):
    armature = _armature()
    reduced = reduce_bones(armature, _tracks(rng, armature, FRAMES), FRAMES)
    assert all(curve.aligned.all() for own in reduced.curves for curve in own)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_motions_pass(rng, count):
    armature = _armature()
    tracks = [replace(track, values=track.values[:count]) for track in _tracks(rng, armature, FRAMES)]
    reduced = reduce_bones(armature, tracks, FRAMES[:count])
    for track, drawn in zip(tracks, _drawn(reduced, tracks, FRAMES[:count])):
        np.testing.assert_allclose(drawn.values, track.values, atol=0.02)


def test_nothing_is_changed_and_nothing_is_something(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    before = [track.values.copy() for track in tracks]
    reduce_bones(armature, tracks, FRAMES)
    assert all(np.array_equal(track.values, values) for track, values in zip(tracks, before))
    assert reduce_bones(armature, [], FRAMES).key_count == 0


def test_bad_input_is_refused(rng):
    armature = _armature()
    tracks = _tracks(rng, armature, FRAMES)
    with pytest.raises(ValueError, match="samples"):
        reduce_bones(armature, tracks, FRAMES[:-1])
    with pytest.raises(ValueError, match="increase"):
        reduce_bones(armature, tracks, FRAMES[::-1])
    hole = tracks[0].values.copy()
    hole[7] = np.nan
    with pytest.raises(ValueError, match="finite"):
        reduce_bones(armature, [replace(tracks[0], values=hole)], FRAMES)
    with pytest.raises(ValueError, match="kind"):
        Track(0, "POLAR", np.zeros((3, 3)))


@pytest.mark.parametrize("tolerance_mm", [1.0, 5.0, 20.0])
def test_a_walking_person_stays_within_the_bound(tolerance_mm):
    take, person = walking_take(people=1, frames=120), 0
    rest = armature_space.rest_bones(take.bone_length_m[person])
    seen = np.flatnonzero(take.state[person] > 0)
    run = max(np.split(seen, np.flatnonzero(np.diff(seen) > 1) + 1), key=len)
    turned = quat.unroll(armature_space.basis_rotations(take.rotations[person, run], rest.orientation))
    location = armature_space.pelvis_location_m(take.root_world_m[person, run], rest)
    matrices = np.tile(np.eye(4), (len(rest.parent), 1, 1))
    matrices[:, :3, :3], matrices[:, :3, 3] = rest.orientation, rest.head_m
    lengths = np.linalg.norm(rest.tail_m - rest.head_m, axis=1)
    bones, deform = armature_space.SHOWN_NAMES, np.ones(len(lengths), dtype=bool)
    armature = Armature(bones, np.array(rest.parent), matrices, lengths, np.eye(4), deform)
    tracks = [Track(number, "QUATERNION", turned[:, number]) for number in range(len(lengths))]
    tracks.append(Track(0, "location", location))
    frames = run + 1.0
    reduced = reduce_bones(armature, tracks, frames, tolerance_mm)
    way_mm, turn_deg = world.errors(World(armature, tracks), tracks, _drawn(reduced, tracks, frames))
    assert way_mm.max() <= tolerance_mm
    assert turn_deg.max() <= 2.0
