"""Rotations whose numbers do not jump."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import quaternions as quat
from animepose_blender.core.cleanup.continuity import continuous_euler, continuous_quaternions
from animepose_blender.core.retarget import euler

RANDOM = np.random.default_rng(15)


def wandering(frames: int = 300, bones: int = 5) -> np.ndarray:
    steps = quat.normalize(
        np.concatenate([np.ones((frames, bones, 1)), 0.06 * RANDOM.normal(size=(frames, bones, 3))], -1)
    )
    motion = [quat.normalize(RANDOM.normal(size=(bones, 4)))]
    for step in steps[1:]:
        motion.append(quat.normalize(quat.multiply(motion[-1], step)))
    return np.array(motion)


def flipped(q: np.ndarray) -> np.ndarray:
    signs = RANDOM.choice([-1.0, 1.0], q.shape[:-1])
    signs[0] = 1
    return q * signs[..., None]


def test_signs_are_put_right_and_the_first_is_kept():
    motion = wandering()
    assert np.abs(continuous_quaternions(flipped(motion)) - motion).max() < 1e-12


def test_lengths_are_kept():
    motion = wandering() * RANDOM.uniform(0.5, 2.0, (300, 5, 1))
    assert np.abs(continuous_quaternions(flipped(motion)) - motion).max() < 1e-12


@pytest.mark.parametrize("angle_deg", [170, 179.99, 180, 180.01, 190])
def test_a_pop_of_half_a_turn_does_not_turn_over_what_follows(angle_deg):
    motion = wandering()
    half = np.deg2rad(angle_deg) / 2
    popped = motion.copy()
    popped[100:102] = quat.multiply(np.array([np.cos(half), np.sin(half), 0.0, 0.0]), popped[100:102])
    result = continuous_quaternions(flipped(popped))
    others = np.r_[:100, 102:300]
    assert np.abs(result[others] - motion[others]).max() < 1e-12


def test_a_half_turn_that_lasts_is_followed():
    motion = np.tile(quat.IDENTITY, (60, 1))
    motion[30:] = [0.0, 1.0, 0.0, 0.0]
    result = continuous_quaternions(flipped(motion))
    assert (np.abs((result[36:] * result[35:-1]).sum(-1) - 1) < 1e-12).all()


def test_unknown_rotations_are_passed_over():
    motion = wandering()
    gapped = flipped(motion)
    gapped[:3, 0] = gapped[50:53, 1] = np.nan
    gapped[80, 2, 0] = np.nan
    result = continuous_quaternions(gapped)
    known = np.isfinite(result).all(-1)
    assert not known[:3, 0].any() and not known[50:53, 1].any() and not known[80, 2] and known.sum() == 1500 - 7
    begins = np.sign((result[3, 0] * motion[3, 0]).sum())
    assert np.abs(result[3:, 0] - begins * motion[3:, 0]).max() < 1e-12
    assert np.abs((result - motion)[:, 1:][known[:, 1:]]).max() < 1e-12


@pytest.mark.parametrize("order", euler.ORDERS)
def test_euler_angles_keep_the_rotation_and_lose_the_jumps(order):
    motion = wandering(400, 4)
    smooth = euler.from_quaternion(motion, order)
    i, j, k = ("XYZ".index(letter) for letter in order)
    jumping = smooth + 2 * np.pi * RANDOM.integers(-2, 3, smooth.shape)
    other = RANDOM.random(smooth.shape[:-1]) < 0.3
    jumping[other, i] += np.pi
    jumping[other, k] += np.pi
    jumping[other, j] = np.pi - jumping[other, j]
    result = continuous_euler(jumping, order)
    assert np.array_equal(result[0], jumping[0])
    assert euler.angle_between(euler.to_quaternion(result, order), motion).max() < 1e-6
    steps, best = np.abs(np.diff(result, axis=0)).sum(-1), np.abs(np.diff(smooth, axis=0)).sum(-1)
    assert (steps < best + 1e-6).all()


def test_euler_angles_that_turn_on_and_on_stay_as_they_are():
    angles = np.stack([np.linspace(10, 60, 200), np.linspace(0, 1, 200), np.zeros(200)], axis=-1)
    assert np.abs(continuous_euler(angles, "XYZ") - angles).max() < 1e-9


def test_unknown_angles_are_passed_over():
    angles = np.stack([np.linspace(2.8, 3.6, 60), np.zeros(60), np.zeros(60)], axis=-1)
    wrapped = (angles + np.pi) % (2 * np.pi) - np.pi
    wrapped[20:30] = np.nan
    result = continuous_euler(wrapped, "XYZ")
    assert np.isnan(result[20:30]).all() and np.abs(np.delete(result - angles, range(20, 30), axis=0)).max() < 1e-9


@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_clips(count):
    assert continuous_quaternions(wandering()[:count]).shape == (count, 5, 4)
    assert continuous_euler(np.ones((count, 5, 3)), "ZXY").shape == (count, 5, 3)
