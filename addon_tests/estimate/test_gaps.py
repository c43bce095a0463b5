"""Which unseen frames are filled, and what the predictor is told and asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.estimate.gaps import CARRY_ON_S, HISTORY_S, MAX_FILL_S, fill_gaps, runs, states
from animepose_blender.estimate.predict import History, Prediction
from animepose_blender.estimate.view import View
from animepose_blender.skeleton import REST_JOINTS_M
from animepose_blender.take import State

from .evidence import Lingers

FPS = 25
FRAMES = 12 * FPS
TIME_S = np.arange(FRAMES) / FPS


def _states(*seen: tuple[float, float], time_s: np.ndarray = TIME_S) -> np.ndarray:
    """Of somebody seen within spans of time."""
    inside = np.any([(time_s >= a - 1e-6) & (time_s < b - 1e-6) for a, b in seen], axis=0)
    return states(np.flatnonzero(inside), time_s)


def _spans(state: np.ndarray, time_s: np.ndarray = TIME_S) -> list[tuple[State, float]]:
    """The states in turn, and the time at which each begins."""
    changes = np.flatnonzero(np.diff(state.astype(int), prepend=-1))
    return [(State(int(state[f])), float(time_s[f])) for f in changes]


def test_a_gap_is_predicted_from_end_to_end_where_somebody_returns_in_time():
    assert _spans(_states((0, 3), (3 + MAX_FILL_S - 0.5, 12))) == [
        (State.OBSERVED, 0), (State.PREDICTED, 3), (State.OBSERVED, pytest.approx(3 + MAX_FILL_S - 0.5, abs=1 / FPS)),
    ]  # fmt: skip


def test_somebody_long_away_is_carried_on_for_a_while_and_then_absent():
    state = _states((0, 3), (3 + MAX_FILL_S + 0.5, 12))
    last_s = 3 - 1 / FPS
    predicted_s = TIME_S[state == State.PREDICTED]
    assert predicted_s[0] == pytest.approx(3)
    assert predicted_s[-1] == pytest.approx(last_s + CARRY_ON_S, abs=1.01 / FPS)
    absent_s = TIME_S[state == State.ABSENT]
    assert absent_s[0] > last_s + CARRY_ON_S - 1e-6
    assert absent_s[-1] == pytest.approx(3 + MAX_FILL_S + 0.5, abs=1.01 / FPS)


def test_before_the_first_sight_nobody_is_there_and_after_the_last_for_a_while():
    state = _states((2, 5))
    assert (state[TIME_S < 1.99] == State.ABSENT).all()
    assert (state[(TIME_S > 4.97) & (TIME_S < 4.9 + CARRY_ON_S)] == State.PREDICTED).all()
    assert (state[TIME_S > 5 + CARRY_ON_S] == State.ABSENT).all()


def test_gaps_count_in_seconds_not_in_frames():
    frames = np.array([0, 5])
    assert states(frames, np.arange(6) / 10)[2] == State.PREDICTED
    assert states(frames, np.arange(6) * 2.0)[2] == State.ABSENT


def test_every_frame_seen_is_observed_and_seen_by_all_means(rng):
    frames = np.flatnonzero(rng.uniform(size=FRAMES) < 0.2)
    state = states(frames, TIME_S)
    np.testing.assert_array_equal(np.flatnonzero(state == State.OBSERVED), frames)
    assert state.dtype == np.uint8


def test_agrees_with_the_rule_written_out_frame_by_frame(rng):
    time_s = np.cumsum(rng.uniform(0.02, 0.4, 300))
    frames = np.flatnonzero(rng.uniform(size=300) < 0.06)
    expected = np.zeros(300, int)
    for frame in range(300):
        before, after = frames[frames <= frame], frames[frames >= frame]
        if frame in frames:
            expected[frame] = State.OBSERVED
        elif len(before) and len(after) and time_s[after[0]] - time_s[before[-1]] <= MAX_FILL_S:
            expected[frame] = State.PREDICTED
        elif len(before) and time_s[frame] - time_s[before[-1]] <= CARRY_ON_S:
            expected[frame] = State.PREDICTED
    np.testing.assert_array_equal(states(frames, time_s), expected)


def test_runs_are_stretches_of_true():
    present = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1], bool)
    assert [run.tolist() for run in runs(present)] == [[0, 1], [3], [6, 7, 8]]
    assert runs(np.zeros(4, bool)) == []
    assert [run.tolist() for run in runs(np.ones(3, bool))] == [[0, 1, 2]]


class Asked(Lingers):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.questions: list[tuple[History, np.ndarray]] = []

    def predict(self, history: History, time_s: np.ndarray) -> Prediction:
        self.questions.append((history, time_s))
        return super().predict(history, time_s)


def _view() -> View:
    camera = np.tile(np.eye(4), (FRAMES, 1, 1))
    camera[:, :3, 3] = np.stack([TIME_S, 0 * TIME_S - 6, 0 * TIME_S + 1.5], axis=1)
    return View(TIME_S, np.tile(np.eye(3), (FRAMES, 1, 1)), camera)


def _walk() -> np.ndarray:
    """(F, J, 3) somebody who glides along X."""
    return REST_JOINTS_M + TIME_S[:, None, None] * [0.8, 0.0, 0.0]


def _fill(state: np.ndarray, predictor=None, others_m: np.ndarray | None = None):
    seen = state == State.OBSERVED
    joints_m = np.where(seen[:, None, None], _walk(), np.nan)
    sigma_m = np.where(seen[:, None], [0.02, 0.1], np.nan)
    others_m = np.zeros((0, FRAMES, 3)) if others_m is None else others_m
    return fill_gaps(state, joints_m, sigma_m, others_m, _view(), predictor or Lingers())


def test_every_predicted_frame_is_filled_and_no_other():
    state = _states((1, 4), (5, 6), (10.5, 11))
    joints_m, sigma_m = _fill(state)
    predicted = state == State.PREDICTED
    assert predicted.any()
    assert np.isfinite(joints_m[predicted]).all() and np.isfinite(sigma_m[predicted]).all()
    assert np.isnan(joints_m[~predicted]).all() and np.isnan(sigma_m[~predicted]).all()


def test_a_filled_gap_meets_both_ends():
    state = _states((0, 4), (5, 12))
    joints_m, _ = _fill(state)
    gap = np.flatnonzero(state == State.PREDICTED)
    truth = _walk()
    step_m = np.linalg.norm(truth[gap[-1] + 1, 0] - truth[gap[0] - 1, 0]) / len(gap)
    for inside, outside in ((gap[0], gap[0] - 1), (gap[-1], gap[-1] + 1)):
        assert np.linalg.norm(joints_m[inside] - truth[outside], axis=-1).max() < 3 * step_m + 0.02


def test_uncertainty_grows_into_a_gap_and_shrinks_before_the_return():
    state = _states((0, 4), (6, 9))
    _, sigma_m = _fill(state)
    gap, tail = runs(state == State.PREDICTED)
    middle = len(gap) // 2
    for axis in range(2):
        assert sigma_m[gap[middle], axis] > sigma_m[gap[0], axis]
        assert sigma_m[gap[middle], axis] > sigma_m[gap[-1], axis]
        assert (np.diff(sigma_m[tail, axis]) > 0).all()


def test_the_predictor_is_told_what_was_last_seen_and_how_well():
    asked = Asked()
    others_m = np.full((1, FRAMES, 3), 7.0)
    others_m[0, :, 0] = TIME_S
    _fill(_states((0, 5)), asked, others_m)
    (history, time_s) = asked.questions[0]
    assert history.time_s[-1] == pytest.approx(5 - 1 / FPS)
    assert history.time_s[0] >= 5 - 1 / FPS - HISTORY_S - 1e-6
    assert (np.diff(history.time_s) > 0).all()
    near = np.searchsorted(TIME_S, history.time_s - 1e-9)
    np.testing.assert_array_equal(history.joints_world_m, _walk()[near])
    np.testing.assert_array_equal(history.others_world_m[0, :, 0], TIME_S[near])
    np.testing.assert_array_equal(history.camera_m[:, 0], TIME_S[near])
    np.testing.assert_array_equal(history.root_sigma_m, [0.02, 0.1])
    assert time_s[0] == pytest.approx(5)


def test_what_was_before_another_gap_is_history_too():
    asked = Asked()
    _fill(_states((0, 4), (4.4, 4.6)), asked)
    last = max((h for h, t in asked.questions if t[0] > 0), key=lambda h: h.time_s[-1])
    assert last.time_s[-1] == pytest.approx(4.6 - 1 / FPS)
    assert last.time_s[0] < 4
    assert np.isfinite(last.joints_world_m).all()


def test_nobody_is_asked_where_nothing_is_missing():
    asked = Asked()
    joints_m, sigma_m = _fill(_states((0, 12)), asked)
    assert asked.questions == []
    assert np.isnan(joints_m).all() and joints_m.shape == (FRAMES, 28, 3) and sigma_m.shape == (FRAMES, 2)


def test_one_sight_is_enough_to_be_carried_on():
    state = states(np.array([50]), TIME_S)
    joints_m, _ = _fill(state)
    np.testing.assert_allclose(joints_m[51], _walk()[50], atol=0.05)


def test_the_view_of_some_frames():
    view = replace(_view(), intrinsics=np.arange(FRAMES)[:, None, None] * np.ones((FRAMES, 3, 3)))
    some = view.at(np.array([3, 9]))
    np.testing.assert_array_equal(some.time_s, TIME_S[[3, 9]])
    np.testing.assert_array_equal(some.intrinsics[:, 0, 0], [3, 9])
    np.testing.assert_array_equal(some.centre_m, view.centre_m[[3, 9]])
    np.testing.assert_allclose(some.world_to_camera @ some.camera_to_world, np.tile(np.eye(4), (2, 1, 1)), atol=1e-12)
