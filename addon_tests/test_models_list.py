"""Our own catalogue of networks: whole, usable by the code that runs them, and honest about what it does not know."""

from __future__ import annotations

import re

import pytest

from animepose_blender.presets import PARTS
from animepose_blender.skeleton import KEYPOINT_MAPS
from animepose_blender.store.catalogue import CATALOGUE, read_catalogue

ENTRIES = read_catalogue(CATALOGUE)
FETCHED = [entry for entry in ENTRIES.values() if entry.registry]


def test_every_network_of_a_preset_is_listed_and_may_be_used_commercially():
    for parts in PARTS.values():
        for name in parts.networks():
            assert ENTRIES[name].record.commercial, name


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_every_network_has_a_card_that_names_its_licence(entry):
    licence = entry.record.licence.replace("CC-BY-NC-4.0", "CC BY-NC 4.0")
    assert licence in entry.record.card
    assert entry.record.card.startswith("# Card: ")


@pytest.mark.parametrize("entry", FETCHED, ids=[entry.id for entry in FETCHED])
def test_what_is_not_for_commercial_use_says_so_on_its_card(entry):
    assert entry.record.commercial != ("not for commercial use" in entry.record.card)


@pytest.mark.parametrize("entry", FETCHED, ids=[entry.id for entry in FETCHED])
def test_files_to_fetch_are_weights_without_pickles_and_their_settings(entry):
    paths = [file.path for file in entry.record.files]
    assert "config.json" in paths and "model.safetensors" in paths
    assert all(path.endswith((".json", ".safetensors")) for path in paths)


@pytest.mark.parametrize("entry", FETCHED, ids=[entry.id for entry in FETCHED])
def test_a_size_is_known_at_least_roughly(entry):
    assert entry.about_bytes > 50_000_000


def test_poses_have_skeletons_that_are_known_and_depths_their_scene():
    for entry in ENTRIES.values():
        record = entry.record
        assert (record.skeleton in KEYPOINT_MAPS) == (record.role == "pose"), record.id
        if record.role == "depth" and entry.registry:  # ours is made for both
            assert record.options["scene"] in ("indoor", "outdoor")
            assert record.options["max_depth_m"] == (20 if record.options["scene"] == "indoor" else 80)


def test_architectures_are_classes_that_the_worker_runs():
    pytest.importorskip("torch")
    from animepose_blender.estimate.hub.open import MAKERS

    for entry in FETCHED:
        assert entry.record.architecture in MAKERS[entry.record.role], entry.id


def test_hosts_stand_only_in_the_registry():
    text = CATALOGUE.read_text(encoding="utf-8")
    assert len(re.findall(r"https?://", text)) == 1
