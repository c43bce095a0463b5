"""Smoothing is a low-pass filter in time that knows gaps, doubts, outliers and uneven frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import lstsq

from animepose_blender.estimate.smooth import second_difference_bands, smooth, smooth_angle, smooth_seen, solve_blocks

FPS = 30.0


def _one(values: np.ndarray, time_s: np.ndarray, cutoff_hz: float, weights: np.ndarray | None = None) -> np.ndarray:
    """`smooth` for a single series of numbers."""
    weights = np.ones(len(values)) if weights is None else weights
    return smooth(values[:, None, None], weights[:, None], time_s, cutoff_hz)[:, 0, 0]


def _dense(values: np.ndarray, time_s: np.ndarray, cutoff_hz: float, weights: np.ndarray) -> np.ndarray:
    """The same problem as one tall matrix: data rows, and a row for the second derivative at each inner frame."""
    count, step = len(time_s), np.diff(time_s)
    derivative = np.zeros((count - 2, count))
    for i in range(1, count - 1):
        # The parabola through three points.
        derivative[i - 1, i - 1] = 2 / (step[i - 1] * (step[i - 1] + step[i]))
        derivative[i - 1, i + 1] = 2 / (step[i] * (step[i - 1] + step[i]))
        derivative[i - 1, i] = -derivative[i - 1, i - 1] - derivative[i - 1, i + 1]
    share = (step[:-1] + step[1:]) / 2 / step.mean()
    rows = np.sqrt(share)[:, None] * derivative / (2 * np.pi * cutoff_hz) ** 2
    root = np.sqrt(weights)
    return lstsq(np.vstack([np.diag(root), rows]), np.r_[root * np.nan_to_num(values), np.zeros(count - 2)])[0]


@pytest.mark.parametrize("cutoff_hz", [1.0, 3.0])
@pytest.mark.parametrize("times_cutoff", [0.25, 0.5, 1.0, 1.3])
def test_a_sine_comes_out_with_the_stated_gain_and_without_lag(cutoff_hz, times_cutoff):
    time_s = np.arange(900) / FPS
    frequency_hz = cutoff_hz * times_cutoff
    sine, cosine = np.sin(2 * np.pi * frequency_hz * time_s), np.cos(2 * np.pi * frequency_hz * time_s)
    result = _one(sine, time_s, cutoff_hz)
    middle = slice(200, 700)
    (gain, lag), *_ = np.linalg.lstsq(np.stack([sine, cosine], -1)[middle], result[middle], rcond=None)
    assert gain == pytest.approx(1 / (1 + times_cutoff**4), abs=0.025)
    assert lag == pytest.approx(0, abs=1e-3)


def test_agrees_with_a_dense_solution_on_uneven_times_and_weights(rng):
    time_s = np.cumsum(rng.uniform(0.02, 0.06, 80))
    values = np.sin(3 * time_s) + 0.02 * rng.uniform(-1, 1, 80)
    weights = rng.uniform(0.2, 1.0, 80)
    weights[30:38] = 0
    # No residual lies beyond the outlier limit, so that the one solution is the whole answer.
    np.testing.assert_allclose(_one(values, time_s, 4.0, weights), _dense(values, time_s, 4.0, weights), atol=2e-6)


def test_a_line_stays_as_it_is_and_its_gap_is_filled_with_it(rng):
    time_s = np.cumsum(rng.uniform(0.02, 0.06, 60))
    line = 3 - 2 * time_s
    weights = np.ones(60)
    weights[20:40] = 0
    np.testing.assert_allclose(_one(np.where(weights > 0, line, np.nan), time_s, 2.0, weights), line, atol=1e-4)


def test_a_gap_in_a_curve_is_filled_without_a_corner():
    time_s = np.arange(90) / FPS
    truth = np.sin(2 * np.pi * 0.4 * time_s)
    seen = truth.copy()
    seen[40:52] = np.nan
    filled = _one(seen, time_s, 5.0)
    # At its ends a curve is as straight as the data allow.
    np.testing.assert_allclose(filled[3:-3], truth[3:-3], atol=0.03)
    assert np.abs(np.diff(filled, 2)).max() < 2 * np.abs(np.diff(truth, 2)).max()


def test_what_has_no_weight_has_no_say(rng):
    time_s = np.arange(60) / FPS
    values = np.cos(time_s)
    weights = np.ones(60)
    weights[rng.permutation(60)[:20]] = 0
    wild = np.where(weights > 0, values, 1e3 * rng.normal(size=60))
    np.testing.assert_allclose(
        _one(wild, time_s, 2.0, weights), _one(np.where(weights > 0, values, np.nan), time_s, 2.0, weights)
    )


def test_a_lower_weight_draws_less(rng):
    time_s = np.arange(60) / FPS
    values = np.zeros(60)
    values[28:32] = 1.0
    doubtful = np.ones(60)
    doubtful[28:32] = 0.1
    assert _one(values, time_s, 3.0, doubtful)[30] < 0.4 * _one(values, time_s, 3.0)[30]


def test_a_single_outlier_has_little_effect(rng):
    time_s = np.arange(120) / FPS
    clean = np.sin(2 * np.pi * 0.5 * time_s) + rng.normal(0, 0.01, 120)
    hit = clean.copy()
    hit[60] += 5.0
    without = _one(clean, time_s, 5.0)
    robust, plain = _one(hit, time_s, 5.0), _dense(hit, time_s, 5.0, np.ones(120))
    assert np.abs(plain - without).max() > 0.5
    assert np.abs(robust - without).max() < 0.02


def test_uneven_times_of_a_motion_give_what_even_times_give(rng):
    even_s = np.arange(300) / FPS
    uneven_s = np.sort(even_s + np.r_[0, rng.uniform(-0.4, 0.4, 298), 0] / FPS)

    def motion(time_s):
        return np.sin(2 * np.pi * 0.9 * time_s) + 0.5 * np.cos(2 * np.pi * 0.5 * time_s)

    even, uneven = _one(motion(even_s), even_s, 2.0), _one(motion(uneven_s), uneven_s, 2.0)
    np.testing.assert_allclose(uneven, np.interp(uneven_s, even_s, even), atol=0.01)


def test_the_rate_of_the_clip_does_not_change_the_curve():
    slow_s, fast_s = np.arange(150) / 25, np.arange(300) / 50
    slow, fast = _one(np.sin(4 * slow_s), slow_s, 2.0), _one(np.sin(4 * fast_s), fast_s, 2.0)
    np.testing.assert_allclose(fast[::2][10:-10], slow[10:-10], atol=0.01)


def test_a_series_without_data_stays_empty_and_leaves_the_others_alone(rng):
    time_s = np.arange(40) / FPS
    values = rng.normal(size=(40, 2, 3))
    alone = smooth(values[:, :1], np.ones((40, 1)), time_s, 3.0)
    values[:, 1] = np.nan
    both = smooth(values, np.ones((40, 2)), time_s, 3.0)
    assert np.isnan(both[:, 1]).all()
    np.testing.assert_array_equal(both[:, 0], alone[:, 0])


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_stay_as_they_are(frames):
    values = np.arange(frames * 3, dtype=float).reshape(frames, 1, 3)
    np.testing.assert_array_equal(smooth(values, np.ones((frames, 1)), np.arange(frames) / FPS, 5.0), values)


def test_a_series_seen_once_stays_where_it_was_seen():
    values = np.full(30, np.nan)
    values[12] = 1.7
    np.testing.assert_allclose(_one(values, np.arange(30) / FPS, 5.0), 1.7, atol=1e-3)


def test_the_input_is_left_as_it_was(rng):
    values, weights = rng.normal(size=(20, 2, 3)), rng.uniform(size=(20, 2))
    before = values.copy(), weights.copy()
    smooth(values, weights, np.arange(20) / FPS, 2.0)
    np.testing.assert_array_equal(values, before[0])
    np.testing.assert_array_equal(weights, before[1])


def test_angles_are_smoothed_through_the_seam_at_half_a_turn(rng):
    time_s = np.arange(150) / FPS
    truth = np.pi + 0.5 * np.sin(2 * np.pi * 0.3 * time_s)
    seen = truth + rng.normal(0, 0.02, 150)
    result = smooth_angle(np.angle(np.exp(1j * seen)), np.ones(150), time_s, 3.0)
    assert np.abs(np.angle(np.exp(1j * (result - truth)))).max() < 0.06
    assert np.abs(result).max() <= np.pi


def test_an_angle_that_turns_all_the_way_round_is_followed():
    time_s = np.arange(120) / FPS
    truth = 2 * np.pi * 0.4 * time_s
    result = smooth_angle(np.angle(np.exp(1j * truth)), np.ones(120), time_s, 3.0)
    assert np.abs(np.angle(np.exp(1j * (result - truth)))).max() < 0.06


def test_an_angle_that_is_never_known_is_none():
    np.testing.assert_allclose(smooth_angle(np.full(30, 1.0), np.zeros(30), np.arange(30) / FPS, 3.0), 0, atol=1e-9)


def _view(count: int, rng: np.random.Generator | None = None) -> np.ndarray:
    """(count, 3) unit rays: along Y, or turning."""
    ray = np.tile([0.0, 1.0, 0.0], (count, 1))
    if rng is not None:
        ray += np.cumsum(rng.normal(0, 0.02, (count, 3)), axis=0)
    return ray / np.linalg.norm(ray, axis=1, keepdims=True)


@pytest.mark.parametrize("frequency_hz", [0.5, 1.5, 3.0, 5.0])
def test_across_and_along_the_view_each_sine_has_its_own_gain(frequency_hz):
    time_s = np.arange(900) / FPS
    sine, cosine = np.sin(2 * np.pi * frequency_hz * time_s), np.cos(2 * np.pi * frequency_hz * time_s)
    values = np.repeat(sine[:, None, None], 3, axis=2)
    result = smooth_seen(values, np.ones((900, 1)), _view(900), time_s, 4.0, 1.5)[:, 0]
    middle = slice(200, 700)
    for axis, cutoff_hz in ((0, 4.0), (1, 1.5), (2, 4.0)):
        (gain, lag), *_ = np.linalg.lstsq(np.stack([sine, cosine], -1)[middle], result[middle, axis], rcond=None)
        assert gain == pytest.approx(1 / (1 + (frequency_hz / cutoff_hz) ** 4), abs=0.05)
        assert lag == pytest.approx(0, abs=1e-3)


def test_with_one_cutoff_for_all_directions_it_is_the_plain_filter(rng):
    time_s = np.cumsum(rng.uniform(0.02, 0.06, 80))
    values = np.sin(3 * time_s)[:, None, None] + 0.01 * rng.uniform(-1, 1, (80, 2, 3))
    weights = rng.uniform(0.5, 1.0, (80, 2))
    weights[20:30, 1] = 0
    np.testing.assert_allclose(
        smooth_seen(values, weights, _view(80, rng), time_s, 3.0, 3.0), smooth(values, weights, time_s, 3.0), atol=1e-5
    )


def test_a_view_that_turns_agrees_with_a_dense_solution(rng):
    count, cutoff_hz, along_hz = 60, 4.0, 2.0
    time_s = np.cumsum(rng.uniform(0.02, 0.06, count))
    values = np.stack([np.sin(2 * time_s), np.cos(time_s), time_s], axis=1) + 0.002 * rng.uniform(-1, 1, (count, 3))
    weights, ray = rng.uniform(0.3, 1.0, count), _view(count, rng)
    step = np.diff(time_s)
    derivative = np.zeros((count - 2, count))
    for i in range(1, count - 1):
        derivative[i - 1, i - 1] = 2 / (step[i - 1] * (step[i - 1] + step[i]))
        derivative[i - 1, i + 1] = 2 / (step[i] * (step[i - 1] + step[i]))
        derivative[i - 1, i] = -derivative[i - 1, i - 1] - derivative[i - 1, i + 1]
    share = np.sqrt((step[:-1] + step[1:]) / 2 / step.mean()) / (2 * np.pi * cutoff_hz) ** 2
    rows, right = [np.kron(share[:, None] * derivative, np.eye(3))], [np.zeros(3 * (count - 2))]
    for f in range(count):
        along = np.outer(ray[f], ray[f])
        # The root of the information: gain falls with the fourth power of the frequency.
        root = np.sqrt(weights[f]) * (np.eye(3) - along + (along_hz / cutoff_hz) ** 2 * along)
        block = np.zeros((3, 3 * count))
        block[:, 3 * f : 3 * f + 3] = root
        rows.append(block)
        right.append(root @ values[f])
    dense = lstsq(np.vstack(rows), np.concatenate(right))[0].reshape(count, 3)
    found = smooth_seen(values[:, None], weights[:, None], ray, time_s, cutoff_hz, along_hz)[:, 0]
    # Hardly a residual lies beyond the outlier limit.
    np.testing.assert_allclose(found, dense, atol=5e-4)


def test_points_that_are_seen_keep_unseen_ones_and_outliers_out(rng):
    time_s = np.arange(120) / FPS
    clean = np.stack([np.sin(time_s), np.cos(time_s), 0.3 * time_s], axis=1)[:, None]
    clean = clean + rng.normal(0, 0.003, clean.shape)
    hit = clean.copy()
    hit[60] += [2.0, 0.0, 1.0]
    gone, weights = clean.copy(), np.ones((120, 1))
    gone[40:50], weights[80:85] = np.nan, 0.0
    without, robust, filled = (
        smooth_seen(v, w, _view(120), time_s, 5.0, 2.5)
        for v, w in ((clean, np.ones((120, 1))), (hit, np.ones((120, 1))), (gone, weights))
    )
    assert np.abs(robust - without).max() < 0.02
    assert np.abs(filled - without)[3:-3].max() < 0.03


def test_series_of_points_do_not_know_of_each_other(rng):
    time_s, values = np.arange(40) / FPS, rng.normal(size=(40, 2, 3))
    values[:, 1] = np.nan
    both = smooth_seen(values, np.ones((40, 2)), _view(40), time_s, 3.0, 1.0)
    assert np.isnan(both[:, 1]).all()
    alone = smooth_seen(values[:, :1], np.ones((40, 1)), _view(40), time_s, 3.0, 1.0)
    np.testing.assert_array_equal(both[:, 0], alone[:, 0])


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_of_points_stay_as_they_are(frames):
    values = np.arange(frames * 3, dtype=float).reshape(frames, 1, 3)
    found = smooth_seen(values, np.ones((frames, 1)), _view(frames), np.arange(frames) / FPS, 5.0, 2.0)
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("count", [3, 4, 50])
def test_blocks_and_bands_are_solved_as_the_full_matrix_is(rng, count):
    bands = second_difference_bands(np.cumsum(rng.uniform(0.02, 0.06, count)), 3.0)
    full = np.zeros((count, count))
    for k in range(3):
        for j in range(k, count):
            full[j - k, j] = full[j, j - k] = bands[2 - k, j]
    root = rng.normal(size=(count, 3, 3))
    information = root @ np.swapaxes(root, -1, -2)
    information[1] = 0
    matrix = np.kron(full, np.eye(3))
    for f in range(count):
        matrix[3 * f : 3 * f + 3, 3 * f : 3 * f + 3] += information[f]
    right = rng.normal(size=(count, 3))
    right[1] = 0
    expected = np.linalg.solve(matrix, right.ravel()).reshape(count, 3)
    np.testing.assert_allclose(solve_blocks(bands, information, right), expected, rtol=1e-4, atol=1e-4)
