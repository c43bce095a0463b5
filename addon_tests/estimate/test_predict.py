"""Carrying on people who are not seen, and filling the gap when they return."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.predict import ConstantVelocity, History, default_predictor, refill
from animepose_blender.estimate.predict.body import bones_of, left_of
from animepose_blender.skeleton import PARENTS, J

FPS = 25
CAMERA_M = np.array([0.0, -6.0, 1.5])
NOBODY = np.full((0, 200, 3), np.nan)


def walk(frames=200):
    """A walk past the camera at 1.2 m/s, in a gentle bend: times (F,), joints (F, J, 3)."""
    take = walking_take(1, frames, FPS, gaps=False)
    joints_m = take.joints_world_m[0].astype(float)
    left = left_of(bones_of(joints_m)[1])
    time_s = take.frame_time_s
    yaw = 0.15 * (time_s - time_s[100])
    turn = yaw - np.unwrap(np.arctan2(-left[:, 0], left[:, 1]))
    c, s, zero = np.cos(turn), np.sin(turn), np.zeros_like(turn)
    matrix = np.stack(
        [np.stack([c, -s, zero], -1), np.stack([s, c, zero], -1), np.stack([zero, zero, zero + 1], -1)], -2
    )
    velocity = 1.2 * np.stack([np.cos(yaw), np.sin(yaw), zero], axis=-1)
    root_m = np.cumsum(velocity, axis=0) / FPS - [4.8, 0.0, 0.0]
    root_m[:, 2] = joints_m[:, 0, 2]
    relative_m = np.einsum("fij,fkj->fki", matrix, joints_m - joints_m[:, :1])
    return time_s, root_m[:, None] + relative_m


def history(time_s, joints_m, chosen, others_m=NOBODY):
    return History(time_s[chosen], joints_m[chosen], others_m[:, : len(time_s)][:, chosen], CAMERA_M)


def lengths(joints_m):
    return np.linalg.norm(joints_m - joints_m[:, PARENTS], axis=-1)[:, 1:]


@pytest.fixture(params=["constant velocity", "default"])
def predictor(request):
    return ConstantVelocity() if request.param == "constant velocity" else default_predictor()


def test_a_walker_is_carried_on_nearer_to_the_truth_than_one_who_stays(predictor):
    time_s, joints_m = walk()
    error_m, still_m = [], []
    for end in range(60, 180, 7):
        found = predictor.predict(history(time_s, joints_m, slice(end - 50, end)), time_s[end + 14 : end + 15])
        error_m.append(np.linalg.norm(found.joints_world_m[0, 0] - joints_m[end + 14, 0]))
        still_m.append(np.linalg.norm(joints_m[end - 1, 0] - joints_m[end + 14, 0]))
    assert np.mean(error_m) < 0.6 * np.mean(still_m)


def test_a_walker_walks_on_with_both_legs(predictor):
    time_s, joints_m = walk()
    found = predictor.predict(history(time_s, joints_m, slice(50, 110)), time_s[110:160]).joints_world_m

    def step_m(of_m):
        ankles = of_m[:, J["left_ankle"]] - of_m[:, J["right_ankle"]]
        way = of_m[-1, 0] - of_m[0, 0]
        return ankles @ way / np.linalg.norm(way)

    # The second of the two seconds, in which a mean pose would have won.
    ahead, truth = step_m(found)[25:], step_m(joints_m[110:160])[25:]
    assert ahead.max() > 0.5 * truth.max() and ahead.min() < 0.5 * truth.min()


def test_bones_keep_their_lengths_and_feet_stay_above_the_floor(predictor):
    time_s, joints_m = walk()
    later_s = time_s[109] + np.linspace(0.02, 5.0, 100)
    found = predictor.predict(history(time_s, joints_m, slice(50, 110)), later_s).joints_world_m
    np.testing.assert_allclose(lengths(found), np.median(lengths(joints_m), axis=0) + np.zeros((100, 1)), atol=2e-3)
    assert found[..., 2].min() > -1e-6


def test_the_uncertainty_grows_and_begins_with_what_the_history_says(predictor):
    time_s, joints_m = walk()
    told = History(time_s[:60], joints_m[:60], NOBODY[:, :60], CAMERA_M, np.array([0.2, 0.5]))
    sigma_m = predictor.predict(told, time_s[59] + np.linspace(0.001, 6.0, 200)).root_sigma_m
    assert sigma_m.shape == (200, 2)
    assert (np.diff(sigma_m, axis=0) > 0).all()
    np.testing.assert_allclose(sigma_m[0], [0.2, 0.5], rtol=0.05)


def test_the_prediction_leaves_the_last_known_pose_without_a_jump(predictor):
    time_s, joints_m = walk()
    found = predictor.predict(history(time_s, joints_m, slice(50, 110)), np.array([time_s[109] + 1e-4]))
    np.testing.assert_allclose(found.joints_world_m[0], joints_m[109], atol=3e-3)


def test_the_frame_rate_and_holes_of_the_history_matter_little(predictor):
    time_s, joints_m = walk()
    chosen = np.delete(np.arange(50, 110), [10, 11, 30])
    holed = joints_m.copy()
    holed[70] = np.nan
    later_s = time_s[110:140]
    whole = predictor.predict(history(time_s, joints_m, slice(50, 110)), later_s).joints_world_m
    found = predictor.predict(history(time_s, holed, chosen), later_s).joints_world_m
    assert np.linalg.norm(found[:, 0] - whole[:, 0], axis=-1).max() < 0.1


def test_one_frame_and_missing_joints_are_enough_to_predict_something(predictor):
    time_s, joints_m = walk()
    joints_m[:, J["left_wrist"]] = np.nan
    found = predictor.predict(history(time_s, joints_m, slice(9, 10)), time_s[10:60])
    assert np.isfinite(found.joints_world_m).all()
    assert np.linalg.norm(found.joints_world_m[-1, 0] - joints_m[9, 0]) < 1.5


def test_without_a_known_pelvis_or_for_times_of_the_past_it_says_so(predictor):
    time_s, joints_m = walk()
    with pytest.raises(ValueError, match="pelvis"):
        predictor.predict(history(time_s, np.full_like(joints_m, np.nan), slice(0, 30)), time_s[30:40])
    with pytest.raises(ValueError, match="after"):
        predictor.predict(history(time_s, joints_m, slice(0, 30)), time_s[20:40])


def test_people_who_come_and_go_around_do_no_harm(predictor):
    time_s, joints_m = walk()
    others_m = np.full((2, len(time_s), 3), np.nan)
    others_m[0, 80:] = [1.0, 1.0, 0.9]
    with_others = predictor.predict(history(time_s, joints_m, slice(50, 110), others_m), time_s[110:140])
    alone = predictor.predict(history(time_s, joints_m, slice(50, 110)), time_s[110:140])
    assert np.isfinite(with_others.joints_world_m).all()
    assert np.linalg.norm((with_others.joints_world_m - alone.joints_world_m)[:, 0], axis=-1).max() < 0.5


@pytest.mark.parametrize("gap", [8, 25, 50])
def test_a_gap_is_refilled_to_meet_both_ends_in_place_and_velocity(predictor, gap):
    time_s, joints_m = walk()
    start, end = 100, 100 + gap
    before, after = history(time_s, joints_m, slice(50, start)), history(time_s, joints_m, slice(end, 200))
    fine_s = np.linspace(time_s[start - 1] + 1e-4, time_s[end] - 1e-4, 400)
    path_m = refill(predictor, before, after, fine_s).joints_world_m
    np.testing.assert_allclose(path_m[0], joints_m[start - 1], atol=5e-3)
    np.testing.assert_allclose(path_m[-1], joints_m[end], atol=5e-3)
    velocity = np.diff(path_m[:, 0, :2], axis=0) / np.diff(fine_s)[:, None]
    measured = [(joints_m[i + 1, 0, :2] - joints_m[i, 0, :2]) * FPS for i in (start - 2, end)]
    assert np.linalg.norm(velocity[0] - measured[0]) < 0.35
    assert np.linalg.norm(velocity[-1] - measured[1]) < 0.35
    error_m = np.linalg.norm(np.diff(velocity, axis=0), axis=-1)
    assert error_m.max() < 0.15, "the path has a kink"


def test_a_refilled_gap_is_less_sure_in_its_middle_and_nearer_than_a_prediction(predictor):
    time_s, joints_m = walk()
    before, after = history(time_s, joints_m, slice(50, 100)), history(time_s, joints_m, slice(140, 200))
    gap_s, truth_m = time_s[100:140], joints_m[100:140, 0]
    both, forward = refill(predictor, before, after, gap_s), refill(predictor, before, None, gap_s)
    assert both.root_sigma_m[20, 0] > both.root_sigma_m[[0, -1], 0].max()
    error_m = [np.linalg.norm(p.joints_world_m[:, 0] - truth_m, axis=-1).mean() for p in (both, forward)]
    assert error_m[0] < error_m[1]


def test_a_gap_is_the_same_seen_backwards():
    time_s, joints_m = walk()
    before, after = history(time_s, joints_m, slice(50, 100)), history(time_s, joints_m, slice(130, 200))
    one = refill(ConstantVelocity(), before, after, time_s[100:130])
    other = refill(ConstantVelocity(), after.reversed(), before.reversed(), -time_s[100:130][::-1])
    np.testing.assert_allclose(one.joints_world_m[:, 0], other.joints_world_m[::-1, 0], atol=1e-6)
