"""The strip of footsteps: where it is shown, what the mouse does to it, and that all else passes by.

Without a window there is no region to draw in or to point at: places and events are given by hand, everything behind
them is Blender's own.
"""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

import animepose_blender
from animepose_blender.core.footsteps.spans import LEFT, RIGHT, Footstep
from animepose_blender.core.footsteps.strip_layout import Hit, Part
from animepose_blender.core.synthetic import walking_take
from animepose_blender.host import import_take
from animepose_blender.host.cleanup.keys import everything
from animepose_blender.host.compat import curves_of
from animepose_blender.host.footsteps import drag, keymap, strip
from animepose_blender.host.footsteps.properties import footsteps_of, keep_steps, steps_of

WIDTH_PX, HEIGHT_PX, PX_PER_FRAME, FIRST = 1000, 200, 10.0, -5.0
STEPS = [Footstep(10, 20, LEFT), Footstep(18, 30, RIGHT), Footstep(40, 60, LEFT)]
DRAG, REMOVE, CURSOR = drag.CLASSES


@pytest.fixture
def rig() -> bpy.types.Object:
    """A person who walks, with footsteps."""
    rig = import_take.import_take(bpy.context, walking_take(frames=70, gaps=False), None).armatures[0]
    bpy.context.view_layer.objects.active = rig
    assert bpy.ops.animepose.find_footsteps() == {"FINISHED"}
    keep_steps(footsteps_of(rig), STEPS)
    bpy.context.scene.timeline_markers.clear()
    return rig


@pytest.fixture
def editor(rig) -> SimpleNamespace:
    """A Dope Sheet of a given place and size, as a context; what it is told is kept in `told`."""
    told: list[object] = []
    view = SimpleNamespace(region_to_view=lambda x, y: (FIRST + x / PX_PER_FRAME, y))
    space = SimpleNamespace(type="DOPESHEET_EDITOR", mode="DOPESHEET", show_markers=True, show_pose_markers=False)
    window = SimpleNamespace(
        cursor_set=lambda name: told.append(("cursor", name)),
        cursor_modal_set=lambda name: told.append(("modal", name)),
        cursor_modal_restore=lambda: told.append(("modal", None)),
    )
    return SimpleNamespace(
        space_data=space,
        region=SimpleNamespace(type="WINDOW", width=WIDTH_PX, height=HEIGHT_PX, view2d=view),
        area=SimpleNamespace(header_text_set=lambda text: told.append(("header", text))),
        preferences=SimpleNamespace(system=SimpleNamespace(ui_scale=1.0, pixel_size=1.0)),
        window_manager=SimpleNamespace(windows=[], modal_handler_add=lambda operator: None),
        active_object=rig, scene=bpy.context.scene, window=window, told=told,
    )  # fmt: skip


def _event(editor: SimpleNamespace, frame: float, foot: int, kind: str = "MOUSEMOVE", value: str = "NOTHING"):
    layout = strip.shown_in(editor).layout
    x = float(layout.across(np.array(float(frame))))
    y = float(layout.foot_of_row(np.array(foot)) + layout.row_px / 2)
    return SimpleNamespace(type=kind, value=value, mouse_region_x=x, mouse_region_y=y)


def _operator(kind: type) -> SimpleNamespace:
    """An operator as far as its own methods go; Blender alone can make a real one."""
    said: list[str] = []
    made = SimpleNamespace(report=lambda level, text: said.append(text), said=said)
    for name in ("_show", "_finish", "cancel", "modal", "invoke"):
        if name in vars(kind):
            setattr(made, name, vars(kind)[name].__get__(made))
    return made


def _drag(editor: SimpleNamespace, foot: int, start: float, stop: float, last: str = "LEFTMOUSE") -> set[str]:
    operator = _operator(DRAG)
    begun = operator.invoke(editor, _event(editor, start, foot, "LEFTMOUSE", "PRESS"))
    if begun != {"RUNNING_MODAL"}:
        return begun
    for frame in np.linspace(start, stop, 5):
        assert operator.modal(editor, _event(editor, frame, foot)) == {"RUNNING_MODAL"}
        assert strip.dragged is not None and steps_of(footsteps_of(editor.active_object)) == operator._steps
    done = operator.modal(editor, _event(editor, stop, foot, last, "RELEASE" if last == "LEFTMOUSE" else "PRESS"))
    assert strip.dragged is None and editor.told[-2:] == [("modal", None), ("header", None)]
    return done


