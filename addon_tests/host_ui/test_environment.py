"""The worker's environment: found, made, checked, interrupted, repaired, removed. The packages are stood in for."""

from __future__ import annotations

import importlib.metadata
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
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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
from animepose_blender.host.environment import State, Status, add_quality, create_environment, environment_status
from animepose_blender.host.environment_packages import BASIC, QUALITY, Packages
from animepose_blender.host.interpreter import Interpreter, find_interpreter
from animepose_blender.host.setup_commands import run_command


def _quiet(line: str, fraction: float) -> None:
    pass


def _use(monkeypatch: pytest.MonkeyPatch, **sets: Packages) -> None:
    """Other sets of packages, everywhere."""
    for module in (environment, environment_check):
        for name, packages in sets.items():
            monkeypatch.setattr(module, name, packages)


@pytest.fixture
def offline_packages(monkeypatch, tmp_path):
    """Instead of fetching packages, let the new environment see those of this one; the second set is a module of one
    line. Gives the names of the sets that were installed."""
    lock = tmp_path / "quality.lock"
    lock.write_text("tiny_torch==2")
    basic = replace(BASIC, modules=("numpy",), needed_bytes=1)
    quality = Packages(lock, ("tiny_torch:Tensor",), 1, (3, 11))
    installed: list[str] = []

    def install(packages: Packages, folder: Path, log_path: Path, report, cancelled, span) -> None:
        site = next(folder.glob("lib/python*/site-packages"))
        here = Path(sys.prefix) / site.relative_to(folder)
        if packages is basic:
            (site / "borrowed.pth").write_text(f"{here}\n")
        else:
            (site / "tiny_torch.py").write_text("__version__, Tensor = '2', object\n")
        installed.append("basic" if packages is basic else "quality")
        report("Installing", span[1])

    def run_faster(command: list[str], *rest, **options) -> None:
        run_command([*command, "--without-pip"] if "venv" in command else command, *rest, **options)

    monkeypatch.setattr(environment, "install", install)
    monkeypatch.setattr(environment, "run_command", run_faster)
    _use(monkeypatch, BASIC=basic, QUALITY=quality)
    return installed


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
        create_environment(tmp_path, sys.executable, "", _quiet, threading.Event())
    status = environment_status(tmp_path)
    assert status.state is State.UNFINISHED and not status.usable
    monkeypatch.setattr(environment, "install", good)
    assert create_environment(tmp_path, sys.executable, "", _quiet, threading.Event()).state is State.READY


def test_an_environment_of_another_version_is_outdated(tmp_path):
    python = interpreter.environment_python(tmp_path / "env")
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "env" / "ready.json").write_text(json.dumps({"requirements": "old"}))
    assert environment_status(tmp_path).state is State.OUTDATED


def test_a_check_that_fails_is_remembered_with_its_reason(tmp_path, monkeypatch):
    _use(monkeypatch, BASIC=replace(BASIC, modules=("no_such_module",)))
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
    _use(monkeypatch, BASIC=replace(BASIC, needed_bytes=10**18))
    with pytest.raises(AnimePoseError, match="GB free"):
        create_environment(tmp_path, sys.executable, "", _quiet, threading.Event())
    assert (tmp_path / "env").is_dir()


def test_a_folder_that_cannot_be_made_is_named():
    with pytest.raises(AnimePoseError, match="/proc/animepose"):
        create_environment(Path("/proc/animepose"), sys.executable, "", _quiet, threading.Event())


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
    found = uv.python_from_uv(tmp_path, "", tmp_path / "log", _quiet, threading.Event())
    assert found.version == sys.version_info[:3] and found.supported
    assert (tmp_path / "uv" / "uv").stat().st_mode & 0o111 and not list((tmp_path / "uv").glob("*.whl"))


def test_without_any_pip_the_user_is_asked_to_name_a_python(tmp_path, monkeypatch):
    monkeypatch.setattr(uv, "find_pip", lambda blender_python: None)
    with pytest.raises(AnimePoseError, match="choose a Python in the add-on's preferences"):
        uv.python_from_uv(tmp_path, "", tmp_path / "log", _quiet, threading.Event())


def test_every_pinned_package_has_a_hash():
    for path in (BASIC.requirements, QUALITY.requirements, uv.UV_REQUIREMENT):
        text = path.read_text()
        blocks = [b for b in text.replace("\\\n", " ").splitlines() if "==" in b]
        assert blocks and all("--hash=sha256:" in block for block in blocks)


def _pins(path: Path) -> set[str]:
    lines = [line.split("#")[0].split(" ")[0].strip() for line in path.read_text().splitlines()]
    return {line for line in lines if "==" in line}


@pytest.mark.parametrize("packages", [BASIC, QUALITY])
def test_the_lock_pins_what_the_requirements_name(packages):
    assert _pins(packages.requirements) == _pins(packages.requirements.with_suffix(".txt"))


