"""A track is cut where it slips from one person to another in other clothes, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.estimate.cut import FEWEST, cut_where_looks_change
from animepose_blender.estimate.detections import Seen

from .evidence import colours_of, sighting, together

FPS = 30
TIME_S = np.arange(120) / FPS


def _seen(who: np.ndarray, first: int = 0) -> Seen:
    """One person-frame a frame, in the clothes of whoever it shows."""
    frames = np.arange(first, first + len(who))
    colours = np.stack([colours_of(n) for n in who])
    return sighting(frames, np.tile([0, 0, 5.0], (len(who), 1)), colours=colours)[0]


@pytest.mark.parametrize("slips", [20, 60, 100])
def test_a_track_that_slips_to_another_body_is_cut_there(slips):
    who = (np.arange(120) >= slips).astype(int)
    label = cut_where_looks_change(np.zeros(120, int), _seen(who), TIME_S)
    assert len(set(label)) == 2
    assert np.sum(label != label[0]) == pytest.approx(120 - slips, abs=2)


def test_a_track_that_slips_there_and_back_is_cut_twice():
    who = ((np.arange(120) >= 40) & (np.arange(120) < 80)).astype(int)
    label = cut_where_looks_change(np.zeros(120, int), _seen(who), TIME_S)
    pieces = [set(label[part]) for part in (slice(0, 38), slice(42, 78), slice(82, 120))]
    assert all(len(piece) == 1 for piece in pieces)
    assert len(set.union(*pieces)) == 3


def test_light_and_folds_cut_nothing(rng):
    seen = _seen(np.zeros(120, int))
    light = 8 * np.sin(np.linspace(0, 6, 120))[:, None, None] * [1.0, 0, 0]
    colours = seen.colours + light + rng.normal(0, 6, seen.colours.shape)
    label = cut_where_looks_change(np.zeros(120, int), replace(seen, colours=colours), TIME_S)
    assert (label == 0).all()


def test_a_few_frames_of_somebody_else_cut_nothing():
    who = np.zeros(120, int)
    who[50 : 50 + FEWEST] = 1
    label = cut_where_looks_change(np.zeros(120, int), _seen(who), TIME_S)
    assert (label == 0).all()


@pytest.mark.parametrize("unknown", [slice(None), slice(30, 60)])
def test_where_no_clothes_are_seen_nothing_is_cut(unknown):
    seen = _seen(np.zeros(120, int))
    colours = seen.colours.copy()
    colours[unknown] = np.nan
    label = cut_where_looks_change(np.zeros(120, int), replace(seen, colours=colours), TIME_S)
    assert (label == 0).all()


def test_every_track_is_looked_at_by_itself_and_numbers_stay_unique():
    rows = [
        sighting(np.arange(120), np.tile([x, 0, 5.0], (120, 1)), colours=np.stack([colours_of(n) for n in who]))
        for x, who in ((-1.0, (np.arange(120) >= 60) * 1), (1.0, (np.arange(120) < 60) * 1))
    ]
    seen, _, label = together(*rows)
    label = np.where(label == 1, 7, 3)
    weak = seen.frame == 119
    label[weak] = -1
    cut = cut_where_looks_change(label, seen, TIME_S)
    assert (cut[weak] == -1).all()
    assert len(set(cut[~weak])) == 4
    for number in set(cut[~weak]):
        assert len(set(label[cut == number])) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 2 * FEWEST])
def test_short_tracks_are_no_problem(count):
    seen = _seen(np.zeros(120, int)).where(np.arange(count))
    np.testing.assert_array_equal(
        cut_where_looks_change(np.zeros(count, int), seen, TIME_S[: max(count, 1)]), np.zeros(count)
    )


def test_the_labels_are_left_as_they_were():
    label = np.zeros(120, int)
    cut_where_looks_change(label, _seen((np.arange(120) >= 60).astype(int)), TIME_S)
    assert (label == 0).all()
