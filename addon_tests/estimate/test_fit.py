"""The whole-clip solve: what was true comes back, what stands stays, what is smooth stays near what was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from animepose_blender.core import cameras, kinematics
from animepose_blender.core import quaternions as quat
from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.fit import solve as solve_module
from animepose_blender.estimate.fit.body import PARTS, UNKNOWNS, Pose, pose_of
from animepose_blender.estimate.fit.rotations import rotations_of
from animepose_blender.estimate.fit.solve import Wishes, fit
from animepose_blender.estimate.fit.standing import held
from animepose_blender.estimate.fit.terms import Evidence
from animepose_blender.estimate.fuse import RootEvidence
from animepose_blender.skeleton import CONTACT_JOINTS, JOINT_COUNT, REST_LENGTHS_M, J
from animepose_blender.take import Take

FEET = list(CONTACT_JOINTS)
SURE_M, ROOT_SURE_M = 0.004, 0.02


def _walk(frames: int = 90) -> tuple[Take, Pose]:
    take = walking_take(people=1, frames=frames, gaps=False)
    turned = kinematics.forward(take.rotations[0].astype(float), np.zeros((frames, 3)), take.bone_length_m[0])[1]
    return take, pose_of(
        quat.to_matrix(turned), take.root_world_m[0].astype(float), take.bone_length_m[0].astype(float)
    )


def _joints(pose: Pose) -> np.ndarray:
    return pose.relative_m() + pose.root_m[:, None]


def _evidence(take: Take, pose: Pose, *, sigma_m: float = SURE_M, root_sigma_m: float = ROOT_SURE_M) -> Evidence:
    """Of a pose, seen whole."""
    world_to_camera = cameras.invert(take.camera_to_world)
    in_camera_m = cameras.transform(world_to_camera, _joints(pose))
    count = len(pose.root_m)
    return Evidence(
        take.frame_time_s,
        world_to_camera,
        in_camera_m[..., :2] / in_camera_m[..., 2:],
        np.ones((count, JOINT_COUNT)),
        pose.relative_m(),
        np.broadcast_to(np.eye(3) / sigma_m**2, (count, JOINT_COUNT, 3, 3)).copy(),
        [RootEvidence(pose.root_m, np.broadcast_to(np.eye(3) / root_sigma_m**2, (count, 3, 3)).copy())],
        1.0,
    )


def _wishes(count: int, *, half_life_s: float = 0.0, held: np.ndarray | None = None, **more) -> Wishes:
    return Wishes(
        half_life_s, np.zeros((count, 4)) if held is None else held, **({"level_m": None, "floor_m": None} | more)
    )


def _held(take: Take, truth: Pose) -> np.ndarray:
    speed_m_s = np.linalg.norm(np.gradient(_joints(truth)[:, FEET], take.frame_time_s, axis=0), axis=-1)
    return held(take.contact[0].astype(float), take.frame_time_s, "auto", speed_m_s)


def _random_pose(rng: np.random.Generator, frames: int = 20) -> Pose:
    turned = quat.to_matrix(quat.normalize(rng.normal(size=(frames, JOINT_COUNT, 4))))
    return pose_of(turned, rng.normal(size=(frames, 3)), REST_LENGTHS_M)


def _shaken(pose: Pose, rng: np.random.Generator, size: float) -> Pose:
    return pose.stepped(size * rng.standard_normal((len(pose.root_m), UNKNOWNS)))


def test_the_derivatives_of_the_joints_are_those_of_small_steps(rng):
    pose = _random_pose(rng)
    jacobian = pose.jacobian()
    step = 1e-6 * rng.standard_normal((20, UNKNOWNS))
    moved_m = pose.stepped(step).relative_m() - pose.relative_m()
    np.testing.assert_allclose(moved_m, np.einsum("njiu,nu->nji", jacobian, step), atol=1e-10)


def test_a_step_keeps_bones_at_their_lengths_and_parts_rigid(rng):
    pose = _shaken(_random_pose(rng), rng, 0.3)
    np.testing.assert_allclose(np.linalg.norm(pose.directions[:, 1:], axis=-1), 1, atol=1e-9)
    for part in PARTS:
        if part.rigid:
            a, b = (pose.directions[:, bone] for bone in part.bones[:2])
            assert np.ptp(np.sum(a * b, axis=-1)) < 1e-9


def test_the_rotations_give_back_exactly_the_solved_joints(rng):
    pose = _random_pose(rng)
    rotations = rotations_of(pose, np.ones((20, JOINT_COUNT)), np.arange(20) / 30)
    joints_m, _ = kinematics.forward(rotations, pose.root_m, pose.lengths_m)
    assert np.linalg.norm(joints_m - _joints(pose), axis=-1).max() < 1e-6


def test_true_joints_come_back_from_a_bad_start(rng):
    take, truth = _walk()
    found = fit(_evidence(take, truth), _shaken(truth, rng, 0.1), _wishes(90))
    assert np.linalg.norm(_joints(found) - _joints(truth), axis=-1).max() < 0.005


def test_true_joints_come_back_at_the_usual_smoothness():
    take, truth = _walk()
    found = fit(_evidence(take, truth), truth, _wishes(90, half_life_s=0.05))
    error_m = np.linalg.norm(found.relative_m() - truth.relative_m(), axis=-1)
    assert error_m.mean() < 0.002 and error_m.max() < 0.02


def test_keypoints_put_right_what_was_lifted_to_the_wrong_place(rng):
    take, truth = _walk()
    evidence = _evidence(take, truth, sigma_m=0.08)
    wrong_m = evidence.lifted_m + 0.05 * rng.standard_normal(evidence.lifted_m.shape)
    with_keypoints, without = (
        fit(replace(evidence, lifted_m=wrong_m, ray_weight=weight), truth, _wishes(90))
        for weight in (evidence.ray_weight, 0 * evidence.ray_weight)
    )
    side_m = np.array([1.0, 0.0, 0.0]) @ take.camera_to_world[0, :3, :3].T

    def across_m(found: Pose) -> float:
        return float(np.abs((found.relative_m() - truth.relative_m()) @ side_m).mean())

    assert across_m(with_keypoints) < 0.6 * across_m(without)


def test_a_wrong_keypoint_among_many_does_little(rng):
    take, truth = _walk()
    evidence = _evidence(take, truth, sigma_m=0.04)
    rays = evidence.rays.copy()
    rays[40:45, J["left_wrist"]] += 0.15
    found = fit(replace(evidence, rays=rays), truth, _wishes(90))
    assert np.linalg.norm(_joints(found) - _joints(truth), axis=-1).max() < 0.02


def test_shaking_is_taken_out_and_more_of_it_with_a_longer_half_life(rng):
    take, truth = _walk()
    evidence = _evidence(take, truth, sigma_m=0.02)
    noisy_m = evidence.lifted_m + 0.02 * rng.standard_normal(evidence.lifted_m.shape)
    noisy = replace(evidence, lifted_m=noisy_m, ray_weight=0 * evidence.ray_weight)
    shake = [
        np.linalg.norm(np.diff(fit(noisy, truth, _wishes(90, half_life_s=h)).relative_m(), n=3, axis=0), axis=-1).mean()
        for h in (0.0, 0.03, 0.1)
    ]
    assert shake[1] < 0.4 * shake[0] and shake[2] < 0.5 * shake[1]


def test_a_sudden_error_loses_half_of_its_influence_after_the_half_life():
    half_life_s, rate = 0.2, 100
    time_s = np.arange(301) / rate
    rest = pose_of(np.broadcast_to(np.eye(3), (301, JOINT_COUNT, 3, 3)), np.zeros((301, 3)), REST_LENGTHS_M)
    information = np.broadcast_to(np.eye(3) / solve_module.ROOT_REFERENCE_SIGMA_M**2, (301, 3, 3))
    root_m = np.zeros((301, 3))
    root_m[150, 0] = 0.01
    lifted = np.broadcast_to(np.eye(3) / SURE_M**2, (301, JOINT_COUNT, 3, 3))
    evidence = Evidence(
        time_s, np.tile(np.eye(4), (301, 1, 1)), np.zeros((301, JOINT_COUNT, 2)), np.zeros((301, JOINT_COUNT)),
        rest.relative_m(), lifted, [RootEvidence(root_m, information)], 1.0,
    )  # fmt: skip
    answer = fit(evidence, rest, _wishes(301, half_life_s=half_life_s)).root_m[:, 0]
    after = answer[150 + round(half_life_s * rate)] / answer[150]
    assert after == pytest.approx(0.5, abs=0.05)


def _standing(frames: int = 60) -> tuple[Take, Pose, np.ndarray]:
    """A walk of which one moment is drawn out: the feet stand, and shift by noise."""
    take, truth = _walk(frames)
    still = truth.at(np.full(frames, 20))
    return take, still, np.ones((frames, 4))


def test_held_feet_stay_and_the_body_follows_what_was_seen(rng):
    take, still, firmly = _standing()
    evidence = _evidence(take, still, sigma_m=0.02)
    drift_m = np.linspace(0, 0.06, 60)[:, None] * np.array([1.0, 0.0, 0.0])
    roots = [RootEvidence(still.root_m + drift_m, evidence.root[0].information)]
    moving = replace(evidence, root=roots, ray_weight=0 * evidence.ray_weight)
    found = fit(moving, still, _wishes(60, held=firmly))
    step_m = np.linalg.norm(np.diff(_joints(found)[:, FEET], axis=0), axis=-1)
    assert step_m.max() < 0.0015
    assert np.ptp(found.root_m[:, 0]) > 0.01


def test_feet_are_let_go_without_a_jump():
    take, truth = _walk()
    evidence = _evidence(take, truth, sigma_m=0.02)
    firmly = _held(take, truth)
    feet_m = np.diff(_joints(fit(evidence, truth, _wishes(90, held=firmly)))[:, FEET], n=2, axis=0)
    of_truth_m = np.diff(_joints(truth)[:, FEET], n=2, axis=0)
    assert np.linalg.norm(feet_m, axis=-1).max() < 1.2 * np.linalg.norm(of_truth_m, axis=-1).max()


def test_standing_feet_come_to_the_height_they_stand_at():
    take, still, firmly = _standing()
    lifted_m = still.root_m + np.array([0.0, 0.0, 0.05])
    evidence = _evidence(take, still)
    roots = [RootEvidence(lifted_m, evidence.root[0].information / 25)]
    wishes = _wishes(60, held=firmly, level_m=_joints(still)[0, FEET, 2])
    found = fit(replace(evidence, root=roots, ray_weight=0 * evidence.ray_weight), still, wishes)
    assert np.abs(_joints(found)[:, FEET, 2] - _joints(still)[:, FEET, 2]).max() < 0.02


def test_nobody_goes_through_the_floor():
    take, truth = _walk()
    evidence = _evidence(take, truth, root_sigma_m=0.1)
    roots = [RootEvidence(truth.root_m - np.array([0.0, 0.0, 0.08]), evidence.root[0].information)]
    found = fit(replace(evidence, root=roots), truth, _wishes(90, floor_m=0.02))
    assert _joints(found)[..., 2].min() > 0.005


def test_knees_do_not_bend_forward():
    count = 30
    turned = np.tile(np.eye(3), (count, JOINT_COUNT, 1, 1))
    forward = np.radians(-15)
    bent = np.array([[1, 0, 0], [0, np.cos(forward), -np.sin(forward)], [0, np.sin(forward), np.cos(forward)]])
    turned[:, [J["left_ankle"], J["left_heel"], J["left_toe"]]] = bent
    wrong = pose_of(turned, np.zeros((count, 3)), REST_LENGTHS_M)
    take, _ = _walk(count)
    evidence = _evidence(take, wrong, sigma_m=0.04)
    found = fit(replace(evidence, ray_weight=0 * evidence.ray_weight), wrong, _wishes(count))

    def forward_bend(pose: Pose) -> float:
        thigh, shin = pose.directions[:, J["left_knee"]], pose.directions[:, J["left_ankle"]]
        return float(np.degrees(np.arcsin(-np.cross(thigh, shin)[:, 0])).max())

    assert forward_bend(wrong) > 10
    assert forward_bend(found) < 4


def test_windows_give_what_the_whole_gives(monkeypatch, rng):
    take, truth = _walk(240)
    evidence = _evidence(take, truth, sigma_m=0.03)
    noisy = replace(evidence, lifted_m=evidence.lifted_m + 0.02 * rng.standard_normal(evidence.lifted_m.shape))
    wishes = _wishes(240, half_life_s=0.05, held=_held(take, truth))
    whole = fit(noisy, truth, wishes)
    monkeypatch.setattr(solve_module, "WINDOW", 70)
    parts = fit(noisy, truth, wishes)
    assert len(parts.root_m) == 240
    assert np.linalg.norm(_joints(parts) - _joints(whole), axis=-1).max() < 0.004


def test_the_same_evidence_gives_the_same_answer_to_the_last_bit(rng):
    take, truth = _walk()
    start = _shaken(truth, rng, 0.05)
    once, again = (fit(_evidence(take, truth), start, _wishes(90, half_life_s=0.05)) for _ in range(2))
    np.testing.assert_array_equal(_joints(once), _joints(again))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_very_short_clips_are_solved(count, rng):
    take, truth = _walk(count)
    firmly = np.ones((count, 4))
    found = fit(_evidence(take, truth), _shaken(truth, rng, 0.05), _wishes(count, half_life_s=0.05, held=firmly))
    assert np.isfinite(_joints(found)).all()
