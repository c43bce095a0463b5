"""Quaternions, with SciPy's rotations as the independent source (it is xyzw, we are wxyz)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import quaternions as quat


def random_quaternions(rng, *shape):
    return quat.normalize(rng.normal(size=(*shape, 4)))


def scipy_of(q):
    return Rotation.from_quat(np.roll(q.reshape(-1, 4), -1, axis=-1))


def assert_same_rotation(a, b):
    """Up to sign, since q and -q turn alike."""
    np.testing.assert_allclose(np.abs((a * b).sum(-1)), 1.0, atol=1e-12)


def test_multiply_turns_by_the_second_and_then_by_the_first(rng):
    a, b = random_quaternions(rng, 5, 4), random_quaternions(rng, 5, 4)
    expected = (scipy_of(a) * scipy_of(b)).as_matrix().reshape(5, 4, 3, 3)
    np.testing.assert_allclose(quat.to_matrix(quat.multiply(a, b)), expected, atol=1e-12)


def test_a_quarter_turn_about_z_takes_x_to_y():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(quat.rotate(np.array([half, 0, 0, half]), np.array([1.0, 0, 0])), [0, 1, 0], atol=1e-12)


def test_rotate_agrees_with_scipy_and_broadcasts(rng):
    q, vectors = random_quaternions(rng, 6), rng.normal(size=(6, 3))
    np.testing.assert_allclose(quat.rotate(q, vectors), scipy_of(q).apply(vectors), atol=1e-12)
    many = quat.rotate(q[:, None], vectors[None])
    assert many.shape == (6, 6, 3)
    np.testing.assert_allclose(many[2, 3], scipy_of(q[2]).apply(vectors[3:4])[0], atol=1e-12)


def test_the_conjugate_undoes_a_rotation(rng):
    q, vectors = random_quaternions(rng, 9), rng.normal(size=(9, 3))
    np.testing.assert_allclose(quat.rotate(quat.conjugate(q), quat.rotate(q, vectors)), vectors, atol=1e-12)
    assert_same_rotation(quat.multiply(q, quat.conjugate(q)), np.broadcast_to(quat.IDENTITY, q.shape))


def test_matrices_agree_with_scipy_both_ways(rng):
    q = random_quaternions(rng, 50)
    matrices = scipy_of(q).as_matrix()
    np.testing.assert_allclose(quat.to_matrix(q), matrices, atol=1e-12)
    assert_same_rotation(quat.from_matrix(matrices), q)


@pytest.mark.parametrize("axis", np.eye(3).tolist() + [[1, 1, 0], [-1, 1, 1], [1e-9, 1, 1]])
@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi / 2, np.pi - 1e-9, np.pi])
def test_from_matrix_is_exact_where_a_component_vanishes(axis, angle):
    rotation = Rotation.from_rotvec(angle * np.array(axis) / np.linalg.norm(axis))
    q = quat.from_matrix(rotation.as_matrix()[None])
    np.testing.assert_allclose(quat.to_matrix(q)[0], rotation.as_matrix(), atol=1e-9)


def test_between_turns_one_direction_onto_the_other_by_the_shortest_way(rng):
    a, b = rng.normal(size=(40, 3)), rng.normal(size=(40, 3))
    q = quat.between(a, b)
    turned = quat.rotate(q, a)
    np.testing.assert_allclose(
        turned / np.linalg.norm(turned, axis=-1, keepdims=True),
        b / np.linalg.norm(b, axis=-1, keepdims=True),
        atol=1e-9,
    )
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    np.testing.assert_allclose(scipy_of(q).magnitude(), np.arccos(cosine), atol=1e-7)


@pytest.mark.parametrize("direction", np.concatenate([np.eye(3), -np.eye(3), [[1, 2, 3]]]).tolist())
def test_between_same_and_opposite_directions(direction):
    a = np.array(direction, dtype=float)
    assert_same_rotation(quat.between(a, 2 * a), quat.IDENTITY)
    q = quat.between(a, -a)
    np.testing.assert_allclose(quat.rotate(q, a), -a, atol=1e-9)
    assert np.linalg.norm(q) == pytest.approx(1.0)


def test_unroll_keeps_the_rotations_and_never_jumps_to_the_other_side(rng):
    angles = np.linspace(0, 6 * np.pi, 200)
    smooth = np.stack([np.cos(angles / 2), np.sin(angles / 2), 0 * angles, 0 * angles], -1)[:, None].repeat(3, 1)
    flipped = smooth * rng.choice([-1.0, 1.0], size=(200, 3, 1))
    unrolled = quat.unroll(flipped)
    assert ((unrolled[1:] * unrolled[:-1]).sum(-1) > 0).all()
    np.testing.assert_allclose(quat.to_matrix(unrolled), quat.to_matrix(flipped), atol=1e-12)
    np.testing.assert_allclose(unrolled[0], flipped[0])


def test_unroll_along_another_axis(rng):
    q = random_quaternions(rng, 3, 50)
    np.testing.assert_allclose(quat.unroll(q, axis=1)[1], quat.unroll(q[1]))


def test_arguments_are_left_as_they_were(rng):
    q = random_quaternions(rng, 8)
    before = q.copy()
    quat.unroll(q)
    quat.multiply(q, q)
    quat.conjugate(q)
    quat.normalize(q)
    np.testing.assert_array_equal(q, before)
