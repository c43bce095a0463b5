"""The worker's environment with the packages for networks of the weight store: made with them, or added later."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import bpy
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from addon_tests.host_ui.standin_packages import borrow_packages, pins, quiet, use
from animepose_blender.errors import AnimePoseError, Cancelled
from animepose_blender.host import addon_state, environment, environment_check, interpreter, setup_job
from animepose_blender.host.environment import State, Status, add_quality, create_environment, environment_status
from animepose_blender.host.environment_packages import BASIC, QUALITY, Packages
from animepose_blender.host.interpreter import Interpreter, find_interpreter


@pytest.fixture
def offline_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Names of the sets of packages that were installed, which are stood in for."""
    return borrow_packages(monkeypatch, tmp_path)


def test_the_second_set_changes_nothing_of_the_first():
    first, second = ({pin.partition("==")[0] for pin in pins(one.requirements)} for one in (BASIC, QUALITY))
    assert not first & second


def test_what_the_second_set_asks_for_is_in_the_two_sets():
    """By what the packages say that are installed here; those of another version here are passed over."""
    versions = dict(pin.split("==") for one in (BASIC, QUALITY) for pin in sorted(pins(one.requirements)))
    left_out = {"typer", "click", "hf-xet"}  # a command line and a downloader, which are never imported
    looked_at = set()
    for name in (pin.partition("==")[0] for pin in pins(QUALITY.requirements)):
        try:
            if importlib.metadata.version(name).partition("+")[0] != versions[name]:
                continue
        except importlib.metadata.PackageNotFoundError:
            continue
        looked_at.add(name)
        for wish in map(Requirement, importlib.metadata.requires(name) or ()):
            asked = canonicalize_name(wish.name)
            if asked not in left_out and (wish.marker is None or wish.marker.evaluate({"extra": ""})):
                assert wish.specifier.contains(versions[asked]), f"{name} asks for {wish}"
    assert {"torch", "transformers"} <= looked_at


def test_an_environment_is_made_with_both_sets(tmp_path, offline_packages):
    fractions: list[float] = []
    status = create_environment(
        tmp_path / "runtime", sys.executable, "", lambda _, share: fractions.append(share), threading.Event(), True
    )
    assert offline_packages == ["basic", "quality"] and fractions == sorted(fractions)
    assert status.versions["tiny_torch"] == "2" and status.runs_networks
    assert set(status.presets) == {"offline", "quality", "animepose", "dummy"}


def test_the_second_set_is_added_to_an_environment_that_stays(tmp_path, offline_packages):
    create_environment(tmp_path / "runtime", sys.executable, "", quiet, threading.Event())
    kept = tmp_path / "runtime" / "env" / "kept"
    kept.touch()
    status = add_quality(tmp_path / "runtime", quiet, threading.Event())
    assert offline_packages == ["basic", "quality"] and kept.exists()
    assert status.state is State.READY and "quality" in status.presets
    assert environment_status(tmp_path / "runtime") == status


def test_a_repair_keeps_the_second_set_even_after_an_interruption(tmp_path, offline_packages, monkeypatch):
    def interrupted(*_: object) -> None:
        raise Cancelled

    runtime, good = tmp_path / "runtime", environment.install
    create_environment(runtime, sys.executable, "", quiet, threading.Event(), quality=True)
    monkeypatch.setattr(environment, "install", interrupted)
    with pytest.raises(Cancelled):
        create_environment(runtime, sys.executable, "", quiet, threading.Event())
    monkeypatch.setattr(environment, "install", good)
    assert "quality" in create_environment(runtime, sys.executable, "", quiet, threading.Event()).presets


@pytest.mark.parametrize("error", [Cancelled(), AnimePoseError("No route to host.", "Try again.")])
def test_where_the_second_set_cannot_be_added_the_first_still_works(tmp_path, offline_packages, monkeypatch, error):
    def fails(packages: Packages, folder: Path, *_: object) -> None:
        # Part of it is there, and can even be imported.
        (next(folder.glob("lib/python*/site-packages")) / "tiny_torch.py").write_text("__version__, Tensor = '1', 0\n")
        raise error

    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", quiet, threading.Event())
    monkeypatch.setattr(environment, "install", fails)
    with pytest.raises(type(error)):
        add_quality(runtime, quiet, threading.Event())
    environment_check.check_interpreter(environment_status(runtime).python, runtime)
    status = environment_status(runtime)
    assert status.usable and "tiny_torch" not in status.versions
    assert "quality" not in status.presets and "offline" in status.presets


def test_a_second_set_that_does_not_work_says_why_and_the_first_still_works(tmp_path, offline_packages, monkeypatch):
    def broken(packages: Packages, folder: Path, *_: object) -> None:
        site = next(folder.glob("lib/python*/site-packages"))
        (site / "tiny_torch.py").write_text("raise OSError('libtiny.so is missing')\n")

    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", quiet, threading.Event())
    monkeypatch.setattr(environment, "install", broken)
    with pytest.raises(AnimePoseError, match=r"tiny_torch cannot be imported: libtiny\.so is missing"):
        add_quality(runtime, quiet, threading.Event())
    status = environment_status(runtime)
    assert status.state is State.READY and "quality" not in status.presets
    assert "libtiny.so" in status.quality_problem


def test_a_second_set_of_other_versions_does_not_count_until_it_is_renewed(tmp_path, offline_packages):
    runtime = tmp_path / "runtime"
    create_environment(runtime, sys.executable, "", quiet, threading.Event(), quality=True)
    (tmp_path / "quality.lock").write_text("tiny_torch==3")
    status = environment_status(runtime)
    assert status.usable and "quality" not in status.presets
    assert "quality" in add_quality(runtime, quiet, threading.Event()).presets


def test_the_second_set_is_refused_without_an_environment_on_an_old_python_and_on_a_full_disk(
    tmp_path, offline_packages, monkeypatch
):
    runtime = tmp_path / "runtime"
    with pytest.raises(AnimePoseError, match="no environment that works"):
        add_quality(runtime, quiet, threading.Event())
    create_environment(runtime, sys.executable, "", quiet, threading.Event())
    use(monkeypatch, QUALITY=replace(environment.QUALITY, needed_bytes=10**18))
    with pytest.raises(AnimePoseError, match="GB free"):
        add_quality(runtime, quiet, threading.Event())
    ready = runtime / "env" / "ready.json"
    ready.write_text(json.dumps(json.loads(ready.read_text()) | {"versions": {"python": "3.10.12"}}))
    with pytest.raises(AnimePoseError, match=r"the environment has 3\.10\.12"):
        add_quality(runtime, quiet, threading.Event())
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
        use(monkeypatch, BASIC=replace(BASIC, modules=("numpy",)), QUALITY=replace(QUALITY, modules=(module,)))
        environment_check.check_interpreter(sys.executable, tmp_path)
        status = environment.interpreter_status(tmp_path, sys.executable)
        assert status.usable and ("quality" in status.presets) == runs
    assert Status(State.BROKEN).presets == ()


def test_packages_are_added_by_an_operator_where_there_is_an_environment(tmp_path, offline_packages, monkeypatch):
    def add() -> set[str]:
        return bpy.ops.animepose.add_quality_packages()

    monkeypatch.setattr(addon_state, "status", lambda: environment_status(tmp_path / "runtime"))
    monkeypatch.setattr(addon_state, "online_allowed", lambda: True)
    with pytest.raises(RuntimeError, match="Create the environment first"):
        add()
    create_environment(tmp_path / "runtime", sys.executable, "", quiet, threading.Event())
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
