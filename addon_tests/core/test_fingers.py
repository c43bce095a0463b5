"""Hands: points to rotations and back, joints that bend only as far as they may, and sides that mirror each other."""

import numpy as np
import pytest

from animepose_blender.core import finger_space, fingers
from animepose_blender.core import quaternions as quat
from animepose_blender.core.armature_space import rest_bones
from animepose_blender.skeleton import REST_JOINTS_M, REST_LENGTHS_M, J

MIRROR = np.array([-1.0, 1.0, 1.0])
RANDOM = np.random.default_rng(4)
HANDS = 40


def any_angles() -> np.ndarray:
    """(HANDS, 2, 15, 2) within the limits."""
    return RANDOM.uniform(fingers.LIMITS_RAD[..., 0], fingers.LIMITS_RAD[..., 1], (HANDS, 2, 15, 2))


def any_palms() -> np.ndarray:
    return quat.normalize(RANDOM.normal(size=(HANDS, 2, 4)))


def points_of(angles: np.ndarray, palms: np.ndarray, wrists_m: np.ndarray | float = 0.0) -> np.ndarray:
    """(HANDS, 2, 21, 3) points of hands whose bones have unusual lengths."""
    lengths_m = fingers.REST_LENGTHS_M * np.linspace(0.8, 1.2, 20) * np.array([[1.0], [0.9]])
    wrists_m = np.broadcast_to(wrists_m, (HANDS, 2, 3))
    return fingers.forward(fingers.rotations(angles), palms, wrists_m, lengths_m)[0]


def test_rotations_to_points_to_rotations():
    angles, palms = any_angles(), any_palms()
    points_m = points_of(angles, palms, RANDOM.normal(size=(HANDS, 2, 3)))
    found = fingers.palm_rotations(points_m)
    np.testing.assert_allclose(np.abs(np.sum(found * palms, axis=-1)), 1.0, atol=1e-9)
    np.testing.assert_allclose(fingers.finger_angles(points_m, found), angles, atol=1e-9)


def test_the_size_and_place_of_a_hand_do_not_matter():
    angles, palms = any_angles(), any_palms()
    points_m = 1700.0 * points_of(angles, palms) + [3.0, -200.0, 5.0]
    np.testing.assert_allclose(fingers.finger_angles(points_m, fingers.palm_rotations(points_m)), angles, atol=1e-7)


def test_limits_hold_whatever_is_seen():
    points_m = RANDOM.normal(size=(HANDS, 2, 21, 3))
    angles = fingers.finger_angles(points_m, fingers.palm_rotations(points_m))
    assert (angles >= fingers.LIMITS_RAD[..., 0] - 1e-12).all()
    assert (angles <= fingers.LIMITS_RAD[..., 1] + 1e-12).all()


def test_all_but_roots_and_the_thumbs_second_joint_are_hinges():
    spread = np.ptp(fingers.LIMITS_RAD[:, 1], axis=-1) > 0
    names = [name for name, free in zip(fingers.BONES[0], spread, strict=True) if free]
    assert names == ["thumb_1.L", "thumb_2.L", "index_1.L", "middle_1.L", "ring_1.L", "pinky_1.L"]
    assert (fingers.LIMITS_RAD[..., 0] <= fingers.REST_CURL_RAD).all()
    assert (fingers.REST_CURL_RAD <= fingers.LIMITS_RAD[..., 1]).all()


def test_hands_that_mirror_each_other_have_mirrored_rotations():
    angles = any_angles()
    angles[:, 1] = angles[:, 0]
    upright = np.broadcast_to(quat.IDENTITY, (HANDS, 2, 4))
    lengths_m = np.tile(fingers.REST_LENGTHS_M, (2, 1))
    turns = fingers.rotations(angles)
    points_m, _ = fingers.forward(turns, upright, np.zeros((HANDS, 2, 3)), lengths_m)
    np.testing.assert_allclose(points_m[:, 1], points_m[:, 0] * MIRROR, atol=1e-12)
    np.testing.assert_allclose(turns[:, 1], turns[:, 0] * [1, 1, -1, -1], atol=1e-12)
    seen = points_m[:, ::-1] * MIRROR
    np.testing.assert_allclose(fingers.finger_angles(seen, upright), angles, atol=1e-9)


