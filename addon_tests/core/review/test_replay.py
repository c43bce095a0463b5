"""Which edits do not fit a take, and what the user is told."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.review.edits import Ignore, MarkWrong, Merge, Rename, Split, Swap
from animepose_blender.core.review.replay import frame_at, next_person_id, replay, with_edit
from animepose_blender.errors import AnimePoseError
from animepose_blender.take import State

from .review_takes import full_take


@pytest.fixture(scope="module")
def take():
    return full_take()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Rename(8, "Anna"), "no person 8; there is 1, 2, 3"),
        (Rename(1, "  "), "cannot be a name"),
        (Rename(1, "a\nb"), "cannot be a name"),
        (Rename(1, "ä" * 40), "1 to 63 bytes"),
        (Ignore(8), "no person 8"),
        (Merge(1, 1), "Person 1 cannot be merged with themselves"),
        (Merge(1, 8), "no person 8"),
        (Swap(2, 2, 0.5), "Person 2 cannot be swapped with themselves"),
        (Swap(1, 2, 99.0), r"99.000 s lies outside the take, which runs from 0.000 to 1.967 s"),
        (Swap(1, 2, float("nan")), "lies outside"),
        (Split(1, -1.0, 9), "lies outside"),
        (Split(1, 0.0, 9), "no frame before 0.000 s"),
        (Split(2, 0.1, 9), "no frame before"),
        (Split(1, 1.0, 2), "id 2 cannot be given"),
        (Split(1, 1.0, -4), "id -4 cannot be given"),
        (MarkWrong(1, 1.0, 0.5), "before it starts"),
        (MarkWrong(2, 0.0, 0.1), "is in no frame from 0.000 to 0.100 s"),
        (MarkWrong(1, 0.0, 0.5, fill=True), "cannot be filled: person 1 is in no frame before it"),
        (MarkWrong(1, 0.5, 1.96, fill=True), "cannot be filled: person 1 is in no frame after it"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused_with_a_reason_and_a_remedy(take, edit, words):
    with pytest.raises(AnimePoseError, match=words) as refusal:
        with_edit(take, [], edit)
    assert refusal.value.remedy


def test_in_a_list_the_edit_that_does_not_fit_is_named(take):
    with pytest.raises(AnimePoseError, match=r"Edit 2 of 2 \(rename\) does not fit the take: There is no person 3"):
        replay(take, [Merge(1, 3), Rename(3, "Anna")])


def test_ids_are_never_given_twice(take):
    edits = with_edit(take, [], Split(1, 1.0, next_person_id(take, [])))
    edits = with_edit(take, edits, Merge(1, 4))
    assert next_person_id(take, edits) == 5
    with pytest.raises(AnimePoseError, match="id 4 cannot be given"):
        with_edit(take, edits, Split(1, 1.0, 4))


def test_a_list_is_not_changed_by_one_more_edit(take):
    edits = [Ignore(1)]
    assert with_edit(take, edits, Ignore(2)) == [Ignore(1), Ignore(2)]
    assert edits == [Ignore(1)]


def test_times_mean_the_nearest_frame_so_that_edits_fit_another_sampling(take):
    for frame, time_s in enumerate(take.frame_time_s):
        assert frame_at(take, float(time_s)) == frame_at(take, float(time_s) + 0.01) == frame
        assert frame_at(take, float(time_s) - 0.01) == frame
    coarse = full_take(3, 60)
    coarse.frame_time_s = coarse.frame_time_s * 2
    assert frame_at(coarse, float(take.frame_time_s[40])) == 20


def test_a_swap_where_nobody_is_left_is_refused(take):
    edits = [MarkWrong(1, 1.8, 1.967), MarkWrong(2, 1.8, 1.967)]
    assert (replay(take, edits).states(list(replay(take, edits).people.values()))[:2, 54:] == State.ABSENT).all()
    with pytest.raises(AnimePoseError, match="Neither person 1 nor person 2"):
        with_edit(take, edits, Swap(1, 2, 1.9))


def test_a_merge_keeps_the_name_that_there_is(take):
    people = replay(take, [Rename(2, "Bo"), Merge(1, 2)]).people
    assert people[1].name == "Bo"
    people = replay(take, [Rename(2, "Bo"), Rename(1, "Anna"), Merge(1, 2)]).people
    assert people[1].name == "Anna"
    assert np.array_equal(list(people), [1, 3])
