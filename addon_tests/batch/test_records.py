"""What is finished is known again, and nothing else is."""

import json
import multiprocessing
import os

import pytest

from animepose_blender.batch.lock import only_run_in
from animepose_blender.batch.records import FOLDER, Records, key_of
from animepose_blender.errors import AnimePoseError


@pytest.fixture
def finished(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "walk.take.npz").write_bytes(b"take")
    key = key_of("estimate", clip="abc", settings={"start_s": 1.0})
    Records(tmp_path).keep(key, [str(tmp_path / "sub" / "walk.take.npz")], {"people": 2})
    return tmp_path, key


def test_what_was_finished_is_known_to_the_next_run(finished):
    folder, key = finished
    record = Records(folder).finished(key)
    assert record is not None and record.facts == {"people": 2}
    assert list(record.files) == ["sub/walk.take.npz"]


def test_keys_tell_apart_what_differs_and_nothing_else():
    base = key_of("estimate", clip="abc", settings={"a": 1, "b": 2})
    assert key_of("estimate", settings={"b": 2, "a": 1}, clip="abc") == base
    assert key_of("build", clip="abc", settings={"a": 1, "b": 2}) != base
    assert key_of("estimate", clip="abc", settings={"a": 1, "b": 2.5}) != base


@pytest.mark.parametrize("harm", ["change", "remove"])
def test_work_whose_file_is_gone_or_another_is_not_finished(finished, harm):
    folder, key = finished
    take = folder / "sub" / "walk.take.npz"
    take.write_bytes(b"tale") if harm == "change" else take.unlink()
    assert Records(folder).finished(key) is None


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"key": "other", "files": {}, "facts": {}})])
def test_a_broken_record_means_that_the_work_is_done_again(finished, text):
    folder, key = finished
    (folder / FOLDER / f"{key}.json").write_text(text)
    assert Records(folder).finished(key) is None


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
    os.kill(other.pid, 9)
    other.join()
    with only_run_in(tmp_path):
        pass
