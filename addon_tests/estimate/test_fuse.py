"""A root is where all that is known of it agrees, each kind of knowledge by how sure it is in each direction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import lstsq, sqrtm

from animepose_blender.estimate.floor import StandingFeet
from animepose_blender.estimate.fuse import (
    CUTOFF_HZ,
    REFERENCE_SIGMA_M,
    UNKNOWN_SIGMA_M,
    Ground,
    RootEvidence,
    depth_spread,
    from_depth,
    from_floor,
    from_size,
    fuse,
    spread_of,
)

FPS, FRAMES = 30, 90
TIME_S = np.arange(FRAMES) / FPS
CENTRE_M = np.array([0.0, -6.0, 2.0])
FOOT_M = np.array([0.1, 0.05, -0.88])
"""From the root to the foot that stands."""
AXIS = np.array([0.0, 1.0, 0.0])


def _path() -> np.ndarray:
    """(F, 3) of somebody who walks about on the floor z = 0."""
    return np.stack([np.sin(TIME_S), 0.5 * TIME_S, np.full(FRAMES, 0.9)], axis=1)


def _by_size(path_m: np.ndarray, factor: float | np.ndarray = 1.0, along_m: float = 0.3) -> RootEvidence:
    """Roots that size puts so many times as far away as they are."""
    wrong_m = CENTRE_M + (path_m - CENTRE_M) * np.broadcast_to(factor, FRAMES)[:, None]
    centre_m = np.tile(CENTRE_M, (FRAMES, 1))
    return from_size(np.arange(FRAMES), wrong_m, centre_m, np.tile([0.02, along_m], (FRAMES, 1)), FRAMES)


def _feet(path_m: np.ndarray, factor: float = 1.0, weight: np.ndarray | None = None) -> StandingFeet:
    frames = np.arange(FRAMES)
    ray_m = (path_m - CENTRE_M) * factor
    foot_m = np.tile(FOOT_M, (FRAMES, 1)) * factor
    depth_m = (ray_m @ AXIS)[:, None] * AXIS
    return StandingFeet(
        frames, 0 * frames, np.tile(CENTRE_M, (FRAMES, 1)), ray_m, depth_m, foot_m,
        np.ones(FRAMES) if weight is None else weight,
    )  # fmt: skip


def _level(path_m: np.ndarray) -> Ground:
    return Ground(float(path_m[0, 2] + FOOT_M[2]), np.radians(0.5))


def _error_m(found_m: np.ndarray, path_m: np.ndarray) -> float:
    return float(np.linalg.norm(found_m - path_m, axis=1)[5:-5].mean())


def test_what_all_agree_on_comes_out():
    path_m = _path()
    evidence = [_by_size(path_m), from_floor(_feet(path_m), _level(path_m), FRAMES)]
    # A turn of the walk is smoothed by a few millimetres.
    assert _error_m(fuse(evidence, TIME_S), path_m) < 0.01


def test_agrees_with_a_dense_solution(rng):
    path_m = _path() + rng.normal(0, 0.01, (FRAMES, 3))
    time_s = np.sort(TIME_S + rng.uniform(-0.3, 0.3, FRAMES) / FPS)
    evidence = []
    for _ in range(2):
        root = rng.normal(size=(FRAMES, 3, 3)) * 5
        information = root @ np.swapaxes(root, -1, -2) + 20 * np.eye(3)
        evidence.append(RootEvidence(path_m + rng.normal(0, 0.003, (FRAMES, 3)), information))
    # The second derivative through three points, as in test_smooth.
    step = np.diff(time_s)
    derivative = np.zeros((FRAMES - 2, FRAMES))
    for i in range(1, FRAMES - 1):
        derivative[i - 1, i - 1] = 2 / (step[i - 1] * (step[i - 1] + step[i]))
        derivative[i - 1, i + 1] = 2 / (step[i] * (step[i - 1] + step[i]))
        derivative[i - 1, i] = -derivative[i - 1, i - 1] - derivative[i - 1, i + 1]
    strength = np.sqrt((step[:-1] + step[1:]) / 2 / step.mean()) / (2 * np.pi * CUTOFF_HZ) ** 2 / REFERENCE_SIGMA_M
    rows, right = [np.kron(strength[:, None] * derivative, np.eye(3))], [np.zeros(3 * (FRAMES - 2))]
    for one in evidence:
        block = np.zeros((3 * FRAMES, 3 * FRAMES))
        for f in range(FRAMES):
            block[3 * f : 3 * f + 3, 3 * f : 3 * f + 3] = np.real(sqrtm(one.information[f]))
        rows.append(block)
        right.append(block @ one.root_m.ravel())
    dense_m = lstsq(np.vstack(rows), np.concatenate(right))[0].reshape(FRAMES, 3)
    # Residuals are far below the limit of outliers, whose weights hardly change it.
    np.testing.assert_allclose(fuse(evidence, time_s), dense_m, atol=2e-3)


def test_the_floor_puts_right_who_seems_too_near_or_too_far():
    path_m = _path()
    for factor in (0.93, 1.07):
        size, floor = _by_size(path_m, factor), from_floor(_feet(path_m, factor), _level(path_m), FRAMES)
        alone, both = fuse([size], TIME_S), fuse([size, floor], TIME_S)
        # A body a little too large has its foot a little too far from the root, which no floor can tell.
        assert _error_m(both, path_m) < 0.4 * _error_m(alone, path_m)


def test_the_floor_says_nothing_of_the_direction():
    information = from_floor(_feet(_path()), _level(_path()), FRAMES).information
    values = np.linalg.eigvalsh(information)
    assert (values[:, 2] > 1).all()
    np.testing.assert_allclose(values[:, :2], 0, atol=1e-9)


def test_the_steeper_the_view_the_more_the_floor_says():
    path_m = _path()
    sure = []
    for height_m in (1.2, 2.0, 5.0):
        feet = _feet(path_m)
        centre_m = feet.centre_m * [1, 1, 0] + [0, 0, height_m]
        higher = StandingFeet(**{**vars(feet), "centre_m": centre_m, "ray_m": path_m - centre_m})
        sure.append(np.trace(from_floor(higher, _level(path_m), FRAMES).information.mean(axis=0)))
    assert sure[0] < sure[1] < sure[2]


def test_a_floor_whose_tilt_is_not_sure_says_less_of_who_is_far():
    path_m = _path()
    level = _level(path_m).level_m
    known, unsure = (
        np.trace(from_floor(_feet(path_m), Ground(level, sigma), FRAMES).information, axis1=1, axis2=2)
        for sigma in (0.0, np.radians(3))
    )
    assert (unsure < known).all()
    assert unsure[-1] / known[-1] < unsure[0] / known[0]


@pytest.mark.parametrize("level_m", [2.5, 1.95, -40.0])
def test_a_foot_that_cannot_stand_there_is_not_asked(level_m):
    """A floor over the camera, at its height, and far below."""
    evidence = from_floor(_feet(_path()), Ground(level_m, 0.0), FRAMES)
    assert (evidence.information == 0).all()
    assert np.isfinite(evidence.root_m).all()


def test_a_foot_in_the_air_hardly_counts():
    weight = np.ones(FRAMES)
    weight[40:50] = 0.01
    information = from_floor(_feet(_path(), weight=weight), _level(_path()), FRAMES).information
    assert np.trace(information[45]) < 0.02 * np.trace(information[30])


def test_nobody_has_no_feet_on_the_floor():
    none = np.zeros((0, 3))
    feet = StandingFeet(np.zeros(0, int), np.zeros(0, int), none, none, none, none, np.zeros(0))
    evidence = from_floor(feet, Ground(0.0, 0.0), 10)
    assert evidence.information.shape == (10, 3, 3)
    assert (evidence.information == 0).all()


def test_a_depth_map_moves_people_along_their_rays():
    path_m = _path()
    size = _by_size(path_m, 1.08)
    depth_m = (path_m - CENTRE_M) @ AXIS
    centre_m, axis = np.tile(CENTRE_M, (FRAMES, 1)), np.tile(AXIS, (FRAMES, 1))
    evidence = from_depth(np.arange(FRAMES), size.root_m, centre_m, axis, depth_m, 0.02, FRAMES)
    np.testing.assert_allclose(evidence.root_m, path_m, atol=1e-9)
    ray = (path_m - CENTRE_M) / np.linalg.norm(path_m - CENTRE_M, axis=1, keepdims=True)
    np.testing.assert_allclose(
        np.einsum("fi,fij,fj->f", ray, evidence.information, ray), 1 / (0.02 * depth_m) ** 2, rtol=1e-9
    )
    assert _error_m(fuse([size, evidence], TIME_S), path_m) < 0.5 * _error_m(fuse([size], TIME_S), path_m)


def test_where_a_depth_map_says_nothing_it_has_no_say():
    path_m = _path()
    depth_m = np.full(FRAMES, np.nan)
    depth_m[::2], depth_m[4] = 6.0, -1.0
    centre_m, axis = np.tile(CENTRE_M, (FRAMES, 1)), np.tile(AXIS, (FRAMES, 1))
    evidence = from_depth(np.arange(FRAMES), path_m, centre_m, axis, depth_m, 0.02, FRAMES)
    silent = ~evidence.information.any(axis=(1, 2))
    np.testing.assert_array_equal(silent, ~(depth_m > 0))
    assert np.isfinite(evidence.root_m).all()


def test_a_wrong_find_lets_go(rng):
    path_m = _path()
    wrong_m = path_m.copy()
    wrong_m[40:43] += [1.5, 0.0, 0.0]
    known = from_size(
        np.arange(FRAMES), wrong_m, np.tile(CENTRE_M, (FRAMES, 1)), np.tile([0.02, 0.3], (FRAMES, 1)), FRAMES
    )
    assert np.abs(fuse([known], TIME_S) - path_m)[:, 0].max() < 0.1


def test_a_gap_is_filled_with_the_straightest_curve():
    path_m = np.stack([TIME_S, 0.3 * TIME_S, np.full(FRAMES, 0.9)], axis=1)
    frames = np.r_[0:30, 60:FRAMES]
    known = from_size(frames, path_m[frames], np.tile(CENTRE_M, (60, 1)), np.tile([0.02, 0.3], (60, 1)), FRAMES)
    np.testing.assert_allclose(fuse([known], TIME_S), path_m, atol=0.02)


def test_shiver_along_the_view_is_taken_out_and_a_step_across_is_kept(rng):
    path_m = _path()
    path_m[:, 0] += 0.08 * np.sin(2 * np.pi * 2.0 * TIME_S)
    shiver = rng.normal(0, 0.03, FRAMES)
    found_m = fuse([_by_size(path_m, 1 + shiver)], TIME_S)
    assert np.abs(found_m - path_m)[5:-5, 0].mean() < 0.02
    distance_m = np.linalg.norm(path_m - CENTRE_M, axis=1)
    along_m = np.linalg.norm(found_m - CENTRE_M, axis=1) - distance_m
    assert np.std(along_m) < 0.4 * np.std(shiver * distance_m)


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_are_the_weighed_mean(frames):
    a, b = np.zeros((frames, 3)), np.ones((frames, 3))
    weak, strong = np.tile(np.eye(3), (frames, 1, 1)), np.tile(3 * np.eye(3), (frames, 1, 1))
    found_m = fuse([RootEvidence(a, weak), RootEvidence(b, strong)], TIME_S[:frames])
    np.testing.assert_allclose(found_m, 0.75, atol=1e-6)


def test_the_spread_is_that_of_the_information():
    path_m = _path()
    ray = (path_m - CENTRE_M) / np.linalg.norm(path_m - CENTRE_M, axis=1, keepdims=True)
    one = spread_of([_by_size(path_m)], ray)
    np.testing.assert_allclose(one, np.tile([0.02, 0.3], (FRAMES, 1)), rtol=1e-6)
    np.testing.assert_allclose(spread_of([_by_size(path_m)] * 4, ray), one / 2, rtol=1e-6)
    with_floor = spread_of([_by_size(path_m), from_floor(_feet(path_m), _level(path_m), FRAMES)], ray)
    assert (with_floor[:, 1] < one[:, 1]).all()
    assert (with_floor[:, 0] <= one[:, 0] * (1 + 1e-9)).all()


def test_where_nothing_is_known_the_spread_is_wider_than_any_room_and_finite():
    ray = np.tile([0.0, 1.0, 0.0], (5, 1))
    nothing = RootEvidence(np.zeros((5, 3)), np.zeros((5, 3, 3)))
    assert (spread_of([nothing], ray) == UNKNOWN_SIGMA_M).all()
    assert UNKNOWN_SIGMA_M > 50
    along = RootEvidence(np.zeros((5, 3)), np.tile(np.outer(ray[0], ray[0]), (5, 1, 1)))
    np.testing.assert_array_equal(spread_of([along], ray), np.tile([UNKNOWN_SIGMA_M, 1.0], (5, 1)))


@pytest.mark.parametrize("frames", [1, 2, 20])
def test_no_evidence_at_all_gives_a_path_of_numbers(frames):
    nothing = RootEvidence(np.zeros((frames, 3)), np.zeros((frames, 3, 3)))
    assert np.isfinite(fuse([nothing, nothing], TIME_S[:frames])).all()


def test_evidence_of_one_kind_alone_is_enough(rng):
    path_m = _path()
    nothing = RootEvidence(np.full((FRAMES, 3), 50.0), np.zeros((FRAMES, 3, 3)))
    np.testing.assert_allclose(fuse([nothing, _by_size(path_m)], TIME_S), fuse([_by_size(path_m)], TIME_S), atol=1e-6)


def test_evidence_is_put_into_its_own_frames():
    frames = np.array([2, 7])
    known = from_size(frames, _path()[frames], np.tile(CENTRE_M, (2, 1)), np.tile([0.02, 0.3], (2, 1)), 10)
    assert np.flatnonzero(known.information.any(axis=(1, 2))).tolist() == [2, 7]
    np.testing.assert_array_equal(known.root_m[frames], _path()[frames])


def test_a_depth_map_that_changes_otherwise_than_a_person_says_little_of_them(rng):
    expected_m = np.linspace(3.0, 6.0, 100)
    assert depth_spread(1.2 * expected_m, expected_m) < 1e-9  # a factor may be the person's size
    assert depth_spread(expected_m * np.exp(rng.normal(0, 0.05, 100)), expected_m) == pytest.approx(0.05, rel=0.3)
    assert depth_spread(np.full(100, 4.5), expected_m) > 0.15
    assert depth_spread(np.full(100, np.nan), expected_m) == 0.0
