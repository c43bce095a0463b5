"""The way up from upright lines: right where they are many, nothing where they are few or of two minds."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from addon_tests.estimate.moving_cameras import camera_to_world, intrinsics_of, person_at
from animepose_blender.estimate.verticals import Lines, up_from_lines

SIZE = (960, 540)
FOCAL_PX = 800.0


def _camera(tilt_deg, roll_deg=0.0, yaw_deg=0.0):
    return camera_to_world(np.array([yaw_deg]), np.array([tilt_deg]), np.array([roll_deg]), np.array([[0, -1, 1.6]]))[0]


def _picture(camera, feet_m, height_m=2.5, lean=0.0):
    """(H, W, 3) posts over places of the floor, dark on light, and the boards of the floor."""
    rgb = np.full((SIZE[1], SIZE[0], 3), 200, np.uint8)
    rgb += np.random.default_rng(0).integers(0, 12, rgb.shape, dtype=np.uint8)
    to_camera = np.linalg.inv(camera)

    def line(a, b, grey):
        ends = np.array([a, b]) @ to_camera[:3, :3].T + to_camera[:3, 3]
        if (ends[:, 2] > 0.3).all():
            px = ends[:, :2] / ends[:, 2:] * FOCAL_PX + np.array(SIZE) / 2
            cv2.line(rgb, *(tuple(int(v) for v in p) for p in np.rint((px - 0.5) * 16)), (grey,) * 3, 6, cv2.LINE_AA, 4)

    for x in np.arange(-3, 3.1, 0.75):
        line((x, 2.0, 0), (x, 12, 0), 120)
    for x, y in feet_m:
        line((x, y, 0), (x + lean * height_m, y, height_m), 40)
    return rgb


POSTS = [(x, y) for x, y in zip(np.linspace(-3.5, 3.5, 13), 6 + np.cos(np.arange(13)) * 1.5)]


def _up(rgb, people=(), camera_to_start=None):
    lines = Lines(*SIZE)
    lines.add(rgb, list(people))
    return up_from_lines(lines.segments(), intrinsics_of(1, FOCAL_PX, SIZE), camera_to_start)


def _off_deg(up, camera):
    return np.degrees(np.arccos(np.clip(up @ (camera[:3, :3].T @ [0, 0, 1]), -1, 1)))


@pytest.mark.parametrize(("tilt_deg", "roll_deg"), [(0, 0), (12, 4), (25, -6), (33, 0), (-15, 2)])
def test_posts_tell_the_way_up_whatever_the_tilt(tilt_deg, roll_deg):
    camera = _camera(tilt_deg, roll_deg)
    nearer = 0.5 if tilt_deg > 20 else 1.0
    found = _up(_picture(camera, np.array(POSTS) * nearer))
    assert found is not None
    up, sigma = found
    assert np.isclose(np.linalg.norm(up), 1)
    assert _off_deg(up, camera) < 1.5
    assert _off_deg(up, camera) < 3 * np.degrees(sigma) and np.degrees(sigma) < 5


def test_a_turning_camera_gives_the_way_up_at_its_start():
    cameras = np.stack([_camera(20, 0, yaw) for yaw in np.linspace(0, 20, 61)])
    lines = Lines(*SIZE)
    for camera in cameras:
        lines.add(_picture(camera, POSTS), [])
    to_start = np.linalg.inv(cameras[0]) @ cameras
    found = up_from_lines(lines.segments(), intrinsics_of(61, FOCAL_PX, SIZE), to_start)
    assert found is not None and _off_deg(found[0], cameras[0]) < 1


def test_few_lines_say_nothing():
    assert _up(_picture(_camera(15), POSTS[:1])) is None
    assert _up(np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)) is None


def test_two_ways_up_say_nothing():
    camera = _camera(10)
    one, other = (_picture(camera, posts, lean=lean) for posts, lean in ((POSTS[::2], 0.12), (POSTS[1::2], -0.12)))
    assert _up(np.minimum(one, other)) is None


def test_lines_on_people_are_left_out():
    camera = _camera(15)
    rgb = _picture(camera, POSTS)
    assert _up(rgb, [person_at((480, 270), 1100)]) is None


def test_the_same_picture_again_makes_nothing_surer():
    rgb = _picture(_camera(15), POSTS)
    once = _up(rgb)
    lines = Lines(*SIZE)
    for _ in range(91):
        lines.add(rgb, [])
    often = up_from_lines(lines.segments(), intrinsics_of(91, FOCAL_PX, SIZE))
    assert once is not None and often is not None
    assert often[1] == pytest.approx(once[1], rel=0.05)


def test_what_is_believed_decides_between_two_ways_up():
    camera = _camera(10)
    leans = (0.12, -0.12)
    pictures = [_picture(camera, posts, lean=lean) for posts, lean in zip((POSTS[::2], POSTS[1::2]), leans)]
    lines = Lines(*SIZE)
    lines.add(np.minimum(*pictures), [])
    for lean in leans:
        up = camera[:3, :3].T @ (np.array([lean, 0, 1]) / np.hypot(lean, 1))
        believed = camera[:3, :3].T @ (np.array([2 * lean, 0, 1]) / np.hypot(2 * lean, 1))
        found = up_from_lines(lines.segments(), intrinsics_of(1, FOCAL_PX, SIZE), None, (believed, np.radians(8)))
        assert found is not None and np.degrees(np.arccos(found[0] @ up)) < 2
