"""Edits as JSON, in the take's own file, beside an estimate that stays as it was."""

from __future__ import annotations

import json
import os
import zipfile

import numpy as np
import pytest

from animepose_blender.core.review.edited import apply_edits, load_edited
from animepose_blender.core.review.edits import Ignore, MarkWrong, Merge, Rename, Split, Swap, from_json, to_json
from animepose_blender.core.review.saved_edits import edits_of, save_edits
from animepose_blender.errors import AnimePoseError
from animepose_blender.take import SCHEMA_VERSION, Take, change_source

from .review_takes import arrays_of, assert_same, full_take, random_edits

EDITS = [
    Rename(1, "Anna Ö"), Ignore(2), Merge(1, 3), Split(1, 1.0 / 3.0, 4), Swap(1, 4, 0.1), MarkWrong(4, 0.5, 0.6, True),
]  # fmt: skip


@pytest.fixture
def path(tmp_path):
    return full_take().save(tmp_path / "a.take.npz")


def test_records_survive_json_exactly():
    assert from_json(json.loads(json.dumps(to_json(EDITS)))) == EDITS
    assert to_json(EDITS)[4] == {"kind": "swap", "first": 1, "second": 4, "time_s": 0.1}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "expected a list"),
        ([3], "edit 1 is 3"),
        ([{"person": 1}], "expected an object with a kind"),
        ([{"kind": "paint"}], "'paint', known are rename"),
        ([{"kind": "ignore", "person": 1, "colour": 2}], "unknown field 'colour'"),
        ([{"kind": "ignore", "person": "1"}], "person of edit 1 .ignore. is '1', expected int"),
        ([{"kind": "ignore", "person": True}], "expected int"),
        ([{"kind": "ignore", "person": 2**40}], "expected int"),
        ([{"kind": "ignore", "person": 1, "ignored": 1}], "expected bool"),
        ([{"kind": "rename", "person": 1, "name": None}], "expected str"),
        ([{"kind": "swap", "first": 1, "second": 2, "time_s": float("inf")}], "expected float"),
        ([{"kind": "ignore", "person": 1}, {"kind": "swap", "first": 1}], "edit 2 .swap. is not whole"),
    ],
)
def test_what_is_no_list_of_edits_is_refused_and_nothing_skipped(data, words):
    with pytest.raises(AnimePoseError, match=words):
        from_json(data)


def test_saved_edits_come_back_and_the_estimate_is_untouched(path):
    estimate = Take.load(path)
    assert edits_of(estimate) == []
    save_edits(path, EDITS)
    loaded = Take.load(path)
    assert edits_of(loaded) == EDITS
    loaded.source.pop("edits")
    assert_same(loaded, estimate)


def test_the_arrays_are_not_even_compressed_again(path):
    def raw(name):
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            info = archive.getinfo(name)
            file.seek(info.header_offset)
            return file.read(info.compress_size)

    before = raw("joints_world_m.npy")
    save_edits(path, EDITS)
    assert raw("joints_world_m.npy") == before


def test_the_file_stays_a_sound_archive_that_numpy_alone_reads(path):
    for edits in (EDITS, EDITS[:2], EDITS * 200, [], EDITS):
        save_edits(path, edits)
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert len(set(archive.namelist())) == len(archive.namelist())
        with np.load(path, allow_pickle=False) as archive:
            assert int(archive["schema_version"]) == SCHEMA_VERSION
            assert len(json.loads(str(archive["source"])).get("edits", [])) == len(edits)
            assert set(archive.files) == {*arrays_of(full_take()), "source", "schema_version"}


def test_dropping_the_last_edit_restores_the_files_bytes(path):
    save_edits(path, EDITS[:-1])
    before = path.read_bytes()
    for _ in range(3):
        save_edits(path, EDITS)
        save_edits(path, EDITS[:-1])
    assert path.read_bytes() == before
    save_edits(path, [])
    assert "edits" not in Take.load(path).source


def test_the_edited_take_is_the_same_after_saving(path):
    take = Take.load(path)
    edits = random_edits(take, 8, np.random.default_rng(5))
    save_edits(path, edits)
    assert_same(load_edited(path), apply_edits(take, edits))


def test_nothing_is_left_behind_where_saving_fails(path, monkeypatch):
    before = path.read_bytes()

    def full(*_args, **_keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(AnimePoseError, match="No space left"):
        save_edits(path, EDITS)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_what_is_no_take_is_refused(tmp_path, path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.save(tmp_path / "single.npy", np.zeros(3))
    for name in ("text.npz", "other.npz", "single.npy"):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(AnimePoseError, match="is not a take"):
            save_edits(tmp_path / name, EDITS)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(AnimePoseError, match="no take at"):
        save_edits(tmp_path / "none.npz", EDITS)
    with np.load(path) as archive:
        newer = {**archive, "schema_version": np.int32(SCHEMA_VERSION + 1)}
    np.savez(tmp_path / "newer.npz", **newer)
    with pytest.raises(AnimePoseError, match="version 2, known up to 1"):
        save_edits(tmp_path / "newer.npz", EDITS)


def test_edits_that_cannot_be_read_are_refused_but_the_take_is_not(path):
    change_source(path, {"edits": [{"kind": "paint"}]})
    take = Take.load(path)
    with pytest.raises(AnimePoseError, match="edits of the take cannot be read") as refusal:
        edits_of(take)
    assert "discard" in refusal.value.remedy
