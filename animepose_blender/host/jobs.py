"""The one job of this Blender: started from the panel, followed by a timer, imported in one undo step.

A timer of `bpy.app.timers` follows the worker, not a modal operator: it survives closed areas and loaded files,
swallows no events and leaves Blender usable. Nothing of this is saved in the .blend. Loading another file stops the
job, since its result would not belong there; closing Blender or disabling the add-on stops it too.
"""

from __future__ import annotations

import atexit
import contextlib
import sys
import traceback
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ..errors import AnimePoseError, ExitCode
from ..protocol import CancelledMessage, Error, JobRequest, Message, Progress, Result, Warning_
from .addon_state import runtime_folder
from .whole_files import reported_reason
from .worker_client import WorkerClient

POLL_S = 0.15
STAGE_WORDS: dict[str, str] = {
    "open": "Opening the clip",
    "detect": "Finding and following people",
    "track": "Telling people apart",
    "lift": "Finding depth",
    "camera": "Finding the camera's path",
    "place": "Placing them in space",
    "solve": "Solving skeletons",
    "write": "Writing the take",
}


class Phase(Enum):
    """Where the job is."""

    IDLE = 0
    STARTING = 1
    """The worker loads its libraries."""
    RUNNING = 2
    CANCELLING = 3
    READY = 4
    """The take is written and waits for a moment in which it can be imported."""
    DONE = 5
    FAILED = 6
    STOPPED = 7


ACTIVE = (Phase.STARTING, Phase.RUNNING, Phase.CANCELLING, Phase.READY)


@dataclass
class Job:
    """What the panel shows; replaced by each start."""

    phase: Phase = Phase.IDLE
    scene_uid: int = 0
    """Of the scene that gets the take; unlike its name it stays, also over undo."""
    clip: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    stage: str = "open"
    fraction: float = 0.0
    seconds_left: float | None = None
    take: str = ""
    headline: str = ""
    remedy: str = ""
    warnings: list[str] = field(default_factory=list)
    log_path: str = ""

    @property
    def active(self) -> bool:
        """Whether it still goes on."""
        return self.phase in ACTIVE


job = Job()
_client: WorkerClient | None = None


def start(python: str, request: JobRequest, scene: bpy.types.Scene, options: dict[str, Any]) -> None:
    """Start estimating; the take is imported into the scene when it is there.

    Raises:
        AnimePoseError: if a job goes on already, or the worker cannot be started.
    """
    global job, _client
    if job.active:
        raise AnimePoseError("A video is being imported already.", "Wait for it or cancel it.", ExitCode.USAGE)
    log_path = runtime_folder() / "worker.log"
    _client = WorkerClient(python, request, log_path)
    job = Job(Phase.STARTING, scene.session_uid, request.clip, options, log_path=str(log_path))
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=POLL_S, persistent=True)


def cancel() -> None:
    """Ask the job to stop; what it has written already stays."""
    if job.phase is Phase.READY:
        job.phase = Phase.STOPPED
        job.headline = job.headline or "Cancelled before the import."
        job.remedy = f"The take is at {job.take}."
    elif _client is not None and job.active:
        job.phase = Phase.CANCELLING
        _client.cancel()


def dismiss() -> None:
    """Forget the outcome of the last job."""
    global job
    if not job.active:
        job = Job()


def advance() -> None:
    """Take in what the worker sent, and import its take when it is there. The timer calls this."""
    global _client
    if _client is not None:
        for message in _client.poll():
            _take_in(message)
        if _client.finished:
            _client.close()
            _client = None
    if job.phase is Phase.READY and _client is None:
        _import_if_possible()


