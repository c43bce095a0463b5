"""The motion filter is a Kalman filter: against SciPy, against a batch solution, and in what it promises."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.distance import mahalanobis as scipy_mahalanobis

from animepose_blender.estimate import motion_filter
from animepose_blender.estimate.motion_filter import SPEED_M_S, VELOCITY_LIFE_S, begin, predict, update

FPS = 30


@pytest.fixture
def tracks(rng) -> tuple[np.ndarray, np.ndarray]:
    """(T, 6) states and (T, 6, 6) covariances."""
    root = rng.normal(size=(4, 6, 6))
    return rng.normal(size=(4, 6)), root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(6)


def _noise(rng: np.random.Generator, count: int) -> np.ndarray:
    root = rng.normal(size=(count, 3, 3))
    return root @ np.swapaxes(root, -1, -2) + 0.1 * np.eye(3)


def test_noise_is_as_wide_as_told_across_the_ray_and_along_it(rng):
    root_m, centre_m = rng.normal(size=(20, 3)) + [0, 0, 6], rng.normal(size=(20, 3))
    sigma_m = rng.uniform(0.01, 0.5, (20, 2))
    noise = motion_filter.measurement_noise(root_m, centre_m, sigma_m)
    ray = (root_m - centre_m) / np.linalg.norm(root_m - centre_m, axis=-1, keepdims=True)
    across = np.cross(ray, rng.normal(size=(20, 3)))
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    np.testing.assert_allclose(np.einsum("ni,nij,nj->n", ray, noise, ray), sigma_m[:, 1] ** 2)
    np.testing.assert_allclose(np.einsum("ni,nij,nj->n", across, noise, across), sigma_m[:, 0] ** 2)
    np.testing.assert_allclose(np.einsum("ni,nij,nj->n", ray, noise, across), 0, atol=1e-12)


def test_noise_of_one_camera_for_all_is_that_of_each(rng):
    root_m, sigma_m = rng.normal(size=(5, 3)), rng.uniform(0.01, 0.5, (5, 2))
    one = motion_filter.measurement_noise(root_m, np.ones(3), sigma_m)
    np.testing.assert_array_equal(one, motion_filter.measurement_noise(root_m, np.ones((5, 3)), sigma_m))


def test_a_new_track_is_where_it_was_seen_and_stands(rng):
    root_m, noise = rng.normal(size=(3, 3)), _noise(rng, 3)
    state, covariance = begin(root_m, noise)
    np.testing.assert_array_equal(state[:, :3], root_m)
    np.testing.assert_array_equal(state[:, 3:], 0)
    np.testing.assert_array_equal(covariance[:, :3, :3], noise)
    np.testing.assert_allclose(np.sqrt(covariance[:, 3, 3]), SPEED_M_S)


def test_an_unseen_track_goes_on_and_slows_down_as_the_differential_equation_says(tracks):
    # v' = -v / life, x' = v.
    dynamics = np.zeros((6, 6))
    dynamics[:3, 3:], dynamics[3:, 3:] = np.eye(3), -np.eye(3) / VELOCITY_LIFE_S
    state, covariance = tracks
    step_s = np.array([0.0, 0.033, 0.5, 4.0])
    found, spread = predict(state, covariance, step_s)
    for n in range(4):
        move = expm(dynamics * step_s[n])
        np.testing.assert_allclose(found[n], move @ state[n], atol=1e-9)
        # What is added to the propagated covariance is one for itself.
        added = spread[n] - move @ covariance[n] @ move.T
        assert np.linalg.eigvalsh((added + added.T) / 2).min() > -1e-9
    np.testing.assert_allclose(spread[0], covariance[0])


def test_many_small_steps_lead_to_where_one_large_one_does(tracks):
    state, covariance = tracks
    whole, _ = predict(state, covariance, np.full(4, 1.0))
    for _ in range(30):
        state, covariance = predict(state, covariance, np.full(4, 1 / 30))
    np.testing.assert_allclose(state, whole, atol=1e-9)


def test_the_longer_unseen_the_less_sure():
    state, covariance = begin(np.zeros((6, 3)), np.tile(0.01 * np.eye(3), (6, 1, 1)))
    _, spread = predict(state, covariance, np.array([0.0, 0.1, 0.5, 1.0, 2.0, 5.0]))
    sigma_m = np.sqrt(spread[:, 0, 0])
    assert (np.diff(sigma_m) > 0).all()
    # Nobody runs away from where they stood faster than people run.
    assert (sigma_m[1:] < 0.1 + 6.0 * np.array([0.1, 0.5, 1.0, 2.0, 5.0])).all()


def test_an_update_is_the_mean_of_both_weighed_by_their_information(tracks, rng):
    state, covariance = tracks
    root_m, noise = rng.normal(size=(4, 3)), _noise(rng, 4)
    better, smaller = update(state, covariance, root_m, noise)
    look = np.eye(3, 6)
    for n in range(4):
        information = np.linalg.inv(covariance[n]) + look.T @ np.linalg.inv(noise[n]) @ look
        right = np.linalg.inv(covariance[n]) @ state[n] + look.T @ np.linalg.inv(noise[n]) @ root_m[n]
        np.testing.assert_allclose(better[n], np.linalg.solve(information, right), atol=1e-9)
        np.testing.assert_allclose(smaller[n], np.linalg.inv(information), atol=1e-9)


def test_covariances_stay_symmetric_and_positive_over_a_long_clip(rng):
    state, covariance = begin(np.array([[0.0, 0.0, 8.0]]), np.array([np.diag([0.03, 0.03, 0.4]) ** 2]))
    noise = np.array([np.diag([0.03, 0.03, 0.4]) ** 2])
    for _ in range(5000):
        state, covariance = predict(state, covariance, np.array([1 / 30]))
        state, covariance = update(state, covariance, rng.normal([0.0, 0.0, 8.0], [0.03, 0.03, 0.4])[None], noise)
    np.testing.assert_allclose(covariance[0], covariance[0].T, atol=1e-9)
    assert np.linalg.eigvalsh(covariance[0]).min() > 0
    np.testing.assert_allclose(state[0, :3], [0, 0, 8.0], atol=0.5)


def test_a_walk_is_followed_better_than_it_is_seen(rng):
    time_s = np.arange(4 * FPS) / FPS
    truth_m = np.stack([1.2 * time_s, 0 * time_s, 6 + 0.3 * time_s], axis=-1)
    sigma_m = np.array([0.03, 0.03, 0.3])
    seen_m = truth_m + rng.normal(size=truth_m.shape) * sigma_m
    noise = np.array([np.diag(sigma_m) ** 2])
    state, covariance = begin(seen_m[:1], noise)
    errors = []
    for root_m, truth in zip(seen_m[1:], truth_m[1:]):
        state, covariance = predict(state, covariance, np.array([1 / FPS]))
        state, covariance = update(state, covariance, root_m[None], noise)
        errors.append(state[0, :3] - truth)
    spread = np.std(np.array(errors)[FPS:], axis=0)
    assert spread[2] < 0.7 * 0.3
    np.testing.assert_allclose(state[0, 3], 1.2, atol=0.35)


def test_distances_are_those_of_scipy(tracks, rng):
    state, covariance = tracks
    root_m, noise = rng.normal(size=(5, 3)), _noise(rng, 5)
    found = motion_filter.mahalanobis(state, covariance, root_m, noise)
    for t in range(4):
        for n in range(5):
            inverse = np.linalg.inv(covariance[t, :3, :3] + noise[n])
            assert found[t, n] == pytest.approx(scipy_mahalanobis(state[t, :3], root_m[n], inverse))


def test_nobody_is_no_problem():
    state, covariance = predict(np.zeros((0, 6)), np.zeros((0, 6, 6)), np.zeros(0))
    state, covariance = update(state, covariance, np.zeros((0, 3)), np.zeros((0, 3, 3)))
    assert state.shape == (0, 6) and covariance.shape == (0, 6, 6)
    assert motion_filter.mahalanobis(state, covariance, np.zeros((3, 3)), np.zeros((3, 3, 3))).shape == (0, 3)


def test_the_input_is_left_as_it_was(tracks, rng):
    before = [a.copy() for a in tracks]
    predict(*tracks, np.ones(4))
    update(*tracks, rng.normal(size=(4, 3)), _noise(rng, 4))
    for a, b in zip(tracks, before):
        np.testing.assert_array_equal(a, b)


def test_how_unsure_a_track_is_after_a_gap_does_not_depend_on_the_frames_between():
    """A frame in which nobody is seen at all is no step; one in which others are is."""
    start = begin(np.zeros((1, 3)), 0.03**2 * np.eye(3)[None])
    sigmas_m = []
    for steps in (1, 10, 30, 60):
        state, covariance = start[0], start[1].copy()
        covariance[:, 3:, 3:] *= 0.05
        for _ in range(steps):
            state, covariance = predict(state, covariance, np.array([1 / steps]))
        sigmas_m.append(np.sqrt(covariance[0, 0, 0]))
    np.testing.assert_allclose(sigmas_m, sigmas_m[-1], rtol=0.25)
