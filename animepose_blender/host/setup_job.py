"""The setup of the worker's environment, running in a thread, as the preferences and the panel see it."""

from __future__ import annotations

import atexit
import sys

import bpy

from ..errors import AnimePoseError, Cancelled, ExitCode
from .addon_state import preferences, refresh_status, runtime_folder, worker_interpreter_path
from .background_task import BackgroundTask
from .environment import add_quality, create_environment
from .environment_check import check_interpreter
from .jobs import tag_redraw

POLL_S = 0.2

task: BackgroundTask | None = None
outcome: AnimePoseError | None = None
"""Why the last setup or check did not succeed."""


def running() -> bool:
    """Whether a setup or a check goes on."""
    return task is not None and not task.finished


def start_create(quality: bool = False) -> None:
    """Make the environment, or make it anew.

    Args:
        quality: with the packages for networks of the weight store; kept where they were.
    Raises:
        AnimePoseError: if something goes on already.
    """
    runtime = runtime_folder()
    settings = preferences()
    named = bpy.path.abspath(settings.base_python) if settings is not None and settings.base_python else ""
    blender_python = sys.executable
    _start(
        "Create",
        lambda report, cancelled: create_environment(runtime, named, blender_python, report, cancelled, quality),
    )


def start_add_quality() -> None:
    """Add the packages for networks of the weight store to the environment.

    Raises:
        AnimePoseError: if something goes on already.
    """
    runtime = runtime_folder()
    _start("Add packages", lambda report, cancelled: add_quality(runtime, report, cancelled))


def start_check() -> None:
    """Try whether the interpreter in use can run the worker.

    Raises:
        AnimePoseError: if something goes on already, or there is no interpreter.
    """
    python, runtime = worker_interpreter_path(), runtime_folder()

    def work(report, cancelled):
        report("Checking", 0.5)
        check_interpreter(python, runtime, cancelled)

    _start("Check", work)


def cancel() -> None:
    """Ask it to stop."""
    if task is not None:
        task.cancel()


def _start(title: str, work) -> None:
    global task, outcome
    if running():
        raise AnimePoseError("A setup goes on already.", "Wait for it or cancel it.", ExitCode.USAGE)
    outcome = None
    task = BackgroundTask(title, work)
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=POLL_S, persistent=True)


def _tick() -> float | None:
    global task, outcome
    tag_redraw()
    if running():
        return POLL_S
    if task is not None:
        outcome = task.error if not isinstance(task.error, Cancelled) else None
        task = None
        refresh_status()
    return None


def stop() -> None:
    """End it now: Blender closes, or the add-on is disabled."""
    global task
    if task is not None:
        task.stop()
        task = None


def register() -> None:
    """Stop a setup when Blender closes."""
    atexit.register(stop)


def unregister() -> None:
    """Stop it and undo `register`."""
    stop()
    atexit.unregister(stop)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
