"""A span made anew runs from pose to pose, smoothly and without overshoot."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import quaternions as quat
from animepose_blender.core.review.fill import between, turns_between

TIMES = np.array([0.9, 1.0, 2.0, 2.1])
ALL = np.ones(4, dtype=bool)
AT = np.linspace(1.0, 2.0, 201)


def turn(axis, angle_rad):
    half = np.asarray(angle_rad) / 2
    return np.concatenate([np.cos(half)[..., None], np.sin(half)[..., None] * np.asarray(axis)], axis=-1)


def test_a_steady_motion_goes_on_steadily():
    speed = np.array([1.0, -2.0, 0.0])
    np.testing.assert_allclose(between(TIMES[:, None] * speed, TIMES, ALL, AT), AT[:, None] * speed, atol=1e-12)
    turns = turn([0.0, 0.6, 0.8], 1.3 * TIMES)[:, None]
    np.testing.assert_allclose(turns_between(turns, TIMES, ALL, AT)[:, 0], turn([0.0, 0.6, 0.8], 1.3 * AT), atol=1e-12)


def test_both_ends_are_met_with_their_speeds():
    values = np.array([[-0.1], [0.0], [1.0], [1.0]])
    path = between(values, TIMES, ALL, AT)[:, 0]
    assert path[0] == 0.0 and path[-1] == 1.0
    assert abs((path[1] - path[0]) / (AT[1] - AT[0]) - 1.0) < 0.05
    assert abs((path[-1] - path[-2]) / (AT[1] - AT[0])) < 0.05


def test_nothing_leaves_the_range_of_its_ends_however_fast_they_are():
    rng = np.random.default_rng(0)
    for _ in range(200):
        values = rng.normal(size=(4, 3)) * rng.choice([0.1, 10.0], size=(4, 1))
        path = between(values, TIMES, rng.random(4) < 0.7, AT)
        low, high = np.minimum(values[1], values[2]), np.maximum(values[1], values[2])
        assert (path >= low - 1e-9).all() and (path <= high + 1e-9).all()


def test_rotations_take_the_short_way_whatever_their_signs():
    rng = np.random.default_rng(1)
    for _ in range(100):
        ends = quat.normalize(rng.normal(size=(2, 5, 4)))
        signs = rng.choice([-1.0, 1.0], size=(2, 5, 1))
        turns = (ends * signs)[[0, 0, 1, 1]]
        path = turns_between(turns, TIMES, np.array([False, True, True, False]), AT)
        np.testing.assert_allclose(np.linalg.norm(path, axis=-1), 1.0, atol=1e-12)
        np.testing.assert_allclose(np.abs(np.sum(path[[0, -1]] * ends, axis=-1)), 1.0, atol=1e-9)
        way = 2 * np.arccos(np.clip(np.sum(path[1:] * path[:-1], axis=-1), -1, 1)).sum(axis=0)
        direct = 2 * np.arccos(np.clip(np.abs(np.sum(ends[0] * ends[1], axis=-1)), 0, 1))
        np.testing.assert_allclose(way, direct, atol=1e-4)
