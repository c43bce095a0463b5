"""What all filters of the package promise alike."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.cleanup.butterworth import butterworth
from animepose_blender.core.cleanup.gaps import fill_gaps
from animepose_blender.core.cleanup.half_life import smooth_half_life
from animepose_blender.core.cleanup.hold_still import hold_still
from animepose_blender.core.cleanup.one_euro import one_euro, one_euro_both_ways
from animepose_blender.core.cleanup.pops import remove_pops
from animepose_blender.core.cleanup.savitzky_golay import savitzky_golay

SMOOTHERS = {
    "half-life": lambda v, t: smooth_half_life(v, t, 0.1),
    "butterworth": lambda v, t: butterworth(v, t, 3.0),
    "butterworth of order 5": lambda v, t: butterworth(v, t, 3.0, order=5),
    "savitzky-golay": lambda v, t: savitzky_golay(v, t, 0.4),
    "one-euro both ways": lambda v, t: one_euro_both_ways(v, t, 1.0, 0.5),
}
FILTERS = SMOOTHERS | {
    "one-euro": lambda v, t: one_euro(v, t, 1.0, 0.5),
    "pops": lambda v, t: remove_pops(v, t, least=0.3)[0],
    "hold still": lambda v, t: hold_still(v, t, 0.05),
}
EVEN_S = np.arange(120) / 30
UNEVEN_S = np.cumsum(np.random.default_rng(5).uniform(0.02, 0.05, 120))
TIMES = {"even": EVEN_S, "uneven": UNEVEN_S}

every_smoother = pytest.mark.parametrize("name", SMOOTHERS)
every_filter = pytest.mark.parametrize("name", FILTERS)
all_times = pytest.mark.parametrize("times", TIMES)


def noisy(count: int = 120, series: tuple[int, ...] = (3, 2)) -> np.ndarray:
    random = np.random.default_rng(2)
    return random.normal(size=(count, *series)).cumsum(axis=0) + random.normal(size=(count, *series))


@every_filter
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_short_clips_come_back_finite_and_in_their_shape(name, count):
    values = noisy(count)
    result = FILTERS[name](values, EVEN_S[:count])
    assert result.shape == values.shape and result.dtype == np.float64 and np.isfinite(result).all()
    if count < 3:
        assert np.allclose(result, values) or name == "one-euro"


@every_filter
@all_times
def test_constants_stay(name, times):
    values = np.full((120, 4), 3.25)
    assert np.abs(FILTERS[name](values, TIMES[times]) - values).max() < 1e-9


@every_smoother
@all_times
def test_straight_lines_stay_up_to_their_ends(name, times):
    line = 2.0 - 3.0 * TIMES[times][:, None] * np.array([1.0, -0.2])
    # One-Euro's cutoff leaps in speed nowhere on a line.
    assert np.abs(SMOOTHERS[name](line, TIMES[times]) - line).max() < 1e-7


@every_smoother
@all_times
def test_nothing_droops_at_the_ends_of_a_slow_curve(name, times):
    time_s = TIMES[times]
    curve = np.sin(2 * np.pi * 0.25 * time_s)
    error = np.abs(SMOOTHERS[name](curve, time_s) - curve)
    assert error[[0, -1]].max() < 0.02 and error.max() < 0.03


@every_smoother
def test_nothing_lags(name):
    """A filter that treats past and future alike gives the mirrored result for the mirrored clip."""
    values = noisy()
    there, back = SMOOTHERS[name](values, EVEN_S), SMOOTHERS[name](values[::-1], EVEN_S)[::-1]
    # The Butterworth filter starts backwards from where it ended forwards.
    assert np.abs(there - back).max() < (2e-2 if "butterworth" in name else 1e-8)


@every_smoother
def test_noise_gets_less_and_the_motion_stays(name):
    motion = np.sin(2 * np.pi * 0.5 * EVEN_S)[:, None] * np.ones(20)
    noise = 0.1 * np.random.default_rng(3).normal(size=motion.shape)
    result = SMOOTHERS[name](motion + noise, EVEN_S)
    assert np.std(result - motion) < 0.7 * np.std(noise)


@every_filter
def test_unknown_values_stay_unknown_and_spoil_nothing(name):
    values = noisy() * 0.01
    values[10:16, 0, 0] = np.nan
    values[:3, 1, 1] = np.nan
    values[110:, 1, 0] = np.nan
    values[50, 0, 1] = np.inf
    values[:, 2, 0] = np.nan
    values[1:, 2, 1] = np.nan
    result = FILTERS[name](values, EVEN_S)
    assert (np.isfinite(result) == np.isfinite(values)).all()
    assert np.nanmax(np.abs(result)) < 2 * np.nanmax(np.abs(np.where(np.isinf(values), np.nan, values)))
    assert result[0, 2, 1] == pytest.approx(values[0, 2, 1])


@every_filter
def test_a_gap_in_one_series_does_not_reach_the_others(name):
    values = noisy()
    gapped = values.copy()
    gapped[40:44, 0, 0] = np.nan
    result, whole = FILTERS[name](gapped, EVEN_S), FILTERS[name](values, EVEN_S)
    assert np.abs((result - whole)[:, 1:]).max() < 1e-6


@every_filter
def test_arguments_are_left_as_they_were(name):
    values, time_s = noisy(), EVEN_S.copy()
    values[4] = np.nan
    before = values.copy()
    FILTERS[name](values, time_s)
    assert np.array_equal(values, before, equal_nan=True) and np.array_equal(time_s, EVEN_S)


@every_filter
def test_the_time_may_start_anywhere(name):
    values = noisy()
    assert np.abs(FILTERS[name](values, EVEN_S + 1000) - FILTERS[name](values, EVEN_S)).max() < 1e-6


@every_smoother
def test_uneven_times_are_treated_as_times(name):
    """The same motion at even and at uneven times comes out as the same motion."""

    def motion(time_s):
        return np.sin(2 * np.pi * 0.8 * time_s) + 0.3 * np.sin(2 * np.pi * 4.0 * time_s)

    fine_s = np.linspace(UNEVEN_S[0], UNEVEN_S[-1], 4 * len(UNEVEN_S))
    # The window that spans as many frames of both: its length is rounded to frames.
    expected = np.interp(UNEVEN_S, fine_s, SMOOTHERS[name](motion(fine_s), fine_s))
    apart = np.abs(SMOOTHERS[name](motion(UNEVEN_S), UNEVEN_S) - expected)
    assert apart[12:-12].max() < 0.06 and apart.max() < 0.15


@every_filter
def test_one_series_needs_no_second_axis(name):
    values = noisy()
    alone = FILTERS[name](values[:, 1, 0], EVEN_S)
    assert np.abs(alone - FILTERS[name](values, EVEN_S)[:, 1, 0]).max() < 1e-9


@pytest.mark.parametrize("name", FILTERS | {"gaps": fill_gaps})
@pytest.mark.parametrize("time_s", [[0.0, 0.1, 0.1, 0.2], [0.0, 0.1, 0.2], [0.0, 0.1, np.nan, 0.3]])
def test_times_that_do_not_fit_are_refused(name, time_s):
    with pytest.raises(ValueError, match="times"):
        (FILTERS | {"gaps": fill_gaps})[name](np.zeros((4, 2)), np.array(time_s))


@pytest.mark.parametrize(
    "call",
    [
        lambda v, t: smooth_half_life(v, t, -1.0),
        lambda v, t: butterworth(v, t, 0.0),
        lambda v, t: butterworth(v, t, 3.0, order=0),
        lambda v, t: savitzky_golay(v, t, 0.0),
        lambda v, t: savitzky_golay(v, t, 0.4, order=-1),
        lambda v, t: one_euro(v, t, 0.0, 0.5),
        lambda v, t: one_euro_both_ways(v, t, 1.0, -0.5),
        lambda v, t: remove_pops(v, t, least=0.0),
        lambda v, t: hold_still(v, t, float("nan")),
    ],
)
def test_amounts_without_meaning_are_refused(call):
    with pytest.raises(ValueError, match="must be"):
        call(noisy(), EVEN_S)
