"""The half-life filter: what the half-life means, the closed form of its gain, and SciPy's solver."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solveh_banded

from animepose_blender.core.cleanup.banded import solve
from animepose_blender.core.cleanup.half_life import HALF_LIFE_HZ_S, smooth_half_life
from animepose_blender.estimate import smooth as estimate

RATE_HZ = 240
TIME_S = np.arange(6 * RATE_HZ) / RATE_HZ
MIDDLE = 3 * RATE_HZ


def test_the_meaning_is_that_of_the_estimate():
    assert HALF_LIFE_HZ_S == estimate.HALF_LIFE_HZ_S
    random = np.random.default_rng(1)
    time_s = np.cumsum(random.uniform(0.02, 0.05, 200))
    values = random.normal(size=(200, 5, 3)).cumsum(axis=0)
    bands = estimate.second_difference_bands(time_s, HALF_LIFE_HZ_S / 0.15)
    bands[2] += 1.0
    theirs = solveh_banded(bands, values.reshape(200, -1)).reshape(values.shape)
    assert np.abs(smooth_half_life(values, time_s, 0.15) - theirs).max() < 1e-7


@pytest.mark.parametrize("half_life_s", [0.05, 0.1, 0.3])
def test_a_sudden_error_loses_half_of_its_influence_in_a_half_life(half_life_s):
    error = np.zeros_like(TIME_S)
    error[MIDDLE] = 1.0
    answer = smooth_half_life(error, TIME_S, half_life_s)
    for side in (-1, 1):
        at = np.interp(TIME_S[MIDDLE] + side * half_life_s, TIME_S, answer)
        assert at / answer[MIDDLE] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("half_life_s", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("times_the_cutoff", [0.3, 1.0, 2.0])
def test_the_gain_is_that_of_the_closed_form(half_life_s, times_the_cutoff):
    frequency = times_the_cutoff * HALF_LIFE_HZ_S / half_life_s
    wave = np.exp(2j * np.pi * frequency * TIME_S)
    result = smooth_half_life(wave.real, TIME_S, half_life_s) + 1j * smooth_half_life(wave.imag, TIME_S, half_life_s)
    middle = slice(2 * RATE_HZ, 4 * RATE_HZ)
    gain = result[middle] / wave[middle]
    assert np.abs(gain - 1 / (1 + times_the_cutoff**4)).max() < 0.004  # and no phase


def test_no_half_life_changes_nothing():
    values = np.random.default_rng(0).normal(size=(50, 2))
    assert np.array_equal(smooth_half_life(values, np.arange(50) / 30, 0.0), values)


@pytest.mark.parametrize("half_life_s", [1.0, 100.0, 1e6])
def test_very_long_half_lives_end_in_a_straight_line(half_life_s):
    time_s = np.arange(300) / 30
    values = np.random.default_rng(4).normal(size=300).cumsum()
    result = smooth_half_life(values, time_s, half_life_s)
    assert np.isfinite(result).all()
    if half_life_s > 50:
        line = np.polyval(np.polyfit(time_s, values, 1), time_s)
        assert np.abs(result - line).max() < 0.02 * np.ptp(values)


def test_what_lies_across_a_gap_counts_by_its_distance():
    """As with a weight of 0 for the unknown frames."""
    time_s = np.arange(90) / 30
    values = np.random.default_rng(6).normal(size=90).cumsum()
    values[40:52] = np.nan
    bands = estimate.second_difference_bands(time_s, HALF_LIFE_HZ_S / 0.1)
    bands[2] += np.isfinite(values)
    theirs = solveh_banded(bands, np.nan_to_num(values))
    known = np.isfinite(values)
    assert np.abs(smooth_half_life(values, time_s, 0.1) - theirs)[known].max() < 1e-3


@pytest.mark.parametrize("count", [1, 2, 3, 40])
@pytest.mark.parametrize("own", [False, True])
def test_banded_systems_are_solved_as_by_scipy(count, own):
    random = np.random.default_rng(count)
    bands = random.uniform(-1, 1, (3, count, 4))
    bands[2] += 5.0
    bands[1, :1] = bands[0, :2] = 0.0
    right = random.normal(size=(count, 4))
    # SciPy wants no more bands than there are rows.
    theirs = [solveh_banded(bands[max(0, 3 - count) :, :, k if own else 0], right[:, k]) for k in range(4)]
    ours = solve(bands if own else bands[..., 0], right)
    assert np.abs(ours - np.stack(theirs, axis=-1)).max() < 1e-10
