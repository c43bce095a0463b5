"""What is finished is known again, and nothing else is."""

import json
import multiprocessing
import os

import pytest

from animepose_blender.batch.lock import only_run_in
from animepose_blender.batch.records import FOLDER, Records, content_hash, key_of
from animepose_blender.errors import AnimePoseError


@pytest.fixture
def finished(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "walk.take.npz").write_bytes(b"take")
    key = key_of("estimate", clip="abc", settings={"start_s": 1.0})
    take = tmp_path / "sub" / "walk.take.npz"
    Records(tmp_path).keep("estimate", take, key, [str(take)], {"people": 2})
    return tmp_path, take, key


def test_what_was_finished_is_known_to_the_next_run(finished):
    folder, place, key = finished
    record = Records(folder).finished("estimate", place, key, ["people"])
    assert record is not None and record.facts == {"people": 2}
    assert list(record.files) == ["sub/walk.take.npz"]


def test_keys_tell_apart_what_differs_and_nothing_else():
    base = key_of("estimate", clip="abc", settings={"a": 1, "b": 2})
    assert key_of("estimate", settings={"b": 2, "a": 1}, clip="abc") == base
    assert key_of("build", clip="abc", settings={"a": 1, "b": 2}) != base
    assert key_of("estimate", clip="abc", settings={"a": 1, "b": 2.5}) != base


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_work_whose_file_is_gone_or_another_is_not_finished(finished, harm):
    folder, take, key = finished
    take.write_bytes(b"tale") if harm == "change" else take.unlink()
    assert Records(folder).finished("estimate", take, key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"key": 1, "files": [], "facts": {}})])
def test_a_broken_record_means_that_the_work_is_done_again(finished, text):
    folder, take, key = finished
    (record,) = (folder / FOLDER).glob("estimate-*.json")
    record.write_text(text)
    records = Records(folder)
    assert records.finished("estimate", take, key) is None and records.make_room("estimate", take) == []


def test_work_that_tells_too_little_or_was_done_with_other_settings_is_not_finished(finished):
    folder, take, key = finished
    assert Records(folder).finished("estimate", take, key, ["people", "frames"]) is None
    assert Records(folder).finished("estimate", take, key_of("estimate", clip="other")) is None


def test_what_somebody_has_changed_is_put_aside_before_its_place_is_written_to(tmp_path):
    scene = tmp_path / "walk.blend"
    records = Records(tmp_path)
    scene.write_text("made")
    records.keep("build", tmp_path / "walk", "key", [str(scene)], {})
    assert records.make_room("build", tmp_path / "walk") == []
    records.keep("build", tmp_path / "walk", "key", [str(scene)], {})
    scene.write_text("worked on")
    (told,) = records.make_room("build", tmp_path / "walk")
    assert "walk-changed-1.blend" in told and (tmp_path / "walk-changed-1.blend").read_text() == "worked on"
    assert not scene.exists() and records.make_room("build", tmp_path / "walk") == []


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_date_is_read_again(tmp_path):
    path = tmp_path / "a"
    path.write_text("one")
    before = content_hash(path)
    date = path.stat().st_mtime_ns
    (tmp_path / "b").write_text("two")
    (tmp_path / "b").replace(path)
    os.utime(path, ns=(date, date))
    assert content_hash(path) != before


def hold(folder, held, end):
    with only_run_in(folder):
        held.set()
        end.wait(20)


def test_two_runs_do_not_write_to_one_folder_and_a_killed_one_leaves_it_free(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, end = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, end))
    other.start()
    assert held.wait(20)
    with pytest.raises(AnimePoseError, match=f"process {other.pid}"), only_run_in(tmp_path):
        pass
    other.kill()
    other.join()
    with only_run_in(tmp_path):
        pass
