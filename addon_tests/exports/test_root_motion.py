"""Where the root bone goes."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.host.exports.root_motion import ground_path

RATE = 30.0


def about(axis: int, angle_rad: np.ndarray) -> np.ndarray:
    q = np.zeros((len(angle_rad), 4))
    q[:, 0], q[:, 1 + axis] = np.cos(angle_rad / 2), np.sin(angle_rad / 2)
    return q


def heading_rad(heading: np.ndarray) -> np.ndarray:
    return np.unwrap(2 * np.arctan2(heading[:, 3], heading[:, 0]))


def test_the_path_lies_on_the_floor_below_the_pelvis():
    at_m = np.random.default_rng(1).normal(size=(20, 3))
    place_m, _ = ground_path(at_m, about(2, np.zeros(20)), RATE)
    np.testing.assert_array_equal(place_m, at_m * [1, 1, 0])


def test_a_steady_turn_is_followed_over_several_rounds_without_a_jump():
    angle = np.linspace(0.3, 15.0, 200)
    _, heading = ground_path(np.zeros((200, 3)), about(2, angle), RATE)
    np.testing.assert_allclose(heading_rad(heading), angle, atol=1e-6)


def test_a_lean_is_left_to_the_pelvis():
    lean = quat.multiply(about(2, np.full(30, 1.0)), about(0, np.linspace(0, 1.2, 30)))
    _, heading = ground_path(np.zeros((30, 3)), lean, RATE)
    np.testing.assert_allclose(heading_rad(heading), 1.0, atol=1e-6)


def test_what_hips_turn_with_every_step_is_mostly_left_to_the_pelvis():
    time_s = np.arange(120) / RATE
    _, heading = ground_path(np.zeros((120, 3)), about(2, 0.2 * np.sin(2 * np.pi * 0.85 * time_s)), RATE)
    assert np.abs(heading_rad(heading))[20:-20].max() < 0.12


def test_somersaults_have_a_heading_in_every_frame():
    angle = np.linspace(0, 2 * np.pi, 60)
    _, heading = ground_path(np.zeros((60, 3)), about(0, angle), RATE)
    assert np.isfinite(heading).all()
    np.testing.assert_allclose(np.linalg.norm(heading, axis=-1), 1.0, atol=1e-9)


def test_one_frame_is_enough():
    place_m, heading = ground_path(np.ones((1, 3)), about(2, np.array([0.5])), RATE)
    np.testing.assert_allclose(place_m, [[1, 1, 0]])
    np.testing.assert_allclose(heading_rad(heading), 0.5)
