"""The worker's environment: found, made, checked, interrupted, repaired, removed. The packages are stood in for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import bpy
import pytest

from addon_tests.host_ui.standin_packages import borrow_packages, pins, quiet, use
from animepose_blender.errors import AnimePoseError, Cancelled
from animepose_blender.host import (
    addon_state,
    environment,
    environment_check,
    environment_packages,
    interpreter,
    setup_job,
    uv,
)
from animepose_blender.host.environment import State, create_environment, environment_status
from animepose_blender.host.environment_packages import BASIC, QUALITY
from animepose_blender.host.interpreter import Interpreter, find_interpreter
from animepose_blender.host.setup_commands import run_command


@pytest.fixture
def offline_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the sets of packages that were installed, which are stood in for."""
    return borrow_packages(monkeypatch, tmp_path)


def test_an_environment_is_made_checked_and_then_ready(tmp_path, offline_packages):
    lines: list[tuple[str, float]] = []
    runtime = tmp_path / "runtime"
    assert environment_status(runtime).state is State.MISSING
    status = create_environment(runtime, sys.executable, "", lambda *a: lines.append(a), threading.Event())
    assert status.state is State.READY and status.usable and "chosen in the preferences" in status.base
    assert status.versions["numpy"] and status.checked
    fractions = [fraction for _, fraction in lines]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert environment_status(runtime) == status
    environment.remove_environment(runtime)
    assert environment_status(runtime).state is State.MISSING and not list(runtime.iterdir())[1:]
    assert offline_packages == ["basic"] and "quality" not in status.presets and "offline" in status.presets


def test_an_interrupted_setup_is_unfinished_and_a_second_one_repairs_it(tmp_path, offline_packages, monkeypatch):
    good = environment.install

    def interrupted(*_: object) -> None:
        raise Cancelled

    monkeypatch.setattr(environment, "install", interrupted)
    with pytest.raises(Cancelled):
        create_environment(tmp_path, sys.executable, "", quiet, threading.Event())
    status = environment_status(tmp_path)
    assert status.state is State.UNFINISHED and not status.usable
    monkeypatch.setattr(environment, "install", good)
    assert create_environment(tmp_path, sys.executable, "", quiet, threading.Event()).state is State.READY


def test_an_environment_of_another_version_is_outdated(tmp_path):
    python = interpreter.environment_python(tmp_path / "env")
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "env" / "ready.json").write_text(json.dumps({"requirements": "old"}))
    assert environment_status(tmp_path).state is State.OUTDATED


def test_a_check_that_fails_is_remembered_with_its_reason(tmp_path, monkeypatch):
    use(monkeypatch, BASIC=replace(BASIC, modules=("no_such_module",)))
    with pytest.raises(AnimePoseError, match="no_such_module"):
        environment_check.check_interpreter(sys.executable, tmp_path)
    status = environment.interpreter_status(tmp_path, sys.executable)
    assert status.state is State.BROKEN and "no_such_module" in status.problem and not status.usable


def test_an_interpreter_of_the_users_may_be_used_before_it_is_checked(tmp_path):
    status = environment.interpreter_status(tmp_path, sys.executable)
    assert status.state is State.UNCHECKED and status.usable
    missing = environment.interpreter_status(tmp_path, "/no/python")
    assert missing.state is State.MISSING and "/no/python" in missing.problem


def test_a_full_disk_is_noticed_before_anything_is_removed(tmp_path, monkeypatch):
    (tmp_path / "env").mkdir()
    use(monkeypatch, BASIC=replace(BASIC, needed_bytes=10**18))
    with pytest.raises(AnimePoseError, match="GB free"):
        create_environment(tmp_path, sys.executable, "", quiet, threading.Event())
    assert (tmp_path / "env").is_dir()


def test_a_folder_that_cannot_be_made_is_named():
    with pytest.raises(AnimePoseError, match="/proc/animepose"):
        create_environment(Path("/proc/animepose"), sys.executable, "", quiet, threading.Event())


def test_the_named_python_comes_first_and_must_fit():
    old = Interpreter("/old", (3, 9, 1), True, True)
    bare = Interpreter("/bare", (3, 11, 1), False, False)
    good = Interpreter("/good", (3, 12, 1), True, True)
    known = {i.path: i for i in (old, bare, good)}
    assert find_interpreter("/good", "/blender", known.get) == good
    for name, reason in (("/old", "3.10 to 3.12"), ("/bare", "lacks venv"), ("/none", "can be started")):
        with pytest.raises(AnimePoseError, match=reason):
            find_interpreter(name, "/blender", known.get)


def test_one_is_found_on_the_machine_and_blenders_own_is_the_last_resort(monkeypatch):
    monkeypatch.setattr(interpreter, "candidates", lambda blender: iter(["/newer", "/good", blender]))
    newer = Interpreter("/newer", (3, 13, 0), True, True)
    good = Interpreter("/good", (3, 10, 2), True, True)
    blender = Interpreter("/blender", (3, 11, 9), True, True)
    known = {i.path: i for i in (newer, good, blender)}
    assert find_interpreter("", "/blender", known.get) == good
    del known["/good"]
    assert find_interpreter("", "/blender", known.get) == blender
    del known["/blender"]
    assert find_interpreter("", "/blender", known.get) is None


