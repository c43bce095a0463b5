"""The worker and its client: messages, cancel, and every way to end, with the preset `dummy`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from animepose_blender.errors import ExitCode
from animepose_blender.host.worker_client import EXTENSION_ROOT, WorkerClient, worker_environment
from animepose_blender.protocol import (
    STAGES,
    CancelledMessage,
    Error,
    Hello,
    JobRequest,
    Message,
    Progress,
    Result,
    Warning_,
    encode_job,
)
from animepose_blender.take import Take

LONG_S = 60.0
"""Far longer than any of these tests may take: whoever waits for it hangs."""


@pytest.fixture
def start(tmp_path: Path):
    """Starts a dummy worker with the given settings; ends whatever is left afterwards."""
    clients: list[WorkerClient] = []

    def start_worker(python: str = sys.executable, take: Path | None = None, **settings) -> WorkerClient:
        path = take or tmp_path / "out" / "take.npz"
        job = JobRequest("clip.mp4", str(path), preset="dummy", settings=settings)
        clients.append(WorkerClient(python, job, tmp_path / "log" / "worker.log"))
        return clients[-1]

    yield start_worker
    for client in clients:
        client.kill()
        assert not Path(client._folder).exists()


def _run(client: WorkerClient) -> list[Message]:
    messages: list[Message] = []
    client.run(messages.append)
    return messages


def _wait_for_stage(client: WorkerClient, stage: str) -> None:
    while True:
        for message in client.poll():
            if isinstance(message, Progress) and message.stage == stage:
                return
            assert not isinstance(message, Error | Result), message
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _wait_until_gone(pid: int) -> None:
    while _is_alive(pid):
        time.sleep(0.02)


def test_a_run_says_hello_then_progress_then_the_result_and_the_take_is_there(start, tmp_path):
    client = start(frames=12, people=2)
    messages = _run(client)
    assert isinstance(messages[0], Hello) and messages[0].pid == client.pid
    assert messages[0].versions["python"].startswith("3.")
    progress = [m for m in messages if isinstance(m, Progress)]
    assert list(dict.fromkeys(m.stage for m in progress)) == list(STAGES)
    fractions = [m.fraction for m in progress]
    assert fractions == sorted(fractions) and 0 <= fractions[0] and fractions[-1] <= 1
    result = messages[-1]
    assert isinstance(result, Result) and (result.people, result.frames) == (2, 12)
    take = Take.load(result.take)
    assert take.frame_count == 12 and take.source["preset"] == "dummy"
    assert [p.name for p in Path(result.take).parent.iterdir()] == ["take.npz"]


def test_exit_status_is_that_of_the_last_message(start):
    for settings, status in (({}, 0), ({"fail_at": "place"}, 3), ({"crash_at": "solve"}, 1), ({"no_such": 1}, 2)):
        client = start(**settings)
        _run(client)
        assert client._process.returncode == status, settings


def test_junk_on_standard_output_does_not_disturb_the_messages(start):
    client = start(junk=True)
    assert isinstance(_run(client)[-1], Result)
    log = client.log_path.read_text()
    assert "printed by a library" in log and "written to file descriptor 1" in log


def test_junk_from_a_wrapper_around_the_worker_is_kept_in_the_log(start, tmp_path):
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\necho "module loaded"\necho "{{}}"\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    client = start(python=str(wrapper))
    assert isinstance(_run(client)[-1], Result)
    assert "module loaded" in client.log_path.read_text()


def test_a_warning_comes_through_and_the_work_goes_on(start):
    messages = _run(start(warn="The clip has no sound."))
    assert Warning_("The clip has no sound.") in messages and isinstance(messages[-1], Result)


def test_a_failure_is_one_message_with_a_remedy(start):
    client = start(fail_at="detect")
    last = _run(client)[-1]
    assert last == Error("The dummy was asked to fail at detect.", "Ask it not to.", int(ExitCode.BAD_INPUT))
    assert not Path(client.job.take).exists()


def test_something_unexpected_is_a_message_for_the_user_and_a_traceback_for_the_log(start):
    client = start(crash_at="track")
    last = _run(client)[-1]
    assert isinstance(last, Error) and "ZeroDivisionError" in last.message and "Traceback" not in last.message
    assert "Traceback" in client.log_path.read_text()


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_each_stage_leaves_nothing_behind(start, stage):
    client = start(seconds_per_stage=0.2)
    _wait_for_stage(client, stage)
    client.cancel()
    assert _run(client)[-1] == CancelledMessage()
    assert client._process.returncode == int(ExitCode.CANCELLED)
    folder = Path(client.job.take).parent
    assert not folder.exists() or not list(folder.iterdir())


def test_work_that_does_not_look_at_the_cancel_flag_is_ended_after_the_grace_period(start, monkeypatch):
    monkeypatch.setattr("animepose_blender.host.worker_client.CANCEL_GRACE_S", 0.3)
    client = start(hang_at="track")
    _wait_for_stage(client, "detect")
    client.cancel()
    assert _run(client)[-1] == CancelledMessage()
    assert not _is_alive(client.pid)


def test_a_terminated_worker_cancels_in_good_order(start):
    client = start(seconds_per_stage=LONG_S)
    _wait_for_stage(client, "open")
    os.kill(client.pid, signal.SIGTERM)
    assert _run(client)[-1] == CancelledMessage()


def test_a_killed_worker_is_noticed_and_its_last_words_are_told(start):
    client = start(seconds_per_stage=LONG_S, junk=True)
    _wait_for_stage(client, "open")
    os.kill(client.pid, signal.SIGKILL)
    last = _run(client)[-1]
    assert isinstance(last, Error) and "signal 9" in last.message and "native code" in last.message
    assert "Try again" in last.remedy


def test_a_worker_that_dies_by_itself_is_noticed(start):
    client = start(die_at="solve")
    last = _run(client)[-1]
    assert not Path(client._folder).exists()
    assert isinstance(last, Error) and "before it was done" in last.message


def test_a_missing_interpreter_says_what_to_do(start, tmp_path):
    with pytest.raises(Exception, match="Create or repair the environment"):
        start(python=str(tmp_path / "no" / "python"))


def test_an_interpreter_that_is_no_python_is_noticed(start):
    last = _run(start(python="/bin/false"))[-1]
    assert isinstance(last, Error) and "status 1" in last.message


def test_a_folder_that_cannot_be_written_to_is_named(start):
    last = _run(start(take=Path("/proc/animepose/take.npz")))[-1]
    assert isinstance(last, Error) and "/proc/animepose" in last.message and "space" in last.remedy


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_message_and_leaves_no_half_take(start, tmp_path):
    # /dev/full takes no byte: the partial file the worker is about to open leads there.
    client = start(seconds_per_stage=0.3)
    target = Path(client.job.take)
    target.parent.mkdir(parents=True, exist_ok=True)
    (target.parent / f".{target.name}.{client.pid}.part").symlink_to("/dev/full")
    last = _run(client)[-1]
    assert isinstance(last, Error) and "No space left" in last.message
    assert not list(target.parent.iterdir())


def test_no_worker_outlives_its_blender(tmp_path):
    parent_code = """if True:
        import sys, time
        from animepose_blender.host.worker_client import WorkerClient
        from animepose_blender.protocol import JobRequest, Progress
        job = JobRequest("clip.mp4", sys.argv[1] + "/take.npz", preset="dummy", settings={"hang_at": "detect"})
        client = WorkerClient(sys.executable, job, sys.argv[1] + "/worker.log")
        while not any(isinstance(m, Progress) for m in client.poll()):
            time.sleep(0.02)
        print(client.pid, flush=True)
        time.sleep(60)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env=worker_environment() | {"TMPDIR": str(tmp_path)},
    )
    pid = int(parent.stdout.readline())
    assert _is_alive(pid)
    parent.kill()
    parent.wait()
    _wait_until_gone(pid)
    assert not list(tmp_path.glob("*.npz")) and not list(tmp_path.glob("animepose-job-*"))


