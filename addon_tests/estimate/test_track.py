"""Tracklets are joined to people where one person can have walked, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.track import MAX_GAP_S, join, long_enough

FPS = 30
TIME_S = np.arange(20 * FPS) / FPS


def _walk(first: int, last: int, start_m, speed_m_s) -> tuple[np.ndarray, np.ndarray]:
    """Frames and roots of somebody who walks in a straight line; `start_m` is where they are at time 0."""
    frames = np.arange(first, last)
    return frames, np.asarray(start_m, float) + TIME_S[frames, None] * np.asarray(speed_m_s, float)


def _join(*pieces: tuple[np.ndarray, np.ndarray]) -> list[list[int]]:
    return join([frames for frames, _ in pieces], [roots_m for _, roots_m in pieces], TIME_S)


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
    chains = _join(*(pieces[i] for i in order))
    people = sorted([order[i] for i in chain] for chain in chains)
    assert people == [[0, 2], [1, 3]]


def test_somebody_who_stands_behind_something_for_two_seconds_is_the_same_person():
    assert _join(_walk(0, 60, [0.5, 0.2, 5.0], [0, 0, 0]), _walk(120, 180, [0.6, 0.2, 5.2], [0, 0, 0])) == [[0, 1]]


def test_depth_may_be_off_where_a_place_across_the_view_may_not():
    here, gap = _walk(0, 60, [0.0, 0.0, 8.0], [0, 0, 0]), (63, 120)
    assert _join(here, _walk(*gap, [0.0, 0.0, 9.2], [0, 0, 0])) == [[0, 1]]
    assert _join(here, _walk(*gap, [1.2, 0.0, 8.0], [0, 0, 0])) == [[0], [1]]


def test_far_apart_is_somebody_else():
    assert _join(_walk(0, 60, [-3.0, 0.0, 5.0], [0, 0, 0]), _walk(66, 120, [3.0, 0.0, 5.0], [0, 0, 0])) == [[0], [1]]


def test_who_are_seen_at_the_same_time_are_two():
    assert _join(_walk(0, 60, [0.0, 0.0, 5.0], [0, 0, 0]), _walk(59, 120, [0.0, 0.0, 5.0], [0, 0, 0])) == [[0], [1]]


def test_after_a_long_absence_nobody_is_taken_for_the_same():
    back = 60 + int(MAX_GAP_S * FPS)
    assert _join(_walk(0, 60, [0, 0, 5.0], [0, 0, 0]), _walk(back - 3, 300, [0, 0, 5.0], [0, 0, 0])) == [[0, 1]]
    assert _join(_walk(0, 60, [0, 0, 5.0], [0, 0, 0]), _walk(back + 3, 300, [0, 0, 5.0], [0, 0, 0])) == [[0], [1]]


def test_many_pieces_of_one_person_make_one_chain_in_order_of_time():
    way = ([-2.0, 0.0, 6.0], [0.4, 0.0, 0.1])
    assert _join(_walk(200, 260, *way), _walk(0, 60, *way), _walk(270, 330, *way), _walk(75, 190, *way)) == [
        [1, 3, 0, 2]
    ]


def test_a_piece_continues_one_person_only():
    lost = [_walk(0, 60, [x, 0.0, 5.0], [0, 0, 0]) for x in (-0.3, 0.25)]
    chains = _join(*lost, _walk(70, 120, [0.2, 0.0, 5.0], [0, 0, 0]))
    assert sorted(chains) == [[0], [1, 2]]


def test_a_sure_join_is_not_given_up_for_two_poor_ones():
    # B appears just where A was lost. C and D could be had only by joining A to C and D to B, both a long way off.
    a, b = _walk(0, 66, [0.0, 0.0, 5.0], [0, 0, 0]), _walk(67, 170, [0.0, 0.0, 5.0], [0, 0, 0])
    c, d = _walk(154, 200, [4.0, 0.0, 5.0], [0, 0, 0]), _walk(0, 60, [-1.0, 0.0, 5.0], [0, 0, 0])
    assert sorted(_join(a, b, c, d)) == [[0, 1], [2], [3]]


def test_nobody_makes_no_chains():
    assert _join() == []


def test_long_enough_counts_the_time_seen_in_all_pieces():
    short = [np.arange(0, 5), np.arange(20, 25)]
    assert not long_enough(short, [0], TIME_S)
    assert long_enough(short, [0, 1], TIME_S)


def test_in_a_short_clip_half_of_it_is_long_enough():
    four_frames = TIME_S[:4]
    assert long_enough([np.arange(2)], [0], four_frames)
    assert not long_enough([np.arange(1)], [0], four_frames)
    assert long_enough([np.arange(1)], [0], TIME_S[:1])
