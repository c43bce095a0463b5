"""The project's own networks load from the store and from a file like any other."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from animepose_blender.errors import AnimePoseError
from animepose_blender.estimate.hub.device import Device
from animepose_blender.estimate.hub.own import load_own, load_own_file
from animepose_blender.store.record import RECORD, ModelFile, ModelRecord, record_text
from models.temporal_lifter import Config, TemporalLifter

CPU = Device(torch.device("cpu"), torch.float32)
KINDS = {"temporal": lambda config: TemporalLifter(Config(**config))}
WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "lifter.safetensors"
METADATA = {"network": "temporal", "config": '{"kernel": 3, "blocks": 1, "channels": 8}'}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    save_file(TemporalLifter(Config(3, 1, 8)).state_dict(), path, METADATA)
    return path


def test_the_projects_weights_load_into_its_own_network():
    network = load_own_file(WEIGHTS, KINDS, CPU)
    assert isinstance(network, TemporalLifter)
    assert not network.training
    saved = load_file(WEIGHTS)
    assert torch.equal(network.state_dict()["first.0.weight"], saved["first.0.weight"].float())


def test_a_folder_of_the_store_loads_with_its_record(small):
    record = ModelRecord(
        "mine", "My lifter", "lifter", "temporal", (ModelFile(small.name, 1, ""),), "GPL-3.0-or-later", True, "me"
    )
    (small.parent / RECORD).write_text(record_text(record))
    loaded = load_own(small.parent, KINDS, CPU)
    assert loaded.record.title == "My lifter"
    assert torch.equal(loaded.network.state_dict()["first.0.weight"], load_file(small)["first.0.weight"])
    with pytest.raises(AnimePoseError, match="is a temporal; expected was one of other"):
        load_own(small.parent, {"other": KINDS["temporal"]}, CPU)


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({}, "no network of this project; expected was temporal"),
        (METADATA | {"network": "other"}, "the network 'other'; expected was temporal"),
        (METADATA | {"config": "{"}, "makes no network"),
        (METADATA | {"config": '{"depth": 3}'}, "makes no network"),
        (METADATA | {"config": '{"kernel": 3, "blocks": 2, "channels": 8}'}, r"lack blocks\.1.* more"),
        (METADATA | {"config": '{"kernel": 3, "blocks": 0, "channels": 8}'}, "too many"),
        (METADATA | {"config": '{"kernel": 3, "blocks": 1, "channels": 4}'}, "do not fit: size mismatch"),
    ],
)
def test_what_is_not_the_networks_is_refused(small, metadata, says):
    save_file(load_file(small), small, metadata)
    with pytest.raises(AnimePoseError, match=says) as caught:
        load_own_file(small, KINDS, CPU)
    assert "preset offline" in caught.value.remedy
