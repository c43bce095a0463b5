"""The check of the quality preset: what it says without weights, and how it puts figures beside each other."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.presets import PARTS, Parts
from animepose_blender.store.folder import choose_store_folder
from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture(scope="module")
def check():
    spec = importlib.util.spec_from_file_location("animepose_scripts_check_quality", SCRIPTS / "check_quality.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def store(tmp_path):
    choose_store_folder(tmp_path)
    yield tmp_path
    choose_store_folder(None)


def put(store, id_, commercial=True):
    folder = store / id_
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    files = (ModelFile("model.safetensors", 7, ""),)
    record = ModelRecord(id_, id_.title(), "pose", "X", files, "MIT", commercial, "someone/x@main", "coco_17")
    (folder / RECORD).write_text(record_text(record), encoding="utf-8")


def test_without_weights_all_that_is_missing_is_named_with_the_way_out(check, store, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["check_quality", "--models", str(store)])
    assert check.main() == ExitCode.BAD_INPUT
    told = capsys.readouterr()
    assert all(name in told.err for name in PARTS["quality"].networks())
    assert "animepose models fetch quality" in told.err
    assert not told.out


def test_networks_are_named_with_licence_and_the_hash_of_their_weights(check, store):
    put(store, "mine", commercial=False)
    lines = check.require_networks(Parts("mediapipe", "none", "mine", "none"))
    assert lines == [
        "mine: someone/x@main, MIT, not for commercial use",
        f"    model.safetensors sha256 {hashlib.sha256(b'weights').hexdigest()}",
    ]


def test_one_of_two_missing_networks_is_enough_to_refuse(check, store):
    put(store, "mine")
    with pytest.raises(AnimePoseError, match=r"other \(not here\)") as refused:
        check.require_networks(Parts("other", "none", "mine", "none"))
    assert "mine" not in refused.value.message


def test_the_clips_of_every_set_have_their_truth(check):
    for name, folder in check.SETS.items():
        pairs = check.clips_of(name, [], folder)
        assert pairs and all(clip.is_file() and truth.is_file() for clip, truth in pairs)


def measured(check, name, **figures):
    return check.Measured(name, {preset: {"mpjpe_mm": mm, "id_switches": 1} for preset, mm in figures.items()})


def test_means_are_over_clips_that_both_presets_measured(check):
    clips = [measured(check, "a", offline=100.0, quality=50.0), measured(check, "b", offline=300.0, quality=60.0)]
    lines = check.side_by_side("dev", [*clips, measured(check, "c", offline=900.0)])
    assert lines[0] == "| dev, mean of 2 of 3 clips | offline | quality | the truth itself |"
    assert "| `mpjpe_mm` | 200 | 55.0 |  |" in lines
    assert "| `id_switches` | 2 | 2 |  |" in lines


def test_a_clip_that_no_preset_measured_gives_no_table(check):
    assert check.side_by_side("dev", [check.Measured("a")]) == []


def test_profiles_are_added_up_and_peaks_kept(check):
    one = {"seconds": {"detect": 1.0}, "count": {"detect": 4}, "calls": {"detect": 1}, "thread": {"detect": "ahead"},
           "waited_s": {}, "elapsed_s": 2.0, "memory_mib": 900, "device": "CPU"}  # fmt: skip
    other = one | {"seconds": {"detect": 2.0, "pose": 1.0}, "memory_mib": 700}
    total = check.profile_of(
        [check.Measured("a", profile=one), check.Measured("b", profile=other), check.Measured("c")]
    )
    assert total["seconds"] == {"detect": 3.0, "pose": 1.0}
    assert (total["elapsed_s"], total["memory_mib"], total["device"]) == (4.0, 900, "CPU")
    assert total["thread"] == {"detect": "ahead"}
