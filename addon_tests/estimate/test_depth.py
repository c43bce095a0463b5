"""Depth maps are sampled on people and brought to metres; without one, depth comes from the skeleton."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras
from animepose_blender.estimate.backends import PoseObservation
from animepose_blender.estimate.depth import GRID, calibrate, sample_depth, silhouette_points
from animepose_blender.skeleton import PARENTS

from .evidence import see_walkers

SIZE = (640, 360)
MASK = 64


def _observation(region: np.ndarray, mask: np.ndarray) -> PoseObservation:
    nothing = np.zeros((0, 2))
    return PoseObservation(
        nothing, np.zeros(0), np.zeros((0, 3)), region, region, mask, np.zeros(4), 1.0, np.zeros((6, 3))
    )


def _disc(radius: float = 20.0) -> np.ndarray:
    rows, columns = np.mgrid[:MASK, :MASK] + 0.5
    return (np.hypot(rows - MASK / 2, columns - MASK / 2) < radius).astype(np.uint8) * 255


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_the_depth_of_a_person_is_that_under_their_mask(scale, angle):
    depth = np.full((SIZE[1] // scale, SIZE[0] // scale), 9.0, np.float32)
    rows, columns = (np.indices(depth.shape) + 0.5) * scale
    depth[np.hypot(columns - 200, rows - 150) < 45] = 3.0
    seen = _observation(np.array([200.0, 150.0, 128.0, angle]), _disc())
    assert sample_depth(depth, seen, SIZE) == pytest.approx(3.0)
    beside = _observation(np.array([400.0, 150.0, 128.0, angle]), _disc())
    assert sample_depth(depth, beside, SIZE) == pytest.approx(9.0)


def test_the_rim_of_the_mask_does_not_count():
    rng = np.random.default_rng(1)
    depth = rng.uniform(20, 60, (SIZE[1], SIZE[0]))
    rows, columns = np.indices(depth.shape) + 0.5
    depth[np.hypot(columns - 200, rows - 150) < 30] = 4.0
    # The mask reaches five pixels over the person all round.
    assert sample_depth(depth, _observation(np.array([200.0, 150.0, 128.0, 0.0]), _disc(17.5)), SIZE) == 4.0


def test_half_outside_the_picture_the_inner_half_counts():
    depth = np.full((SIZE[1], SIZE[0]), 5.0)
    assert sample_depth(depth, _observation(np.array([0.0, 150.0, 128.0, 0.0]), _disc()), SIZE) == 5.0


def test_nobody_in_the_picture_has_no_depth():
    depth = np.full((SIZE[1], SIZE[0]), 5.0)
    region = np.array([200.0, 150.0, 128.0, 0.0])
    assert np.isnan(sample_depth(depth, _observation(region, np.zeros((MASK, MASK), np.uint8)), SIZE))
    assert np.isnan(sample_depth(depth, _observation(region + [5000, 0, 0, 0], _disc()), SIZE))


def test_a_mask_too_thin_for_an_inside_still_counts():
    thin = np.zeros((MASK, MASK), np.uint8)
    thin[:, 32] = 255
    assert sample_depth(np.full((360, 640), 5.0), _observation(np.array([200.0, 150.0, 128.0, 0.0]), thin), SIZE) == 5.0


@pytest.fixture
def depths_m(rng) -> np.ndarray:
    return rng.uniform(3, 9, 200)


@pytest.mark.parametrize("scale", [0.3, 1.0, 40.0])
@pytest.mark.parametrize("shift", [0.0, 7.0])
def test_a_relative_map_is_brought_to_metres(depths_m, rng, scale, shift):
    sampled = (depths_m - shift) / scale
    np.testing.assert_allclose(calibrate(sampled, depths_m, metric=False), depths_m, rtol=1e-6)
    noisy_m = depths_m * (1 + rng.normal(0, 0.05, 200))
    np.testing.assert_allclose(calibrate(sampled, noisy_m, metric=False), depths_m, rtol=0.04)


def test_a_metric_map_is_scaled_and_never_shifted(depths_m, rng):
    noisy_m = depths_m * (1 + rng.normal(0, 0.05, 200))
    np.testing.assert_allclose(calibrate(depths_m / 1.2, noisy_m, metric=True), depths_m, rtol=0.02)
    # Everybody at one distance: a shift could not be told from a scale.
    np.testing.assert_allclose(calibrate(np.full(5, 2.0), np.full(5, 6.0), metric=False), 6.0)


@pytest.mark.parametrize("metric", [True, False])
def test_a_few_wrong_samples_do_no_harm(depths_m, rng, metric):
    sampled = depths_m / 2
    sampled[rng.permutation(200)[:30]] = 50.0
    right = sampled != 50.0
    np.testing.assert_allclose(calibrate(sampled, depths_m, metric=metric)[right], depths_m[right], rtol=0.01)


@pytest.mark.parametrize("metric", [True, False])
def test_frames_without_a_sample_or_a_depth_have_no_say_and_no_result(depths_m, metric):
    sampled, unknown_m = depths_m / 2, depths_m.copy()
    sampled[:50], unknown_m[50:80] = np.nan, np.nan
    found_m = calibrate(sampled, unknown_m, metric=metric)
    assert np.isnan(found_m[:50]).all()
    np.testing.assert_allclose(found_m[50:], depths_m[50:], rtol=1e-6)


def test_a_map_that_says_the_opposite_is_not_used(depths_m):
    assert np.isnan(calibrate(-depths_m, depths_m, metric=False)).all()
    assert np.isnan(calibrate(-depths_m, depths_m, metric=True)).all()
    assert np.isnan(calibrate(np.zeros(200), depths_m, metric=True)).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_samples_are_not_used(count):
    assert np.isnan(calibrate(np.arange(1.0, 1 + count), np.arange(1.0, 1 + count), metric=True)).all()
    assert calibrate(np.full(30, np.nan), np.ones(30), metric=False).shape == (30,)


def test_the_depth_of_a_pixel_is_that_of_the_nearest_bone(rng):
    """Against every pixel and bone in a plain loop."""
    sight = see_walkers(people=2, frames=2)
    joints_m = sight.joints_camera_m[:, 1]
    intrinsics = sight.take.intrinsics[[1, 1]]
    regions = np.array([[300.0, 180.0, 260.0, 0.0], [380.0, 170.0, 240.0, 0.4]])
    silhouettes = rng.uniform(size=(2, GRID, GRID)) < 0.1
    points = silhouette_points(silhouettes, regions, joints_m, intrinsics)
    assert points.shape == (2, GRID * GRID, 3)
    for person in range(2):
        c, s = np.cos(regions[person, 3]), np.sin(regions[person, 3])
        flat = joints_m[person, :, :2] / joints_m[person, :, 2:]
        for row in range(GRID):
            for column in range(GRID):
                found = points[person, row * GRID + column]
                if not silhouettes[person, row, column]:
                    assert np.isnan(found).all()
                    continue
                across, down = (np.array([column, row]) + 0.5) / GRID - 0.5
                pixel = regions[person, :2] + regions[person, 2] * np.array(
                    [c * across - s * down, s * across + c * down]
                )
                ray = np.array([*((pixel - intrinsics[person, :2, 2]) / intrinsics[person, 0, 0]), 1.0])
                best = (np.inf, 0.0)
                for joint in range(1, len(flat)):
                    a, b = flat[PARENTS[joint]], flat[joint]
                    t = np.clip((ray[:2] - a) @ (b - a) / ((b - a) @ (b - a) + 1e-9), 0, 1)
                    z = joints_m[person, [PARENTS[joint], joint], 2] @ [1 - t, t]
                    best = min(best, (float(np.hypot(*(ray[:2] - a - t * (b - a)))), float(z)))
                # Where two bones are as near, either will do; they meet there.
                np.testing.assert_allclose(found, ray * best[1], atol=0.02)


def test_points_lie_on_the_rays_of_their_pixels_in_any_number():
    sight = see_walkers(people=1, frames=60)
    silhouettes = np.ones((60, GRID, GRID), bool)
    regions = np.tile([320.0, 180.0, 300.0, 0.0], (60, 1))
    points = silhouette_points(silhouettes, regions, sight.joints_camera_m[0], sight.take.intrinsics)
    assert np.isfinite(points).all()
    pixels = cameras.project(points, sight.take.intrinsics)
    cells = (np.arange(GRID) + 0.5) / GRID - 0.5
    rows, columns = np.meshgrid(cells, cells, indexing="ij")
    expected = np.stack([columns, rows], axis=-1).reshape(-1, 2) * 300 + [320, 180]
    np.testing.assert_allclose(pixels, np.broadcast_to(expected, pixels.shape), atol=0.01)
