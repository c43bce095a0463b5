"""The bank of the estimator's errors: what it holds, that it is plausible, and how its rows are made."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from animepose_blender.core.synthetic import walking_take
from animepose_blender.skeleton import JOINT_COUNT, JOINTS, J

from .estimate.evidence import observe_take

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
BANK = SCRIPTS / "training" / "estimator_errors.npz"
SOUGHT = ("nose", "left_ear", "left_shoulder", "right_elbow", "left_wrist", "right_hip", "left_knee", "right_ankle")
STEP_S = 1 / 30


@pytest.fixture
def script(monkeypatch):
    """Imports a module of the scripts by name."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield importlib.import_module
    for name in [n for n in sys.modules if n.split(".")[0] in ("estimator_bank", "scene_bench", "training", "scenes")]:
        del sys.modules[name]


@pytest.fixture
def bank(script):
    """The committed bank."""
    return script("estimator_bank.pairs").load(BANK)


def test_bank_has_the_fields_that_training_reads(bank):
    rows, tracks = len(bank), len(bank.recording)
    assert rows >= 2500 and tracks >= 50
    assert bank.track.shape == bank.time_s.shape == bank.distance.shape == bank.pitch_rad.shape == (rows,)
    assert bank.truth_view_m.shape == bank.seen_view_m.shape == (rows, JOINT_COUNT, 3)
    assert bank.plane_true.shape == bank.plane_seen.shape == (rows, JOINT_COUNT, 2)
    assert bank.confidence.shape == bank.visible.shape == (rows, JOINT_COUNT)
    assert bank.visible.dtype == bool and bank.track.dtype == np.int32
    assert BANK.stat().st_size < 3_000_000


def test_tracks_lie_together_without_a_break(bank):
    assert np.array_equal(np.unique(bank.track), np.arange(len(bank.recording)))
    assert (np.diff(bank.track) >= 0).all()
    steps = np.diff(bank.time_s)[np.diff(bank.track) == 0]
    np.testing.assert_allclose(steps, STEP_S, atol=1e-5)


def test_bank_plays_no_recording_that_is_held_out(script, bank):
    split_of = script("training.motions").split_of
    assert len(set(bank.recording)) >= 15
    assert {split_of(str(name)) for name in bank.recording} == {"train"}


def test_errors_are_those_of_a_working_estimator(bank):
    plane, space = bank.errors()
    for name in SOUGHT:
        median = np.nanmedian(np.linalg.norm(plane[:, J[name]], axis=-1))
        assert 0.005 < median < 0.12, name
    assert np.isnan(plane[:, [J["spine"], J["chest"], J["head_top"]]]).all()
    assert np.isfinite(space).all()
    assert 0.03 < np.linalg.norm(space, axis=-1).mean() < 0.25
    np.testing.assert_allclose(bank.truth_view_m[:, J["pelvis"]], 0.0, atol=1e-3)
    assert (bank.distance > 1.0).all()


def test_people_are_seen_from_all_sides(script, bank):
    forward = script("estimator_bank.figures").body_axes(bank.truth_view_m)[:, 1, 2]
    for share in (forward < -0.5, np.abs(forward) < 0.5, forward > 0.5):
        assert share.mean() > 0.1


def _pairs_of_walkers(script, tmp_path):
    """Two who walk and are seen without an error; the second is as the estimator takes nobody to be."""
    take = walking_take(2, 20, 25, gaps=False)
    path = tmp_path / "truth.npz"
    np.savez(
        path, frame_time_s=take.frame_time_s, intrinsics=take.intrinsics, camera_to_world=take.camera_to_world,
        person_id=take.person_id, joints_world_m=take.joints_world_m, joint_names=np.array(JOINTS),
    )  # fmt: skip
    observed = observe_take(take)
    oracle = script("scene_bench.oracle").Oracle(path, observed)
    return script("estimator_bank.pairs").pairs_of(observed, oracle, np.array([1.0, 0.5]), ["cmu_a", "cmu_b"])


def test_perfect_observations_have_no_error(script, tmp_path):
    pairs = _pairs_of_walkers(script, tmp_path)
    plane, space = pairs.errors()
    limbs = [J[f"{side}_{stem}"] for side in ("left", "right") for stem in ("elbow", "wrist", "hip", "knee", "ankle")]
    assert sorted(pairs.recording) == ["cmu_a", "cmu_b"]
    np.testing.assert_allclose(plane[:, limbs], 0.0, atol=1e-3)
    first = pairs.recording[pairs.track] == "cmu_a"
    # The middle of the region is not quite the middle of the person.
    np.testing.assert_allclose(space[first][:, limbs], 0.0, atol=0.12)
    # Said to be half as tall, so a person of standard size would be twice as large as what was seen.
    second = pairs.truth_view_m[~first], pairs.seen_view_m[~first]
    assert np.linalg.norm(second[0][:, J["neck"]]) > 1.8 * np.linalg.norm(second[1][:, J["neck"]])


def test_rows_are_at_the_rate_of_the_lifters(script, tmp_path):
    pairs = _pairs_of_walkers(script, tmp_path)
    for span in pairs.spans():
        np.testing.assert_allclose(np.diff(pairs.time_s[span]), STEP_S)
        # 20 frames at 25 a second: the last lies at 0.76 s, and the last step at or before it is the 22nd.
        assert span.stop - span.start == 23


def test_a_bank_comes_back_as_it_was_saved(script, tmp_path):
    pairs_module = script("estimator_bank.pairs")
    pairs = _pairs_of_walkers(script, tmp_path)
    pairs_module.save(pairs, tmp_path / "bank.npz")
    again = pairs_module.load(tmp_path / "bank.npz")
    np.testing.assert_allclose(again.truth_view_m, pairs.truth_view_m, atol=1e-3)
    np.testing.assert_array_equal(np.isnan(again.plane_seen), np.isnan(pairs.plane_seen))
    both = pairs_module.merged([again, again])
    assert len(both) == 2 * len(again) and both.track.max() == 3


def test_the_same_seed_makes_the_same_clips(script):
    staging = script("estimator_bank.staging")
    takes = [staging.Take(f"cmu_{name}", 9.0) for name in (
        "salsa_07", "salsa_22", "indian_04", "walking_1", "basketball_signal_2", "soccer_1", "basketball_1",
        "directing_traffic_1",
    )]  # fmt: skip
    once, again, other = (staging.random_clip(number, 4, takes) for number in (3, 3, 5))
    assert once == again and once != other
    who, recordings = staging.cast_of(once)
    assert len(who) == len(set(who)) == len(recordings)


def test_known_noise_has_its_time_constant_back(script, bank):
    figures = script("estimator_bank.figures")
    rng = np.random.default_rng(1)
    noise = np.zeros((len(bank), 8))
    keep = np.exp(-STEP_S / 0.2)
    for span in bank.spans():
        rows = rng.normal(size=(span.stop - span.start, 8))
        for k in range(1, len(rows)):
            rows[k] = keep * rows[k - 1] + np.sqrt(1 - keep**2) * rows[k]
        noise[span] = rows
    fit = figures.time_constants(bank, noise)
    assert fit["slow_s"] == pytest.approx(0.2, rel=0.2)
    assert fit["lasting"] < 0.1 and fit["slow"] > 0.85