def _take_in(message: Message) -> None:
    if isinstance(message, Progress):
        if job.phase is Phase.STARTING:
            job.phase = Phase.RUNNING
        job.stage, job.fraction, job.seconds_left = message.stage, message.fraction, message.seconds_left
    elif isinstance(message, Warning_):
        job.warnings.append(message.message)
    elif isinstance(message, Result):
        cancelled = job.phase is Phase.CANCELLING  # but the worker was done before it heard of it
        job.phase, job.take, job.fraction = Phase.READY, message.take, 1.0
        if cancelled:
            cancel()
    elif isinstance(message, Error):
        job.phase, job.headline, job.remedy = Phase.FAILED, message.message, message.remedy
    elif isinstance(message, CancelledMessage):
        job.phase = Phase.STOPPED
        job.headline = job.headline or "Cancelled. Nothing was changed."


def job_scene() -> bpy.types.Scene | None:
    """The scene that the job was started from; None if it is gone."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == job.scene_uid), None)


def _import_window() -> bpy.types.Window | None:
    """A window that shows the job's scene and in which an import disturbs nothing; None if there is none now.

    Undo in edit, sculpt and paint modes keeps steps of its own kind, and a drag must not be cut short. The scene of
    another window is not overridden: Blender crashed when its operators, with undo, were given one that is not shown.
    """
    for window in bpy.context.window_manager.windows:
        dragging = any(operator.bl_idname.startswith("TRANSFORM_OT_") for operator in window.modal_operators)
        if dragging or window.scene.session_uid != job.scene_uid:
            continue
        with bpy.context.temp_override(window=window):
            if not bpy.context.mode.startswith(("EDIT", "SCULPT", "PAINT", "PARTICLE")):
                return window
    return None


def _import_if_possible() -> None:
    """Run the import operator as one undo step, in the scene the job was started from."""
    if job_scene() is None:
        _fail("The scene that the take was meant for is gone.", f"The take is at {job.take}: use Import Take.")
        return
    window = _import_window()
    if window is None:
        return
    try:
        with bpy.context.temp_override(window=window):
            bpy.ops.animepose.import_take("EXEC_DEFAULT", True, filepath=job.take, **job.options)  # notes the import
    except RuntimeError as error:
        _fail(f"The take could not be imported: {reported_reason(error)}", f"It is at {job.take}: use Import Take.")


def note_import(path: str, what: str, warnings: list[str]) -> None:
    """Show what an import brought: that of this job, or of another take while no job goes on."""
    global job
    if job.phase is not Phase.READY or path != job.take:
        if job.active:
            return
        job = Job()
    job.phase, job.headline = Phase.DONE, f"Imported {what}."
    job.warnings += warnings


def _fail(headline: str, remedy: str) -> None:
    job.phase, job.headline, job.remedy = Phase.FAILED, headline, remedy


def _tick() -> float | None:
    try:
        advance()
    except Exception as error:  # noqa: BLE001 - Blender would drop the timer, and the job could never be cancelled
        traceback.print_exc(file=sys.stderr)
        stop()
        _fail(f"Something unexpected went wrong: {error!r}.", "Please report this as a bug.")
    tag_redraw()
    return POLL_S if job.active or _client is not None else None


def tag_redraw() -> None:
    """Redraw the sidebars and the preferences."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == "UI":
                        region.tag_redraw()
            elif area.type == "PREFERENCES":
                area.tag_redraw()


@persistent
def _stop_for_another_file(*_: object) -> None:
    if job.active:
        job.headline = f"Importing {Path(job.clip).name} was stopped, because another file was opened."
        cancel()
    elif job.phase is Phase.DONE:
        dismiss()  # what was imported is not in the other file


def stop() -> None:
    """End the worker now: Blender closes, or the add-on is disabled."""
    global _client, job
    if _client is not None:
        _client.stop()
        _client = None
    job = Job()


def register() -> None:
    """Stop the job when another file is loaded and when Blender closes."""
    bpy.app.handlers.load_pre.append(_stop_for_another_file)
    atexit.register(stop)


def unregister() -> None:
    """Stop the job and undo `register`."""
    stop()
    atexit.unregister(stop)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    with contextlib.suppress(ValueError):
        bpy.app.handlers.load_pre.remove(_stop_for_another_file)