def test_stop_ends_the_worker_at_once(start):
    client = start(hang_at="open")
    while not client.poll():
        time.sleep(0.01)
    client.stop(grace_s=0.1)
    assert not _is_alive(client.pid)
    assert client.poll() == [CancelledMessage()] and client.finished


def test_a_broken_job_is_refused_with_the_usage_status(tmp_path):
    job = tmp_path / "job.json"
    for text in ("not json", '{"clip": "a.mp4"}', encode_job(JobRequest("a", "b")).replace('"offline"', '"magic"')):
        job.write_text(text)
        worker = subprocess.run(
            [sys.executable, "-m", "animepose_blender.estimate", "--job", str(job)],
            input=b"", capture_output=True, env=worker_environment(), cwd=tmp_path, check=False,
        )  # fmt: skip
        last = json.loads(worker.stdout.splitlines()[-1])
        assert last["type"] == "error" and worker.returncode == last["exit_code"] and worker.returncode in (2, 3)


def test_ctrl_c_while_waiting_cancels(start, monkeypatch):
    client = start(seconds_per_stage=LONG_S)
    _wait_for_stage(client, "open")
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert client.run() == CancelledMessage()


def test_what_the_listener_raises_ends_the_worker(start):
    def listen(message: object) -> None:
        raise ZeroDivisionError

    client = start(hang_at="detect")
    with pytest.raises(ZeroDivisionError):
        client.run(listen)
    assert not _is_alive(client.pid)


def test_the_worker_shell_starts_without_the_estimators_packages():
    blocked = "import sys; sys.modules.update(dict.fromkeys(('bpy','torch','cv2','scipy','mediapipe','av','numpy')))"
    code = f"{blocked}; import animepose_blender.estimate.worker, animepose_blender.host.worker_client"
    subprocess.run([sys.executable, "-c", code], check=True, env=worker_environment(), cwd=EXTENSION_ROOT)
