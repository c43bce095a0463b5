"""The trainer of the trajectory network: its data, and that a run that was stopped goes on as if it had not been."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.estimate.predict.body import bones_of

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
pytest.importorskip("torch")


@pytest.fixture
def script(monkeypatch):
    """Imports a module of the scripts by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module
    for name in [n for n in sys.modules if n.split(".")[0] in ("training", "train_trajectory")]:
        del sys.modules[name]


@pytest.fixture
def figures(script):
    """Two people who walk together and one alone, as if recorded: `train`, but for the last."""
    motions = script("training.motions")
    joints_m = walking_take(3, 240, 60, gaps=False).joints_world_m.astype(float)
    names = [("cmu_salsa_07", "cmu_salsa_22"), ("cmu_salsa_22", "cmu_salsa_07"), ("cmu_salsa_01", "")]
    return [motions.Figure(name, *bones_of(j), partner) for (name, partner), j in zip(names, joints_m, strict=True)]


def test_held_out_recordings_stay_held_out(script):
    split_of = script("training.motions").split_of
    assert [split_of(f"cmu_{n}") for n in ("martial_03", "007_11", "jumping_2", "running_1_b", "salsa_30")] == [
        "test"
    ] * 5
    assert split_of("cmu_walking_extra_18_b") == "test"
    assert split_of("cmu_walking_extra_18") == split_of("cmu_salsa_17") == "validation"
    assert split_of("cmu_walking_1") == split_of("cmu_salsa_19") == "train"


def test_the_recordings_of_the_dev_clips_are_not_trained_on(script):
    import json
    import re

    split_of = script("training.motions").split_of
    used = set(re.findall(r"cmu_[a-z0-9_]+", json.dumps(json.loads((SCRIPTS / "benchmark/clips.json").read_text()))))
    assert used and {split_of(name) for name in used} <= {"validation", "test"}


def test_a_batch_holds_the_truth_beside_what_was_seen_of_it(script, figures, rng):
    windows = script("training.windows")
    batch = windows.Sampler(figures).draw(rng, 64)
    assert batch.encoded.own.shape == (64, 31, 92) and batch.encoded.others.shape == (64, 3, 31, 7)
    assert np.isfinite(batch.encoded.own).all() and np.isfinite(batch.encoded.others).all()
    assert batch.valid.any(axis=0).all()
    # Nobody walks faster than 3 m/s here, and noise is a few centimetres.
    assert np.linalg.norm(batch.root[:, 0], axis=-1)[batch.valid[:, 0]].max() < 1.5
    np.testing.assert_allclose(np.linalg.norm(batch.directions, axis=-1), 1.0, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(batch.ray, axis=-1), 1.0, atol=1e-4)
    assert (np.sum(batch.directions[:, 0] * batch.last, axis=-1).mean()) > 0.9


def test_correlated_noise_has_unit_variance_and_a_memory(script, rng):
    noise = script("training.windows").correlated(rng, 500, 61, (2,), 0.5)
    assert np.var(noise) == pytest.approx(1.0, abs=0.1)
    assert np.mean(noise[:, :-1] * noise[:, 1:]) > 0.95
    assert abs(np.mean(noise[:, 0] * noise[:, -1])) < 0.1


def test_training_learns_and_a_stopped_run_goes_on_as_if_it_had_not_been(script, figures, tmp_path, monkeypatch):
    trainer = script("train_trajectory")
    monkeypatch.setattr(trainer, "load_figures", lambda folder: figures)
    for name, value in (("CHECK_EVERY", 3), ("VALIDATION_BATCHES", 1), ("BATCH", 16), ("WARM_UP", 2)):
        monkeypatch.setattr(trainer, name, value)
    whole, part = tmp_path / "whole", tmp_path / "part"
    trainer.train(Path("recordings"), whole, 6, whole / "w.safetensors")

    drawn = trainer.Sampler.draw
    calls = iter(range(1000))

    def stopped(self, rng, count):
        if next(calls) > 17:  # one for validation, twelve for the components, five steps
            raise KeyboardInterrupt
        return drawn(self, rng, count)

    monkeypatch.setattr(trainer.Sampler, "draw", stopped)
    with pytest.raises(KeyboardInterrupt):
        trainer.train(Path("recordings"), part, 6, part / "w.safetensors")
    monkeypatch.setattr(trainer.Sampler, "draw", drawn)
    trainer.train(Path("recordings"), part, 6, part / "w.safetensors")
    from safetensors.numpy import load_file

    a, b = load_file(whole / "w.safetensors"), load_file(part / "w.safetensors")
    for name in a:
        np.testing.assert_allclose(a[name], b[name], atol=1e-6)
    assert (part / "curve.csv").read_text() == (whole / "curve.csv").read_text()
