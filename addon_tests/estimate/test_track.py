"""Everybody keeps one track from frame to frame, whatever the follower in the picture thought."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.estimate.detections import Placed, Seen
from animepose_blender.estimate.track import KEEP_S, SURE_SCORE, track

from .evidence import colours_of, sighting, together

FPS = 30
TIME_S = np.arange(8 * FPS) / FPS
STILL = np.tile(np.eye(4), (len(TIME_S), 1, 1))
WEAK = SURE_SCORE / 2
HIDDEN = int(0.8 * KEEP_S * FPS)
"""Frames for which somebody may be unseen and is still looked for."""


def _walk(first: int, last: int, start_m, speed_m_s=(0.0, 0.0, 0.0), **look) -> tuple[Seen, Placed]:
    """Somebody who walks in a straight line; `start_m` is where they are at time 0."""
    frames = np.arange(first, last)
    return sighting(frames, np.asarray(start_m, float) + TIME_S[frames, None] * np.asarray(speed_m_s, float), **look)


def _track(*sightings: tuple[Seen, Placed], camera_to_start: np.ndarray = STILL) -> list[np.ndarray]:
    """The labels of each sighting."""
    seen, placed, who = together(*sightings)
    label = track(seen, placed, camera_to_start, TIME_S)
    for frame in np.unique(seen.frame):
        own = label[(seen.frame == frame) & (label >= 0)]
        assert len(own) == len(set(own)), "two people of one frame share a track"
    return [label[who == n] for n in range(len(sightings))]


def _one_each(labels: list[np.ndarray]) -> None:
    """Each sighting has one track, and no two the same."""
    assert all(len(set(label)) == 1 and label[0] >= 0 for label in labels), labels
    assert len({label[0] for label in labels}) == len(labels)


def test_somebody_who_walks_is_one_track():
    _one_each(_track(_walk(0, 240, [-2, 0, 5], [0.6, 0, 0.1])))


def test_a_crowd_of_six_is_six_tracks(rng):
    people = [
        _walk(0, 240, [1.2 * n - 3, 0, 5 + 0.7 * (n % 3)], rng.uniform(-0.1, 0.1, 3) * [1, 0, 1], tracklet=n)
        for n in range(6)
    ]
    _one_each(_track(*people))


@pytest.mark.parametrize("follower", ["right", "swapped", "new numbers in every frame"])
def test_two_who_cross_in_the_picture_keep_their_tracks_in_space(follower):
    # They cross before one another at two metres' difference in depth, after one second.
    frames = np.arange(60)
    numbers = {
        "right": (np.zeros(60, int), np.ones(60, int)),
        "swapped": (np.where(frames < 30, 0, 1), np.where(frames < 30, 1, 0)),
        "new numbers in every frame": (2 * frames, 2 * frames + 1),
    }[follower]
    near = _walk(0, 60, [-1.0, 0, 4.0], [1.0, 0, 0], tracklet=numbers[0])
    far = _walk(0, 60, [1.5, 0, 6.5], [-1.5, 0, 0], tracklet=numbers[1])
    _one_each(_track(near, far))


def test_a_follower_that_jumped_to_another_body_is_found_out():
    # One is lost when they pass behind the other; the follower goes on with the other's body under their number, and
    # picks them up under a new one.
    frames = np.arange(90)
    front = _walk(0, 90, [0.0, 0, 4.0], tracklet=np.where(frames < 40, 0, 1))
    before = _walk(0, 40, [-1.4, 0, 7.0], [1.0, 0, 0], tracklet=1)
    after = _walk(40 + HIDDEN, 90, [-1.4, 0, 7.0], [1.0, 0, 0], tracklet=2)
    in_front, first, second = _track(front, before, after)
    _one_each([in_front, np.concatenate([first, second])])


def test_a_jump_across_the_room_under_one_number_is_somebody_else():
    here, there = _walk(0, 60, [-2.0, 0, 5.0]), _walk(60, 120, [2.0, 0, 5.0])
    _one_each(_track(here, there))


@pytest.mark.parametrize("clothes", [True, False])
def test_dancers_who_turn_about_each_other_keep_their_tracks(clothes):
    frames = np.arange(120)
    angle = 2 * np.pi * 0.35 * TIME_S[frames]
    around = np.stack([0.45 * np.cos(angle), 0 * angle, 0.45 * np.sin(angle)], axis=1)
    dancers = [
        sighting(frames, np.array([0, 0, 5.0]) + sign * around, tracklet=n, colours=colours_of(n) if clothes else None)
        for n, sign in ((0, 1), (1, -1))
    ]
    _one_each(_track(*dancers))


def test_a_short_disappearance_is_bridged_and_a_long_one_is_left_to_stitching():
    way = ([-1.0, 0, 5.0], [0.7, 0, 0])
    short, long = 30 + int(0.6 * KEEP_S * FPS), 30 + int(1.5 * KEEP_S * FPS)
    before, after = _track(_walk(0, 30, *way), _walk(short, 90, *way, tracklet=1))
    assert set(before) == set(after)
    _one_each(_track(_walk(0, 30, *way), _walk(long, 120, *way, tracklet=1)))


def test_weak_finds_continue_a_track_and_never_begin_one():
    score = np.full(90, 0.9)
    score[30:50] = WEAK
    _one_each(_track(_walk(0, 90, [0, 0, 5.0], [0.3, 0, 0], score=score)))
    (label,) = _track(_walk(0, 90, [0, 0, 5.0], [0.3, 0, 0], score=WEAK))
    assert (label == -1).all()


def test_a_weak_find_does_not_take_a_track_from_a_sure_one():
    person, shadow = _walk(0, 60, [0, 0, 5.0]), _walk(0, 60, [0.15, 0, 5.2], score=WEAK, tracklet=1)
    _one_each(_track(person, shadow)[:1])


@pytest.mark.parametrize(("evidence", "apart_m", "unseen"), [("looks", 0.25, HIDDEN), ("pose", 0.08, 4)])
def test_who_changed_places_unseen_is_known(evidence, apart_m, unseen):
    """Either could have gone to either place meanwhile."""

    def dressed(n: int) -> dict:
        return {"colours": colours_of(n)} if evidence == "looks" else {"yaw_rad": np.pi * n}

    left, right = [-apart_m, 0, 5.0], [apart_m, 0, 5.0]
    before = [_walk(0, 40, place, tracklet=n, **dressed(n)) for n, place in enumerate((left, right))]
    after = [_walk(40 + unseen, 90, place, tracklet=n + 2, **dressed(n)) for n, place in enumerate((right, left))]
    a, b, a_again, b_again = _track(*before, *after)
    _one_each([np.concatenate([a, a_again]), np.concatenate([b, b_again])])


def test_the_motion_of_the_camera_is_taken_out():
    # It turns by 60 degrees a second and drives along, and two people stand.
    camera_to_start = STILL.copy()
    camera_to_start[:, :3, :3] = Rotation.from_rotvec(TIME_S[:, None] * [0, np.radians(60.0), 0]).as_matrix()
    camera_to_start[:, 0, 3] = 1.5 * TIME_S
    people = [
        sighting(np.arange(20), np.tile([x, 0.0, 5.0], (20, 1)), camera_to_start=camera_to_start, tracklet=40 * n)
        for n, x in enumerate((-0.4, 0.6))
    ]
    _one_each(_track(*people, camera_to_start=camera_to_start))


def test_a_camera_that_is_not_known_to_turn_tears_a_track_that_hides_meanwhile():
    """The control of the test above: without the camera's path the same person is elsewhere."""
    camera_to_start = STILL.copy()
    turn = np.clip((TIME_S * FPS - 15) / HIDDEN, 0, 1)[:, None] * [0, np.radians(30.0), 0]
    camera_to_start[:, :3, :3] = Rotation.from_rotvec(turn).as_matrix()
    pieces = [
        sighting(np.arange(*span), np.tile([0, 0.0, 5.0], (15, 1)), camera_to_start=camera_to_start, tracklet=n)
        for n, span in enumerate([(0, 15), (15 + HIDDEN, 30 + HIDDEN)])
    ]
    known, unknown = (_track(*pieces, camera_to_start=c) for c in (camera_to_start, STILL))
    assert set(known[0]) == set(known[1])
    assert not set(unknown[0]) & set(unknown[1])


