"""The command line: what it prints, what it writes, and with which exit code it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from animepose_blender import cli
from animepose_blender.core.synthetic import walking_take
from animepose_blender.errors import AnimePoseError
from animepose_blender.host.worker_client import worker_environment
from animepose_blender.take import Take

DUMMY = ["--preset", "dummy"]


def test_help_needs_neither_bpy_nor_the_estimators_packages():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('bpy','torch','cv2','scipy','mediapipe','av','numpy')))"
    code = f"{blocked}; from animepose_blender import cli; sys.exit(cli.main(sys.argv[1:]))"
    for words in (["--help"], ["estimate", "--help"], ["convert", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words], env=worker_environment(), capture_output=True, text=True, check=True
        )
        assert "exit codes" in done.stdout or "AnimePose 0" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        [], ["frobnicate"], ["estimate"], ["estimate", "a.mp4"], ["estimate", "a.mp4", "-o", "t.npz", "--preset", "x"],
        ["estimate", "a", "-o", "t", "--focal", "wide"], ["convert", "a", "-o", "d", "--export", "doc"],
        ["estimate", "a", "-o", "t", *DUMMY, "--start", "3", "--end", "2"],
        ["estimate", "a", "-o", "t", *DUMMY, "--max-people", "0"],
        ["estimate", "a", "-o", "t", *DUMMY, "--set", "nonsense=1"],
        ["estimate", "a", "-o", "a.mp4", *DUMMY], ["estimate", "", "-o", "t.npz"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--focal", "inf"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--height", "tall"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--height", "0"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--height", "nan"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--height", "1.7", "--height-of", "0"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--height-of", "2"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--camera", "moving"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--smoothness", "much"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--smoothness", "2"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--foot-lock", "sometimes"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--floor", "carpet"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--foot-lock", "grounding", "--floor", "none"],
        ["estimate", "a", "-o", "t.npz", *DUMMY, "--hold-still", "nan"],
    ],
)  # fmt: skip
def test_a_command_line_that_cannot_be_understood_ends_with_2(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_estimate_writes_the_take_and_says_so(tmp_path, capsys):
    path = tmp_path / "walk.npz"
    assert cli.main(["estimate", "walk.mp4", "-o", str(path), *DUMMY, "--set", "frames=9"]) == 0
    assert Take.load(path).frame_count == 9
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{path}: 1 person, 9 frames")
    assert "solve" in printed.err and "\x1b" not in printed.err


def test_a_missing_clip_ends_with_3_and_one_message(tmp_path, capsys):
    assert cli.main(["estimate", str(tmp_path / "no.mp4"), "-o", str(tmp_path / "t.npz")]) == 3
    message = capsys.readouterr().err
    assert "There is no file" in message and "Traceback" not in message


def test_an_output_that_cannot_be_written_ends_with_3(capsys):
    assert cli.main(["estimate", "a.mp4", "-o", "/proc/animepose/t.npz", *DUMMY]) == 3
    assert "/proc/animepose" in capsys.readouterr().err


def test_a_worker_that_dies_ends_with_1_and_names_the_log(tmp_path, capsys):
    log_folder = tmp_path / "logs"
    words = ["estimate", "a.mp4", "-o", str(tmp_path / "t.npz"), *DUMMY, "--set", "die_at=solve"]
    assert cli.main(words, cli.Surroundings(log_folder=log_folder)) == 1
    message = capsys.readouterr().err
    assert "before it was done" in message and str(log_folder) in message
    assert not (tmp_path / "t.npz").exists()


def test_without_an_environment_the_message_says_what_to_do(tmp_path, capsys):
    def no_python() -> str:
        raise AnimePoseError("There is no environment.", "Create it in the preferences.")

    words = ["estimate", "a.mp4", "-o", str(tmp_path / "t.npz"), *DUMMY]
    assert cli.main(words, cli.Surroundings(no_python)) == 3
    assert "Create it in the preferences" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["estimate", "convert"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_requests_to_end_cancel_with_130_and_leave_nothing_half_written(tmp_path, verb, number):
    out = tmp_path / ("t.npz" if verb == "estimate" else "out")
    command = [sys.executable, "-m", "animepose_blender.cli", verb, "a.mp4", "-o", str(out), *DUMMY]
    process = subprocess.Popen(
        [*command, "--set", "seconds_per_stage=60"], env={**worker_environment(), "TMPDIR": str(tmp_path)},
        cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("open") or ": open" in line:
            break
    os.kill(process.pid, number)
    rest = process.stderr.read()
    assert process.wait() == 130
    assert "cancelled" in rest and "Traceback" not in rest
    left = [p.name for p in tmp_path.rglob("*") if p.is_file() and p.parent.name != ".animepose"]
    assert left == ([] if verb == "estimate" else ["report.json"])
    if verb == "convert":
        assert json.loads((out / "report.json").read_text())["clips"][0]["status"] == "cancelled"


def test_the_worker_ends_when_the_command_line_is_killed(tmp_path):
    log = Path(cli.Surroundings().log_folder)
    process = subprocess.Popen(
        [sys.executable, "-m", "animepose_blender.cli", "estimate", "a.mp4", "-o", "t.npz", *DUMMY,
         "--set", "hang_at=detect"],
        env=worker_environment(), cwd=tmp_path, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for line in process.stderr:
        if line.startswith("open"):
            break
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) == 1
    process.kill()
    process.wait()
    while os.path.exists(f"/proc/{children[0]}"):
        time.sleep(0.05)
    (log / f"animepose-worker-{process.pid}.log").unlink(missing_ok=True)


def test_convert_makes_blend_exports_and_a_report(tmp_path, capsys):
    pytest.importorskip("bpy")
    take = walking_take(people=2, frames=6).save(tmp_path / "walk.take.npz")
    out = tmp_path / "out"
    words = ["convert", str(take), "other/walk.mp4", "-o", str(out), *DUMMY, "--set", "frames=4"]
    assert cli.main([*words, "--export", "blend,fbx,glb,bvh,usd"]) == 0
    report = json.loads((out / "report.json").read_text())["clips"]
    assert [clip["status"] for clip in report] == ["done", "done"]
    made = [clip["results"][0]["files"] for clip in report]
    assert [Path(files["blend"][0]).name for files in made] == ["walk.blend", "walk-2.blend"]
    assert [(len(clip["people"]), clip["frames"]) for clip in report] == [(2, 6), (1, 4)]
    assert len(made[0]["bvh"]) == 2
    assert all(Path(file).stat().st_size > 100 for files in made for paths in files.values() for file in paths)
    assert not [p for p in out.iterdir() if ".part" in p.name]
    assert str(out / "walk.blend") in capsys.readouterr().out


def test_convert_saves_a_scene_with_the_people_in_it(tmp_path):
    bpy = pytest.importorskip("bpy")
    take = walking_take(people=2, frames=6).save(tmp_path / "walk.npz")
    assert cli.main(["convert", str(take), "-o", str(tmp_path)]) == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "walk.blend"))
    assert {"Person 1", "Person 2"} <= {o.name for o in bpy.data.objects if o.type == "ARMATURE"}
    assert bpy.context.scene.frame_end == 6


def test_one_bad_clip_does_not_stop_the_others_and_ends_with_1(tmp_path, capsys):
    pytest.importorskip("bpy")
    (tmp_path / "bad.npz").write_text("no take")
    good = walking_take(frames=3).save(tmp_path / "good.npz")
    report_path = tmp_path / "what.json"
    words = ["convert", str(tmp_path / "bad.npz"), str(good), "-o", str(tmp_path / "out"), "--report", str(report_path)]
    assert cli.main(words) == 1
    bad, fine = json.loads(report_path.read_text())["clips"]
    assert (
        bad["status"] == "failed"
        and "not a take" in bad["message"]
        and bad["remedy"]
        and not bad["results"][0]["files"]
    )
    assert fine["status"] == "done" and Path(fine["results"][0]["files"]["blend"][0]).exists()
    assert "not a take" in capsys.readouterr().err


def test_convert_never_overwrites_its_inputs(tmp_path, capsys):
    pytest.importorskip("bpy")
    take = walking_take(frames=3).save(tmp_path / "walk.take.npz")
    before = take.read_bytes()
    words = ["convert", "other/walk.mp4", str(take), "-o", str(tmp_path), *DUMMY, "--set", "frames=4"]
    assert cli.main(words) == 0
    assert take.read_bytes() == before
    report = json.loads((tmp_path / "report.json").read_text())["clips"]
    assert [Path(clip["take"]).name for clip in report] == ["walk-2.take.npz", "walk.take.npz"]
    assert [Path(clip["results"][0]["files"]["blend"][0]).name for clip in report] == ["walk-2.blend", "walk.blend"]
    assert cli.main(["convert", str(take), "-o", str(tmp_path / "out"), "--report", str(take)]) == 2
    assert take.read_bytes() == before and not (tmp_path / "out").exists()


def test_the_folder_of_the_report_is_made_or_named_before_the_work(tmp_path, capsys):
    pytest.importorskip("bpy")
    take = str(walking_take(frames=3).save(tmp_path / "walk.npz"))
    words = ["convert", take, "-o", str(tmp_path / "out"), "--report"]
    assert cli.main([*words, str(tmp_path)]) == 3
    assert cli.main([*words, "/proc/animepose/report.json"]) == 3
    assert not (tmp_path / "out" / "walk.blend").exists()
    assert cli.main([*words, str(tmp_path / "new" / "report.json")]) == 0
    assert (tmp_path / "new" / "report.json").is_file()


def test_convert_of_one_bad_input_ends_with_3(tmp_path):
    pytest.importorskip("bpy")
    assert cli.main(["convert", str(tmp_path / "no.npz"), "-o", str(tmp_path / "out")]) == 3


def test_convert_into_a_folder_that_cannot_be_made_ends_with_3(capsys):
    pytest.importorskip("bpy")
    assert cli.main(["convert", "a.npz", "-o", "/proc/animepose"]) == 3
    assert "/proc/animepose" in capsys.readouterr().err


def test_something_unexpected_is_one_message_and_a_traceback_in_the_log(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli.verbs, "job_request", lambda *_: 1 / 0)
    assert cli.main(["estimate", "a", "-o", "b", *DUMMY], cli.Surroundings(log_folder=tmp_path)) == 1
    message = capsys.readouterr().err
    assert "ZeroDivisionError" in message and "Traceback" not in message
    log = next(tmp_path.glob("*.log"))
    assert str(log) in message and "Traceback" in log.read_text()


def test_models_tells_what_is_there(capsys):
    pytest.importorskip("mediapipe")
    assert cli.main(["models", "list"]) == 0
    assert "Apache-2.0" in capsys.readouterr().out
    assert cli.main(["models", "verify"]) == 0
    assert capsys.readouterr().out.startswith("ok ")
    assert cli.main(["models", "fetch"]) == 2
    assert "quality" in capsys.readouterr().err
    assert cli.main(["models", "fetch", "offline"]) == 0
    assert cli.main(["models", "import", "weights.pt"]) == 3


def _cli(words: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    command = f"{sys.executable} -m animepose_blender.cli {words}"
    return subprocess.run(
        ["bash", "-c", command], env={**worker_environment(), "TMPDIR": str(tmp_path / "temp")}, cwd=tmp_path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "streams", ["2>&-", "2>/dev/full", ">&-", "<&-", "<&- >&- 2>&-", "2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}",
                "| true; exit ${PIPESTATUS[0]}"],
)  # fmt: skip
def test_a_take_is_made_whatever_becomes_of_the_standard_streams(tmp_path, streams):
    (tmp_path / "temp").mkdir()
    done = _cli(f"estimate a.mp4 -o t.npz --preset dummy --set frames=3 {streams}", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Traceback") == 0
    assert Take.load(tmp_path / "t.npz").frame_count == 3
    assert list((tmp_path / "temp").iterdir()) == []


def test_a_result_that_cannot_be_printed_is_one_message(tmp_path):
    (tmp_path / "temp").mkdir()
    done = _cli("models list >/dev/full", tmp_path)
    assert done.returncode == 3
    assert "could not be printed" in done.stderr and "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_path_that_the_terminal_has_no_letters_for_is_printed_escaped(tmp_path):
    (tmp_path / "temp").mkdir()
    done = _cli("estimate a.mp4 -o 日本.npz --preset dummy --set frames=3", tmp_path)
    assert done.returncode == 0 and "日本.npz" in done.stdout
    command = "import io, sys; sys.stdout = io.TextIOWrapper(sys.stdout.buffer, 'ascii'); "
    command += "from animepose_blender.console import say; say('日本.npz')"
    done = subprocess.run([sys.executable, "-c", command], env=worker_environment(), capture_output=True, text=True)
    assert done.stdout == "\\u65e5\\u672c.npz\n" and done.returncode == 0


def test_verbs_for_the_worker_are_passed_on_to_its_interpreter(tmp_path, capfd):
    wrapper = tmp_path / "python"
    wrapper.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    wrapper.chmod(0o755)
    surroundings = cli.Surroundings(lambda: str(wrapper))
    assert cli.main(["evaluate", "take.npz", "--truth", "truth.npz"], surroundings) == 7
    assert capfd.readouterr().out.strip() == "-s -m animepose_blender.cli evaluate take.npz --truth truth.npz"


@pytest.mark.parametrize(("text", "focal"), [("35", (35, None)), ("35mm", (35, None)), ("812.5px", (None, 812.5))])
def test_focal_lengths(text, focal):
    arguments = cli.build_parser().parse_args(["estimate", "a", "-o", "b", "--focal", text, *DUMMY])
    job = cli.job_request(arguments, "a", "b")
    assert (job.focal_mm, job.focal_px) == focal


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], (None, 1, "auto")),
        (["--height", "1.12", "--height-of", "3", "--camera", "still"], (1.12, 3, "still")),
        (["--height", "1.9"], (1.9, 1, "auto")),
    ],
)
def test_a_height_and_a_still_camera_become_part_of_the_job(words, told):
    for verb in ("estimate", "convert"):
        arguments = cli.build_parser().parse_args([verb, "a", "-o", "b", *DUMMY, *words])
        job = cli.job_request(arguments, "a", "b")
        assert (job.height_m, job.height_of, job.camera) == told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], (0.05, "auto", "flat", 0.0, True)),
        (["--smoothness", "0", "--foot-lock", "never", "--no-hands"], (0.0, "never", "flat", 0.0, False)),
        (["--floor", "none", "--hold-still", "0.03"], (0.05, "auto", "none", 0.03, True)),
        (["--foot-lock", "grounding"], (0.05, "grounding", "flat", 0.0, True)),
    ],
)
def test_how_motion_is_made_becomes_part_of_the_job(words, told):
    for verb in ("estimate", "convert"):
        arguments = cli.build_parser().parse_args([verb, "a", "-o", "b", *DUMMY, *words])
        job = cli.job_request(arguments, "a", "b")
        assert (job.smoothness_s, job.foot_lock, job.floor, job.hold_still_m, job.hands) == told
