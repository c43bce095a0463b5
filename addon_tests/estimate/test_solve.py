"""From joints to a skeleton and back: the bones find the joints again, and turn as a body turns."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core import kinematics
from animepose_blender.core import quaternions as quat
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.solve import pose, stature_m
from animepose_blender.skeleton import BONE_COUNT, JOINT_COUNT, MIRROR, REST_JOINTS_M, REST_LENGTHS_M, RIGID, J

FRAMES = 60
TIME_S = np.arange(FRAMES) / 30
CERTAIN = np.ones((FRAMES, JOINT_COUNT))
_X, _Y, _Z = np.eye(3)


@pytest.fixture(params=[0, 1, 2])
def walker(request) -> tuple[np.ndarray, np.ndarray]:
    """(F, J, 3) joints and (B,) bone lengths of three differently built people."""
    take = walking_take(people=3, frames=FRAMES, gaps=False)
    return take.joints_world_m[request.param].astype(float), take.bone_length_m[request.param].astype(float)


def _about(axis: np.ndarray, angle_deg: np.ndarray | float) -> np.ndarray:
    """(..., 4) turns by degrees."""
    vector = np.radians(np.asarray(angle_deg))[..., None] * axis
    return np.roll(Rotation.from_rotvec(vector.reshape(-1, 3)).as_quat(), 1, axis=-1).reshape(*vector.shape[:-1], 4)


def _apart_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arccos(np.clip(np.abs(np.sum(a * b, axis=-1)), 0, 1)))


def _rest_pose() -> np.ndarray:
    """(F, B, 4)."""
    return np.tile(quat.IDENTITY, (FRAMES, BONE_COUNT, 1))


def _joints(rotations: np.ndarray) -> np.ndarray:
    return kinematics.forward(rotations, np.zeros((FRAMES, 3)), REST_LENGTHS_M)[0]


def test_the_bones_give_the_joints_of_a_walk_back(walker):
    joints_m, lengths_m = walker
    again_m, _ = kinematics.forward(pose(joints_m, CERTAIN, TIME_S), joints_m[:, 0], lengths_m)
    error_m = np.linalg.norm(again_m - joints_m, axis=-1)
    assert error_m.max() < 0.008
    assert error_m.mean() < 0.002


def test_the_rest_pose_is_the_identity_of_every_bone():
    rotations = pose(_joints(_rest_pose()), CERTAIN, TIME_S)
    assert _apart_deg(rotations, quat.IDENTITY).max() < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_the_bones_give_the_joints_of_arbitrary_poses_back(seed):
    rotations = _random_pose(np.random.default_rng(seed))
    joints_m = _joints(rotations)
    again_m = _joints(pose(joints_m, CERTAIN, TIME_S))
    assert np.linalg.norm(again_m - joints_m, axis=-1).max() < 0.005


def _random_pose(rng: np.random.Generator) -> np.ndarray:
    """(F, B, 4): a body turned anyhow, limbs anywhere, elbows and knees bent by 40 to 110 degrees; held still."""
    rotations = _rest_pose()
    rotations[:, J["pelvis"]] = quat.normalize(rng.normal(size=4))
    rotations[:, J["head_top"]] = _about(_Z, rng.uniform(-50, 50))
    for side, elbow in (("left", -_Z), ("right", _Z)):
        for bone, hinge, upper in (("wrist", elbow, "elbow"), ("ankle", _X, "knee")):
            along = kinematics.REST_DIRECTIONS[J[f"{side}_{upper}"]]
            swung = _about(np.cross(along, rng.normal(size=3)), 40.0)
            rotations[:, J[f"{side}_{upper}"]] = quat.multiply(swung, _about(along, rng.uniform(-70, 70)))
            rotations[:, J[f"{side}_{bone}"]] = _about(hinge, rng.uniform(40, 110))
        rotations[:, J[f"{side}_heel"]] = _about(_X, rng.uniform(-30, 30))
    return rotations


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bone", ["left_elbow", "right_elbow", "left_knee", "right_knee"])
def test_a_bent_limb_shows_the_twist_of_its_upper_half(seed, bone):
    rotations = _random_pose(np.random.default_rng(seed))
    found = pose(_joints(rotations), CERTAIN, TIME_S)
    # The weaker the bend, the more a twist is drawn to none.
    assert _apart_deg(found[:, J[bone]], rotations[:, J[bone]]).max() < 4


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_forearm_turns_with_the_palm(side):
    rotations = _rest_pose()
    along = kinematics.REST_DIRECTIONS[J[f"{side}_wrist"]]
    rotations[:, J[f"{side}_wrist"]] = _about(along, 60.0)
    found = pose(_joints(rotations), CERTAIN, TIME_S)
    # Some of it may stay with the hand, none may be lost.
    _, turned = kinematics.forward(found, np.zeros((FRAMES, 3)), REST_LENGTHS_M)
    _, truth = kinematics.forward(rotations, np.zeros((FRAMES, 3)), REST_LENGTHS_M)
    hand = J[f"{side}_index_knuckle"]
    assert _apart_deg(turned[:, hand], truth[:, hand]).max() < 1
    assert _apart_deg(found[:, J[f"{side}_wrist"]], rotations[:, J[f"{side}_wrist"]]).max() < 3


def test_the_local_rotations_do_not_depend_on_where_the_person_faces(walker):
    joints_m, _ = walker
    turn = Rotation.from_euler("xyz", [25, -40, 130], degrees=True)
    as_quaternion = np.roll(turn.as_quat(), 1)
    straight = pose(joints_m, CERTAIN, TIME_S)
    turned = pose(turn.apply(joints_m.reshape(-1, 3)).reshape(joints_m.shape) + [1.0, 2.0, 3.0], CERTAIN, TIME_S)
    assert _apart_deg(turned[:, 1:], straight[:, 1:]).max() < 0.01
    assert _apart_deg(turned[:, 0], quat.multiply(as_quaternion, straight[:, 0])).max() < 0.01


def test_a_mirror_image_moves_like_a_mirror_image(walker):
    joints_m, _ = walker
    mirrored_m = joints_m[:, MIRROR] * [-1.0, 1.0, 1.0]
    expected = pose(joints_m, CERTAIN, TIME_S)[:, MIRROR] * [1.0, 1.0, -1.0, -1.0]
    assert _apart_deg(pose(mirrored_m, CERTAIN, TIME_S), expected).max() < 0.01


def test_bones_that_nothing_turns_keep_the_identity(walker):
    rotations = pose(walker[0], CERTAIN, TIME_S)
    assert _apart_deg(rotations[:, RIGID], quat.IDENTITY).max() < 0.01


def test_somebody_who_spins_round_and_round_does_not_flip(walker):
    joints_m, _ = walker
    spin = Rotation.from_rotvec(np.linspace(0, 6 * np.pi, FRAMES)[:, None] * _Z)
    spun_m = np.einsum("fij,fkj->fki", spin.as_matrix(), joints_m - joints_m[:, :1])
    rotations = pose(spun_m, CERTAIN, TIME_S)
    np.testing.assert_allclose(np.linalg.norm(rotations, axis=-1), 1, atol=1e-9)
    # 18 degrees a frame are cos(9 degrees) = 0.988 between unit quaternions; a flip of the sign is -1.
    assert np.sum(rotations[1:] * rotations[:-1], axis=-1).min() > 0.97


def test_a_straight_limb_keeps_a_quiet_twist(rng):
    joints_m = _joints(_rest_pose()) + rng.normal(0, 0.002, (FRAMES, JOINT_COUNT, 3))
    rotations = pose(joints_m, CERTAIN, TIME_S)
    for bone, axis in (("left_elbow", _X), ("right_elbow", _X), ("left_knee", _Z), ("right_knee", _Z)):
        w, along = rotations[:, J[bone], 0], rotations[:, J[bone], 1:] @ axis
        twist_deg = np.degrees(2 * np.arctan2(along, w))
        assert np.abs(twist_deg).max() < 10
        assert np.abs(np.diff(twist_deg)).max() < 2


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.15])
def test_a_persons_height_is_that_of_their_rest_pose(scale):
    assert stature_m(scale * REST_LENGTHS_M) == pytest.approx(scale * REST_JOINTS_M[J["head_top"], 2])


def test_longer_legs_make_somebody_taller_and_longer_arms_do_not():
    longer = REST_LENGTHS_M.copy()
    for side in ("left", "right"):
        longer[J[f"{side}_knee"]] += 0.05
        longer[J[f"{side}_elbow"]] += 0.05
    assert stature_m(longer) == pytest.approx(stature_m(REST_LENGTHS_M) + 0.05, abs=0.003)
