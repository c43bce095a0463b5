"""One person over a clip: gaps are filled and marked, long ones left empty, and the skeleton lies on its keypoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import cameras, kinematics
from animepose_blender.estimate.fuse import Ground
from animepose_blender.estimate.gaps import MAX_FILL_S
from animepose_blender.estimate.person import Evidence, Solved, solve_person
from animepose_blender.estimate.predict import History, Prediction
from animepose_blender.skeleton import CONTACT_JOINTS
from animepose_blender.take import State

from .evidence import FLOOR, Lingers, Sight, noisy, see_walkers

FPS, FRAMES = 30, 180
NOBODY = np.zeros((0, FRAMES, 3))


@pytest.fixture(scope="module")
def sight() -> Sight:
    return see_walkers(frames=FRAMES)


def _solve(
    sight: Sight, frames: np.ndarray | None = None, *, evidence: Evidence | None = None, ground: Ground = FLOOR
) -> Solved:
    evidence = sight.evidence[0] if evidence is None else evidence
    if frames is not None:
        evidence = evidence.where(np.isin(evidence.frames, frames))
    return solve_person(evidence, sight.view, ground, NOBODY, Lingers())


def _error_m(sight: Sight, joints_m: np.ndarray, frames: slice | np.ndarray = slice(None)) -> np.ndarray:
    return np.linalg.norm(joints_m[frames] - sight.joints_world_m[0, frames], axis=-1)


def _pose_error_m(sight: Sight, solved: Solved) -> np.ndarray:
    """(F, J) error of the joints relative to the pelvis."""
    truth_m = sight.joints_world_m[0]
    relative_m = solved.joints_world_m - solved.root_world_m[:, None]
    return np.linalg.norm(relative_m - truth_m + truth_m[:, :1], axis=-1)


@pytest.mark.parametrize("moving", [False, True])
def test_perfect_evidence_gives_the_person_back_in_the_world(moving):
    sight = see_walkers(frames=FRAMES, moving_camera=moving)
    solved = _solve(sight)
    assert (solved.state == State.OBSERVED).all()
    assert np.median(_pose_error_m(sight, solved)) < 0.006
    assert _pose_error_m(sight, solved).max() < 0.06
    root_error_m = np.linalg.norm(solved.root_world_m - sight.joints_world_m[0, :, 0], axis=-1)
    assert root_error_m.mean() < 0.06
    assert solved.misfit < 0.01
    # Joints known to 1 and 2 cm: lengths lie between the measured and people's usual ones.
    np.testing.assert_allclose(solved.bone_length_m[1:], sight.take.bone_length_m[0, 1:], rtol=0.04)
    feet_m = solved.joints_world_m[:, list(CONTACT_JOINTS), 2].min(axis=1)
    assert np.median(np.abs(feet_m - FLOOR.level_m)) < 0.03


def test_the_joints_are_those_of_the_rotations_with_constant_bone_lengths(sight):
    solved = _solve(sight)
    joints_m, _ = kinematics.forward(solved.rotations, solved.root_world_m, solved.bone_length_m)
    np.testing.assert_allclose(joints_m, solved.joints_world_m, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(solved.rotations, axis=-1), 1, atol=1e-9)


def test_noise_of_the_network_is_taken_out(sight, rng):
    evidence = noisy(sight.evidence[0], rng, joints_m=0.01)
    solved = _solve(sight, evidence=evidence)
    assert np.median(_pose_error_m(sight, solved)) < 0.014
    turn = sight.view.camera_to_world[:, :3, :3]
    seen_m = np.einsum("fij,fkj->fki", turn, evidence.lifted.joints_m)
    truth_m = sight.joints_world_m[0] - sight.joints_world_m[0, :, :1]
    relative_m = solved.joints_world_m - solved.root_world_m[:, None]
    assert _shiver_m(relative_m - truth_m) < 0.25 * _shiver_m(seen_m - truth_m)


def _shiver_m(error_m: np.ndarray) -> float:
    """Median change of the velocity's error from frame to frame."""
    return float(np.median(np.linalg.norm(np.diff(error_m, n=2, axis=0), axis=-1)))


