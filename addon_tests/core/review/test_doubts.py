"""Doubtful spans: each kind is found where it was put, and a walk as such is not doubtful."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from animepose_blender.core.review.doubts import Kind, next_doubt, suspicious
from animepose_blender.core.synthetic import walking_take
from animepose_blender.skeleton import MIRROR
from animepose_blender.take import State


@pytest.fixture
def take():
    return walking_take(2, 120, gaps=False)


@pytest.mark.parametrize("fps", [10, 24, 60, 240])
def test_a_walk_is_not_doubtful_at_any_frame_rate(fps):
    assert suspicious(walking_take(3, 4 * fps, fps)) == []


def test_low_confidence_is_a_span_unless_it_is_short_or_predicted(take):
    take.joint_confidence[0, 30:50] = 0.2
    take.joint_confidence[0, 80] = 0.1
    take.joint_confidence[1, 60:90] = 0.0
    take.state[1, 60:90] = State.PREDICTED
    (doubt,) = suspicious(take)
    assert (doubt.person, doubt.kind, doubt.start, doubt.stop) == (1, Kind.LOW_CONFIDENCE, 30, 50)
    assert doubt.severity == pytest.approx(0.6, abs=1e-3)


def test_a_pelvis_faster_than_people_is_a_jump_of_the_frames_around_it(take):
    take.root_world_m[1, 60:] += [0.5, 0.0, 0.0]
    take.joints_world_m[1, 60:] += [0.5, 0.0, 0.0]
    (doubt,) = suspicious(take)
    assert (doubt.person, doubt.kind, doubt.start, doubt.stop) == (2, Kind.JUMP, 59, 61)
    assert 0 < doubt.severity < 1


def test_coming_back_elsewhere_is_no_jump(take):
    take.root_world_m[1, 60:] += [3.0, 0.0, 0.0]
    take.joints_world_m[1, 60:] += [3.0, 0.0, 0.0]
    take.state[1, 55:60] = State.ABSENT
    assert suspicious(take) == []


def test_left_taken_for_right_is_a_sudden_turn(take):
    take.joints_world_m[0, 40:42] = take.joints_world_m[0, 40:42][:, MIRROR]
    (doubt,) = suspicious(take)
    assert (doubt.person, doubt.kind, doubt.start, doubt.stop) == (1, Kind.SUDDEN_TURN, 39, 43)


def test_two_people_at_one_place_are_found_once_with_both_ids(take):
    take.root_world_m[1, 70:90] = take.root_world_m[0, 70:90]
    take.joints_world_m[1, 70:90] = take.joints_world_m[0, 70:90]
    (doubt,) = (doubt for doubt in suspicious(take) if doubt.kind is Kind.SAME_PLACE)
    assert (doubt.person, doubt.other, doubt.start, doubt.stop) == (1, 2, 70, 90)
    assert doubt.severity == pytest.approx(1.0)


def test_two_swapped_people_are_doubtful_where_they_are_swapped(take):
    for name in ("joints_world_m", "root_world_m", "rotations"):
        values = getattr(take, name)
        values[:, 50:] = values[::-1, 50:].copy()
    doubts = suspicious(take)
    assert {(doubt.person, doubt.start) for doubt in doubts if doubt.kind is Kind.JUMP} == {(1, 49), (2, 49)}


def test_doubts_are_in_order_and_can_be_walked_through(take):
    take.joint_confidence[0, 90:110] = 0.2
    take.joint_confidence[1, 10:30] = 0.2
    take.joint_confidence[0, 10:30] = 0.1
    doubts = suspicious(take)
    assert [(doubt.start, doubt.person) for doubt in doubts] == [(10, 1), (10, 2), (90, 1)]
    assert next_doubt(doubts, 0) == doubts[0]
    assert next_doubt(doubts, 10) == doubts[2]
    assert next_doubt(doubts, 90) is None
    assert next_doubt(doubts, 90, backwards=True) == doubts[1]
    assert next_doubt(doubts, 10, backwards=True) is None


def test_what_is_not_known_is_not_doubtful(take):
    take.joints_world_m[0, 20:40] = np.nan
    take.state[0, 20:40] = State.ABSENT
    take.joint_confidence[0, 20:40] = 0
    assert suspicious(take) == []
    nobody = {n: getattr(take, n)[:0] for n in take.__dataclass_fields__ if n not in ("source", "extras")}
    kept = {n: getattr(take, n) for n in ("frame_time_s", "intrinsics", "camera_to_world")}
    assert suspicious(dataclasses.replace(take, **nobody | kept)) == []
