"""Pinhole cameras and rigid transforms, against OpenCV and SciPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras


@pytest.fixture
def points_m(rng) -> np.ndarray:
    """(4, 5, 3) before the camera."""
    return rng.uniform([-2, -1, 1], [2, 1, 9], size=(4, 5, 3))


@pytest.fixture
def intrinsics() -> np.ndarray:
    """(4, 3, 3) of a lens that zooms."""
    return np.stack([cameras.intrinsics_of(f, 1920, 1080) for f in (800.0, 1000.0, 1400.0, 2000.0)])


@pytest.fixture
def rigid(rng) -> np.ndarray:
    """(4, 4, 4)."""
    matrix = np.tile(np.eye(4), (4, 1, 1))
    matrix[:, :3, :3] = Rotation.random(4, random_state=3).as_matrix()
    matrix[:, :3, 3] = rng.normal(size=(4, 3))
    return matrix


def test_projection_agrees_with_opencv_frame_by_frame(points_m, intrinsics):
    projected_px = cameras.project(points_m, intrinsics)
    for frame in range(4):
        expected_px, _ = cv2.projectPoints(points_m[frame], np.zeros(3), np.zeros(3), intrinsics[frame], None)
        np.testing.assert_allclose(projected_px[frame], expected_px[:, 0], atol=1e-8)


def test_the_optical_axis_hits_the_middle_of_the_picture():
    np.testing.assert_allclose(
        cameras.project(np.array([[0.0, 0.0, 3.0]]), cameras.intrinsics_of(700.0, 640, 360)), [[320, 180]]
    )


def test_a_ray_goes_through_its_point(points_m, intrinsics):
    ray = cameras.rays(cameras.project(points_m, intrinsics), intrinsics)
    np.testing.assert_allclose(ray * points_m[..., 2:], points_m[..., :2], atol=1e-12)


def test_points_beside_or_behind_the_camera_have_no_picture(intrinsics):
    points_m = np.array([[0.1, 0.2, 0.0], [0.1, 0.2, -3.0], [0.1, 0.2, 3.0]])
    projected_px = cameras.project(points_m, intrinsics[0])
    assert np.isnan(projected_px[:2]).all()
    assert np.isfinite(projected_px[2]).all()


def test_transform_is_the_product_with_homogeneous_points(points_m, rigid):
    homogeneous = np.concatenate([points_m, np.ones((4, 5, 1))], axis=-1)
    expected = np.einsum("fij,fnj->fni", rigid, homogeneous)[..., :3]
    np.testing.assert_allclose(cameras.transform(rigid, points_m), expected, atol=1e-12)


def test_one_transform_serves_all_frames(points_m, rigid):
    whole = cameras.transform(rigid[0], points_m)
    np.testing.assert_allclose(whole[2], cameras.transform(rigid[0], points_m[2]), atol=1e-15)


def test_invert_is_the_inverse_matrix(rigid):
    np.testing.assert_allclose(cameras.invert(rigid), np.linalg.inv(rigid), atol=1e-12)
