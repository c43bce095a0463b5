"""A preview of the tool that is chosen in "Clean Up": the motion now, and what the tool would make of it.

It is found in a timer, after something that matters has changed, and kept here; drawing only reads it. Nothing in the
file knows of it. Handlers, timer and drawing are there only while it is on. After a tool was used, what was before is
kept until the next one, undo, redo, another setting, or another file.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np
from bpy.app.handlers import persistent

from ...errors import AnimePoseError
from .. import compat
from . import preview_drawing
from .preview_motion import Body, Ends, Motion
from .preview_paths import paths_of
from .preview_state import keys_of, settings_of, state_of
from .preview_tools import AFTERWARDS, NOTHING_TO_SEE, planned
from .scope import Scope, refuse_unusable, rigs_of, wanted_of
from .tools import CHANGES

SOON_S = 0.03
SLOW_S = 0.1
"""A preview that takes longer waits until settings rest."""

BUSY_S = 1.0
DONE = "Done: the armature itself is after, grey is before."
LEAST_M = 1e-4
"""Bones that move by less everywhere count as unmoved."""


@dataclass(frozen=True, eq=False)
class Compared:
    """One armature's motion before and after."""

    rig: str
    """Name of the object."""
    before: Ends
    after: Ends
    shown: np.ndarray
    """(N,) bool, bones to draw: those that can be known and seen, and are elsewhere at some frame."""
    paths: np.ndarray
    """(K,) bones whose tails leave a path."""
    done: bool
    """Whether the tool was used, so that the armature itself shows what is after."""


@dataclass(frozen=True, eq=False)
class Preview:
    """What is to be drawn."""

    scene: str
    rigs: tuple[Compared, ...] = ()
    said: str = ""
    """Why there is nothing to see, or not all."""
    rate: float = 24.0
    """Frames a second."""


@dataclass(eq=False)
class _Session:
    """While the preview is on."""

    scene: str
    shown: Preview
    state: tuple[Any, ...] = ()
    """What the preview was made from."""
    keys: int = 0
    """Of the keys it was made from."""
    now: dict[int, tuple[tuple[Any, ...], Motion, Ends]] = field(default_factory=dict)
    """Armature's `session_uid` → what its motion was read from, and the motion: settings change more often."""
    remembered: dict[int, Ends] = field(default_factory=dict)
    """Armature's `session_uid` → its motion before the tool that was used last."""
    settings: tuple[Any, ...] = ()
    """Those that it was used with."""
    keys_touched: bool = True
    due: float = 0.0
    took_s: float = 0.0


_session: _Session | None = None


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether there is a preview of a scene."""
    return _session is not None and _session.scene == scene.name


def current() -> Preview | None:
    """What is to be drawn; None if the preview is off."""
    return _session.shown if _session is not None else None


def turn_on(context: bpy.types.Context) -> None:
    """Begin, in the context's scene."""
    global _session
    turn_off()
    scene = context.scene
    _session = _Session(scene.name, Preview(scene.name))
    for name, handler in _HANDLERS.items():
        getattr(bpy.app.handlers, name).append(handler)
    preview_drawing.begin(current)
    ask()


def turn_off() -> None:
    """End; nothing is left."""
    global _session
    _session = None
    preview_drawing.end()
    for name, handler in _HANDLERS.items():
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)


def ask() -> None:
    """Look soon whether the preview still holds."""
    if _session is None:
        return
    waiting = bpy.app.timers.is_registered(_look)
    if not waiting or _session.took_s > SLOW_S:
        _session.due = time.monotonic() + min(max(2 * _session.took_s, SOON_S), 0.5)
    if not waiting:
        bpy.app.timers.register(_look, first_interval=SOON_S)


def _look() -> float | None:
    """The timer."""
    if _session is None:
        return None
    left = _session.due - time.monotonic()
    if left > 0:
        return left
    if bpy.app.is_job_running("RENDER"):
        return BUSY_S  # it reads the scene in a thread of its own
    window = _window_of(_session.scene)
    if window is None:
        return None
    with bpy.context.temp_override(window=window):
        bring_up_to_date(bpy.context)
    return None


def _window_of(scene: str) -> bpy.types.Window | None:
    """A window that shows a scene: a timer has none by itself."""
    manager = bpy.context.window_manager
    return next((one for one in manager.windows if one.scene.name == scene), None) if manager is not None else None