def _motion(rig: bpy.types.Object) -> list[bytes]:
    return [column.tobytes() for curve in curves_of(rig) for column in everything(curve).values()]


def test_the_strip_is_there_and_nowhere_else(rig, editor):
    shown = strip.shown_in(editor)
    assert shown.starts.tolist() == [10, 18, 40] and shown.ends.tolist() == [20, 30, 60]
    assert shown.feet.tolist() == [LEFT, RIGHT, LEFT] and shown.rig == rig and not shown.idle
    assert shown.layout.frame_at(50) == pytest.approx(0)
    elsewhere = (
        ("space_data", "mode", "GPENCIL"), ("space_data", "type", "NLA_EDITOR"), ("region", "type", "CHANNELS"),
        ("region", "height", 40),
    )  # fmt: skip
    for holder, name, value in elsewhere:
        before = getattr(getattr(editor, holder), name)
        setattr(getattr(editor, holder), name, value)
        assert strip.shown_in(editor) is None
        setattr(getattr(editor, holder), name, before)
    editor.scene.animepose_show_footsteps = False
    assert strip.shown_in(editor) is None
    editor.scene.animepose_show_footsteps = True
    editor.active_object = None
    assert strip.shown_in(editor) is None
    editor.active_object = rig
    bpy.ops.animepose.forget_footsteps()
    assert strip.shown_in(editor) is None


def test_the_graph_editor_has_one_too(editor):
    editor.space_data = SimpleNamespace(type="GRAPH_EDITOR", mode="FCURVES", show_markers=True)
    assert strip.shown_in(editor) is not None
    editor.space_data.mode = "DRIVERS"
    assert strip.shown_in(editor) is None


def test_the_strip_lies_above_scroll_bar_and_markers(editor):
    assert strip.shown_in(editor).layout.low_px == 12
    editor.scene.timeline_markers.new("Here", frame=4)
    assert strip.shown_in(editor).layout.low_px == 42
    editor.space_data.show_markers = False
    assert strip.shown_in(editor).layout.low_px == 12


def test_footsteps_that_pin_nothing_are_faint(editor):
    bpy.ops.animepose.set_foot_lock(mode="never")
    assert strip.shown_in(editor).idle
    tints = strip._tints(bpy.context.preferences.themes[0], np.array([LEFT, RIGHT]), 1, True)
    assert (tints[:, 3] < 0.5).all() and tints[0, 2] > tints[0, 0] and tints[1, 0] > tints[1, 2]


def test_in_tweak_mode_frames_are_where_blender_shows_them():
    mapped = SimpleNamespace(use_tweak_mode=True, nla_tweak_strip_time_to_scene=lambda frame: 41 + frame / 2)
    assert strip._to_scene(mapped) == (41.0, 0.5)
    assert strip._to_scene(SimpleNamespace(use_tweak_mode=False)) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("foot", "start", "stop", "becomes"),
    [
        (LEFT, 20, 25, Footstep(10, 25, LEFT)), (LEFT, 40, 2, Footstep(22, 60, LEFT)),
        (RIGHT, 24, 34, Footstep(28, 40, RIGHT)), (RIGHT, 60, 50, Footstep(50, 60, RIGHT)),
    ],
)  # fmt: skip
def test_a_drag_changes_one_footstep_and_the_motion_at_once(rig, editor, foot, start, stop, becomes):
    before = _motion(rig)
    assert _drag(editor, foot, start, stop) == {"FINISHED"}
    now = steps_of(footsteps_of(rig))
    assert becomes in now and len(set(STEPS) & set(now)) == (3 if len(now) == 4 else 2)
    assert _motion(rig) != before


@pytest.mark.parametrize("how", ["ESC", "RIGHTMOUSE"])
def test_a_drag_can_be_given_up(rig, editor, how):
    before = _motion(rig)
    assert _drag(editor, LEFT, 20, 30, how) == {"CANCELLED"}
    assert steps_of(footsteps_of(rig)) == STEPS and _motion(rig) == before


