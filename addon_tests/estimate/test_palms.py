"""Palms of seen hands: turned into the camera's axes, and half of the word on where the knuckles are."""

from __future__ import annotations

import numpy as np

from animepose_blender.core import fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.estimate.backends import Hands
from animepose_blender.estimate.lift import Lifted
from animepose_blender.estimate.palms import palm_rotations, with_palms
from animepose_blender.skeleton import JOINT_COUNT, REST_JOINTS_M, J

COUNT = 6
INTRINSICS = np.tile([[500.0, 0, 320], [0, 500, 180], [0, 0, 1]], (COUNT, 1, 1))
MIDDLE_PX = np.array([320.0, 180.0])
KNUCKLES = [J[f"{side}_{name}"] for side in ("left", "right") for name in ("index_knuckle", "pinky_knuckle")]


def turned_hands(rotations: np.ndarray, at_px: np.ndarray, seen: np.ndarray) -> Hands:
    """Straight hands with palms turned by (n, 2, 4), in the middle of whose region is `at_px`."""
    points_m = quat.rotate(rotations[:, :, None], np.broadcast_to(fingers.REST_POINTS_M, (len(rotations), 2, 21, 3)))
    shown = seen[..., None, None]
    return Hands(np.where(shown, at_px, np.full((21, 2), np.nan)), np.where(shown, points_m, np.nan), 0.9 * seen)


def any_rotations() -> np.ndarray:
    return quat.normalize(np.random.default_rng(3).normal(size=(COUNT, 2, 4)))


def body() -> Lifted:
    joints_m = np.tile(REST_JOINTS_M - REST_JOINTS_M[0], (COUNT, 1, 1))
    sure = np.ones((COUNT, JOINT_COUNT))
    return Lifted.of(np.zeros((COUNT, JOINT_COUNT, 2)), sure, joints_m, sure)


def test_palms_are_turned_into_the_cameras_axes():
    own, seen = any_rotations(), np.ones((COUNT, 2), bool)
    ahead = palm_rotations(turned_hands(own, MIDDLE_PX, seen), INTRINSICS)
    np.testing.assert_allclose(np.abs(np.sum(ahead * own, axis=-1)), 1, atol=1e-9)
    # 45 degrees to the right of the view, the network's straight ahead is turned by as much about the way down.
    aside = palm_rotations(turned_hands(own, MIDDLE_PX + [500.0, 0.0], seen), INTRINSICS)
    expected = quat.multiply(np.array([np.cos(np.pi / 8), 0, np.sin(np.pi / 8), 0]), own)
    np.testing.assert_allclose(np.abs(np.sum(aside * expected, axis=-1)), 1, atol=1e-9)


def test_hands_that_are_not_seen_say_nothing():
    assert np.isnan(palm_rotations(Hands.unseen(COUNT), INTRINSICS)).all()
    before = body()
    np.testing.assert_array_equal(with_palms(before, Hands.unseen(COUNT), INTRINSICS).joints_m, before.joints_m)


def test_knuckles_turn_half_way_to_the_seen_palm_and_keep_their_distance():
    quarter = np.array([np.cos(np.pi / 4), np.sin(np.pi / 4), 0.0, 0.0])
    seen = np.tile([True, False], (COUNT, 1))
    hands = turned_hands(np.tile(quarter, (COUNT, 2, 1)), MIDDLE_PX, seen)
    before = body()
    after = with_palms(before, hands, INTRINSICS)
    others = np.setdiff1d(np.arange(JOINT_COUNT), KNUCKLES[:2])
    np.testing.assert_array_equal(after.joints_m[:, others], before.joints_m[:, others])
    offsets = [
        joints_m[:, KNUCKLES[:2]] - joints_m[:, J["left_wrist"], None] for joints_m in (before.joints_m, after.joints_m)
    ]
    np.testing.assert_allclose(*(np.linalg.norm(offset, axis=-1) for offset in offsets))
    # The palm faced down (-z of the rest pose) and is now half-way to facing along y.
    across = offsets[1][:, 0] - offsets[1][:, 1]
    np.testing.assert_allclose(across[:, 1], across[:, 2], rtol=0.1)
    assert (across[:, 1] < -0.02).all()
