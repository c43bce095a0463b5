"""The project's own scripts: what the demo makes, and how it fails."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from animepose_blender.errors import ExitCode

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def load(name):
    spec = importlib.util.spec_from_file_location(f"animepose_scripts_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def demo(monkeypatch, tmp_path):
    """The demo's module, writing to a folder of its own; call it with its arguments."""
    if not Path(sys.executable).with_name("animepose").exists():
        pytest.skip("the console script is not installed here")
    module = load("demo")
    monkeypatch.setattr(module, "OUT", tmp_path / "out")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["demo", *map(str, arguments)])
        return module.main()

    return run


def test_a_file_that_is_no_video_ends_the_demo_with_the_documented_status(demo, tmp_path, capfd):
    (tmp_path / "notes.mp4").write_text("not a video")
    assert demo(tmp_path / "notes.mp4") == ExitCode.BAD_INPUT
    output = capfd.readouterr()
    assert "notes.mp4 is not a video" in output.err
    assert "Traceback" not in output.err
    assert not list((tmp_path / "out").glob("*"))


def test_a_library_that_cannot_be_loaded_is_named_by_its_debian_package(monkeypatch):
    module = load("system_libraries")
    monkeypatch.setattr(module, "_loads", lambda library: library != "libXi.so.6")
    monkeypatch.setattr(sys, "platform", "linux")
    assert module.missing_packages() == ["libxi6"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert module.missing_packages() == []


@pytest.mark.slow
def test_the_demo_makes_a_take_a_scene_and_a_preview_and_measures_them(demo, tmp_path, capfd):
    assert demo() == ExitCode.DONE
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"salsa.take.npz", "salsa.blend", "salsa_preview.mp4", "salsa_preview.png"}
    output = capfd.readouterr().out
    assert "2 people" in output
    assert "mpjpe_mm" in output
