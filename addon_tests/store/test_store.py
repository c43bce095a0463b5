"""The catalogue, what is here, lists, verify and remove."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from addon_tests.store.stub_hub import COMMIT, pose_files, safetensors, write_catalogue
from animepose_blender.errors import AnimePoseError, ExitCode
from animepose_blender.presets import PARTS
from animepose_blender.store.catalogue import CATALOGUE, CATALOGUE_VARIABLE, entries_for, read_catalogue
from animepose_blender.store.folder import STORE_VARIABLE
from animepose_blender.store.installed import (
    Presence,
    find_network,
    ids_here,
    leftovers,
    shipped_networks,
)
from animepose_blender.store.listing import COMMERCIAL, NOT_COMMERCIAL, rows, size_text
from animepose_blender.store.lock import only_one_changes
from animepose_blender.store.names import is_file_name, is_id
from animepose_blender.store.record import RECORD, parse_record, record_text
from animepose_blender.store.remove import remove
from animepose_blender.store.verify import verify

ROOT = Path(__file__).resolve().parents[2]


def row_of(site, id_="tiny-pose"):
    return next(row for row in rows(site.catalogue, site.store) if row.id == id_)


def test_our_catalogue_can_be_read_and_has_what_presets_need():
    catalogue = read_catalogue(CATALOGUE)
    for parts in PARTS.values():
        for id_ in parts.networks():
            assert catalogue[id_].record.commercial, "defaults allow commercial use"
    assert all(entry.page_address or entry.shipped for entry in catalogue.values())
    assert all(entry.record.card and entry.record.licence for entry in catalogue.values())


def test_records_of_shipped_networks_agree_with_the_catalogue_and_their_cards():
    catalogue = read_catalogue(CATALOGUE)
    shipped = shipped_networks()
    assert set(shipped) == {entry.id for entry in catalogue.values() if entry.shipped}
    for id_, (path, record) in shipped.items():
        assert replace(catalogue[id_].record, card="") == record and catalogue[id_].shipped == path
        assert record.files[0].sha256 in catalogue[id_].record.card
        assert verify(id_, catalogue).ok


def test_hosts_are_data_and_nowhere_in_code():
    catalogue = read_catalogue(CATALOGUE)
    hosts = {entry.registry.endpoint.split("/")[2] for entry in catalogue.values() if entry.registry}
    assert hosts
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "animepose_blender").rglob("*.py")}
    assert [path for path, text in sources.items() if any(host in text for host in hosts)] == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("schema = 1", "schema = 2"), "schema 2"),
        (('role = "pose"', 'role = "posing"'), "posing"),
        (('role = "pose"', 'rule = "pose"'), "role"),
        (('id = "tiny-pose"', 'id = "../pose"'), "../pose"),
        (('id = "tiny-depth"', 'id = "tiny-pose"'), "twice"),
        (('"config.json"', '"../config.json"'), "../config.json"),
        (('"model.safetensors"', '"model.bin"'), "model.bin"),
        (("size = ", "size = -"), "size"),
        (('sha256 = "', 'sha256 = "x'), "sha256"),
        (("commercial = true", 'commercial = "yes"'), "commercial"),
        (('registry = "hub"', 'registry = "nub"'), "nub"),
        (('repository = "people/', 'repository = "../'), "repository"),
        (('card = "card.md"', 'card = "no.md"'), "no.md"),
        (("[[model]]", "[[model"), "cannot be read"),
    ],
)
def test_a_wrong_catalogue_is_told_with_its_place(tmp_path, change, word):
    path = write_catalogue(tmp_path, "http://host")
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(AnimePoseError) as caught:
        read_catalogue(path)
    assert word in caught.value.message and str(path) in caught.value.message


def test_a_studio_may_have_a_catalogue_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv(CATALOGUE_VARIABLE, str(write_catalogue(tmp_path, "http://host")))
    assert set(read_catalogue()) == {"tiny-pose", "tiny-depth"}


def test_presets_and_ids_name_networks():
    catalogue = read_catalogue(CATALOGUE)
    found = [entry.id for entry in entries_for(["quality", "vitpose-plus-base"], catalogue)]
    assert found == list(PARTS["quality"].networks())
    assert entries_for(["offline"], catalogue) == []
    with pytest.raises(AnimePoseError, match="quality") as caught:
        entries_for(["qualitty"], catalogue)
    assert caught.value.exit_code == ExitCode.USAGE


def test_names():
    good = ("a", "vitpose-plus-base", "sam-2.1-hiera-tiny", "0x")
    bad = (
        "",
        ".a",
        "-a",
        "a.",
        "a..b",
        "a/b",
        "A",
        "a b",
        "mediapipe",
        "none",
        "con",
        "nul.x",
        "a.part",
        "x" * 81,
        "é",
    )
    assert [name for name in good if not is_id(name)] == [] and [name for name in bad if is_id(name)] == []
    good = ("config.json", "vocab/merges.txt", "model-00001-of-00002.safetensors", "model.safetensors.index.json")
    bad = ("", "a", "../a.json", "/a.json", "a//b.json", "a/../b.json", ".a.json", "a.pt", "a.bin", "a\\b.json",
           "c:a.json", "a/b/c/d.json", "nul.json", "a.JSON", "a.json\n", "a./b.json", "a.py")  # fmt: skip
    assert [name for name in good if not is_file_name(name)] == []
    assert [name for name in bad if is_file_name(name)] == []


def test_records_survive_the_way_to_text_and_back(site):
    record = site.fetch()
    assert parse_record(record_text(record), "here") == record


def test_a_list_tells_what_is_here(site):
    row = row_of(site)
    assert (row.state, row.presence, row.badge, row.path) == ("not here", Presence.ABSENT, COMMERCIAL, "")
    assert row.size == sum(map(len, pose_files().values())) or row.size == 1_000_000
    assert row_of(site, "tiny-depth").badge == NOT_COMMERCIAL
    assert {row.id for row in rows(site.catalogue, site.store, commercial_only=True)} >= {
        "tiny-pose",
        "temporal-lifter",
    }
    assert "tiny-depth" not in {row.id for row in rows(site.catalogue, site.store, commercial_only=True)}
    site.fetch()
    row = row_of(site)
    assert (row.state, row.size_text, row.path) == ("here", "300 kB", str(site.store / "tiny-pose"))
    assert row.source.endswith(COMMIT) and row.page == f"{site.hub.address}/people/tiny-pose"
    assert row_of(site, "temporal-lifter").state == "shipped"


@pytest.mark.parametrize("broken", ["missing", "size", "record", "other", "schema"])
def test_what_is_damaged_is_not_here(site, broken):
    site.fetch()
    folder = site.store / "tiny-pose"
    record = json.loads((folder / RECORD).read_text())
    if broken == "missing":
        (folder / "config.json").unlink()
    elif broken == "size":
        (folder / "config.json").write_text("{}")
    elif broken == "record":
        (folder / RECORD).write_text("[" * 5)
    elif broken == "other":
        (folder / RECORD).write_text(json.dumps(record | {"id": "another"}))
    else:
        (folder / RECORD).write_text(json.dumps(record | {"schema": 99}))
    row = row_of(site)
    assert row.state == "damaged" and row.problem
    with pytest.raises(AnimePoseError, match=r"damaged.*animepose models fetch tiny-pose.*offline"):
        find_network("tiny-pose", site.store)
    assert not verify("tiny-pose", site.catalogue, store=site.store).ok
    site.fetch()
    assert row_of(site).state == "here"


def test_a_folder_in_the_store_that_is_no_network_is_told_as_damaged(site):
    (site.store / "something").mkdir(parents=True)
    (site.store / "Not An Id").mkdir()
    assert ids_here(site.store) == ["something"]
    assert row_of(site, "something").state == "damaged"


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to become somebody else")
def test_a_store_that_may_not_be_read_any_more_is_one_message(site):
    """Root may read everything, so somebody else looks."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        site.store = Path(place, "store")
        _look_as_somebody_else(site)