def test_a_click_chooses_and_changes_nothing(rig, editor):
    assert _drag(editor, RIGHT, 24, 24.2) == {"CANCELLED"}
    assert footsteps_of(rig).active == 1 and steps_of(footsteps_of(rig)) == STEPS


def test_the_header_tells_the_frames(editor):
    _drag(editor, LEFT, 20, 25)
    assert any(name == "header" and text and "end: 25 (+5)" in text for name, text in editor.told)
    assert drag.told(STEPS, Hit(Part.WHOLE, RIGHT, 1), Footstep(20, 32, RIGHT)).startswith("Right foot: 20 to 32 (+2)")
    assert drag.told(STEPS, Hit(Part.START, LEFT, 0), None).startswith("Left foot, start: 10 (+0), end 20")
    assert "new footstep: 3 to 5" in drag.told(STEPS, Hit(Part.EMPTY, LEFT, -1), Footstep(3, 5, LEFT))


def test_a_footstep_under_the_pointer_is_removed(rig, editor):
    assert _operator(REMOVE).invoke(editor, _event(editor, 50, LEFT)) == {"FINISHED"}
    assert steps_of(footsteps_of(rig)) == STEPS[:2]
    assert _operator(REMOVE).invoke(editor, _event(editor, 35, LEFT)) == {"PASS_THROUGH"}
    assert steps_of(footsteps_of(rig)) == STEPS[:2]


def test_beside_the_strip_everything_passes_by(rig, editor):
    for y in (5, 100, 190):
        event = SimpleNamespace(type="LEFTMOUSE", value="PRESS", mouse_region_x=250, mouse_region_y=y)
        for kind in (DRAG, REMOVE, CURSOR):
            assert _operator(kind).invoke(editor, event) == {"PASS_THROUGH"}
    assert not editor.told and steps_of(footsteps_of(rig)) == STEPS


def test_the_pointer_tells_ends_from_bars_and_is_given_back(editor):
    for frame in (20, 15, 35):
        assert _operator(CURSOR).invoke(editor, _event(editor, frame, LEFT)) == {"PASS_THROUGH"}
    away = SimpleNamespace(mouse_region_x=250, mouse_region_y=150)
    for _ in range(2):
        _operator(CURSOR).invoke(editor, away)
    assert [name for _, name in editor.told] == ["MOVE_X", "HAND", "CROSSHAIR", "DEFAULT"]


def test_what_cannot_be_changed_is_said_and_not_dragged(rig, editor, monkeypatch):
    monkeypatch.setattr(drag.session, "why_not", lambda rig: "The action is linked.")
    operator = _operator(DRAG)
    assert operator.invoke(editor, _event(editor, 15, LEFT)) == {"CANCELLED"}
    assert operator.said == ["The action is linked."] and strip.dragged is None


def test_a_change_from_elsewhere_ends_a_drag(rig, editor):
    operator = _operator(DRAG)
    assert operator.invoke(editor, _event(editor, 15, LEFT)) == {"RUNNING_MODAL"}
    keep_steps(footsteps_of(rig), STEPS[1:])
    editor.told.clear()
    assert operator.modal(editor, SimpleNamespace(type="MOUSEMOVE", value="NOTHING")) == {"CANCELLED"}
    assert strip.dragged is None and editor.told == [("modal", None), ("header", None)]
    assert steps_of(footsteps_of(rig)) == STEPS[1:]


def test_without_an_editor_the_operators_cannot_be_called():
    for name in ("drag_footstep", "remove_footstep_here", "footstep_cursor"):
        assert not getattr(bpy.ops.animepose, name).poll()


def test_keys_handlers_and_property_go_with_the_add_on():
    def ours() -> list[str]:
        config = bpy.context.window_manager.keyconfigs.addon
        return [
            item.idname
            for name in keymap.KEYMAPS
            if name in config.keymaps
            for item in config.keymaps[name].keymap_items
            if item.idname.startswith("animepose.")
        ]

    assert len(ours()) == len(keymap.KEYS) * len(keymap.KEYMAPS) and len(strip._handles) == 2
    animepose_blender.unregister()
    assert not ours() and not strip._handles and not keymap._added
    assert not hasattr(bpy.types.Scene, "animepose_show_footsteps")
    animepose_blender.register()
    assert len(ours()) == len(keymap.KEYS) * len(keymap.KEYMAPS)
