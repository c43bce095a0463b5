"""The tools of "Clean Up" for whole motions, as buttons: settings, one undo step, and what hinders them."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from addon_tests.host.cleanup_rigs import chain, co, everything_of, key
from addon_tests.host.footstep_rigs import person
from addon_tests.host_ui.test_cleanup_preview import _choices, _evaluated, _preview
from addon_tests.host_ui.test_cleanup_ui import _run, _settings
from animepose_blender.host import compat

TOOLS = ("warp_time", "stabilise_root", "mirror_motion", "make_loop")


@pytest.fixture
def walker() -> bpy.types.Object:
    rig = person(100)
    for one in bpy.context.view_layer.objects:
        one.select_set(one == rig)
    return rig


def _everything(rig: bpy.types.Object) -> list[object]:
    kept = rig.animation_data.action.animepose_footsteps
    steps = [(step.start, step.end, step.foot) for step in kept.steps]
    return [*everything_of(rig), rig.animation_data.action.name, steps, kept.found]


@pytest.mark.parametrize(
    ("tool", "with_footsteps"),
    [(tool, found) for tool in TOOLS for found in (False, True) if tool != TOOLS[1] or not found],
)
def test_every_tool_is_one_undo_step(walker, tool, with_footsteps):
    if with_footsteps:
        bpy.ops.animepose.find_footsteps()
    name, frame = walker.name, bpy.context.scene.frame_current
    bpy.ops.ed.undo_push(message="before")
    before = _everything(walker)
    _settings().plane = "FIGURE"
    assert _run(tool) == {"FINISHED"}
    after = _everything(walker)
    assert after != before and bpy.context.scene.frame_current == frame
    bpy.ops.ed.undo()
    assert _everything(bpy.data.objects[name]) == before
    bpy.ops.ed.redo()
    assert _everything(bpy.data.objects[name]) == after


def test_speed_and_length_are_taken_from_the_settings_or_told(walker):
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 21, 61
    _settings().frames, _settings().border, _settings().pace = "SCENE", 0, 200.0
    _run("warp_time")
    assert walker.animation_data.action.frame_range[1] == 80
    _settings().pace_by, _settings().pace_length = "LENGTH", 60
    _run("warp_time")
    assert walker.animation_data.action.frame_range[1] == 100
    _run("warp_time", pace_by="SPEED", pace=50.0)
    assert walker.animation_data.action.frame_range[1] == 140
    _run("warp_time", pace_by="SPEED", pace=100.0)
    assert walker.animation_data.action.frame_range[1] == 140


def test_what_goes_on_behind_the_scenes_end_is_said(walker, capfd):
    assert bpy.context.scene.frame_end == 100
    _run("warp_time", pace=50.0)
    assert "until frame 199, and the scene ends at frame 100" in "".join(capfd.readouterr())
    _run("warp_time", pace=50.0)
    assert "until frame" not in "".join(capfd.readouterr())


def test_several_armatures_and_one_action_of_two(walker):
    other = chain("XYZ", name="Other")
    key(other.pose.bones["a"], "location", [1, 51], np.eye(3)[:2])
    double = bpy.data.objects.new("Double", other.data)
    bpy.context.scene.collection.objects.link(double)
    double.animation_data_create()
    double.animation_data.action = other.animation_data.action
    if compat.has_slots():
        double.animation_data.action_slot = other.animation_data.action_slot
    for one in (walker, other, double):
        one.select_set(True)
    _run("warp_time", pace=50.0)
    assert co(compat.curves_of(other)[0])[:, 0].tolist() == [1, 101]
    assert walker.animation_data.action.frame_range[1] == 199


def _tweaked(rig: bpy.types.Object, start: int) -> None:
    animation = rig.animation_data
    track = animation.nla_tracks.new()
    track.strips.new("Strip", start, animation.action)
    animation.action = None
    track.is_solo, track.select, track.strips[0].select = False, True, True
    animation.nla_tracks.active = track
    animation.use_tweak_mode = True


def test_a_strip_that_is_edited_is_warped_in_its_own_time():
    rig = chain("XYZ")
    key(rig.pose.bones["a"], "location", np.arange(1, 42), np.repeat(np.arange(41.0)[:, None], 3, axis=1))
    bpy.context.view_layer.objects.active = rig
    _tweaked(rig, 101)
    if not rig.animation_data.use_tweak_mode:
        pytest.skip("this Blender enters tweak mode with its window only")
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 111, 121
    _run("warp_time", frames="SCENE", border=0, pace=50.0)
    frames = co(compat.curves_of(rig)[0])[:, 0]
    assert frames[-1] == 51 and len(frames) == 51
    before = everything_of(rig)
    for tool, choices in (("stabilise_root", {}), ("mirror_motion", {"plane": "FIGURE"}),
                          ("warp_time", {"keep_footsteps": True}), ("make_loop", {})):  # fmt: skip
        with pytest.raises(RuntimeError, match="tweak mode"):
            _run(tool, **choices)
    assert everything_of(rig) == before


@pytest.mark.parametrize("tool", TOOLS)
def test_a_linked_action_stays_and_a_new_one_may_take_its_place(tmp_path, walker, tool):
    action = walker.animation_data.action
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {action}, fake_user=True)
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (source, target):
        target.actions = source.actions
    linked = target.actions[0]
    compat.assign_action(walker.animation_data, linked)
    before = everything_of(walker)
    if tool != "make_loop":  # which makes a new one anyway
        with pytest.raises(RuntimeError, match="linked from another file"):
            _run(tool)
        assert walker.animation_data.action == linked and everything_of(walker) == before
    _run(tool, result="NEW")
    assert walker.animation_data.action != linked and walker.animation_data.action.library is None


@pytest.mark.parametrize("tool", TOOLS)
def test_without_an_action_or_keys_nothing_happens(tool):
    rig = chain("XYZ")
    bpy.context.view_layer.objects.active = rig
    assert not getattr(bpy.ops.animepose, tool).poll()
    rig.animation_data_create().action = bpy.data.actions.new("Empty")
    with pytest.raises(RuntimeError, match="moves nothing"):
        _run(tool)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.context.view_layer.objects.active = None
    assert not getattr(bpy.ops.animepose, tool).poll()


def test_what_is_no_person_says_so_and_keeps_its_motion():
    rig = chain("XYZ")
    key(rig.pose.bones["a"], "location", np.arange(1, 21), np.random.default_rng(1).normal(size=(20, 3)))
    bpy.context.view_layer.objects.active = rig
    before = everything_of(rig)
    for tool, choices in (
        ("stabilise_root", {}),
        ("warp_time", {"keep_footsteps": True}),
        ("mirror_motion", {"plane": "FIGURE"}),
    ):
        with pytest.raises(RuntimeError):
            _run(tool, **choices)
    assert everything_of(rig) == before
    _run("warp_time", pace=50.0)
    assert rig.animation_data.action.frame_range[1] == 39


@pytest.mark.parametrize("tool", ["STEADY", "TIME", "MIRROR", "LOOP"])
def test_each_tool_has_its_settings_and_its_button(tool):
    from animepose_blender.host.cleanup.panels import OPERATORS, SETTINGS, draw_options

    class Layout:
        def __init__(self) -> None:
            self.shown: list[str] = []

        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: self

        def prop(self, settings: object, name: str, **_: object) -> None:
            assert hasattr(settings, name)
            self.shown.append(name)

    layout = Layout()
    draw_options(layout, _settings(), OPERATORS[tool])  # type: ignore[arg-type]
    assert set(SETTINGS.get(OPERATORS[tool], ("pace",))) <= set(layout.shown)


def test_the_preview_of_a_time_warp_is_what_it_then_does(walker):
    scene = bpy.context.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 21, 61
    _settings().frames = "SCENE"
    (shown,) = _preview("TIME", pace=60.0).rigs
    name = walker.name
    assert len(shown.before.frames) == 100
    _run("warp_time")
    last = round(bpy.data.objects[name].animation_data.action.frame_range[1])
    assert shown.after.frames.tolist() == list(range(1, last + 1)) and last > 115
    after = _evaluated(bpy.data.objects[name], shown.after.frames)
    assert np.abs(shown.after.points - after).max() < 5e-3  # the feet are held only then
    compat.curves_of(bpy.data.objects[name])[0].lock = True
    _choices().on = False
    assert "locked" in _preview("TIME", pace=30.0).said