def test_the_floor_corrects_somebody_who_seems_too_large(sight):
    """Five per cent too small or large, and so too near or far: what stands on the known floor is put right in part."""
    evidence = sight.evidence[0]
    truth_m = sight.joints_world_m[0, :, 0]
    for factor in (0.95, 1.05):
        lifted = replace(evidence.lifted, joints_m=evidence.lifted.joints_m * factor)
        wrong = replace(evidence, lifted=lifted)
        on_floor, in_the_air = (
            np.linalg.norm(_solve(sight, evidence=wrong, ground=ground).root_world_m - truth_m, axis=1).mean()
            for ground in (FLOOR, Ground(-50.0, 0.0))
        )
        assert on_floor < 0.8 * in_the_air


def test_a_depth_map_corrects_the_distance(sight):
    evidence = sight.evidence[0]
    wrong = replace(evidence, lifted=replace(evidence.lifted, joints_m=evidence.lifted.joints_m * 1.08))
    mapped = replace(wrong, depth_m=sight.joints_camera_m[0, :, 0, 2])
    truth_m, air = sight.joints_world_m[0, :, 0], Ground(-50.0, 0.0)
    without, with_map = (
        np.linalg.norm(_solve(sight, evidence=e, ground=air).root_world_m - truth_m, axis=1).mean()
        for e in (wrong, mapped)
    )
    assert with_map < 0.6 * without


def test_the_root_is_surer_across_the_view_than_along_it(sight):
    solved = _solve(sight)
    assert np.isfinite(solved.root_sigma_m).all() and (solved.root_sigma_m > 0).all()
    assert (solved.root_sigma_m[:, 1] > solved.root_sigma_m[:, 0]).all()
    unknown_floor = _solve(sight, ground=Ground(-50.0, 0.0))
    assert (unknown_floor.root_sigma_m[:, 1] >= solved.root_sigma_m[:, 1] - 1e-9).all()


def test_a_gap_is_filled_and_marked_as_predicted(sight):
    gap = np.arange(50, 62)
    solved = _solve(sight, np.setdiff1d(np.arange(FRAMES), gap))
    assert (solved.state[gap] == State.PREDICTED).all()
    assert (np.delete(solved.state, gap) == State.OBSERVED).all()
    assert np.isfinite(solved.rotations).all()
    assert (solved.joint_confidence[gap] == 0).all()
    assert np.median(_error_m(sight, solved.joints_world_m, gap)) < 0.25
    assert (solved.root_sigma_m[gap[6]] > solved.root_sigma_m[[gap[0] - 1, gap[-1] + 1]]).all()


def test_a_filled_gap_has_no_jump_at_its_ends(sight):
    gap = np.arange(60, 75)
    solved = _solve(sight, np.setdiff1d(np.arange(FRAMES), gap))
    step_m = np.linalg.norm(np.diff(solved.root_world_m, axis=0), axis=1)
    usual_m = np.linalg.norm(np.diff(sight.joints_world_m[0, :, 0], axis=0), axis=1).max()
    assert step_m[gap[0] - 2 : gap[-1] + 2].max() < 3 * usual_m + 0.01


def test_bones_keep_their_lengths_through_a_gap(sight):
    solved = _solve(sight, np.setdiff1d(np.arange(FRAMES), np.arange(50, 80)))
    joints_m, _ = kinematics.forward(solved.rotations, solved.root_world_m, solved.bone_length_m)
    np.testing.assert_allclose(joints_m, solved.joints_world_m, atol=1e-9)


def test_a_long_gap_is_left_empty_but_for_its_beginning():
    sight = see_walkers(frames=300)
    first, last = 60, 60 + int(MAX_FILL_S * FPS) + 10
    evidence = sight.evidence[0].where(np.isin(np.arange(300), np.r_[0:first, last:300]))
    solved = solve_person(evidence, sight.view, FLOOR, np.zeros((0, 300, 3)), Lingers())
    absent = solved.state == State.ABSENT
    assert absent[last - 30 : last].all() and not absent[:first].any() and not absent[last:].any()
    for values in (solved.rotations, solved.root_world_m, solved.joints_world_m, solved.root_sigma_m):
        assert np.isnan(values[absent]).all()
        assert np.isfinite(values[~absent]).all()
    seen = np.r_[0:first, last:300]
    assert np.median(_error_m(sight, solved.joints_world_m, seen)) < 0.06


def test_before_the_first_sight_nobody_is_there(sight):
    solved = _solve(sight, np.arange(20, 80))
    assert (solved.state[:20] == State.ABSENT).all()
    assert (solved.state[-30:] == State.ABSENT).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_sights_are_solved(sight, count):
    solved = _solve(sight, np.arange(10, 10 + count))
    assert (solved.state[10 : 10 + count] == State.OBSERVED).all()
    present = solved.state != State.ABSENT
    for values in (solved.joints_world_m, solved.rotations, solved.root_sigma_m):
        assert np.isfinite(values[present]).all()
    # A frame tells the distance to some 5 %, which is 25 cm here.
    assert np.median(_error_m(sight, solved.joints_world_m, slice(10, 10 + count))) < 0.2


