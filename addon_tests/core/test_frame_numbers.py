"""Frame times become frame numbers without changing the speed of the motion."""

from fractions import Fraction

import numpy as np
import pytest

from animepose_blender.core.frame_numbers import blender_rate, clip_rate, frame_numbers, is_constant_rate

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), NTSC, Fraction(60), Fraction(120), Fraction(25, 2)])
def test_times_rounded_to_milliseconds_land_on_whole_frames(rate):
    time_s = np.round(np.arange(500) / float(rate), 3) + 2.0
    assert frame_numbers(time_s, rate).tolist() == list(range(1, 501))
    assert is_constant_rate(time_s, rate)


def test_a_dropped_frame_leaves_a_gap():
    time_s = np.delete(np.arange(10) / 30, 4)
    assert frame_numbers(time_s, Fraction(30)).tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert not is_constant_rate(time_s, Fraction(30))


def test_another_rate_gives_frames_in_between_and_snaps_those_that_fit():
    numbers = frame_numbers(np.arange(11) / 30, Fraction(24))
    assert np.allclose(numbers, 1 + np.arange(11) * 0.8)
    assert numbers[5] == 5.0 and numbers[10] == 9.0


def test_frames_denser_than_the_scenes_stay_distinct():
    numbers = frame_numbers(np.arange(50) / 1000, Fraction(25))
    assert (np.diff(numbers) > 0).all()


def test_one_frame_is_the_first():
    assert frame_numbers(np.array([3.7]), Fraction(24), first_frame=5).tolist() == [5.0]


@pytest.mark.parametrize("rate", [Fraction(24), NTSC, Fraction(24000, 1001), Fraction(25, 2), Fraction(1, 2)])
def test_blenders_two_numbers_give_the_rate_back(rate):
    fps, base = blender_rate(rate)
    assert fps >= 1 and fps / base == pytest.approx(float(rate), rel=1e-9)
    assert blender_rate(NTSC) == (30, pytest.approx(1.001))


def test_the_rate_comes_from_the_source_or_else_from_the_times():
    assert clip_rate([30000, 1001], np.array([0.0])) == NTSC
    assert float(clip_rate(None, np.arange(20) / 23.976)) == pytest.approx(23.976, rel=1e-4)
    for missing in (None, [0, 1], "30"):
        with pytest.raises(ValueError, match="no frame rate"):
            clip_rate(missing, np.array([0.0]))
