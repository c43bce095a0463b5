"""The focal length from lines: right where walls and floors run in two or three directions, else nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from addon_tests.estimate.moving_cameras import camera_to_world
from animepose_blender.estimate.camera import DEFAULT_35MM, DEFAULT_SIGMA, SENSOR_MM, Focal
from animepose_blender.estimate.manhattan import focal_from_lines, with_lines
from animepose_blender.estimate.verticals import Lines, Segments

SIZE = (960, 540)
LONG = max(SIZE)
DEFAULT = Focal(DEFAULT_35MM / SENSOR_MM * LONG, "default", DEFAULT_SIGMA)


def _camera(yaw_deg=0.0, tilt_deg=0.0, roll_deg=0.0):
    return camera_to_world(np.array([yaw_deg]), np.array([tilt_deg]), np.array([roll_deg]), np.array([[0, -1, 1.6]]))[0]


def _tiles(corner, one, other, count=13):
    """(2 count, 2, 3) the joints of tiles on a rectangle from a corner along two sides."""
    corner, one, other = (np.array(v, float) for v in (corner, one, other))
    share = np.linspace(0, 1, count)[:, None]
    along = [np.stack([corner + share * b, corner + share * b + a], axis=1) for a, b in ((one, other), (other, one))]
    return np.concatenate(along)


FLOOR = _tiles((-5, 2, 0), (10, 0, 0), (0, 9, 0))
BACK = _tiles((-6, 11, 0), (12, 0, 0), (0, 0, 4.5))
SIDE = _tiles((5, 2, 0), (0, 9, 0), (0, 0, 4))
CEILING = _tiles((-5, 2, 4), (10, 0, 0), (0, 9, 0))
ROOM = np.concatenate([FLOOR, BACK, SIDE, CEILING])


def _seen(lines_m, camera, focal_px, *, size=SIZE, clutter=0, seed=0, noise_px=0.4):
    """Segments of lines (N, 2, 3) in pieces, with noisy ends, among others that run anywhere."""
    random = np.random.default_rng(seed)
    pieces = np.linspace(0, 1, 7)[:, None, None]
    cuts = lines_m[:, 0] + pieces * (lines_m[:, 1] - lines_m[:, 0])
    pieces_m = np.stack([cuts[:-1], cuts[1:]], axis=2).reshape(-1, 2, 3)
    ends = (pieces_m - camera[:3, 3]) @ camera[:3, :3]
    ends = ends[(ends[..., 2] > 0.3).all(axis=1)]
    px = ends[..., :2] / ends[..., 2:] * focal_px + np.array(size) / 2
    px = px[((px > 0) & (px < size)).all(axis=(1, 2))]
    px = px + random.normal(0, noise_px, px.shape)
    middle, turn = random.uniform(0, size, (clutter, 2)), random.uniform(0, np.pi, clutter)
    half = random.uniform(0.015, 0.06, clutter)[:, None] * max(size) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    px = np.concatenate([px, np.stack([middle - half, middle + half], axis=1)])
    px = px[np.linalg.norm(px[:, 1] - px[:, 0], axis=1) > 0.03 * max(size)]
    return Segments(np.zeros(len(px), int), px, size)


def _right(found, focal_px, within):
    assert found is not None
    off = abs(np.log(found[0] / focal_px))
    assert off < within and off < 3 * found[1]
    return True


@pytest.mark.parametrize("focal_mm", [18, 26, 40, 65])
@pytest.mark.parametrize(("yaw_deg", "tilt_deg", "roll_deg"), [(25, 10, 0), (-35, 15, 5), (18, -8, 3), (20, 10, 20)])
def test_a_room_seen_aslant_tells_the_focal_length(focal_mm, yaw_deg, tilt_deg, roll_deg):
    focal_px = focal_mm / 36 * LONG
    found = focal_from_lines(_seen(ROOM, _camera(yaw_deg, tilt_deg, roll_deg), focal_px), *SIZE)
    assert _right(found, focal_px, 0.1)


def test_a_tilted_camera_needs_no_yaw():
    found = focal_from_lines(_seen(np.concatenate([FLOOR, BACK]), _camera(tilt_deg=20), 700), *SIZE)
    assert _right(found, 700, 0.1)


def test_upright_pictures_have_their_longer_side_upright():
    size = (540, 960)
    found = focal_from_lines(_seen(ROOM, _camera(25, 12), 820, size=size), *size)
    assert _right(found, 820, 0.1)


@pytest.mark.parametrize("seed", range(4))
def test_clutter_as_much_as_lines_does_no_harm(seed):
    count = len(_seen(ROOM, _camera(30, 12), 760).frame)
    segments = _seen(ROOM, _camera(30, 12), 760, clutter=count, seed=seed)
    assert _right(focal_from_lines(segments, *SIZE), 760, 0.15)


@pytest.mark.parametrize("seed", range(6))
def test_clutter_alone_says_nothing(seed):
    segments = _seen(ROOM[:0], _camera(), 760, clutter=40 + 40 * seed, seed=seed)
    assert focal_from_lines(segments, *SIZE) is None
    assert with_lines(DEFAULT, segments, *SIZE) is DEFAULT


def test_no_lines_say_nothing():
    segments = _seen(ROOM[:0], _camera(), 760)
    assert focal_from_lines(segments, *SIZE) is None
    assert with_lines(DEFAULT, segments, *SIZE) is DEFAULT


@pytest.mark.parametrize(("yaw_deg", "tilt_deg"), [(0, 0), (0.5, 0.3), (-0.6, 0.8)])
def test_a_wall_seen_from_the_front_says_nothing(yaw_deg, tilt_deg):
    segments = _seen(BACK, _camera(yaw_deg, tilt_deg), 760, clutter=20)
    assert focal_from_lines(segments, *SIZE) is None
    focal = with_lines(DEFAULT, segments, *SIZE)
    assert abs(np.log(focal.focal_px / 760)) < 2 * focal.sigma


def test_one_direction_only_says_nothing():
    boards = _tiles((-5, 2, 0), (0, 9, 0), (10, 0, 0), 14)[:14]
    assert focal_from_lines(_seen(boards, _camera(20, 15), 760), *SIZE) is None


def test_things_at_odd_angles_make_nothing_wrong():
    random = np.random.default_rng(3)
    sheds = []
    for _ in range(4):
        turn = random.uniform(0, np.pi)
        side = 3 * np.array([np.cos(turn), np.sin(turn), 0])
        sheds.append(_tiles((*random.uniform((-4, 4), (4, 8)), 0), side, (0, 0, 2), 4))
    found = focal_from_lines(_seen(np.concatenate([ROOM, *sheds]), _camera(25, 12), 760), *SIZE)
    assert _right(found, 760, 0.15)


def test_the_same_picture_again_makes_nothing_surer():
    once = _seen(ROOM, _camera(25, 12), 760)
    n = len(once.frame)
    often = Segments(np.repeat(np.arange(5) * 30, n), np.tile(once.ends_px, (5, 1, 1)), once.size)
    one, five = focal_from_lines(once, *SIZE), focal_from_lines(often, *SIZE)
    assert one is not None and five is not None
    assert five == pytest.approx(one, rel=1e-6)


def test_lines_are_found_in_a_picture():
    focal_px, camera = 700.0, _camera(30, 14)
    rgb = np.full((SIZE[1], SIZE[0], 3), 190, np.uint8)
    rgb += np.random.default_rng(0).integers(0, 12, rgb.shape, dtype=np.uint8)
    seen = _seen(ROOM, camera, focal_px, noise_px=0.0)
    for a, b in np.rint((seen.ends_px - 0.5) * 16).astype(int).tolist():
        cv2.line(rgb, a, b, (50, 50, 50), 3, cv2.LINE_AA, 4)
    lines = Lines(*SIZE)
    lines.add(rgb, [])
    assert _right(focal_from_lines(lines.segments(), *SIZE), focal_px, 0.1)


def test_lines_add_to_what_is_believed():
    segments = _seen(ROOM, _camera(25, 12), 500)
    focal = with_lines(DEFAULT, segments, *SIZE)
    assert focal.source == "estimated" and focal.sigma < 0.1
    assert abs(np.log(focal.focal_px / 500)) < 3 * focal.sigma


def test_lines_may_only_tell_that_a_view_is_narrow():
    # Nearly from the front, the lines allow any narrow view, and no wide one.
    segments = _seen(np.concatenate([FLOOR, BACK]), _camera(tilt_deg=4), 1500)
    assert focal_from_lines(segments, *SIZE) is None
    focal = with_lines(DEFAULT, segments, *SIZE)
    assert focal.focal_px > 1.1 * DEFAULT.focal_px
    assert abs(np.log(focal.focal_px / 1500)) < abs(np.log(DEFAULT.focal_px / 1500))


def test_a_known_focal_length_is_left_alone():
    known = Focal(900.0, "user")
    assert with_lines(known, _seen(ROOM, _camera(25, 12), 500), *SIZE) is known


def test_against_a_firm_belief_lines_do_not_prevail():
    firm = Focal(900.0, "estimated", 0.05)
    assert with_lines(firm, _seen(ROOM, _camera(25, 12), 500), *SIZE) is firm
