"""Whatever happens to a run, the next one with --resume finishes it, repeats nothing, and nothing half-written is left.

Each fault is put into the real command line, run as processes. See docs/faults.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from animepose_blender.host.worker_client import worker_environment
from animepose_blender.take import Take, change_source

bpy = pytest.importorskip("bpy")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

NAMES = ("a", "b")
FRAMES = 30
EXPORTS = ("glb", "fbx")  # those of USD are alike, but not always to the byte
LATER = 0.1
"""Seconds that each stage of the second clip takes, so that there is time to harm it."""


class Work:
    """A folder with an order for two clips; the same words each time, so that the same is to be made."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out, self.temp = folder, folder / "out", folder / "temp"
        self.temp.mkdir(parents=True)
        self.processes: list[subprocess.Popen[str]] = []

    def order(self, **harm: object) -> list[str]:
        """Words of the command line; the first clip is quick, the second one takes its time or comes to harm."""
        settings = {"frames": FRAMES, "seconds_per_stage": 0.0}
        second = settings | {"seconds_per_stage": LATER} | harm
        job = {
            "output": "out",
            "export": ["blend", *EXPORTS],
            "estimate": {"preset": "dummy"},
            "clips": [
                {"input": f"{name}.mp4", "estimate": {"settings": own}}
                for name, own in zip(NAMES, (settings, second), strict=True)
            ],
        }
        (self.folder / "job.json").write_text(json.dumps(job))
        return ["--job", str(self.folder / "job.json")]

    def start(self, *words: str, limit: str = "", **harm: object) -> subprocess.Popen[str]:
        """Start a run, perhaps with a limit of the shell."""
        command = [sys.executable, "-m", "animepose_blender.cli", "convert", *self.order(**harm), *words]
        if limit:
            command = ["bash", "-c", f'{limit}; exec "$@"', "bash", *command]
        process = subprocess.Popen(
            command, env={**worker_environment(), "TMPDIR": str(self.temp)}, cwd=self.folder, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def run(self, *words: str, limit: str = "", **harm: object) -> tuple[int, str]:
        """Exit status and messages of a whole run."""
        process = self.start(*words, limit=limit, **harm)
        return self.end(process)

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit status and the rest of the messages."""
        assert process.stderr is not None
        told = process.stderr.read()
        return process.wait(), told

    def report(self) -> list[dict]:
        return json.loads((self.out / "report.json").read_text())["clips"]

    def reused(self) -> list[bool]:
        """For take and result of each clip, whether it was kept."""
        return [kept for clip in self.report() for kept in (clip["reused"], clip["results"][0]["reused"])]

    def finish(self) -> list[bool]:
        """Resume; what was kept. Nothing half-written is left, and everything is as in an undisturbed run."""
        status, told = self.run("--resume")
        assert status == 0, told
        assert self.unfinished() == []
        return self.reused()

    def unfinished(self) -> list[str]:
        return [path.name for path in self.out.rglob("*") if ".part" in path.name or path.name.endswith("@")]


def until(process: subprocess.Popen[str], what: str) -> None:
    """Read messages up to one."""
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if what in line:
            return
    raise AssertionError(f"{what!r} was never said: {told}")


def children_of(pid: int) -> dict[str, int]:
    """Ids of the estimator and the builder that a run has started."""
    found = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().decode()
            found["builder" if "build_worker" in words else "estimator"] = int(child)
    return found


def wait_for_end_of(pids: list[int]) -> None:
    end = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{pid}") for pid in pids):
        assert time.monotonic() < end, "an orphan goes on"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The folder that all these tests work in, and what an undisturbed run makes there."""
    folder = tmp_path_factory.mktemp("faults")
    work = Work(folder / "work")
    status, told = work.run()
    assert status == 0, told
    assert list(work.temp.iterdir()) == []
    work.out.rename(folder / "undisturbed")
    return folder


@pytest.fixture
def work(undisturbed):
    shutil.rmtree(undisturbed / "work", ignore_errors=True)
    work = Work(undisturbed / "work")
    yield work
    for process in work.processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def as_undisturbed(work: Work) -> None:
    """Takes and exports byte by byte, scenes by their objects and keys."""
    undisturbed = work.folder.parent / "undisturbed"
    assert sorted(path.name for path in undisturbed.iterdir()) == sorted(path.name for path in work.out.iterdir())
    for name in NAMES:
        for suffix in ("take.npz", *EXPORTS):
            first, second = (folder / f"{name}.{suffix}" for folder in (undisturbed, work.out))
            assert first.read_bytes() == second.read_bytes(), first.name
        assert scene_of(undisturbed / f"{name}.blend") == scene_of(work.out / f"{name}.blend")


def scene_of(path: Path) -> tuple:
    """What is in a .blend: objects with their places, and actions with their keys."""
    from animepose_blender.host import compat

    bpy.ops.wm.open_mainfile(filepath=str(path))
    objects = {one.name: (one.type, [row[:] for row in one.matrix_world]) for one in bpy.data.objects}
    keys = {
        (one.name, curve.data_path, curve.array_index): [(point.co[0], point.co[1]) for point in curve.keyframe_points]
        for one in bpy.data.objects
        for curve in compat.curves_of(one)
    }
    assert sum(map(len, keys.values())) > FRAMES
    return objects, keys, bpy.context.scene.frame_start, bpy.context.scene.frame_end


@linux
@pytest.mark.parametrize(
    ("moment", "kept"),
    [
        ("[2/2] b: solve", [True, True, False, False]),
        ("[2/2] b: blend", [True, True, True, False]),
        pytest.param("[1/2] a: done", [True, True, False, False], marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_killed_is_finished_by_the_next_without_repeating_anything(work, moment, kept):
    process = work.start()
    until(process, moment)
    children = children_of(process.pid)
    process.kill()
    assert [clip["status"] for clip in work.report()] == ["cancelled", "cancelled"]
    assert work.finish() == kept  # at once, while its estimator or builder may still be there
    wait_for_end_of(list(children.values()))
    as_undisturbed(work)
    assert not [path for path in work.temp.iterdir() if path.is_dir()]


@linux
@pytest.mark.parametrize(
    ("victim", "moment", "kept"),
    [
        ("estimator", "[2/2] b: solve", [True, True, False, False]),
        ("builder", "[2/2] b: scene", [True, True, True, False]),
    ],
)
def test_a_run_whose_estimator_or_builder_is_killed_goes_on_and_says_so(work, victim, moment, kept):
    process = work.start()
    until(process, moment)
    os.kill(children_of(process.pid)[victim], signal.SIGKILL)
    status, told = work.end(process)
    first, second = work.report()
    assert status == 1 and first["status"] == "done" and second["status"] == "failed"
    assert "killed by signal 9" in second["message"] and "Traceback" not in told
    assert work.finish() == kept
    as_undisturbed(work)


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_cancelled_run_writes_its_report_and_is_finished_by_the_next(work, number):
    process = work.start()
    until(process, "[2/2] b: scene" if number == signal.SIGINT else "[2/2] b: lift")
    process.send_signal(number)
    status, told = work.end(process)
    assert status == 130 and "Traceback" not in told
    assert [clip["status"] for clip in work.report()] == ["done", "cancelled"] and work.unfinished() == []
    assert work.finish() == [True, True, number == signal.SIGINT, False]
    as_undisturbed(work)


@pytest.mark.skipif(sys.platform == "win32", reason="limits")
@pytest.mark.parametrize("kibibytes", [0, pytest.param(8, marks=pytest.mark.slow), 60])
def test_where_files_cannot_be_written_to_their_end_nothing_is_and_the_next_run_finishes(work, kibibytes):
    """With 0 not even the report; with 8 reports and records, with 60 takes as well."""
    status, told = work.run(limit=f"ulimit -f {kibibytes}")
    assert status != 0 and "Traceback" not in told
    assert work.unfinished() == []
    assert not [path for path in work.out.iterdir() if path.is_file() and path.stat().st_size > kibibytes * 1024]
    if kibibytes:
        assert all("could not be written" in clip["message"] and clip["remedy"] for clip in work.report())
    assert work.finish() == [kibibytes == 60, False] * 2
    as_undisturbed(work)


def test_on_a_full_disk_no_clip_is_begun_and_one_that_was_begun_is_finished(work):
    disk = work.out
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)], capture_output=True, check=False
    )  # fmt: skip
    if done.returncode:
        pytest.skip("needs a small disk, which only root can make")
    try:
        status, told = work.run()
        assert status == 1 and "Traceback" not in told
        assert all("MiB are free" in clip["message"] for clip in work.report())
        subprocess.run(["mount", "-o", "remount,size=80m", str(disk)], check=True)
        process = work.start("--resume")
        until(process, "[2/2] b: detect")
        with contextlib.suppress(OSError), open(disk / ".animepose" / "ballast", "wb", buffering=0) as ballast:
            while ballast.write(bytes(1 << 20)):
                pass
        assert shutil.disk_usage(disk).free == 0
        status, told = work.end(process)  # room for what it was doing had been held
        assert status == 0, told
        assert work.finish() == [True] * 4
        as_undisturbed(work)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.slow
def test_results_that_vanish_while_a_run_goes_on_are_made_by_the_next(work):
    process = work.start()
    until(process, "[2/2] b: solve")
    shutil.rmtree(work.out)
    work.end(process)
    assert work.finish()[:2] == [False, False]
    as_undisturbed(work)


def test_files_that_were_harmed_are_made_again_and_others_are_not(work):
    work.run()
    take = work.out / "a.take.npz"
    take.write_bytes(take.read_bytes()[:-100])
    (work.out / "report.json").write_text("{")
    (work.out / "b.blend").unlink()
    records = list((work.out / ".animepose").glob("estimate-*.json"))
    (record,) = (path for path in records if "b.take.npz" in path.read_text())
    record.write_bytes(record.read_bytes()[:40])
    for path in work.out.iterdir():
        os.utime(path, (0, 0))  # the clock of 1970: nothing may depend on it
    assert work.finish() == [False, True, False, False]
    as_undisturbed(work)


def test_takes_and_scenes_that_somebody_worked_on_are_never_lost(work):
    work.run()
    mended, scene = work.out / "a.take.npz", work.out / "b.blend"
    change_source(mended, {"note": "mended by hand"})
    scene.write_bytes(b"worked on")
    assert work.finish() == [True, False, True, False]
    assert Take.load(mended).source["note"] == "mended by hand"
    assert any("used as it is" in warning for warning in work.report()[0]["warnings"])
    assert (work.out / "b-changed-1.blend").read_bytes() == b"worked on" and scene.stat().st_size > 1000


def test_a_second_run_into_the_same_folder_is_refused_and_harms_nothing(work):
    first = work.start()
    until(first, "[2/2] b: track")
    status, told = work.run()
    assert status == 3 and f"process {first.pid}" in told
    assert work.end(first)[0] == 0
    assert work.finish() == [True] * 4
    as_undisturbed(work)


@pytest.mark.slow
def test_a_real_clip_whose_run_was_killed_gives_the_same_take_as_an_undisturbed_one(tmp_path):
    pytest.importorskip("mediapipe")
    clip = Path(__file__).parents[2] / "scripts" / "demo_clip" / "salsa.mp4"
    takes = []
    for name, kill in (("whole", False), ("killed", True)):
        out = tmp_path / name
        words = [sys.executable, "-m", "animepose_blender.cli", "convert", str(clip), "--end", "1", "-o", str(out)]
        run = {"env": worker_environment(), "stdout": subprocess.DEVNULL, "text": True}
        if kill:
            with subprocess.Popen(words, stderr=subprocess.PIPE, **run) as process:
                until(process, ": detect")
                process.kill()
        subprocess.run([*words, "--resume"], check=True, stderr=subprocess.DEVNULL, **run)
        takes.append((out / "salsa.take.npz").read_bytes())
    assert takes[0] == takes[1]


def test_clips_and_folders_may_have_any_names(work):
    words = ["-o", "where it goes/ほか", "--preset", "dummy", "--set", "frames=3"]
    clips = ["with space.mp4", "歩く" * 40 + ".mp4", "ä" * 120 + ".mp4"]
    strange = [os.fsdecode(b"not utf-8 \xff.mp4")] if sys.platform == "linux" else []
    done = subprocess.run(
        [sys.executable, "-m", "animepose_blender.cli", "convert", *clips, *strange, *words],
        env={**worker_environment(), "TMPDIR": str(work.temp)}, cwd=work.folder, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == len(strange), done.stderr
    *clips, last = json.loads((work.folder / "where it goes" / "ほか" / "report.json").read_text())["clips"]
    assert all(clip["status"] == "done" for clip in clips)
    assert not strange or (last["status"], last["remedy"]) == ("failed", "Rename it.")
