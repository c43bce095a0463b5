"""People who share a floor get the sizes that put their feet on it."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.sizes import LARGEST, SMALLEST, sizes_on_floor
from animepose_blender.take import State, Take


@pytest.fixture(scope="module")
def walkers() -> Take:
    return walking_take(people=2, frames=90, gaps=False)


def _in_camera(take: Take, factors: tuple[float, float]) -> np.ndarray:
    """Joints as an estimator sees them that makes people larger or smaller than they are, about the camera's centre."""
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))
    joints_m[take.state == State.ABSENT] = np.nan
    return joints_m * np.array(factors)[:, None, None, None]


def _sizes(take: Take, joints_camera_m: np.ndarray) -> np.ndarray:
    sure = np.ones(joints_camera_m.shape[:3])
    return sizes_on_floor(joints_camera_m, sure, take.frame_time_s, take.camera_to_world[0])


def test_people_of_the_right_size_keep_it(walkers: Take) -> None:
    np.testing.assert_allclose(_sizes(walkers, _in_camera(walkers, (1.0, 1.0))), 1.0, atol=0.02)


@pytest.mark.parametrize("wrong", [(0.93, 1.06), (1.05, 0.95)])
def test_wrong_sizes_are_undone(walkers: Take, wrong: tuple[float, float]) -> None:
    found = _sizes(walkers, _in_camera(walkers, wrong)) * np.array(wrong)
    np.testing.assert_allclose(found, 1.0, atol=0.02)


def test_the_picture_stays_the_same(walkers: Take) -> None:
    seen = _in_camera(walkers, (0.93, 1.06))
    resized = seen * _sizes(walkers, seen)[:, None, None, None]
    before, after = (cameras.project(j, walkers.intrinsics) for j in (seen, resized))
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_somebody_on_a_wall_keeps_their_size(walkers: Take) -> None:
    raised = walkers.joints_world_m.astype(float)
    raised[1, ..., 2] += 0.9
    joints_m = cameras.transform(cameras.invert(walkers.camera_to_world), raised)
    assert _sizes(walkers, joints_m)[1] == 1.0


def test_no_size_beyond_belief(walkers: Take) -> None:
    sizes = _sizes(walkers, _in_camera(walkers, (0.82, 1.3)))
    assert ((sizes >= SMALLEST) & (sizes <= LARGEST)).all()


def test_somebody_never_seen_keeps_their_size(walkers: Take) -> None:
    joints_m = _in_camera(walkers, (1.0, 1.0))
    joints_m[1] = np.nan
    assert _sizes(walkers, joints_m)[1] == 1.0
