"""Weights that ship are whole: record, list of networks and card say the same, and hand-written words stay."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from papers_training.shipping import RECORDS, ship, with_entry

from animepose_blender.errors import AnimePoseError
from animepose_blender.store.catalogue import CATALOGUE, read_catalogue
from animepose_blender.store.installed import SHIPPED_FOLDER
from animepose_blender.store.record import read_record_file

CARD = """# Card: RootNet

By hand. GPL-3.0-or-later.

<!-- figures -->
none yet
<!-- /figures -->

<!-- sha256 -->
none yet
<!-- /sha256 -->
The end.
"""


@pytest.fixture
def models(tmp_path):
    """A folder of models with weights and a card, and a list of another network."""
    (tmp_path / "weights").mkdir()
    tensors = {"gamma.weight": np.ones((1500, 1000), np.float16), "bn.running_mean": np.zeros(9, np.float16)}
    save_file(tensors, tmp_path / "weights" / "root_net.safetensors", {"network": "root_net", "config": "{}"})
    (tmp_path / "weights" / "root_net.md").write_text(CARD, encoding="utf-8")
    (tmp_path / "weights" / "lifter.md").write_text("# Card: lifter\n", encoding="utf-8")
    text = CATALOGUE.read_text(encoding="utf-8")
    blocks = [block for block in text.split("\n\n") if 'id = "temporal-lifter"' in block]
    (tmp_path / "models.toml").write_text(f"schema = 1\n\n{blocks[0]}\n", encoding="utf-8")
    log = [{"step": 10, "z_mm": 900.0}, {"step": 20, "samples": 320, "z_mm": 123.4, "loss_root": 0.5}]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in log))
    return tmp_path


def test_record_list_and_card_agree(models):
    weights = models / "weights"
    for _ in range(2):  # a second time nothing is there twice
        record = ship("root_net", weights, models / "models.toml", models / "log.jsonl")
    assert read_record_file(weights / "root_net.json") == record
    catalogue = read_catalogue(models / "models.toml")
    assert list(catalogue) == ["temporal-lifter", "root-net"]
    entry = catalogue["root-net"]
    assert entry.record.files == record.files and entry.shipped == weights / "root_net.safetensors"
    assert (entry.record.role, entry.record.commercial, entry.record.caution) == ("root", True, record.caution)

    card = (weights / "root_net.md").read_text(encoding="utf-8")
    assert card.startswith(CARD.partition("<!-- figures")[0]) and card.endswith("The end.\n")
    assert "| steps of training | 20 |" in card and "| 123 |" in card and "| parameters, millions | 1.5 |" in card
    assert record.files[0].sha256 in card and "900" not in card and "loss" not in card and "none yet" not in card


def test_without_a_log_figures_stay(models):
    ship("root_net", models / "weights", models / "models.toml")
    assert "none yet\n<!-- /figures" in (models / "weights" / "root_net.md").read_text(encoding="utf-8")


def test_an_entry_is_replaced_where_it_was():
    text = CATALOGUE.read_text(encoding="utf-8")
    record = read_catalogue()["temporal-lifter"].record
    changed = with_entry(text, record, "weights/lifter")
    assert changed.index('"temporal-lifter"') < changed.index('"trajectory-gru"')
    assert changed.count('id = "temporal-lifter"') == 1 and changed.count("[[model]]") == text.count("[[model]]")


def test_options_of_a_record_are_listed():
    record = replace(read_catalogue()["temporal-lifter"].record, options={"sure_half": 0.35, "sure_power": -3.0})
    changed = with_entry(CATALOGUE.read_text(encoding="utf-8"), record, "weights/lifter")
    assert "options = { sure_half = 0.35, sure_power = -3.0 }" in changed


def test_other_weights_and_cards_without_a_place_are_refused(models):
    weights = models / "weights"
    save_file({"a": np.zeros(1)}, weights / "cascade.safetensors", {"network": "pose_net"})
    (weights / "cascade.md").write_text(CARD)
    with pytest.raises(AnimePoseError, match="pose_net"):
        ship("cascade", weights, models / "models.toml")
    (weights / "root_net.md").write_text("# Card\n")
    with pytest.raises(AnimePoseError, match="no place"):
        ship("root_net", weights, models / "models.toml")
    with pytest.raises(AnimePoseError, match="log"):
        ship("root_net", weights, models / "models.toml", models / "missing.jsonl")
    assert not (weights / "root_net.json").exists()


@pytest.mark.parametrize("name", RECORDS)
def test_every_network_has_a_card_that_says_what_its_record_says(name):
    record = RECORDS[name]
    card = (SHIPPED_FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert card.startswith("# Card: ") and record.licence in card and "ImageNet" in card
    assert record.commercial != ("not for commercial use" in card) and record.commercial != ("photos" in record.id)
    for mark in ("figures", "sha256"):
        assert card.count(f"<!-- {mark} -->") == card.count(f"<!-- /{mark} -->") == 1
