"""Gaps are filled from both ends, without leaps in place or speed."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.cleanup.gaps import fill_gaps

TIME_S = np.arange(90) / 30


def with_gap(values: np.ndarray, begin: int = 40, end: int = 50) -> np.ndarray:
    values = values.copy()
    values[begin:end] = np.nan
    return values


@pytest.mark.parametrize("uneven", [False, True])
def test_lines_and_short_pieces_of_curves_come_back(uneven):
    time_s = np.cumsum(np.random.default_rng(1).uniform(0.02, 0.05, 90)) if uneven else TIME_S
    line = np.stack([1.0 + 2.0 * time_s, -0.5 * time_s], axis=-1)
    assert np.abs(fill_gaps(with_gap(line), time_s) - line).max() < 1e-9
    curve = np.sin(2 * np.pi * time_s)
    assert np.abs(fill_gaps(with_gap(curve, 40, 45), time_s) - curve).max() < 0.02


def test_place_and_speed_are_continuous_at_both_ends():
    time_s = np.arange(900) / 300
    curve = np.sin(2 * np.pi * time_s) + 0.5 * time_s**2
    filled = fill_gaps(with_gap(curve, 400, 520), time_s)
    speed = np.gradient(filled, time_s)
    assert np.abs(np.diff(filled)).max() < 2.5 * np.abs(np.diff(curve)).max()
    for edge in (400, 520):
        assert np.abs(np.diff(speed[edge - 3 : edge + 3])).max() < 0.6  # of up to 9 a second


def test_a_long_gap_is_not_carried_away_by_the_speed_at_its_ends():
    time_s = np.arange(600) / 30
    values = np.where(time_s < 5, 3.0 * time_s, 3.0 * (20 - time_s) + 0.0)
    filled = fill_gaps(with_gap(values, 150, 450), time_s)
    assert filled[150:450].max() < 15.0 + 1.0 and filled[150:450].min() > 14.0


def test_a_noisy_end_does_not_throw_the_curve():
    noise = 0.01 * np.random.default_rng(2).normal(size=(90, 200))
    filled = fill_gaps(with_gap(noise, 40, 50), TIME_S)
    assert np.std(filled[40:50]) < 0.04


def test_gaps_longer_than_asked_stay():
    values = with_gap(with_gap(np.sin(TIME_S), 20, 22), 40, 60)
    filled = fill_gaps(values, TIME_S, longest_s=0.1)
    assert np.isfinite(filled[20:22]).all() and np.isnan(filled[40:60]).all()
    assert np.isfinite(fill_gaps(values, TIME_S)).all()
    # Three steps from the known value before to the one after.
    assert np.isnan(fill_gaps(values, TIME_S, longest_s=0.099)[20:22]).all()


def test_nothing_is_made_up_before_the_first_and_after_the_last_value():
    values = np.sin(TIME_S)
    values[:5] = values[80:] = np.nan
    assert np.array_equal(fill_gaps(values, TIME_S), values, equal_nan=True)


def test_known_values_do_not_change_and_the_argument_neither():
    values = np.random.default_rng(3).normal(size=(90, 4, 3))
    values[np.random.default_rng(4).random(values.shape) < 0.3] = np.nan
    before = values.copy()
    filled = fill_gaps(values, TIME_S)
    known = np.isfinite(before)
    assert np.array_equal(filled[known], before[known]) and np.array_equal(values, before, equal_nan=True)
    assert np.isfinite(filled[10:80]).all()


def test_a_vector_with_one_unknown_part_is_filled_as_a_whole():
    values = np.stack([np.sin(TIME_S), np.cos(TIME_S)], axis=-1)
    gapped = values.copy()
    gapped[30:33, 0] = np.nan
    gapped[30:33, 1] = 1e6
    assert np.abs(fill_gaps(gapped, TIME_S, together=True) - values).max() < 1e-3


@pytest.mark.parametrize(
    "values", [[np.nan], [1.0, np.nan], [1.0, np.nan, 4.0], [np.nan] * 4, [1.0, np.nan, np.nan, 4.0]]
)
def test_few_values(values):
    filled = fill_gaps(np.array(values), TIME_S[: len(values)])
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 2:
        assert np.allclose(filled, np.linspace(1.0, 4.0, len(values)))
    else:
        assert np.array_equal(filled, values, equal_nan=True)
