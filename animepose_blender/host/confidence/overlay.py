"""Bones in colours by how sure the take is of them, and a curve of the active bone's, in the viewport.

Drawing reads one frame of takes that are in memory already, and where the bones are. It changes no data, so there is
nothing to undo or to save. Handlers are there only while confidence is shown.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import bpy
import gpu
import numpy as np
from bpy.app.handlers import persistent

from ...core.frame_numbers import nearest_frames
from ...core.review.confidence import DASHES, dashed, look_of
from ...errors import AnimePoseError
from ...take import State
from ..gpu_drawing import draw_lines, redraw_areas
from ..import_plan import frames_in, rate_of
from ..review import session
from .curve import draw_curve
from .people import Person, people_in

EDGE_PX = 2.0
"""What a dark edge adds to the width of a line, so that it is seen on bright and on dark ground."""
EDGE_COLOUR = (0.0, 0.0, 0.0, 0.55)
WIDTH_STEP_PX = 2.0
"""Lines of one width are drawn in one call."""
FINGER_SHARE = 0.4
"""Of the width of a line, for fingers, which lie close together."""
WATCHED = ("SCENE", "COLLECTION", "ARMATURE")
"""Kinds of data after whose changes others may be there, or have other bones."""

_handles: list[Any] = []
_people: dict[int, tuple[tuple[object, ...], list[tuple[Person, np.ndarray]]]] = {}
"""Scene (its session's id) → what was known of it when the people were looked up, and the people with the (F,) frame
numbers of their takes."""


def is_shown() -> bool:
    """Whether confidence is shown."""
    return bool(_handles)


def show(scene: bpy.types.Scene) -> list[str]:
    """Show the confidence of everybody in a scene, and in others that are looked at.

    Returns:
        Why that of some is not known, in sentences.
    Raises:
        AnimePoseError: if it is known of nobody.
    """
    found, problems = people_in(scene)
    if not found:
        raise AnimePoseError(
            " ".join(problems) or "Nobody in the scene moves as a person of a take.",
            "Import a take, or retarget its people.",
        )
    if not _handles:
        for draw, kind in ((_draw_bones, "POST_VIEW"), (_draw_curve, "POST_PIXEL")):
            _handles.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", kind))
        for name, handler in _HANDLERS.items():
            getattr(bpy.app.handlers, name).append(handler)
    _people.clear()
    redraw_areas("VIEW_3D")
    return problems


def hide() -> None:
    """Show no confidence any more."""
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
    for name, handler in _HANDLERS.items():
        with contextlib.suppress(ValueError):
            getattr(bpy.app.handlers, name).remove(handler)
    _people.clear()
    session.forget_everybody()
    redraw_areas("VIEW_3D")


def people_shown(scene: bpy.types.Scene) -> list[tuple[Person, np.ndarray]]:
    """Everybody of a scene with the (F,) frame numbers of their takes; looked up when something may have changed."""
    review = scene.animepose_review
    known = (rate_of(scene), review.take, review.edits, len(scene.animepose_retarget.recipes))
    if scene.session_uid not in _people or _people[scene.session_uid][0] != known:
        found, _ = people_in(scene)
        _people[scene.session_uid] = known, [(person, frames_in(scene, person.take)) for person in found]
    return _people[scene.session_uid][1]


def _draw_bones() -> None:
    context = bpy.context
    if not context.space_data.overlay.show_overlays:
        return
    lines, colours, widths = bones_now(context.scene, context.view_layer, context.space_data)
    if not len(lines):
        return
    gpu.state.depth_test_set("NONE")
    edges = np.broadcast_to(EDGE_COLOUR, colours.shape)
    for tints, more in ((edges, EDGE_PX), (colours, 0.0)):
        for width in np.unique(widths):
            if more == 0 or width > EDGE_PX:
                own = widths == width
                draw_lines(lines[own], tints[own], float(width) + more)


def bones_now(
    scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer, viewport: bpy.types.SpaceView3D | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is drawn in the current frame.

    Args:
        viewport: None = one that shows all that the view layer does.
    Returns:
        (N, 2, 3) lines in the world, (N, 4) colours and (N,) widths in pixels.
    """
    seen_from = {"view_layer": view_layer} | ({"viewport": viewport} if viewport is not None else {})
    parts = [_bones_of(*one) for one in _present(scene) if one[0].visible_get(**seen_from)]
    if not parts:
        return np.empty((0, 2, 3)), np.empty((0, 4)), np.empty(0)
    lines, colours, widths = (np.concatenate(part) for part in zip(*parts, strict=True))
    return lines, colours, np.maximum(WIDTH_STEP_PX * np.round((widths - 1) / WIDTH_STEP_PX) + 1, 1.0)


def _present(scene: bpy.types.Scene) -> Iterator[tuple[bpy.types.Object, Person, int]]:
    """Who is there in the current frame: armature, person and index of the take's frame."""
    now = scene.frame_current_final
    for person, frames in people_shown(scene):
        if not frames[0] - 0.5 <= now <= frames[-1] + 0.5:
            continue
        frame = int(nearest_frames(frames, np.array([now]))[0])
        rig = person.rig()
        if rig is None:
            _people.pop(scene.session_uid, None)  # looked up anew at the next drawing
        elif person.take.state[person.row, frame] != State.ABSENT:
            yield rig, person, frame


def _bones_of(rig: bpy.types.Object, person: Person, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    heads, tails = (_ends(rig, name) for name in ("head", "tail"))
    ends = np.where((person.ends >= 0)[:, None], heads[person.ends], tails[person.places])
    lines = np.stack([heads[person.places], ends], axis=1)
    confidence = person.confidence(person.drawn, slice(frame, frame + 1))[0]
    colours, widths = look_of(confidence)
    widths = np.where(person.fingers, FINGER_SHARE * widths, widths)
    seen = confidence > 0
    return (
        np.concatenate([lines[seen], dashed(lines[~seen])]),
        np.concatenate([colours[seen], np.repeat(colours[~seen], DASHES, axis=0)]),
        np.concatenate([widths[seen], np.repeat(widths[~seen], DASHES)]),
    )


def _ends(rig: bpy.types.Object, name: str) -> np.ndarray:
    """(B, 3) heads or tails of all bones as posed, in the world."""
    flat = np.empty(3 * len(rig.pose.bones), dtype=np.float32)
    rig.pose.bones.foreach_get(name, flat)
    world = np.array(rig.matrix_world)
    return flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]


def _draw_curve() -> None:
    context = bpy.context
    rig = context.active_object
    if rig is None or rig.type != "ARMATURE" or not context.space_data.overlay.show_overlays:
        return
    bone = rig.data.bones.active
    for person, frames in people_shown(context.scene) if bone is not None else ():
        if bone.name in person.slots and person.rig() == rig:
            draw_curve(context, person, bone.name, frames)


@persistent
def _forget(*_: object) -> None:
    hide()


@persistent
def _look_again(*_: object) -> None:
    _people.clear()


@persistent
def _after_change(scene: bpy.types.Scene, graph: bpy.types.Depsgraph | None = None, *_: object) -> None:
    if graph is None or any(graph.id_type_updated(kind) for kind in WATCHED):
        _people.pop(scene.session_uid, None)


_HANDLERS: dict[str, Callable[..., None]] = {
    "load_pre": _forget,
    "undo_post": _look_again,
    "redo_post": _look_again,
    "depsgraph_update_post": _after_change,
}


def register() -> None:
    """Nothing is shown at first."""


def unregister() -> None:
    """Show nothing."""
    hide()


class ANIMEPOSE_OT_show_confidence(bpy.types.Operator):
    """Show or hide how sure the take is of each bone: red and thick is unsure, yellow, green and thin is sure, grey was
    not seen; and a curve of the active bone's confidence"""

    bl_idname = "animepose.show_confidence"
    bl_label = "Show Confidence"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        if is_shown():
            hide()
            return {"FINISHED"}
        try:
            problems = show(context.scene)
        except AnimePoseError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        for problem in problems:
            self.report({"WARNING"}, problem)
        return {"FINISHED"}


CLASSES = (ANIMEPOSE_OT_show_confidence,)
