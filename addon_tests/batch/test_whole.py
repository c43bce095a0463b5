"""Files that are cut short, leftovers of killed processes, clips that change, and errors that nobody foresaw."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from animepose_blender.batch import records
from animepose_blender.batch.build import Built
from animepose_blender.batch.leftovers import clear_leftovers
from animepose_blender.batch.lock import only_run_in
from animepose_blender.batch.order import Clip, Order
from animepose_blender.batch.plan import plan
from animepose_blender.batch.schedule import Watcher, convert_all
from animepose_blender.errors import AnimePoseError

FACTS = {"frames": 1, "people": [], "figures": {}, "profile": {}, "models": [], "versions": {}, "seconds": {}}


class Tools:
    """Writes small files."""

    def estimate(self, job, show):
        Path(job.take).write_text("take")
        return []

    def build(self, build, show):
        Path(f"{build.target}.blend").write_text("scene")
        return Built({"blend": [f"{build.target}.blend"]}, [], FACTS)

    def cancel(self):
        pass

    close = cancel


@pytest.fixture
def order(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text(name)
    (tmp_path / "out" / ".animepose").mkdir(parents=True)
    return Order(clips=tuple(Clip(str(tmp_path / name)) for name in ("a.mp4", "b.mp4")), output=tmp_path / "out")


def run(order, tools, resume=False):
    return convert_all(plan(order), order, lambda slot: tools, 1, resume, Watcher())


def test_an_error_that_nobody_foresaw_stops_one_clip_and_leaves_a_log(order):
    class Broken(Tools):
        def estimate(self, job, show):
            return {}["a"] if "a.mp4" in job.clip else super().estimate(job, show)

    first, second = run(order, Broken())
    assert first.status == "failed" and "KeyError" in first.message and second.status == "done"
    assert "Traceback" in (order.output / ".animepose" / "errors.log").read_text()


def test_a_clip_that_changes_while_it_is_read_is_not_finished(order):
    class Slow(Tools):
        def estimate(self, job, show):
            if "a.mp4" in job.clip:
                Path(job.clip).write_text("more of it has come")
            return super().estimate(job, show)

    first, second = run(order, Slow())
    assert "changed while it was being read" in first.message and second.status == "done"
    again = run(order, Tools(), resume=True)
    assert [(one.status, one.reused) for one in again] == [("done", False), ("done", True)]


def test_no_clip_is_begun_where_its_take_would_find_no_space(order, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1 << 20))
    reports = run(order, Tools())
    assert all("Only 1 MiB are free" in one.message for one in reports)
    assert not list(order.output.glob("*.npz"))


def test_work_whose_record_cannot_be_written_is_told_and_done_again(order, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(records, "write_whole_text", full)
        assert all("record of what is finished" in one.message for one in run(order, Tools()))
    again = run(order, Tools(), resume=True)
    assert [(one.status, one.reused) for one in again] == [("done", False)] * 2


def test_a_folder_of_results_that_was_moved_keeps_its_takes(order):
    run(order, Tools())
    moved = order.output.rename(order.output.with_name("elsewhere"))
    again = run(replace(order, output=moved), Tools(), resume=True)
    assert [(one.reused, one.results[0].reused) for one in again] == [(True, False)] * 2


@pytest.mark.skipif(sys.platform == "win32", reason="there, open files cannot be removed")
def test_only_leftovers_of_ended_processes_and_of_what_is_to_be_written_are_removed(order):
    dead, alive = 2**22 + 7, os.getpid()  # above the highest that Linux gives
    gone = [
        f".a.{dead}.part.blend",
        f".a.{dead}.part.blend@",
        f".b.take.npz.{dead}.part",
        f".a.person_1.{dead}.part.bvh",
    ]
    kept = [f".a.{alive}.part.blend", f".c.{dead}.part.blend", ".a.part.blend", "a.blend", f"a.{dead}.part.blend"]
    for name in (*gone, *kept):
        (order.output / name).touch()
    (order.output / ".animepose" / f".estimate-1.json.{dead}.part").touch()
    clear_leftovers(plan(order), order.output, order.output / "report.json")
    assert sorted(path.name for path in order.output.iterdir()) == sorted([*kept, ".animepose"])
    assert not list((order.output / ".animepose").iterdir())


def test_a_folder_is_locked_even_if_the_disk_is_too_full_to_say_by_whom(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with only_run_in(tmp_path), pytest.raises(AnimePoseError, match="Another run"), only_run_in(tmp_path):
        pass


def test_scenes_and_usd_files_that_lack_something_are_known():
    bpy = pytest.importorskip("bpy")
    from animepose_blender.host.file_ends import is_cut_short

    folder = Path(bpy.app.tempdir)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.mesh.primitive_cube_add()
    for compress in (True, False):
        path = str(folder / f"{compress}.blend")
        bpy.ops.wm.save_as_mainfile(filepath=path, copy=True, compress=compress, check_existing=False)
    bpy.ops.wm.usd_export(filepath=str(folder / "cube.usd"), check_existing=False)
    for path in (folder / "True.blend", folder / "False.blend", folder / "cube.usd"):
        whole = path.read_bytes()
        assert not is_cut_short(path)
        for length in (0, 1, 10, len(whole) // 2, len(whole) - 40, len(whole) - 1):
            path.write_bytes(whole[:length])
            assert is_cut_short(path), (path.name, length)
        path.unlink()
