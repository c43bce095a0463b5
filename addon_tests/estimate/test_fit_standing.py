"""Contacts with hysteresis, the modes of the foot lock, and the dead zone."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import kinematics
from animepose_blender.core import quaternions as quat
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.fit.body import pose_of
from animepose_blender.estimate.fit.grounding import grounded
from animepose_blender.estimate.fit.standing import believed, held, one_foot_stands, spans
from animepose_blender.estimate.fit.stillness import still
from animepose_blender.skeleton import JOINT_COUNT

TIME_S = np.arange(90) / 30
STEP_S = 1 / 30
AT_REST = np.zeros((90, 4))


def _probability(*feet: tuple[int, int, int]) -> np.ndarray:
    """(90, 4); (joint, first, last) in contact."""
    result = np.full((90, 4), 0.05)
    for joint, first, last in feet:
        result[first:last, joint] = 0.95
    return result


def test_a_contact_lasts_through_doubt_and_ends_at_disbelief():
    probability = _probability((0, 10, 50))
    probability[20:30, 0] = 0.35
    probability[30:40, 0] = 0.45
    standing = spans(probability, STEP_S)
    assert standing[10:50, 0].all()
    assert not standing[:10, 0].any() and not standing[50:, 0].any()


def test_doubt_alone_begins_no_contact():
    probability = _probability()
    probability[20:60, 1] = 0.45
    assert not spans(probability, STEP_S)[:, 1].any()


def test_a_moment_is_no_contact_but_the_end_of_one_may_be_at_the_clips_edge():
    standing = spans(_probability((0, 40, 41), (2, 0, 1), (3, 89, 90)), STEP_S)
    assert not standing[:, 0].any()
    assert standing[0, 2] and standing[89, 3]


def test_feet_come_to_be_held_and_are_let_go_softly():
    share = held(_probability((1, 20, 60)), TIME_S, "auto", AT_REST)[:, 1]
    assert share[40] == 1.0 and share[19] == 0.0 and share[60] == 0.0
    assert 0 < share[20] < 0.01 and 0 < share[59] < 0.01
    assert (np.diff(share[20:25]) >= 0).all() and (np.diff(share[55:60]) <= 0).all()


def test_nothing_is_held_in_never_and_grounding():
    for mode in ("never", "grounding"):
        assert not held(_probability((0, 0, 90)), TIME_S, mode, AT_REST).any()


def test_always_holds_a_foot_at_every_moment():
    probability = _probability((0, 10, 30), (2, 40, 70))
    firmly = held(probability, TIME_S, "always", AT_REST)
    assert (firmly > 0).any(axis=1).all()
    assert firmly[20, 0] == 1.0 and firmly[55, 2] == 1.0
    feet = one_foot_stands(probability, STEP_S).reshape(-1, 2, 2).max(axis=-1)
    np.testing.assert_array_equal(feet.sum(axis=1), 1.0)


def test_a_foot_that_evidently_moves_is_not_held():
    speed_m_s = np.full((90, 4), 0.2)
    speed_m_s[40:] = 2.0
    firmly = held(_probability((0, 20, 60)), TIME_S, "auto", speed_m_s)[:, 0]
    assert firmly[30] > 0.9 and firmly[50] < 0.05


@pytest.mark.parametrize("rate", [12, 25, 30, 60, 120])
def test_frame_rates_do_not_change_how_long_a_foot_is_held(rate):
    time_s = np.arange(3 * rate) / rate
    probability = np.where((time_s > 1.0) & (time_s < 2.0), 0.95, 0.05)[:, None].repeat(4, axis=1)
    firmly = held(probability, time_s, "auto", np.zeros_like(probability))
    assert firmly.sum(axis=0)[0] / rate == pytest.approx(0.9, abs=0.2)


def test_what_hardly_moves_stays_where_it_is(rng):
    points_m = 0.004 * rng.standard_normal((90, 2, 3)).cumsum(axis=0) * 0.1
    points_m[:, 1] += np.linspace(0, 2, 90)[:, None]
    result = still(points_m, TIME_S, 0.03)
    assert np.ptp(result[10:80, 0], axis=0).max() < 1e-6
    np.testing.assert_allclose(result[:, 1], points_m[:, 1])


def test_grounded_people_touch_the_floor_and_do_not_go_through_it():
    take = walking_take(people=1, frames=90, gaps=False)
    turned = kinematics.forward(take.rotations[0].astype(float), np.zeros((90, 3)), take.bone_length_m[0])[1]
    hop_m = np.array([0.0, 0.0, 0.3]) * np.sin(np.linspace(0, 9, 90))[:, None] ** 2
    pose = pose_of(quat.to_matrix(turned), take.root_world_m[0] + hop_m, take.bone_length_m[0].astype(float))
    found = grounded(pose, TIME_S, np.full(JOINT_COUNT, 0.02))
    lowest_m = (found.relative_m() + found.root_m[:, None])[..., 2].min(axis=1)
    assert lowest_m.min() > 0.02 - 1e-9
    assert lowest_m.max() < 0.05
    np.testing.assert_array_equal(found.directions, pose.directions)


def test_a_dead_zone_of_nothing_changes_nothing(rng):
    points_m = rng.standard_normal((90, 2, 3))
    assert still(points_m, TIME_S, 0.0) is points_m


def test_coming_to_rest_and_leaving_are_not_sudden():
    ramp = np.clip((np.arange(90) - 60) / 10, 0, 1) * 0.3
    points_m = np.zeros((90, 1, 3))
    points_m[:, 0, 0] = ramp + 0.002 * np.sin(np.arange(90))
    result = still(points_m, TIME_S, 0.03)
    assert np.abs(np.diff(result, axis=0)).max() < 0.05
    assert np.ptp(result[5:50, 0, 0]) < 1e-6


def test_a_held_foot_that_is_seen_elsewhere_is_let_go_for_the_whole_span():
    firmly = np.zeros((90, 4))
    firmly[10:30, 0] = firmly[50:70, :2] = firmly[20:60, 2] = 1.0
    off_m = np.full((90, 2), 0.02)
    off_m[50:65, 0] = 0.2
    off_m[30:32, 1] = 0.2
    result = believed(firmly, off_m, 1.0)
    assert not result[50:70, :2].any()
    assert result[:50].all() and result[:, 2:].all()


def test_a_foot_that_rises_while_it_is_held_is_let_go_from_where_it_leaves():
    off_m = np.full((90, 2), 0.02)
    off_m[50:80, 0] = np.linspace(0.03, 0.2, 30)
    result = believed(np.ones((90, 4)), off_m, 1.0)
    assert result[:50].all() and not result[56:80, :2].any() and result[:, 2:].all()


def test_a_held_foot_of_which_nothing_is_seen_stays_held():
    assert believed(np.ones((90, 4)), np.full((90, 2), np.nan), 1.0).all()