def test_identity_is_the_rest_pose_with_the_skeletons_knuckles_and_palms_down():
    still = np.broadcast_to(quat.IDENTITY, (2, 15, 4))
    lengths_m = np.tile(fingers.REST_LENGTHS_M, (2, 1))
    points_m, _ = fingers.forward(still, np.broadcast_to(quat.IDENTITY, (2, 4)), np.zeros((2, 3)), lengths_m)
    np.testing.assert_allclose(points_m, fingers.REST_POINTS_M, atol=1e-12)
    for side, name in enumerate(("left", "right")):
        for point, knuckle in ((5, "index_knuckle"), (17, "pinky_knuckle")):
            expected_m = REST_JOINTS_M[J[f"{name}_{knuckle}"]] - REST_JOINTS_M[J[f"{name}_wrist"]]
            np.testing.assert_allclose(fingers.REST_POINTS_M[side, point], expected_m, atol=1e-12)
    curled = fingers.rotations(np.tile(fingers.REST_CURL_RAD, (2, 1, 1)))
    curled_m, _ = fingers.forward(curled, np.broadcast_to(quat.IDENTITY, (2, 4)), np.zeros((2, 3)), lengths_m)
    assert (curled_m[:, [8, 12, 16, 20], 2] < -0.03).all()


def test_a_positive_turn_about_a_hinge_bends_towards_the_palm():
    points_m = fingers.REST_POINTS_M
    for bone, end in enumerate(fingers.ENDS):
        along = points_m[:, end] - points_m[:, fingers.PARENTS[end]]
        bent = np.cross(fingers.HINGES[:, bone], along)
        # The thumb bends across the palm, towards the fingers' side and below it.
        assert (bent[:, 2] < 0).all()
        if bone < 3:
            assert (bent[:, 1] > 0).all()


def test_a_palm_is_found_by_its_directions_also_where_points_are_noisy():
    angles, palms = any_angles(), any_palms()
    points_m = points_of(angles, palms)
    noisy_m = points_m + RANDOM.normal(scale=0.002, size=points_m.shape)
    found = fingers.palm_rotations(noisy_m)
    error_rad = 2 * np.arccos(np.clip(np.abs(np.sum(found * palms, axis=-1)), 0, 1))
    assert np.degrees(error_rad).max() < 15


@pytest.mark.parametrize("scale", [0.6, 1.0])
def test_finger_bones_begin_where_their_parents_end(scale):
    rest = rest_bones(REST_LENGTHS_M * scale, np.tile(fingers.REST_LENGTHS_M * scale, (2, 1)))
    bones = rest.fingers
    assert bones is not None
    assert finger_space.PARENT_NAMES[:3] == ("hand.L", "thumb_1.L", "thumb_2.L")
    assert finger_space.PARENT_NAMES[-3:] == ("hand.R", "pinky_1.R", "pinky_2.R")
    for index, parent in enumerate(finger_space.PARENT_NAMES):
        assert finger_space.CONNECTED[index] == (parent in finger_space.NAMES)
        if parent in finger_space.NAMES:
            np.testing.assert_allclose(bones.head_m[index], bones.tail_m[finger_space.NAMES.index(parent)], atol=1e-12)
    np.testing.assert_allclose(bones.head_m[:15], bones.head_m[15:] * MIRROR, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(bones.orientation), 1.0)


def test_basis_rotations_of_a_bend_are_turns_about_the_bones_own_x():
    rest = rest_bones(REST_LENGTHS_M, np.tile(fingers.REST_LENGTHS_M, (2, 1)))
    assert rest.fingers is not None
    angles = np.zeros((2, 15, 2))
    angles[..., 0] = 0.4
    basis = finger_space.basis_rotations(fingers.rotations(angles), rest.fingers.orientation)
    np.testing.assert_allclose(basis, np.tile([np.cos(0.2), np.sin(0.2), 0, 0], (30, 1)), atol=1e-9)
