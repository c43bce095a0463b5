"""`evaluate`: what a whole take scores against a truth."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.evaluate import evaluate, evaluate_files
from animepose_blender.estimate.metrics.truth import Truth
from animepose_blender.skeleton import CONTACT_JOINTS, JOINTS, MIRROR, PARENTS, J
from animepose_blender.take import State

PROMISED = (
    "mpjpe_mm", "pa_mpjpe_mm", "pck150_rel", "pck150_abs", "mrpe_mm", "coverage", "idf1", "id_switches",
    "jitter_10m_s3", "foot_slide_mm", "penetration_mm", "bone_cv", "auc_rel", "auc_abs", "ap_root25", "hota", "det_a",
    "ass_a", "loc_a", "joint_mota", "joint_motp", "joint_precision", "joint_recall", "joint_misses",
    "joint_false_positives", "joint_switches", "w_mpjpe_mm", "wa_mpjpe_mm", "rte_percent", "camera_rotation_deg",
    "camera_translation_m", "camera_translation_aligned_m", "focal_error_percent", "floor_tilt_deg", "floor_gap_mm",
    "floor_gap_p95_mm", "floor_gap_mean_mm", "still_camera_error_m", "mupots_pck150_rel", "mupots_pck150_abs",
    "mupots_auc_rel", "mupots_pck150_abs_matched", "contact_precision", "contact_recall", "foot_contact_precision",
    "foot_contact_recall", "swap_percent", "swap_longest_s", "swaps_over_1s", "reprojection_median_percent",
    "reprojection_mean_percent", "picture_error_percent",
)  # fmt: skip
FRAMES = 48


@pytest.fixture
def take():
    return walking_take(people=2, frames=FRAMES, gaps=False)


def truth_of(take, **changes):
    fields = {
        "frame_time_s": take.frame_time_s,
        "intrinsics": take.intrinsics,
        "camera_to_world": take.camera_to_world,
        "person_id": np.array([7, 9]),
        "joints_world_m": take.joints_world_m.astype(np.float64),
        "visible": np.ones((2, take.frame_count), bool),
    }
    return Truth(**{**fields, **changes})


def changed(take, **changes):
    return dataclasses.replace(take, **changes)


def save_truth(path, truth, **changes):
    fields = {name: value for name, value in vars(truth).items() if value is not None}
    np.savez(path, **{**fields, "joint_names": np.array(JOINTS), **changes})


def test_a_take_that_is_the_truth_scores_perfectly(take):
    result = evaluate(take, truth_of(take))
    assert set(PROMISED) <= set(result)
    for name in ("mpjpe_mm", "mpjpe_body_mm", "pa_mpjpe_mm", "pa_rigid_mpjpe_mm", "mrpe_mm"):
        assert result[name] == pytest.approx(0.0, abs=1e-3), name
    assert (result["pck150_rel"], result["pck150_abs"], result["coverage"]) == (100.0, 100.0, 1.0)
    assert (result["idf1"], result["id_switches"]) == (1.0, 0)
    assert result["jitter_10m_s3"] == pytest.approx(result["jitter_10m_s3_truth"])
    assert result["foot_slide_mm"] == pytest.approx(result["foot_slide_mm_truth"])
    assert result["bone_cv"] == pytest.approx(0.0, abs=1e-6)
    assert (result["frames"], result["person_frames"]) == (FRAMES, 2 * FRAMES)
    assert (result["hota"], result["det_a"], result["ass_a"]) == (1.0, 1.0, 1.0)
    assert (result["joint_mota"], result["joint_motp"], result["ap_root25"]) == (100.0, 100.0, 100.0)
    assert (result["mupots_pck150_rel"], result["mupots_pck150_abs"]) == (100.0, 100.0)
    # Nothing is less than 0 mm off, which is one of the 31 thresholds.
    assert result["auc_rel"] == result["auc_abs"] == pytest.approx(100 * 30 / 31)
    for name in ("w_mpjpe_mm", "wa_mpjpe_mm", "rte_percent", "camera_rotation_deg", "floor_tilt_deg"):
        assert result[name] == pytest.approx(0.0, abs=1e-6), name
    assert (result["focal_error_percent"], result["still_camera_error_m"]) == (0.0, 0.0)


def test_the_result_is_json_even_when_nobody_was_found(take):
    nobody = walking_take(people=1, frames=FRAMES, gaps=False)
    nobody.state[:] = State.ABSENT
    result = json.loads(json.dumps(evaluate(nobody, truth_of(take)), allow_nan=False))
    assert result["mpjpe_mm"] is None
    assert (result["coverage"], result["idf1"], result["pck150_rel"]) == (0.0, 0.0, 0.0)
    assert (result["hota"], result["joint_mota"], result["ap_root25"], result["auc_abs"]) == (0.0, 0.0, 0.0, 0.0)
    assert (result["w_mpjpe_mm"], result["floor_gap_mm"], result["mupots_pck150_abs"]) == (None, None, 0.0)


def test_a_take_without_people_scores_zero(take):
    empty = {
        name: getattr(take, name)[:0]
        for name in vars(take)
        if isinstance(getattr(take, name), np.ndarray) and getattr(take, name).shape[:1] == (2,)
    }
    result = evaluate(changed(take, **empty), truth_of(take))
    assert (result["coverage"], result["idf1"], result["mpjpe_mm"]) == (0.0, 0.0, None)
    assert (result["hota"], result["joint_mota"], result["ap_root25"]) == (0.0, 0.0, 0.0)


def test_the_origin_and_heading_of_the_world_do_not_matter(take):
    gauge = np.eye(4)
    gauge[:3, :3] = Rotation.from_euler("z", 130, degrees=True).as_matrix()
    gauge[:3, 3] = [5.0, -3.0, 0.0]
    joints = take.joints_world_m @ gauge[:3, :3].T + gauge[:3, 3]
    moved = changed(take, joints_world_m=joints, camera_to_world=gauge @ take.camera_to_world)
    result = evaluate(moved, truth_of(take))
    assert result["mrpe_mm"] == pytest.approx(0.0, abs=1e-2)
    assert result["pck150_abs"] == 100.0


def test_a_person_10_cm_farther_away_is_100_mm_off_at_the_root_and_not_at_all_in_the_pose(take):
    forward_m = 0.1 * take.camera_to_world[:, :3, 2]
    result = evaluate(changed(take, joints_world_m=take.joints_world_m + forward_m[None, :, None]), truth_of(take))
    assert result["mrpe_mm"] == pytest.approx(100.0, rel=1e-3)
    assert result["mpjpe_mm"] == pytest.approx(0.0, abs=1e-2)
    assert (result["pck150_rel"], result["pck150_abs"]) == (100.0, 100.0)


def test_one_wrong_joint_of_28_shows_in_every_accuracy_figure_by_its_part(take):
    joints = take.joints_world_m.copy()
    joints[:, :, J["left_wrist"], 2] += 0.28
    result = evaluate(changed(take, joints_world_m=joints), truth_of(take))
    assert result["mpjpe_mm"] == pytest.approx(280 / 28, rel=1e-3)
    assert result["mpjpe_body_mm"] == pytest.approx(280 / 12, rel=1e-3)
    assert result["pck150_rel"] == pytest.approx(100 * 27 / 28)
    assert result["per_joint_mpjpe_mm"]["left_wrist"] == pytest.approx(280, rel=1e-3)


def test_a_body_of_the_wrong_size_is_forgiven_by_the_scaled_figure_alone(take):
    pelvis = take.joints_world_m[:, :, :1]
    result = evaluate(changed(take, joints_world_m=pelvis + 1.1 * (take.joints_world_m - pelvis)), truth_of(take))
    assert result["pa_mpjpe_mm"] == pytest.approx(0.0, abs=1e-2)
    assert result["pa_rigid_mpjpe_mm"] > 10


def test_a_person_seen_back_to_front_is_found_and_pays_in_accuracy(take):
    result = evaluate(changed(take, joints_world_m=take.joints_world_m[:, :, MIRROR]), truth_of(take))
    assert result["coverage"] == 1.0
    assert result["mpjpe_mm"] > 100


def test_a_missed_person_costs_coverage_and_percent_but_not_the_mean_error(take):
    state = take.state.copy()
    state[1, : FRAMES // 2] = State.ABSENT
    result = evaluate(changed(take, state=state), truth_of(take))
    assert result["coverage"] == pytest.approx(0.75)
    assert result["pck150_rel"] == pytest.approx(75.0)
    assert result["mpjpe_mm"] == pytest.approx(0.0, abs=1e-3)
    assert result["idf1"] == pytest.approx(2 * 72 / (96 + 72))
    assert result["per_person"]["9"]["coverage"] == pytest.approx(0.5)


def test_predicted_frames_count_as_present(take):
    state = np.full_like(take.state, State.PREDICTED)
    assert evaluate(changed(take, state=state), truth_of(take))["coverage"] == 1.0


def test_swapped_people_are_accurate_but_lose_their_identity(take):
    joints = take.joints_world_m.copy()
    half = FRAMES // 2
    joints[:, half:] = joints[::-1, half:]
    result = evaluate(changed(take, joints_world_m=joints), truth_of(take))
    assert result["mpjpe_mm"] == pytest.approx(0.0, abs=1e-3)
    assert result["id_switches"] == 2
    assert result["idf1"] < 0.95
    assert (result["det_a"], result["joint_switches"]) == (1.0, 2 * 15)
    assert result["ass_a"] < 0.7
    assert result["per_person"]["7"]["frames_by_take_id"] == {"1": half, "2": half}


def test_hidden_people_are_neither_asked_for_nor_held_against_the_take(take):
    visible = np.ones((2, FRAMES), bool)
    visible[1, 10:30] = False
    result = evaluate(take, truth_of(take, visible=visible))
    assert result["person_frames"] == 2 * FRAMES - 20
    assert (result["coverage"], result["idf1"]) == (1.0, 1.0)
    assert (result["hota"], result["joint_mota"], result["ap_root25"]) == (1.0, 100.0, 100.0)


def test_a_person_said_to_be_outside_the_picture_is_not_held_against_the_take(take):
    visible = np.ones((2, FRAMES), bool)
    visible[1] = False
    joints = take.joints_world_m.copy()
    joints[1] += 100.0 * take.camera_to_world[0, :3, 0]
    moved = changed(take, joints_world_m=joints)
    assert evaluate(moved, truth_of(take, visible=visible))["idf1"] == 1.0
    # Inside the picture, where nobody is, the same person counts.
    beside = take.joints_world_m.copy()
    beside[1] += 0.6 * take.camera_to_world[0, :3, 0]
    assert evaluate(changed(take, joints_world_m=beside), truth_of(take, visible=visible))["idf1"] < 1.0


def test_a_person_who_is_not_there_costs_identity_precision(take):
    truth = truth_of(take)
    truth.joints_world_m[1] = np.nan
    result = evaluate(take, truth)
    assert result["coverage"] == 1.0
    assert result["idf1"] == pytest.approx(2 * 48 / (48 + 96))


def test_without_visibility_people_outside_the_picture_are_not_asked_for(take):
    truth = truth_of(take, visible=None)
    truth.joints_world_m[1] += 100.0 * take.camera_to_world[0, :3, 0]
    assert evaluate(take, truth)["person_frames"] == FRAMES


def test_frames_are_paired_by_time_and_frames_outside_the_take_are_left_out(take):
    part = {
        name: value[10:30] if name in ("frame_time_s", "intrinsics", "camera_to_world") else value
        for name, value in vars(take).items()
        if isinstance(value, np.ndarray)
    }
    part = {
        name: value[:, 10:30] if value.ndim >= 2 and value.shape[:2] == (2, FRAMES) else value
        for name, value in part.items()
    }
    part["frame_time_s"] = part["frame_time_s"] + 0.001
    result = evaluate(changed(take, **part), truth_of(take))
    assert (result["frames"], result["coverage"]) == (20, 1.0)
    assert result["mrpe_mm"] == pytest.approx(0.0, abs=1e-2)


def test_a_take_of_another_clip_is_refused(take):
    with pytest.raises(AnimePoseError, match="no moment in common"):
        evaluate(changed(take, frame_time_s=take.frame_time_s + 100), truth_of(take))


def test_a_sliding_take_is_told_from_a_standing_truth(take):
    standing = take.joints_world_m[:, :1].repeat(FRAMES, 1)
    drift = np.zeros((1, FRAMES, 1, 3))
    drift[0, :, 0, 0] = 0.003 * np.arange(FRAMES)
    truth = truth_of(take, joints_world_m=standing.astype(float), contact=np.ones((2, FRAMES, 4), bool))
    result = evaluate(changed(take, joints_world_m=standing + drift), truth)
    assert result["foot_slide_mm"] == pytest.approx(3.0, rel=1e-2)
    assert result["foot_slide_mm_truth"] == pytest.approx(0.0)


def test_feet_below_the_floor_and_stretching_bones_are_told(take):
    joints = take.joints_world_m.copy()
    feet = list(CONTACT_JOINTS)
    joints[:, :, feet, 2] = -0.02
    wrist, elbow = J["left_wrist"], PARENTS[J["left_wrist"]]
    joints[:, ::2, wrist] = joints[:, ::2, elbow] + 1.5 * (joints[:, ::2, wrist] - joints[:, ::2, elbow])
    result = evaluate(changed(take, joints_world_m=joints), truth_of(take))
    assert result["penetration_mm"] == pytest.approx(20.0, rel=1e-4)
    assert result["bone_cv"] > 0.2 / 27


def test_the_auc_falls_by_the_thresholds_below_the_error(take):
    joints = take.joints_world_m + 0.052 * take.camera_to_world[:, :3, 2][None, :, None]
    result = evaluate(changed(take, joints_world_m=joints), truth_of(take))
    assert result["auc_abs"] == pytest.approx(100 * 20 / 31)  # 55, 60 ... 150 mm
    assert result["auc_rel"] == pytest.approx(100 * 30 / 31)


def test_people_who_float_over_a_leaning_floor_are_told_by_camera_and_floor_figures(take):
    lean = np.eye(4)
    lean[:3, :3] = Rotation.from_euler("x", 2, degrees=True).as_matrix()
    lean[2, 3] = 0.03
    joints = take.joints_world_m @ lean[:3, :3].T + lean[:3, 3]
    result = evaluate(
        changed(take, joints_world_m=joints, camera_to_world=lean @ take.camera_to_world),
        truth_of(take, contact=np.ones((2, FRAMES, 4), bool)),
    )
    assert result["floor_tilt_deg"] == pytest.approx(2.0, rel=1e-6)
    feet = list(CONTACT_JOINTS)
    gap_mm = np.abs(joints[:, :, feet, 2] - take.joints_world_m[:, :, feet, 2]) * 1000
    assert result["floor_gap_mm"] == pytest.approx(gap_mm.max(), rel=1e-4)
    assert result["floor_gap_mean_mm"] == pytest.approx(gap_mm.mean(), rel=1e-4)
    assert (result["camera_rotation_deg"], result["mrpe_mm"]) == (
        pytest.approx(0.0, abs=1e-4),
        pytest.approx(0.0, abs=1e-2),
    )
    assert result["w_mpjpe_mm"] == pytest.approx(0.0, abs=1e-2)


def test_the_feet_of_hidden_people_are_not_held_against_the_floor(take):
    visible = np.ones((2, FRAMES), bool)
    visible[1] = False
    joints = take.joints_world_m.copy()
    joints[1, :, :, 2] += 0.1
    truth = truth_of(take, visible=visible, contact=np.ones((2, FRAMES, 4), bool))
    assert evaluate(changed(take, joints_world_m=joints), truth)["floor_gap_mm"] == pytest.approx(0.0, abs=1e-6)


def test_a_truth_without_heads_or_spines_leaves_their_figures_open(take):
    joints = take.joints_world_m.astype(float)
    joints[:, :, [J["neck"], J["spine"]]] = np.nan
    result = evaluate(take, truth_of(take, joints_world_m=joints))
    assert result["joint_mota"] is None
    # Without the spine the arms have nothing to hang on, but the legs have.
    assert result["mupots_pck150_rel"] == 100.0


def test_files_give_the_same_as_arrays(take, tmp_path):
    take.save(tmp_path / "a.take.npz")
    save_truth(tmp_path / "truth.npz", truth_of(take))
    assert evaluate_files(tmp_path / "a.take.npz", tmp_path / "truth.npz") == evaluate(take, truth_of(take))


def test_joints_of_a_truth_file_are_sorted_by_name_and_missing_ones_are_unknown(take, tmp_path):
    order = np.arange(len(JOINTS))[::-1][:-3]
    save_truth(
        tmp_path / "truth.npz",
        truth_of(take),
        joints_world_m=take.joints_world_m[:, :, order],
        joint_names=np.array(JOINTS)[order],
        visible=np.ones((2, FRAMES, len(order)), bool),
    )
    truth = Truth.load(tmp_path / "truth.npz")
    np.testing.assert_allclose(truth.joints_world_m[:, :, 3:], take.joints_world_m[:, :, 3:])
    assert np.isnan(truth.joints_world_m[:, :, :3]).all()
    assert truth.visible is not None and truth.visible.shape == (2, FRAMES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joint_names": np.array(["a"] * 28)}, "names no joint"),
        ({"joint_names": np.array(JOINTS[:5])}, "expected"),
        ({"intrinsics": np.eye(3)}, "intrinsics has shape"),
        ({"frame_time_s": np.zeros(FRAMES)}, "increasing"),
        ({"frame_time_s": np.full(FRAMES, "x")}, "frame_time_s must hold numbers"),
        ({"joint_names": np.array(JOINTS[0])}, "expected"),
    ],
)
def test_a_truth_that_breaks_the_contract_is_refused_with_a_reason(take, tmp_path, changes, message):
    save_truth(tmp_path / "truth.npz", truth_of(take), **changes)
    with pytest.raises(AnimePoseError, match=message):
        Truth.load(tmp_path / "truth.npz")


def test_a_truth_that_cannot_be_read_is_refused_with_a_reason(take, tmp_path):
    with pytest.raises(AnimePoseError, match="no truth"):
        Truth.load(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("not an archive")
    with pytest.raises(AnimePoseError, match="cannot be read"):
        Truth.load(tmp_path / "text.npz")
    np.savez(tmp_path / "half.npz", frame_time_s=np.arange(3.0))
    with pytest.raises(AnimePoseError, match="joint_names missing"):
        Truth.load(tmp_path / "half.npz")
