"""Fingers over a clip: as seen where hands are seen, relaxed where not, and without jumps between."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.backends import Hands
from animepose_blender.estimate.finger_motion import BRIDGE_S, EASE_S, hand_fields, move_fingers
from animepose_blender.skeleton import REST_LENGTHS_M
from animepose_blender.take import Take

FPS, FRAMES = 30, 90
TIME_S = np.arange(FRAMES) / FPS
FIST_RAD = np.where(np.arange(2) == 0, 0.7, 0.0) * fingers.LIMITS_RAD[:, :, 1]


def hands_of(angles: np.ndarray, seen: np.ndarray, noise_m: float = 0.0) -> Hands:
    """Hands of (n, 2, 15, 2) angles, turned anyhow, where `seen` (n, 2)."""
    random = np.random.default_rng(1)
    turned = quat.normalize(random.normal(size=(len(angles), 2, 4)))
    lengths_m = np.tile(fingers.REST_LENGTHS_M, (2, 1))
    points_m, _ = fingers.forward(fingers.rotations(angles), turned, np.zeros((len(angles), 2, 3)), lengths_m)
    points_m = points_m + random.normal(scale=noise_m, size=points_m.shape)
    shown = seen[..., None, None]
    return Hands(np.where(shown, points_m[..., :2] * 500, np.nan), np.where(shown, points_m, np.nan), 0.9 * seen)


def angles_of(rotations: np.ndarray) -> np.ndarray:
    """(..., 2, 15) angle of each rotation."""
    return 2 * np.arccos(np.clip(np.abs(rotations[..., 0]), 0, 1))


def fists(seen: np.ndarray, **more: float) -> Hands:
    return hands_of(np.broadcast_to(FIST_RAD, (len(seen), 2, 15, 2)), seen, **more)


def seen_in(*spans: tuple[int, int]) -> np.ndarray:
    """(FRAMES, 2): the left hand in these frames, the right one never."""
    seen = np.zeros((FRAMES, 2), bool)
    for first, last in spans:
        seen[first:last, 0] = True
    return seen


def moved(hands: Hands, **more: float):
    return move_fingers(hands, np.arange(FRAMES), TIME_S, REST_LENGTHS_M, **more)


def test_seen_fingers_come_out_as_they_are():
    motion = moved(fists(seen_in((0, FRAMES))))
    expected = fingers.rotations(np.tile(FIST_RAD, (2, 1, 1)))[0]
    np.testing.assert_allclose(motion.rotations[:, 0], np.tile(expected, (FRAMES, 1, 1)), atol=1e-6)


def test_a_hand_that_is_not_seen_is_relaxed():
    motion = moved(fists(seen_in((30, 60))))
    curl = angles_of(fingers.rotations(np.tile(fingers.REST_CURL_RAD, (2, 1, 1))))
    np.testing.assert_allclose(angles_of(motion.rotations[:, 1]), np.tile(curl[1], (FRAMES, 1)), atol=1e-6)
    far = (TIME_S < TIME_S[30] - EASE_S) | (TIME_S > TIME_S[59] + EASE_S)
    np.testing.assert_allclose(angles_of(motion.rotations[far, 0]), np.tile(curl[0], (far.sum(), 1)), atol=1e-6)
    assert (motion.confidence[:, 1] == 0).all()
    assert np.isnan(motion.keypoints_px[:, 1]).all()
    assert np.isfinite(motion.keypoints_px[30:60, 0]).all()


def test_fingers_ease_from_the_seen_pose_to_the_relaxed_one_without_jumps():
    motion = moved(fists(seen_in((0, 30), (70, FRAMES))))
    step_rad = np.abs(np.diff(angles_of(motion.rotations[:, 0]), axis=0))
    change_rad = np.abs(FIST_RAD[:, 0] - fingers.REST_CURL_RAD[:, 0])
    # The steepest part of the ease is half as steep again as a straight line.
    assert (step_rad <= 1.51 * change_rad / (EASE_S * FPS) + 1e-6).all()
    assert step_rad[30 : 30 + int(EASE_S * FPS)].max() > 0.05
    dots = np.sum(motion.rotations[1:] * motion.rotations[:-1], axis=-1)
    assert (dots > 0.9).all()


def test_short_gaps_are_bridged():
    gap = int(BRIDGE_S * FPS) - 2
    motion = moved(fists(seen_in((0, 40), (40 + gap, FRAMES))))
    np.testing.assert_allclose(np.ptp(motion.rotations[:, 0], axis=0), 0, atol=1e-6)
    assert (motion.confidence[41, 0] == 0).all()


def test_a_hand_that_is_found_once_or_twice_is_not_believed():
    motion = moved(fists(seen_in((20, 22))))
    assert not motion.confidence.any()
    np.testing.assert_allclose(np.ptp(motion.rotations, axis=0), 0, atol=1e-12)
    assert hand_fields([motion]) == {}


def test_noise_is_smoothed_and_limits_hold():
    hands = fists(seen_in((0, FRAMES)), noise_m=0.003)
    rough, smoothed = moved(hands, smoothness_s=0.0), moved(hands)
    jitter = [np.abs(np.diff(angles_of(m.rotations[:, 0]), axis=0)).mean() for m in (rough, smoothed)]
    assert jitter[1] < 0.5 * jitter[0]
    still = fingers.rotations(np.tile(FIST_RAD, (2, 1, 1)))[0]
    error = [np.abs(angles_of(m.rotations[:, 0]) - angles_of(still)).mean() for m in (rough, smoothed)]
    assert error[1] < 0.7 * error[0]


def test_hands_grow_with_the_body_and_both_are_alike():
    small = move_fingers(fists(seen_in((0, 30))), np.arange(FRAMES), TIME_S, 0.7 * REST_LENGTHS_M)
    np.testing.assert_allclose(small.bone_length_m, np.tile(0.7 * fingers.REST_LENGTHS_M, (2, 1)))


def test_frames_in_which_the_person_is_not_seen_may_be_left_out():
    frames = np.arange(20, 50)
    own = fists(np.tile([True, False], (30, 1)))
    motion = move_fingers(own, frames, TIME_S, REST_LENGTHS_M)
    assert motion.rotations.shape == (FRAMES, 2, 15, 4)
    np.testing.assert_array_equal(np.flatnonzero(motion.confidence[:, 0]), frames)


@pytest.mark.parametrize("hidden", [False, True])
def test_the_fields_make_a_valid_take(hidden):
    take = walking_take(people=2, frames=FRAMES)
    people = [moved(fists(seen_in((0, 0) if hidden else (0, 40)))), moved(fists(seen_in()))]
    fields = hand_fields(people)
    assert bool(fields) != hidden
    arrays = {k: v for k, v in vars(take).items() if k != "extras"}
    assert Take(**arrays, extras=fields).has_fingers != hidden
