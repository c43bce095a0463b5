"""Summaries of people: what a list and a timeline show."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.review.edited import apply_edits
from animepose_blender.core.review.edits import Ignore, MarkWrong, Merge, Rename, Split, Swap
from animepose_blender.core.review.people import people_of, runs_of
from animepose_blender.take import State

from .review_takes import full_take, random_edits


@pytest.fixture(scope="module")
def take():
    return full_take()


@pytest.mark.parametrize("seed", range(10))
def test_summaries_tell_what_the_edited_take_holds(take, seed):
    edits = random_edits(take, 7, np.random.default_rng(seed))
    edited = apply_edits(take, edits, with_ignored=True)
    summaries = people_of(take, edits)
    assert [summary.person for summary in summaries] == edited.person_id.tolist()
    shown = [summary.person for summary in summaries if not summary.ignored]
    assert shown == apply_edits(take, edits).person_id.tolist()
    for summary, state, sure in zip(summaries, edited.state, edited.joint_confidence, strict=True):
        drawn = np.concatenate([np.full(stop - start, value) for start, stop, value in summary.runs])
        np.testing.assert_array_equal(drawn, state)
        assert (np.diff(summary.runs[:, 2]) != 0).all()
        present = np.flatnonzero(state)
        assert (summary.start, summary.stop) == ((present[0], present[-1] + 1) if len(present) else (0, 0))
        assert summary.seen_s == pytest.approx((state == State.OBSERVED).sum() / 30)
        assert summary.predicted_s == pytest.approx((state == State.PREDICTED).sum() / 30)
        seen = sure[state == State.OBSERVED]
        assert summary.mean_confidence == pytest.approx(seen.mean() if len(seen) else 0.0, abs=1e-5)
        assert summary.start_s == pytest.approx(summary.start / 30)
        assert summary.end_s == pytest.approx(summary.stop / 30)


def test_names_thumbnails_and_mixtures(take):
    people = people_of(take, [Rename(2, "Bo"), Swap(1, 3, 0.5), Ignore(2), Split(2, 1.0, 4)])
    assert [person.name for person in people] == ["Person 1", "Bo", "Person 3", "Person 4"]
    assert [person.mixed for person in people] == [True, False, True, False]
    assert [person.ignored for person in people] == [False, True, False, True]
    assert [person.thumbnail_row for person in people] == [2, 1, 0, 1]
    assert len(people_of(take, [Merge(1, 2)])) == 2


def test_somebody_without_frames_is_still_in_the_list(take):
    nobody = people_of(take, [MarkWrong(1, 0.0, 1.967)])[0]
    assert (nobody.start, nobody.stop, nobody.seen_s, nobody.mean_confidence) == (0, 0, 0.0, 0.0)
    assert nobody.runs.tolist() == [[0, 60, 0]]


def test_runs_are_half_open_and_cover_everything():
    assert runs_of(np.array([1, 1, 0, 2, 2])).tolist() == [[0, 2, 1], [2, 3, 0], [3, 5, 2]]
    assert runs_of(np.array([1])).tolist() == [[0, 1, 1]]
