"""Regions: squares that hold one person upright, and their maps to the picture."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.backends import region_to_picture


def _to(region: list[float], size: int, u: float, v: float) -> np.ndarray:
    return region_to_picture(np.array(region), size) @ [u, v, 1.0]


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.0])
def test_the_middle_of_the_crop_is_the_middle_of_the_region(angle):
    np.testing.assert_allclose(_to([300.0, 200.0, 80.0, angle], 256, 128, 128), [300, 200])


def test_the_corners_of_an_upright_crop_are_the_corners_of_the_region():
    region = [300.0, 200.0, 80.0, 0.0]
    np.testing.assert_allclose(_to(region, 256, 0, 0), [260, 160])
    np.testing.assert_allclose(_to(region, 256, 256, 0), [340, 160])
    np.testing.assert_allclose(_to(region, 256, 256, 256), [340, 240])


def test_a_region_turned_clockwise_has_its_top_to_the_right():
    # Somebody who lies with the head to the right of the picture.
    np.testing.assert_allclose(_to([300.0, 200.0, 80.0, np.pi / 2], 64, 32, 0), [340, 200])
