"""Who is who from frame to frame in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.boxes import iou
from animepose_blender.estimate.associate import GIVE_UP_S, Associator, worth_posing

STEP_S = 1 / 30


def person(x: float, y: float = 100.0, height: float = 200.0, seed: int = 0):
    """Box and 17 keypoints of somebody at a place; the pose depends on the seed."""
    pose = np.random.default_rng(seed).uniform([-0.2, -0.5], [0.2, 0.5], (17, 2)) * height
    centre = np.array([x, y])
    half = np.array([0.2, 0.5]) * height
    return np.concatenate([centre - half, centre + half]), centre + pose


def frame(*people, score=0.9):
    boxes, points = zip(*people, strict=True) if people else ((), ())
    return (
        np.array(boxes).reshape(-1, 4), np.broadcast_to(score, len(people)).astype(float),
        np.array(points).reshape(-1, 17, 2), np.full((len(people), 17), 0.9),
    )  # fmt: skip


def test_people_keep_their_numbers_while_they_move_whatever_the_order_of_finds():
    one, rng = Associator(8), np.random.default_rng(1)
    for k in range(40):
        order = rng.permutation(3)
        found = [person(100 + 200 * p + 4 * k, seed=p) for p in order]
        np.testing.assert_array_equal(one.update(k * STEP_S, *frame(*found)), order if k else np.arange(3))
        if k == 0:  # numbered as they were found
            one = Associator(8)
            one.update(0.0, *frame(*(person(100 + 200 * p, seed=p) for p in range(3))))


def test_two_who_pass_each_other_keep_their_numbers():
    one = Associator(8)
    one.update(0.0, *frame(person(100, seed=1), person(500, seed=2)))
    for k in range(1, 81):
        numbers = one.update(k * STEP_S, *frame(person(100 + 5 * k, seed=1), person(500 - 5 * k, seed=2)))
    assert numbers.tolist() == [0, 1]


def test_a_weak_find_continues_somebody_but_begins_nobody():
    one = Associator(8)
    assert one.update(0.0, *frame(person(100), person(500, seed=2), score=[0.9, 0.3])).tolist() == [0, -1]
    assert one.update(STEP_S, *frame(person(103), person(500, seed=2), score=[0.3, 0.3])).tolist() == [0, -1]


def test_who_is_away_for_a_moment_comes_back_and_who_is_away_for_long_is_somebody_new():
    one = Associator(8)
    one.update(0.0, *frame(person(100)))
    assert one.update(GIVE_UP_S * 0.9, *frame(person(101))).tolist() == [0]
    assert one.update(GIVE_UP_S * 2.1, *frame(person(102))).tolist() == [1]


def test_a_find_of_the_same_body_twice_is_one_person():
    numbers = Associator(8).update(0.0, *frame(person(100), person(101), person(300), score=[0.8, 0.9, 0.7]))
    assert numbers.tolist() == [-1, 0, 1]


def test_no_more_are_followed_than_asked_for_the_surest_first():
    numbers = Associator(2).update(0.0, *frame(*(person(200 * k) for k in range(4)), score=[0.7, 0.95, 0.9, 0.8]))
    assert numbers.tolist() == [-1, 0, 1, -1]


def test_frames_with_nobody_and_keypoints_that_are_not_seen_are_no_trouble():
    one = Associator(8)
    assert one.update(0.0, *frame()).tolist() == []
    box, points = person(100)
    for k in range(3):
        assert one.update(k * STEP_S, *frame((box, np.full_like(points, np.nan)))).tolist() == [0]
    assert one.update(4 * STEP_S, *frame()).tolist() == []


def test_weak_finds_that_repeat_a_better_one_are_not_posed_and_others_are():
    boxes = np.array([[0, 0, 10, 20], [0, 0, 10, 20.5], [0, 0, 10, 21], [50, 0, 60, 20], [90, 0, 99, 20]], float)
    score = np.array([0.3, 0.9, 0.7, 0.25, 0.1])
    assert worth_posing(boxes, score, 10).tolist() == [1, 2, 3]
    assert worth_posing(boxes, score, 2).tolist() == [1, 2]
    assert worth_posing(boxes[:0], score[:0], 2).tolist() == []


def test_overlap_of_boxes():
    a = np.array([[0.0, 0, 10, 10], [0, 0, 0, 0]])
    b = np.array([[5.0, 0, 15, 10], [0, 0, 10, 10], [20, 20, 30, 30]])
    assert iou(a, b)[0].tolist() == pytest.approx([1 / 3, 1.0, 0.0])
    assert iou(a, b)[1].tolist() == [0, 0, 0]
