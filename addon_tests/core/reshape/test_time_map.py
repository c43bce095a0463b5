"""Maps of time: through what is asked, smooth, always forwards; kept spans keep their speed."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.reshape.time_map import TimeMap, keep_spans
from animepose_blender.errors import AnimePoseError

FINE = np.linspace(-0.5, 7.5, 20_001)


def random_pairs(rng):
    steps = 10.0 ** rng.uniform(-2, 1, (2, 9))
    return np.cumsum(steps, axis=1)


def test_a_map_goes_through_its_pairs_forwards_and_without_a_leap_in_speed(rng):
    for _ in range(100):
        old, new = random_pairs(rng)
        made = TimeMap.of_pairs(old, new)
        assert made.old_at(new) == pytest.approx(old, rel=1e-12)
        dense = np.linspace(new[0] - 1, new[-1] + 1, 5001)
        assert (np.diff(made.old_at(dense)) > 0).all()
        e = 1e-7 * np.diff(new).min()
        inner = new[1:-1]
        before, after = made.old_at(inner) - made.old_at(inner - e), made.old_at(inner + e) - made.old_at(inner)
        assert before == pytest.approx(after, rel=1e-2)


def test_speeds_at_pairs_are_those_of_a_monotone_cubic(rng):
    interpolate = pytest.importorskip("scipy.interpolate")
    old, new = random_pairs(rng)
    cubic = interpolate.PchipInterpolator(new, old)
    assert TimeMap.of_pairs(old, new).speed[1:-1] == pytest.approx(cubic.derivative()(new[1:-1]))


def test_unchanged_pairs_change_nothing():
    made = TimeMap.of_pairs([0, 1, 2.5, 7], [0, 1, 2.5, 7])
    assert made.old_at(FINE) == pytest.approx(FINE, abs=1e-12)
    assert TimeMap.identity(FINE).old_at(FINE) == pytest.approx(FINE, abs=1e-12)
    assert TimeMap.identity(FINE).new_times(FINE).tolist() == FINE.tolist()


def test_keyed_speeds_are_met_and_take_the_time_they_should():
    made = TimeMap.of_speeds([1.0, 2.0, 3.0], [1.0, 0.5, 2.0], 0.0, 4.0)
    whole = 1.0 + np.log(2) / 0.5 + np.log(4) / 1.5 + 0.5
    assert made.new_s[-1] == pytest.approx(whole)
    e = 1e-6
    for old, speed in ((0.5, 1.0), (2.0, 0.5), (3.0, 2.0), (3.7, 2.0)):
        new = np.interp(old, made.old_at(np.linspace(0, whole, 400_001)), np.linspace(0, whole, 400_001))
        assert (made.old_at(new + e) - made.old_at(new - e)) / (2 * e) == pytest.approx(speed, rel=1e-3)


def test_a_constant_speed_is_exact():
    made = TimeMap.of_speeds([0.0], [2.0], 1.0, 5.0)
    assert made.old_at(np.array([1.0, 2.0, 3.0])) == pytest.approx([1.0, 3.0, 5.0], abs=1e-12)
    assert len(made.new_times(1.0 + np.arange(121) / 30)) == 61


@pytest.mark.parametrize("factor", [0.8, 1.0, 3.0])
def test_kept_spans_keep_their_speed_and_the_whole_its_length(factor):
    time_s = np.arange(301) / 30
    keep = np.sin(2 * np.pi * time_s / 1.7) > 0.4
    made = keep_spans([0.0, 10.0], [0.0, 10.0 * factor], time_s, keep)
    assert made.new_s[-1] == pytest.approx(10.0 * factor)
    new = np.linspace(0, 10.0 * factor, 20_001)
    old = made.old_at(new)
    speed = np.diff(old) / np.diff(new)
    assert (speed > 0).all()
    at = np.clip(np.searchsorted(time_s, old, side="right") - 1, 0, 299)
    kept = keep[at] & keep[at + 1]
    assert speed[kept[1:] & kept[:-1]] == pytest.approx(1.0, abs=1e-9)
    assert np.abs(np.diff(speed)).max() < 0.05


def test_a_pair_within_a_kept_span_says_where_it_lies():
    time_s = np.arange(301) / 30
    keep = (time_s > 3) & (time_s < 4)
    made = keep_spans([0.0, 3.5, 10.0], [0.0, 5.0, 10.0], time_s, keep)
    assert made.old_at(np.array([4.6, 5.0, 5.4])) == pytest.approx([3.1, 3.5, 3.9])


def test_time_that_cannot_be_had_is_refused():
    time_s = np.arange(301) / 30
    with pytest.raises(AnimePoseError, match=r"10\.00 s of 9\.00 s keep their time"):
        keep_spans([0, 10], [0, 9], time_s, np.ones(301, bool))
    with pytest.raises(AnimePoseError, match="backwards"):
        TimeMap.of_pairs([0, 1, 2], [0, 2, 1])
    with pytest.raises(AnimePoseError, match="two pairs"):
        TimeMap.of_pairs([0], [0])
    with pytest.raises(AnimePoseError, match="speed is not between"):
        TimeMap.of_speeds([0, 1], [1, 0], 0, 2)
    with pytest.raises(AnimePoseError, match="follow"):
        TimeMap.of_speeds([1, 1], [1, 2], 0, 2)
