"""Footsteps as a list of spans, and what they say of heels and toes."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.footsteps import spans
from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.errors import AnimePoseError

FRAMES = np.arange(1.0, 61.0)
TIME_S = (FRAMES - 1) / 30


def test_spans_and_frames_are_the_same_thing(rng):
    contact = rng.random((60, 4))
    steps = spans.from_contact(contact, FRAMES)
    stands = contact.reshape(-1, 2, 2).max(axis=-1) > spans.STANDS
    assert np.array_equal(spans.stand_in(steps, FRAMES), stands)
    assert spans.from_stands(stands, FRAMES) == steps == sorted(steps)


def test_frames_between_whole_ones_belong_to_the_nearest():
    steps = spans.from_stands(np.array([[True, False]] * 3), np.array([9.8, 10.6, 11.4]))
    assert steps == [Footstep(10, 11, LEFT)]
    assert spans.stand_in(steps, np.array([9.4, 9.8, 11.4, 11.6]))[:, LEFT].tolist() == [False, True, True, False]


def test_a_footstep_lasts_a_frame_at_least():
    for bad in ((5, 4, LEFT), (1, 2, 7)):
        with pytest.raises(AnimePoseError):
            Footstep(*bad)


def test_a_new_footstep_takes_in_what_it_touches_of_its_foot():
    steps = [Footstep(1, 10, LEFT), Footstep(5, 15, RIGHT), Footstep(20, 30, LEFT)]
    assert spans.with_step(steps, Footstep(11, 19, LEFT)) == [Footstep(1, 30, LEFT), Footstep(5, 15, RIGHT)]
    assert spans.with_step(steps, Footstep(12, 18, LEFT)) == sorted([*steps, Footstep(12, 18, LEFT)])


def test_a_footstep_that_is_dragged_stops_short_of_its_neighbours():
    steps = [Footstep(1, 10, LEFT), Footstep(15, 18, RIGHT), Footstep(20, 30, LEFT), Footstep(40, 50, LEFT)]
    assert Footstep(12, 38, LEFT) in spans.changed(steps, 2, 5, 60)
    for index, start, end in ((2, 39, 45), (4, 1, 2), (-1, 1, 2)):
        with pytest.raises(AnimePoseError):
            spans.changed(steps, index, start, end)


def test_heel_and_toe_stand_as_they_were_found_and_so_for_a_moment_beyond():
    found = np.zeros((60, 4))
    found[10:15, 0], found[13:20, 1] = 0.9, 0.8
    stands = spans.stand_in([Footstep(6, 40, LEFT)], FRAMES)
    contact, told = spans.to_contact(stands, found, TIME_S)
    assert np.array_equal(contact[10:20], found[10:20]) and not told[10:20].any()
    # The six frames before go on as the heel began, those after as the toes ended; far away the whole foot stands.
    assert contact[5:10].tolist() == [[1, 0, 0, 0]] * 5 and contact[20:25].tolist() == [[0, 1, 0, 0]] * 5
    assert contact[26:40].tolist() == [[1, 1, 0, 0]] * 14 and told[26:40, :2].all()
    assert not contact[40:].any() and not contact[:5].any() and not told[:, 2:].any()


def test_what_was_found_in_another_footstep_says_nothing():
    found = np.zeros((60, 4))
    found[10:20, 1] = 1.0
    contact, told = spans.to_contact(spans.stand_in([Footstep(22, 26, LEFT)], FRAMES), found, TIME_S)
    assert contact[21:26].tolist() == [[1, 1, 0, 0]] * 5 and told[21:26, :2].all() and contact.sum() == 10
