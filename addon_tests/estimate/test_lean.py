"""A lean of everybody that is the network's own is taken away, and what people really lean is left."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.detections import gather, place
from animepose_blender.estimate.lean import MOST_RAD, PEOPLE_LEAN_RAD, excess_lean, straightened

from .evidence import observe_take

UP = np.array([0.0, -1.0, 0.0])
FRAMES = 20


def _leaning(angle_rad: float, axis) -> np.ndarray:
    return Rotation.from_rotvec(angle_rad * np.asarray(axis, float)).apply(UP)


@pytest.mark.parametrize("axis", [(1, 0, 0), (0, 0, -1), (0.6, 0, 0.8)])
def test_only_what_is_beyond_a_usual_lean_is_taken_away(axis):
    angle = (PEOPLE_LEAN_RAD + MOST_RAD) / 2
    upright = _leaning(angle, axis)
    left = Rotation.from_rotvec(excess_lean(upright, UP)).apply(upright)
    assert np.arccos(np.clip(left @ UP, -1, 1)) == pytest.approx(PEOPLE_LEAN_RAD, abs=1e-9)
    # In the plane of the lean.
    assert np.cross(upright, UP) @ left == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("angle_rad", [0.0, 0.9 * PEOPLE_LEAN_RAD, 1.1 * MOST_RAD, np.pi / 2, np.pi])
def test_a_usual_lean_and_one_beyond_belief_are_left(angle_rad):
    np.testing.assert_array_equal(excess_lean(_leaning(angle_rad, (1, 0, 0)), UP), 0)


@pytest.fixture(scope="module")
def placed():
    """Two walkers before a camera that pans: person-frames, their places, the camera's path and lens."""
    take = walking_take(people=2, frames=FRAMES, gaps=False, moving_camera=True)
    seen = gather(observe_take(take).tracklets)
    path = cameras.invert(take.camera_to_world[0]) @ take.camera_to_world
    return seen, place(seen, take.intrinsics, take.frame_time_s)[0], path, take.intrinsics


def _trunks(placed, seen, path: np.ndarray) -> np.ndarray:
    """(N, 3) directions from pelvis to neck, still axes."""
    trunk = np.einsum("nij,nj->ni", path[seen.frame, :3, :3], placed.lifted.joints_m[:, 3])
    return trunk / np.linalg.norm(trunk, axis=1, keepdims=True)


@pytest.mark.parametrize("turn", [(0.1, 0, 0), (0, 0, -0.12), (-0.05, 0.02, 0.05)])
def test_everybody_is_turned_by_as_much_in_axes_that_stand_still(placed, turn):
    seen, before, path, intrinsics = placed
    after = straightened(before, seen, np.array(turn), path, intrinsics)
    ray = before.root_m / np.linalg.norm(before.root_m, axis=-1, keepdims=True)
    ray = np.einsum("nij,nj->ni", path[seen.frame, :3, :3], ray)
    # What leans in the plane of the picture is seen to, and stays.
    across = np.array(turn) - (ray @ np.array(turn))[:, None] * ray
    expected = Rotation.from_rotvec(across).apply(_trunks(before, seen, path))
    np.testing.assert_allclose(_trunks(after, seen, path), expected, atol=1e-6)


def test_people_stay_about_as_far_away_as_they_were(placed):
    seen, before, path, intrinsics = placed
    after = straightened(before, seen, np.array([0.15, 0, 0]), path, intrinsics)
    assert np.median(after.root_m[:, 2] / before.root_m[:, 2]) == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(after.root_m[:, 2], before.root_m[:, 2], rtol=0.1)
    np.testing.assert_allclose(after.root_m[:, :2], before.root_m[:, :2], atol=0.12)


def test_no_turn_leaves_everybody_as_they_are(placed):
    seen, before, path, intrinsics = placed
    after = straightened(before, seen, np.zeros(3), path, intrinsics)
    np.testing.assert_allclose(after.root_m, before.root_m, atol=0.03)
    assert np.linalg.norm(after.lifted.joints_m - before.lifted.joints_m, axis=-1).max() < 0.05


def test_a_network_that_tips_everybody_is_put_right(placed):
    """Bodies tipped towards the camera by ten degrees, seen at their true keypoints: turned back, they are right."""
    seen, truth, path, intrinsics = placed
    tip = np.array([np.radians(10.0), 0, 0])
    tipped = straightened(truth, seen, tip, path, intrinsics)
    back = straightened(tipped, seen, -tip, path, intrinsics)
    off = [np.linalg.norm(p.lifted.joints_m - truth.lifted.joints_m, axis=-1).mean() for p in (tipped, back)]
    assert off[1] < 0.5 * off[0]
