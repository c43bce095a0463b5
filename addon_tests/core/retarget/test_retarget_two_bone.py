"""Limbs of two bones: they get there, keep their plane, and never flip."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget.two_bone import end_of, knee_hinge, reach, rest_hinge

LEG = np.array([[0.0, -0.01, -0.43], [0.0, 0.03, -0.41]])
LENGTH = np.linalg.norm(LEG, axis=-1).sum()
HINGE = np.array([1.0, 0.0, 0.0])


def about(axis, degrees):
    half = np.radians(np.asarray(degrees, float)) / 2
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    return np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * axis], axis=-1)


def bent(degrees, thigh=None):
    """(n, 2, 4) legs whose knees bend by (n,) degrees from rest, which is bent by 4 degrees itself."""
    shin = about(HINGE, degrees)
    legs = np.stack([np.broadcast_to(quat.IDENTITY, shin.shape), shin], axis=-2)
    return legs if thigh is None else quat.multiply(thigh[..., None, :], legs)


def directions(turned, segments=LEG):
    bones = quat.rotate(turned, segments)
    return bones / np.linalg.norm(bones, axis=-1, keepdims=True)


def angles(a, b):
    """Degrees between rotations."""
    return np.degrees(2 * np.arccos(np.clip(np.abs((a * b).sum(-1)), 0, 1)))


def normals(turned):
    u, v = np.moveaxis(directions(turned), -2, 0)
    return np.cross(u, v) / np.linalg.norm(np.cross(u, v), axis=-1, keepdims=True)


def some_legs(rng, count=400):
    thigh = quat.normalize(rng.normal(size=(count, 4)))
    return rng.normal(size=(count, 3)), bent(rng.uniform(20, 140, count), thigh)


def some_targets(rng, hip, low=0.05, high=0.998):
    way = rng.normal(size=hip.shape)
    return hip + way / np.linalg.norm(way, axis=-1, keepdims=True) * rng.uniform(low, high, (len(hip), 1)) * LENGTH


def test_the_end_comes_to_every_place_within_reach(rng):
    hip, legs = some_legs(rng)
    target = some_targets(rng, hip)
    after = reach(hip, legs, LEG, target, hinge=HINGE)
    np.testing.assert_allclose(end_of(hip, after, LEG), target, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(after, axis=-1), 1.0, atol=1e-12)


def test_a_limb_that_is_there_stays_as_it_is(rng):
    hip, legs = some_legs(rng)
    legs[:50] = bent(rng.uniform(-4, 3, 50), quat.normalize(rng.normal(size=(50, 4))))
    after = reach(hip, legs, LEG, end_of(hip, legs, LEG), hinge=HINGE)
    assert np.degrees(np.arccos(np.clip((directions(after) * directions(legs)).sum(-1), -1, 1))).max() < 1e-4


def test_a_bent_limb_keeps_its_plane_and_is_turned_as_one_piece_by_the_least_rotation(rng):
    hip, legs = some_legs(rng)
    target = some_targets(rng, hip)
    after = reach(hip, legs, LEG, target, hinge=HINGE)
    whole = quat.between(end_of(0 * hip, legs, LEG), target - hip)
    np.testing.assert_allclose(normals(after), quat.rotate(whole, normals(legs)), atol=1e-7)
    # And neither bone is twisted: what is left after the whole turn goes about the plane's normal.
    rest = quat.multiply(after, quat.conjugate(quat.multiply(whole[:, None], legs)))
    np.testing.assert_allclose(np.cross(rest[..., 1:], normals(after)[:, None]), 0.0, atol=1e-7)


def test_a_straight_limb_bends_about_its_hinge_and_to_the_front(rng):
    thigh = quat.normalize(rng.normal(size=(200, 4)))
    noise = about([0, 1, 0], rng.normal(scale=0.5, size=200))
    legs = bent(rng.normal(scale=0.3, size=200) - 4.0, thigh)
    legs[:, 1] = quat.multiply(quat.multiply(noise, legs[:, 1]), quat.IDENTITY)
    hip = np.zeros((200, 3))
    after = reach(hip, legs, LEG, 0.93 * end_of(hip, legs, LEG), hinge=HINGE)
    np.testing.assert_array_less(0.98, (normals(after) * quat.rotate(legs[:, 0], HINGE)).sum(-1))


def test_a_limb_is_never_pulled_longer_than_it_is_and_comes_to_its_limit_softly():
    distance = np.linspace(0.9, 1.2, 3001) * LENGTH
    target = distance[:, None] * np.array([0.0, 0.0, -1.0])
    hip = np.zeros_like(target)
    legs = np.broadcast_to(bent(np.array(30.0)), (len(target), 2, 4))
    got = -end_of(hip, reach(hip, legs, LEG, target, stretch=0.99, hinge=HINGE), LEG)[:, 2]
    assert got.max() <= LENGTH + 1e-9
    assert (np.diff(got) > -1e-9).all()
    slope = np.diff(got) / np.diff(distance)
    assert np.abs(np.diff(slope)).max() < 0.02
    assert got[-1] > 0.999 * LENGTH


@pytest.mark.parametrize("degrees", [2.0, 30.0, 175.0])
def test_nothing_jumps_while_a_target_goes_through_hip_and_reach(degrees):
    path = np.linspace([0.02, 0.03, -1.1], [0.02, 0.02, 0.9], 8001)
    hip = np.zeros_like(path)
    legs = np.broadcast_to(bent(np.array(degrees)), (len(path), 2, 4))
    after = reach(hip, legs, LEG, path, hinge=HINGE)
    knee = quat.rotate(after[:, 0], LEG[0])
    step = np.linalg.norm(np.diff(path, axis=0), axis=-1)
    outside = np.linalg.norm(path, axis=-1)[1:] > 0.03
    assert (np.linalg.norm(np.diff(knee, axis=0), axis=-1) / step)[outside].max() < 25
    assert np.isfinite(after).all()


def test_a_target_on_the_hip_and_a_folded_limb_are_no_trouble():
    equal = np.array([[0.0, 0.0, -0.4], [0.0, 0.0, -0.4]])
    hip = np.zeros((3, 3))
    legs = bent(np.array([0.0, 90.0, 180.0]))
    folded = reach(hip, legs, equal, hip, hinge=HINGE)
    assert np.isfinite(folded).all()
    np.testing.assert_allclose(end_of(hip, folded, equal), 0.0, atol=1e-3)
    target = np.tile([0.0, 0.3, -0.4], (3, 1))
    np.testing.assert_allclose(end_of(hip, reach(hip, legs, equal, target, hinge=HINGE), equal), target, atol=1e-6)


def test_both_legs_go_at_once(rng):
    hip, legs = some_legs(rng, 20)
    target = some_targets(rng, hip)
    both = [np.stack([x[:10], x[10:]], axis=1) for x in (hip, legs, target)]
    after = reach(both[0], both[1], np.stack([LEG, LEG]), both[2], hinge=np.stack([HINGE, HINGE]))
    assert after.shape == (10, 2, 2, 4)
    single = reach(hip, legs, LEG, target, hinge=HINGE)
    np.testing.assert_allclose(angles(after[:, 1], single[10:]), 0.0, atol=1e-4)


def test_knees_bend_to_where_the_toes_point():
    np.testing.assert_allclose(knee_hinge(LEG, np.array([0.0, -0.24, 0.0])), HINGE, atol=1e-3)
    np.testing.assert_allclose(rest_hinge(LEG), HINGE, atol=1e-12)
    straight = np.array([[0.0, 0.0, -0.4], [0.0, 0.0, -0.4]])
    assert abs(rest_hinge(straight)[2]) < 1e-12
