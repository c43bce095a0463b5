"""The skeleton: one tree, mirrored left and right, whose rest pose is what forward kinematics give."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender import skeleton
from animepose_blender.core.kinematics import forward
from animepose_blender.skeleton import BONES, JOINT_COUNT, JOINTS, KEYPOINT_MAPS, MIRROR, PARENTS, REST_JOINTS_M, J


def test_joints_and_bones_are_as_many_and_each_has_its_own_name():
    assert len(JOINTS) == len(BONES) == len(set(JOINTS)) == len(set(BONES)) == JOINT_COUNT == 28


def test_every_joint_hangs_below_one_before_it():
    assert PARENTS[0] == -1
    assert (PARENTS[1:] >= 0).all()
    assert (PARENTS < np.arange(JOINT_COUNT)).all()


def test_mirroring_twice_changes_nothing_and_keeps_the_tree():
    np.testing.assert_array_equal(MIRROR[MIRROR], np.arange(JOINT_COUNT))
    np.testing.assert_array_equal(PARENTS[MIRROR[1:]], MIRROR[PARENTS[1:]])
    assert sum(MIRROR != np.arange(JOINT_COUNT)) == 22


def test_the_rest_pose_is_symmetric_with_left_on_positive_x():
    np.testing.assert_allclose(REST_JOINTS_M[MIRROR], REST_JOINTS_M * [-1, 1, 1])
    assert REST_JOINTS_M[J["left_wrist"], 0] > 0


def test_bone_names_carry_blenders_side():
    for joint, bone in zip(JOINTS, BONES):
        side = {"left": ".L", "right": ".R"}.get(joint.split("_")[0], "")
        assert bone.endswith(side)
        assert ("." in bone) == bool(side)


def test_the_identity_gives_the_rest_pose():
    identity = np.tile([1.0, 0, 0, 0], (JOINT_COUNT, 1))
    joints, _ = forward(identity, REST_JOINTS_M[0], skeleton.REST_LENGTHS_M)
    np.testing.assert_allclose(joints, REST_JOINTS_M, atol=1e-12)


def test_the_tables_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        skeleton.PARENTS[0] = 3


@pytest.mark.parametrize("convention", KEYPOINT_MAPS)
def test_keypoint_maps_name_known_points_and_are_mirrored(convention):
    names, sources = KEYPOINT_MAPS[convention]
    assert len(set(names)) == len(names) == int(convention.rsplit("_", 1)[1])
    for joint, of in sources.items():
        assert set(of) <= set(names)
        assert JOINTS[MIRROR[J[joint]]] in sources


@pytest.mark.parametrize("convention", KEYPOINT_MAPS)
def test_keypoints_of_other_conventions_land_on_our_joints(convention, rng):
    names, sources = KEYPOINT_MAPS[convention]
    points = rng.normal(size=(3, len(names), 2))
    confidence = rng.uniform(0.1, 1.0, size=(3, len(names)))
    joints, joint_confidence = skeleton.from_keypoints(convention, points, confidence)
    assert joints.shape == (3, JOINT_COUNT, 2)
    for joint, index in J.items():
        if joint not in sources:
            assert np.isnan(joints[:, index]).all()
            assert (joint_confidence[:, index] == 0).all()
        else:
            at = [names.index(name) for name in sources[joint]]
            np.testing.assert_allclose(joints[:, index], points[:, at].mean(1))
            np.testing.assert_allclose(joint_confidence[:, index], confidence[:, at].min(1))


def test_a_keypoint_that_was_not_observed_has_no_confidence():
    points = np.zeros((17, 2))
    points[16] = np.nan
    joints, confidence = skeleton.from_keypoints("coco_17", points, np.ones(17))
    assert np.isnan(joints[J["right_ankle"]]).all()
    assert confidence[J["right_ankle"]] == 0
    assert confidence[J["left_ankle"]] == 1


def test_the_wrong_number_of_keypoints_is_refused():
    with pytest.raises(ValueError, match="17 points"):
        skeleton.from_keypoints("coco_17", np.zeros((16, 2)), np.ones(16))
