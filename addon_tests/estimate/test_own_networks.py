"""Networks of our own kind, shipped or a user's, come from the same store."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.lifting import default_lifter, lifter_of
from animepose_blender.estimate.lifting.convolution import WEIGHTS as LIFTER
from animepose_blender.estimate.predict import default_predictor, predictor_of
from animepose_blender.estimate.predict.recurrent import MODEL_NAME
from animepose_blender.estimate.predict.recurrent import WEIGHTS as PREDICTOR
from animepose_blender.presets import PARTS
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.record import RECORD, ModelFile, read_record_file, record_text


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with a user's own lifter and predictor."""
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    for name, weights in (("my-lifter", LIFTER), ("my-predictor", PREDICTOR)):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(weights, folder / "weights.safetensors")
        data = weights.read_bytes()
        record = replace(
            read_record_file(weights.with_suffix(".json")), id=name, title=f"Mine: {name}", licence="own",
            files=(ModelFile("weights.safetensors", len(data), hashlib.sha256(data).hexdigest()),),
        )  # fmt: skip
        (folder / RECORD).write_text(record_text(record))
    return tmp_path


def test_every_preset_names_the_shipped_ones():
    for parts in PARTS.values():
        assert lifter_of(parts.lifter).name == default_lifter().name
        assert predictor_of(parts.predictor).name == MODEL_NAME


def test_a_users_own_are_loaded_the_same_way(store):
    assert "my-lifter" in lifter_of("my-lifter").name and "my-predictor" in predictor_of("my-predictor").name
    assert default_predictor()


def test_one_that_is_not_there_or_is_another_kind_of_network_is_refused(store):
    for find in (lifter_of, predictor_of):
        with pytest.raises(AnimePoseError, match="nowhere"):
            find("nowhere")
    with pytest.raises(AnimePoseError, match="temporal lifting network"):
        lifter_of("my-predictor")
    with pytest.raises(AnimePoseError):
        predictor_of("my-lifter")
