"""Rotations from positions, against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from animepose_blender.core import quaternions as quat
from animepose_blender.core.swing_twist import fit, slerp, swing, twist, twist_angle


def _scipy(q: np.ndarray) -> Rotation:
    return Rotation.from_quat(np.roll(q, -1, axis=-1))


def _apart_rad(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle between rotations, whatever the signs of the quaternions."""
    return (_scipy(a).inv() * _scipy(b)).magnitude()


@pytest.fixture
def turns(rng) -> np.ndarray:
    """(50, 4) rotations from everywhere on the sphere."""
    return quat.normalize(rng.normal(size=(50, 4)))


@pytest.fixture
def vectors(rng) -> np.ndarray:
    """(50, 3) of all lengths and directions."""
    return rng.normal(size=(50, 3))


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def test_a_swing_points_the_bone_along_the_direction(turns, vectors):
    rest = _unit(np.array([0.3, -0.8, 0.5]))
    result = swing(turns, rest, vectors)
    np.testing.assert_allclose(_scipy(result).apply(rest), _unit(vectors), atol=1e-12)


def test_a_swing_turns_no_more_than_the_directions_differ(turns, vectors):
    rest = _unit(np.array([0.3, -0.8, 0.5]))
    carried = _scipy(turns).apply(rest)
    expected = np.arccos(np.clip(np.sum(carried * _unit(vectors), axis=-1), -1, 1))
    np.testing.assert_allclose(_apart_rad(turns, swing(turns, rest, vectors)), expected, atol=1e-7)


def test_a_swing_onto_where_the_bone_is_carried_anyway_is_the_parents_rotation(turns):
    rest = np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(_apart_rad(turns, swing(turns, rest, 2 * _scipy(turns).apply(rest))), 0, atol=1e-7)


def test_a_swing_onto_the_opposite_direction_is_still_a_rotation(turns):
    rest = np.array([1.0, 0.0, 0.0])
    result = swing(turns, rest, -_scipy(turns).apply(rest))
    np.testing.assert_allclose(np.linalg.norm(result, axis=-1), 1, atol=1e-12)
    np.testing.assert_allclose(_scipy(result).apply(rest), -_scipy(turns).apply(rest), atol=1e-9)


def test_a_twist_is_a_turn_about_the_bone_in_its_own_axes(turns, rng):
    axis, angle = _unit(np.array([0.2, 0.5, -0.9])), rng.uniform(-np.pi, np.pi, 50)
    expected = _scipy(turns) * Rotation.from_rotvec(angle[:, None] * axis)
    np.testing.assert_allclose((_scipy(twist(turns, axis, angle)).inv() * expected).magnitude(), 0, atol=1e-7)


def test_the_angle_of_a_known_twist_is_found(turns, rng):
    axis = _unit(np.array([0.2, 0.5, -0.9]))
    normal = _unit(np.cross(axis, [1.0, 0.0, 0.0]))
    angle = rng.uniform(-3.1, 3.1, 50)
    observed = _scipy(twist(turns, axis, angle)).apply(normal)
    # A part along the bone does not count, nor does the length.
    observed = 2.5 * observed + 0.7 * _scipy(turns).apply(axis)
    np.testing.assert_allclose(twist_angle(turns, axis, normal, observed), angle, atol=1e-9)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_best_fit_agrees_with_scipy_on_noisy_points(rng, turns, count):
    rest, weights = rng.normal(size=(count, 3)), rng.uniform(0.2, 2.0, count)
    observed = np.stack([r.apply(rest) for r in _scipy(turns)]) + rng.normal(0, 0.05, (50, count, 3))
    expected = [Rotation.align_vectors(o, rest, weights)[0] for o in observed]
    found = _scipy(fit(rest, observed, weights))
    np.testing.assert_allclose((found.inv() * Rotation.concatenate(expected)).magnitude(), 0, atol=1e-6)


def test_the_best_fit_is_never_a_mirror_image(rng):
    rest = rng.normal(size=(5, 3))
    mirrored = np.tile(rest * [-1.0, 1.0, 1.0], (3, 1, 1))
    matrix = quat.to_matrix(fit(rest, mirrored, np.ones(5)))
    np.testing.assert_allclose(np.linalg.det(matrix), 1, atol=1e-9)
    expected, _ = Rotation.align_vectors(mirrored[0], rest)
    np.testing.assert_allclose(matrix, np.tile(expected.as_matrix(), (3, 1, 1)), atol=1e-6)


def test_a_flat_set_of_points_is_fitted(rng, turns):
    rest = np.concatenate([rng.normal(size=(4, 2)), np.zeros((4, 1))], axis=-1)
    observed = np.stack([r.apply(rest) for r in _scipy(turns)])
    np.testing.assert_allclose(_apart_rad(fit(rest, observed, np.ones(4)), turns), 0, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_the_way_between_two_rotations_agrees_with_scipy(rng, turns, share):
    others = quat.normalize(rng.normal(size=(50, 4)))
    found = slerp(turns, others, share)
    for a, b, between in zip(turns, others, found):
        expected = Slerp([0, 1], _scipy(np.stack([a, b])))(share)
        assert (_scipy(between).inv() * expected).magnitude() < 1e-7


def test_the_sign_of_a_quaternion_does_not_change_the_way(turns):
    others = np.roll(turns, 1, axis=0)
    np.testing.assert_allclose(_apart_rad(slerp(turns, others, 0.3), slerp(turns, -others, 0.3)), 0, atol=1e-7)


def test_the_way_between_equal_rotations_stays_there(turns):
    np.testing.assert_allclose(_apart_rad(slerp(turns, turns, 0.4), turns), 0, atol=1e-7)
