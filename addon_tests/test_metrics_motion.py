"""Naturalness metrics, against motions whose figures are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.kinematics import forward
from animepose_blender.core.quaternions import normalize
from animepose_blender.estimate.metrics import motion
from animepose_blender.skeleton import REST_LENGTHS_M

FPS = 30.0
TIMES = np.arange(60) / FPS


def moving(x_m):
    """(1, F, 28, 3) every joint at (x, 0, 1)."""
    return np.stack([x_m, np.zeros_like(x_m), np.ones_like(x_m)], -1)[None, :, None, :].repeat(28, 2)


def test_constant_acceleration_has_no_jitter():
    assert motion.jitter_10m_s3(moving(3 * TIMES**2 + TIMES), TIMES) == pytest.approx(0.0, abs=1e-6)


def test_a_cubic_has_the_jerk_of_its_third_derivative():
    # x = 5 t³ has a third derivative of 30 m/s³, told in units of 10.
    assert motion.jitter_10m_s3(moving(5 * TIMES**3), TIMES) == pytest.approx(3.0)


def test_jitter_of_a_motion_does_not_depend_on_the_frame_rate():
    fine = np.arange(120) / 60.0
    assert motion.jitter_10m_s3(moving(5 * fine**3), fine) == pytest.approx(3.0)


def test_jitter_is_not_measured_across_absent_frames_or_holes_in_time():
    joints = moving(np.where(TIMES < 1.0, 0.0, 5.0))
    joints[:, 30] = np.nan
    assert motion.jitter_10m_s3(joints, TIMES) == pytest.approx(0.0)
    hole = np.concatenate([TIMES[:30], TIMES[30:] + 1.0])
    assert motion.jitter_10m_s3(moving(hole * 2), hole) == pytest.approx(0.0, abs=1e-6)


def test_jitter_needs_four_frames():
    assert motion.jitter_10m_s3(moving(TIMES[:3]), TIMES[:3]) is None


def feet(x_m):
    return np.stack([x_m, np.zeros_like(x_m), np.zeros_like(x_m)], -1)[None, :, None, :].repeat(4, 2)


def test_a_foot_that_drifts_while_the_true_one_stands_slides_by_its_speed():
    # 0.06 m/s is 2 mm a frame at 30 frames a second.
    assert motion.foot_slide_mm(feet(0.06 * TIMES), feet(0 * TIMES), TIMES) == pytest.approx(2.0)
    fine = np.arange(120) / 60.0
    assert motion.foot_slide_mm(feet(0.06 * fine), feet(0 * fine), fine) == pytest.approx(2.0)


def test_a_foot_that_swings_is_not_sliding():
    walking = np.where(TIMES < 1.0, 0.0, (TIMES - 1.0) * 1.0)
    # The estimate follows the step exactly and stands exactly: nothing slides, though it moves.
    assert motion.foot_slide_mm(feet(walking), feet(walking), TIMES) == pytest.approx(0.0)
    assert motion.foot_slide_mm(feet(walking), feet(1.0 * TIMES), TIMES) is None


def test_a_slow_foot_in_the_air_does_not_count_where_contact_is_known():
    contact = np.zeros((1, 60, 4), dtype=bool)
    assert motion.foot_slide_mm(feet(0.06 * TIMES), feet(0 * TIMES), TIMES, contact) is None
    contact[:, :30] = True
    drift = np.where(TIMES < 1.0, 0.03, 0.3) * TIMES
    assert motion.foot_slide_mm(feet(drift), feet(0 * TIMES), TIMES, contact) == pytest.approx(1.0)


def test_penetration_is_the_mean_depth_with_feet_above_the_floor_as_zero():
    heights = np.array([[-0.04, 0.5, 0.0, -0.02], [0.1, 0.1, 0.1, np.nan]])
    points = np.stack([np.zeros_like(heights), np.zeros_like(heights), heights], -1)
    assert motion.penetration_mm(points) == pytest.approx(60.0 / 7)
    assert motion.penetration_mm(np.full((3, 4, 3), np.nan)) is None


def test_bones_of_a_solved_skeleton_do_not_vary(rng):
    rotations = normalize(rng.normal(size=(1, 20, 28, 4)))
    joints, _ = forward(rotations, np.zeros((1, 20, 3)), REST_LENGTHS_M)
    assert motion.bone_cv(joints) == pytest.approx(0.0, abs=1e-12)


def test_bone_cv_is_the_deviation_over_the_mean():
    # All joints lie on rays from the pelvis along their chain; scaling the body by 0.9 and 1.1 in turn gives 0.1.
    rotations = np.tile([1.0, 0, 0, 0], (1, 10, 28, 1))
    joints, _ = forward(rotations, np.zeros((1, 10, 3)), REST_LENGTHS_M)
    scale = np.where(np.arange(10) % 2, 0.9, 1.1)[None, :, None, None]
    assert motion.bone_cv(joints * scale) == pytest.approx(0.1)
    assert motion.bone_cv(joints[:, :1]) is None
