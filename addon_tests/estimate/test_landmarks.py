"""Keypoints of other conventions in BlazePose's order."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.estimate.landmarks import BODY, filled_in, to_blazepose
from animepose_blender.skeleton import BLAZEPOSE_33, COCO_17, KEYPOINT_MAPS, from_keypoints


@pytest.mark.parametrize("skeleton", ["coco_17", "halpe_26", "coco_wholebody_133", "blazepose_33"])
def test_the_joints_are_the_same_by_way_of_blazepose_as_directly(skeleton, rng):
    count = len(KEYPOINT_MAPS[skeleton][0])
    points, sure = rng.normal(size=(4, count, 2)), rng.uniform(size=(4, count))
    direct, direct_sure = from_keypoints(skeleton, points, sure)
    through, through_sure = from_keypoints("blazepose_33", *to_blazepose(skeleton, points, sure))
    both = np.isfinite(direct).all(axis=-1) & np.isfinite(through).all(axis=-1)
    # Halpe's pelvis, neck and crown are points of their own.
    same = [np.allclose(direct[:, j], through[:, j]) for j in np.flatnonzero(both.all(axis=0))]
    assert sum(same) >= len(same) - 2
    if skeleton != "halpe_26":
        assert all(same)
        np.testing.assert_allclose(direct_sure[both], through_sure[both])


def test_what_a_convention_lacks_is_missing():
    landmarks, sure = to_blazepose("coco_17", np.ones((17, 2)), np.ones(17))
    missing = np.isnan(landmarks).any(axis=-1)
    assert [BLAZEPOSE_33[k] for k in np.flatnonzero(~missing)] == sorted(COCO_17, key=BLAZEPOSE_33.index)
    assert (sure[missing] == 0).all() and (sure[~missing] == 1).all()
    assert not missing[BODY].any()


def test_feet_of_another_estimate_hang_on_the_own_ankles(rng):
    other = rng.normal(size=(33, 2)) * 50
    own, sure = to_blazepose("coco_17", np.zeros((17, 2)), np.full(17, 0.5))
    place = {name: k for k, name in enumerate(BLAZEPOSE_33)}
    filled, filled_sure = filled_in(own, sure, other, np.full(33, 0.9), 10_000.0)
    assert np.isfinite(filled).all()
    for side in ("left", "right"):
        for end, joint in (("heel", "ankle"), ("foot_index", "ankle"), ("index", "wrist"), ("pinky", "wrist")):
            expected = own[place[f"{side}_{joint}"]] + other[place[f"{side}_{end}"]] - other[place[f"{side}_{joint}"]]
            np.testing.assert_allclose(filled[place[f"{side}_{end}"]], expected)
    there = np.isfinite(own).all(axis=-1)
    np.testing.assert_array_equal(filled[there], own[there])
    assert (filled_sure[there] == 0.5).all() and (filled_sure[~there] == 0.5).all()


def test_what_hangs_on_a_joint_that_the_other_estimate_has_elsewhere_stays_missing():
    place = {name: k for k, name in enumerate(BLAZEPOSE_33)}
    own, sure = to_blazepose("coco_17", np.zeros((17, 2)), np.full(17, 0.9))
    other = np.ones((33, 2))
    other[place["left_ankle"]] = 40.0, 0.0
    filled, filled_sure = filled_in(own, sure, other, np.full(33, 0.8), 200.0)
    for end in ("heel", "foot_index"):
        assert np.isnan(filled[place[f"left_{end}"]]).all() and filled_sure[place[f"left_{end}"]] == 0
        assert np.isfinite(filled[place[f"right_{end}"]]).all() and filled_sure[place[f"right_{end}"]] == 0.8
