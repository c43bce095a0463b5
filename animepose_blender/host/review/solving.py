"""A span solved again in the background: the worker gets a part of the edited take, and its frames become an edit.

Followed by a timer, as `jobs` follows an import. Loading another file, closing Blender and disabling the add-on end
the worker and remove what it was given.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import sys
import tempfile
import traceback
from dataclasses import dataclass
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ...core.review.edited import apply_edits
from ...core.review.edits import Edit
from ...core.review.replay import with_edit
from ...core.review.solved import around, differing, per_frame, save_solved
from ...errors import AnimePoseError, ExitCode
from ...protocol import CancelledMessage, Error, Message, Progress, SolveRequest
from ...take import Take
from .. import jobs
from ..addon_state import runtime_folder
from ..whole_files import reported_reason
from ..worker_client import WorkerClient
from . import session

FOLDER_PREFIX = "animepose-solve-"


@dataclass(eq=False)
class Solving:
    """One span on its way."""

    client: WorkerClient
    folder: str
    """A temporary one, with the worker's take and its answer."""
    scene_uid: int
    take_path: str
    given: Take
    """What the worker was given."""
    person: int
    fraction: float = 0.0
    cancelling: bool = False
    done: bool = False
    """The answer is there and waits for a moment in which it can become an edit."""


solving: Solving | None = None
problem = ""
"""Why the last span was not solved, for the panel."""


def start(
    python: str,
    scene: bpy.types.Scene,
    person: int,
    first: int,
    last: int,
    wrong: bool,
    foot_lock: str | None = None,
    smoothness_s: float | None = None,
) -> None:
    """Start solving the frames `first` to `last` of a person (id) of the scene's review.

    Args:
        wrong, foot_lock, smoothness_s: as in `protocol.SolveRequest`.
    Raises:
        AnimePoseError: if one is being solved already, or the worker or the files cannot be made.
    """
    global solving, problem
    if solving is not None:
        raise AnimePoseError("A span is being solved already.", "Wait for it or cancel it.", ExitCode.USAGE)
    edited, times_s = _edited(scene), session.reviewed(scene).estimate.frame_time_s
    given = around(edited, first, last)
    try:
        folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX)
    except OSError as error:
        raise AnimePoseError(
            f"No temporary folder could be made: {error}.", "Check that the disk has space left."
        ) from error
    try:
        source = given.save(Path(folder, "before.npz"))
        answer = str(Path(folder, "after.npz"))
        start_s, end_s = float(times_s[first]), float(times_s[last])
        request = SolveRequest(str(source), answer, person, start_s, end_s, wrong, foot_lock, smoothness_s)
        client = WorkerClient(python, request, runtime_folder() / "solve.log")
    except AnimePoseError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    solving, problem = Solving(client, folder, scene.session_uid, session.path_of(scene), given, person), ""
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=jobs.POLL_S, persistent=True)


def cancel() -> None:
    """Ask the worker to stop."""
    if solving is not None:
        solving.cancelling = True
        if not solving.client.finished:
            solving.client.cancel()


def advance() -> None:
    """Take in what the worker sent, and make the edit when its answer is there. The timer calls this."""
    if solving is None:
        return
    if not solving.done:
        for message in solving.client.poll():
            _take_in(solving, message)
        if not solving.client.finished:
            return
        solving.client.close()
        solving.done = True
    if problem or solving.cancelling:
        stop()
    else:
        _keep_if_possible(solving)


def _take_in(now: Solving, message: Message) -> None:
    global problem
    if isinstance(message, Progress):
        now.fraction = message.fraction
    elif isinstance(message, Error):
        problem = f"{message.message} {message.remedy}".strip()
    elif isinstance(message, CancelledMessage):
        now.cancelling = True


def _keep_if_possible(now: Solving) -> None:
    """Run the operator that makes the edit as one undo step, in a window that shows the scene, once there is one."""
    global problem
    if not any(scene.session_uid == now.scene_uid for scene in bpy.data.scenes):
        problem = "The scene of the tracks that were solved again is gone."
        stop()
        return
    for window in bpy.context.window_manager.windows:
        dragging = any(operator.bl_idname.startswith("TRANSFORM_OT_") for operator in window.modal_operators)
        if dragging or window.scene.session_uid != now.scene_uid:
            continue
        with bpy.context.temp_override(window=window):
            if bpy.context.mode.startswith(("EDIT", "SCULPT", "PAINT", "PARTICLE")):
                continue  # undo keeps steps of its own kind there
            try:
                bpy.ops.animepose.keep_solved("EXEC_DEFAULT", True)
            except RuntimeError as error:
                problem = reported_reason(error)
        stop()
        return


def kept(scene: bpy.types.Scene) -> list[Edit]:
    """The edits of the scene with one more, whose frames are beside the take now.

    Raises:
        AnimePoseError: if the tracks have changed meanwhile, nothing else came out, or the file cannot be written.
    """
    if solving is None or not solving.done:
        raise AnimePoseError("Nothing was solved again.", "Press Solve Again.")
    given, person = solving.given, solving.person
    now = _edited(scene)
    same = session.path_of(scene) == solving.take_path and person in now.person_id
    if same:
        first = int(abs(now.frame_time_s - given.frame_time_s[0]).argmin())
        there = per_frame(now, now.person_id.tolist().index(person))
        before = per_frame(given, given.person_id.tolist().index(person))
        same = all(
            name in there and there[name][first : first + len(values)].tobytes() == values.tobytes()
            for name, values in before.items()
        )
    if not same:
        raise AnimePoseError(
            "The person's track was changed while it was being solved.", "Press Solve Again once more."
        )
    answer = Take.load(Path(solving.folder, "after.npz"))
    changed = differing(given, answer, person)
    if changed is None:
        raise AnimePoseError("Solving again came to the same motion.", "Mark the span wrong, or choose another one.")
    edit = save_solved(solving.take_path, answer, person, *changed)
    folder = os.path.dirname(solving.take_path)
    return with_edit(session.reviewed(scene).estimate, session.edits_in(scene), edit, folder)


def _edited(scene: bpy.types.Scene) -> Take:
    """The take of the scene's review after the edits, with those who are ignored."""
    folder = os.path.dirname(session.path_of(scene))
    return apply_edits(session.reviewed(scene).estimate, session.edits_in(scene), folder, with_ignored=True)


def _tick() -> float | None:
    global problem
    try:
        advance()
    except Exception as error:  # noqa: BLE001 - Blender would drop the timer, and the worker could never be cancelled
        traceback.print_exc(file=sys.stderr)
        stop()
        problem = f"Something unexpected went wrong: {error!r}. Please report this as a bug."
    jobs.tag_redraw()
    return jobs.POLL_S if solving is not None else None


def stop() -> None:
    """End the worker now, if there is one, and remove what it was given."""
    global solving
    if solving is not None:
        if not solving.client.finished:
            solving.client.stop()
        shutil.rmtree(solving.folder, ignore_errors=True)
        solving = None


@persistent
def _stop_for_another_file(*_: object) -> None:
    global problem
    stop()
    problem = ""


def register() -> None:
    """End the worker when another file is loaded and when Blender closes."""
    bpy.app.handlers.load_pre.append(_stop_for_another_file)
    atexit.register(stop)


def unregister() -> None:
    """End the worker and undo `register`."""
    _stop_for_another_file()
    atexit.unregister(stop)
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    with contextlib.suppress(ValueError):
        bpy.app.handlers.load_pre.remove(_stop_for_another_file)