def bring_up_to_date(context: bpy.types.Context) -> bool:
    """Find the preview anew if what it was made from has changed; whether it had."""
    if _session is None or context.scene.name != _session.scene:
        return False
    rigs = rigs_of(context)
    state = state_of(context, rigs)
    of_selected = context.scene.animepose_cleanup.frames == "KEYS"
    touched = _session.keys_touched or of_selected
    keys = keys_of(rigs, selection=of_selected) if touched else _session.keys
    _session.keys_touched = False
    if state == _session.state and keys == _session.keys:
        return False
    if state[0] != _session.settings:
        _session.remembered.clear()
    _session.state, _session.keys = state, keys
    begun = time.monotonic()
    _session.shown = _made(context, rigs, _session)
    _session.took_s = time.monotonic() - begun
    preview_drawing.redraw()
    return True


@contextlib.contextmanager
def remembering(context: bpy.types.Context) -> Iterator[None]:
    """While the preview is on and the block succeeds: show what was before it, until something else is done."""
    if _session is None or context.scene.name != _session.scene:
        yield
        return
    before: dict[int, Ends] = {}
    for rig in rigs_of(context):
        with contextlib.suppress(AnimePoseError):
            body = Body(rig)
            before[rig.session_uid] = body.ends(body.motion())
    yield
    if _session is not None:
        _session.remembered, _session.settings = before, settings_of(context.scene.animepose_cleanup)
        _session.state, _session.keys_touched = (), True
        ask()


def _made(context: bpy.types.Context, rigs: list[bpy.types.Object], session: _Session) -> Preview:
    """The preview of what is selected."""
    scene, remembered = context.scene, session.remembered
    settings = scene.animepose_cleanup
    scope: Scope = settings.scope()
    rate = scene.render.fps / scene.render.fps_base
    if settings.tool in NOTHING_TO_SEE and not remembered:
        return Preview(scene.name, said=NOTHING_TO_SEE[settings.tool])
    compared, hidden = [], 0
    try:
        if settings.tool in CHANGES and not scope.kinds:
            raise AnimePoseError("Nothing is chosen to be changed.", "Choose rotations or locations.")
        for rig, wanted in wanted_of(refuse_unusable(rigs, scope), scope).items():
            body = Body(rig)
            motion, now = _now(body, session)
            was = remembered.get(rig.session_uid)
            done = was is not None and was.points.shape[1] == now.points.shape[1]
            if was is not None and done:
                before, after = was, now
            else:
                plan = planned(context, rig, wanted, scope, settings, motion)
                if plan is None:
                    return Preview(scene.name, said=AFTERWARDS)
                before, after = now, body.ends(plan)
            names = body.armature.names[1:]
            known = body.followed(now, preview_drawing.own_frame(rig, scene.frame_current_final))
            seen = np.isin(names, compat.visible_bones(rig))
            hidden += int((seen & ~known).sum())
            selected = compat.selected_bones(rig) if rig.mode == "POSE" else []
            paths = paths_of(names, body.armature.parents[1:] - 1, selected, known & seen)
            compared.append(Compared(rig.name, before, after, known & seen & _moved(before, after), paths, done))
    except AnimePoseError as error:
        return Preview(scene.name, said=str(error))
    if not any(one.shown.any() for one in compared):
        return Preview(scene.name, said="Nothing moves by it.")
    said = DONE if any(one.done for one in compared) else ""
    if hidden:
        said = f"{said} {hidden} bones that constraints or drivers move are left out.".strip()
    return Preview(scene.name, tuple(compared), said, rate)


def _now(body: Body, session: _Session) -> tuple[Motion, Ends]:
    """What an armature's action holds, read only if it may have changed."""
    _, time_of, *of_rigs = session.state
    uid = body.rig.session_uid
    read_from = (time_of, session.keys, next(one for one in of_rigs if one[0] == uid))
    if uid not in session.now or session.now[uid][0] != read_from:
        motion = body.motion()
        session.now = {**session.now, uid: (read_from, motion, body.ends(motion))}
    return session.now[uid][1:]


def _moved(before: Ends, after: Ends) -> np.ndarray:
    """(N,) bool, bones that are elsewhere afterwards at any frame: only they are worth a ghost."""
    if not np.array_equal(before.frames, after.frames) or before.points.shape != after.points.shape:
        return np.ones(after.points.shape[1], dtype=bool)
    apart = np.abs(before.points - after.points)
    return ~(np.nan_to_num(apart, nan=1.0).max(axis=(0, 2, 3)) < LEAST_M)


@persistent
def _after_update(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    if _session is not None:
        _session.keys_touched |= depsgraph.id_type_updated("ACTION")
        ask()


@persistent
def _after_undo(*_: object) -> None:
    if _session is not None:
        _session.remembered.clear()
        _session.now.clear()
        _session.state, _session.keys_touched = (), True
        ask()


@persistent
def _before_load(*_: object) -> None:
    turn_off()


_HANDLERS = {
    "depsgraph_update_post": _after_update,
    "undo_post": _after_undo,
    "redo_post": _after_undo,
    "load_pre": _before_load,
}
