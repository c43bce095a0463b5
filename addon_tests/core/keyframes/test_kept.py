"""Frames that keep their keys."""

from __future__ import annotations

import numpy as np

from animepose_blender.core.keyframes import kept


def test_boundaries_are_the_first_and_last_frames_of_spans():
    spans = np.array([0, 1, 1, 1, 0, 0, 1, 0, 1, 1], dtype=bool)
    assert np.flatnonzero(kept.boundaries(spans)).tolist() == [1, 3, 6, 8, 9]


def test_boundaries_of_several_spans_are_joined():
    spans = np.zeros((6, 2), dtype=bool)
    spans[1:3, 0] = spans[4:, 1] = True
    assert np.flatnonzero(kept.boundaries(spans)).tolist() == [1, 2, 4, 5]


def test_only_long_standstills_count():
    values = np.array([0, 1, 1, 2, 2, 2, 2, 3, 3], dtype=float)[:, None]
    assert np.flatnonzero(kept.still(values, 3)).tolist() == [3, 4, 5]


def test_turning_points_of_a_wave_are_its_crests():
    frames = np.arange(96)
    assert kept.turning_points(np.cos(2 * np.pi * frames / 24), 0.5).tolist() == list(range(12, 96, 12))


def test_small_swings_are_no_turning_points(rng):
    frames = np.arange(400)
    course = 10 * np.cos(2 * np.pi * frames / 100) + rng.uniform(-0.5, 0.5, 400)
    found = kept.turning_points(course, 4.0)
    assert len(found) == 7
    assert np.abs(found - np.arange(50, 351, 50)).max() <= 8
    assert (np.abs(np.diff(course[found])) >= 4).all()


def test_a_rising_course_does_not_turn():
    assert len(kept.turning_points(np.arange(9.0), 0.1)) == 0
    assert len(kept.turning_points(np.zeros(9), 0.1)) == 0
