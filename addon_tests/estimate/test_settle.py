"""Finds in an encounter go to whom they fit, from how both went in and came out."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.estimate.detections import Placed, Seen
from animepose_blender.estimate.settle import settle

from .evidence import colours_of, sighting, together

FPS, FRAMES = 30, 120
TIME_S = np.arange(FRAMES) / FPS
STILL = np.tile(np.eye(4), (FRAMES, 1, 1))
MEET = 60
"""Frame in which two people are before one another."""


def _crossing(*, dressed: bool = True) -> tuple[Seen, Placed, np.ndarray]:
    """Two who cross before one another, a metre apart in depth."""
    frames = np.arange(FRAMES)
    since_s = (frames - MEET) / FPS
    return together(
        *(
            sighting(
                frames,
                np.stack([speed * since_s, 0 * since_s, z + 0 * since_s], axis=1),
                tracklet=n,
                colours=colours_of(n) if dressed else None,
                yaw_rad=yaw,
            )
            for n, (speed, z, yaw) in enumerate([(0.8, 5.0, -1.2), (-0.8, 6.0, 1.2)])
        )
    )


def _mixed_up(person: np.ndarray, seen: Seen, around: int = 6) -> np.ndarray:
    """Each taken for the other while they are before one another."""
    return np.where(np.abs(seen.frame - MEET) <= around, 1 - person, person)


@pytest.mark.parametrize("dressed", [True, False])
def test_finds_that_were_given_to_the_wrong_one_are_given_back(dressed):
    seen, placed, who = _crossing(dressed=dressed)
    settled = settle(_mixed_up(who, seen), seen, placed, STILL, TIME_S)
    np.testing.assert_array_equal(settled, who)


def test_what_is_right_stays_right():
    seen, placed, who = _crossing()
    np.testing.assert_array_equal(settle(who, seen, placed, STILL, TIME_S), who)


def test_outside_of_encounters_nothing_changes():
    seen, placed, who = _crossing()
    wrong = np.where(seen.frame < 15, 1 - who, who)
    settled = settle(wrong, seen, placed, STILL, TIME_S)
    np.testing.assert_array_equal(settled[seen.frame < 15], wrong[seen.frame < 15])


def test_nobody_is_two_finds_of_one_frame():
    seen, placed, who = _crossing(dressed=False)
    # A third find between the two, which is neither's.
    ghost_seen, ghost_placed = sighting(np.arange(55, 66), np.tile([0.05, 0, 5.5], (11, 1)), tracklet=2)
    own = [(seen.where(who == n), placed.where(who == n)) for n in range(2)]
    seen, placed, truth = together(*own, (ghost_seen, ghost_placed))
    settled = settle(np.where(truth == 2, -1, truth), seen, placed, STILL, TIME_S)
    for frame in range(FRAMES):
        here = settled[(seen.frame == frame) & (settled >= 0)]
        assert len(here) == len(set(here))
    assert (settled[truth != 2] == truth[truth != 2]).mean() > 0.97


def test_a_find_that_fits_nobody_belongs_to_nobody():
    seen, placed, who = _crossing()
    colours = seen.colours.copy()
    colours[(who == 0) & (seen.frame == MEET)] = colours_of(5)
    root_m, box_m = placed.root_m.copy(), placed.box_m.copy()
    odd = (who == 0) & (seen.frame == MEET)
    root_m[odd] += [0.0, 0.0, 4.0]
    # It is alone in its tracklet, since finds of one tracklet speak for each other.
    tracklet = np.where(odd, 9, seen.tracklet)
    settled = settle(
        who,
        replace(seen, colours=colours, tracklet=tracklet),
        replace(placed, root_m=root_m, box_m=box_m),
        STILL,
        TIME_S,
    )
    assert settled[odd] == -1


@pytest.mark.parametrize("count", [0, 1])
def test_alone_or_with_nobody_there_is_nothing_to_settle(count):
    frames = np.arange(FRAMES if count else 0)
    seen, placed = sighting(frames, np.tile([0, 0, 5.0], (len(frames), 1)))
    person = np.zeros(len(frames), int)
    np.testing.assert_array_equal(settle(person, seen, placed, STILL, TIME_S), person)
    np.testing.assert_array_equal(settle(person - 1, seen, placed, STILL, TIME_S), person - 1)


def test_who_is_only_ever_seen_in_an_encounter_keeps_what_they_have():
    front = sighting(np.arange(FRAMES), np.tile([0, 0, 5.0], (FRAMES, 1)), tracklet=0)
    behind = sighting(np.arange(40, 80), np.tile([0.1, 0, 6.5], (40, 1)), tracklet=1)
    seen, placed, who = together(front, behind)
    settled = settle(who, seen, placed, STILL, TIME_S)
    assert (settled[who == 1] == 1).mean() > 0.8


def test_who_is_only_seen_there_keeps_what_they_have_of_a_tracklet_of_two():
    # The follower went on from one to the other, and the second is never seen by themselves.
    front = sighting(
        np.arange(FRAMES), np.tile([0, 0, 5.0], (FRAMES, 1)), tracklet=np.where(np.arange(FRAMES) < 60, 0, 1)
    )
    behind = sighting(
        np.arange(40, 80), np.tile([0.1, 0, 6.5], (40, 1)), tracklet=np.where(np.arange(40, 80) < 60, 1, 0)
    )
    seen, placed, who = together(front, behind)
    settled = settle(who, seen, placed, STILL, TIME_S)
    assert (settled[who == 1] == 1).mean() > 0.8
    assert (settled[who == 0] == 0).mean() > 0.9


def test_a_moments_find_among_others_is_nobody_of_its_own():
    front = sighting(np.arange(FRAMES), np.tile([0, 0, 5.0], (FRAMES, 1)), tracklet=0)
    ghost = sighting(np.arange(50, 60), np.tile([0.1, 0, 6.5], (10, 1)), tracklet=1)
    seen, placed, who = together(front, ghost)
    assert set(settle(who, seen, placed, STILL, TIME_S)) <= {-1, 0}


def test_clothes_of_which_some_are_never_seen_give_no_warning():
    seen, placed, who = _crossing()
    colours = seen.colours.copy()
    colours[:, 2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        settled = settle(_mixed_up(who, seen), replace(seen, colours=colours), placed, STILL, TIME_S)
    np.testing.assert_array_equal(settled, who)


def test_the_input_is_left_as_it_was():
    seen, placed, who = _crossing()
    mixed = _mixed_up(who, seen)
    before = mixed.copy()
    settle(mixed, seen, placed, STILL, TIME_S)
    np.testing.assert_array_equal(mixed, before)
