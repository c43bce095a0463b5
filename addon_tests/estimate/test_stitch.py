"""Tracks are joined to people where one person can have walked, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.estimate.detections import Placed, Seen
from animepose_blender.estimate.stitch import MAX_GAP_KNOWN_S, MAX_GAP_S, MIN_SEEN_S, stitch

from .evidence import FOCAL_PX, HALF_BOX_M, HEIGHT, WIDTH, colours_of, sighting, together

FPS = 30
TIME_S = np.arange(80 * FPS) / FPS
STILL = np.tile(np.eye(4), (len(TIME_S), 1, 1))
HERE = ([0.0, 0.0, 5.0], [0.0, 0.0, 0.0])


def _walk(first: int, last: int, start_m, speed_m_s, **look) -> tuple[Seen, Placed]:
    """Somebody who walks in a straight line; `start_m` is where they are at time 0."""
    frames = np.arange(first, last)
    return sighting(frames, np.asarray(start_m, float) + TIME_S[frames, None] * np.asarray(speed_m_s, float), **look)


def _stitch(
    *pieces: tuple[Seen, Placed], time_s: np.ndarray = TIME_S, camera_to_start: np.ndarray = STILL
) -> list[int]:
    """The person that each piece is."""
    seen, placed, label = together(*pieces)
    person = stitch(label, seen, placed, camera_to_start[: len(time_s)], time_s, (WIDTH, HEIGHT))
    each = [set(person[label == n].tolist()) for n in range(len(pieces))]
    assert all(len(one) == 1 for one in each)
    return [one.pop() for one in each]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_two_who_cross_unseen_keep_their_ways(order):
    # They meet at x = 0 after one second and are hidden for half a second there.
    to_the_right, to_the_left = ([-1.2, 0.0, 4.0], [1.2, 0.0, 0.0]), ([1.2, 0.0, 4.6], [-1.2, 0.0, 0.0])
    pieces = [
        _walk(0, 22, *to_the_right),
        _walk(0, 22, *to_the_left),
        _walk(38, 60, *to_the_right),
        _walk(38, 60, *to_the_left),
    ]
    person = dict(zip(order, _stitch(*(pieces[i] for i in order))))
    assert person[0] == person[2] != person[1] == person[3]


def test_somebody_who_stands_behind_something_for_two_seconds_is_the_same_person():
    assert _stitch(_walk(0, 60, [0.5, 0.2, 5.0], [0, 0, 0]), _walk(120, 180, [0.6, 0.2, 5.2], [0, 0, 0])) == [0, 0]


def test_somebody_who_turns_back_behind_a_pillar_is_the_same_person():
    before = _walk(0, 45, [-1.5, 0, 6.0], [1.0, 0, 0])
    after = _walk(90, 150, [0.0 + 0.8 * 3.0, 0, 6.1], [-0.8, 0, 0])
    assert _stitch(before, after) == [0, 0]


def test_depth_may_be_off_where_a_place_across_the_view_may_not():
    here, gap = _walk(0, 60, [0.0, 0.0, 8.0], [0, 0, 0]), (63, 120)
    assert _stitch(here, _walk(*gap, [0.0, 0.0, 9.2], [0, 0, 0])) == [0, 0]
    assert _stitch(here, _walk(*gap, [1.2, 0.0, 8.0], [0, 0, 0])) == [0, 1]


@pytest.mark.parametrize("clothes", [True, False])
def test_far_apart_in_no_time_is_somebody_else_even_in_the_same_clothes(clothes):
    look = {"colours": colours_of(1)} if clothes else {}
    there = _walk(66, 120, [2.0, 0.0, 5.0], [0, 0, 0], **look)
    assert _stitch(_walk(0, 60, [-2.0, 0.0, 5.0], [0, 0, 0], **look), there) == [0, 1]


def test_nobody_in_the_same_clothes_goes_from_edge_to_edge_in_no_time():
    left, right = ([x, 0.0, 5.0] for x in (-3.0, 3.0))
    look = {"colours": colours_of(1)}
    assert _stitch(_walk(0, 60, left, [0, 0, 0], **look), _walk(66, 120, right, [0, 0, 0], **look)) == [0, 1]


def test_other_clothes_speak_against_a_join_that_place_alone_would_allow():
    here, beside = _walk(0, 60, *HERE), _walk(75, 120, [1.2, 0.0, 5.0], [0, 0, 0])
    assert _stitch(here, beside) == [0, 0]
    for other, expected in ((0, [0, 0]), (1, [0, 1])):
        dressed = [
            (replace(seen, colours=np.tile(colours_of(n), (len(seen), 1, 1))), placed)
            for n, (seen, placed) in ((0, here), (other, beside))
        ]
        assert _stitch(*dressed) == expected


def test_other_clothes_at_the_very_same_place_are_somebody_else():
    assert _stitch(_walk(0, 60, *HERE, colours=colours_of(0)), _walk(75, 120, *HERE, colours=colours_of(1))) == [0, 1]


def test_who_are_seen_at_the_same_time_are_two():
    assert _stitch(_walk(0, 60, *HERE), _walk(59, 120, *HERE)) == [0, 1]


def test_after_a_long_absence_nobody_is_known_by_place_alone():
    back = 60 + int(MAX_GAP_S * FPS)
    assert _stitch(_walk(0, 60, *HERE), _walk(back - 3, back + 60, *HERE)) == [0, 0]
    assert _stitch(_walk(0, 60, *HERE), _walk(back + 3, back + 60, *HERE)) == [0, 1]


def test_after_a_long_absence_somebody_is_known_by_their_looks():
    back = 60 + int(3 * MAX_GAP_S * FPS)
    dressed = {"colours": colours_of(2)}
    after = (back, back + 60, [0.8, 0.0, 5.5], [0, 0, 0])
    assert _stitch(_walk(0, 60, *HERE, **dressed), _walk(*after, **dressed)) == [0, 0]
    assert _stitch(_walk(0, 60, *HERE, **dressed), _walk(*after, colours=colours_of(0))) == [0, 1]
    # One zone alone says too little.
    face = colours_of(2)
    face[1:] = np.nan
    assert _stitch(_walk(0, 60, *HERE, **dressed), _walk(*after, colours=face)) == [0, 1]


def test_of_two_who_return_each_is_known_by_their_looks():
    back = 60 + int(2 * MAX_GAP_S * FPS)
    places = ([-0.5, 0, 5.0], [0.5, 0, 5.0])
    before = [_walk(0, 60, place, [0, 0, 0], colours=colours_of(n)) for n, place in enumerate(places)]
    after = [_walk(back, back + 60, place, [0, 0, 0], colours=colours_of(1 - n)) for n, place in enumerate(places)]
    assert _stitch(*before, *after) == [0, 1, 1, 0]


def test_no_memory_lasts_for_ever():
    back = 60 + int((MAX_GAP_KNOWN_S + 1) * FPS)
    dressed = {"colours": colours_of(2)}
    assert _stitch(_walk(0, 60, *HERE, **dressed), _walk(back, back + 60, *HERE, **dressed)) == [0, 1]


def _leaving(first: int, edge_m: float, speed_m_s: float, **look) -> tuple[Seen, Placed]:
    """Somebody whose last frame shows them at the edge of the picture."""
    frames = np.arange(first, first + 45)
    since_s = (frames - frames[-1]) / FPS
    return sighting(frames, np.stack([edge_m + speed_m_s * since_s, 0 * since_s, 5 + 0 * since_s], axis=1), **look)


@pytest.mark.parametrize("side", [-1, 1])
def test_who_left_at_the_edge_may_come_back_at_either_edge(side):
    near, far = (WIDTH / 2 / FOCAL_PX * z - HALF_BOX_M[0] for z in (5.0, 7.0))
    out = _leaving(0, near, 1.5, colours=colours_of(3))
    frames = np.arange(44 + 8 * FPS, 120 + 8 * FPS)
    since_s = (frames - frames[0]) / FPS
    roots_m = np.stack([side * (far - 1.2 * since_s), 0 * since_s, 7 + 0 * since_s], axis=1)
    assert _stitch(out, sighting(frames, roots_m, colours=colours_of(3))) == [0, 0]
    assert _stitch(out, sighting(frames, roots_m, colours=colours_of(1))) == [0, 1]


def test_many_pieces_of_one_person_make_one_person():
    way = ([-2.0, 0.0, 6.0], [0.4, 0.0, 0.1])
    pieces = [_walk(*span, *way) for span in ((200, 260), (0, 60), (270, 330), (75, 190))]
    assert _stitch(*pieces) == [0, 0, 0, 0]


def test_a_piece_continues_one_person_only():
    lost = [_walk(0, 60, [x, 0.0, 5.0], [0, 0, 0]) for x in (-0.3, 0.25)]
    assert _stitch(*lost, _walk(70, 120, [0.2, 0.0, 5.0], [0, 0, 0])) == [0, 1, 1]


def test_a_sure_join_is_not_given_up_for_two_poor_ones():
    # B appears just where A was lost. C and D could be had only by joining A to C and D to B, both a long way off.
    a, b = _walk(0, 66, *HERE), _walk(67, 170, *HERE)
    c, d = _walk(154, 200, [4.0, 0.0, 5.0], [0, 0, 0]), _walk(0, 60, [-1.0, 0.0, 5.0], [0, 0, 0])
    person = _stitch(a, b, c, d)
    assert person[0] == person[1]
    assert len(set(person)) == 3


def test_the_motion_of_the_camera_is_taken_out():
    camera_to_start = STILL.copy()
    # It turns by 45 degrees while the person is hidden.
    turn = np.clip(TIME_S - 40 / FPS, 0, 0.5)[:, None] * [0, np.radians(90.0), 0]
    camera_to_start[:, :3, :3] = Rotation.from_rotvec(turn).as_matrix()
    pieces = [
        sighting(np.arange(*span), np.tile([0.5, 0, 5.0], (40, 1)), camera_to_start=camera_to_start)
        for span in ((0, 40), (55, 95))
    ]
    assert _stitch(*pieces, camera_to_start=camera_to_start) == [0, 0]
    assert _stitch(*pieces) == [0, 1]


def test_people_are_numbered_in_the_order_of_their_appearance():
    far = [_walk(first, first + 60, [x, 0, 6.0], [0, 0, 0]) for first, x in ((100, -3.0), (0, 3.0), (50, 0.0))]
    assert _stitch(*far) == [2, 0, 1]


def test_who_is_in_no_track_is_nobody():
    seen, placed, label = together(_walk(0, 60, *HERE), _walk(0, 60, [2.0, 0, 5.0], [0, 0, 0]))
    label = np.where(label == 0, -1, label)
    person = stitch(label, seen, placed, STILL, TIME_S, (WIDTH, HEIGHT))
    np.testing.assert_array_equal(person, np.where(label < 0, -1, 0))
    nobody = stitch(np.full(120, -1), seen, placed, STILL, TIME_S, (WIDTH, HEIGHT))
    assert (nobody == -1).all()


def test_who_is_seen_too_shortly_is_left_out_and_the_numbers_have_no_gap():
    short = int(MIN_SEEN_S * FPS) - 2
    assert _stitch(_walk(0, short, [-3.0, 0, 5.0], [0, 0, 0]), _walk(10, 70, [3.0, 0, 5.0], [0, 0, 0])) == [-1, 0]


def test_the_time_seen_counts_in_all_pieces_together():
    half = int(MIN_SEEN_S * FPS / 2) + 1
    assert _stitch(_walk(0, half, *HERE), _walk(20, 20 + half, *HERE)) == [0, 0]
    assert _stitch(_walk(0, half, *HERE)) == [-1]


def test_in_a_short_clip_half_of_it_is_long_enough():
    four = TIME_S[:4]
    assert _stitch(_walk(0, 2, *HERE), time_s=four) == [0]
    assert _stitch(_walk(0, 1, *HERE), time_s=four) == [-1]
    assert _stitch(_walk(0, 1, *HERE), time_s=TIME_S[:1]) == [0]
