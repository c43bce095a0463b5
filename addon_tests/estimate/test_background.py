"""Points of the background are followed to a fraction of a pixel, off the people, and through what befalls clips."""

from __future__ import annotations

import numpy as np

from addon_tests.estimate.moving_cameras import person_at, texture, window
from animepose_blender.estimate.background import MAX_POINTS, Background, Tracks

SIZE = (480, 270)


def _tracks(pictures, people=lambda number: []) -> Tracks:
    background = Background(pictures[0].shape[1], pictures[0].shape[0])
    for number, picture in enumerate(pictures):
        background.add(picture, people(number))
    return background.tracks()


def _shift_since_first(tracks: Tracks, frame: int) -> np.ndarray:
    """(n, 2) how far the points of frame 0 that are seen in another frame have gone."""
    first, then = tracks.frame == 0, tracks.frame == frame
    _, a, b = np.intersect1d(tracks.point[first], tracks.point[then], return_indices=True)
    return tracks.place_px[then][b] - tracks.place_px[first][a]


def test_points_go_with_the_picture_to_a_tenth_of_a_pixel():
    picture = texture(np.random.default_rng(1))
    path = [(100 + 2.3 * n, 200 - 1.1 * n) for n in range(25)]
    tracks = _tracks([window(picture, corner, SIZE) for corner in path])
    shift = _shift_since_first(tracks, 24)
    assert len(shift) > 30
    assert np.abs(np.median(shift, axis=0) - (-24 * 2.3, 24 * 1.1)).max() < 0.1
    assert (np.abs(shift - (-24 * 2.3, 24 * 1.1)).max(axis=1) < 0.3).mean() > 0.95


def test_places_are_in_pixels_of_a_large_picture_too():
    picture = texture(np.random.default_rng(2), 2000)
    tracks = _tracks([window(picture, (10 + 6 * n, 30), (1600, 900)) for n in range(8)])
    assert np.abs(np.median(_shift_since_first(tracks, 7), axis=0) - (-42, 0)).max() < 0.2
    assert tracks.place_px[:, 0].max() > 1400


def test_points_are_many_and_spread_and_bounded():
    tracks = _tracks([window(texture(np.random.default_rng(3)), (100, 100), SIZE)] * 3)
    counts = np.bincount(tracks.frame)
    assert (counts > 60).all() and (counts <= MAX_POINTS).all()
    fields = np.unique(np.floor(tracks.place_px / np.array(SIZE) * 4), axis=0)
    assert len(fields) == 16


def test_people_are_left_out_and_what_they_hid_is_taken_up_again():
    picture = window(texture(np.random.default_rng(4)), (100, 100), SIZE)

    def walker(number):
        return [person_at((10 * number, 135), 120)] if number < 48 else []

    tracks = _tracks([picture] * 60, walker)
    for number in range(48):
        here = tracks.place_px[tracks.frame == number]
        assert not (np.abs(here - (10 * number, 135)).max(axis=1) < 55).any()
    at_first = set(tracks.point[tracks.frame == 0])
    assert len(at_first & set(tracks.point[tracks.frame == 59])) > 0.7 * len(at_first)


def test_a_camera_that_comes_back_finds_the_same_points():
    picture = texture(np.random.default_rng(5))
    path = np.concatenate([np.linspace(0, 400, 50), np.linspace(400, 0, 50)])
    tracks = _tracks([window(picture, (100 + x, 200), SIZE) for x in path])
    shift = _shift_since_first(tracks, 99)
    assert len(shift) > 30
    assert np.abs(np.median(shift, axis=0)).max() < 0.1


def test_a_cut_begins_another_shot():
    one, other = (window(texture(np.random.default_rng(seed)), (50, 50), SIZE) for seed in (6, 7))
    tracks = _tracks([one] * 10 + [other] * 10)
    assert tracks.cuts == (10,)
    before, after = tracks.between(0, 10), tracks.between(10, 20)
    assert not set(before.point) & set(after.point)
    assert after.frame_count == 10 and (np.bincount(after.frame, minlength=10)[4:] > 50).all()


def test_a_flash_is_no_cut():
    picture = window(texture(np.random.default_rng(8)), (50, 50), SIZE)
    tracks = _tracks([picture] * 8 + [np.full_like(picture, 255)] + [picture] * 8)
    assert tracks.cuts == ()
    assert len(_shift_since_first(tracks, 16)) > 50


def test_pictures_without_anything_to_see_give_no_points():
    tracks = _tracks([np.full((270, 480, 3), 90, np.uint8)] * 10)
    assert tracks.frame_count == 10 and len(tracks.frame) == 0


def test_portrait_and_tiny_pictures_work():
    picture = texture(np.random.default_rng(9))
    for size in ((270, 480), (160, 90)):
        tracks = _tracks([window(picture, (100 + n, 100), size) for n in range(6)])
        assert tracks.size == size and len(_shift_since_first(tracks, 5)) > 3
