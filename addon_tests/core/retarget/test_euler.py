"""Euler angles and axis with angle: Blender's own numbers, and steady over time."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.retarget import euler

RANDOM = np.random.default_rng(11)


def smooth_motion(frames: int = 400, bones: int = 7) -> np.ndarray:
    """(F, N, 4) rotations that wander over the whole sphere, a few degrees a frame."""
    steps = quat.normalize(
        np.concatenate([np.ones((frames, bones, 1)), RANDOM.normal(size=(frames, bones, 3)) * 0.03], -1)
    )
    motion = [quat.normalize(RANDOM.normal(size=(bones, 4)))]
    for step in steps[1:]:
        motion.append(quat.normalize(quat.multiply(motion[-1], step)))
    return np.array(motion)


@pytest.mark.parametrize("order", euler.ORDERS)
def test_angles_give_the_same_rotation_as_blenders_own(order):
    pytest.importorskip("bpy")
    mathutils = pytest.importorskip("mathutils")
    angles = RANDOM.uniform(-4, 4, (50, 3))
    theirs = np.array([mathutils.Euler(a, order).to_matrix() for a in angles])
    assert np.abs(quat.to_matrix(euler.to_quaternion(angles, order)) - theirs).max() < 1e-5


@pytest.mark.parametrize("order", euler.ORDERS)
def test_rotations_come_back_from_their_angles(order):
    motion = smooth_motion()
    angles = euler.from_quaternion(motion, order)
    assert euler.angle_between(euler.to_quaternion(angles, order), motion).max() < 2e-4


@pytest.mark.parametrize("order", euler.ORDERS)
def test_angles_never_flip_away_from_the_poles(order):
    motion = smooth_motion()
    angles = euler.from_quaternion(motion, order)
    middle = "XYZ".index(order[1])
    clear = np.abs(np.cos(angles[..., middle])) > 0.3
    both = (clear[1:] & clear[:-1])[..., None]
    assert np.abs(np.where(both, np.diff(angles, axis=0), 0)).max() < np.radians(60)


@pytest.mark.parametrize("order", euler.ORDERS)
def test_whole_turns_are_counted(order):
    for axis in (0, 1, 2):
        angles = np.zeros((200, 3))
        angles[:, axis] = np.linspace(0, 9.0, 200)
        found = euler.from_quaternion(euler.to_quaternion(angles, order), order)
        assert np.abs(np.diff(found, axis=0)).max() < 0.1
        assert np.abs(found - angles).max() < 1e-3


@pytest.mark.parametrize("order", euler.ORDERS)
def test_at_the_pole_angles_stay_where_they_were(order):
    angles = np.zeros((30, 3))
    first, middle = ("XYZ".index(letter) for letter in order[:2])
    angles[:, first] = 0.7
    angles[:10, middle] = np.linspace(0, np.pi / 2, 10)
    angles[10:, middle] = np.pi / 2
    found = euler.from_quaternion(euler.to_quaternion(angles, order), order)
    assert np.abs(found - angles).max() < 1e-3


def test_axis_and_angle_come_back_and_do_not_leap():
    motion = smooth_motion()
    motion[50:60] = quat.IDENTITY
    channels = euler.to_axis_angle(motion)
    assert euler.angle_between(euler.from_axis_angle(channels), motion).max() < 1e-5
    steps = np.abs(np.diff(channels[..., 0], axis=0))
    assert np.delete(steps, [49, 59], axis=0).max() < np.pi
    assert ((channels[1:, :, 1:] * channels[:-1, :, 1:]).sum(-1) > -1e-9).all()


def test_scale_and_shear_leave_rotations_be():
    q = quat.normalize(RANDOM.normal(size=(20, 4)))
    matrices = quat.to_matrix(q) * RANDOM.uniform(0.01, 100, (20, 1, 3))
    assert euler.angle_between(euler.rotations_of(matrices), q).max() < 1e-6
