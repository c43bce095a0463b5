"""The floor lies under the feet of those who stand, whatever jumpers, climbers and the camera do."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import FOOT_HEIGHT_M, walking_take
from animepose_blender.estimate.floor import contacts, fit_floor
from animepose_blender.skeleton import CONTACT_JOINTS, JOINT_COUNT, REST_JOINTS_M, J

AWAY_M = np.array([0.0, 6.0, 0.0])
"""People walk about this place; the camera stands above the origin and looks along Y."""
LONG = 240


def _camera(pitch_deg: float = 10.0, roll_deg: float = 0.0, height_m: float = 1.6) -> np.ndarray:
    """(4, 4) camera to world of a camera that looks down and leans."""
    level = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    matrix = np.eye(4)
    matrix[:3, :3] = (
        Rotation.from_euler("x", -pitch_deg, degrees=True).as_matrix()
        @ level
        @ Rotation.from_euler("z", roll_deg, degrees=True).as_matrix()
    )
    matrix[2, 3] = height_m
    return matrix


def _walkers(people: int = 2, frames: int = LONG) -> tuple[np.ndarray, np.ndarray]:
    """(P, F, J, 3) joints in the world and (F,) times."""
    take = walking_take(people=people, frames=frames, gaps=False)
    return take.joints_world_m.astype(float) + AWAY_M, take.frame_time_s


def _fit(joints_world_m: np.ndarray, time_s: np.ndarray, camera: np.ndarray) -> tuple[float, np.ndarray]:
    """Tilt against the truth in degrees, and the (P, F) height of each one's lower foot over the floor found."""
    joints_camera_m = cameras.transform(cameras.invert(camera), joints_world_m)
    found = fit_floor(joints_camera_m, np.ones(joints_camera_m.shape[:3]), time_s)
    tilt_deg = np.degrees(np.arccos(np.clip(found[2, :3] @ camera[2, :3], -1, 1)))
    return tilt_deg, cameras.transform(found, joints_camera_m)[:, :, list(CONTACT_JOINTS), 2].min(axis=-1)


@pytest.mark.parametrize("people", [1, 2, 3])
@pytest.mark.parametrize("camera", [(0, 0, 1.2), (12, 0, 1.6), (25, -2, 3.0), (45, 0, 6.0), (-8, 3, 0.5)])
def test_the_floor_under_walking_people_is_found(people, camera):
    tilt_deg, height_m = _fit(*_walkers(people), _camera(*camera))
    assert tilt_deg < 0.5
    np.testing.assert_allclose(height_m, FOOT_HEIGHT_M, atol=0.02)


