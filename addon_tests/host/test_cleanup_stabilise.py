"""A body that drifts and trembles over its standing feet is brought back; nothing but its place changes."""

from __future__ import annotations

import bpy
import numpy as np

from addon_tests.host.cleanup_rigs import chain, co, everything_of, key
from addon_tests.host.footstep_rigs import FRAMES, curves, known, mixamo, person, registered, rigify, same
from addon_tests.host.retarget_rigs import error_of
from animepose_blender.host import compat
from animepose_blender.host.cleanup.run import Done
from animepose_blender.host.cleanup.scope import Scope
from animepose_blender.host.cleanup.stabilise import Steadying, steady_motion
from animepose_blender.host.cleanup.standing import standing_of
from animepose_blender.host.cleanup.write_back import KeyOn
from animepose_blender.host.footsteps import session
from animepose_blender.host.retarget.read_rig import read_rig

STANDS = 0.5
WHOLE = Scope()


def steady(rig: bpy.types.Object, scope: Scope = WHOLE, **how: object) -> Done:
    return steady_motion(bpy.context, [rig], scope, Steadying(**how))  # type: ignore[arg-type]


def soles(rig: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """(F, 4, 3) heels and toes in the world, and (F, 4) bool, when they stand."""
    found = standing_of(bpy.context, rig, read_rig(bpy.context, rig), (1, FRAMES))
    return found.motion.sole_m.reshape(-1, 4, 3), found.firm > STANDS


def drift_mm(points_m: np.ndarray, stands: np.ndarray) -> float:
    """How far standing points get from frame to frame, on average."""
    steps = np.linalg.norm(np.diff(points_m, axis=0), axis=-1)
    return float(1000 * steps[stands[1:] & stands[:-1]].mean())


def shaken(rig: bpy.types.Object, bone: str, seed: int = 2) -> np.ndarray:
    """(F, 3) what its place is shaken by: a slow drift of centimetres, and trembling."""
    random = np.random.default_rng(seed)
    time = np.arange(FRAMES)[:, None]
    off = 0.02 * np.sin(time / [11.0, 13.0, 17.0]) + random.normal(size=(FRAMES, 3)) * 0.002
    for curve in compat.curves_of(rig):
        if curve.data_path == f'pose.bones["{bone}"].location':
            assert len(curve.keyframe_points) == FRAMES
            for point, value in zip(curve.keyframe_points, off[:, curve.array_index], strict=True):
                point.co[1] += value
            curve.update()
    return off


def test_what_drifts_and_trembles_over_its_feet_is_brought_back():
    with registered():
        for made, bone in ((person, "pelvis"), (mixamo, "mixamorig:pelvis")):
            rig = made()
            before, stands = soles(rig)
            shaken(rig, bone)
            others = curves(rig, (f'"{bone}"].location',))
            worse = drift_mm(soles(rig)[0], stands)
            steady(rig)
            after, _ = soles(rig)
            assert worse > 3 and drift_mm(after, stands) < max(0.35 * worse, 1.5 * drift_mm(before, stands))
            assert same(curves(rig, (f'"{bone}"].location',)), others)


def test_axes_and_strength():
    with registered():
        rig = person()
        shaken(rig, "pelvis")
        before, stands = soles(rig)
        steady(rig, upright=False)
        level, _ = soles(rig)
        assert np.abs(level[..., 2] - before[..., 2]).max() < 1e-5
        assert drift_mm(level * [1, 1, 0], stands) < 0.5 * drift_mm(before * [1, 1, 0], stands)
        steady(rig, level=False, strength=0.5)
        up, _ = soles(rig)
        assert np.abs((up - level)[..., :2]).max() < 1e-5 and np.abs((up - level)[..., 2]).max() > 1e-3
        assert "Neither" in str(error_of(lambda: steady(rig, level=False, upright=False)))


def test_the_range_counts_and_keys_stay_where_they_are():
    with registered():
        rig = person()
        shaken(rig, "pelvis")
        before = curves(rig)
        scene = bpy.context.scene
        scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 20, 40
        steady(rig, Scope("SCENE", 4))
        changed = [path for path, keys in curves(rig).items() if not np.array_equal(keys["co"], before[path]["co"])]
        assert {path for path, _ in changed} == {'pose.bones["pelvis"].location'}
        for path in changed:
            old, new = before[path]["co"], curves(rig)[path]["co"]
            moved = np.flatnonzero(np.abs(new[:, 1] - old[:, 1]) > 1e-6)
            assert np.array_equal(old[:, 0], new[:, 0]) and old[moved, 0].min() >= 20 and old[moved, 0].max() <= 40


def test_keys_that_are_far_apart_are_moved_or_added():
    with registered():
        rig = person()
        shaken(rig, "pelvis")
        for curve in compat.curves_of(rig):
            if curve.data_path == 'pose.bones["pelvis"].location':
                for point in reversed([p for p in curve.keyframe_points if (p.co[0] - 1) % 6]):
                    curve.keyframe_points.remove(point)
        stands = soles(rig)[1]
        worse = drift_mm(soles(rig)[0], stands)
        steady(rig)
        places = [c for c in compat.curves_of(rig) if c.data_path == 'pose.bones["pelvis"].location']
        assert all(len(co(curve)) == 12 for curve in places)
        steady(rig, key_on=KeyOn.FRAMES)
        assert all(len(co(curve)) > 60 for curve in places) and drift_mm(soles(rig)[0], stands) < 0.5 * worse


def test_a_control_rig_by_fk_is_steadied_and_one_by_ik_says_why_not():
    with registered():
        rig = rigify("fk")
        place = next(c.data_path for c in compat.curves_of(rig) if c.data_path.endswith("location"))
        bone = place.split('"')[1]
        stands = soles(rig)[1]
        shaken(rig, bone)
        worse = drift_mm(soles(rig)[0], stands)
        steady(rig)
        assert drift_mm(soles(rig)[0], stands) < 0.5 * worse
    with registered():
        rig = rigify("ik")
        before = everything_of(rig)
        assert "do not follow" in str(error_of(lambda: steady(rig))) and everything_of(rig) == before


def test_what_cannot_be_steadied_is_said_and_stays():
    with registered():
        rig = chain("XYZ")
        key(rig.pose.bones["a"], "location", [1, 9], np.eye(3)[:2])
        before = everything_of(rig)
        assert "No foot" in str(error_of(lambda: steady(rig))) and everything_of(rig) == before
        rig = person()
        for curve in compat.curves_of(rig):
            curve.lock = curve.data_path.endswith("location")
        before = everything_of(rig)
        assert "two location keys" in str(error_of(lambda: steady(rig))) and everything_of(rig) == before
        for curve in compat.curves_of(rig):
            curve.lock = False
        session.find(bpy.context, rig)
        before = everything_of(rig)
        assert "hold its feet already" in str(error_of(lambda: steady(rig))) and everything_of(rig) == before
        assert known(rig)


def test_broken_keys_stay_and_what_is_driven_is_left():
    with registered():
        rig = person()
        shaken(rig, "pelvis")
        places = [c for c in compat.curves_of(rig) if c.data_path == 'pose.bones["pelvis"].location']
        thigh = next(c for c in compat.curves_of(rig) if '"thigh.L"' in c.data_path)
        places[1].keyframe_points[30].co[1] = float("nan")
        thigh.keyframe_points[50].co[1] = float("nan")
        stands = soles(rig)[1]
        before = [co(curve)[:, 1] for curve in places]
        assert steady(rig).curves == 3
        after = [co(curve)[:, 1] for curve in places]
        assert np.isnan(after[1][30]) and np.isfinite(np.delete(after[1], 30)).all() and np.isfinite(after[0]).all()
        assert not any(np.array_equal(one, other) for one, other in zip(before, after, strict=True)) and stands.any()
        rig.driver_add('pose.bones["pelvis"].location', 2)
        before = [co(curve)[:, 1] for curve in places]
        shaken(rig, "pelvis", seed=5)
        kept = co(places[2])[:, 1]
        steady(rig)
        assert np.array_equal(co(places[2])[:, 1], kept) and not np.array_equal(co(places[0])[:, 1], before[0])
