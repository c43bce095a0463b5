"""What trembles stands, what moves moves, and nothing leaps between."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.cleanup.hold_still import RELEASE, hold_still

TIME_S = np.arange(300) / 30
RANDOM = np.random.default_rng(12)
TREMBLE = 0.002 * RANDOM.uniform(-1, 1, (300, 3))
REACH = 0.5 * np.clip((TIME_S - 4.0) / 0.6, 0, 1) ** 2 * (3 - 2 * np.clip((TIME_S - 4.0) / 0.6, 0, 1))
"""At rest, from 4.0 to 4.6 s half a metre on, at rest."""


def course() -> np.ndarray:
    values = TREMBLE.copy()
    values[:, 0] += REACH
    return values


@pytest.mark.parametrize("together", [False, True])
def test_a_trembling_rest_stands_and_the_move_stays(together):
    values = course()
    result = hold_still(values, TIME_S, dead_zone=0.005, together=together)
    assert np.ptp(result[:110], axis=0).max() < 1e-9 and np.ptp(result[160:], axis=0).max() < 1e-9
    moving = (TIME_S > 4.2) & (TIME_S < 4.4)
    assert np.abs(result - values)[moving].max() < 0.003
    assert np.abs(result - values).max() <= RELEASE * 0.005 + 1e-9


def test_it_stands_at_the_mean():
    result = hold_still(TREMBLE, TIME_S, dead_zone=0.005)
    assert np.abs(result - TREMBLE.mean(axis=0)).max() < 1e-9


def test_nothing_leaps_when_it_is_let_go_or_caught():
    values = course()[:, 0]
    result = hold_still(values, TIME_S, dead_zone=0.02)
    clean_steps = np.abs(np.diff(REACH))
    # A step is at most that of the move and what fades of the zone in a frame; so is its change.
    assert (np.abs(np.diff(result)) - clean_steps).max() < 0.4 * 0.02
    assert np.abs(np.diff(result, 2)).max() < np.abs(np.diff(REACH, 2)).max() + 0.3 * 0.02


def test_values_between_dead_zone_and_release_do_not_make_it_come_and_go():
    """Hysteresis: without it, each frame beyond the zone would let go."""
    values = np.where(np.arange(300) % 40 == 39, 0.013, 0.0) + TREMBLE[:, 0]
    result = hold_still(values, TIME_S, dead_zone=0.01)
    assert np.ptp(result) < 1e-9
    beyond = np.where(np.arange(300) % 40 == 39, 0.03, 0.0) + TREMBLE[:, 0]
    assert np.ptp(hold_still(beyond, TIME_S, dead_zone=0.01)) > 0.02


def test_short_rests_and_steady_moves_are_left_alone():
    move = 0.5 * TIME_S
    assert np.array_equal(hold_still(move, TIME_S, dead_zone=0.02), move)
    bounce = np.abs(np.sin(2 * np.pi * 1.5 * TIME_S))
    result = hold_still(bounce, TIME_S, dead_zone=0.05, shortest_s=0.3)
    assert np.array_equal(result, bounce)


def test_a_vector_is_held_by_its_length_whatever_its_axes():
    turn = np.linalg.qr(RANDOM.normal(size=(3, 3)))[0]
    values = course()
    held = hold_still(values, TIME_S, 0.005, together=True)
    assert np.abs(hold_still(values @ turn, TIME_S, 0.005, together=True) - held @ turn).max() < 1e-9


def test_a_gap_lets_go():
    values = TREMBLE[:, 0].copy()
    values[100:110] = np.nan
    values[110:] += 0.004
    result = hold_still(values, TIME_S, dead_zone=0.01)
    assert np.isnan(result[100:110]).all()
    assert np.ptp(result[:100]) < 1e-9 and np.nanmax(np.abs(result - values)) < 0.015


def test_rates_differ_and_seconds_do_not():
    for rate_hz in (24, 60, 120):
        time_s = np.arange(4 * rate_hz) / rate_hz
        wave = 0.03 * np.sin(2 * np.pi * 0.5 * time_s)
        assert np.abs(hold_still(wave, time_s, 0.002, shortest_s=0.3) - wave).max() < 1e-12
        assert np.ptp(hold_still(0.01 * wave, time_s, 0.002, shortest_s=0.3)) < 1e-9