def test_probing_this_python_tells_its_version_and_something_else_is_none():
    assert interpreter.probe(sys.executable).version == sys.version_info[:3]
    assert interpreter.probe("/bin/false") is None and interpreter.probe("/no/such/file") is None


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")
def test_uv_is_unpacked_from_its_wheel_and_brings_a_python(tmp_path, monkeypatch):
    """The wheel holds a stand-in for uv that "installs" a link to this Python."""
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setattr(uv, "PYTHON_VERSION", minor)
    # called as: uv python install VERSION --install-dir FOLDER --no-bin
    script = f'#!/bin/sh\nmkdir -p "$5/cpython-{minor}.0-any/bin"\n'
    script += f'printf \'#!/bin/sh\\nexec {sys.executable} "$@"\\n\' > "$5/cpython-{minor}.0-any/bin/python{minor}"\n'
    script += f'chmod +x "$5/cpython-{minor}.0-any/bin/python{minor}"\n'

    def download(runtime: Path, *_: object) -> Path:
        wheel = runtime / "uv" / "uv-0-py3-none-any.whl"
        wheel.parent.mkdir(parents=True)
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("uv-0.data/scripts/uv", script)
        return wheel

    monkeypatch.setattr(uv, "_download_wheel", download)
    found = uv.python_from_uv(tmp_path, "", tmp_path / "log", quiet, threading.Event())
    assert found.version == sys.version_info[:3] and found.supported
    assert (tmp_path / "uv" / "uv").stat().st_mode & 0o111 and not list((tmp_path / "uv").glob("*.whl"))


def test_without_any_pip_the_user_is_asked_to_name_a_python(tmp_path, monkeypatch):
    monkeypatch.setattr(uv, "find_pip", lambda blender_python: None)
    with pytest.raises(AnimePoseError, match="choose a Python in the add-on's preferences"):
        uv.python_from_uv(tmp_path, "", tmp_path / "log", quiet, threading.Event())


def test_every_pinned_package_has_a_hash():
    for path in (BASIC.requirements, QUALITY.requirements, uv.UV_REQUIREMENT):
        text = path.read_text()
        blocks = [b for b in text.replace("\\\n", " ").splitlines() if "==" in b]
        assert blocks and all("--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("packages", [BASIC, QUALITY])
def test_the_lock_pins_what_the_requirements_name(packages):
    assert pins(packages.requirements) == pins(packages.requirements.with_suffix(".txt"))


def test_what_is_fetched_is_told_with_its_size(tmp_path, monkeypatch):
    lines = (
        "Ignoring six: markers 'python_version < \"3.11\"' don't match your environment",
        "Requirement already satisfied: numpy==1.26.4 in /env (from -r worker.lock (line 1)) (1.26.4)",
        "Collecting nvidia-cublas==13.1.1.3 (from -r worker.lock (line 8))",
        "Collecting torch==2.13.0 (from -r worker.lock (line 9))",
        "Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (526.6 MB)",
        "Installing collected packages: torch",
    )
    monkeypatch.setattr(environment_packages, "run_command", lambda *a, **_: [a[3](line) for line in lines])
    told: list[tuple[str, float]] = []
    install = environment_packages.install
    install(QUALITY, tmp_path, tmp_path / "log", lambda *a: told.append(a), threading.Event(), (0.2, 0.8))
    assert [text for text, _ in told] == [
        "Fetching numpy", "Fetching nvidia-cublas", "Fetching torch", "Fetching torch (526.6 MB)", "Installing",
    ]  # fmt: skip
    shares = [share for _, share in told]
    assert shares == sorted(shares) and 0.2 < shares[0] and shares[-1] < 0.8


def test_a_cancel_ends_a_command_and_its_children(tmp_path):
    cancelled = threading.Event()
    started = tmp_path / "started"
    threading.Thread(target=lambda: (_wait_for(started), cancelled.set())).start()
    with pytest.raises(Cancelled):
        run_command(["/bin/sh", "-c", f"sleep 61 & echo $! > {started}; wait"], tmp_path / "log", cancelled)
    child = int(started.read_text())
    while os.path.exists(f"/proc/{child}"):
        time.sleep(0.02)


def _wait_for(path: Path) -> None:
    while not path.exists() or not path.read_text():
        time.sleep(0.01)


def test_a_command_that_fails_tells_its_last_line(tmp_path):
    with pytest.raises(AnimePoseError, match="It went wrong: no space left"):
        run_command(
            ["/bin/sh", "-c", "echo no space left; exit 1"], tmp_path / "log", threading.Event(),
            failure="It went wrong",
        )  # fmt: skip
    assert "no space left" in (tmp_path / "log").read_text()


def test_nothing_is_created_without_online_access(monkeypatch):
    monkeypatch.setattr(addon_state, "online_allowed", lambda: False)
    with pytest.raises(RuntimeError, match="may not use the network"):
        bpy.ops.animepose.create_environment()
    assert not setup_job.running()


def test_the_operator_creates_in_the_background_and_the_status_follows(tmp_path, offline_packages, monkeypatch):
    monkeypatch.setattr(addon_state, "online_allowed", lambda: True)
    monkeypatch.setattr(setup_job, "preferences", lambda: None)
    monkeypatch.setattr(interpreter, "candidates", lambda blender: iter([sys.executable]))
    assert bpy.ops.animepose.create_environment() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="goes on already"):
        bpy.ops.animepose.check_environment()
    while setup_job.running():
        time.sleep(0.02)
    setup_job._tick()
    assert setup_job.outcome is None
    assert environment_status(tmp_path / "runtime").state is State.READY


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("python3") is None, reason="needs a Python to make an environment from")
def test_the_real_packages_install_with_their_hashes(tmp_path):
    """Fetches the packages; skipped where there is no network."""
    reachable = subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path), "cycler==0.12.1"], check=False
    )
    if reachable.returncode:
        pytest.skip("no package index can be reached")
    status = create_environment(tmp_path / "runtime", sys.executable, "", quiet, threading.Event())
    assert status.state is State.READY and status.versions["mediapipe"] == "0.10.21"
