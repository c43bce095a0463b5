"""Bones make up for what the bones above them are off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.keyframes import turning, world
from animepose_blender.core.keyframes.curve import evaluate
from animepose_blender.core.keyframes.reduction import reduce_bones
from animepose_blender.core.keyframes.world import Track, World
from animepose_blender.core.retarget import euler
from animepose_blender.core.retarget.armature import Armature

KINDS = ("QUATERNION", "XYZ", "ZXY", "AXIS_ANGLE")


def _rig(rng: np.random.Generator) -> Armature:
    """Some bones anywhere, in any unit."""
    count = int(rng.integers(1, 12))
    parents = np.array([-1 if bone == 0 or rng.random() < 0.1 else rng.integers(0, bone) for bone in range(count)])
    scale = 10 ** rng.uniform(-2, 0)
    lengths, rest = 10 ** rng.uniform(-2, -0.3, count) / scale, np.tile(np.eye(4), (count, 1, 1))
    for bone, parent in enumerate(parents):
        rest[bone, :3, :3] = quat.to_matrix(quat.normalize(rng.normal(size=4)))
        on_tail = parent >= 0 and rng.random() < 0.7
        tail = rest[parent, :3, 3] + lengths[parent] * rest[parent, :3, 1]
        rest[bone, :3, 3] = tail if on_tail else rng.normal(size=3) * 0.1 / scale
    names = tuple(map(str, range(count)))
    return Armature(names, parents, rest, lengths, np.diag([*[scale] * 3, 1.0]), np.ones(count, dtype=bool))


def _motion(rng: np.random.Generator, armature: Armature, count: int) -> list[Track]:
    """Waves, noise or steps; some bones still, some hinges, some that stand still for a while."""
    tracks, family = [], rng.choice(["waves", "noise", "steps", "jitter"])
    at, waves = np.arange(count)[:, None, None] / rng.uniform(20, 120), np.arange(1, 7)
    for bone in range(len(armature.names)):
        if rng.random() < 0.15:
            continue
        sizes, phases = rng.normal(size=(3, 6)) / waves**1.5, rng.uniform(0, 2 * np.pi, (3, 6))
        vector = (sizes * np.sin(2 * np.pi * at * waves + phases)).sum(-1)
        if family == "noise":
            vector = rng.normal(size=(count, 3))
        if family == "steps":
            vector = np.repeat(rng.normal(size=(count // 9 + 1, 3)), 9, axis=0)[:count]
        if family == "jitter":
            vector += 0.02 * rng.normal(size=(count, 3))
        vector *= 10 ** rng.uniform(-1.5, 0.2)
        vector[:, int(rng.integers(1, 9)) :] = 0.0
        if rng.random() < 0.2:
            first = rng.integers(0, count)
            vector[first : first + 20] = vector[first]
        turned = quat.unroll(quat.normalize(np.concatenate([np.ones((count, 1)), vector / 2], axis=1)))
        kind = str(rng.choice(KINDS))
        tracks.append(Track(bone, kind, euler.to_channels(turned[:, None], kind)[:, 0]))
        if bone == 0 or rng.random() < 0.1:
            tracks.append(Track(bone, "location", vector[:, ::-1] / armature.scale))
    return tracks


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("count", [2, 3, 30, 90])
def test_any_motion_of_any_armature_stays_within_its_bounds(rng, count, shared):
    for _ in range(8):
        armature = _rig(rng)
        tracks = _motion(rng, armature, count)
        if not tracks:
            continue
        mm, deg = 10 ** rng.uniform(-0.5, 1.3), 10 ** rng.uniform(-0.7, 1)
        frames = np.cumsum(rng.choice([1.0, 1.0, 2.0, 0.5], count))
        reduced = reduce_bones(armature, tracks, frames, mm, deg, shared=shared, keep=rng.random(count) < 0.03)
        drawn = [
            replace(track, values=np.stack([evaluate(curve, frames) for curve in own], axis=1))
            for track, own in zip(tracks, reduced.curves)
        ]
        way_mm, turn_deg = world.errors(World(armature, tracks), tracks, drawn)
        assert way_mm.max() <= mm
        assert turn_deg.max() <= deg


def _leg(frames: np.ndarray, hinge: bool = False) -> tuple[Armature, list[Track]]:
    """A pelvis that trembles, and a leg that keeps its foot where it was all the same."""
    parents, lengths = np.array([-1, 0, 1]), np.array([0.2, 0.45, 0.4])
    rest = np.tile(np.eye(4), (3, 1, 1))
    rest[1:, :3, :3] = np.diag([1.0, -1.0, -1.0])
    rest[:, :3, 3] = [[0, 1, 0], [0.1, 1, 0], [0.1, 0.55, 0]]
    armature = Armature(("pelvis", "thigh", "shin"), parents, rest, lengths, np.eye(4), np.ones(3, dtype=bool))
    tremble = 0.006 * np.sin(2 * np.pi * frames / 2.7)[:, None] * [1.0, 0.5, 0.8]
    pelvis = quat.normalize(np.concatenate([np.ones_like(tremble[:, :1]), tremble], axis=1))
    axes = rest[1, :3, :3]
    against = quat.normalize(np.concatenate([np.ones_like(tremble[:, :1]), -tremble @ axes], axis=1))
    swing = 0.4 * np.sin(2 * np.pi * frames / 60)
    knee = np.stack([np.cos(swing / 2), np.sin(swing / 2), 0 * swing, 0 * swing if hinge else 0.02 * swing], axis=1)
    return armature, [Track(0, "QUATERNION", pelvis), Track(1, "QUATERNION", against), Track(2, "QUATERNION", knee)]


def test_a_tremble_that_the_bones_below_cancel_needs_no_keys():
    frames = np.arange(1.0, 121.0)
    armature, tracks = _leg(frames)
    reduced = reduce_bones(armature, tracks, frames, 5.0, 5.0)
    assert len(reduced.samples[0][1]) < 12
    assert len(reduced.samples[1][1]) < 12


def test_hinges_stay_hinges():
    frames = np.arange(1.0, 121.0)
    armature, tracks = _leg(frames, hinge=True)
    reduced = reduce_bones(armature, tracks, frames, 5.0, 5.0)
    assert [len(curve.frames) for curve in reduced.curves[2][2:]] == [1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_channels_turn_by_a_small_rotation_vector(rng, kind):
    q = quat.normalize(np.array([1.0, 0.3, -0.2, 0.4]) + 0.1 * rng.normal(size=(50, 4)))
    channels = euler.to_channels(q[:, None], kind)[:, 0]
    padded = world.padded(1.5 * channels if kind == "QUATERNION" else channels)
    turn = 0.004 * rng.normal(size=(50, 3))
    made = euler.from_channels(turning.turned(padded, kind, turn), kind)
    wanted = quat.multiply(quat.normalize(np.concatenate([np.ones((50, 1)), turn / 2], axis=1)), q)
    assert euler.angle_between(made, wanted).max() < 2e-4
    assert euler.angle_between(q, wanted).min() > 2e-4


def test_quaternions_of_any_length_turn_the_same(rng):
    q = quat.normalize(rng.normal(size=(1, 7, 4)))
    track = [Track(0, "QUATERNION", q[0])]
    once, longer = (world.local_basis(track, np.zeros(1, dtype=int), 1, size * q)[0] for size in (1.0, 1.3))
    np.testing.assert_allclose(once, longer, atol=1e-12)
    np.testing.assert_allclose(once[0].transpose(2, 0, 1), quat.to_matrix(q[0]), atol=1e-12)
