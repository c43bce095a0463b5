"""The made-up take keeps what it promises, since other tests stand on it."""

import numpy as np

from animepose_blender.core.kinematics import forward
from animepose_blender.core.synthetic import FOOT_HEIGHT_M, walking_take
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State


def test_joints_are_those_of_forward_kinematics():
    take = walking_take(people=3, frames=40)
    joints_m, _ = forward(take.rotations, take.root_world_m, take.bone_length_m[:, None, :])
    assert np.nanmax(np.abs(joints_m - take.joints_world_m)) < 1e-5


def test_feet_stand_on_the_floor_and_the_standing_foot_stays_in_its_place():
    take = walking_take(people=2, frames=90, gaps=False)
    feet_m = take.joints_world_m[:, :, list(CONTACT_JOINTS)]
    assert abs(feet_m[..., 2].min() - FOOT_HEIGHT_M) < 1e-6
    standing = np.argmin(feet_m[:, 1:, :, 2], axis=-1)[..., None, None]
    step_m = np.take_along_axis(np.diff(feet_m, axis=1), standing, axis=2)[..., 0, :]
    assert np.abs(step_m[..., :2]).max() < 1e-5


def test_every_state_occurs_and_absent_frames_hold_nothing():
    take = walking_take(people=2, frames=60)
    for person in range(2):
        assert set(take.state[person].tolist()) == {State.ABSENT, State.OBSERVED, State.PREDICTED}
    absent = take.state == State.ABSENT
    assert np.isnan(take.joints_world_m[absent]).all() and np.isnan(take.rotations[absent]).all()
    assert (take.state[1, :3] == State.ABSENT).all()


def test_a_long_walk_stays_in_the_picture():
    take = walking_take(people=3, frames=600)
    centre_px = take.keypoints_px.mean(axis=2)
    inside = (centre_px > 0) & (centre_px < take.source["size"])
    assert inside[np.isfinite(centre_px)].mean() > 0.97


def test_one_frame_and_fractional_rates_are_fine():
    take = walking_take(frames=1, fps=24)
    assert take.frame_count == 1
