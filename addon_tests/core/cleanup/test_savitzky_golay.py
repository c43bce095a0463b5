"""Savitzky and Golay's filter against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from animepose_blender.core.cleanup.savitzky_golay import savitzky_golay, window_frames

TIME_S = np.arange(100) / 30
VALUES = np.random.default_rng(9).normal(size=(100, 3, 2)).cumsum(axis=0)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("window_s", [0.2, 0.4, 1.0])
def test_it_is_that_of_scipy(order, window_s):
    theirs = signal.savgol_filter(VALUES, window_frames(window_s, 1 / 30), order, axis=0, mode="interp")
    assert np.abs(savitzky_golay(VALUES, TIME_S, window_s, order) - theirs).max() < 1e-9


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_polynomials_up_to_its_order_stay_up_to_the_ends(order):
    curve = np.polyval(np.arange(1.0, order + 2), TIME_S / 3)
    assert np.abs(savitzky_golay(curve, TIME_S, 0.5, order) - curve).max() < 1e-9


def test_the_window_is_measured_in_seconds():
    assert [window_frames(s, 1 / 30) for s in (0.2, 0.4, 0.41, 1.0)] == [7, 13, 13, 31]
    assert window_frames(0.4, 1 / 60) == 25


def test_a_window_longer_than_the_clip_is_the_whole_clip():
    assert np.allclose(
        savitzky_golay(VALUES[:15], TIME_S[:15], 60.0, 2), signal.savgol_filter(VALUES[:15], 15, 2, axis=0)
    )
    assert np.allclose(
        savitzky_golay(VALUES[:16], TIME_S[:16], 60.0, 2), signal.savgol_filter(VALUES[:16], 15, 2, axis=0)
    )


def test_a_window_of_too_few_frames_changes_nothing():
    assert np.array_equal(savitzky_golay(VALUES, TIME_S, 0.07, 3), VALUES)