def test_the_predictor_is_told_of_the_others(sight):
    told: list[History] = []

    class Asked(Lingers):
        def predict(self, history: History, time_s: np.ndarray) -> Prediction:
            told.append(history)
            return super().predict(history, time_s)

    others_m = np.full((2, FRAMES, 3), 3.0)
    evidence = sight.evidence[0].where(np.arange(FRAMES) < 100)
    solve_person(evidence, sight.view, FLOOR, others_m, Asked())
    assert told
    for history in told:
        assert history.others_world_m.shape[0] == 2
        np.testing.assert_array_equal(history.others_world_m, 3.0)


def test_something_that_is_no_person_misfits(sight, rng):
    assert _solve(sight, evidence=noisy(sight.evidence[0], rng, keypoints_px=12.0)).misfit > 0.04


def test_misfit_is_the_median_distance_in_the_picture(sight):
    solved, evidence = _solve(sight), sight.evidence[0]
    joints_camera_m = cameras.transform(sight.view.world_to_camera, solved.joints_world_m)
    distance_px = np.linalg.norm(
        cameras.project(joints_camera_m, sight.take.intrinsics) - evidence.lifted.keypoints_px, axis=-1
    )
    height_px = evidence.box_px[:, 3] - evidence.box_px[:, 1]
    assert solved.misfit == pytest.approx(np.nanmedian(distance_px / height_px[:, None]))


def test_a_hidden_arm_moves_no_other_joint_much(sight):
    evidence = sight.evidence[0]
    joints_m, confidence = evidence.lifted.joints_m.copy(), evidence.lifted.joint_confidence.copy()
    arm = [10, 12, 14, 16]
    joints_m[60:100, arm] += 0.3
    confidence[60:100, arm] = 0.02
    lifted = replace(evidence.lifted, joints_m=joints_m, joint_confidence=confidence)
    solved = _solve(sight, evidence=replace(evidence, lifted=lifted))
    other = np.setdiff1d(np.arange(28), arm)
    assert _pose_error_m(sight, solved)[:, other].max() < 0.06


def test_somebody_too_near_to_be_placed_again_for_a_frame_does_no_harm(sight):
    """Without keypoints in some frames, only the smoothness of the path and the prediction hold the root."""
    evidence = sight.evidence[0]
    keypoints_px = evidence.lifted.keypoints_px.copy()
    keypoints_px[80:84, 2:] = np.nan
    solved = _solve(sight, evidence=replace(evidence, lifted=replace(evidence.lifted, keypoints_px=keypoints_px)))
    assert np.isfinite(solved.joints_world_m).all()
    assert np.linalg.norm(solved.root_world_m - sight.joints_world_m[0, :, 0], axis=-1)[80:84].max() < 0.2


@pytest.mark.parametrize("ends", [np.arange(96, 100), np.arange(0, 100)])
def test_somebody_who_cannot_be_placed_again_next_to_a_gap_does_no_harm(sight, ends):
    evidence = sight.evidence[0].where(np.arange(FRAMES) < 100)
    keypoints_px = evidence.lifted.keypoints_px.copy()
    keypoints_px[ends, 2:] = np.nan
    solved = _solve(sight, evidence=replace(evidence, lifted=replace(evidence.lifted, keypoints_px=keypoints_px)))
    present = solved.state != State.ABSENT
    assert np.isfinite(solved.joints_world_m[present]).all()


def test_evidence_of_some_frames(sight):
    evidence = sight.evidence[0]
    chosen = evidence.frames % 7 == 2
    some = evidence.where(chosen)
    np.testing.assert_array_equal(some.frames, evidence.frames[chosen])
    np.testing.assert_array_equal(some.box_px, evidence.box_px[chosen])
    for name, values in vars(some.lifted).items():
        np.testing.assert_array_equal(values, getattr(evidence.lifted, name)[chosen])


def test_the_evidence_is_left_as_it_was(sight):
    evidence = sight.evidence[0]
    before = {name: values.copy() for name, values in vars(evidence.lifted).items()}
    _solve(sight, np.r_[0:60, 80:FRAMES])
    for name, values in vars(evidence.lifted).items():
        np.testing.assert_array_equal(values, before[name])
