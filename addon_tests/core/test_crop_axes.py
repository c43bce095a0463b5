"""Axes of crops."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from animepose_blender.core.crop_axes import crop_to_camera

INTRINSICS = np.array([[500.0, 0.0, 200.0], [0.0, 400.0, 150.0], [0.0, 0.0, 1.0]])


def test_forward_in_a_crop_is_the_ray_through_its_middle() -> None:
    middles = np.array([[300.0, 20.0], [-50.0, 400.0], [200.0, 150.0]])
    forward = crop_to_camera(middles, INTRINSICS)[..., 2]
    pixels = forward @ INTRINSICS.T
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], middles, atol=1e-9)


def test_crop_axes_are_turned_no_more_than_needed() -> None:
    turn = crop_to_camera(np.array([300.0, 20.0]), INTRINSICS)
    angle = np.arccos(turn[2, 2])
    np.testing.assert_allclose(Rotation.from_matrix(turn).magnitude(), angle, atol=1e-9)
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)


def test_a_crop_in_the_middle_has_the_axes_of_the_camera() -> None:
    np.testing.assert_allclose(crop_to_camera(np.array([200.0, 150.0]), INTRINSICS), np.eye(3), atol=1e-12)
