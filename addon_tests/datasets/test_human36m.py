"""The reader of Human3.6M, on small files in its form."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.datasets import human36m
from animepose_blender.estimate.datasets.human36m_cameras import CAMERAS, WORLD_FROM_CAMERA
from animepose_blender.estimate.datasets.takes import joints_camera_m
from animepose_blender.estimate.metrics.conventions import to_convention
from animepose_blender.skeleton import HUMAN36M_17, J
from animepose_blender.take import State

FRAMES = 24


def world_of(camera_m, subject, camera):
    w, x, y, z = WORLD_FROM_CAMERA[subject][CAMERAS.index(camera)]
    return camera_m @ Rotation.from_quat([x, y, z, w]).as_matrix().T + [2.0, 5.0, 1.5]


@pytest.fixture
def h36m(tmp_path, rng):
    """A data_3d_h36m.npz with four clips, and the same joints as each camera sees them."""
    pose_m = rng.normal(size=(17, 3))
    clips, seen = {}, {}
    for subject in ("S9", "S11"):
        clips[subject] = {}
        for action in ("Walking", "Walking 1", "Photo"):
            camera_m = pose_m + 0.3 * rng.normal(size=(FRAMES, 17, 3))
            whole = rng.normal(size=(FRAMES, 32, 3))
            whole[:, human36m.CHOSEN_OF_32] = world_of(camera_m, subject, CAMERAS[1])
            clips[subject][action] = whole.astype(np.float32)
            seen[f"{subject}/{action}/{CAMERAS[1]}"] = camera_m
    clips["S1"] = {"Walking": np.zeros((5, 32, 3), np.float32)}
    np.savez_compressed(tmp_path / "data_3d_h36m.npz", positions_3d=clips)
    return tmp_path / "data_3d_h36m.npz", seen


def test_true_joints_as_a_camera_sees_them_have_no_error_in_human36m(h36m, tmp_path, evaluated):
    path, seen = h36m
    np.savez(tmp_path / "estimates.npz", **{name: points + 4.0 for name, points in seen.items()})
    result = evaluated([tmp_path / "estimates.npz", "--truth", path, "--format", "human36m"])
    assert set(result["sequences"]) == set(seen) and set(result["actions"]) == {"Walking", "Photo"}
    for name in ("protocol1_mpjpe_mm", "protocol2_pa_mpjpe_mm", "pa_rigid_mpjpe_mm"):
        assert result["average"][name] == pytest.approx(0.0, abs=1e-2), name
    assert result["average"]["coverage"] == 1.0
    assert result["clips_missing"] == 6 * 4 - 6


def test_the_average_of_human36m_is_over_actions_not_over_frames(h36m, tmp_path):
    path, seen = h36m
    wrong = {}
    for name, points in seen.items():
        wrong[name] = points.copy()
        if "Photo" in name:
            wrong[name][:, 1:] += [0.0, 0.0, 0.034]  # hips stay, 16 of 17 joints are 34 mm off
    np.savez(tmp_path / "estimates.npz", **wrong)
    result = human36m.evaluate_predictions([str(tmp_path / "estimates.npz")], str(path))
    assert result["actions"]["Photo"]["protocol1_mpjpe_mm"] == pytest.approx(32.0, abs=0.01)
    assert result["average"]["protocol1_mpjpe_mm"] == pytest.approx(16.0, abs=0.01)


def test_a_body_of_another_size_is_forgiven_by_protocol_2_alone(h36m, tmp_path):
    path, seen = h36m
    np.savez(tmp_path / "estimates.npz", **{name: 1.2 * points for name, points in seen.items()})
    figures = human36m.evaluate_predictions([str(tmp_path / "estimates.npz")], str(path))["average"]
    assert figures["protocol2_pa_mpjpe_mm"] == pytest.approx(0.0, abs=1e-2)
    assert figures["pa_rigid_mpjpe_mm"] > 10 and figures["protocol1_mpjpe_mm"] > 10


def test_a_take_named_after_a_clip_of_human36m_is_compared_with_it(tmp_path, take, evaluated):
    state = take.state.copy()
    state[1, 5:] = State.ABSENT
    camera_m = to_convention("human36m_17", joints_camera_m(take)[0])
    whole = np.zeros((FRAMES, 32, 3), np.float32)
    whole[:, human36m.CHOSEN_OF_32] = world_of(camera_m, "S9", CAMERAS[2])
    np.savez(tmp_path / "h36m.npz", positions_3d={"S9": {"Photo 1": whole, "Photo": np.zeros((3, 32, 3))}})
    (tmp_path / "S9").mkdir()
    path = tmp_path / "S9" / f"TakingPhoto 1.{CAMERAS[2]}.take.npz"
    dataclasses.replace(take, state=state).save(path)
    result = evaluated([path, "--truth", tmp_path / "h36m.npz", "--format", "human36m"])
    assert list(result["sequences"]) == [f"S9/Photo 1/{CAMERAS[2]}"]
    assert result["average"]["protocol1_mpjpe_mm"] == pytest.approx(0.0, abs=0.05)


def test_every_joint_of_human36m_and_mupots_comes_from_a_take(take):
    for convention in ("human36m_17", "mupots_17", "posetrack_15"):
        assert np.isfinite(to_convention(convention, take.joints_world_m)).all()
    ours = to_convention("human36m_17", take.joints_world_m)
    np.testing.assert_allclose(ours[:, :, HUMAN36M_17.index("left_knee")], take.joints_world_m[:, :, J["left_knee"]])


@pytest.mark.parametrize(
    ("estimates", "message"),
    [
        ({"S9/Walking/1": np.zeros((FRAMES, 17, 3))}, "does not tell"),
        ({"S9/Jumping/54138969": np.zeros((FRAMES, 17, 3))}, "does not tell"),
        ({"S1/Walking/54138969": np.zeros((FRAMES, 17, 3))}, "does not tell"),
        ({"S9/Walking/54138969": np.zeros((FRAMES, 16, 3))}, "expected \\(F, 17, 3\\)"),
        ({"S9/Walking/54138969": np.zeros((5, 17, 3))}, "24 frames, its estimate has 5"),
    ],
)
def test_estimates_that_belong_to_no_clip_are_refused_with_a_reason(h36m, tmp_path, estimates, message):
    np.savez(tmp_path / "estimates.npz", **estimates)
    with pytest.raises(AnimePoseError, match=message):
        human36m.evaluate_predictions([str(tmp_path / "estimates.npz")], str(h36m[0]))