def test_a_noisy_distance_of_the_people_does_not_tilt_the_floor(rng):
    joints_m, time_s = _walkers(2)
    # Depth wavers by three per cent, as it does for a size taken from the picture.
    waver = 1 + 0.03 * np.repeat(rng.normal(size=(2, LONG // 8, 1, 1)), 8, axis=1)
    camera = _camera(12, 0, 1.6)
    tilt_deg, height_m = _fit(camera[:3, 3] + (joints_m - camera[:3, 3]) * waver, time_s, camera)
    assert tilt_deg < 1.5
    assert abs(np.median(height_m) - FOOT_HEIGHT_M) < 0.03


def test_somebody_on_a_wall_does_not_lift_or_tilt_the_floor():
    joints_m, time_s = _walkers(2)
    joints_m[1] += [0.0, 0.0, 0.6]
    tilt_deg, height_m = _fit(joints_m, time_s, _camera())
    assert tilt_deg < 0.6
    np.testing.assert_allclose(height_m[0], FOOT_HEIGHT_M, atol=0.02)
    np.testing.assert_allclose(height_m[1], FOOT_HEIGHT_M + 0.6, atol=0.02)


def test_jumps_do_not_lift_or_tilt_the_floor():
    joints_m, time_s = _walkers(2)
    jump = 0.5 * np.clip(np.sin(2 * np.pi * 0.7 * time_s), 0, None)
    joints_m[0, :, :, 2] += jump[:, None]
    tilt_deg, height_m = _fit(joints_m, time_s, _camera())
    assert tilt_deg < 0.6
    np.testing.assert_allclose(height_m[0], FOOT_HEIGHT_M + jump, atol=0.03)


@pytest.mark.parametrize("pitch_deg", [0, 15, 50])
@pytest.mark.parametrize("frames", [1, 2, 60])
def test_somebody_who_only_stands_is_believed_to_stand_upright(pitch_deg, frames):
    joints_m = np.tile(REST_JOINTS_M + [0.4, 4.0, 0.0], (1, frames, 1, 1))
    tilt_deg, height_m = _fit(joints_m, np.arange(frames) / 30, _camera(pitch_deg))
    # The rest pose leans by a degree from ankles to neck.
    assert tilt_deg < 2
    np.testing.assert_allclose(height_m, FOOT_HEIGHT_M, atol=0.02)


def test_somebody_who_lies_on_the_floor_does_not_turn_the_world_over():
    joints_m, time_s = _walkers(2)
    lying = Rotation.from_euler("y", 90, degrees=True).apply(REST_JOINTS_M - REST_JOINTS_M[0]) + AWAY_M + [0, 0, 0.15]
    joints_m[1] = lying
    tilt_deg, height_m = _fit(joints_m, time_s, _camera())
    assert tilt_deg < 1
    np.testing.assert_allclose(height_m[0], FOOT_HEIGHT_M, atol=0.03)


def test_absent_frames_and_people_do_not_matter():
    joints_m, time_s = _walkers(3)
    joints_m[0, 50:90], joints_m[2] = np.nan, np.nan
    tilt_deg, height_m = _fit(joints_m, time_s, _camera())
    assert tilt_deg < 0.5
    np.testing.assert_allclose(height_m[1], FOOT_HEIGHT_M, atol=0.02)


def test_feet_that_are_not_trusted_have_no_say():
    joints_m, time_s = _walkers(2)
    camera = _camera()
    joints_camera_m = cameras.transform(cameras.invert(camera), joints_m)
    confidence = np.ones(joints_camera_m.shape[:3])
    wrong = joints_camera_m.copy()
    wrong[:, 100:140, list(CONTACT_JOINTS)] += [0.0, 0.5, 0.0]
    confidence[:, 100:140, list(CONTACT_JOINTS)] = 0
    found = fit_floor(wrong, confidence, time_s)
    assert np.degrees(np.arccos(found[2, :3] @ camera[2, :3])) < 0.5


@pytest.mark.parametrize("seen", [True, False])
def test_the_camera_stands_over_the_origin_and_looks_along_y(seen):
    joints_m, time_s = _walkers(1, 60)
    joints_camera_m = (
        cameras.transform(cameras.invert(_camera(20, 4)), joints_m) if seen else np.full_like(joints_m, np.nan)
    )
    found = fit_floor(joints_camera_m, np.ones(joints_m.shape[:3]), time_s)
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(found[:3, :3]) == pytest.approx(1)
    np.testing.assert_array_equal(found[3], [0, 0, 0, 1])
    np.testing.assert_array_equal(found[:2, 3], 0)
    assert found[2, 3] > 0
    view = found[:3, 2]
    assert view[0] == pytest.approx(0, abs=1e-9)
    assert view[1] > 0


CAMERA_M = np.array([0.0, -5.0, 1.5])


def _in_place(frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """(F, J, 3) of somebody who stands still in the world, and (F,) times."""
    return np.tile(REST_JOINTS_M, (frames, 1, 1)), np.arange(frames) / 30


def test_feet_that_stand_are_in_contact():
    assert contacts(*_in_place(), CAMERA_M).min() > 0.9


def test_a_lifted_foot_is_not_in_contact_and_the_other_is():
    joints_m, time_s = _in_place()
    joints_m[20:40, [J["left_heel"], J["left_toe"]], 2] += 0.15
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability.shape == (60, 4)
    assert probability[22:38, :2].max() < 0.1
    assert probability[:, 2:].min() > 0.9
    assert probability[:15, :2].min() > 0.9


def test_a_lifted_heel_leaves_its_toe_in_contact():
    joints_m, time_s = _in_place()
    joints_m[20:40, J["right_heel"], 2] += 0.12
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability[22:38, 2].max() < 0.1
    assert probability[22:38, 3].min() > 0.9


def test_a_foot_that_slides_fast_across_the_view_is_not_in_contact():
    joints_m, time_s = _in_place()
    joints_m[:, [J["left_heel"], J["left_toe"]], 0] += 1.0 * time_s[:, None]
    probability = contacts(joints_m, time_s, CAMERA_M)
    assert probability[:, :2].max() < 0.1
    assert probability[:, 2:].min() > 0.9


def test_depth_that_wavers_does_not_end_a_contact():
    joints_m, time_s = _in_place()
    ray = joints_m - CAMERA_M
    wavering = joints_m + ray * (0.01 * np.sin(2 * np.pi * 2 * time_s))[:, None, None] * [1, 1, 0]
    assert contacts(wavering, time_s, CAMERA_M).min() > 0.5


def test_the_contacts_of_a_walk_are_those_of_its_making():
    take = walking_take(people=2, frames=120, gaps=False)
    for person in range(2):
        found = contacts(take.joints_world_m[person].astype(float), take.frame_time_s, take.camera_to_world[0, :3, 3])
        assert ((found > 0.5) == (take.contact[person] > 0.5)).mean() > 0.85


def test_the_contact_of_one_frame_is_a_probability():
    probability = contacts(np.zeros((1, JOINT_COUNT, 3)), np.zeros(1), CAMERA_M)
    assert probability.shape == (1, 4)
    assert ((probability >= 0) & (probability <= 1)).all()
