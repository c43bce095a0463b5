"""Training of the lifters: a stopped run goes on as if it had not been; spans and errors are what they say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from animepose_blender.skeleton import JOINT_COUNT, MIRROR, REST_JOINTS_M
from models.temporal_lifter import Config, TemporalLifter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from training.bodies import Moving
from training.estimator_errors import Bank, ErrorModel
from training.lift_training import Plan, train
from training.lift_windows import Sampler, Settings, contacts_of

_OWN = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "training"}

PLAN = Plan(steps=6, spans=3, frames=24, check_every=3, workers=0, low_precision=False)


@pytest.fixture(autouse=True)
def own_modules(monkeypatch) -> None:
    """Other tests import the scripts anew; what is sent to a process is looked up by its module's name."""
    for name, module in _OWN.items():
        monkeypatch.setitem(sys.modules, name, module)


def moving() -> Moving:
    """Two recordings of somebody who sways in the rest pose; the second is shorter than a span."""
    counts = [90, 20]
    joints_m, roots_m = [], []
    for count in counts:
        sway = 0.1 * np.sin(np.arange(count) / 9)[:, None, None] * REST_JOINTS_M[:, 2:]
        body_m = REST_JOINTS_M[None] + sway * np.array([1.0, 0.5, 0.0])
        roots_m.append(body_m[:, 0])
        joints_m.append(body_m - body_m[:, :1])
    return Moving(
        ("one", "two"), np.array([0, 90, 110]), np.concatenate(roots_m).astype(np.float32),
        np.concatenate(joints_m).astype(np.float32), np.ones(2), np.array([True, False]),
    )  # fmt: skip


def bank(rows: int = 120) -> Bank:
    """An estimator that puts everything 2 cm to the right and sees depths at nine tenths."""
    rng = np.random.default_rng(0)
    truth_m = (REST_JOINTS_M - REST_JOINTS_M[0])[None] * [1, 1, -1] + 0.1 * rng.standard_normal((rows, JOINT_COUNT, 3))
    truth_m = (truth_m - truth_m[:, :1]).astype(np.float32)
    plane = truth_m[..., :2]
    return Bank(
        np.repeat([0, 1], rows // 2), truth_m, plane, plane + np.array([0.02, 0], np.float32), 0.9 * truth_m[..., 2],
        np.full(plane.shape[:-1], 0.8, np.float32), np.full(rows, 4.0, np.float32),
    )  # fmt: skip


def network() -> TemporalLifter:
    torch.manual_seed(3)
    return TemporalLifter(Config(blocks=1, channels=12))


def run(out: Path, plan: Plan) -> dict[str, torch.Tensor]:
    sampler = Sampler(moving(), None, Settings())
    held_out = [sampler.draw(np.random.default_rng(5), 2, 24)]
    return dict(train(network(), sampler, held_out, plan, out).state_dict())


def test_a_run_that_was_stopped_ends_in_the_same_weights(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", PLAN)
    # The rate of the first steps depends on how many there will be only once it falls.
    first_part = replace(PLAN, steps=3)
    from training import lift_training

    kept = lift_training.rate
    lift_training.rate = lambda step, steps: kept(step, PLAN.steps)
    try:
        run(tmp_path / "stopped", first_part)
    finally:
        lift_training.rate = kept
    resumed = run(tmp_path / "stopped", PLAN)
    assert whole.keys() == resumed.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, resumed[name]), name
    lines = (tmp_path / "stopped" / "curve.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "3.0", "6.0"]


def test_batches_drawn_in_another_process_are_the_same(tmp_path: Path) -> None:
    alone, beside = run(tmp_path / "a", PLAN), run(tmp_path / "b", replace(PLAN, workers=1))
    for name, tensor in alone.items():
        assert torch.equal(tensor, beside[name]), name


def test_true_spans_show_the_truth() -> None:
    sampler = Sampler(moving(), None, Settings("true", "true", hidden=False, varied=False))
    batch = sampler.draw(np.random.default_rng(0), 6, 40)
    features = batch.inputs[..., : 5 * JOINT_COUNT].reshape(6, 40, JOINT_COUNT, 5)
    seen = batch.valid
    # Depths turn with the smoothed axes, which follow the middle of the person a little late.
    assert np.abs(features[..., 3] - batch.joints_m[..., 2])[seen].max() < 0.05
    assert (features[..., 4][seen] == 1).all()
    assert (features[..., 2][~seen] == 0).all()
    assert not batch.contact_known[~seen].any()


def test_people_are_hidden_and_depths_left_out_as_asked() -> None:
    batch = Sampler(moving(), None, Settings(no_depth=1.0)).draw(np.random.default_rng(0), 16, 40)
    features = batch.inputs[..., : 5 * JOINT_COUNT].reshape(16, 40, JOINT_COUNT, 5)
    assert (features[..., 3:] == 0).all()
    missing = (features[..., 2] == 0)[batch.valid].mean()
    assert 0.005 < missing < 0.5


def test_standing_still_is_contact_and_sliding_is_not() -> None:
    joints_m = np.repeat((REST_JOINTS_M - REST_JOINTS_M[0])[None, None], 20, axis=1)
    root_m = np.zeros((1, 20, 3))
    root_m[..., 2] = REST_JOINTS_M[0, 2]
    assert contacts_of(root_m, joints_m, np.ones(1)).all()
    root_m[..., 0] = np.arange(20) * 0.02
    assert not contacts_of(root_m, joints_m, np.ones(1)).any()


def test_the_error_model_finds_what_is_systematic() -> None:
    model = ErrorModel(bank(4000))
    truth_m = bank().truth_view_m[:40]
    plane, depth_m = model.systematic(truth_m)
    # The mirrored half of the bank errs to the left: a constant shift is no property of the pose.
    assert np.abs(plane[..., 1]).max() < 0.01
    np.testing.assert_allclose(depth_m, -0.1 * truth_m[..., 2], atol=0.02)
    rest = model.rest(np.random.default_rng(0), np.repeat(truth_m[None], 3, axis=0))
    assert rest.shape == (3, 40, JOINT_COUNT, 4)
    assert np.isfinite(rest).all()
    np.testing.assert_allclose(rest[..., 3], 0.8, atol=1e-3)


def test_a_mirrored_bank_is_the_bank_of_the_mirrored_people() -> None:
    one = bank()
    np.testing.assert_array_equal(one.mirrored().mirrored().plane_seen, one.plane_seen)
    np.testing.assert_array_equal(
        one.mirrored().truth_view_m, (one.truth_view_m * np.array([-1, 1, 1], np.float32))[:, MIRROR]
    )


def test_rows_of_the_bank_can_be_drawn_as_they_are() -> None:
    sampler = Sampler(moving(), ErrorModel(bank()), Settings(real=0.9))
    batch = sampler.draw(np.random.default_rng(0), 8, 100)
    assert np.isfinite(batch.inputs).all()
    assert np.isfinite(batch.joints_m).all()
    assert not batch.contact_known.all(axis=1).all()


@pytest.mark.parametrize("depth", ["none", "true", "gauss", "systematic", "estimator"])
def test_every_kind_of_depth_can_be_drawn(depth: str) -> None:
    sampler = Sampler(moving(), ErrorModel(bank()), Settings(depth=depth))
    batch = sampler.draw(np.random.default_rng(0), 3, 30)
    has_depth = batch.inputs[..., 4 : 5 * JOINT_COUNT : 5].any()
    assert has_depth == (depth != "none")
