"""Clips side by side, finished stages that are not repeated, failures that stay where they are."""

import json
import threading
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from animepose_blender.batch.build import Built
from animepose_blender.batch.order import ON_MANNEQUINS, Casting, Clip, Order, Rig
from animepose_blender.batch.plan import plan
from animepose_blender.batch.report import SCHEMA, exit_code_of, write_report
from animepose_blender.batch.schedule import Watcher, convert_all
from animepose_blender.batch.watch import summary
from animepose_blender.errors import AnimePoseError, ExitCode

FACTS = {
    "frames": 30,
    "people": [
        {"id": 1, "name": "A", "start_s": 0.0, "end_s": 1.0, "coverage": 1.0, "predicted": 0.0, "confidence": 0.9}
    ],
    "profile": {},
    "figures": {"reprojection_median_percent": 1.5, "foot_slide_mm": None},
    "models": ["MediaPipe"],
    "versions": {"numpy": "1.26.4"},
    "seconds": {"scene": 0.1},
}


class FakeTools:
    """Writes small files, notes what it was asked for, and fails where it is told to."""

    def __init__(self, asked, bad=()):
        self.asked, self.bad, self.cancelled = asked, bad, threading.Event()

    def estimate(self, job, show):
        self.asked.append(("estimate", Path(job.clip).name))
        show("detect", 0.5)
        if "estimate" in self.bad and "bad" in job.clip:
            raise AnimePoseError("Nobody was found.", "Choose another range.")
        Path(job.take).write_text(f"take of {Path(job.clip).read_text()}")
        return ["The lens is guessed."]

    def build(self, build, show):
        name = Path(build.target).name
        self.asked.append(("build", name))
        if "build" in self.bad and "rig" in name:
            raise AnimePoseError("The rig has no legs.")
        files = {one: [f"{build.target}.{one}"] for one in build.formats}
        for path in (path for paths in files.values() for path in paths):
            Path(path).write_text(Path(build.take).read_text() + str(build.people))
        return Built(files, [], FACTS)

    def preview(self, take, clip, video, show):
        self.asked.append(("preview", Path(video).name))
        Path(video).write_text("video")

    def cancel(self):
        self.cancelled.set()

    def close(self):
        pass


@pytest.fixture
def order(tmp_path):
    for name in ("a.mp4", "bad.mp4", "hero.blend"):
        (tmp_path / name).write_text(name)
    (tmp_path / "out").mkdir()
    return Order(
        clips=(Clip(str(tmp_path / "a.mp4")), Clip(str(tmp_path / "bad.mp4"))),
        output=tmp_path / "out",
        rigs={"rig": Rig(str(tmp_path / "hero.blend"))},
        castings=(ON_MANNEQUINS, Casting("rig", {"*": "rig"})),
        formats=("blend", "glb"),
    )


def run(order, asked, bad=(), jobs=1, resume=False):
    return convert_all(plan(order), order, lambda slot: FakeTools(asked, bad), jobs, resume, Watcher())


def test_every_clip_is_estimated_once_and_built_for_each_casting(order):
    asked = []
    reports = run(order, asked, jobs=2)
    assert [report.status for report in reports] == ["done", "done"]
    assert sorted(asked) == sorted(
        [("estimate", "a.mp4"), ("estimate", "bad.mp4")]
        + [("build", f"{clip}_{rig}") for clip in ("a", "bad") for rig in ("mannequin", "rig")]
    )
    assert sorted(path.name for path in order.output.glob("a_*")) == [
        "a_mannequin.blend", "a_mannequin.glb", "a_rig.blend", "a_rig.glb",
    ]  # fmt: skip


def test_what_one_clip_lacks_does_not_stop_the_others(order):
    reports = run(order, [], bad=("estimate",))
    assert [report.status for report in reports] == ["done", "failed"]
    assert reports[1].message == "Nobody was found." and exit_code_of(reports) == ExitCode.SOME_FAILED
    assert exit_code_of(reports[1:]) == ExitCode.BAD_INPUT


def test_a_result_that_fails_leaves_the_clips_other_results(order):
    (report, _) = run(order, [], bad=("build",))
    assert [result.status for result in report.results] == ["done", "failed"]
    assert report.status == "failed" and report.message == "The rig has no legs."


def test_resuming_repeats_only_what_is_not_finished_or_has_changed(order):
    first = run(order, [], bad=("estimate",))
    asked = []
    again = run(order, asked, resume=True)
    assert asked == [("estimate", "bad.mp4"), ("build", "bad_mannequin"), ("build", "bad_rig")]
    assert again[0].reused and again[0].results[0].reused
    assert again[0].people == first[0].people and again[0].warnings == first[0].warnings

    asked.clear()
    Path(order.rigs["rig"].file).write_text("another hero")
    (order.output / "a_mannequin.glb").unlink()
    run(order, asked, resume=True)
    assert sorted(asked) == [("build", "a_mannequin"), ("build", "a_rig"), ("build", "bad_rig")]


def test_without_resuming_everything_is_made_anew(order):
    run(order, [])
    asked = []
    run(order, asked)
    assert len(asked) == 6


def test_other_settings_are_other_work(order):
    run(order, [])
    asked = []
    run(replace(order, estimate={"smoothness_s": 0.1}), asked, resume=True)
    assert [what for what, _ in asked].count("estimate") == 2


def test_the_report_fits_its_schema_and_says_what_became_of_each_clip(order, tmp_path):
    reports = run(replace(order, preview=True), [], bad=("estimate", "build"))
    write_report(tmp_path / "report.json", reports, {"animepose": "1"}, 2.5)
    data = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(data, json.loads(SCHEMA.read_text()))
    assert data["counts"] == {"done": 0, "failed": 2, "cancelled": 0}
    assert "Nobody was found." in summary(reports)


class Interrupted(FakeTools):
    """The user presses Ctrl-C while it works."""

    def estimate(self, job, show):
        import _thread

        _thread.interrupt_main()
        assert self.cancelled.wait(10)
        raise KeyboardInterrupt


def test_a_cancel_ends_what_runs_and_the_rest_says_that_it_was_cancelled(order):
    reports = convert_all(plan(order), order, lambda slot: Interrupted([]), 1, False, Watcher())
    assert [report.status for report in reports] == ["cancelled", "cancelled"]
    assert exit_code_of(reports) == ExitCode.CANCELLED


def test_results_never_overwrite_an_input(order, tmp_path):
    (order.output / "a.take.npz").write_text("take")
    takes = (Clip(str(order.output / "a.take.npz")), order.clips[0])
    first, second = plan(replace(order, clips=takes))
    assert second.take != first.take
    heroes = replace(order, output=tmp_path, names="{rig}", castings=(Casting("hero", {"*": "rig"}),))
    with pytest.raises(AnimePoseError, match="overwrite"):
        plan(heroes)


def test_a_rig_that_is_not_there_is_refused_before_anything_is_done(order):
    with pytest.raises(AnimePoseError, match="no rig gone"):
        plan(replace(order, rigs={"gone": Rig("/nowhere/gone.blend")}))
