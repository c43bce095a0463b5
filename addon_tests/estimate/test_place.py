"""The root comes from the rays: exactly for exact keypoints, sensibly for the rest."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import least_squares

from animepose_blender.core import cameras
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.place import ALONG_SHARE, RAY_SIGMA_M, place_roots, root_sigma
from animepose_blender.skeleton import J

FOCAL_PX, WIDTH, HEIGHT = 800.0, 1280, 720
INTRINSICS = cameras.intrinsics_of(FOCAL_PX, WIDTH, HEIGHT)


@pytest.fixture
def walkers():
    """(P, F, J, 3) root-relative joints, (P, F, 3) roots in front of the camera, (P, F, K, 2) exact keypoints."""
    take = walking_take(people=3, frames=40, gaps=False)
    joints_camera_m = cameras.transform(cameras.invert(take.camera_to_world)[None], take.joints_world_m.astype(float))
    roots_m = joints_camera_m[..., J["pelvis"], :]
    keypoints_px = cameras.project(joints_camera_m, np.broadcast_to(INTRINSICS, (3, 40, 3, 3)))
    return joints_camera_m - roots_m[..., None, :], roots_m, keypoints_px


def _place(joints_m, keypoints_px, confidence=None):
    confidence = np.ones(keypoints_px.shape[:-1]) if confidence is None else confidence
    return place_roots(joints_m, keypoints_px, confidence, np.broadcast_to(INTRINSICS, (*joints_m.shape[:-2], 3, 3)))


def test_exact_keypoints_give_the_exact_root_of_everybody_in_every_frame(walkers):
    joints_m, roots_m, keypoints_px = walkers
    found_m, variance = _place(joints_m, keypoints_px)
    np.testing.assert_allclose(found_m, roots_m, atol=1e-5)
    assert variance.shape == roots_m.shape[:2]
    assert (variance > 0).all()


def test_a_root_does_not_depend_on_the_focal_lengths_of_other_frames(walkers):
    joints_m, roots_m, _ = walkers
    zoom = np.stack([cameras.intrinsics_of(f, WIDTH, HEIGHT) for f in np.linspace(500, 1500, 40)])
    keypoints_px = cameras.project(joints_m[0] + roots_m[0][:, None], zoom)
    found_m, _ = place_roots(joints_m[0], keypoints_px, np.ones((40, 28)), zoom)
    np.testing.assert_allclose(found_m, roots_m[0], atol=1e-5)


def test_agrees_with_scipy_on_the_distances_from_the_rays(walkers, rng):
    joints_m, roots_m, keypoints_px = (a[0, ::8] for a in walkers)
    noisy_px = keypoints_px + rng.normal(0, 1.0, keypoints_px.shape)
    confidence = rng.uniform(0.3, 1.0, noisy_px.shape[:-1])
    found_m, _ = _place(joints_m, noisy_px, confidence)
    for x, uv, c, start, found in zip(joints_m, noisy_px, confidence, roots_m, found_m):
        ray = np.concatenate([(uv - [WIDTH / 2, HEIGHT / 2]) / FOCAL_PX, np.ones((len(uv), 1))], axis=-1)

        def distances(root, x=x, ray=ray, c=c):
            point = x + root
            return (c[:, None] * (point - ray * point[:, 2:])[:, :2]).ravel()

        np.testing.assert_allclose(found, least_squares(distances, start).x, atol=1.5e-3)


def test_lies_near_the_least_squares_of_the_reprojection(walkers, rng):
    joints_m, roots_m, keypoints_px = (a[1, ::8] for a in walkers)
    noisy_px = keypoints_px + rng.normal(0, 0.5, keypoints_px.shape)
    found_m, _ = _place(joints_m, noisy_px)
    for x, uv, start, found in zip(joints_m, noisy_px, roots_m, found_m):

        def errors_px(root, x=x, uv=uv):
            return (cameras.project(x + root, INTRINSICS) - uv).ravel()

        np.testing.assert_allclose(found, least_squares(errors_px, start).x, atol=4e-3)


def test_keypoints_on_the_wrong_limb_hardly_move_the_root(walkers):
    joints_m, roots_m, keypoints_px = walkers
    wrong_px = keypoints_px.copy()
    for name in ("left_wrist", "left_index_knuckle", "left_pinky_knuckle"):
        wrong_px[..., J[name], :] += [120.0, -40.0]
    found_m, _ = _place(joints_m, wrong_px)
    assert np.linalg.norm(found_m - roots_m, axis=-1).max() < 0.04


def test_a_keypoint_without_confidence_does_not_count(walkers):
    joints_m, roots_m, keypoints_px = walkers
    confidence = np.ones(keypoints_px.shape[:-1])
    for name in ("left_toe", "right_toe", "nose"):
        keypoints_px[..., J[name], :] += 300.0
        confidence[..., J[name]] = 0
    found_m, _ = _place(joints_m, keypoints_px, confidence)
    np.testing.assert_allclose(found_m, roots_m, atol=1e-5)


def test_points_that_were_not_observed_are_left_out(walkers, rng):
    joints_m, roots_m, keypoints_px = walkers
    keypoints_px[rng.uniform(size=keypoints_px.shape[:-1]) < 0.6] = np.nan
    joints_m[..., J["left_ear"], :] = np.nan
    found_m, _ = _place(joints_m, keypoints_px)
    np.testing.assert_allclose(found_m, roots_m, atol=1e-5)


def test_fewer_than_three_points_give_no_root(walkers):
    joints_m, _, keypoints_px = walkers
    keypoints_px[0, 5, 2:] = np.nan
    found_m, variance = _place(joints_m, keypoints_px)
    assert np.isnan(found_m[0, 5]).all()
    assert np.isnan(variance[0, 5])
    others = np.ones(found_m.shape[:2], bool)
    others[0, 5] = False
    assert np.isfinite(found_m[others]).all()


def test_nothing_seen_at_all_gives_no_root(walkers):
    joints_m, _, keypoints_px = walkers
    found_m, variance = _place(joints_m, np.full_like(keypoints_px, np.nan))
    assert np.isnan(found_m).all()
    assert np.isnan(variance).all()


def test_a_root_behind_the_camera_is_not_believed(walkers):
    joints_m, roots_m, _ = walkers
    # Mirrored about the principal point, the keypoints fit a person behind the camera only.
    behind_px = cameras.project(-(joints_m - roots_m[..., None, :]), np.broadcast_to(INTRINSICS, (3, 40, 3, 3)))
    found_m, _ = _place(joints_m, behind_px)
    assert np.isnan(found_m).all()


def test_depth_is_less_sure_the_smaller_the_person(walkers):
    joints_m, roots_m, _ = walkers
    far_m = roots_m + [0.0, 0.0, 15.0]
    intrinsics = np.broadcast_to(INTRINSICS, (3, 40, 3, 3))
    _, near = _place(joints_m, cameras.project(joints_m + roots_m[..., None, :], intrinsics))
    _, far = _place(joints_m, cameras.project(joints_m + far_m[..., None, :], intrinsics))
    assert (far > near).all()


def test_a_root_is_surer_across_the_view_than_along_it_and_the_less_sure_the_farther(walkers):
    joints_m, roots_m, keypoints_px = walkers
    found_m, variance = _place(joints_m, keypoints_px)
    sigma_m = root_sigma(found_m, variance)
    assert sigma_m.shape == (*roots_m.shape[:2], 2)
    np.testing.assert_array_equal(sigma_m[..., 0], RAY_SIGMA_M)
    assert (sigma_m[..., 1] > 3 * sigma_m[..., 0]).all()
    # People are not of the size they seem, however many points they show.
    assert (sigma_m[..., 1] >= ALONG_SHARE * np.linalg.norm(found_m, axis=-1)).all()
    twice = root_sigma(2 * found_m, 4 * variance)
    assert (twice[..., 1] > 1.5 * sigma_m[..., 1]).all()


def test_what_rests_on_few_points_is_less_sure(walkers):
    joints_m, _, keypoints_px = walkers
    few_px = keypoints_px.copy()
    few_px[..., [j for j in range(28) if j not in (J["neck"], J["pelvis"], J["left_hip"], J["nose"])], :] = np.nan
    many, few = (root_sigma(*_place(joints_m, px)) for px in (keypoints_px, few_px))
    assert (few[..., 1] > many[..., 1]).all()


def test_the_spread_of_somebody_who_could_not_be_placed_is_not_known():
    sigma_m = root_sigma(np.full((2, 3), np.nan), np.full(2, np.nan))
    assert np.isnan(sigma_m[:, 1]).all()