def test_the_second_set_changes_nothing_of_the_first():
    first, second = ({pin.partition("==")[0] for pin in _pins(one.requirements)} for one in (BASIC, QUALITY))
    assert not first & second


def test_what_the_second_set_asks_for_is_in_the_two_sets():
    """By what the packages say that are installed here; those of another version here are passed over."""
    pins = dict(pin.split("==") for one in (BASIC, QUALITY) for pin in sorted(_pins(one.requirements)))
    left_out = {"typer", "click", "hf-xet"}  # a command line and a downloader, which are never imported
    looked_at = set()
    for name in (pin.partition("==")[0] for pin in _pins(QUALITY.requirements)):
        try:
            if importlib.metadata.version(name).partition("+")[0] != pins[name]:
                continue
        except importlib.metadata.PackageNotFoundError:
            continue
        looked_at.add(name)
        for wish in map(Requirement, importlib.metadata.requires(name) or ()):
            asked = canonicalize_name(wish.name)
            if asked not in left_out and (wish.marker is None or wish.marker.evaluate({"extra": ""})):
                assert wish.specifier.contains(pins[asked]), f"{name} asks for {wish}"
    assert {"torch", "transformers"} <= looked_at


def test_an_environment_is_made_with_both_sets(tmp_path, offline_packages):
    fractions: list[float] = []
    status = create_environment(
        tmp_path / "runtime", sys.executable, "", lambda _, share: fractions.append(share), threading.Event(), True
    )
    assert offline_packages == ["basic", "quality"] and fractions == sorted(fractions)
    assert status.versions["tiny_torch"] == "2" and status.runs_networks
    assert set(status.presets) == {"offline", "quality", "dummy"}


def test_the_second_set_is_added_to_an_environment_that_stays(tmp_path, offline_packages):
    create_environment(tmp_path / "runtime", sys.executable, "", _quiet, threading.Event())
    kept = tmp_path / "runtime" / "env" / "kept"
    kept.touch()
    status = add_quality(tmp_path / "runtime", _quiet, threading.Event())
    assert offline_packages == ["basic", "quality"] and kept.exists()
    assert status.state is State.READY and "quality" in status.presets
    assert environment_status(tmp_path / "runtime") == status


def test_a_repair_keeps_the_second_set_even_after_an_interruption(tmp_path, offline_packages, monkeypatch):
    def interrupted(*_: object) -> None:
        raise Cancelled

    runtime, good = tmp_path / "runtime", environment.install
    create_environment(runtime, sys.executable, "", _quiet, threading.Event(), quality=True)
    monkeypatch.setattr(environment, "install", interrupted)
    with pytest.raises(Cancelled):
        create_environment(runtime, sys.executable, "", _quiet, threading.Event())
    monkeypatch.setattr(environment, "install", good)
    assert "quality" in create_environment(runtime, sys.executable, "", _quiet, threading.Event()).presets


@pytest.mark.parametrize("error", [Cancelled(), AnimePoseError("No route to host.", "Try again.")])
def test_where_the_second_set_cannot_be_added_the_first_still_works(tmp_path, offline_packages, monkeypatch, error):
    def fails(packages: Packages, folder: Path, *_: object) -> None:
        # Part of it is there, and can even be imported.
        (next(folder.glob("lib/python*/site-packages")) / "tiny_torch.py").write_text("__version__, Tensor = '1', 0\n")
        raise error

    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", _quiet, threading.Event())
    monkeypatch.setattr(environment, "install", fails)
    with pytest.raises(type(error)):
        add_quality(runtime, _quiet, threading.Event())
    environment_check.check_interpreter(environment_status(runtime).python, runtime)
    status = environment_status(runtime)
    assert status.usable and "tiny_torch" not in status.versions
    assert "quality" not in status.presets and "offline" in status.presets


def test_a_second_set_that_does_not_work_says_why_and_the_first_still_works(tmp_path, offline_packages, monkeypatch):
    def broken(packages: Packages, folder: Path, *_: object) -> None:
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "tiny_torch.py").write_text("raise OSError('libtiny.so is missing')\n")

    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", _quiet, threading.Event())
    monkeypatch.setattr(environment, "install", broken)
    with pytest.raises(AnimePoseError, match=r"tiny_torch cannot be imported: libtiny\.so is missing"):
        add_quality(runtime, _quiet, threading.Event())
    status = environment_status(runtime)
    assert status.state is State.READY and "quality" not in status.presets
    assert "libtiny.so" in status.quality_problem


def test_a_second_set_of_other_versions_does_not_count_until_it_is_renewed(tmp_path, offline_packages):
    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", _quiet, threading.Event(), quality=True)
    (tmp_path / "quality.lock").write_text("tiny_torch==3")
    status = environment_status(runtime)
    assert status.usable and "quality" not in status.presets
    assert "quality" in add_quality(runtime, _quiet, threading.Event()).presets


