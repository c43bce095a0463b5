"""The 3D box of a person holds mask, joints and flesh, and no stray pixel blows it up."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.estimate.depth import GRID
from animepose_blender.estimate.detections import gather
from animepose_blender.estimate.person_boxes import JOINT_MARGIN_M, person_boxes

from .evidence import observe_take, see_walkers


@pytest.fixture(scope="module")
def walker():
    """Silhouettes, regions, joints and intrinsics of somebody who walks for a second."""
    sight = see_walkers(people=1, frames=30)
    seen = gather(observe_take(sight.take).tracklets)
    return seen.silhouette, seen.region, sight.joints_camera_m[0], sight.take.intrinsics


def test_the_box_holds_all_joints_with_a_margin(walker):
    boxes_m = person_boxes(*walker)
    joints_m = walker[2]
    assert (joints_m.min(axis=1) - boxes_m[:, :3] >= JOINT_MARGIN_M - 1e-9).all()
    assert (boxes_m[:, 3:] - joints_m.max(axis=1) >= JOINT_MARGIN_M - 1e-9).all()


def test_the_box_is_of_a_persons_size(walker):
    extent_m = np.ptp(person_boxes(*walker).reshape(-1, 2, 3), axis=1)
    assert ((extent_m[:, 1] > 1.5) & (extent_m[:, 1] < 2.1)).all()
    assert ((extent_m[:, [0, 2]] > 0.2) & (extent_m[:, [0, 2]] < 1.6)).all()


def test_the_box_shows_in_the_picture_where_the_mask_is(walker):
    silhouettes, regions, _joints_m, intrinsics = walker
    boxes_m = person_boxes(*walker)
    corners = np.stack([boxes_m[:, [x, y, z]] for x in (0, 3) for y in (1, 4) for z in (2, 5)], axis=1)
    corners_px = cameras.project(corners, intrinsics)
    rows, columns = silhouettes.any(axis=2), silhouettes.any(axis=1)
    for n in range(len(boxes_m)):
        cells = [np.flatnonzero(columns[n]), np.flatnonzero(rows[n])]
        for axis, own in enumerate(cells):
            low, high = (np.array([own[0], own[-1] + 1]) / GRID - 0.5) * regions[n, 2] + regions[n, axis]
            # A cell of the silhouette is a 32nd of the region.
            assert corners_px[n, :, axis].min() < low + regions[n, 2] / GRID
            assert corners_px[n, :, axis].max() > high - regions[n, 2] / GRID


def test_a_coat_makes_the_box_wider(walker):
    silhouettes, _regions, _joints_m, _intrinsics = walker
    wide = silhouettes.copy()
    wide[:, 14:22] = True
    bare, coated = (np.ptp(person_boxes(s, *walker[1:]).reshape(-1, 2, 3), axis=1) for s in (silhouettes, wide))
    assert (coated[:, 0] > bare[:, 0] + 0.2).all()


def test_a_few_wrong_pixels_do_not_change_the_box(walker):
    silhouettes, _regions, _joints_m, _intrinsics = walker
    stray = silhouettes.copy()
    stray[:, 0, :2] = True
    np.testing.assert_allclose(person_boxes(stray, *walker[1:]), person_boxes(*walker), atol=0.06)


def test_without_a_mask_the_joints_make_the_box(walker):
    silhouettes, _regions, joints_m, _intrinsics = walker
    some = silhouettes.copy()
    some[::2] = False
    boxes_m = person_boxes(some, *walker[1:])
    margin = [JOINT_MARGIN_M] * 3
    np.testing.assert_allclose(
        boxes_m[::2], np.concatenate([joints_m.min(axis=1) - margin, joints_m.max(axis=1) + margin], axis=1)[::2]
    )
    np.testing.assert_array_equal(boxes_m[1::2], person_boxes(*walker)[1::2])


def test_a_mask_of_one_pixel_is_enough(walker):
    one = np.zeros_like(walker[0])
    one[:, 16, 16] = True
    assert np.isfinite(person_boxes(one, *walker[1:])).all()


def test_nobody_has_no_boxes():
    nobody = person_boxes(np.zeros((0, GRID, GRID), bool), np.zeros((0, 4)), np.zeros((0, 28, 3)), np.zeros((0, 3, 3)))
    assert nobody.shape == (0, 6)


def test_the_input_is_left_as_it_was(walker):
    before = [a.copy() for a in walker]
    person_boxes(*walker)
    for a, b in zip(walker, before):
        np.testing.assert_array_equal(a, b)
