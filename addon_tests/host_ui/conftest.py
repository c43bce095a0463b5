"""The add-on registered with Blender's Python module, a fresh scene, and jobs that are followed by hand: without a
window no timer runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import pytest

import animepose_blender
from animepose_blender.host import addon_state, jobs, setup_job
from animepose_blender.protocol import JobRequest


@pytest.fixture(autouse=True)
def addon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The add-on, registered in an empty file; its folder is a temporary one."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    monkeypatch.setattr(addon_state, "runtime_folder", lambda: tmp_path / "runtime")
    monkeypatch.setattr(jobs, "runtime_folder", lambda: tmp_path / "runtime")
    monkeypatch.setattr(setup_job, "runtime_folder", lambda: tmp_path / "runtime")
    animepose_blender.register()
    yield
    animepose_blender.unregister()


@pytest.fixture
def settings(tmp_path: Path) -> bpy.types.PropertyGroup:
    """The scene's settings, ready for a trial run."""
    settings = bpy.context.scene.animepose
    settings.clip, settings.preset, settings.take_folder = str(tmp_path / "walk.mp4"), "dummy", str(tmp_path / "takes")
    return settings


@pytest.fixture
def start(settings: bpy.types.PropertyGroup) -> Callable[..., None]:
    """Starts a job whose dummy worker behaves as the given settings say."""

    def start_job(**dummy: object) -> None:
        request = settings.job_request()
        request = JobRequest(request.clip, request.take, preset="dummy", settings=dummy)
        jobs.start(sys.executable, request, bpy.context.scene, settings.import_choices())

    return start_job


@pytest.fixture
def follow() -> Callable[..., None]:
    """Follows the job until it is over, or until a condition holds."""

    def follow_job(until: Callable[[], bool] = lambda: not jobs.job.active) -> None:
        while not until():
            jobs.advance()
            time.sleep(0.01)

    return follow_job
