"""Ranges in other time: as fast as asked, in whole frames, and everything else as it was."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.reshape.range_map import around_steps, at_speed, of_length
from animepose_blender.core.reshape.time_map import TimeMap
from animepose_blender.errors import AnimePoseError

OLD = np.linspace(-20.0, 180.0, 4001)


def every_map():
    frames = np.arange(10.0, 101.0)
    stands = (frames % 30) < 18
    return (
        at_speed(10.0, 100.0, 1.7, (0, 0)),
        at_speed(10.0, 100.0, 0.3, (5, 12)),
        of_length(10.0, 100.0, 40, (5, 0)),
        of_length(10.5, 99.25, 300, (60, 60)),
        around_steps(10.0, 100.0, frames, stands, (True, True), 1 / 30, speed=0.4),
        around_steps(10.0, 100.0, frames, stands, (True, False), 1 / 30, length=80),
    )


def test_there_and_back_is_where_it_was():
    for made in every_map():
        assert made.old_at(made.new_at(OLD)) == pytest.approx(OLD, abs=1e-9)
        assert (np.diff(made.new_at(OLD)) > 0).all()


def test_what_lies_around_keeps_its_frames_but_for_a_whole_number():
    for made in every_map():
        before, behind = OLD[made.first >= OLD], OLD[made.last <= OLD]
        assert made.new_at(before).tolist() == before.tolist()
        assert isinstance(made.shift, int) and made.new_at(behind).tolist() == (behind + made.shift).tolist()


def test_speeds_are_those_of_the_map_and_do_not_leap_where_it_is_eased():
    for made in every_map():
        inner = np.linspace(made.first + 0.1, made.last - 0.1, 777)
        slope = 2e-6 / (made.new_at(inner + 1e-6) - made.new_at(inner - 1e-6))
        assert made.speed_at(inner, True) == pytest.approx(slope, rel=1e-4)
    eased = every_map()[1]
    for border in (10.0, 100.0):
        assert [float(eased.speed_at(np.array(border), side)) for side in (True, False)] == pytest.approx([1, 1])
    abrupt = at_speed(10.0, 100.0, 2.0, (0, 0))
    assert [float(abrupt.speed_at(np.array(10.0), side)) for side in (True, False)] == pytest.approx([1, 2], rel=0.02)


def test_lengths_are_met_in_whole_frames():
    assert at_speed(10.0, 100.0, 2.0, (0, 0)).shift == -45
    assert at_speed(0.0, 100.0, 1.5, (0, 0)).shift == -33
    assert at_speed(0.0, 1.0, 50.0, (0, 0)).shift == 0
    assert of_length(10.0, 100.0, 123, (5, 5)).shift == 33


def test_between_the_borders_the_speed_is_even():
    made = of_length(0.0, 100.0, 60, (10, 10))
    middle = made.speed_at(np.linspace(10.5, 89.5, 50), True)
    assert np.ptp(middle) < 1e-9 and middle[0] > 100 / 60


def test_footsteps_keep_their_own_time():
    frames = np.arange(0.0, 91.0)
    stands = (frames % 30) < 18
    for made in (
        around_steps(0.0, 90.0, frames, stands, (True, True), 1 / 30, speed=0.5),
        around_steps(0.0, 90.0, frames, stands, (True, True), 1 / 30, length=75),
    ):
        for start in (0.0, 30.0, 60.0):
            inside = np.linspace(start, start + 17, 60)
            assert made.new_at(inside) - made.new_at(start) == pytest.approx(inside - start, abs=1e-9)
        assert made.speed_at(np.array(24.0), True) != pytest.approx(1.0, abs=0.1)


def test_what_cannot_be_had_is_said():
    frames = np.arange(0.0, 31.0)
    with pytest.raises(AnimePoseError, match="stands all the time"):
        around_steps(0.0, 30.0, frames, frames >= 0, (True, True), 1 / 30, speed=2.0)
    with pytest.raises(AnimePoseError, match="keep"):
        around_steps(0.0, 30.0, frames, frames < 20, (True, True), 1 / 30, length=15)
    with pytest.raises(AnimePoseError, match="no length"):
        at_speed(3.0, 3.0, 2.0, (0, 0))
    with pytest.raises(AnimePoseError, match="cannot be made 4 frames"):
        of_length(0.0, 100.0, 4, (50, 50))
    with pytest.raises(AnimePoseError, match="out of bounds"):
        at_speed(0.0, 100.0, 1000.0, (0, 0))


def test_new_times_are_the_inverse_of_old_ones_as_a_root_finder_has_it(rng):
    optimize = pytest.importorskip("scipy.optimize")
    knots = np.cumsum(rng.uniform(0.1, 2.0, (2, 8)), axis=1)
    made = TimeMap.of_pairs(*knots)
    for old in rng.uniform(knots[0, 0], knots[0, -1], 50):
        truth = optimize.brentq(lambda new, old=old: float(made.old_at(np.array(new))) - old, *knots[1, [0, -1]])
        assert float(made.new_at(np.array(old))) == pytest.approx(truth, abs=1e-9)