def test_the_second_set_is_refused_without_an_environment_on_an_old_python_and_on_a_full_disk(
    tmp_path, offline_packages, monkeypatch
):
    runtime = tmp_path / "runtime"
    with pytest.raises(AnimePoseError, match="no environment that works"):
        add_quality(runtime, _quiet, threading.Event())
    create_environment(runtime, sys.executable, "", _quiet, threading.Event())
    _use(monkeypatch, QUALITY=replace(environment.QUALITY, needed_bytes=10**18))
    with pytest.raises(AnimePoseError, match="GB free"):
        add_quality(runtime, _quiet, threading.Event())
    ready = runtime / "env" / "ready.json"
    ready.write_text(json.dumps(json.loads(ready.read_text()) | {"versions": {"python": "3.10.12"}}))
    with pytest.raises(AnimePoseError, match=r"the environment has 3\.10\.12"):
        add_quality(runtime, _quiet, threading.Event())
    assert offline_packages == ["basic"]


def test_a_python_too_old_for_the_second_set_is_not_taken_for_it(monkeypatch):
    monkeypatch.setattr(interpreter, "candidates", lambda blender: iter(["/old"]))
    old = {"/old": Interpreter("/old", (3, 10, 2), True, True)}
    assert find_interpreter("", "", old.get) == old["/old"]
    assert find_interpreter("", "", old.get, oldest=QUALITY.oldest) is None
    with pytest.raises(AnimePoseError, match=r"needs Python 3\.11 to 3\.12"):
        find_interpreter("/old", "", old.get, oldest=QUALITY.oldest)


def test_an_interpreter_of_the_users_runs_networks_if_it_can_import_what_they_need(tmp_path, monkeypatch):
    unchecked = environment.interpreter_status(tmp_path, sys.executable)
    assert "quality" in unchecked.presets, "nobody has looked yet"
    for module, runs in (("json:dumps", True), ("json:no_such_name", False), ("no_such_module", False)):
        _use(monkeypatch, BASIC=replace(BASIC, modules=("numpy",)), QUALITY=replace(QUALITY, modules=(module,)))
        environment_check.check_interpreter(sys.executable, tmp_path)
        status = environment.interpreter_status(tmp_path, sys.executable)
        assert status.usable and ("quality" in status.presets) == runs
    assert Status(State.BROKEN).presets == ()


def test_what_is_fetched_is_told_with_its_size(tmp_path, monkeypatch):
    lines = (
        "Ignoring six: markers 'python_version < \"3.11\"' don't match your environment",
        "Requirement already satisfied: numpy==1.26.4 in /env (from -r worker.lock (line 1)) (1.26.4)",
        "Collecting torch==2.13.0 (from -r worker.lock (line 9))",
        "Downloading torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl (526.6 MB)",
        "Installing collected packages: torch",
    )
    monkeypatch.setattr(environment_packages, "run_command", lambda *a, **_: [a[3](line) for line in lines])
    told: list[tuple[str, float]] = []
    install = environment_packages.install
    install(QUALITY, tmp_path, tmp_path / "log", lambda *a: told.append(a), threading.Event(), (0.2, 0.8))
    assert [text for text, _ in told] == [
        "Fetching numpy", "Fetching torch", "Fetching torch (526.6 MB)", "Installing",
    ]  # fmt: skip
    shares = [share for _, share in told]
    assert shares == sorted(shares) and 0.2 < shares[0] and shares[-1] < 0.8


def test_packages_are_added_by_an_operator_where_there_is_an_environment(tmp_path, offline_packages, monkeypatch):
    def add() -> set[str]:
        return bpy.ops.animepose.add_quality_packages()

    monkeypatch.setattr(addon_state, "status", lambda: environment_status(tmp_path / "runtime"))
    monkeypatch.setattr(addon_state, "online_allowed", lambda: True)
    with pytest.raises(RuntimeError, match="Create the environment first"):
        add()
    create_environment(tmp_path / "runtime", sys.executable, "", _quiet, threading.Event())
    monkeypatch.setattr(addon_state, "online_allowed", lambda: False)
    with pytest.raises(RuntimeError, match="may not use the network"):
        add()
    monkeypatch.setattr(addon_state, "online_allowed", lambda: True)
    assert add() == {"FINISHED"}
    while setup_job.running():
        time.sleep(0.02)
    setup_job._tick()
    assert setup_job.outcome is None
    assert "quality" in environment_status(tmp_path / "runtime").presets


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
    status = create_environment(tmp_path / "runtime", sys.executable, "", _quiet, threading.Event())
    assert status.state is State.READY and status.versions["mediapipe"] == "0.10.21"
