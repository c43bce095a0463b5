"""One person over a clip: gaps are filled and marked, long ones left empty, and the skeleton lies on its keypoints."""

from __future__ import annotations

import numpy as np
import pytest

from animepose_blender.core import cameras, kinematics
from animepose_blender.estimate.person import MAX_FILL_S, Evidence, merge, select, solve_person, states
from animepose_blender.take import State

from .evidence import Seen, see_walkers

FPS, FRAMES = 30, 120


@pytest.fixture(scope="module")
def seen() -> Seen:
    return see_walkers(frames=FRAMES)


def _solve(seen: Seen, frames: np.ndarray | None = None):
    evidence = seen.evidence[0]
    if frames is not None:
        evidence = select(evidence, np.isin(evidence.frames, frames))
    return solve_person(evidence, seen.take.frame_time_s, seen.take.intrinsics)


def _error_m(seen: Seen, joints_m: np.ndarray, frames: slice | np.ndarray = slice(None)) -> np.ndarray:
    return np.linalg.norm(joints_m[frames] - seen.joints_camera_m[0, frames], axis=-1)


def _pose_error_m(seen: Seen, solved) -> np.ndarray:
    """(F, J) error of the joints relative to the pelvis."""
    relative_m = solved.joints_camera_m - solved.root_camera_m[:, None]
    return np.linalg.norm(relative_m - seen.joints_camera_m[0] + seen.joints_camera_m[0, :, :1], axis=-1)


def test_perfect_evidence_gives_the_person_back(seen):
    solved = _solve(seen)
    assert (solved.state == State.OBSERVED).all()
    assert np.median(_pose_error_m(seen, solved)) < 0.004
    assert _pose_error_m(seen, solved).max() < 0.04
    # Distance is smoothed by far the most: it wavers with every step of this walk.
    root_error_m = np.abs(solved.root_camera_m - seen.joints_camera_m[0, :, 0])
    assert root_error_m[:, 2].mean() < 0.07
    assert root_error_m[:, :2].mean() < 0.01
    assert solved.misfit < 0.01
    np.testing.assert_allclose(solved.bone_length_m[1:], seen.take.bone_length_m[0, 1:], rtol=0.01)


def test_the_joints_are_those_of_the_rotations_with_constant_bone_lengths(seen):
    solved = _solve(seen)
    joints_m, _ = kinematics.forward(solved.rotations, solved.root_camera_m, solved.bone_length_m)
    np.testing.assert_allclose(joints_m, solved.joints_camera_m, atol=1e-9)


def test_noise_of_the_network_is_taken_out(seen, rng):
    evidence = seen.evidence[0]
    noisy_m = evidence.lifted.joints_m + rng.normal(0, 0.01, evidence.lifted.joints_m.shape)
    lifted = type(evidence.lifted)(**{**vars(evidence.lifted), "joints_m": noisy_m})
    solved = solve_person(
        Evidence(evidence.frames, lifted, evidence.box_px), seen.take.frame_time_s, seen.take.intrinsics
    )
    assert np.median(_pose_error_m(seen, solved)) < 0.012
    relative_m = solved.joints_camera_m - solved.root_camera_m[:, None]
    truth_m = seen.joints_camera_m[0] - seen.joints_camera_m[0, :, :1]
    assert _shiver_m(relative_m - truth_m) < 0.2 * _shiver_m(noisy_m - truth_m)


def _shiver_m(error_m: np.ndarray) -> float:
    """Median change of the velocity's error from frame to frame."""
    return float(np.median(np.linalg.norm(np.diff(error_m, n=2, axis=0), axis=-1)))


def test_a_short_gap_is_filled_and_marked_as_predicted(seen):
    gap = np.arange(50, 62)
    solved = _solve(seen, np.setdiff1d(np.arange(FRAMES), gap))
    assert (solved.state[gap] == State.PREDICTED).all()
    assert (np.delete(solved.state, gap) == State.OBSERVED).all()
    assert np.isfinite(solved.rotations).all()
    assert (solved.joint_confidence[gap] == 0).all()
    assert np.median(_error_m(seen, solved.joints_camera_m, gap)) < 0.15


def test_a_long_gap_is_left_empty_and_the_sides_do_not_meet(seen):
    first, last = 30, 30 + int(MAX_FILL_S * FPS) + 2
    solved = _solve(seen, np.r_[0:first, last:FRAMES])
    assert (solved.state[first:last] == State.ABSENT).all()
    for values in (solved.rotations, solved.root_camera_m, solved.joints_camera_m):
        assert np.isnan(values[first:last]).all()
        assert np.isfinite(values[:first]).all()
        assert np.isfinite(values[last:]).all()
    assert np.median(_error_m(seen, solved.joints_camera_m, np.r_[0:first, last:FRAMES])) < 0.06


def test_before_the_first_and_after_the_last_sight_nobody_is_there(seen):
    solved = _solve(seen, np.arange(20, 80))
    assert (solved.state[:20] == State.ABSENT).all()
    assert (solved.state[80:] == State.ABSENT).all()


def test_gaps_count_in_seconds_not_in_frames():
    frames = np.array([0, 5])
    assert states(frames, np.arange(6) / 10)[2] == State.PREDICTED
    assert states(frames, np.arange(6) * 1.0)[2] == State.ABSENT


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_sights_are_solved(seen, count):
    solved = _solve(seen, np.arange(10, 10 + count))
    assert (solved.state[10 : 10 + count] == State.OBSERVED).all()
    assert np.isfinite(solved.joints_camera_m[10 : 10 + count]).all()


def test_something_that_is_no_person_misfits(seen, rng):
    evidence = seen.evidence[0]
    wrong_px = evidence.lifted.keypoints_px + rng.normal(0, 12, evidence.lifted.keypoints_px.shape)
    lifted = type(evidence.lifted)(**{**vars(evidence.lifted), "keypoints_px": wrong_px})
    solved = solve_person(
        Evidence(evidence.frames, lifted, evidence.box_px), seen.take.frame_time_s, seen.take.intrinsics
    )
    assert solved.misfit > 0.04


def test_misfit_is_the_median_distance_in_the_picture(seen):
    solved, evidence = _solve(seen), seen.evidence[0]
    distance_px = np.linalg.norm(
        cameras.project(solved.joints_camera_m, seen.take.intrinsics) - evidence.lifted.keypoints_px, axis=-1
    )
    height_px = evidence.box_px[:, 3] - evidence.box_px[:, 1]
    assert solved.misfit == pytest.approx(np.nanmedian(distance_px / height_px[:, None]))


def test_pieces_of_one_person_are_put_together_in_order(seen):
    evidence = seen.evidence[0]
    pieces = [select(evidence, np.isin(evidence.frames, part)) for part in (np.arange(0, 40), np.arange(55, FRAMES))]
    whole = merge(pieces)
    assert whole.frames.tolist() == [*range(40), *range(55, FRAMES)]
    kept = whole.frames
    np.testing.assert_array_equal(whole.box_px, evidence.box_px[kept])
    for name, values in vars(whole.lifted).items():
        np.testing.assert_array_equal(values, getattr(evidence.lifted, name)[kept])
