"""Distance of solved joints from their keypoints, in closed form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.metrics.reprojection import picture_error_percent, reprojection_figures
from animepose_blender.take import State


@pytest.fixture
def take():
    """Everybody observed, keypoints where the joints are, boxes 200 px high."""
    take = walking_take(people=2, frames=20, gaps=False)
    joints_m = cameras.transform(cameras.invert(take.camera_to_world), take.joints_world_m.astype(float))
    keypoints_px = cameras.project(joints_m, take.intrinsics)
    box_px = np.tile([0.0, 100.0, 50.0, 300.0], (2, 20, 1))
    sure = np.ones(keypoints_px.shape[:3])
    return dataclasses.replace(take, keypoints_px=keypoints_px, keypoint_confidence=sure, box_px=box_px)


def test_keypoints_on_the_joints_are_at_no_distance(take):
    assert reprojection_figures(take)["reprojection_mean_percent"] == pytest.approx(0.0, abs=1e-3)


def test_distance_is_told_as_percent_of_the_box(take):
    moved = dataclasses.replace(take, keypoints_px=take.keypoints_px + [3.0, 4.0])
    assert reprojection_figures(moved)["reprojection_median_percent"] == pytest.approx(2.5, abs=1e-3)


def test_doubtful_keypoints_and_predicted_frames_do_not_count(take):
    off = take.keypoints_px.copy()
    off[:, :10] += 100.0
    confidence = take.keypoint_confidence.copy()
    confidence[:, :5] = 0.4
    state = take.state.copy()
    state[:, 5:10] = State.PREDICTED
    changed = dataclasses.replace(take, keypoints_px=off, keypoint_confidence=confidence, state=state)
    assert reprojection_figures(changed)["reprojection_mean_percent"] == pytest.approx(0.0, abs=1e-3)


def test_without_keypoints_there_is_no_figure(take):
    nothing = np.zeros_like(take.keypoint_confidence)
    assert set(reprojection_figures(dataclasses.replace(take, keypoint_confidence=nothing)).values()) == {None}


def test_the_error_in_the_picture_is_told_as_percent_of_the_true_person():
    true_px = np.array([[[10.0, 0.0], [10.0, 50.0], [10.0, 100.0], [np.nan, np.nan]]])
    assert picture_error_percent(true_px + [3.0, 4.0], true_px) == pytest.approx(5.0)
    assert picture_error_percent(np.full_like(true_px, np.nan), true_px) is None
