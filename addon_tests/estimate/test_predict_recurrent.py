"""The learned predictor: the same in numpy as in torch, sane where it was not trained, plain about missing weights."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.predict import ConstantVelocity, History, Recurrent, default_predictor
from animepose_blender.estimate.predict.encoding import Encoded, pose_basis, root_basis, sigma_basis
from animepose_blender.estimate.predict.past import gather
from animepose_blender.estimate.predict.recurrent import WEIGHTS, coefficients, familiarity, load_weights
from animepose_blender.skeleton import MIRROR

ROOT = Path(__file__).resolve().parents[2]
CAMERA_M = np.array([0.3, -6.0, 1.5])


def seen(lying=False, mirrored=False):
    take = walking_take(2, 60, 30, gaps=False)
    joints_m = take.joints_world_m.astype(float)
    if lying:
        # Tipped over forwards about the first pelvis, and let down.
        origin = joints_m[0, 0, 0]
        joints_m = joints_m - origin
        joints_m = np.stack([joints_m[..., 0], joints_m[..., 2], -joints_m[..., 1]], axis=-1) + origin
        joints_m[..., 2] -= joints_m[..., 2].min()
    camera_m = CAMERA_M.copy()
    if mirrored:
        joints_m = (joints_m * [-1, 1, 1])[..., MIRROR, :]
        camera_m[0] *= -1
    return History(take.frame_time_s, joints_m[0], joints_m[1:, :, 0], camera_m)


@pytest.mark.parametrize("others", [0, 1, 3])
def test_numpy_says_what_torch_says(rng, others):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file

    from models.trajectory_gru import TrajectoryGRU

    network = TrajectoryGRU()
    network.load_state_dict(load_file(WEIGHTS))
    own = rng.normal(size=(31, 92))
    around = rng.normal(size=(others, 31, 7)) * (rng.random((others, 31, 1)) < 0.7)
    around[..., -1] = np.any(around != 0, axis=-1)
    ours = coefficients(load_weights(WEIGHTS), Encoded(own, around, np.eye(3)))
    with torch.no_grad():
        theirs = network(*(torch.tensor(a[None], dtype=torch.float32) for a in (own, around)))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b[0].numpy(), atol=2e-5)


def test_the_worker_needs_no_torch_for_it():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from animepose_blender.estimate.predict import default_predictor; default_predictor()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_what_is_predicted_turns_and_moves_with_the_scene():
    history = seen()
    later_s = history.time_s[-1] + np.array([0.3, 1.0, 2.5])
    found = Recurrent().predict(history, later_s)
    c, s = np.cos(2.1), np.sin(2.1)
    turn, shift = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]), np.array([4.0, -7.0, 0.0])
    moved = History(
        history.time_s + 3.0,
        history.joints_world_m @ turn.T + shift,
        history.others_world_m @ turn.T + shift,
        CAMERA_M @ turn.T + shift,
    )
    again = Recurrent().predict(moved, later_s + 3.0)
    np.testing.assert_allclose(again.joints_world_m, found.joints_world_m @ turn.T + shift, atol=1e-6)
    np.testing.assert_allclose(again.root_sigma_m, found.root_sigma_m, atol=1e-6)


def test_the_others_matter_a_little():
    history = seen()
    alone = History(history.time_s, history.joints_world_m, history.others_world_m[:0], CAMERA_M)
    later_s = history.time_s[-1] + np.array([1.0])
    apart_m = Recurrent().predict(history, later_s).joints_world_m - Recurrent().predict(alone, later_s).joints_world_m
    assert 1e-4 < np.linalg.norm(apart_m[0, 0]) < 0.5


def test_who_lies_is_carried_on_by_the_damped_velocity():
    history = seen(lying=True)
    assert familiarity(gather(seen())) == 1.0
    assert familiarity(gather(history)) == 0.0
    later_s = history.time_s[-1] + np.array([0.5, 2.0])
    found, plain = Recurrent().predict(history, later_s), ConstantVelocity().predict(history, later_s)
    np.testing.assert_allclose(found.joints_world_m, plain.joints_world_m, atol=1e-9)


def test_the_bases_begin_at_zero_and_come_to_rest():
    at_s = np.array([0.0, 1e-4, 2.0, 2.0001, 50.0, 60.0])
    assert np.abs(root_basis(at_s)[0]).max() == 0 and np.abs(pose_basis(at_s)[0]).max() == 0
    np.testing.assert_allclose(root_basis(at_s)[2], root_basis(at_s)[3], atol=1e-3)
    np.testing.assert_allclose(root_basis(at_s)[4], root_basis(at_s)[5], atol=1e-9)
    assert (np.diff(sigma_basis(np.linspace(0, 2, 30)) @ np.ones(9)) > 0).all()


def test_missing_and_foreign_weights_are_refused(tmp_path):
    with pytest.raises(AnimePoseError, match="missing"):
        Recurrent(tmp_path / "none.safetensors")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"12345678 no weights")
    with pytest.raises(AnimePoseError, match="cannot be read"):
        Recurrent(damaged)
    from safetensors.numpy import save_file

    save_file({"other.weight": np.zeros((3, 3), np.float32)}, damaged)
    with pytest.raises(AnimePoseError, match="does not hold"):
        Recurrent(damaged)


def test_the_card_names_the_weights_and_their_checksum():
    card = (ROOT / "models" / "weights" / "trajectory_gru.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    assert digest in re.findall(r"[0-9a-f]{64}", card)


def test_the_default_is_the_learned_one():
    assert isinstance(default_predictor(), Recurrent)
