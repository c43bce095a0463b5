"""Spans with hysteresis, and what comes and goes softly around them."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.retarget.easing import above, bounds, ease, from_vector, gaussian, spans, to_vector

TIME_S = np.arange(200) / 60


def test_bounds_are_the_first_and_last_frame_of_each_run():
    mask = np.array([[0, 1, 1, 0, 0, 1], [1, 1, 1, 1, 1, 1]], dtype=bool).T
    first, last = bounds(mask)
    np.testing.assert_array_equal(first.T, [[0, 1, 1, 3, 3, 5], [0] * 6])
    np.testing.assert_array_equal(last.T, [[0, 2, 2, 4, 4, 5], [5] * 6])


def test_spans_begin_high_end_low_and_are_neither_short_nor_torn():
    probability = np.zeros((200, 3))
    probability[20:60, 0] = np.linspace(0.0, 1.0, 40)
    probability[60:100, 0] = np.linspace(1.0, 0.0, 40)
    probability[[30, 31], 1] = 1.0
    probability[40:80, 2] = 1.0
    probability[[50, 51], 2] = np.nan
    found = spans(probability, TIME_S, 0.6, 0.4, 0.08, 0.05)
    assert probability[np.flatnonzero(found[:, 0])[0], 0] > 0.6
    assert probability[np.flatnonzero(found[:, 0])[-1], 0] == pytest.approx(0.4, abs=0.03)
    assert not found[:, 1].any()
    np.testing.assert_array_equal(np.flatnonzero(found[:, 2]), np.arange(40, 80))


def test_a_span_at_the_clips_border_is_not_short():
    probability = np.zeros((200, 1))
    probability[:2] = 1.0
    assert spans(probability, TIME_S, 0.6, 0.4, 0.08, 0.05)[:2].all()


def test_values_come_and_go_without_jumps_of_place_or_speed():
    known = (TIME_S > 0.8) & (TIME_S < 1.4) | (TIME_S > 1.7) & (TIME_S < 2.4)
    value = np.stack([0.3 * TIME_S - 0.4, np.where(TIME_S < 1.5, 0.1, -0.2)], axis=-1)
    eased = ease(value, known, TIME_S, 0.08)
    np.testing.assert_array_equal(eased[known], value[known])
    assert np.linalg.norm(np.diff(eased, axis=0), axis=-1).max() * 60 < 2.5
    assert np.linalg.norm(np.diff(eased, 2, axis=0), axis=-1).max() * 60**2 < 90
    assert np.abs(eased[[0, -1]]).max() < 0.01
    assert not ease(value, np.zeros_like(known), TIME_S, 0.08).any()


def test_speed_that_is_carried_on_has_its_limit():
    known = TIME_S < 1.0
    value = np.stack([5.0 * TIME_S - 5.0, 0 * TIME_S], axis=-1)
    free, slow = (ease(value, known, TIME_S, 0.08, fastest)[~known, 0].max() for fastest in (np.inf, 0.5))
    assert free > 0.05 > 0.02 > slow


def test_a_course_above_is_above_and_smooth(rng):
    value = rng.random((200, 2)) * (np.abs(TIME_S - 1.5) < 0.3)[:, None]
    course = above(value, TIME_S, 0.05)
    assert (course >= value - 1e-12).all()
    assert np.abs(np.diff(course, 2, axis=0)).max() < 0.12
    assert course[:40].max() == 0.0
    np.testing.assert_allclose(gaussian(np.ones((200, 2)), TIME_S, 0.1), 1.0)


def test_rotation_vectors_go_both_ways(rng):
    vector = rng.normal(size=(50, 3)) * np.linspace(0, 1, 50)[:, None]
    np.testing.assert_allclose(to_vector(from_vector(vector)), vector, atol=1e-12)
    np.testing.assert_allclose(to_vector(-from_vector(vector)), vector, atol=1e-12)