def _look_as_somebody_else(site):
    site.fetch()
    site.store.chmod(0o700)
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from animepose_blender.store.catalogue import read_catalogue\n"
        "from animepose_blender.store.installed import find_network, ids_here\n"
        "from animepose_blender.store.fetch import fetch\n"
        "store, entry = Path(sys.argv[1]), read_catalogue(Path(sys.argv[2]))['tiny-pose']\n"
        "os.setuid(65534)\n"
        "for look in (lambda: find_network('tiny-pose', store), lambda: ids_here(store), "
        "lambda: fetch(entry, store=store)):\n"
        "    try:\n        look()\n    except Exception as error:\n        print(type(error).__name__, error)"
    )
    command = [sys.executable, "-c", code, str(site.store), str(site.folder / "models.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = done.stdout.splitlines()
    assert len(told) == 3 and all(line.startswith("AnimePoseError") and "Permission denied" in line for line in told)
    assert "offline" in told[0] and str(site.store) in told[0]


def test_verify_hashes_every_byte(site):
    site.fetch()
    told = []
    verdict = verify("tiny-pose", site.catalogue, told.append, store=site.store)
    assert verdict.ok and not verdict.notes and told[-1].fraction == 1.0
    path = site.store / "tiny-pose" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert row_of(site).state == "here", "a list does not hash"
    verdict = verify("tiny-pose", site.catalogue, store=site.store)
    assert not verdict.ok and "model.safetensors" in verdict.problems[0] and "sha256" in verdict.problems[0]


def test_verify_tells_of_what_is_outdated_or_not_pinned(site):
    site.fetch()
    site.use(files=pose_files(safetensors(fill=6)), revision="e" * 40)
    verdict = verify("tiny-pose", site.catalogue, store=site.store)
    assert verdict.ok and "e" * 40 in verdict.notes[0] and COMMIT in verdict.notes[0]
    assert row_of(site).outdated
    site.use(pinned=False)
    assert "not pinned" in verify("tiny-pose", site.catalogue, store=site.store).notes[0]
    assert not row_of(site).outdated


def test_verify_of_what_is_not_here(site):
    with pytest.raises(AnimePoseError, match="not here"):
        verify("tiny-pose", site.catalogue, store=site.store)
    (site.store / "tiny-pose.part").mkdir(parents=True)
    assert not verify("tiny-pose", site.catalogue, store=site.store).ok


def test_remove_takes_all_of_it(site):
    site.fetch()
    (site.store / "tiny-pose.part").mkdir()
    (site.store / "tiny-pose.part" / "x").write_bytes(b"12345")
    assert remove("tiny-pose", site.store) > sum(map(len, pose_files().values()))
    assert [path.name for path in site.store.iterdir()] == [".locks"]
    assert row_of(site).state == "not here"


@pytest.mark.parametrize("id_", ["temporal-lifter", "tiny-depth", "../tiny-pose", "", ".locks"])
def test_what_cannot_be_removed(site, id_):
    site.fetch()
    with pytest.raises(AnimePoseError) as caught:
        remove(id_, site.store)
    assert caught.value.exit_code == ExitCode.USAGE
    assert row_of(site).state == "here"


def test_what_is_in_use_is_not_removed(site):
    site.fetch()
    with only_one_changes("tiny-pose", site.store), pytest.raises(AnimePoseError, match="already"):
        remove("tiny-pose", site.store)
    assert row_of(site).state == "here"


def test_an_interrupted_replacement_is_put_right(site):
    site.fetch()
    (site.store / "tiny-pose").rename(site.store / "tiny-pose..old.part")
    (site.store / "tiny-pose..import.part").mkdir()
    assert len(leftovers(site.store)) == 2 and ids_here(site.store) == []
    asked = len(site.hub.asked)
    site.fetch()
    assert row_of(site).state == "here" and len(site.hub.asked) == asked and leftovers(site.store) == []


def test_a_worker_without_a_toml_reader_finds_networks(site):
    site.fetch()
    code = (
        "import sys\nsys.modules['tomllib'] = None\n"
        "from animepose_blender.store.installed import find_network\n"
        "for id_ in ('tiny-pose', 'temporal-lifter'):\n    print(find_network(id_)[1].title)\n"
        "from animepose_blender.store.catalogue import read_catalogue\n"
        "try:\n    read_catalogue()\nexcept Exception as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT), STORE_VARIABLE: str(site.store)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = done.stdout.splitlines()
    assert told[:2] == ["Tiny pose", "Temporal lifter"] and "3.11" in told[2]


def test_sizes_for_people():
    assert [size_text(size) for size in (12, 1234, 5_600_000, 1_234_000_000)] == [
        "12 B",
        "1.23 kB",
        "5.6 MB",
        "1.23 GB",
    ]
