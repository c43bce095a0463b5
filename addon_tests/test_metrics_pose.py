"""Accuracy metrics, against cases worked out by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from animepose_blender.estimate.metrics import pose
from animepose_blender.skeleton import MIRROR, REST_JOINTS_M, J


def person_px(rng, shift_px=(0.0, 0.0)):
    return REST_JOINTS_M[:, [0, 2]] * [300.0, -300.0] + [600.0, 700.0] + shift_px


def test_errors_are_the_distances_and_unknown_joints_stay_unknown():
    predicted = np.array([[0.0, 0, 0], [3, 4, 0], [np.nan, 0, 0]])
    errors = pose.errors_m(predicted, np.zeros((3, 3)))
    np.testing.assert_allclose(errors[:2], [0, 5])
    assert np.isnan(errors[2])


def test_a_similarity_is_undone_exactly_and_a_rigid_fit_leaves_the_scale(rng):
    truth = rng.normal(size=(5, 28, 3))
    turned = 1.3 * truth @ Rotation.random(random_state=1).as_matrix().T + [1.0, -2.0, 3.0]
    np.testing.assert_allclose(pose.similarity_align(turned, truth, scale=True), truth, atol=1e-9)
    rigid = pose.similarity_align(turned, truth, scale=False)
    spread = np.linalg.norm(rigid - rigid.mean(1, keepdims=True)) / np.linalg.norm(truth - truth.mean(1, keepdims=True))
    assert spread == pytest.approx(1.3)


def test_a_mirrored_pose_is_not_undone_by_a_reflection(rng):
    truth = rng.normal(size=(28, 3))
    assert np.linalg.norm(pose.similarity_align(truth * [-1, 1, 1], truth, scale=True) - truth) > 0.5


def test_scaled_alignment_leaves_the_same_residual_as_scipy_procrustes(rng):
    truth = rng.normal(size=(28, 3))
    predicted = truth + 0.3 * rng.normal(size=(28, 3))
    aligned = pose.similarity_align(predicted, truth, scale=True)
    _, _, disparity = procrustes(truth, predicted)
    spread = ((truth - truth.mean(0)) ** 2).sum()
    assert ((aligned - truth) ** 2).sum() / spread == pytest.approx(disparity, rel=1e-9)


def test_rigid_alignment_agrees_with_scipy_align_vectors(rng):
    truth = rng.normal(size=(28, 3))
    predicted = (truth + 0.2 * rng.normal(size=(28, 3))) @ Rotation.random(random_state=2).as_matrix().T + 5.0
    rotation, _ = Rotation.align_vectors(truth - truth.mean(0), predicted - predicted.mean(0))
    expected = rotation.apply(predicted - predicted.mean(0)) + truth.mean(0)
    np.testing.assert_allclose(pose.similarity_align(predicted, truth, scale=False), expected, atol=1e-7)


def test_unknown_joints_have_no_say_in_the_alignment(rng):
    truth = rng.normal(size=(28, 3))
    predicted = 2.0 * truth + 1.0
    predicted[4] = np.nan
    holed = truth.copy()
    holed[9] = np.nan
    aligned = pose.similarity_align(predicted, holed, scale=True)
    known = np.isfinite(predicted).all(1) & np.isfinite(holed).all(1)
    np.testing.assert_allclose(aligned[known], truth[known], atol=1e-9)


def test_fewer_than_three_known_joints_cannot_be_aligned():
    truth = np.full((28, 3), np.nan)
    truth[:2] = [[0, 0, 0], [1, 0, 0]]
    assert np.isnan(pose.similarity_align(np.zeros((28, 3)), truth, scale=True)).all()


def test_match_cost_is_the_shift_over_the_diagonal_of_the_box(rng):
    truth = person_px(rng)
    diagonal = np.linalg.norm(truth.max(0) - truth.min(0))
    cost = pose.match_cost(person_px(rng, (0.1 * diagonal, 0.0))[None, None], truth[None, None])
    assert cost.shape == (1, 1, 1)
    assert cost[0, 0, 0] == pytest.approx(0.1)


def test_nobody_is_matched_beyond_the_gate_or_without_joints(rng):
    truth = person_px(rng)
    diagonal = np.linalg.norm(truth.max(0) - truth.min(0))
    far = person_px(rng, ((pose.MATCH_GATE + 0.01) * diagonal, 0.0))
    predicted = np.stack([far, np.full_like(far, np.nan)])[:, None]
    assert np.isinf(pose.match_cost(predicted, truth[None, None])).all()


def test_a_person_seen_back_to_front_is_still_matched(rng):
    truth = person_px(rng)
    assert pose.match_cost(truth[MIRROR][None, None], truth[None, None])[0, 0, 0] == pytest.approx(0.0)


def test_matching_takes_the_cheapest_whole_assignment_rather_than_the_first_come():
    inf = np.inf
    cost = np.array(
        [
            [[0.10, 0.11], [0.02, inf]],  # greedy in the order of the truth would leave the second person out
            [[inf, inf], [inf, 0.05]],
            [[inf, inf], [inf, inf]],
        ]
    )
    np.testing.assert_array_equal(pose.match_people(cost), [[1, 0], [-1, 1], [-1, -1]])


def test_root_relative_puts_the_pelvis_at_the_origin():
    relative = pose.root_relative(REST_JOINTS_M + 7.0)
    np.testing.assert_allclose(relative[J["pelvis"]], 0.0)
    np.testing.assert_allclose(relative[J["neck"]], REST_JOINTS_M[J["neck"]] - REST_JOINTS_M[0])
