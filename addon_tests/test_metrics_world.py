"""World and camera figures, against cases known in closed form and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from animepose_blender.estimate.metrics.alignment import fit_similarity
from animepose_blender.estimate.metrics.camera import camera_figures, floor_gap_figures
from animepose_blender.estimate.metrics.world import world_figures
from animepose_blender.skeleton import REST_JOINTS_M

FRAMES = 240
K = np.broadcast_to(np.array([[1000.0, 0, 640], [0, 1000.0, 360], [0, 0, 1]]), (FRAMES, 3, 3))


def walk(frames=FRAMES, speed_m=0.05):
    """(1, F, 28, 3) a person who walks along x and swings a little."""
    joints = np.broadcast_to(REST_JOINTS_M, (1, frames, 28, 3)).copy()
    joints[..., 0] += speed_m * np.arange(frames)[None, :, None]
    joints[..., 1] += 0.2 * np.sin(0.1 * np.arange(frames))[None, :, None]
    return joints


def moved(points, scale=1.0, seed=3):
    return scale * points @ Rotation.random(random_state=seed).as_matrix().T + [3.0, -1.0, 0.5]


def test_a_similarity_of_the_world_is_forgiven_by_w_and_wa_but_its_scale_not_by_rte():
    truth = walk()
    figures = world_figures(moved(truth, 1.1), truth)
    assert figures["w_mpjpe_mm"] == pytest.approx(0.0, abs=1e-6)
    assert figures["wa_mpjpe_mm"] == pytest.approx(0.0, abs=1e-6)
    assert figures["rte_percent"] > 1.0
    assert world_figures(moved(truth), truth)["rte_percent"] == pytest.approx(0.0, abs=1e-6)


def test_drift_after_the_first_two_frames_is_told_by_w_in_full():
    truth = walk(100)
    drift = np.zeros((1, 100, 1, 3))
    drift[0, 2:, 0, 2] = 0.5
    figures = world_figures(truth + drift, truth)
    assert figures["w_mpjpe_mm"] == pytest.approx(500 * 98 / 100)
    assert figures["wa_mpjpe_mm"] < figures["w_mpjpe_mm"]


def test_each_hundred_frames_are_aligned_anew_and_the_rest_belongs_to_the_last():
    truth = walk(250)
    jump = np.zeros((1, 250, 1, 3))
    jump[0, 100:, 0, 2] = 0.5
    assert world_figures(truth + jump, truth)["w_mpjpe_mm"] == pytest.approx(0.0, abs=1e-6)
    jump[0, 200:, 0, 2] = 1.0
    # Frames 200 to 249 are part of the chunk that begins at 100, and half a metre off in it.
    assert world_figures(truth + jump, truth)["w_mpjpe_mm"] == pytest.approx(500 * 50 / 250)


def test_the_alignment_of_a_whole_chunk_leaves_what_scipy_procrustes_leaves(rng):
    truth = walk(100)
    noisy = moved(truth, 0.8) + 0.1 * rng.normal(size=truth.shape)
    standard, fitted, disparity = procrustes(truth.reshape(-1, 3), noisy.reshape(-1, 3))
    spread = np.linalg.norm(truth.reshape(-1, 3) - truth.reshape(-1, 3).mean(0))
    expected_mm = np.linalg.norm(standard - fitted, axis=-1).mean() * spread * 1000
    assert disparity > 0
    assert world_figures(noisy, truth)["wa_mpjpe_mm"] == pytest.approx(expected_mm, rel=1e-9)


def test_the_path_error_is_that_of_scipy_align_vectors_over_the_length_of_the_path(rng):
    truth = walk(120)
    noisy = moved(truth) + 0.05 * rng.normal(size=(1, 120, 1, 3))
    root, true_root = noisy[0, :, 0], truth[0, :, 0]
    turn, _ = Rotation.align_vectors(true_root - true_root.mean(0), root - root.mean(0))
    left_m = np.linalg.norm(turn.apply(root - root.mean(0)) + true_root.mean(0) - true_root, axis=-1).mean()
    length_m = np.linalg.norm(np.diff(true_root, axis=0), axis=-1).sum()
    assert world_figures(noisy, truth)["rte_percent"] == pytest.approx(100 * left_m / length_m, rel=1e-6)


def test_people_who_stand_have_no_path_error_and_nobody_has_no_figures():
    truth = walk(50, speed_m=0.0)
    assert world_figures(truth[:, :10], truth[:, :10])["rte_percent"] is None
    assert set(world_figures(truth * np.nan, truth).values()) == {None}
    assert set(world_figures(truth[:0], truth[:0]).values()) == {None}


def test_frames_in_which_nobody_was_found_are_left_out():
    truth = walk(100)
    estimate = moved(truth, 1.2)
    estimate[:, :7] = estimate[:, 50:60] = np.nan
    assert world_figures(estimate, truth)["w_mpjpe_mm"] == pytest.approx(0.0, abs=1e-6)


def test_a_fit_to_two_points_is_no_fit():
    points = np.full((5, 3), np.nan)
    points[:2] = [[0, 0, 0], [1, 0, 0]]
    assert np.isnan(fit_similarity(points, points, scale=True).factor)


def camera(angles_deg, centers_m):
    poses = np.broadcast_to(np.eye(4), (FRAMES, 4, 4)).copy()
    # Looks along y; z is up.
    level = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    poses[:, :3, :3] = Rotation.from_euler("z", angles_deg[:, None], degrees=True).as_matrix() @ level
    poses[:, :3, 3] = centers_m
    return poses


STILL = camera(np.zeros(FRAMES), np.array([0.0, 0.0, 1.6]))
PAN = camera(np.linspace(0, 30, FRAMES), np.array([0.0, 0.0, 1.6]))
DOLLY = camera(
    np.zeros(FRAMES), np.stack([np.linspace(0, 2, FRAMES), np.sin(np.linspace(0, 3, FRAMES)), np.full(FRAMES, 1.6)], -1)
)


def test_the_true_camera_has_no_error_wherever_its_world_has_its_origin():
    gauge = np.eye(4)
    gauge[:3, :3] = Rotation.from_euler("z", 130, degrees=True).as_matrix()
    gauge[:3, 3] = [5, 4, 0]
    for pose in (STILL, PAN, DOLLY):
        figures = camera_figures(gauge @ pose, pose, K, K)
        assert all(value == pytest.approx(0.0, abs=1e-5) for value in figures.values() if value is not None)


def test_a_pan_that_was_taken_for_still_is_off_by_its_angle():
    figures = camera_figures(STILL, PAN, K, K)
    assert figures["camera_rotation_deg"] == pytest.approx(30.0)
    assert figures["camera_rotation_mean_deg"] == pytest.approx(15.0)
    assert figures["camera_translation_m"] == pytest.approx(0.0)
    assert figures["still_camera_error_m"] is None


def test_a_still_camera_that_was_taken_for_moving_tells_how_far_it_got():
    figures = camera_figures(DOLLY, STILL, K, K)
    assert figures["still_camera_error_m"] == pytest.approx(np.linalg.norm(DOLLY[:, :3, 3] - [0, 0, 1.6], axis=1).max())
    assert camera_figures(PAN, STILL, K, K)["still_camera_error_deg"] == pytest.approx(30.0)
    assert camera_figures(PAN, STILL, K, K)["camera_translation_aligned_m"] is None


def test_a_path_of_the_wrong_scale_is_forgiven_by_the_aligned_figure_alone():
    half = DOLLY.copy()
    half[:, :3, 3] = (half[:, :3, 3] - half[0, :3, 3]) / 2 + half[0, :3, 3]
    figures = camera_figures(half, DOLLY, K, K)
    far_m = np.linalg.norm(DOLLY[:, :3, 3] - DOLLY[0, :3, 3], axis=1)
    assert figures["camera_translation_m"] == pytest.approx(far_m.mean() / 2)
    assert figures["camera_translation_max_m"] == pytest.approx(far_m.max() / 2)
    assert figures["camera_translation_aligned_m"] == pytest.approx(0.0, abs=1e-9)


def test_the_aligned_path_leaves_what_scipy_procrustes_leaves(rng):
    noisy = DOLLY.copy()
    noisy[:, :3, 3] += 0.05 * rng.normal(size=(FRAMES, 3))
    _, _, disparity = procrustes(DOLLY[:, :3, 3], noisy[:, :3, 3])
    spread = np.linalg.norm(DOLLY[:, :3, 3] - DOLLY[:, :3, 3].mean(0))
    expected_m = np.sqrt(disparity / FRAMES) * spread
    assert camera_figures(noisy, DOLLY, K, K)["camera_translation_aligned_m"] == pytest.approx(expected_m, rel=1e-9)


def test_a_dolly_that_was_taken_for_still_leaves_the_whole_path():
    center = DOLLY[:, :3, 3]
    expected_m = np.sqrt(((center - center.mean(0)) ** 2).sum(1).mean())
    assert camera_figures(STILL, DOLLY, K, K)["camera_translation_aligned_m"] == pytest.approx(expected_m)


@pytest.mark.parametrize("axis", [[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0]])
def test_a_world_that_leans_by_three_degrees_has_a_floor_that_tilts_by_three(axis):
    lean = np.eye(4)
    lean[:3, :3] = Rotation.from_rotvec(np.radians(3) * np.array(axis)).as_matrix()
    assert camera_figures(lean @ PAN, PAN, K, K)["floor_tilt_deg"] == pytest.approx(3.0)


def test_the_focal_error_is_in_percent_of_the_true_one():
    wide = K.copy()
    wide[:, 0, 0] = wide[:, 1, 1] = 900.0
    assert camera_figures(STILL, STILL, wide, K)["focal_error_percent"] == pytest.approx(10.0)


def test_the_floor_gap_is_against_the_true_height_and_over_standing_feet_alone():
    true_feet = np.zeros((1, 100, 4, 3))
    true_feet[..., 2] = 0.02
    feet = true_feet.copy()
    feet[0, :, 0, 2] += 0.01
    feet[0, 0, 1, 2] -= 0.05
    feet[0, 0, 2, 2] += 9.0
    contact = np.ones((1, 100, 4), bool)
    contact[..., 2:] = False
    figures = floor_gap_figures(feet, true_feet, contact)
    assert figures["floor_gap_mm"] == pytest.approx(50.0)
    assert figures["floor_gap_p95_mm"] == pytest.approx(10.0)
    assert figures["floor_gap_mean_mm"] == pytest.approx((100 * 10 + 50) / 200)
    assert set(floor_gap_figures(feet, true_feet, ~contact & False).values()) == {None}