def test_frames_may_lie_unevenly_in_time():
    rng = np.random.default_rng(3)
    time_s = np.sort(rng.uniform(0, 4, 60))
    frames = np.arange(60)
    seen, placed, who = together(
        sighting(frames, np.array([-2, 0, 5.0]) + time_s[:, None] * [1.0, 0, 0]),
        sighting(frames, np.array([2, 0, 7.5]) + time_s[:, None] * [-1.0, 0, 0], tracklet=1),
    )
    label = track(seen, placed, STILL[:60], time_s)
    _one_each([label[who == n] for n in range(2)])


def test_noise_along_the_view_does_not_tear_a_track(rng):
    frames = np.arange(120)
    waver = np.repeat(rng.normal(0, 0.04, 24), 5)
    people = [
        sighting(frames, np.tile([x, 0.0, 6.0], (120, 1)) * (1 + s * waver)[:, None], tracklet=n)
        for n, (x, s) in enumerate([(-0.5, 1), (0.5, -1)])
    ]
    _one_each(_track(*people))


def test_nobody_is_in_no_track():
    seen, placed = sighting(np.zeros(0, int), np.zeros((0, 3)))
    assert track(seen, placed, STILL, TIME_S).shape == (0,)


def test_one_frame_is_enough_to_begin():
    a, b = _track(_walk(5, 6, [0, 0, 5.0]), _walk(5, 6, [2, 0, 5.0], tracklet=1))
    assert sorted([*a, *b]) == [0, 1]
